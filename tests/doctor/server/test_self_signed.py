"""A server's own certificate that is no CA: the commands and options that the doctor prints are run as they stand."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from support.asking import Ask
from support.commands import Run
from support.environments import SYSTEM_PATH, find_python
from support.issuers import Send
from support.pki import LEAF, Issued, make
from support.programs import GET
from support.table import cases
from support.zoo import PAST, changed

from certboot.doctor.server.self_signed import issued_by_a_small_ca
from certboot.pki.pem import certificates
from certboot.store.paths import StorePaths

OWN = make("localhost")


def made(folder: Path) -> Issued:
    """What the commands have made for the server."""
    key = serialization.load_pem_private_key((folder / "server.key").read_bytes(), None)
    return Issued(x509.load_pem_x509_certificate((folder / "server.pem").read_bytes()), key)  # type: ignore[arg-type]


def succeeds(folder: Path, *argv: str | Path, **variables: str) -> bool:
    environ = {"PATH": SYSTEM_PATH, **variables}
    return subprocess.run(argv, cwd=folder, env=environ, capture_output=True, check=False).returncode == 0


def printed(summary: str) -> str:
    """The openssl commands in a finding, as a shell takes them."""
    lines = summary.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("  openssl"))
    last = next(number for number, line in enumerate(lines) if line.startswith("server.pem"))
    return "\n".join(lines[first:last])


@pytest.mark.usefixtures("one_client")
def test_it_is_issued_properly_by_the_two_commands_and_their_ca_is_trusted(
    ask: Ask, certboot: Run, paths: StorePaths, send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert certboot("init").status == 0
    monkeypatch.setenv("SSL_CERT_FILE", str(paths.current / "bundle.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(paths.current / "crts"))
    answer = ask("hook", send(OWN).shown)
    assert (answer.primary, answer.first["fix"]) == ("self-signed-leaf", [])
    assert succeeds(tmp_path, "bash", "-e", "-c", printed(answer.first["summary"]))
    server = send(made(tmp_path))
    assert ask("hook", server.shown).primary
    assert certboot("trust", "--yes", tmp_path / "ca.pem").status == 0
    assert ask("hook", server.shown).primary is None
    bundle = {"SSL_CERT_FILE": str(paths.current / "bundle.pem"), "SSL_CERT_DIR": str(tmp_path)}
    assert succeeds(tmp_path, find_python("3.13"), "-I", "-c", GET, server.url, **bundle)


@cases("host", ["localhost", "192.0.2.1", "2001:db8::1", f"{'a' * 60}.example"])
def test_the_small_ca_is_good_for_the_host_and_for_no_other(host: str, tmp_path: Path) -> None:
    def run(argv: Sequence[str]) -> bool:
        at = argv.index("rsa:2048")  # which takes long to make
        return succeeds(tmp_path, *argv[:at], "ec", "-pkeyopt", "ec_paramgen_curve:P-256", *argv[at + 1 :])

    is_address = host[0] in "12"
    ca, server = issued_by_a_small_ca(host)
    verify = ("openssl", "verify", "-x509_strict", "-CAfile", "ca.pem")
    assert run(ca)
    assert run(server)
    assert succeeds(tmp_path, *verify, "-verify_ip" if is_address else "-verify_hostname", host, "server.pem")
    assert run(issued_by_a_small_ca("198.51.100.1" if is_address else "other.example")[1])
    assert not succeeds(tmp_path, *verify, "server.pem")


REQUESTS = "import sys, requests; requests.get(sys.argv[1], verify=sys.argv[2] if sys.argv[2:] else True)"
URLLIB = (
    "import ssl, sys, urllib.request\n"
    "urllib.request.urlopen(sys.argv[1], context=ssl.create_default_context(cafile=(sys.argv[2:] or [None])[0]))"
)


def test_single_programs_believe_it_by_the_file_that_chain_writes(
    ask: Ask, certboot: Run, send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert certboot("init").status == 0
    server = send(OWN)
    summary = ask("hook", server.shown).first["summary"]
    assert f"  certboot chain {server.shown} --output own.pem" in summary
    assert certboot("chain", server.shown, "--output", "own.pem").status == 0
    assert list(certificates((tmp_path / "own.pem").read_bytes())) == [OWN.der]

    def believes(*argv: str, **variables: str) -> bool:
        environ = {"PATH": SYSTEM_PATH, **variables}
        ran = subprocess.run(argv, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        return "certificate" not in ran.stderr.lower()

    for argv, option in (
        ((sys.executable, "-c", REQUESTS, server.url), "own.pem"),
        ((sys.executable, "-c", URLLIB, server.url), "own.pem"),
        (("curl", "-sS", server.url), "--cacert own.pem"),
        (("wget", "-nv", "-O", "/dev/null", server.url), "--ca-certificate=own.pem"),
        (("git", "ls-remote", server.url), "GIT_SSL_CAINFO=own.pem"),
        (("node", "-e", "require('https').get(process.argv[1]).end()", server.url), "NODE_EXTRA_CA_CERTS=own.pem"),
    ):
        assert option in summary
        name, _, value = option.partition("=")
        variables = {name: value} if name.isupper() else {}
        if shutil.which(argv[0], path=SYSTEM_PATH):
            assert not believes(*argv), argv
            assert believes(*argv, *([] if variables else option.split()), **variables), argv


@cases("form", [changed(LEAF, names=("router.example",)), changed(LEAF, valid=PAST)], ids=["other names", "expired"])
def test_no_way_is_told_by_which_no_program_would_believe_it(ask: Ask, form: object, send: Send) -> None:
    summary = ask("hook", send(make("localhost", form=form)).shown).first["summary"]  # type: ignore[arg-type]
    assert ("openssl req -x509" in summary, "certboot chain" in summary) == (True, False)


def test_trust_says_that_it_is_no_ca_and_where_the_ways_are(certboot: Run, send: Send, tmp_path: Path) -> None:
    server = send(OWN)
    (tmp_path / "own.pem").write_bytes(OWN.pem)
    for words, hint in ((server.shown, f"certboot doctor {server.shown}"), (tmp_path / "own.pem", "self-signed-leaf")):
        ran = certboot("trust", words, "--yes")
        assert (ran.status, hint in ran.err) == (2, True)
