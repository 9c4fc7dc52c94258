"""Clients as their users write them, started in a virtualenv, and what came of each."""

from __future__ import annotations

import shutil
import tempfile
import typing

from support.environments import SYSTEM_PATH
from support.pages import BOTO3, NODE, QUIET

if typing.TYPE_CHECKING:
    from pathlib import Path

    from support.environments import Environment

GET = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"
_CALL = "import subprocess, sys; sys.exit(subprocess.call({!r} + [sys.argv[1] + {!r}]))"
SCRIPTS = {
    "requests": "import requests, sys; print(requests.get(sys.argv[1] + '/page').text)",
    "urllib": "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1] + '/page').read().decode())",
    "httpx": "import httpx, sys; print(httpx.get(sys.argv[1] + '/page').text)",
    "aiohttp": """\
import aiohttp, asyncio, sys
async def main():
    async with aiohttp.ClientSession() as session, session.get(sys.argv[1] + "/page") as answer:
        print(await answer.text())
asyncio.run(main())
""",
    "boto3": BOTO3,
    "curl": _CALL.format(["curl", "-sS"], "/page"),
    "git": _CALL.format(["git", "ls-remote"], "/ok.git"),
    "node": _CALL.format(["node", "-e", NODE], "/page"),
}
_INDEX = ("-i", "{url}/simple/", "ok")
ARGUMENTS = {name: ("-c", script, "{url}") for name, script in SCRIPTS.items()} | {
    "pip": ("-m", "pip", "download", "--no-deps", "--no-cache-dir", "-d", "{out}", *_INDEX),
    "uv": ("-m", "uv", "pip", "install", "--no-deps", "--target", "{out}", *_INDEX),
}
"""Client -> what an interpreter is given so that it asks for a page of ``support.pages``."""


def present(*clients: str) -> list[str]:
    """Return those of the clients, or of all, for which this machine has what they need."""
    own = ("curl", "git", "node")
    names = clients or tuple(ARGUMENTS)
    return [name for name in names if name not in own or shutil.which(name, path=SYSTEM_PATH)]


def outcome(environment: Environment, client: str, url: str, home: Path, **variables: str) -> str:
    """Run a client and return ``ok``, ``refused`` for the server's certificate, or all that it printed."""
    with tempfile.TemporaryDirectory() as out:
        argv = [part.replace("{url}", url).replace("{out}", out) for part in ARGUMENTS[client]]
        ran = environment.run("python", *argv, home=home, **{**QUIET, **variables})
    said = ran.out + ran.err
    if ran.status == 0 and "ok" in said:
        return "ok"
    return "refused" if ran.status and "certificate" in said.lower() else f"{ran.status}: {said}"
