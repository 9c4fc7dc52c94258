"""The source ``certifi``: Mozilla's roots as the installed certifi package carries them."""

from __future__ import annotations

from pathlib import Path

from certboot import files
from certboot.errors import SourceError
from certboot.sources.candidates import Loaded, Unparsed

NAME = "certifi"


def path() -> Path:
    """Return certifi's own file.

    It is found in the package, not by ``certifi.where()``, which others (pip-system-certs, certifi-win32) redirect:
    what is recorded as certifi's must be certifi's.
    """
    try:
        import certifi

        return Path(certifi.__file__).with_name("cacert.pem")
    except ModuleNotFoundError as error:
        raise _unreadable(error) from error


def read() -> Unparsed:
    """Return certifi's own file of certificates; raises SourceError."""
    from certboot.clients.installed import version_of

    try:
        text, version = files.read_regular(path(), files.LARGE), version_of("certifi")
    except (OSError, ModuleNotFoundError) as error:
        raise _unreadable(error) from error

    def parse() -> Loaded:
        from certboot.sources.extract import from_pem

        return from_pem(text, NAME, version)

    return Unparsed(((version, text),), parse)


def _unreadable(error: Exception) -> SourceError:
    message = f"certifi's file of certificates cannot be read: {error}"
    return SourceError(message, "reinstall it: python -m pip install --force-reinstall certifi")
