"""Whatever a name holds, nothing of it drives the terminal, and no line is made up by it."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.pki import issue
from support.snapshot import few_sources
from support.terminal import answers

from certboot.cli import main
from certboot.cli.report.terminal import doctor_terminal
from certboot.cli.terminal import aside, confirmed, failed, over, say, show, warn
from certboot.doctor.finding import Finding
from certboot.store.paths import StorePaths

if typing.TYPE_CHECKING:
    from support.environments import Ran

Run = Callable[..., "Ran"]
CR = "\r"
SHOWN = "Zürich漢字"
"""Of an ordinary name, which is shown as it is."""
DRIVING = {
    "CSI": "\x1b[31m",
    "CSI of one byte": "\x9b2J",
    "OSC": "\x1b]0;title\x07",
    "DCS": "\x90q\x9c",
    "carriage return": "\r",
    "backspace": "\x08",
    "delete": "\x7f",
    "tab": "\t",
    "next line": "\x85",
    "line separator": "\u2028",
    "override": "\u202e",
    "isolate": "\u2066",
    "zero width": "\u200b",
    "byte order mark": "\ufeff",
    "tag": "\U000e0041",
    "byte that is no text": "\udce9",
}
ONE_LINE = f"{SHOWN}{''.join(DRIVING.values())}end"
EVIL = f"{ONE_LINE}\nhint: forged\ncertboot: error: forged"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    few_sources(monkeypatch)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def store(certboot: Run, paths: StorePaths) -> StorePaths:
    assert certboot("init").status == 0
    return paths


def assert_fit(ran: Ran, shown: str = SHOWN) -> None:
    """The name was printed, and nothing of it but what can be seen; every line is one of certboot's own."""
    text = ran.out + ran.err
    assert shown in text, text
    assert {character for character in text if not character.isprintable()} <= {"\n"}, ascii(text)
    assert not [line for line in text.split("\n") if line.startswith(("hint: forged", "certboot: error: forged"))]
    assert "Traceback" not in text


ARGUMENTS: dict[str, tuple[str, ...]] = {
    "a command": (EVIL,),
    "an option": ("list", f"--{EVIL}"),
    "a choice": ("env", "--format", EVIL),
    "a number": ("rollback", EVIL),
    "a span of time": ("list", "--expiring", EVIL),
    "an age": ("update", "--max-age", EVIL),
    "a word too many": ("history", EVIL),
    "a host": ("doctor", EVIL),
    "a host and a port": ("doctor", f"{EVIL}:443"),
    "two hosts": ("doctor", "a.example", EVIL),
    "another address": ("doctor", "a.example", "--connect", EVIL),
    "another name": ("doctor", "a.example", "--servername", EVIL),
    "a host to repair": ("repair", EVIL),
    "a host to complete": ("chain", EVIL),
    "a host to trust": ("trust", f"{EVIL}:443"),
    "an address to trust": ("trust", f"http://{EVIL}/"),
    "a fingerprint": ("trust", "https://ca.example/", "--sha256", EVIL),
    "a finding": ("explain", EVIL),
    "a certificate": ("show", EVIL),
    "a certificate to distrust": ("distrust", EVIL),
    "a certificate to trust again": ("distrust", "--undo", EVIL),
    "a variable": ("adopt", EVIL),
    "a variable to give back": ("adopt", "--undo", EVIL),
    "a program": ("run", "--", EVIL),
    "a source": ("init", "--source", EVIL),
    "a file to add": ("init", "--add", EVIL),
    "a settings file": ("init", "--config", EVIL),
    "a folder of reports": ("init", "--source", "ccadb", "--from", EVIL),
    "a store": ("list", "--home", f"/{ONE_LINE}"),
    "a store with a line end": ("list", "--home", f"/{EVIL}"),
    "a file to trust": ("trust", f"{EVIL}.pem"),
    "a file to export to": ("export", "--format", "pem-bundle", f"{EVIL}/bundle.pem"),
    "a name of an object": ("export", "--format", "configmap", "--name", EVIL, "-"),
    "a password": ("export", "--format", "pkcs12", "--password-file", EVIL, "out.p12"),
    "a directory": ("rehash", EVIL),
    "a list of hosts": ("scan", "--file", EVIL),
    "a file of results": ("scan", "a.example", "--output", f"{EVIL}/out"),
    "a chain": ("doctor", "--chain", EVIL, "--host", "a.example"),
    "a page": ("doctor", "a.example", "--html", f"{EVIL}/page.html"),
    "an interpreter": ("hook", "status", "--python", f"./{EVIL}"),
    "virtualenvs": ("hook", "status", "--all-venvs", EVIL),
    "a store for a hook": ("hook", "install", "--home", f"/{ONE_LINE}/store", "--python", "none"),
}


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("argv", ARGUMENTS.values(), ids=ARGUMENTS)
def test_an_argument_does_not(certboot: Run, argv: tuple[str, ...]) -> None:
    ran = certboot(*argv)
    assert ran.status != 0
    if argv[:2] == ("hook", "install"):
        return  # an interpreter that is not there comes first
    assert_fit(ran, "Z" if SHOWN not in ran.err else SHOWN)


