"""``certboot adopt`` as a user meets it: an image presets variables to the company's own file."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from support.environments import SYSTEM_PATH, Environment, Ran, with_clients
from support.pages import pages
from support.server import TlsServer

from certboot.clients.variables import BY_NAME
from certboot_startup import OVERRULING

pytestmark = pytest.mark.slow

CALL = "import subprocess, sys; sys.exit(subprocess.call({!r} + sys.argv[1:]))"
CLIENTS = {
    "requests": ["-c", "import requests, sys; print(requests.get(sys.argv[1]).text)", "{url}/page"],
    "urllib": ["-c", "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())", "{url}/page"],
    "httpx": ["-c", "import httpx, sys; print(httpx.get(sys.argv[1]).text)", "{url}/page"],
    "pip": ["-m", "pip", "download", "--no-deps", "--no-cache-dir", "-d", "{out}", "-i", "{url}/simple/", "ok"],
    "curl": ["-c", CALL.format(["curl", "-sS"]), "{url}/page"],
    "git": ["-c", CALL.format(["git", "ls-remote"]), "{url}/ok.git"],
}
QUIET = {
    "GIT_CONFIG_SYSTEM": "/dev/null", "PIP_CONFIG_FILE": "/dev/null", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_RETRIES": "0",
}  # fmt: skip
# Of the clients here, git alone reads neither of the two variables that the image presets.
READERS = ("requests", "urllib", "httpx", "pip", "curl")
BOTH, CORP, EXTRA, NEITHER = ("ok", "ok"), ("ok", "refused"), ("refused", "ok"), ("refused", "refused")
SHOW = f"""\
import json, os, sys
module = sys.modules.get("certboot_startup")
print(json.dumps([module.status, {{name: os.environ.get(name) for name in {list(BY_NAME)}}}]))
"""


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return with_clients(tmp_path_factory, wheel)


@dataclass
class Image:
    """A machine whose variables name the company's file, a server of the company's CA, and one that the file lacks."""

    environment: Environment
    home: Path
    file: Path
    servers: tuple[TlsServer, TlsServer]
    preset: dict[str, str]

    def run(self, *argv: str | Path, **variables: str) -> Ran:
        return self.environment.run(*argv, home=self.home, **{**QUIET, **self.preset, **variables})

    def certboot(self, *argv: str, status: int = 0) -> str:
        ran = self.run("certboot", *argv)
        assert ran.status == status, ran.out + ran.err
        return ran.out

    def reached(self, client: str, **variables: str) -> tuple[str, ...]:
        """Return for each of the servers ``ok``, ``refused`` for its certificate, or all that the client printed."""
        found = []
        for server in self.servers:
            out = self.home / "out"
            shutil.rmtree(out, ignore_errors=True)
            argv = [part.replace("{url}", server.url).replace("{out}", str(out)) for part in CLIENTS[client]]
            ran = self.run("python", *argv, **variables)
            said = ran.out + ran.err
            downloaded = list(out.glob("ok-*"))
            if ran.status == 0 and ("ok" in said or downloaded):
                found.append("ok")
            else:
                found.append("refused" if ran.status and "certificate" in said.lower() else f"{ran.status}: {said}")
        return tuple(found)

    def all_reached(self) -> dict[str, tuple[str, ...]]:
        return {client: self.reached(client) for client in CLIENTS if client not in missing()}

    def shown(self, **variables: str) -> tuple[str, dict[str, str]]:
        """Return what the hook said in a process started so, and the CA variables that are set there."""
        ran = self.run("python", "-c", SHOW, **variables)
        assert (ran.status, ran.err) == (0, "")
        status, found = json.loads(ran.out)
        return status, {name: value for name, value in found.items() if value is not None}

    @property
    def store(self) -> Path:
        return self.home / ".local" / "share" / "certboot"


def missing() -> set[str]:
    return {client for client in ("curl", "git") if not shutil.which(client, path=SYSTEM_PATH)}


def expected(readers: tuple[str, str], git: tuple[str, str]) -> dict[str, tuple[str, str]]:
    found = {**dict.fromkeys(READERS, readers), "git": git}
    return {client: outcome for client, outcome in found.items() if client not in missing()}


def public_roots(environment: Environment) -> bytes:
    """Return some of the roots that certifi has."""
    (bundled,) = environment.folder.glob("lib/python*/site-packages/certifi/cacert.pem")
    end = b"-----END CERTIFICATE-----\n"
    return end.join(bundled.read_bytes().split(end)[:3]) + end


@pytest.fixture
def image(
    environment: Environment,
    ca: trustme.CA,
    clean: Path,
    tmp_path: Path,
    serve: Callable[..., TlsServer],
) -> Image:
    extra = trustme.CA(organization_name="Extra Corp", organization_unit_name="Extra Corp Root")
    extra.cert_pem.write_to_path(str(clean / "extra.pem"))
    file = tmp_path / "company image" / "ca=bundle.pem"
    file.parent.mkdir(mode=0o755)
    file.write_bytes(ca.cert_pem.bytes() + public_roots(environment))
    servers = tuple(serve(each.create_child_ca().issue_cert("localhost"), pages=pages()) for each in (ca, extra))
    preset = dict.fromkeys(("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"), str(file))
    return Image(environment, clean, file, (servers[0], servers[1]), preset)


def test_what_an_image_presets_works_before_init_and_after_it_and_with_adopt_everything_does(image: Image) -> None:
    assert image.all_reached() == expected(CORP, NEITHER)

    summary = image.certboot("init", "--add", "extra.pem")
    for name in image.preset:
        assert f"{name} is set by something else: {name}={image.file}\n" in summary
        assert f"certboot adopt {name} takes over what it names, and the variable\n" in summary
    # The hook leaves what is preset alone, so that certboot reaches only who does not read it.
    assert image.all_reached() == expected(CORP, EXTRA)
    doctor = json.loads(image.run("certboot", "doctor", "environment", "--json").out)
    fixes = {each["subject"]: each["fix"] for each in doctor["findings"] if each["id"] == "variable-overrides-certboot"}
    assert fixes == {name: [["certboot", "adopt", name]] for name in image.preset}

    offered = image.certboot("adopt", "--yes")
    assert offered.count("OU=Example Corp Root") == 1  # two variables, one file
    assert "4 found, 1 of them new" in offered
    assert image.all_reached() == expected(BOTH, BOTH)
    assert "left out" not in image.certboot("init")
    doctor = json.loads(image.run("certboot", "doctor", "environment", "--json").out)
    found = {each["subject"]: each["id"] for each in doctor["findings"] if each["subject"] in image.preset}
    assert found == dict.fromkeys(image.preset, "variable-usable")

    image.certboot("adopt", "--undo")
    assert image.all_reached() == expected(CORP, EXTRA)
    assert "Example Corp Root" not in image.certboot("list")


def test_another_ca_is_refused_as_before(image: Image, serve: Callable[..., TlsServer]) -> None:
    image.certboot("init")
    image.certboot("adopt", "--yes")
    stranger = serve(trustme.CA().issue_cert("localhost"))
    image.servers = (image.servers[0], stranger)
    assert image.all_reached() == expected(CORP, CORP)


@pytest.fixture
def adopted(image: Image) -> Image:
    image.certboot("init", "--add", "extra.pem")
    image.certboot("adopt", "--yes")
    return image


def test_only_the_adopted_values_are_replaced_and_no_variable_beyond_the_default_set_is_set(adopted: Image) -> None:
    status, found = adopted.shown()
    bundle, crts = f"{adopted.store}/current/bundle.pem", f"{adopted.store}/current/crts"
    default = {name for name, variable in BY_NAME.items() if variable.default}
    assert status == "active"
    # What requests reads says that the user had exported it.
    exported = dict.fromkeys(adopted.preset.keys() & {*OVERRULING}, f"{adopted.store}/current/./bundle.pem")
    assert found == {name: crts if name == "SSL_CERT_DIR" else bundle for name in default} | exported


@pytest.mark.parametrize("name", ["elsewhere.pem", "ca=bundle.pem.bak"])
def test_another_value_of_the_same_variable_stays_untouched(adopted: Image, tmp_path: Path, name: str) -> None:
    """A script that exports a file of its own, with the company's CA in it, goes by that file alone."""
    other = tmp_path / "company image" / name
    shutil.copy(adopted.file, other)
    assert adopted.reached("requests", REQUESTS_CA_BUNDLE=str(other)) == CORP
    assert adopted.reached("urllib", SSL_CERT_FILE=str(other)) == CORP
    assert adopted.shown(REQUESTS_CA_BUNDLE=str(other))[1]["REQUESTS_CA_BUNDLE"] == str(other)
    assert adopted.shown(PIP_CERT=str(adopted.file))[1]["PIP_CERT"] == str(adopted.file)  # the value, not adopted here
    assert adopted.reached("requests") == BOTH  # the control


