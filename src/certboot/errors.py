"""What certboot raises: always a message for the user and a hint at the next step, never a bare exception."""

from __future__ import annotations


class CertbootError(Exception):
    """A failure that the user can understand and act on. Message in lower case, without a final period, value last."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class CertificateError(CertbootError):
    """Bytes that are not the certificate they should be."""


class SourceError(CertbootError):
    """A source of certificates that cannot be read, or holds none that can be used."""


class StoreError(CertbootError):
    """The store cannot be read or written; what was in force before still is."""
