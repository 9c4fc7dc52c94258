"""The source ``certifi``: Mozilla's roots as the installed certifi package carries them."""

from __future__ import annotations

from importlib import metadata, resources

from certboot.errors import SourceError
from certboot.model import Loaded
from certboot.sources.reading import from_pem

NAME = "certifi"


def load() -> Loaded:
    """Return the certificates of certifi's own file; raises SourceError.

    The file is read from the package, not from ``certifi.where()``, which others (pip-system-certs, certifi-win32)
    redirect: what is recorded as certifi's must be certifi's.
    """
    try:
        text = (resources.files("certifi") / "cacert.pem").read_bytes()
        return from_pem(text, NAME, metadata.version("certifi"))
    except (OSError, ModuleNotFoundError) as error:
        message = f"certifi's file of certificates cannot be read: {error}"
        raise SourceError(message, "reinstall it: python -m pip install --force-reinstall certifi") from error
