"""How each client of the table is tried for real: what to start so that it shakes hands with a host, by its defaults.

Nothing here says which certificates to trust. A client that hears anything from the server has accepted its
certificate, whatever the answer is: a status of 404, or what is no answer in the client's own protocol.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass

from certboot.clients.table import CLIENTS, Client

ACCEPTED = "accepted"
REFUSED = "refused"
UNKNOWN = "unknown"

_NAME = "certboot-trial"  # no package of this name needs to exist
_PRELUDE = """\
import json, sys
host, port = sys.argv[1], int(sys.argv[2])
url = "https://%s:%s/" % ("[%s]" % host if ":" in host else host, port)
answered = ()
def told(error):
    while error:
        yield "%s: %s" % (type(error).__qualname__, error)
        error = error.__cause__ or error.__context__
def attempt():
    global answered
"""
_ENDING = """
try:
    attempt()
except answered:
    print(json.dumps({"ok": True}))
except Exception as error:
    print(json.dumps({"ok": False, "error": " | ".join(told(error))}))
else:
    print(json.dumps({"ok": True}))
"""
_NODE = """\
require("https").get({host: process.argv[1], port: process.argv[2]}, (answer) => answer.destroy())
    .on("error", (error) => { console.error(error.code + " " + error.message); process.exit(1) })
"""
# What a client does between the prelude and the ending. ``answered``: what it raises after the server has answered.
_PYTHON = {
    "requests": "import requests\nrequests.get(url, timeout=20)",
    "niquests": "import niquests\nniquests.get(url, timeout=20)",
    "google-auth on requests": """\
from google.auth.transport.requests import Request
Request()(url, timeout=20)""",
    "google-auth on urllib3": """\
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.urllib3 import AuthorizedHttp
AuthorizedHttp(AnonymousCredentials()).urlopen("GET", url, retries=False)""",
    "botocore": """\
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
answered = (ClientError, ResponseParserError)
botocore.session.get_session().create_client(
    "sts", region_name="us-east-1", endpoint_url=url, aws_access_key_id="x", aws_secret_access_key="x",
    config=Config(retries={"total_max_attempts": 1}),
).get_caller_identity()""",
    "curl_cffi": "from curl_cffi import requests\nrequests.get(url, timeout=20)",
    "urllib": """\
import urllib.error, urllib.request
answered = urllib.error.HTTPError
urllib.request.urlopen(url, timeout=20).close()""",
    "urllib3": 'import urllib3\nurllib3.PoolManager().request("GET", url, retries=False, timeout=20)',
    "httpx": "import httpx\nhttpx.get(url, timeout=20)",
    "httpx2": "import httpx2\nhttpx2.get(url, timeout=20)",
    "openai": """\
import openai
answered = (openai.APIStatusError, openai.APIResponseValidationError, AttributeError, ValueError)
openai.OpenAI(api_key="x", base_url=url, max_retries=0, timeout=20).models.list()""",
    "huggingface_hub": """\
import huggingface_hub
from huggingface_hub.errors import HfHubHTTPError
answered = (HfHubHTTPError, ValueError)
huggingface_hub.HfApi(endpoint=url.rstrip("/")).model_info("x/x", timeout=20)""",
    "aiohttp": """\
import aiohttp, asyncio
async def get():
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(20)) as session, session.get(url):
        pass
asyncio.run(get())""",
    "websockets": """\
from websockets.exceptions import InvalidHandshake, InvalidMessage
from websockets.sync.client import connect
answered = (InvalidHandshake, InvalidMessage)
connect(url.replace("https", "wss"), open_timeout=20).close()""",
    "websocket-client": """\
import websocket
answered = websocket.WebSocketBadStatusException
websocket.create_connection(url.replace("https", "wss"), timeout=20).close()""",
    "Tornado": """\
import asyncio
from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.simple_httpclient import HTTPStreamClosedError, HTTPTimeoutError
async def get():
    try:
        await AsyncHTTPClient().fetch(url)
    except (HTTPStreamClosedError, HTTPTimeoutError):
        raise
    except HTTPClientError:
        pass
asyncio.run(get())""",
    "Twisted": """\
