"""A chain from a file is judged as if a server had sent it, at any time and against any anchors."""

from __future__ import annotations

import dataclasses
import os
import shlex
import subprocess
import sys
import typing
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
from cryptography import x509
from support.asking import Ask, Trust
from support.commands import Run
from support.environments import SYSTEM_PATH
from support.pki import CA, DAY, LEAF, NOW, Extensions, Issued, make
from support.snapshot import assert_refused, snapshot
from support.table import cases

from certboot.doctor.server import chain_file, judge
from certboot.doctor.server.case import Clock, Known
from certboot.pki import der

Written = Callable[..., Path]
Argv = Callable[..., tuple[str | Path, ...]]
ROOT = make("Corp Root", form=CA)
MIDDLE = make("Middle", ROOT, CA)
SERVER = make("localhost", MIDDLE)
ANOTHER = make("Another", form=CA)
LONG = make("Corp Root", form=dataclasses.replace(CA, valid=(NOW - 2000 * DAY, NOW + 4000 * DAY)))
OF_THE_CLOCK = Known(clock=Clock(NOW + 9000 * DAY, anchors_expired=True))


def leaf(issuer: Issued, begin: float, end: float) -> Issued:
    return make("localhost", issuer, dataclasses.replace(LEAF, valid=(NOW + begin * DAY, NOW + end * DAY)))


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Write certificates into a file."""

    def write(*members: Issued, name: str = "chain.pem") -> Path:
        (tmp_path / name).write_bytes(b"".join(member.pem for member in members))
        return tmp_path / name

    return write


@pytest.fixture
def argv(written: Written) -> Argv:
    """The arguments for a chain file of these, with the root as the one anchor."""

    def made(*members: Issued, host: str = "localhost", root: Issued = ROOT) -> tuple[str | Path, ...]:
        return ("hook", "--chain", written(*members), "--host", host, "--anchors", written(root, name="root.pem"))

    return made


def test_a_good_chain_is_good_with_any_trust_that_has_its_root(
    ask: Ask, argv: Argv, trust: Trust, tmp_path: Path
) -> None:
    alone = argv(SERVER, MIDDLE)[:-2]
    assert ask(*alone).primary == "untrusted-root"
    assert ask(*argv(SERVER, MIDDLE)).primary is None
    trust(ROOT)
    answer = ask(*alone)
    assert (answer.primary, answer.first["subject"], answer.status) == (None, "localhost", 0)
    assert ask(*argv(SERVER, MIDDLE, root=ANOTHER)).primary == "untrusted-root"
    folder = tmp_path / "anchors"  # and anything else
    folder.mkdir()
    (folder / "readme.txt").write_text("not a certificate")
    (folder / "root.der").write_bytes(ROOT.der)
    (folder / "again.pem").write_bytes(ROOT.pem)
    for at in ((), ("--at", f"{NOW:%Y-%m-%d}")):
        assert ask(*alone, "--anchors", folder, *at).primary is None


@cases(
    ("days", "cause"), [(-2, "not-yet-valid"), (0, None), (200, None), (366, "expired-leaf"), (5000, "expired-root")]
)
def test_it_is_judged_at_the_time_that_is_asked_for(ask: Ask, argv: Argv, days: int, cause: str | None) -> None:
    at = (NOW + days * DAY).isoformat()
    assert ask(*argv(make("localhost", LONG), root=LONG), "--at", at).primary == cause


@cases(("life", "at", "is_soon"), [
    (6, "2030-01-05T00:00:00", False), (6, "2030-01-05T00:00:01", True),
    (42, "2030-01-29T00:00:00", False), (42, "2030-01-29T00:00:01", True),
    (47, "2030-02-03T00:00:00", False), (47, "2030-02-03T00:00:01", True),
    (398, "2031-01-20T00:00:00", False), (398, "2031-01-20T00:00:01", True),
])  # fmt: skip
def test_the_end_is_soon_in_the_last_14_days_or_the_last_third_of_a_short_life(
    ask: Ask, argv: Argv, life: int, at: str, *, is_soon: bool
) -> None:
    begin = datetime(2030, 1, 1, tzinfo=timezone.utc)
    root = make("Corp Root", form=dataclasses.replace(CA, valid=(begin, begin + 900 * DAY)))
    server = make("localhost", root, dataclasses.replace(LEAF, valid=(begin, begin + life * DAY)))
    assert ("expires-soon" in ask(*argv(server, root=root), "--at", at).ids) == is_soon


@cases(("begin", "end", "at", "cause"), [
    (-1, 365, -1500, "not-yet-valid"),
    (-1, 365, -3000, "not-yet-valid"),
    (1, 365, -1, "not-yet-valid"),
    (-9, -5, -1, "expired-leaf"),
    (-9, 365, 1000, "expired-leaf"),
    (-9, 365, 0, None),
])  # fmt: skip
def test_a_time_that_is_asked_for_says_nothing_of_the_clock(  # noqa: PLR0913, PLR0917 - what is given, and what for
    ask: Ask, argv: Argv, monkeypatch: pytest.MonkeyPatch, begin: int, end: int, at: int, cause: str | None
) -> None:
    words = (*argv(leaf(LONG, begin, end), root=LONG), "--at", (NOW + at * DAY).isoformat())
    assert ask(*words).primary == cause
    monkeypatch.setattr(judge, "known", lambda *_: OF_THE_CLOCK)
    assert ask(*words).primary == cause


def test_without_such_a_time_the_clock_is_thought_of(ask: Ask, argv: Argv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "known", lambda *_: OF_THE_CLOCK)
    words = argv(leaf(ROOT, 1, 9))
    assert ask(*words).primary == "clock-skew"
    assert ask(*words, "--at", NOW.isoformat()).primary == "not-yet-valid"


def test_a_time_may_have_a_zone_and_must_be_one(ask: Ask, certboot: Run, argv: Argv) -> None:
    words = (*argv(SERVER, MIDDLE), "--at")
    for at in (f"{NOW:%Y-%m-%d}", f"{NOW:%Y-%m-%dT%H:%M:%S}Z", f"{NOW:%Y-%m-%dT%H:%M}+00:00"):
        assert ask(*words, at).primary is None
    for at in ("2026-13-01", "yesterday", "", " ", "2026-01-01T25:00"):
        assert_refused(certboot("doctor", *words, at))


@cases("option", ["--at", "--host", "--connect", "--servername"])
def test_an_option_without_a_value_is_refused_by_its_name(certboot: Run, option: str) -> None:
    """What an unset variable of a script makes of ``--servername "$NAME"``."""
    for argv in ((), ("localhost",), ("--chain", "c.pem"), ("--chain", "c.pem", "--host", "localhost")):
        ran = certboot("doctor", *argv, option, "")
        assert_refused(ran)
        assert f"an empty value: {option}" in ran.err


def test_an_empty_path_is_not_here(certboot: Run, argv: Argv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("doctor", *argv(SERVER, MIDDLE)[:-2])
    assert certboot(*words, "--anchors", ".").status < 2
    for option in ("--chain", "--anchors", "--html"):
        ran = certboot(*words, option, "")
        assert (ran.status, ran.out, f"argument {option}: the name is empty" in ran.err) == (2, "", True)


@cases(("members", "host", "cause"), [
    ((SERVER,), "localhost", "untrusted-root"),
    ((SERVER, MIDDLE), "a.example", "hostname-mismatch"),
    ((SERVER, MIDDLE), "127.0.0.1", "ip-not-in-san"),
    ((SERVER, MIDDLE), "https://localhost/x", None),
    ((make("localhost", MIDDLE, dataclasses.replace(LEAF, names=())), MIDDLE), "localhost", "no-subject-alt-name"),
    ((leaf(MIDDLE, -9, -1), MIDDLE), "localhost", "expired-leaf"),
])  # fmt: skip
def test_openssl_now_and_what_is_computed_for_then_agree(
    ask: Ask, argv: Argv, members: tuple[Issued, ...], host: str, cause: str | None
) -> None:
    words = argv(*members, host=host)
    assert ask(*words).primary == ask(*words, "--at", f"{NOW:%Y-%m-%dT%H:%M:%S}").primary == cause


def test_a_long_chain_is_judged(ask: Ask, certboot: Run, argv: Argv, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = ask(*argv(SERVER, MIDDLE, *[ANOTHER] * 300))
    assert (answer.primary, len(answer.first["evidence"]["chain"])) == (None, 100)
    monkeypatch.setattr(chain_file, "_LONGEST", 1)
    ran = certboot("doctor", *argv(SERVER, MIDDLE))
    assert (ran.status, "over 1 certificates" in ran.err) == (2, True)
    assert "untrusted-root" in certboot("doctor", "store", *argv(SERVER)[1:]).out


@cases("argv", [
    ("--chain", "chain.pem"),
    ("--chain", "chain.pem", "--host", "a b"),
    ("--chain", "chain.pem", "--host", "a" * 64 + "ü.example"),
    ("--chain", "chain.pem", "--host", "localhost", "localhost"),
    ("--chain", "chain.pem", "--host", "localhost", "--starttls", "smtp"),
    ("--chain", "missing.pem", "--host", "localhost"),
    ("--chain", "empty.pem", "--host", "localhost"),
    ("--chain", "chain.pem", "--host", "localhost", "--anchors", "empty-folder"),
    ("--chain", "chain.pem", "--host", "localhost", "--anchors", "junk.pem"),
    ("--host", "localhost"),
    ("--at", "2026-01-01", "localhost"),
    ("--anchors", "chain.pem", "localhost"),
    ("--starttls", "smtp"),
    ("--connect", "127.0.0.1"),
    ("--servername", "localhost", "hook"),
])  # fmt: skip
def test_what_does_not_go_together_or_cannot_be_read_is_refused(
    certboot: Run, written: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...]
) -> None:
    written(SERVER, MIDDLE)
    written(name="empty.pem")
    (tmp_path / "junk.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (tmp_path / "empty-folder").mkdir()
    monkeypatch.chdir(tmp_path)
    ran = certboot("doctor", *argv)
    assert (ran.status, "Traceback" in ran.out + ran.err) == (2, False)


def test_nothing_is_reached_or_written(certboot: Run, argv: Argv, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.socket", None)
    monkeypatch.setattr("socket.getaddrinfo", None)
    before = snapshot(clean)
    assert "untrusted-root" in certboot("doctor", *argv(SERVER, MIDDLE)[1:-2]).out
    assert snapshot(clean) == before


def test_what_cannot_be_read_ends_it(
    certboot: Run, argv: Argv, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> typing.NoReturn:
        raise PermissionError(13, "Permission denied")

    words = ("doctor", *argv(SERVER)[:-2])
    with monkeypatch.context() as patch:
        patch.setattr("os.scandir", broken)
        ran = certboot(*words, "--anchors", tmp_path)
        assert (ran.status, "Permission denied" in ran.err) == (2, True)
    with monkeypatch.context() as patch:
        patch.setattr(chain_file, "verifying_context", broken)
        ran = certboot(*words)
        assert (ran.status, "the trust that is active cannot be read" in ran.out) == (2, True)


def test_no_command_goes_to_a_server_that_nobody_has_named(ask: Ask, argv: Argv, trust: Trust) -> None:
    """And no variable is at fault where the CA certificates to believe were given."""
    trust(ROOT)
    own = make("localhost", form=dataclasses.replace(CA, names=("localhost",)))
    lonely = make("localhost", MIDDLE, dataclasses.replace(LEAF, issuer_at="http://pki.example/ca"))
    for sent, cause in (((own,), "self-signed-leaf"), ((lonely,), "missing-intermediate"), ((SERVER, ROOT), None)):
        answer = ask(*argv(*sent, root=ANOTHER))
        assert cause in (None, answer.primary)
        assert not [fix for fix in answer.first["fix"] if fix[1:2] != ["doctor"] or "localhost" in fix]


A_PART = ((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.1"), b"\x30\x03\x02\x01\x05"), False),)
LOCALHOST_AND_MORE = der.encode(der.SEQUENCE, der.encode(0x82, b"localhost") + der.encode(0xA3, b"\x05\0"))
ALL = ((x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), LOCALHOST_AND_MORE), False),)


@cases(
    ("of_leaf", "of_ca", "unread"),
    [((), (), False), (A_PART, (), True), ((), A_PART, True), (ALL, (), True), ((), ALL, True)],
    ids=["none", "a part of the leaf", "a part of the CA", "all of the leaf", "all of the CA"],
)
def test_what_only_openssl_can_read_is_judged_by_it_and_named(
    ask: Ask,
    argv: Argv,
    written: Written,
    of_leaf: Extensions,
    of_ca: Extensions,
    unread: bool,  # noqa: FBT001
) -> None:
    ca = make("Odd CA", ROOT, dataclasses.replace(CA, extra=of_ca))
    server = make("localhost", ca, dataclasses.replace(LEAF, names=() if of_leaf is ALL else LEAF.names, extra=of_leaf))
    good = ask(*argv(server, ca))
    assert (good.status, good.primary) == (0, None)
    assert good.ids == ["handshake-ok", *(["certificate-unread"] if unread else [])]
    assert "missing" not in [link["state"] for link in good.first["evidence"].get("path", ())]
    refused = ask(*argv(server, ca, root=ANOTHER))
    assert (refused.status, refused.first["evidence"]["verify_code"]) == (1, 20)
    anchors = written(ROOT, make("Odd", form=dataclasses.replace(CA, extra=of_ca)), name="anchors.pem")
    assert ask(*argv(server, ca)[:-1], anchors).status == 0


# A pipe or a device is refused at once, and not waited for: run as a user does.


def doctor(*argv: str | Path, stdin: int | None = None) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": SYSTEM_PATH, "HOME": os.environ["HOME"]}
    return subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=30, check=False, stdin=stdin)


def test_a_pipe_or_a_device_is_refused_at_once(written: Written, argv: Argv, tmp_path: Path, certboot: Run) -> None:
    chain = written(SERVER)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    devices = dict.fromkeys(("/dev/zero", "/dev/null", "/dev/tty"), "a device, not a regular file")
    for path, problem in {str(fifo): "a pipe, not a regular file", **devices}.items():
        for words in (("--chain", path), ("--chain", chain, "--anchors", path)):
            ran = certboot("doctor", "hook", "--host", "localhost", *words)
            assert (ran.status, f"cannot read {path}: {problem}" in ran.err) == (2, True)
    whole = (sys.executable, "-m", "certboot", "doctor", *argv(SERVER, MIDDLE))
    assert doctor(*whole).returncode == 0
    command = [sys.executable, "-m", "certboot", "doctor", "hook", "--host", "localhost", "--chain"]
    done = doctor(*command, "/dev/stdin", stdin=subprocess.DEVNULL)
    assert (done.returncode, "a device, not a regular file" in done.stderr) == (2, True)
    for script in (f"cat {chain} | {shlex.join([*command, '/dev/stdin'])}", f"{shlex.join(command)} <(cat {chain})"):
        done = doctor("bash", "-c", script)
        assert (done.returncode, "a pipe, not a regular file" in done.stderr) == (2, True)
        assert "write into a file what comes through it, and give that" in done.stderr
