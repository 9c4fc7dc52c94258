"""``certboot run --add`` from the built wheel: clients as users start them, with a CA for one command."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import trustme
from support.environments import SYSTEM_PATH, Environment
from support.pages import NODE, QUIET
from support.programs import GET
from support.table import cases

pytestmark = pytest.mark.slow

INSTALL = (
    "pip", "install", "--dry-run", "--no-deps", "--no-cache-dir", "--target", "none", "-i", "{url}/simple/", "ok",
)  # fmt: skip
REQUESTS = "import requests, sys; print(requests.get(sys.argv[1]).text)"
WITHOUT_HOOK = str(Path(sys.base_prefix) / "bin" / "python3")
PROGRAMS = {
    "curl": ("curl", "-sS", "{url}/page"),
    "git": ("git", "ls-remote", "{url}/ok.git"),
    "node": ("node", "-e", NODE, "{url}/page"),
    "pip": INSTALL,
    "requests": ("python", "-c", REQUESTS, "{url}/page"),
    "urllib": ("python", "-c", GET, "{url}/page"),
    "urllib, with a certboot beside it": ("certboot", "run", "--", "python", "-c", GET, "{url}/page"),
    "urllib, without the hook": (WITHOUT_HOOK, "-c", GET, "{url}/page"),
}


# Starts each of the programs, a few at a time, and prints how each fared.
DRIVER = """
import concurrent.futures, json, subprocess, sys
def fares(argv):
    done = subprocess.run(argv, stdin=-3, stdout=-1, stderr=-2, text=True)
    if not done.returncode and "ok" in done.stdout:
        return "ok"
    return "refused" if done.returncode and "certificate" in done.stdout.lower() else done.stdout
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print(json.dumps(list(pool.map(fares, json.loads(sys.argv[1])))))
"""


@cases("options", [[], ["--only"]])
def test_it_trusts_what_is_added_and_the_store_or_only_what_is_added_and_never_a_third(
    environment: Environment, trusting: Path, own: Path, authorities: Sequence[str], options: list[str]
) -> None:
    there = {n: p for n, p in PROGRAMS.items() if n not in ("curl", "git", "node") or shutil.which(n, path=SYSTEM_PATH)}
    jobs = [[part.replace("{url}", url) for part in argv] for argv in there.values() for url in authorities]
    driver = (WITHOUT_HOOK, "-c", DRIVER, json.dumps(jobs))
    ran = environment.run("certboot", "run", "--add", own / "own.pem", *options, "--", *driver, home=trusting, **QUIET)
    fared = json.loads(ran.out)
    expected = ["ok", "refused" if options else "ok", "refused"]
    assert {name: fared[3 * at : 3 * at + 3] for at, name in enumerate(there)} == dict.fromkeys(there, expected)
    assert not (trusting / ".local" / "share" / "certboot" / "runs").exists()


@pytest.fixture
def authorities(serving: Callable[[trustme.CA], str], ca: trustme.CA, other: trustme.CA) -> Sequence[str]:
    """Servers of the CA that is added, of the store's, and of a third, by whom it is seen that somebody looks."""
    return [serving(authority) for authority in (other, ca, trustme.CA())]
