"""``certboot trust`` and ``init --add`` where a password, a rule or a terminal has a say."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from support.environments import Ran
from support.pki import Issued, issue
from support.table import cases

from certboot.cli import terminal
from certboot.cli.terminal import progress
from certboot.store import generations
from certboot.store.paths import StorePaths

Run = Callable[..., Ran]
PASSWORD = b"open sesame"


@pytest.fixture(scope="module")
def corp() -> Issued:
    return issue("Corp Root")


@pytest.fixture
def locked_file(corp: Issued, tmp_path: Path) -> Path:
    """A PKCS#12 file that needs a password."""
    path = tmp_path / "corp.p12"
    lock = BestAvailableEncryption(PASSWORD)
    path.write_bytes(serialize_key_and_certificates(b"corp", corp.key, corp.certificate, None, lock))
    return path


def names(paths: StorePaths) -> set[str]:
    return {entry.name for entry in generations.current(paths).certificates}


def test_a_password_file_opens_a_pkcs12_file(
    certboot: Run, paths: StorePaths, locked_file: Path, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_bytes(PASSWORD + b"\n")
    assert certboot("init", "--add", locked_file, "--password-file", password).status == 0
    assert "Corp Root" in names(paths)
    assert b"PRIVATE" not in b"".join(path.read_bytes() for path in paths.trusted.iterdir())


@cases("command", [("init", "--add"), ("trust", "--yes")])
def test_without_the_password_nothing_is_added(certboot: Run, locked_file: Path, command: tuple[str, ...]) -> None:
    certboot("init")
    ran = certboot(*command, locked_file)
    assert ran.status == 2
    assert "there is no terminal to ask for it on" in ran.err
    assert "hint: --password-file FILE" in ran.err
    ran = certboot(*command, locked_file, "--password-file", "missing")
    assert (ran.status, "cannot read the password" in ran.err) == (2, True)


def test_on_a_terminal_the_password_is_asked_for(
    certboot: Run, paths: StorePaths, locked_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda _: PASSWORD.decode())
    assert certboot("init", "--add", locked_file).status == 0
    assert "Corp Root" in names(paths)


def test_a_ca_that_the_configuration_keeps_out_is_not_said_to_be_trusted(
    certboot: Run, paths: StorePaths, corp: Issued, tmp_path: Path
) -> None:
    certboot("init")
    (tmp_path / "corp.pem").write_bytes(corp.pem)
    certboot("trust", "--yes", tmp_path / "corp.pem")
    (entry,) = (entry for entry in generations.current(paths).certificates if entry.name == "Corp Root")
    certboot("distrust", "Corp Root")
    paths.config.write_text(f'[rules]\ndistrust = ["{entry.sha256}"]\n')
    ran = certboot("trust", "--yes", tmp_path / "corp.pem")
    assert ran.status == 2
    assert ran.err.startswith("certboot: error: it does not enter the store, ")
    assert "Corp Root" not in names(paths)


@cases("terminal", [True, False])
def test_a_long_download_shows_its_progress_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", shown)
    for so_far, whole in ((1_500_000, None), (2_000_000, 4_000_000), (4_000_000, 4_000_000)):
        progress("mozilla/Report", so_far, whole)
    lines = shown.getvalue().replace("\x1b[K", "").split("\r")
    assert lines == (["", "mozilla/Report: 1.5 MB", "mozilla/Report: 2.0 of 4.0 MB", ""] if terminal else [""])
