"""What requests does with a value that the user exported, adopted or not, in a hooked process and in its children."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.hook_store import Store
from support.server import TlsServer

import certboot_startup
from certboot.clients.variables import Adoption
from certboot.store.env_file import EnvFile, render

REFUSED, ACCEPTED = "SSLError", "200"
# What a program and its child get. Each way passes on less of its environment.
GENERATIONS = """\
import os, subprocess, sys
import certboot_startup as hook
hook.activate()
import requests
url, verify, way, left = sys.argv[1:5]
session = requests.Session()
session.verify = {"False": False, "True": True}.get(verify, verify)
try:
    print(session.get(url, timeout=20).status_code, flush=True)
except requests.RequestException as error:
    print(type(error).__name__, flush=True)
if int(left):
    kept = {"all": os.environ, "little": ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "CERTBOOT_HOME", "PYTHONPATH")}[way]
    environ = {name: value for name, value in os.environ.items() if name in kept}
    command = [sys.executable, "-W", "ignore", sys.argv[0], url, verify, way, str(int(left) - 1)]
    subprocess.run(command, env=environ, check=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with a CA that has issued nothing."""
    made = Store(tmp_path / "store")
    made.bundle.write_bytes(trustme.CA().cert_pem.bytes())
    return made


@pytest.fixture
def corp(tmp_path: Path) -> Path:
    """The file of a company, which the user exports."""
    path = tmp_path / "corp.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def server(serve: Callable[..., TlsServer], ca: trustme.CA) -> TlsServer:
    """A server whose CA nobody here trusts."""
    return serve(ca.issue_cert("localhost"))


@pytest.fixture
def outcomes(tmp_path: Path, server: TlsServer) -> Callable[..., list[str]]:
    """Return what a program and its child get with ``session.verify`` set so."""
    script = tmp_path / "script.py"
    script.write_text(GENERATIONS)

    def run(verify: str, way: str = "all", **environ: str) -> list[str]:
        ran = subprocess.run(
            [sys.executable, "-W", "ignore", script, f"{server.url}/page", verify, way, "1"],
            env={"PYTHONPATH": str(Path(certboot_startup.__file__).parents[1]), **environ},
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return ran.stdout.split()

    return run


@pytest.mark.parametrize(("name", "way"), [("REQUESTS_CA_BUNDLE", "little"), ("CURL_CA_BUNDLE", "all")])
def test_an_exported_value_verifies_as_without_certboot_whether_or_not_it_is_adopted(
    store: Store, corp: Path, outcomes: Callable[..., list[str]], name: str, way: str
) -> None:
    """Requests lets it overrule ``session.verify = False`` (psf/requests#3829); that is no harm that certboot does."""
    exported, ours = {name: str(corp)}, {"CERTBOOT_HOME": str(store.home)}
    assert outcomes("False", way, **exported, CERTBOOT_DISABLE="1") == [REFUSED] * 2
    assert outcomes("False", way, **exported, **ours) == [REFUSED] * 2
    store.env.write_bytes(render(EnvFile(store.settings, None, (Adoption(name, str(corp)),))))
    assert outcomes("False", way, **exported, **ours) == [REFUSED] * 2
    # The controls: what certboot has set itself overrules nothing.
    assert outcomes("False", way, **ours) == [ACCEPTED] * 2
    assert outcomes("True", way, **ours) == [REFUSED] * 2


def test_what_a_script_chose_goes_before_what_certboot_set_and_an_adopted_value_is_trusted_with_the_store(
    store: Store, corp: Path, outcomes: Callable[..., list[str]], ca: trustme.CA, tmp_path: Path
) -> None:
    own, ours = tmp_path / "own.pem", {"CERTBOOT_HOME": str(store.home)}
    ca.cert_pem.write_to_path(str(own))
    assert outcomes(str(own), **ours) == [ACCEPTED] * 2
    assert outcomes(str(corp), **ours) == [REFUSED] * 2
    store.env.write_bytes(render(EnvFile(store.settings, None, (Adoption("REQUESTS_CA_BUNDLE", str(corp)),))))
    store.bundle.write_bytes(ca.cert_pem.bytes())
    for verify in ("True", "False"):
        assert outcomes(verify, REQUESTS_CA_BUNDLE=str(corp), **ours) == [ACCEPTED] * 2
        assert outcomes(verify, REQUESTS_CA_BUNDLE=str(corp), **ours, CERTBOOT_DISABLE="1") == [REFUSED] * 2
