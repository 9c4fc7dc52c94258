"""A daemon that starts as root with a store in root's closed home, and then is another user: what it trusts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.environments import SYSTEM_PATH
from support.hook_store import Store
from support.server import TlsServer

import certboot_startup

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user"
)

DAEMON = """\
import json, os, sys, urllib.request
import certboot_startup as hook
hook.activate()
import certifi, requests, ssl, urllib3, encodings.idna
url, built_in, user = sys.argv[1:4]
real = ssl.get_default_verify_paths()
ssl.get_default_verify_paths = lambda: real._replace(openssl_cafile=built_in, openssl_capath="/none")

def told(step):
    try:
        return str(step())
    except Exception as error:
        return type(error).__name__

def fetched(context):
    return urllib.request.urlopen(url, context=context, timeout=20).status

def file_of(name):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(name)
    return len(context.get_ca_certs())

before = ssl.create_default_context()
named = os.environ.get("SSL_CERT_FILE")
if user != "none":
    os.setgid(int(user))
    os.setuid(int(user))
session, other = requests.Session(), requests.Session()
other.trust_env = False
print(json.dumps({
    "before": told(lambda: fetched(before)),
    "after": told(lambda: fetched(ssl.create_default_context())),
    "requests": told(lambda: session.get(url, timeout=20).status_code),
    "requests without environment": told(lambda: other.get(url, timeout=20).status_code),
    "certifi": told(lambda: file_of(certifi.where())),
    "our file": told(lambda: file_of(named)) if named else "",
}))
"""


@pytest.fixture
def store(tmp_path: Path, ca: trustme.CA) -> Store:
    """A store with one CA, in a home that is root's alone."""
    closed = tmp_path / "root"
    closed.mkdir()
    made = Store(closed / "store")
    (made.crts / "9d66eef0.0").unlink()
    ca.cert_pem.write_to_path(str(made.crts / "ca.pem"))
    subprocess.run(["openssl", "rehash", made.crts], check=True, env={"PATH": SYSTEM_PATH})
    made.bundle.write_bytes(ca.cert_pem.bytes())
    made.manifest.write_text("{}")
    closed.chmod(0o700)
    return made


@pytest.fixture
def outcome(store: Store, ca: trustme.CA, serve: Callable[..., TlsServer], tmp_path: Path) -> Callable[..., object]:
    """Run the daemon with a server of the store's CA, and return what it got."""
    server = serve(ca.issue_cert("localhost"))
    empty = tmp_path / "built-in.pem"
    trustme.CA().cert_pem.write_to_path(str(empty))

    def run(user: str, **environ: str) -> dict[str, str]:
        source = str(Path(certboot_startup.__file__).parents[1])
        ours = {"PYTHONPATH": source, "CERTBOOT_HOME": str(store.home), "PATH": SYSTEM_PATH}
        ran = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", DAEMON, f"{server.url}/page", empty, user],
            env={**ours, **environ}, check=True, capture_output=True, text=True,
        )  # fmt: skip
        found: dict[str, str] = json.loads(ran.stdout)
        return found

    return run


def test_what_was_loaded_before_the_user_was_dropped_works_after_it_and_the_rest_is_as_without_certboot(
    outcome: Callable[..., dict[str, str]],
) -> None:
    public = outcome("none", CERTBOOT_DISABLE="1")["certifi"]
    assert int(public) > 100
    refused = {"after": "URLError", "requests": "SSLError", "requests without environment": "SSLError"}
    without = {"before": "URLError", **refused, "certifi": public, "our file": ""}
    assert outcome("65534", CERTBOOT_DISABLE="1") == without
    # What asks for our file gets what it would have asked for without our variable: certifi's.
    assert outcome("65534") == {**without, "before": "200", "our file": public}
    # The control: as long as it is root it has the store.
    assert set(outcome("none").values()) == {"200", "1"}


def test_a_store_that_everybody_can_reach_serves_the_daemon_before_and_after(
    store: Store, outcome: Callable[..., dict[str, str]]
) -> None:
    store.home.parent.chmod(0o755)
    for folder in store.home.parents:
        folder.chmod(folder.stat().st_mode | 0o011)
    assert set(outcome("65534").values()) == {"200", "1"}