class TestFiles:
    def test_a_directory_and_what_is_in_it(self, certboot: Run, tmp_path: Path) -> None:
        folder = tmp_path / EVIL
        folder.mkdir()
        (folder / f"{EVIL}.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
        (folder / "good.pem").write_bytes(issue("Root").pem)
        ran = certboot("rehash", folder)
        assert (ran.status, len(ran.out.splitlines()), len(ran.err.splitlines())) == (0, 1, 1)
        assert SHOWN in ran.out
        assert_fit(ran)

    def test_an_export(self, certboot: Run, store: StorePaths, tmp_path: Path) -> None:
        del store
        path = tmp_path / EVIL
        assert_fit(certboot("export", "--format", "pem-bundle", path))
        assert path.is_file()
        assert_fit(certboot("export", "--format", "pem-bundle", path))  # something stands there already
        assert_fit(certboot("export", "--format", "pem-directory-hash", path, "--force"))

    def test_a_store_and_what_is_left_in_it(self, certboot: Run, tmp_path: Path) -> None:
        home = tmp_path / ONE_LINE.replace(CR, "")
        for argv in (("init",), ("update",), ("list",), ("doctor", "store"), ("history",)):
            ran = certboot(*argv, *(() if argv[0] == "doctor" else ("--home", home)))
            assert_fit(ran, "")
        (home / EVIL).write_text("mine")
        (home / "generations" / EVIL).mkdir()
        ran = certboot("purge", "--yes", "--home", home)
        assert (ran.status, ran.out.count(SHOWN) >= 4, (home / EVIL).read_text()) == (0, True, "mine")
        assert_fit(ran)
        ran = certboot("init", "--home", home)
        assert ran.status == 2
        assert_fit(ran)

    def test_a_file_that_is_none(self, certboot: Run, tmp_path: Path) -> None:
        """What the system says of it has the name in it."""
        (tmp_path / ONE_LINE.replace(CR, "")).write_text("")
        ran = certboot("init", "--home", tmp_path / ONE_LINE.replace(CR, "") / "store")
        assert ran.status == 2
        assert_fit(ran)

    def test_files_to_add(self, certboot: Run, tmp_path: Path) -> None:
        for name, content in (("bad", b"nothing"), ("empty", b""), ("leaf", b"-----BEGIN CERTIFICATE-----\n")):
            path = tmp_path / f"{name}{EVIL}.pem"
            path.write_bytes(content)
            for argv in (("init", "--add", path), ("trust", "--yes", path), ("doctor", "--chain", path, "--host", "a")):
                ran = certboot(*argv)
                assert ran.status != 0
                assert_fit(ran)

    def test_virtualenvs(self, certboot: Run, tmp_path: Path) -> None:
        """One that is none, and one whose Python says what it likes."""
        for name, content in (("a", ""), ("b", f"#!/bin/sh\nprintf '%s' {shlex.quote(ONE_LINE)}\n")):
            python = tmp_path / "all" / f"{name}{EVIL}" / "bin" / "python"
            python.parent.mkdir(parents=True)
            (python.parents[1] / "pyvenv.cfg").write_text("")
            python.write_bytes(os.fsencode(content))
            python.chmod(0o755)
        for action in ("status", "install", "uninstall"):
            ran = certboot("hook", action, "--all-venvs", tmp_path / "all")
            assert ran.status == 2
            assert_fit(ran)


@pytest.mark.parametrize("text", ["{name} = 1", 'sources = ["{name}"]', 'distrust = "{name}"', '[rules]\n"{name}" = 1'])
def test_settings_do_not(certboot: Run, store: StorePaths, text: str) -> None:
    name = json.dumps(EVIL.replace("\udce9", "").replace("\U000e0041", "")).strip('"')
    store.config.write_text(text.replace("{name}", f'"{name}"' if text.startswith("{") else name))
    for argv in (("update",), ("doctor", "store")):
        ran = certboot(*argv)
        assert ran.status in (1, 2)
        assert_fit(ran, "")


def test_a_broken_settings_file_does_not(certboot: Run, store: StorePaths) -> None:
    store.config.write_text(f"{SHOWN}\x1b[31m = ")
    assert_fit(certboot("update"), "")


@pytest.mark.usefixtures("store")
def test_values_of_variables_do_not(certboot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", f"/{ONE_LINE.replace(CR, '')}")
    assert_fit(certboot("adopt", "--yes"))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", f"/{EVIL}")
    monkeypatch.setenv("HTTPS_PROXY", f"http://{EVIL}/")
    assert_fit(certboot("doctor", "environment"))
    assert_fit(dataclasses.replace(certboot("env"), out=""))


def test_names_in_certificates_do_not(certboot: Run, store: StorePaths, tmp_path: Path) -> None:
    name = f"{SHOWN}\x1b[31m\x9b2J\x07\r\u202e\u200b\nhint: forged"
    (tmp_path / "ca.pem").write_bytes(issue(name).pem)
    assert_fit(certboot("trust", "--yes", tmp_path / "ca.pem"))
    (entry,) = (each for each in json.loads(certboot("list", "--json").out)["certificates"] if SHOWN in each["name"])
    for argv in (("list",), ("show", entry["sha256"]), ("diff", "1", "2"), ("distrust", entry["sha256"])):
        ran = certboot(*argv)
        assert ran.status == 0
        assert_fit(ran)
    assert_fit(certboot("distrust", "--undo", "nobody"))
    assert_fit(certboot("list", "--rejected"))
    del store


def test_fields_of_a_manifest_do_not(certboot: Run, store: StorePaths) -> None:
    path = store.current / "manifest.json"
    document = json.loads(path.read_bytes())
    for entry in document["certificates"]:
        entry.update(name=EVIL, subject=EVIL, defects=[EVIL])  # the other fields are of a closed form
        entry["provenance"] = [{**each, "detail": EVIL, "source": EVIL} for each in entry["provenance"]]
    rejection = {"fingerprint": "", "subject": EVIL, "rule": EVIL, "reason": EVIL, "source": EVIL, "detail": EVIL}
    document.update(command=EVIL, rejected=[rejection])
    path.write_text(json.dumps(document))
    for argv in (
        ("list",),
        ("history",),
        ("show", EVIL[:5]),
        ("list", "--rejected"),
        ("diff", "1", "1"),
        ("doctor", "store"),
    ):
        assert_fit(certboot(*argv), "")
    assert_fit(certboot("list"))
    assert_fit(certboot("show", SHOWN))  # names them all


@pytest.fixture
def banner() -> Iterator[int]:
    """A server that greets with escape sequences; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"554 Zurich \x1b[31m\x9b2J\x07\r\x08 go away\r\n")

    thread = threading.Thread(target=greet)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


@pytest.mark.usefixtures("store")
def test_what_a_server_says_does_not(certboot: Run, banner: int) -> None:
    for argv in (("doctor",), ("doctor", "--starttls", "smtp"), ("repair", "--starttls", "smtp"), ("chain",)):
        assert_fit(certboot(*argv, f"127.0.0.1:{banner}"), "127.0.0.1")
    assert "Zurich" in certboot("doctor", "--starttls", "smtp", f"127.0.0.1:{banner}").out


@pytest.mark.usefixtures("store")
def test_entries_of_a_scan_do_not(certboot: Run, tmp_path: Path) -> None:
    (tmp_path / "hosts").write_bytes(os.fsencode(f"{ONE_LINE}\n"))
    ran = certboot("scan", "--file", tmp_path / "hosts")
    assert_fit(dataclasses.replace(ran, out=""), "1 ")
    assert ran.out.isascii()


@pytest.mark.parametrize("field", ["id", "group", "subject", "summary", "hint", "fix"])
def test_a_finding_on_a_terminal_does_not(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rich adds its own colours after."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "300")
    finding = Finding("handshake-ok", "server", "fail", "a", "b", {}, ())
    changes: dict[str, dict[str, typing.Any]] = {
        "hint": {"evidence": {"hint": EVIL}},
        "fix": {"fix": (("certboot", EVIL),)},
    }
    changed = changes.get(field, {field: EVIL})
    out = io.StringIO()
    doctor_terminal([dataclasses.replace(finding, **changed)], out)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", out.getvalue())
    assert plain != out.getvalue()
    assert SHOWN in plain
    assert {character for character in plain if not character.isprintable()} <= {"\n"}


@pytest.mark.parametrize("driving", DRIVING.values(), ids=DRIVING)
def test_nothing_that_commands_say_can_hold_it(
    driving: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"{SHOWN}{driving}[1mend"
    say(f"{text}\n{text}")
    show(f"{text}\n{text}")
    aside(f"{text}\n{text}")
    warn(f"{text}\n{text}")
    failed(f"{text}\n{text}", f"{text}\n{text}\n  {text}")
    over(text)
    answers(monkeypatch, "no\n")
    confirmed(text)
    ran = capsys.readouterr()
    fit = SHOWN + "\ufffd" * len(driving.replace("[31m", "").replace("2J", "")) if len(driving) == 1 else SHOWN
    assert ran.out.startswith(f"{fit}")
    assert {character for character in ran.out if not character.isprintable()} == {"\n"}
    assert ran.err.endswith("\x1b[K")
    own = ran.err.replace("\r", "", 1).removesuffix("\x1b[K")
    assert {character for character in own if not character.isprintable()} == {"\n"}
    assert (ran.out.count("\n"), own.count("\n")) == (1 + 2, 2 + 1 + 1 + 3)


def test_what_programs_read_stays_exact(certboot: Run, tmp_path: Path) -> None:
    """The control: a shell gets the path as it is, by its own quotes."""
    home = tmp_path / ONE_LINE.replace(CR, "")
    assert certboot("init", "--home", home).status == 0
    done = subprocess.run(
        [sys.executable, "-m", "certboot", "env", "--home", home],
        capture_output=True, check=True,
    )  # fmt: skip
    shell = ["sh", "-c", f'{os.fsdecode(done.stdout)}\nprintf %s "$SSL_CERT_FILE"']
    value = subprocess.run(shell, capture_output=True, check=True, env={}).stdout
    assert os.fsdecode(value) == str(home / "current" / "bundle.pem")
    ran = certboot("export", "--format", "pem-bundle", "-", "--home", home)
    assert "-----BEGIN CERTIFICATE-----\n" in ran.out
    assert main.main(["list", "--json", "--home", str(home)]) == 0


def test_an_ordinary_name_is_shown_as_it_is(certboot: Run, store: StorePaths, tmp_path: Path) -> None:
    del store
    path = tmp_path / "Zürich 漢字 - 100 % - it's.pem"
    ran = certboot("export", "--format", "pem-bundle", path)
    assert ran.out.endswith(f": {path}\n")
    assert f"something stands there already: {path}\n" in certboot("export", "--format", "pem-bundle", path).err
