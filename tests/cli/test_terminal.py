"""Whatever a name holds, nothing of it drives the terminal, and no line is made up by it."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import subprocess
import sys
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.commands import Run, saved
from support.environments import Ran
from support.faults import Listener
from support.pki import issue
from support.table import cases
from support.terminal import Terminal, answers

from certboot.cli import main
from certboot.cli.layout import Advice, Form, Line, laid_out
from certboot.cli.report.text import doctor_report, whole_report
from certboot.cli.terminal import aside, confirmed, failed, over, say, show, tell, warn
from certboot.doctor.finding import Finding
from certboot.pki import pem
from certboot.store.paths import StorePaths

SHOWN = "Zürich漢字"
"""Of an ordinary name, which is shown as it is."""
DRIVING = (
    "\x1b[31m", "\x9b2J", "\x1b]0;title\x07", "\x90q\x9c",  # CSI, also of one byte, OSC and DCS
    "\r", "\x08", "\x7f", "\t", "\x85", "\u2028",  # what moves: a carriage return, a line separator
    "\u202e", "\u2066", "\u200b", "\ufeff", "\U000e0041",  # what turns or hides: an override, an isolate, a tag
    "\udce9",  # a byte that is no text
)  # fmt: skip
ONE_LINE = f"{SHOWN}{''.join(DRIVING)}end"
PATH = ONE_LINE.replace("\r", "")
EVIL = f"{ONE_LINE}\nhint: forged\ncertboot: error: forged"


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def assert_fit(ran: Ran, shown: str = SHOWN) -> None:
    """The name was printed, and nothing of it but what can be seen; every line is one of certboot's own."""
    text = ran.out + ran.err
    assert shown in text, text
    assert {character for character in text if not character.isprintable()} <= {"\n"}, ascii(text)
    assert not [line for line in text.split("\n") if line.startswith(("hint: forged", "certboot: error: forged"))]
    assert "Traceback" not in text


@pytest.mark.usefixtures("store")
@cases(
    "argv",
    [
        (EVIL,), ("list", f"--{EVIL}"), ("env", "--format", EVIL), ("rollback", EVIL), ("list", "--expiring", EVIL),
        ("update", "--max-age", EVIL), ("history", EVIL), ("doctor", EVIL), ("doctor", f"{EVIL}:443"),
        ("doctor", "a.example", EVIL), ("doctor", "a.example", "--connect", EVIL),
        ("doctor", "a.example", "--servername", EVIL), ("repair", EVIL), ("chain", EVIL), ("trust", f"{EVIL}:443"),
        ("trust", f"http://{EVIL}/"), ("trust", "https://ca.example/", "--sha256", EVIL), ("explain", EVIL),
        ("show", EVIL), ("distrust", EVIL), ("distrust", "--undo", EVIL), ("adopt", EVIL), ("adopt", "--undo", EVIL),
        ("run", "--", EVIL), ("init", "--source", EVIL), ("init", "--add", EVIL), ("init", "--config", EVIL),
        ("init", "--source", "ccadb", "--from", EVIL), ("list", "--home", f"/{ONE_LINE}"),
        ("list", "--home", f"/{EVIL}"), ("trust", f"{EVIL}.pem"),
        ("export", "--format", "pem-bundle", f"{EVIL}/bundle.pem"),
        ("export", "--format", "configmap", "--name", EVIL, "-"),
        ("export", "--format", "pkcs12", "--password-file", EVIL, "out.p12"), ("rehash", EVIL),
        ("scan", "--file", EVIL), ("scan", "a.example", "--output", f"{EVIL}/out"),
        ("doctor", "--chain", EVIL, "--host", "a.example"), ("doctor", "a.example", "--html", f"{EVIL}/page.html"),
        ("hook", "status", "--python", f"./{EVIL}"), ("hook", "status", "--all-venvs", EVIL),
    ],
)  # fmt: skip
def test_an_argument_does_not(certboot: Run, argv: tuple[str, ...]) -> None:
    ran = certboot(*argv)
    assert ran.status != 0
    assert_fit(ran, "Z" if SHOWN not in ran.err else SHOWN)


