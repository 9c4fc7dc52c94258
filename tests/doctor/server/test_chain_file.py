"""A chain from a file is judged as if a server had sent it, at any time and against any anchors."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support.chains import CA, LEAF, Made, make
from support.pki import DAY, NOW
from support.snapshot import assert_refused, snapshot
from support.table import cases

from certboot.doctor.server import chain_file, check
from certboot.doctor.server.case import Clock, Known

if typing.TYPE_CHECKING:
    from support.asking import Answer
    from support.environments import Ran

Ask = Callable[..., "Answer"]
Run = Callable[..., "Ran"]
ROOT = make("Corp Root", form=CA)
MIDDLE = make("Middle", ROOT, CA)
SERVER = make("localhost", MIDDLE)


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    """Write certificates into a file."""

    def write(*members: Made, name: str = "chain.pem") -> Path:
        (tmp_path / name).write_bytes(b"".join(member.pem for member in members))
        return tmp_path / name

    return write


def test_a_good_chain_is_good_with_the_active_trust_and_with_given_anchors(
    ask: Ask, file: Callable[..., Path], trust: Callable[..., Path]
) -> None:
    chain, anchors = file(SERVER, MIDDLE), file(ROOT, name="root.pem")
    argv = ("hook", "--chain", chain, "--host", "localhost")
    assert ask(*argv).primary == "untrusted-root"
    assert ask(*argv, "--anchors", anchors).primary is None
    trust(ROOT)
    answer = ask(*argv)
    assert (answer.primary, answer.first["subject"], answer.status) == (None, "localhost", 0)
    assert ask(*argv, "--anchors", file(make("Another", form=CA), name="other.pem")).primary == "untrusted-root"


@cases(
    ("days", "cause"), [(-2, "not-yet-valid"), (0, None), (200, None), (366, "expired-leaf"), (5000, "expired-root")]
)
def test_it_is_judged_at_the_time_that_is_asked_for(
    ask: Ask, file: Callable[..., Path], days: int, cause: str | None
) -> None:
    long = dataclasses.replace(CA, valid=(NOW - 30 * DAY, NOW + 4000 * DAY))
    root = make("Corp Root", form=long)
    chain = file(make("localhost", root))
    at = (NOW + days * DAY).isoformat()
    answer = ask("hook", "--chain", chain, "--host", "localhost", "--anchors", file(root, name="r.pem"), "--at", at)
    assert answer.primary == cause


@cases(
    ("valid", "at", "cause"),
    [
        ((-1, 365), -3000, "not-yet-valid"),
        ((1, 365), -1, "not-yet-valid"),
        ((-9, -5), -1, "expired-leaf"),
        ((-9, 365), 1000, "expired-leaf"),
        ((-9, 365), 0, None),
    ],
)
@cases("with_clock", [True, False], ids=["the clock would be wrong", "it would not"])
def test_a_time_that_is_asked_for_says_nothing_of_the_clock(  # noqa: PLR0913, PLR0917 - what is given, and what for
    ask: Ask,
    file: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    valid: tuple[int, int],
    at: int,
    cause: str | None,
    with_clock: bool,  # noqa: FBT001
) -> None:
    def wrong_clock(*_: object) -> Known:
        return Known(clock=Clock(NOW + 9000 * DAY, anchors_expired=True))

    if with_clock:
        monkeypatch.setattr(check, "known", wrong_clock)
    root = make("Corp Root", form=dataclasses.replace(CA, valid=(NOW - 2000 * DAY, NOW + 4000 * DAY)))
    leaf = make("localhost", root, dataclasses.replace(LEAF, valid=(NOW + valid[0] * DAY, NOW + valid[1] * DAY)))
    argv = ("hook", "--chain", file(leaf), "--host", "localhost", "--anchors", file(root, name="r.pem"))
    assert ask(*argv, "--at", (NOW + at * DAY).isoformat()).primary == cause


def test_without_such_a_time_the_clock_is_thought_of(
    ask: Ask, file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "known", lambda *_: Known(clock=Clock(NOW + 9000 * DAY)))
    leaf = make("localhost", ROOT, dataclasses.replace(LEAF, valid=(NOW + DAY, NOW + 9 * DAY)))
    argv = ("hook", "--chain", file(leaf), "--host", "localhost", "--anchors", file(ROOT, name="r.pem"))
    assert ask(*argv).primary == "clock-skew"
    assert ask(*argv, "--at", NOW.isoformat()).primary == "not-yet-valid"


def test_the_clock_is_not_blamed_for_the_year_of_a_question(ask: Ask, file: Callable[..., Path]) -> None:
    argv = ("--chain", file(SERVER, MIDDLE), "--host", "localhost", "--anchors", file(ROOT, name="r.pem"))
    assert ask(*argv, "--at", "2020-01-01").primary == "not-yet-valid"


@cases("at", ["2026-13-01", "yesterday", "", " ", "2026-01-01T25:00"])
def test_what_is_no_time_is_refused(certboot: Run, file: Callable[..., Path], at: str) -> None:
    assert_refused(certboot("doctor", "--chain", file(SERVER), "--host", "localhost", "--at", at))


@cases("option", ["--at", "--host", "--connect", "--servername"])
@cases("argv", [(), ("localhost",), ("--chain", "c.pem"), ("--chain", "c.pem", "--host", "localhost")])
def test_an_option_without_a_value_is_refused_by_its_name(certboot: Run, option: str, argv: tuple[str, ...]) -> None:
    """What an unset variable of a script makes of ``--servername "$NAME"``."""
    ran = certboot("doctor", *argv, option, "")
    assert_refused(ran)
    assert f"an empty value: {option}" in ran.err


@cases("option", ["--chain", "--anchors", "--html"])
def test_an_empty_path_is_not_the_folder_one_is_in(
    certboot: Run, file: Callable[..., Path], option: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file(ROOT, name="r.pem").parent)
    argv = ["doctor", "--chain", file(SERVER, MIDDLE), "--host", "localhost"]
    assert certboot(*argv, "--anchors", ".").status < 2
    ran = certboot(*argv, option, "")
    assert (ran.status, ran.out) == (2, "")
    assert f"argument {option}: an empty value" in ran.err


def test_a_time_may_have_a_zone(ask: Ask, file: Callable[..., Path]) -> None:
    argv = (
        "hook",
        "--chain",
        file(SERVER, MIDDLE),
        "--host",
        "localhost",
        "--anchors",
        file(ROOT, name="r.pem"),
        "--at",
    )
    for at in (f"{NOW:%Y-%m-%d}", f"{NOW:%Y-%m-%dT%H:%M:%S}Z", f"{NOW:%Y-%m-%dT%H:%M}+00:00"):
        assert ask(*argv, at).primary is None


def test_anchors_may_lie_in_a_folder_beside_anything_else(ask: Ask, file: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "anchors"
    folder.mkdir()
    (folder / "readme.txt").write_text("not a certificate")
    (folder / "root.der").write_bytes(ROOT.der)
    (folder / "again.pem").write_bytes(ROOT.pem)
    argv = ("hook", "--chain", file(SERVER, MIDDLE), "--host", "localhost", "--anchors", folder)
    assert ask(*argv).primary is None
    assert ask(*argv, "--at", f"{NOW:%Y-%m-%d}").primary is None


@cases(
    ("members", "host", "cause"),
    [
        ((SERVER,), "localhost", "untrusted-root"),
        ((SERVER, MIDDLE), "a.example", "hostname-mismatch"),
        ((SERVER, MIDDLE), "127.0.0.1", "ip-not-in-san"),
        ((SERVER, MIDDLE), "https://localhost/x", None),
        ((make("localhost", MIDDLE, dataclasses.replace(LEAF, names=())), MIDDLE), "localhost", "no-subject-alt-name"),
        ((make("localhost", MIDDLE, dataclasses.replace(LEAF, valid=(NOW - 9 * DAY, NOW - DAY))), MIDDLE), "localhost",
         "expired-leaf"),
    ],
)  # fmt: skip
@cases("at", [None, f"{NOW:%Y-%m-%dT%H:%M:%S}"], ids=["now", "then"])
def test_openssl_now_and_what_is_computed_for_then_agree(
    ask: Ask, file: Callable[..., Path], members: tuple[Made, ...], host: str, cause: str | None, at: str | None
) -> None:
    argv = ["hook", "--chain", file(*members), "--host", host, "--anchors", file(ROOT, name="r.pem")]
    assert ask(*argv, *(["--at", at] if at else [])).primary == cause


def test_a_chain_too_long_for_a_handshake_is_judged_all_the_same(ask: Ask, file: Callable[..., Path]) -> None:
    strangers = [make(f"Stranger {number}", form=CA) for number in range(300)]
    chain = file(SERVER, MIDDLE, *strangers)
    answer = ask("hook", "--chain", chain, "--host", "localhost", "--anchors", file(ROOT, name="r.pem"))
    assert (answer.primary, len(answer.first["evidence"]["chain"])) == (None, 100)


@cases(
    "argv",
    [
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
    ],
)
def test_what_does_not_go_together_or_cannot_be_read_is_refused(
    certboot: Run, file: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...]
) -> None:
    file(SERVER, MIDDLE)
    file(name="empty.pem")
    (tmp_path / "junk.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (tmp_path / "empty-folder").mkdir()
    monkeypatch.chdir(tmp_path)
    ran = certboot("doctor", *argv)
    assert ran.status == 2
    assert "Traceback" not in ran.out + ran.err


def test_nothing_is_contacted_or_written(
    certboot: Run, file: Callable[..., Path], clean: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.socket", None)
    monkeypatch.setattr("socket.getaddrinfo", None)
    chain = file(SERVER, MIDDLE)
    before = snapshot(clean)
    assert "untrusted-root" in certboot("doctor", "--chain", chain, "--host", "localhost").out
    assert snapshot(clean) == before


def test_a_file_of_more_than_any_server_sends_is_refused(
    certboot: Run, file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain_file, "_LONGEST", 1)
    ran = certboot("doctor", "--chain", file(SERVER, MIDDLE), "--host", "localhost")
    assert (ran.status, "over 1 certificates" in ran.out) == (2, True)
    ran = certboot("doctor", "store", "--chain", file(SERVER), "--host", "localhost")
    assert "untrusted-root" in ran.out


def test_trust_or_a_folder_that_cannot_be_read_ends_the_check(
    certboot: Run, file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: object, **__: object) -> typing.NoReturn:
        raise PermissionError(13, "Permission denied")

    argv = ("doctor", "hook", "--chain", file(SERVER), "--host", "localhost")
    with monkeypatch.context() as patch:
        patch.setattr("os.scandir", broken)
        ran = certboot(*argv, "--anchors", tmp_path)
        assert (ran.status, "Permission denied" in ran.out) == (2, True)
    with monkeypatch.context() as patch:
        patch.setattr(chain_file, "verifying_context", broken)
        ran = certboot(*argv)
        assert (ran.status, "the trust that is active cannot be read" in ran.out) == (2, True)


def test_no_command_goes_to_a_server_that_nobody_has_named(
    ask: Ask, file: Callable[..., Path], trust: Callable[..., Path]
) -> None:
    """And no variable is at fault where the CA certificates to believe were given."""
    trust(ROOT)
    own = make("localhost", form=dataclasses.replace(CA, names=("localhost",)))
    leaf = make("localhost", MIDDLE, dataclasses.replace(LEAF, issuer_at="http://pki.example/ca"))
    anchors = file(make("Another", form=CA), name="other.pem")
    for sent, cause in (((own,), "self-signed-leaf"), ((leaf,), "missing-intermediate"), ((SERVER, ROOT), None)):
        answer = ask("hook", "--chain", file(*sent), "--host", "localhost", "--anchors", anchors)
        assert cause in (None, answer.primary)
        assert not [argv for argv in answer.first["fix"] if argv[1:2] != ["doctor"] or "localhost" in argv]
