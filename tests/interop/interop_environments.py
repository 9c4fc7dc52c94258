"""The virtualenvs of the suite: the clients, certboot's wheel, and a certifi that trusts one more CA."""

from __future__ import annotations

import os
import sys
import typing
from pathlib import Path

from matrix import MAIN
from support.environments import ROOT, installer

if typing.TYPE_CHECKING:
    from authorities import Authorities

HERE = Path(__file__).parent


def make_virtualenv(folder: Path, name: str, wheel: Path, authorities: Authorities) -> None:
    """Fill the empty ``folder``; all but the main one, where certboot is run, get the hook without dependencies."""
    uv = [sys.executable, "-m", "uv"]
    installer(*uv, "venv", "-q", "--allow-existing", "--python", sys.executable, folder)
    # Linked to uv's cache, where that can be: nothing is written there, and certifi's file is replaced, not changed.
    install: list[str | Path] = [*uv, "pip", "install", "-q", "--link-mode=hardlink", "--python", folder / "bin/python"]
    pinned: list[str | Path] = ["-c", ROOT / "scripts" / "constraints.txt", "-c", HERE / "constraints.txt"]
    requirements: list[str | Path] = ["-r", HERE / f"requirements-{name}.txt"]
    installer(*install, *pinned, *requirements, *([wheel] if name == MAIN else []))
    if name != MAIN:
        installer(*install, "--no-deps", wheel)
    (bundle,) = folder.glob("lib/python*/site-packages/certifi/cacert.pem")
    patched = bundle.with_name("patched.pem")
    patched.write_bytes(bundle.read_bytes() + b"\n" + authorities.certifi.read_bytes())
    os.replace(patched, bundle)