from twisted.internet import reactor
from twisted.web.client import Agent
failures = []
done = Agent(reactor, connectTimeout=20).request(b"GET", url.encode())
done.addErrback(lambda failure: failures.append(failure.value))
done.addBoth(lambda _: reactor.stop())
reactor.run()
if failures:
    raise RuntimeError(getattr(failures[0], "reasons", failures))""",
    "redis": """\
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
answered = (redis.exceptions.InvalidResponse, redis.exceptions.ResponseError)
try:
    redis.Redis(host, port, ssl=True, retry=Retry(NoBackoff(), 0), socket_timeout=20).ping()
except redis.exceptions.ConnectionError as error:
    if "closed by server" not in str(error):  # what it says of one that does not speak its protocol
        raise""",
    "elasticsearch": """\
import elasticsearch
answered = (elasticsearch.ApiError, elasticsearch.UnsupportedProductError, elasticsearch.SerializationError)
elasticsearch.Elasticsearch(url, max_retries=0, request_timeout=20).info()""",
    "opensearch-py": """\
import opensearchpy
from opensearchpy.exceptions import ConnectionError, SerializationError, TransportError
try:
    opensearchpy.OpenSearch(url, verify_certs=True, max_retries=0, timeout=20).info()
except ConnectionError:
    raise
except (SerializationError, TransportError, TypeError):
    pass""",
    "kubernetes": """\
from kubernetes.client import ApiClient, ApiException, Configuration, VersionApi
answered = ValueError
configuration = Configuration(host=url.rstrip("/"))
configuration.retries = False
try:
    VersionApi(ApiClient(configuration)).get_code(_request_timeout=20)
except ApiException as error:
    if not error.status and "content type" not in str(error.reason):  # no answer: the certificate, or no connection
        raise""",
    "primp": "import primp\nprimp.Client(timeout=20).get(url)",
    "httplib2": "import httplib2\nhttplib2.Http(timeout=20).request(url)",
    "grpcio": """\
import grpc
with grpc.secure_channel("%s:%s" % (host, port), grpc.ssl_channel_credentials()) as channel:
    try:
        channel.unary_unary("/certboot.Trial/Ask")(b"", timeout=20)
    except grpc.RpcError as error:
        # The certificate is checked before the protocols that the server offers.
        if error.code() != grpc.StatusCode.UNIMPLEMENTED and "ALPN" not in error.details():
            raise RuntimeError(error.details()) from None""",
    "rnet": "import rnet\nrnet.BlockingClient().get(url)",
    "pycurl": """\
