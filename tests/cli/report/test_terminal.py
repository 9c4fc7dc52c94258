"""On a terminal the report is in colour where that is wanted, wrapped, and loses nothing."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from support.table import cases
from support.terminal import Terminal

from certboot.cli.report.terminal import doctor_terminal
from certboot.cli.report.text import doctor_report
from certboot.doctor.finding import Finding

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9]")
COMMAND = ("certboot", "repair", "a-very-long-name-of-a-server.intranet.example:8443", "--starttls", "smtp")
PATH = [
    {"state": "sent", "subject": f"CN={'a' * 70}", "fault": ""},
    {"state": "missing", "subject": "CN=B", "fault": "missing-intermediate"},
]
WORDS = "what\nit is [bold]not[/bold]"
FINDINGS = [
    Finding("a", "environment", "ok", "SSL_CERT_FILE", f"good {'word ' * 30}end"),
    Finding("missing-intermediate", "server", "fail", "h:1", WORDS, {"path": PATH}, (COMMAND,)),
]


def rendered(monkeypatch: pytest.MonkeyPatch, columns: int, **variables: str) -> str:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "50", **variables}.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal()
    doctor_terminal(FINDINGS, terminal)
    return terminal.getvalue()


@cases("columns", [40, 60, 80, 120, 200])
def test_every_word_of_the_plain_report_is_there_at_every_width(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    text = ESCAPE.sub("", rendered(monkeypatch, columns))
    assert "".join(text.split()) == "".join(doctor_report(FINDINGS).split())
    lines = text.split("\n")
    assert f"hint: {' '.join(COMMAND)}" in lines
    assert [line for line in lines if len(line) > columns and not line.startswith("hint: ")] == []
    assert "[bold]not[/bold]" in text


def test_colour_is_left_out_where_it_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[1;31mfail" in rendered(monkeypatch, 80)
    assert not COLOUR.search(rendered(monkeypatch, 80, NO_COLOR="1"))
    assert "\x1b" not in rendered(monkeypatch, 80, TERM="dumb")


def test_a_real_terminal_gets_colour_and_its_own_width(clean: Path) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 40, 0, 0))
    environ = {"HOME": str(clean), "PATH": os.environ["PATH"], "TERM": "xterm-256color"}
    argv = [sys.executable, "-m", "certboot", "doctor", "store"]
    seen = b""
    with subprocess.Popen(argv, stdin=theirs, stdout=theirs, stderr=theirs, env=environ, close_fds=True):
        os.close(theirs)
        with contextlib.suppress(OSError):  # Linux says so when nobody has the other end any more
            while data := os.read(ours, 65536):
                seen += data
    os.close(ours)
    assert COLOUR.search(seen.decode())
    plain = ESCAPE.sub("", seen.decode())
    assert all(len(line) <= 40 for line in plain.split("\r\n"))
    assert "hint: certboot init" in plain


def test_what_is_no_terminal_gets_plain_text_whatever_is_set(clean: Path) -> None:
    environ = {"HOME": str(clean), "PATH": os.environ["PATH"], "TERM": "xterm-256color", "FORCE_COLOR": "1"}
    script = "import sys; from certboot.cli.main import main; main(['doctor', 'store']); print('rich' in sys.modules)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env={**environ, "COLUMNS": "40"}, capture_output=True, text=True, check=False)
    assert "\x1b" not in done.stdout
    assert "hint: certboot init" in done.stdout.split("\n")
    assert done.stdout.endswith("\nFalse\n")
