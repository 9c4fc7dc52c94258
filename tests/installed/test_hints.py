"""The hint in the real clients: shown where people look, once, with the words of its fault; and where there is none."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from support.environments import STRICT_VERSIONS, Environment, versions_here
from support.pages import QUIET, pages
from support.server import TlsServer
from support.table import cases

pytestmark = pytest.mark.slow

NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)
UNKNOWN = "the server did not send all of its chain, or its CA is not trusted here"
MEANINGS = {
    "missing intermediate": UNKNOWN,
    "unknown root": "the chain of the server ends at a root that is not trusted here",
    "expired": "a certificate in the chain of the server has expired, or the clock here is wrong",
    "wrong host": "the certificate of the server is for other names than the one asked for",
}
FRAME = """
import json, sys, traceback
{client}
for url in sys.argv[1:]:
    try:
        get(url)
    except Exception as error:
        print(json.dumps([str(error), traceback.format_exc()]))
    else:
        print(json.dumps(["", ""]))
"""
URLLIB = "import urllib.request; get = urllib.request.urlopen"
CLIENTS = {
    "requests": "import requests; get = requests.get",
    "requests, with retries": """
import requests
session = requests.Session()
session.mount("https://", requests.adapters.HTTPAdapter(max_retries=2))
get = session.get
""",
    "urllib": URLLIB,
    "urllib3": "import urllib3; get = lambda url: urllib3.PoolManager().request('GET', url)",
    "httpx": "import httpx; get = httpx.get",
    "httpx, asynchronous": """
import asyncio, httpx
async def got(url):
    async with httpx.AsyncClient() as client:
        await client.get(url)
get = lambda url: asyncio.run(got(url))
""",
    "aiohttp": """
import aiohttp, asyncio
async def got(url):
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        await answer.text()
get = lambda url: asyncio.run(got(url))
""",
    "boto3": """
import boto3
session = boto3.Session(aws_access_key_id="dummy", aws_secret_access_key="dummy", region_name="eu-west-1")
get = lambda url: session.client("s3", endpoint_url=url).list_buckets()
""",
    "websockets": """
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
def get(url):
    try:
        connect(url.replace("https", "wss"))
    except InvalidStatus:
        pass
""",
    "websockets, asynchronous": """
import asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
async def got(url):
    try:
        await connect(url.replace("https", "wss"))
    except InvalidStatus:
        pass