import pycurl
curl = pycurl.Curl()
curl.setopt(pycurl.URL, url)
curl.setopt(pycurl.TIMEOUT, 20)
curl.setopt(pycurl.WRITEFUNCTION, len)
curl.perform()""",
}


@dataclass(frozen=True)
class Trial:
    """A command that makes a client shake hands, and how its failures are told apart."""

    argv: tuple[str, ...]
    environ: tuple[tuple[str, str], ...] = ()
    """What it needs set, so that it asks nobody, tries once and speaks English."""
    answered: str = ""
    """What it writes when it fails after the server has answered: a regular expression."""
    data: str = ""
    """Its standard input."""
    says_json: bool = False
    """Its output ends with a line of JSON that says how it went."""


_URL = "https://{authority}/"
_PROGRAMS = {
    "pip": Trial(
        (
            sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--retries", "0",
            "--timeout", "20", "download", "--no-deps", "--no-cache-dir", "--dest", os.devnull,
            _URL + "certboot_trial-1.0-py3-none-any.whl",
        ),
        answered="HTTP error|invalid wheel|is invalid|not a valid|Not a directory|File exists",
    ),
    "uv": Trial(
        ("uv", "pip", "compile", "--no-cache", "--quiet", "--python", sys.executable, "--default-index", _URL, "-"),
        (("UV_HTTP_RETRIES", "0"),),
        answered="was not found in the (package registry|provided)|Failed to parse|`Content-Type` header for"
        r"|Unsupported `Content-Type`|unexpected (JSON|HTML)|there are no versions of|HTTP status \w+ error"
        r"|client error \(SendRequest\)",
        data=_NAME,
    ),
    "curl": Trial(("curl", "--silent", "--show-error", "--output", os.devnull, "--max-time", "20", _URL)),
    "git": Trial(
        ("git", "ls-remote", _URL),
        (("GIT_TERMINAL_PROMPT", "0"), ("GIT_ASKPASS", "true")),
        answered="not found|not valid: is this a git repository|returned error: [45]|Authentication failed",
    ),
    "Node.js": Trial(("node", "-e", _NODE, "{host}", "{port}")),
    "npm": Trial(
        ("npm", "view", _NAME, "--registry", _URL, "--fetch-retries=0", "--fetch-timeout=20000",
         "--cache", "npm-cache"),
        answered=r"code E(4|5)\d\d|Invalid response body|not valid JSON|code ENOVERSIONS",
    ),
    "wget": Trial(
        ("wget", "-nv", "--server-response", "--output-document", os.devnull, "--tries=1", "--timeout=20", _URL),
        answered="HTTP/",
    ),
    "openssl": Trial((
        "openssl", "s_client", "-brief", "-verify_return_error", "-connect", "{authority}", "-servername", "{host}",
        "-verify_hostname", "{host}",
    )),
    "AWS CLI": Trial(
        ("aws", "sts", "get-caller-identity", "--endpoint-url", _URL, "--no-sign-request", "--region", "us-east-1"),
        (("AWS_MAX_ATTEMPTS", "1"),),
        answered="An error occurred|Unable to parse response",
    ),
}  # fmt: skip

# How clients say that it is the certificate. Most have no code for it that would come through a command line.
_CERTIFICATE = re.compile(
    r"certificate.?verif|unable to (get|verify)|self.signed|UnknownIssuer|invalid peer certificate"
    r"|verification failed|not trusted|unknown ca|SSL certificate problem|UNABLE_TO_|curl: \((60|77)\)"
    r"|CertificateError|invalid certificate",
    re.IGNORECASE,
)
_TROUBLE = re.compile(r"error|fail|refused|cannot|could not|timed out|unreachable", re.IGNORECASE)


def trial(client: Client, host: str, port: int) -> Trial | None:
    """Return how to try the client on this host, or None where it cannot be tried without a service to talk to."""
    if client.name in _PYTHON:
        indented = "".join(f"    {line}\n" for line in _PYTHON[client.name].splitlines())
        return Trial((sys.executable, "-c", f"{_PRELUDE}{indented}{_ENDING}", host, str(port)), says_json=True)
    found = _PROGRAMS.get(client.name)
    if found is None:
        return None
    places = {
        "{host}": host,
        "{port}": str(port),
        "{authority}": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
    }
    argv = [_filled(part, places) for part in found.argv]
    return Trial(tuple(argv), (("LC_ALL", "C.UTF-8"), *found.environ), found.answered, found.data)


def verdict(tried: Trial, status: int, output: str, errors: str) -> tuple[str, str]:
    """Return ACCEPTED, REFUSED or UNKNOWN for how a trial ended, and what it said to that."""
    said = f"{output.strip()}\n{errors.strip()}".strip()
    if tried.says_json:
        try:
            answer = json.loads(output.strip().splitlines()[-1])
        except (ValueError, IndexError):
            return UNKNOWN, _telling(said)
        if answer["ok"]:
            return ACCEPTED, ""
        said = answer["error"]
    elif status == 0:
        return ACCEPTED, ""
    if _CERTIFICATE.search(said):
        return REFUSED, _telling(said, _CERTIFICATE)
    return (ACCEPTED if tried.answered and re.search(tried.answered, said) else UNKNOWN), _telling(said)


def _filled(part: str, places: dict[str, str]) -> str:
    for name, value in places.items():
        part = part.replace(name, value)
    return part


def _telling(said: str, what: re.Pattern[str] = _TROUBLE) -> str:
    """Return the line that says ``what``, or the last one."""
    lines = said.splitlines()
    return next((line for line in lines if what.search(line)), lines[-1] if lines else "").strip()


UNTRIED = tuple(client.name for client in CLIENTS if client.name not in {*_PYTHON, *_PROGRAMS})
"""Poetry and cargo want a project, pymongo a server that speaks its protocol."""
