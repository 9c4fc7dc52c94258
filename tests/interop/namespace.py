"""A program that sees another ``/etc/ssl/certs``, in a mount namespace of its own. Nothing outside it changes."""

from __future__ import annotations

import shutil
import subprocess
import typing

from authorities import BUNDLE, SYSTEM_CERTS
from support.environments import SYSTEM_PATH

if typing.TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# As root, and as a user who becomes root in a user namespace.
WAYS = ("--mount", "--map-root-user --mount")
SCRIPT = f'mount --bind "$0" {SYSTEM_CERTS} && exec "$@"'


def command_prefix(certs: Path) -> Sequence[str]:
    """Return what to put before a command so that it finds ``certs`` as ``/etc/ssl/certs``.

    Empty where that cannot be had: a container without the privilege, a system that keeps its store elsewhere.
    """
    if not shutil.which("unshare", path=SYSTEM_PATH):
        return ()
    for way in WAYS:
        prefix = ["unshare", *way.split(), "--propagation", "private", "sh", "-c", SCRIPT, str(certs)]
        tried = subprocess.run(
            [*prefix, "cmp", f"{SYSTEM_CERTS}/{BUNDLE}", str(certs / BUNDLE)],
            env={"PATH": SYSTEM_PATH}, capture_output=True, check=False,
        )  # fmt: skip
        if tried.returncode == 0:
            return prefix
    return ()
