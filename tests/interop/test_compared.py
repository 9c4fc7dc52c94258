"""README's comparison with other ways to a company's CA, cell by cell, where the system's store has that CA."""

from __future__ import annotations

import re
import ssl
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.environments import ROOT, Environment, Ran, built_once, make_environment
from support.pages import QUIET, pages
from support.programs import ARGUMENTS, present
from support.server import TlsServer

sys.path.insert(0, str(Path(__file__).parent))
from authorities import SYSTEM_ONLY, Authorities, make_authorities
from namespace import command_prefix

pytestmark = pytest.mark.slow

CLIENTS = ("requests", "httpx", "aiohttp", "boto3", "pip", "uv")
README = (ROOT / "README.md").read_text("utf-8")
TABLE = README.split("<!-- compared: begin -->\n")[1].split("<!-- compared: end")[0]
HEAD, _, *ROWS = ([cell.strip() for cell in line.strip("|").split("|")] for line in TABLE.splitlines())


@dataclass
class Chain:
    """A key and the certificates that a server sends, in one file, as ``TlsServer`` takes them."""

    path: Path

    def configure_cert(self, context: ssl.SSLContext) -> None:
        context.load_cert_chain(self.path)


@dataclass
class Way:
    """One column: where the clients are started, and what is done for them."""

    environment: Environment
    variables: Mapping[str, str] = field(default_factory=dict)
    code: str = ""


@dataclass
class Machine:
    """A machine whose system store has the company's CA, and what was done there."""

    prefix: Sequence[str]
    home: Path
    ways: Mapping[str, Way]

    def run(self, environment: Environment, *argv: str, **variables: str) -> Ran:
        program = str(environment.folder / "bin" / argv[0])
        return environment.run(*self.prefix, program, *argv[1:], home=self.home, **QUIET, **variables)

    def trusts(self, way: Way, client: str, url: str) -> bool:
        """Return whether the client gets its answer; it may fail for the server's certificate only."""
        with tempfile.TemporaryDirectory() as out:
            argv = [part.replace("{url}", url).replace("{out}", out) for part in ARGUMENTS[client]]
            if way.code:
                assert argv[0] == "-c"
                argv[1] = f"{way.code}\n{argv[1]}"
            ran = self.run(way.environment, "python", *argv, **way.variables)
        said = ran.out + ran.err
        assert ran.status == 0 or "certificate" in said.lower(), said
        return ran.status == 0 and "ok" in said


@pytest.fixture(scope="session")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Authorities:
    return Authorities(built_once(tmp_path_factory, "interop-authorities", make_authorities))


@pytest.fixture(scope="session")
def machine(wheel: Path, authorities: Authorities, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    prefix = command_prefix(authorities.system_certs)
    if not prefix:
        pytest.skip("the system's store cannot be another one here: no mount namespaces")

    def with_clients(*packages: str | Path) -> Environment:
        build = lambda folder: make_environment(folder, *packages, *CLIENTS)  # noqa: E731
        return Environment(built_once(tmp_path_factory, f"compared-{Path(packages[0]).stem}", build))

    plain, hooked = with_clients("truststore"), with_clients(wheel)
    home = tmp_path_factory.mktemp("compared")
    home.chmod(0o755)
    found = Machine(prefix, home, {
        "certifi": Way(plain),
        "`truststore.inject_into_ssl()` in each script": Way(
            plain, code="import truststore; truststore.inject_into_ssl()"),
        "pip-system-certs": Way(with_clients("pip-system-certs")),
        "`export REQUESTS_CA_BUNDLE`": Way(
            plain, {"REQUESTS_CA_BUNDLE": str(authorities.system_certs / "interop-system.pem")}),
        "certboot": Way(hooked),
    })  # fmt: skip
    initialised = found.run(hooked, "certboot", "init")
    assert initialised.status == 0, initialised.err
    return found


@pytest.fixture
def url(authorities: Authorities, serve: Callable[..., TlsServer]) -> str:
    return serve(Chain(authorities.server(SYSTEM_ONLY)), pages=pages()).url


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_cell_of_the_comparison_in_the_readme_is_what_happens(machine: Machine, url: str, row: list[str]) -> None:
    client, *told = row
    if not present(client):
        pytest.skip(f"{client} is missing")
    assert [("no", "yes")[machine.trusts(machine.ways[name], client, url)] for name in HEAD[1:]] == told


def test_pip_of_today_believes_the_system_s_store_as_the_readme_says(machine: Machine, url: str) -> None:
    assert machine.trusts(machine.ways["certifi"], "pip", url)


def test_uv_believes_the_system_s_store_when_told_as_the_readme_says(
    machine: Machine, url: str, tmp_path: Path
) -> None:
    (command,) = re.findall(r"`(uv pip install --system-certs) certboot`", README)
    for line, succeeds in ((command.replace(" --system-certs", ""), False), (command, True)):
        argv = (*line.split(), "--no-deps", "--target", str(tmp_path), "-i", f"{url}/simple/", "ok")
        assert (machine.run(machine.ways["certifi"].environment, *argv).status == 0) == succeeds


def test_it_is_the_system_s_store_that_had_the_ca(machine: Machine, url: str) -> None:
    """Control: without it nothing that certboot or the others have leads to the server."""
    elsewhere = Machine((), machine.home, {})
    for name in ("certifi", "pip-system-certs"):
        assert not elsewhere.trusts(machine.ways[name], "urllib", url)


def test_the_comparison_has_each_way_and_no_other(machine: Machine) -> None:
    assert set(machine.ways) == set(HEAD[1:])
