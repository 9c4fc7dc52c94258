"""A store made by hand, what the hook needs of one and nothing more, and the hook run on it in this process."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.environments import SYSTEM_PATH

import certboot_startup

FILES = (
    "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "HTTPLIB2_CA_CERTS",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
)  # fmt: skip
"""The variables that name the bundle; SSL_CERT_DIR names the directory."""
NAME = "Example Corp Root"
Hook = Callable[..., str]
"""What the fixture ``hook`` gives: it runs the hook with these variables and returns its status."""


class Store:
    """A store made by hand: what the hook needs of one, and nothing more."""

    def __init__(self, home: Path) -> None:
        self.home, self.env = home, home / "env"
        self.generation = home / "generations" / "1"
        self.crts, self.bundle = self.generation / "crts", self.generation / "bundle.pem"
        self.manifest = self.generation / "manifest.json"
        self.bundle_named = f"{home}/current/bundle.pem"
        """The value of the variables that name the bundle."""
        self.crts.mkdir(parents=True)
        (self.crts / "9d66eef0.0").write_text("a certificate")
        self.bundle.write_text("certificates")
        self.manifest.write_text("{}")
        (home / "current").symlink_to("generations/1")
        self.settings = self.named("current")
        self.write(*(f"{name}={value}" for name, value in self.settings.items()))
        for path, mode in (
            *((folder, 0o755) for folder in (home, self.generation.parent, self.generation, self.crts)),
            *((file, 0o644) for file in (self.bundle, self.env)),
        ):
            path.chmod(mode)

    def named(self, folder: str) -> dict[str, str]:
        """Return what an ``env`` file says that names the generation by ``folder``."""
        settings = dict.fromkeys(FILES, f"{self.home}/{folder}/bundle.pem")
        return {**settings, "SSL_CERT_DIR": f"{self.home}/{folder}/crts"}

    def write(self, *lines: str) -> None:
        self.env.write_text("".join(f"{line}\n" for line in lines))

    def start(self, **environ: str) -> tuple[str, dict[str, str]]:
        """Return the status of the hook in an interpreter started so, and the variables that the hook adds."""
        return start({"CERTBOOT_HOME": str(self.home), **environ})


def start(environ: dict[str, str], recorded: str = "") -> tuple[str, dict[str, str]]:
    """Return the same for any environment; the guards are off, since this process has imported what they guard."""
    environ = {"CERTBOOT_GUARDS": "none", **environ}
    before = dict(environ)
    with pytest.MonkeyPatch.context() as patch:
        unstarted(patch)
        patch.setattr(os, "environ", environ)
        certboot_startup.activate(recorded)
        added = {name: value for name, value in environ.items() if name not in before}
        assert certboot_startup.applied == added
        assert {name: environ[name] for name in before} == before
        return certboot_startup.status, added


def unstarted(patch: pytest.MonkeyPatch) -> None:
    """Put the hook into the state of an interpreter in which it has not run."""
    for name in ("status", "home", "generation", "switches", "hints"):
        patch.setattr(certboot_startup, name, "")
    for name in ("applied", "guarded"):
        patch.setattr(certboot_startup, name, {})
    patch.setattr(certboot_startup, "_loaded", None)
    patch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if finder != sys.modules["certboot_startup"]])


def authority(name: str = NAME) -> trustme.CA:
    return trustme.CA(organization_name="Example Corp", organization_unit_name=name)


def hashed(folder: Path, ca: trustme.CA) -> None:
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    subprocess.run(["openssl", "rehash", folder], check=True, env={"PATH": SYSTEM_PATH})


def imports(name: str) -> typing.Any:  # noqa: ANN401 - a module
    return importlib.import_module(name)
