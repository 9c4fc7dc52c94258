"""What ``trust`` is told to trust: a file or folder, an address, or a server."""

from __future__ import annotations

import os
import typing
from pathlib import Path

from certboot.cli.terminal import additions
from certboot.sources import url
from certboot.sources.added import EXTENSIONS
from certboot.store.inputs import trusted_bundle

if typing.TYPE_CHECKING:
    import argparse
    from datetime import datetime

    from certboot.sources.candidates import Loaded
    from certboot.store.paths import StorePaths

EXPECTED = "say with --sha256 which certificate you expect"


def is_server(target: str) -> bool:
    """Return whether a server is meant: HOST:PORT, or a name with a dot that is no file, and not that of one either."""
    path = Path(target)
    if "://" in target or os.sep in target or path.exists() or path.suffix.lower() in EXTENSIONS:
        return False
    return "." in target or ":" in target


def read(arguments: argparse.Namespace, paths: StorePaths, now: datetime) -> Loaded:
    """Return the CAs in the file or folder, or at the address; raises CertbootError."""
    target, pin = arguments.target, url.expected(arguments.sha256)
    if "://" in target:
        return url.read(target, pin=pin, verify=trusted_bundle(paths), now=now).parse()
    (loaded,) = additions([Path(target)], arguments.password_file)
    return url.pinned(loaded, pin, target)
