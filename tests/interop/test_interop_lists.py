"""The suite's lists agree with each other."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from matrix import CLIENTS, ENVIRONMENTS
from support.environments import ROOT
from unreached import UNREACHED, as_markdown

from certboot.clients import table

HERE = Path(__file__).parent
OLD = '; python_version < "3.11"'
PIN = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.]+)(?:; python_version >= \"3\.11\")?")


def pins(path: Path) -> dict[str, str]:
    """Return what a constraints file pins, by normalized name; every line is a comment or an exact pin.

    Those for Python 3.10 are left out, on which not every client's newest version runs.
    """
    lines = [line for line in path.read_text().splitlines() if line and line[0] != "#" and not line.endswith(OLD)]
    found = [(normalized(match[1]), match[2]) for line in lines if (match := PIN.fullmatch(line))]
    assert len(found) == len(lines)
    return dict(found)


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.partition("[")[0]).lower()


SCRIPTS: dict[str, str] = runpy.run_path(str(HERE / "clients" / "scripts.py"))["SCRIPTS"]


def test_every_script_is_a_client_of_one_list() -> None:
    listed = [client.name for client in CLIENTS if not client.argv]
    listed += [name for unreached in UNREACHED for name in (unreached.name, f"{unreached.name}_helped")]
    assert sorted(listed) == sorted(SCRIPTS)


# Rows of the table of clients by another name here, or with another suite of their own.
ROWS = {
    "boto3": "botocore", "google_auth_requests": "google-auth on requests", "twisted": "Twisted", "tornado": "Tornado",
    "google_auth_urllib3": "google-auth on urllib3", "websocket": "websocket-client", "grpc": "grpcio",
    "opensearch": "opensearch-py", "poetry": "Poetry", "node": "Node.js", "python-m-uv": "uv",
}  # fmt: skip
ELSEWHERE = {"openssl"}


def test_what_the_table_of_clients_says_is_tested_here_is() -> None:
    names = {client.name for client in CLIENTS} | {unreached.name for unreached in UNREACHED}
    tested = {ROWS.get(name, name) for name in names} | ELSEWHERE
    assert {client.name for client in table.CLIENTS if not client.notes.tried} - tested == set()
    assert {client.name for client in table.CLIENTS if client.notes.tried} & tested == set()


def test_what_is_pinned_twice_is_pinned_to_one_version() -> None:
    own = pins(ROOT / "scripts" / "constraints.txt")
    for path in (HERE / "constraints.txt", ROOT / "scripts" / "peer_suites.txt"):
        assert {name: version for name, version in pins(path).items() if own.get(name, version) != version} == {}


def test_every_required_client_is_pinned() -> None:
    pinned = pins(HERE / "constraints.txt") | pins(ROOT / "scripts" / "constraints.txt")
    for name in ENVIRONMENTS:
        lines = (HERE / f"requirements-{name}.txt").read_text().splitlines()
        assert {normalized(line) for line in lines if line and not line.startswith("#")} <= pinned.keys()


def test_the_line_that_helps_is_that_of_the_script() -> None:
    for unreached in UNREACHED:
        script = SCRIPTS[f"{unreached.name}_helped"]
        option = re.search(r"CAINFO|ca_certs|verify|--ca-certificate|cafile", unreached.line)
        assert option
        assert option[0] in script
        assert "SSL_CERT_FILE" in script
        assert f"`{unreached.line}`" in as_markdown()