@pytest.mark.usefixtures("store")
def test_an_export_and_a_directory_do_not_and_an_ordinary_name_is_shown_as_it_is(certboot: Run, tmp_path: Path) -> None:
    path = tmp_path / EVIL
    assert_fit(certboot("export", "--format", "pem-bundle", path))
    assert path.is_file()
    assert_fit(certboot("export", "--format", "pem-bundle", path))  # something stands there already
    assert_fit(certboot("export", "--format", "pem-directory-hash", path, "--force"))
    folder = tmp_path / f"folder{EVIL}"
    folder.mkdir()
    (folder / f"{EVIL}.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    saved(folder / "good.pem", issue("Root"))
    ran = certboot("rehash", folder)
    assert (ran.status, len(ran.out.splitlines()), len(ran.err.splitlines())) == (0, 1, 1)
    assert SHOWN in ran.out
    assert_fit(ran)
    path = tmp_path / "Zürich 漢字 - 100 % - it's.pem"
    assert certboot("export", "--format", "pem-bundle", path).out.endswith(f": {path}\n")
    assert f"something stands there already: {path}\n" in certboot("export", "--format", "pem-bundle", path).err


def test_a_store_and_what_is_left_in_it_do_not(certboot: Run, tmp_path: Path) -> None:
    home = tmp_path / PATH
    for argv in (("init",), ("update",), ("list",), ("doctor", "store"), ("history",)):
        assert_fit(certboot(*argv, *(() if argv[0] == "doctor" else ("--home", home))), "")
    (home / EVIL).write_text("mine")
    (home / "generations" / EVIL).mkdir()
    ran = certboot("purge", "--yes", "--home", home)
    assert (ran.status, ran.out.count(SHOWN) >= 4, (home / EVIL).read_text()) == (0, True, "mine")
    assert_fit(ran)
    ran = certboot("init", "--home", home)
    assert ran.status == 2
    assert_fit(ran)
    (tmp_path / f"{PATH}2").write_text("")
    ran = certboot("init", "--home", tmp_path / f"{PATH}2" / "store")  # what the system says has the name in it
    assert ran.status == 2
    assert_fit(ran)


@pytest.mark.usefixtures("store")
def test_names_in_certificates_do_not(certboot: Run, tmp_path: Path) -> None:
    name = f"{SHOWN}\x1b[31m\x9b2J\x07\r\u202e\u200b\nhint: forged"
    assert_fit(certboot("trust", "--yes", saved(tmp_path / "ca.pem", issue(name))))
    held = json.loads(certboot("list", "--json").out)["certificates"]
    (digits,) = (certificate["sha256"] for certificate in held if SHOWN in certificate["name"])
    for argv in (("list",), ("show", digits), ("diff", "1", "2"), ("distrust", digits)):
        ran = certboot(*argv)
        assert ran.status == 0
        assert_fit(ran)
    assert_fit(certboot("distrust", "--undo", "nobody"))
    assert_fit(certboot("list", "--rejected"))


def test_fields_of_a_manifest_do_not(certboot: Run, store: StorePaths) -> None:
    path = store.current / "manifest.json"
    document = json.loads(path.read_bytes())
    for entry in document["certificates"]:
        named = pem.file_name(EVIL, entry["sha256"])
        (store.current / "crts" / entry["file"]).rename(store.current / "crts" / named)
        entry.update(file=named, name=EVIL, subject=EVIL, defects=[EVIL])  # the other fields are of a closed form
        entry["provenance"] = [{**reason, "detail": EVIL, "source": EVIL} for reason in entry["provenance"]]
    rejection = {"fingerprint": "", "subject": EVIL, "rule": EVIL, "reason": EVIL, "source": EVIL, "detail": EVIL}
    document.update(command=EVIL, rejected=[rejection])
    path.write_text(json.dumps(document))
    for argv in (("history",), ("show", EVIL[:5]), ("list", "--rejected"), ("diff", "1", "1"), ("doctor", "store")):
        assert_fit(certboot(*argv), "")
    assert_fit(certboot("list"))
    assert_fit(certboot("show", SHOWN))  # names them all


@pytest.mark.usefixtures("store")
def test_what_a_server_says_and_entries_of_a_scan_do_not(
    certboot: Run, listen: Callable[..., Listener], tmp_path: Path
) -> None:
    greeting = b"554 Zurich \x1b[31m\x9b2J\x07\r\x08 go away\r\n"
    banner = f"127.0.0.1:{listen(lambda connection: connection.sendall(greeting)).port}"
    for argv in (("doctor",), ("repair", "--starttls", "smtp"), ("chain",)):
        assert_fit(certboot(*argv, banner), "127.0.0.1")
    assert_fit(certboot("doctor", "--starttls", "smtp", banner), "Zurich")
    (tmp_path / "hosts").write_bytes(os.fsencode(f"{ONE_LINE}\n"))
    ran = certboot("scan", "--file", tmp_path / "hosts")
    assert_fit(dataclasses.replace(ran, out=""), "1 ")
    assert ran.out.isascii()


@cases("field", ["id", "group", "subject", "summary", "hint", "fix"])
@cases("report", [doctor_report, whole_report])
def test_a_finding_does_not_even_in_colour(field: str, report: Callable[..., Iterator[Line]]) -> None:
    finding = Finding("handshake-ok", "server", "fail", "a", "b", {}, ())
    changes: dict[str, dict[str, typing.Any]] = {
        "hint": {"evidence": {"hint": EVIL}},
        "fix": {"fix": (("certboot", EVIL),)},
    }
    lines = report([dataclasses.replace(finding, **changes.get(field, {field: EVIL}))])
    text = "".join(f"{laid_out(line, Form(300, colour=True))}\n" for line in lines)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert plain != text
    assert_fit(Ran(0, plain, ""))


@cases("driving", DRIVING)
def test_nothing_that_commands_say_can_hold_it(
    driving: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"{SHOWN}{driving}[1mend"
    for said in (say, show, aside, warn):
        said(f"{text}\n{text}")
    failed(f"{text}\n{text}", f"{text}\n{text}\n  {text}")
    over(text)
    answers(monkeypatch, "no\n")
    confirmed(text)
    ran = capsys.readouterr()
    assert ran.out.startswith(SHOWN + ("\ufffd" if len(driving) == 1 else ""))
    assert {character for character in ran.out if not character.isprintable()} == {"\n"}
    assert ran.err.endswith("\x1b[K")
    own = ran.err.replace("\r", "", 1).removesuffix("\x1b[K")
    assert {character for character in own if not character.isprintable()} == {"\n"}
    assert (ran.out.count("\n"), own.count("\n")) == (1 + 2, 2 + 1 + 1 + 3)


@cases(("width", "wraps", "breaks"), [(60, "\n  ", f"\n{' ' * 12}"), (0, " ", " ")])
def test_an_error_and_its_hint_are_wrapped_on_a_terminal_and_a_command_is_not(
    monkeypatch: pytest.MonkeyPatch, width: int, wraps: str, breaks: str
) -> None:
    stream = Terminal() if width else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", str(width))
    command = f"certboot trust FILE --sha256 {'0123456789abcdef' * 2}"
    failed("certboot asks here, and there is no terminal to ask on", f"do one or the other: {command}\n  0123  A Root")
    assert stream.getvalue() == (
        f"certboot: error: certboot asks here, and there is no{wraps}terminal to ask on\n\n"
        f"hint: do one or the other:{breaks}{command}\n  0123  A Root\n"
    )


def test_only_an_advice_has_its_command_on_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that holds the same words is wrapped as a name: else it would look like what certboot says to run."""
    monkeypatch.setattr(sys, "stdout", stream := Terminal())
    monkeypatch.setenv("COLUMNS", "78")
    command = "certboot trust evil.example"
    line = f"  role      an intermediate, below the CA CN=Company Root: {command}"
    tell([Advice(line), line])
    advice, name = stream.getvalue().split("  role")[1:]
    assert (advice.endswith(f"\n            {command}\n"), name.endswith(f"\n            {command}\n")) == (True, False)


def test_what_programs_read_stays_exact(certboot: Run, tmp_path: Path) -> None:
    """The control: a shell gets the path as it is, by its own quotes."""
    home = tmp_path / PATH
    assert certboot("init", "--home", home).status == 0
    command = [sys.executable, "-m", "certboot", "env", "--home", str(home)]
    printed = subprocess.run(command, capture_output=True, check=True).stdout
    shell = ["sh", "-c", f'{os.fsdecode(printed)}\nprintf %s "$SSL_CERT_FILE"']
    value = subprocess.run(shell, capture_output=True, check=True, env={}).stdout
    assert os.fsdecode(value) == str(home / "current" / "bundle.pem")
    ran = certboot("export", "--format", "pem-bundle", "-", "--home", home)
    assert "-----BEGIN CERTIFICATE-----\n" in ran.out
    assert main.main(["list", "--json", "--home", str(home)]) == 0
