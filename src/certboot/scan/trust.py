"""The store as OpenSSL reads it fastest: as its hashed directory alone, of which a handshake reads one certificate."""

from __future__ import annotations

import contextlib
import os
import typing

from certboot.store.layout import BUNDLE, CRTS

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from certboot.store.paths import StorePaths

_FILE, _DIRECTORY = "SSL_CERT_FILE", "SSL_CERT_DIR"
_NOWHERE = "no-file"


@contextlib.contextmanager
def as_directory(paths: StorePaths, environ: MutableMapping[str, str]) -> Iterator[None]:
    """Let contexts read the store's directory and not its bundle, where the variables lead to both: they hold the same.

    A bundle is parsed whole for every context, and a scan makes some for each host. A file that is not there is no
    trust; with the variable unset OpenSSL would read the system's.
    """
    file, folder = environ.get(_FILE, ""), environ.get(_DIRECTORY, "")
    generation = os.path.dirname(file)
    both = file == os.path.join(generation, BUNDLE) and folder == os.path.join(generation, CRTS)
    if not (both and paths.holds(file) and os.path.isdir(folder)):
        yield
        return
    environ[_FILE] = os.path.join(folder, _NOWHERE)
    try:
        yield
    finally:
        environ[_FILE] = file
