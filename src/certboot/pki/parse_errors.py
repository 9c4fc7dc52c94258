"""What a parser of certificates can raise at a stranger's bytes, in one place: all of it becomes CertificateError."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

from certboot.errors import CertbootError, CertificateError, printable

_LONGEST = 200


@contextlib.contextmanager
def parsing(unreadable: str = "not a certificate that the cryptography package can read") -> Iterator[None]:
    """Raise CertificateError, in these words, for whatever cryptography raises, and let it warn of nothing.

    It has no common class for that: ValueError, TypeError, KeyError, OverflowError and six of its own have been seen,
    and PanicException of its Rust, which is no Exception. Of old sins (a serial number of zero, a long name) it warns.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except BaseException as error:
        kind = type(error).__name__
        if isinstance(error, CertbootError) or not (isinstance(error, Exception) or kind == "PanicException"):
            raise
        # By its name: to import it would cost what this module is not to.
        words = "a certificate of a kind that is not supported" if kind == "UnsupportedAlgorithm" else unreadable
        raise CertificateError(f"{words}: {printable(str(error) or kind)[:_LONGEST]}") from error
