"""What certboot 0.1.0 made stays in force: its store under the new hook, and its hook over the new store."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import trustme
from support.environments import ROOT, Environment, built_once, installer, make_environment
from support.snapshot import contents
from support.virtualenvs import packages, python_of, start, virtualenv

from certboot.hook import inventory

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("former")]

COMMIT = "d6841c9ace188690a1342842c3dee94d7b9a05df"
"""The last one of 0.1.0."""
GET = """
import json, os, sys
import certboot_startup as hook
import requests, urllib.request
for get in (lambda url: requests.get(url).text, lambda url: urllib.request.urlopen(url).read().decode()):
    assert get(sys.argv[1]) == "ok"
session = requests.Session()
session.verify = sys.argv[2]
try:
    session.get(sys.argv[1])
    own = "lost"
except requests.exceptions.SSLError:
    own = "wins"
print(json.dumps({"status": hook.status, "guarded": hook.guarded, "own": own}))
"""


@pytest.fixture(scope="session")
def former_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of 0.1.0, built from the repository's history."""

    def build(out: Path) -> None:
        archive = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, capture_output=True, check=False)
        if archive.returncode and os.environ.get("CI") != "true":
            pytest.skip("the history of this checkout does not go back to 0.1.0: git fetch --unshallow")
        assert not archive.returncode, archive.stderr
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
            tar.extractall(out / "source", filter="data")
        installer(sys.executable, "-m", "build", "--no-isolation", "--wheel", "-o", out, out / "source")

    (found,) = built_once(tmp_path_factory, "former-wheel", build).glob("*.whl")
    return found


@pytest.fixture(scope="session")
def former(former_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A virtualenv with 0.1.0 in it. Not to be changed."""
    return Environment(built_once(tmp_path_factory, "former", lambda out: make_environment(out, former_wheel)))


@pytest.fixture
def former_store(former: Environment, clean: Path, ca_file: Path) -> Path:
    """The HOME of somebody who used 0.1.0: a CA of their own, two generations, an adopted value, a distrusted CA."""
    adopted = {"CURL_CA_BUNDLE": str(clean / "adopted.pem")}
    trustme.CA().cert_pem.write_to_path(adopted["CURL_CA_BUNDLE"])
    for argv, variables in (
        (["init", "--add", ca_file], {}),
        (["adopt", "--yes"], adopted),
        (["distrust", "GTS Root R1"], {}),
    ):
        ran = former.run("certboot", *argv, home=clean, **variables)
        assert ran.status == 0, ran.err
    return clean


def fetched(environment: Environment, home: Path, url: str) -> str:
    """Return what a script says that fetches from ``url``, and then with a choice of its own that cannot succeed."""
    other = home / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    ran = environment.run("python", "-c", GET, url, other, home=home)
    assert (ran.status, '"own": "wins"' in ran.out) == (0, True), ran.out + ran.err
    return ran.out


def test_a_store_of_the_former_release_is_used_and_read_as_it_is(
    installed: Environment, former_store: Path, url: str
) -> None:
    before = contents(former_store / ".local")
    assert '"status": "active"' in fetched(installed, former_store, url)
    assert contents(former_store / ".local") == before
    export = ["export", "--format", "pem-bundle", "-"]
    for argv in (["list"], ["history"], ["doctor", "store"], ["env"], ["diff", "1", "2"], export):
        ran = installed.run("certboot", *argv, home=former_store)
        assert (ran.status, ran.err) == (0, ""), argv


@pytest.mark.parametrize("command", ["init", "update"])
def test_a_store_of_the_former_release_is_brought_up_to_date_and_leads_back(
    installed: Environment, former: Environment, former_store: Path, url: str, command: str
) -> None:
    ran = installed.run("certboot", command, home=former_store)
    assert (ran.status, ran.err) == (0, "")
    assert "GTS Root R1" not in installed.run("certboot", "list", home=former_store).out
    for environment in (installed, former):  # whose hook is still the former one
        fetched(environment, former_store, url)
    home = former_store / ".local/share/certboot"
    assert installed.run("certboot", "rollback", "1", home=former_store).status == 0
    assert os.readlink(home / "current") == "generations/1"
    assert "GTS Root R1" in installed.run("certboot", "list", home=former_store).out
    for environment in (installed, former):
        fetched(environment, former_store, url)


def test_a_copy_of_the_former_hook_is_renewed_and_what_was_adopted_and_distrusted_stays(
    installed: Environment, former: Environment, former_store: Path, tmp_path: Path
) -> None:
    folder = virtualenv(tmp_path / "venv")
    ran = former.run("certboot", "hook", "install", "--python", folder, home=former_store)
    assert ran.status == 0, ran.err
    site = packages(folder)
    kept = inventory.read_record(site)
    assert kept
    assert kept.version == "0.1.0"
    assert (site / "certboot_startup.start").exists()
    status = "import ssl, certboot_startup as hook; print(hook.status, hook.guarded['ssl'], len(hook.applied))"
    home = str(former_store)
    assert start(python_of(folder), status, HOME=home).out == "active applied 7\n"
    adopted = {"CURL_CA_BUNDLE": str(former_store / "adopted.pem")}
    show = "import os; print(os.environ['CURL_CA_BUNDLE'])"
    for words in ("renewed", ""):
        ran = installed.run("python", "-c", show, home=former_store, **adopted)
        assert os.path.normpath(ran.out).endswith("certboot/current/bundle.pem\n")
        ran = installed.run("certboot", "update", home=former_store, **adopted)
        assert (ran.status, words in ran.out) == (0, True)
    assert "distrusted" in installed.run("certboot", "list", "--rejected", home=former_store).out
    renewed = inventory.read_record(site)
    assert renewed
    assert renewed.version != "0.1.0"
    assert not (site / "certboot_startup.start").exists()
    assert start(python_of(folder), status, HOME=home).out == "active applied 7\n"
    assert installed.run("certboot", "hook", "uninstall", "--python", folder, home=former_store).status == 0
    assert not list(site.glob("certboot*"))
    assert installed.run("certboot", "purge", "--yes", home=former_store).status == 0
    assert not (former_store / ".local/share/certboot").exists()