get = lambda url: asyncio.run(got(url))
""",
}
# asyncio's connections shake hands over memory, and know no port.
WITHOUT_PORT = {"httpx, asynchronous", "aiohttp", "websockets, asynchronous"}
BY_URLLIB3 = "doesn't match 'secret.example'"
"""What urllib3 says where it compares the host itself, for botocore and in older pips: no verification has failed."""


def sending(leaf: trustme.LeafCert, *chain: bytes) -> trustme.LeafCert:
    """The certificate with this chain in the place of its own."""
    return trustme.LeafCert(leaf.private_key_pem.bytes(), leaf.cert_chain_pems[0].bytes(), list(chain))


@pytest.fixture(scope="module")
def servers(ca: trustme.CA) -> Iterator[dict[str, TlsServer]]:
    """A server of each fault, and a good one."""
    unknown = trustme.CA(organization_name="Unknown")
    leaves = {
        "good": ca.issue_cert("localhost"),
        "missing intermediate": sending(ca.create_child_ca().issue_cert("localhost")),
        "unknown root": sending(unknown.issue_cert("localhost"), unknown.cert_pem.bytes()),
        "expired": ca.issue_cert("localhost", not_before=NOW - 9 * DAY, not_after=NOW - DAY),
        "wrong host": ca.issue_cert("secret.example"),
    }
    started = {name: TlsServer(leaf, pages()) for name, leaf in leaves.items()}
    yield started
    for server in started.values():
        server.close()


Said = dict[str, list[str]]
Asked = Callable[..., Said]


@pytest.fixture
def said(servers: dict[str, TlsServer], trusting: Path) -> Asked:
    """Run a client on each server: which -> what a program that prints the error shows, and the traceback."""

    def run(environment: Environment, client: str, **variables: str) -> Said:
        urls = [server.url for server in servers.values()]
        ran = environment.run(
            "python", "-c", FRAME.format(client=client), *urls, home=trusting, **{**QUIET, **variables}
        )
        assert ran.status == 0, ran.err
        return dict(zip(servers, map(json.loads, ran.out.splitlines()), strict=True))

    return run


def assert_hinted(said: Said, servers: dict[str, TlsServer], *, with_port: bool = True) -> None:
    assert said["good"] == ["", ""]
    for fault, meaning in MEANINGS.items():
        shown, traceback = said[fault]
        if fault == "wrong host" and BY_URLLIB3 in shown:
            assert "certboot doctor" not in traceback
            continue
        target = f"localhost:{servers[fault].port}" if with_port else "localhost (and its port, if not 443)"
        hint = f"; certboot: {meaning}; run: certboot doctor {target}"
        assert shown.count("certboot") == shown.count(hint) * 2 == 2
        assert hint in "".join(traceback.splitlines()[-3:])
        assert "secret.example" not in traceback


@pytest.mark.parametrize("python", ["oldest_python", "environment", "newest_python"])
@cases("client", CLIENTS)
def test_the_hint_is_in_the_error_and_in_the_last_lines_of_the_traceback(
    request: pytest.FixtureRequest, said: Asked, servers: dict[str, TlsServer], python: str, client: str
) -> None:
    shown = said(request.getfixturevalue(python), CLIENTS[client])
    assert (BY_URLLIB3 in shown["wrong host"][0]) == (client == "boto3")
    assert_hinted(shown, servers, with_port=client not in WITHOUT_PORT)


@cases("version", versions_here("3.10", "3.11", *STRICT_VERSIONS))
def test_so_it_is_with_what_python_brings(
    as_it_comes: Callable[[str], Environment], said: Asked, servers: dict[str, TlsServer], version: str
) -> None:
    assert_hinted(said(as_it_comes(version), URLLIB), servers)


@cases("client", ["requests", "urllib"])
@cases(
    "before",
    ["from gevent import monkey; monkey.patch_all()", "import truststore; truststore.inject_into_ssl()"],
)
def test_so_it_is_beside_those_who_put_classes_of_their_own_into_ssl(
    environment: Environment, said: Asked, servers: dict[str, TlsServer], before: str, client: str
) -> None:
    assert_hinted(said(environment, f"{before}\n{CLIENTS[client]}"), servers)


def test_pip_says_it_once_for_each_server_however_often_it_tries(
    environment: Environment,
    as_it_comes: Callable[[str], Environment],
    servers: dict[str, TlsServer],
    trusting: Path,
    tmp_path: Path,
) -> None:
    """The pip that each Python brings, and the newest, which has truststore in between."""
    first, *others = (servers[fault] for fault in MEANINGS)
    indexes = [
        "-i",
        f"{first.url}/simple/",
        *(part for s in others for part in ("--extra-index-url", f"{s.url}/simple/")),
    ]
    command = ("-m", "pip", "download", "--no-deps", "--no-cache-dir", "-d", str(tmp_path), *indexes, "ok")
    for python in (environment, *map(as_it_comes, versions_here("3.10", "3.11", *STRICT_VERSIONS))):
        ran = python.run("python", *command, home=trusting, **{**QUIET, "PIP_RETRIES": "1"})
        shown = ran.out + ran.err
        assert shown.count("Retrying") == len(MEANINGS)
        faults = [fault for fault in MEANINGS if fault != "wrong host" or BY_URLLIB3 not in shown]
        assert shown.count("certboot doctor") == len(faults)
        for fault in faults:
            hint = f"; certboot: {MEANINGS[fault]}; run: certboot doctor localhost:{servers[fault].port}"
            assert shown.count(hint) == 1


OWN = "import ssl, urllib.request; get = lambda url: urllib.request.urlopen(url, context=context);"
WITHOUT: dict[str, tuple[str, dict[str, str]]] = {
    "off": (CLIENTS["requests"], {"CERTBOOT_HINTS": "0"}),
    "no hook": (CLIENTS["httpx"], {"CERTBOOT_DISABLE": "1"}),
    "a file of the program": (OWN + "context = ssl.create_default_context(cafile={own!r})", {}),
    "the default and a file of the program": (
        OWN + "context = ssl.create_default_context(); context.load_verify_locations({own!r})", {}
    ),
    "a file of the session": ("import requests; s = requests.Session(); s.verify = {own!r}; get = s.get", {}),
    "a variable that the user has exported": (CLIENTS["requests"], {"REQUESTS_CA_BUNDLE": "{own}"}),
}  # fmt: skip


@cases("why", WITHOUT)
def test_there_is_none_where_it_is_off_or_the_trust_is_the_programs_or_the_users_own(
    environment: Environment, said: Asked, own: Path, why: str
) -> None:
    client, variables = WITHOUT[why]
    file = str(own / "own.pem")
    values = {name: value.format(own=file) for name, value in variables.items()}
    shown = said(environment, client.format(own=file), **values)
    for fault in MEANINGS:
        assert "certificate verify failed" in shown[fault][0]
        assert "certboot doctor" not in "".join(shown[fault])