def test_what_requests_lets_overrule_a_script_still_does(adopted: Image) -> None:
    """The user had exported the value, and an exported value goes before session.verify (psf/requests#3829)."""
    script = """\
import requests, sys
session = requests.Session()
session.verify = sys.argv[2]
print(session.get(sys.argv[1]).text)
"""
    for server in adopted.servers:
        ran = adopted.run("python", "-c", script, f"{server.url}/page", adopted.home / "extra.pem")
        assert ran.status == 0, ran.err
    assert adopted.reached("requests") == BOTH  # the control


def test_a_certificate_that_left_the_file_leaves_the_store_at_the_next_update(
    adopted: Image, environment: Environment
) -> None:
    adopted.file.write_bytes(public_roots(environment))
    assert adopted.reached("requests") == BOTH  # until then
    assert "  Example Corp Root\n" in adopted.certboot("update")
    assert adopted.all_reached() == expected(EXTRA, EXTRA)
    adopted.file.unlink()
    assert f"left out: {adopted.file}: No such file or directory\n" in adopted.certboot("update")
    assert adopted.all_reached() == expected(EXTRA, EXTRA)


def test_after_a_rollback_to_before_it_is_as_it_was_before(adopted: Image) -> None:
    adopted.certboot("rollback")
    assert adopted.all_reached() == expected(CORP, EXTRA)
    adopted.certboot("update")
    assert adopted.all_reached() == expected(BOTH, BOTH)


