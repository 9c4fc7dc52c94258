"""What the doctor says that a client trusts is what the client does: told in one process, tried in another."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from support.environments import SYSTEM_PATH
from support.server import TlsServer
from support.table import cases

from certboot.clients.installed import present_clients
from certboot.clients.table import places
from certboot.clients.trials import trial
from certboot.doctor.clients import trials

pytestmark = pytest.mark.slow

BIN = str(Path(sys.executable).parent)
TOLD = """\
import json, os, pathlib
from certboot.doctor.clients import check
from certboot.store.paths import store_paths
print(json.dumps({f.subject: [f.id, f.summary, f.evidence] for f in check.check(store_paths(), os.environ)}))
"""
QUIET = {
    "AWS_MAX_ATTEMPTS": "1", "GIT_CONFIG_SYSTEM": "/dev/null", "PIP_CONFIG_FILE": "/dev/null",
    "NPM_CONFIG_GLOBALCONFIG": "/dev/null", "UV_NO_CONFIG": "1", "NO_UPDATE_NOTIFIER": "1",
}  # fmt: skip
HERE = tuple(client for client in present_clients({"PATH": f"{BIN}:{SYSTEM_PATH}"}) if trial(client, "localhost", 1))
# Debian's own Node trusts what OpenSSL trusts by default, too; that of NodeSource and of nodejs.org does not.
_ASK_NODE = ("node", "-p", "process.config.variables.node_shared_openssl")
_BY_OPENSSL = (
    bool(shutil.which("node")) and subprocess.run(_ASK_NODE, capture_output=True, check=True).stdout == b"true\n"
)
SETTINGS = {
    "pip": (".config/pip/pip.conf", "[global]\ncert = {own}\n"),
    "curl": (".curlrc", 'cacert = "{own}"\n'),
    "npm": (".npmrc", "cafile={own}\n"),
    "wget": (".wgetrc", "ca_certificate = {own}\n"),
    "botocore": (".aws/config", "[default]\nca_bundle = {own}\n"),
    "git": (".gitconfig", "[http]\nsslCAInfo = {own}\n"),
}


@dataclass(frozen=True)
class World:
    """Two homes, two authorities, and a server below each."""

    bare: Path
    with_store: Path
    own: Path
    own_folder: Path
    of_store: TlsServer
    of_own: TlsServer

    def environ(self, home: Path, **variables: str) -> dict[str, str]:
        return {"HOME": str(home), "PATH": f"{BIN}:{SYSTEM_PATH}", **QUIET, **variables}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    base = tmp_path_factory.mktemp("world")
    bare, with_store, own_folder = (base / name for name in ("bare", "store", "own"))
    for folder in (bare, with_store, own_folder):
        folder.mkdir()
    company, other = trustme.CA(), trustme.CA()
    company.cert_pem.write_to_path(str(base / "company.pem"))
    other.cert_pem.write_to_path(str(own_folder / "own.pem"))
    servers = [TlsServer(ca.issue_cert("localhost")) for ca in (company, other)]
    found = World(bare, with_store, own_folder / "own.pem", own_folder, servers[0], servers[1])
    try:
        for argv in (("rehash", own_folder), ("init", "--source", "certifi", "--add", base / "company.pem")):
            command = [sys.executable, "-m", "certboot", *map(str, argv)]
            subprocess.run(command, env=found.environ(with_store), check=True, capture_output=True)
        yield found
    finally:
        for server in servers:
            server.close()


def told(environ: dict[str, str]) -> dict[str, typing.Any]:
    done = subprocess.run(
        [sys.executable, "-c", TOLD], env=environ, capture_output=True, text=True, check=True, cwd=environ["HOME"]
    )
    found: dict[str, typing.Any] = json.loads(done.stdout)
    return found


def compare(world: World, environ: dict[str, str], names: set[str], folder: Path, *asked: str) -> None:
    """Compare, for these clients and the authorities asked about, whom they are said to trust with whom they trust."""
    said = told(environ)
    servers = {"store": world.of_store, "own": world.of_own}
    differ = {}
    for client in HERE:
        if client.name not in names or (client.name in ("Node.js", "npm") and _BY_OPENSSL):
            continue
        kind, summary, evidence = said[client.name]
        fails = "fails for every host" in summary
        paths = [source["what"] for source in evidence["trusts"]]
        expected = {
            "store": kind == "client-uses-store" or (not fails and any("/certboot/" in path for path in paths)),
            "own": not fails and any(path in (str(world.own), str(world.own_folder)) for path in paths),
        }
        for name in asked or servers:
            tried = trial(client, "localhost", servers[name].port)
            assert tried
            verdict, words = trials.attempt(client, tried, environ, str(folder))
            assert verdict != "unknown" or fails, (client.name, words)
            if (verdict == "accepted") != expected[name]:
                differ[client.name, name] = (expected[name], summary, words)
    assert differ == {}


ALL = {client.name for client in HERE}
READERS: dict[str, set[str]] = {}
for _client in HERE:
    for _place in places(_client):
        if not _place.setting:
            READERS.setdefault(_place.name, set()).add(_client.name)


@pytest.mark.parametrize("home", ["bare", "with_store"])
def test_with_nothing_set(world: World, tmp_path: Path, home: str) -> None:
    compare(world, world.environ(getattr(world, home)), ALL, tmp_path, *(["store"] if home == "bare" else []))


@cases("guards", ["none", "requests", "certifi"])
def test_with_some_of_the_guards(world: World, tmp_path: Path, guards: str) -> None:
    environ = world.environ(world.with_store, CERTBOOT_GUARDS=guards, REQUESTS_CA_BUNDLE="", SSL_CERT_FILE="")
    compare(world, environ, {"requests", "httpx", "urllib", "botocore"}, tmp_path, "store")


TWINS = {"aiohttp", "urllib3"}
"""Clients that leave the variables to ``ssl``, as urllib does."""


# Who is trusted beside the own authority is seen with its file; of the other values each asks what it is about.
@pytest.mark.parametrize("variable", READERS)
def test_with_a_variable_that_the_user_has_set(world: World, tmp_path: Path, variable: str) -> None:
    values: dict[str, tuple[str, ...]] = {
        str(world.own): ("own", "store"), str(world.own_folder): ("own",), str(tmp_path / "missing"): ("store",),
        "": ("store",),
    }  # fmt: skip
    for number, (value, asked) in enumerate(values.items()):
        folder = tmp_path / str(number)  # where npm keeps its cache
        folder.mkdir()
        clients = READERS[variable] - (TWINS if number else set())
        compare(world, world.environ(world.with_store, **{variable: value}), clients, folder, *asked)


@cases("client", [client for client in SETTINGS if client in ALL])
def test_with_a_settings_file_of_the_clients_own(world: World, tmp_path: Path, client: str) -> None:
    name, text = SETTINGS[client]
    file = tmp_path / "home" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text.format(own=world.own))
    environ = world.environ(tmp_path / "home", CERTBOOT_HOME=str(world.with_store / ".local/share/certboot"))
    if client == "pip":
        del environ["PIP_CONFIG_FILE"]
    compare(world, environ, {client}, tmp_path)


def test_most_clients_are_here() -> None:
    assert {"requests", "httpx", "aiohttp", "botocore", "urllib3", "urllib", "pip", "uv", "curl", "git"} <= ALL
