"""What is written to be attached to an issue: enough to help, and no word that somebody else has chosen."""

from __future__ import annotations

import errno
import os
import platform
import ssl
import stat
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.commands import Run
from support.failing import Failing
from support.pki import CA, DAY, LEAF, NOW, changed, make
from support.server import TlsServer
from support.snapshot import assert_refused, snapshot
from support.table import cases

from certboot import files
from certboot.cli.report import issue_machine
from certboot.cli.report.issue import lines_on_findings
from certboot.doctor.examination import (
    ChainToSend,
    ClientVerdict,
    Examination,
    Instruction,
    Link,
    Outcome,
    PresentedCertificate,
    Trust,
)
from certboot.doctor.finding import Finding
from certboot.store.paths import StorePaths

SECRETS = (
    "alice", "hunter2", "ghp_0123456789", "proxy.corp.example", "intranet.corp.example", "Acme", "pki.corp.example",
    "10.9.8.7", "acme", "localhost",
)  # fmt: skip
ROOT = make("Acme Root CA 7", form=changed(CA, organisation="Acme Corporation"))
MIDDLE = make("Acme Issuing CA 3", ROOT, CA)
NAMES = ("localhost", "intranet.corp.example", "10.9.8.7")
SERVER = make("localhost", MIDDLE, changed(LEAF, names=NAMES, issuer_at="http://pki.corp.example/acme.crt"))


@pytest.fixture
def secretive(
    certboot: Run, paths: StorePaths, send: Callable[..., TlsServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """A user, a store, variables and a server that all have something to hide; returns the server's HOST:PORT."""
    home = tmp_path / "home" / "alice" / "acme"
    home.mkdir(parents=True)
    (home / "root.pem").write_bytes(ROOT.pem)
    assert certboot("init").status == 0
    assert certboot("trust", home / "root.pem", "--yes").status == 0
    paths.config.write_text(f'[[company]]\npath = "{home}/root.pem"\n[ccadb]\naddress = "https://pki.corp.example/"\n')
    for name, value in {
        "USER": "alice", "GITHUB_TOKEN": "ghp_0123456789", "CURL_CA_BUNDLE": str(home / "root.pem"),
        "REQUESTS_CA_BUNDLE": str(home / "gone.pem"), "ALL_PROXY": "acme://alice:hunter2@proxy.corp.example:3128",
        "http_proxy": "http://alice:hunter2@proxy.corp.example:3128", "NO_PROXY": "localhost,intranet.corp.example",
        "PATH": f"{home}{os.pathsep}{os.environ['PATH']}",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(platform, "release", lambda: "6.1.0-acme")
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: {"ID": "acmeos", "VERSION_ID": "12-acme"})
    monkeypatch.setattr(ssl, "OPENSSL_VERSION", "OpenSSL 3.0.1-acme 1 Jan 2026 (Acme)")
    monkeypatch.setattr(issue_machine, "installed_versions", lambda _: {"requests": "2.31.0+acme", "acme_tool": "1"})
    return f"localhost:{send(SERVER).port}"


def test_nothing_that_somebody_else_has_chosen_is_in_it(certboot: Run, secretive: str, tmp_path: Path) -> None:
    file = tmp_path / "report.txt"
    told = certboot("doctor", secretive, "--json", "--report", file)
    text = file.read_text("ascii")
    assert [secret for secret in SECRETS if secret in text] == []
    # The control: the findings, from which it is made, are full of them.
    assert len([secret for secret in SECRETS if secret in told.out]) > len(SECRETS) / 2
    assert str(tmp_path) not in text
    assert str(Path.home()) not in text
    for wanted in (
        "OpenSSL 3.0.1\n", " 6.1.0 ", "requests     2.31.0\n", "REQUESTS_CA_BUNDLE: nothing is there",
        "CURL_CA_BUNDLE: a file", "http_proxy: http, with user or password", "ALL_PROXY: (left out), with user",
        "NO_PROXY: set", "company      1", "ccadb        a mirror or a folder", "added        1 certificate",
        "OpenSSL 20 (unable to get local issuer certificate), TLSv1.", "sent 1: 36", "3 names, 1 caIssuers",
        "path: sent\n", "path: missing", "fix: certboot ",
    ):  # fmt: skip
        assert wanted in text, wanted
    assert told.err.split("\n") == [
        f"report in {file}: plain text, read it before you send it",
        "left out: users, hosts, addresses, files, CAs, values",
        "",
    ]


@given(st.text(min_size=1, max_size=20))
def test_no_word_of_a_finding_is_told_that_certboot_does_not_have_in_a_table(word: str) -> None:
    secret: typing.Any = f"\u2620{word}"
    names = (secret,)
    valid = PresentedCertificate(secret, secret, secret, NOW, NOW + DAY, secret, secret, names, names)
    examined = Examination(
        clients=names, certain=True, operator=Instruction(secret, (names,)),
        outcome=Outcome(20, *names * 4, (ClientVerdict(secret, secret, 9999, secret, secret),)),
        chain=(PresentedCertificate(secret, secret), valid), path=(Link(secret, secret, secret, secret),),
        trusts=(Trust(names, -1, secret, counted=True, trusts=names, places=names),), beside=names,
        send=ChainToSend(secret, names),
    )  # fmt: skip
    commands = ((secret,), ("certboot", secret, secret), ("env", secret))
    evidence = {"inspection": secret, "other": secret}
    finding = Finding(secret, "server", "fail", secret, secret, evidence, commands, names, examined)
    lines = "\n".join(lines_on_findings([finding], NOW))
    assert "\u2620" not in lines
    assert lines.isascii()
    assert "OpenSSL 20 (unable to get local issuer certificate), (left out), (left out)" in lines
    known = Finding("expired-leaf", "server", "fail", "requests", "KeyError: x", fix=(("certboot", "init", "--x"),))
    assert list(lines_on_findings([known], NOW)) == [
        "  server       fail   expired-leaf requests", "    KeyError", "    fix: certboot init"
    ]  # fmt: skip


def test_it_is_for_its_owner_only_and_new(certboot: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    former = os.umask(0)
    try:
        assert certboot("doctor", "hook", "--report", tmp_path / "report").status != 2
    finally:
        os.umask(former)
    assert stat.S_IMODE((tmp_path / "report").stat().st_mode) == 0o600
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to("elsewhere")
    (tmp_path / "link").symlink_to("report")
    before = snapshot(tmp_path)
    for name in ("report", "folder", "dangling", "link"):
        assert_refused(certboot("doctor", "hook", "--report", tmp_path / name), "something stands there already")
    assert_refused(certboot("doctor", "hook", "--report", tmp_path / "none" / "report"), "no such folder")
    assert snapshot(tmp_path) == before
    Failing(monkeypatch, (os, "fchmod"), 1, errno.ENOSPC)
    assert_refused(certboot("doctor", "hook", "--report", tmp_path / "new"), "No space left on device")
    assert snapshot(tmp_path) == before


@cases("name", ["link", "file"])
def test_what_comes_in_its_place_meanwhile_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / name, b"report", files.PRIVATE_MODE)
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert (tmp_path / "link").is_symlink()