def test_where_the_hook_refuses_the_store_the_value_is_as_the_image_set_it(adopted: Image) -> None:
    adopted.store.chmod(0o777)
    assert adopted.shown() == ("unsafe", adopted.preset)
    assert adopted.all_reached() == expected(CORP, NEITHER)
    adopted.store.chmod(0o755)
    assert adopted.shown(CERTBOOT_DISABLE="1") == ("disabled", adopted.preset)
    assert adopted.reached("requests", CERTBOOT_DISABLE="1") == CORP
    assert adopted.reached("requests") == BOTH
    adopted.certboot("purge", "--yes")
    assert adopted.all_reached() == expected(CORP, NEITHER)


@pytest.mark.parametrize("name", ["my = 'own' $x.pem", "-x.pem", os.fsdecode(b"\xff\xfe.pem")])
def test_a_file_with_an_odd_name_is_taken_over_too(image: Image, name: str) -> None:
    odd = image.file.with_name(name)
    image.file.rename(odd)
    image.preset = {"REQUESTS_CA_BUNDLE": str(odd)}
    image.certboot("init", "--add", "extra.pem")
    assert image.reached("requests") == CORP  # the control
    image.certboot("adopt", "--yes")
    assert image.reached("requests") == BOTH
    assert image.shown(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")[1]["REQUESTS_CA_BUNDLE"].startswith(
        str(image.store)
    )
