"""Every way in which a program tells a client whom to trust, tried on two servers: run by test_no_harm.py.

    python explicit_choices.py OWN_FILE OWN_FOLDER URL_OF_A_SERVER_OF_THAT_CA URL_OF_ANOTHER [BEGINNING]

Prints a JSON object: choice -> what came of it at each server, ``ok`` or ``refused``. With a beginning only those
choices are tried whose names begin so.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import sys
import typing
import urllib.request
import warnings
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import botocore.config  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
import httpx
import requests
import urllib3

if typing.TYPE_CHECKING:
    from collections.abc import Callable

warnings.simplefilter("ignore")
OWN, FOLDER, URLS = sys.argv[1], sys.argv[2], sys.argv[3:5]
BEGINNING = "".join(sys.argv[5:])
PEM = Path(OWN).read_text("ascii")
PROTOCOL = ssl.PROTOCOL_TLS_CLIENT

Fetch = typing.Callable[[str], object]


def session(
    *, chosen: object = True, trust_env: bool = True, call: dict[str, object] | None = None, prepared: bool = False
) -> Fetch:
    def fetch(url: str) -> object:
        with requests.Session() as made:
            made.verify = chosen  # type: ignore[assignment]
            made.trust_env = trust_env
            if prepared:
                return made.send(made.prepare_request(requests.Request("GET", url)))
            return made.get(url, **(call or {}))  # type: ignore[arg-type]

    return fetch


def context(*loads: dict[str, str], defaults: str = "", verify: bool = True) -> ssl.SSLContext:
    made = ssl.SSLContext(PROTOCOL)
    if defaults == "before":
        made.load_default_certs()
    for load in loads:
        made.load_verify_locations(**load)
    if defaults == "after":
        made.load_default_certs()
    if not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def urlopen(make: Callable[[], ssl.SSLContext | None]) -> Fetch:
    return lambda url: urllib.request.urlopen(url, context=make()).read()  # noqa: S310


def connection(make: Callable[[], ssl.SSLContext | None]) -> Fetch:
    def fetch(url: str) -> object:
        made = http.client.HTTPSConnection(urlsplit(url).netloc, context=make())
        made.request("GET", "/")
        return made.getresponse().read()

    return fetch


def pool(**options: object) -> Fetch:
    return lambda url: urllib3.PoolManager(retries=False, **options).request("GET", url)  # type: ignore[arg-type]


def by_httpx(**options: object) -> Fetch:
    return lambda url: httpx.get(url, **options)  # type: ignore[arg-type]


def by_aiohttp(**options: object) -> Fetch:
    async def get(url: str) -> object:
        async with aiohttp.ClientSession() as made, made.get(url, **options) as answer:  # type: ignore[arg-type]
            return await answer.text()

    return lambda url: asyncio.run(get(url))


def by_botocore(**options: object) -> Fetch:
    def fetch(url: str) -> object:
        made = botocore.session.Session()
        made.set_credentials("dummy", "dummy")
        once = botocore.config.Config(retries={"total_max_attempts": 1})
        return made.create_client("s3", "eu-west-1", endpoint_url=url, config=once, **options).list_buckets()

    return fetch


FILE, DIR, DATA = {"cafile": OWN}, {"capath": FOLDER}, {"cadata": PEM}

# A file, a directory or the certificate itself: the server of that CA passes, no other does.
ONLY_OWN: dict[str, Fetch] = {
    "requests, session.verify a file": session(chosen=OWN),
    "requests, session.verify a directory": session(chosen=FOLDER),
    "requests, session.verify a file, sent as prepared": session(chosen=OWN, prepared=True),
    "requests, session.verify a file, trust_env off": session(chosen=OWN, trust_env=False),
    "requests, verify a file": session(call={"verify": OWN}),
    "requests, verify a file, session.verify off": session(chosen=False, call={"verify": OWN}),
    "requests.get, verify a file": lambda url: requests.get(url, verify=OWN, timeout=20),
    "requests.get, verify a directory": lambda url: requests.get(url, verify=FOLDER, timeout=20),
    "ssl, cafile": urlopen(lambda: context(FILE)),
    "ssl, capath": urlopen(lambda: context(DIR)),
    "ssl, cadata": urlopen(lambda: context(DATA)),
    "ssl, all three": urlopen(lambda: context({**FILE, **DIR, **DATA})),
    "create_default_context, cafile": urlopen(lambda: ssl.create_default_context(cafile=OWN)),
    "create_default_context, capath": urlopen(lambda: ssl.create_default_context(capath=FOLDER)),
    "create_default_context, cadata": urlopen(lambda: ssl.create_default_context(cadata=PEM)),
    "http.client, cafile": connection(lambda: context(FILE)),
    "httpx, verify a context": by_httpx(verify=context(FILE)),
    "httpx, verify a file": by_httpx(verify=OWN),
    "httpx, verify a directory": by_httpx(verify=FOLDER),
    "httpx, verify a context, trust_env off": by_httpx(verify=context(FILE), trust_env=False),
    "aiohttp, ssl a context": by_aiohttp(ssl=context(FILE)),
    "urllib3, ca_certs": pool(ca_certs=OWN),
    "urllib3, ca_cert_dir": pool(ca_cert_dir=FOLDER),
    "urllib3, ca_cert_data": pool(ca_cert_data=PEM),
    "urllib3, ssl_context": pool(ssl_context=context(FILE)),
    "botocore, verify a file": by_botocore(verify=OWN),
}
# Turned off: both pass.
OFF: dict[str, Fetch] = {
    "requests, session.verify off": session(chosen=False),
    "requests, session.verify None": session(chosen=None),
    "requests, session.verify off, sent as prepared": session(chosen=False, prepared=True),
    "requests, verify off": session(call={"verify": False}),
    "requests, verify off, session.verify a file": session(chosen=OWN, call={"verify": False}),
    "requests.get, verify off": lambda url: requests.get(url, verify=False, timeout=20),  # noqa: S501
    "ssl, CERT_NONE": urlopen(lambda: context(verify=False)),
    "ssl, CERT_NONE with the defaults": urlopen(lambda: context(defaults="before", verify=False)),
    "http.client, _create_unverified_context": connection(ssl._create_unverified_context),
    "httpx, verify off": by_httpx(verify=False),
    "aiohttp, ssl off": by_aiohttp(ssl=False),
    "urllib3, cert_reqs off": pool(cert_reqs="CERT_NONE"),
    "botocore, verify off": by_botocore(verify=False),
}
# Nobody is trusted: none passes.
NOBODY: dict[str, Fetch] = {
    "ssl, nothing loaded": urlopen(context),
    "httpx, a context with nothing loaded": by_httpx(verify=context()),
    "aiohttp, a context with nothing loaded": by_aiohttp(ssl=context()),
    "urllib3, a context with nothing loaded": pool(ssl_context=context()),
}
# No choice, or the default by name, alone or beside the own file: here certboot adds what is in the store.
DEFAULT: dict[str, Fetch] = {
    "requests": session(),
    "requests, verify on": session(call={"verify": True}),
    "requests, verify on, session.verify a file": session(chosen=OWN, call={"verify": True}),
    "requests, sent as prepared": session(prepared=True),
    "requests, trust_env off": session(trust_env=False),
    "ssl, the defaults": urlopen(lambda: context(defaults="before")),
    "ssl, the defaults and cafile": urlopen(lambda: context(FILE, defaults="before")),
    "ssl, cafile and the defaults": urlopen(lambda: context(FILE, defaults="after")),
    "urllib": urlopen(lambda: None),
    "http.client": connection(lambda: None),
    "httpx": by_httpx(),
    "httpx, trust_env off": by_httpx(trust_env=False),
    "aiohttp": by_aiohttp(),
    "urllib3": pool(),
    "botocore": by_botocore(),
}
CHOICES = {"only own": ONLY_OWN, "off": OFF, "nobody": NOBODY, "default": DEFAULT}


def outcome(fetch: Fetch, url: str) -> str:
    try:
        fetch(url)
    except Exception as error:
        if "certificate" in f"{error!r} {error.__cause__!r}".lower():
            return "refused"
        raise
    return "ok"


def main() -> None:
    found = {
        kind: {name: [outcome(choices[name], url) for url in URLS] for name in choices if name.startswith(BEGINNING)}
        for kind, choices in CHOICES.items()
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
