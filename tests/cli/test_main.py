"""The command itself: help, wrong usage, how failures are told, and standard streams of every kind."""

from __future__ import annotations

import importlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import typing
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from support.commands import Run, saved
from support.environments import Ran
from support.pki import DAY, NOW, issue, key_usage
from support.server import TlsServer
from support.snapshot import assert_refused, snapshot
from support.table import cases
from support.terminal import answers

import certboot as package
import certboot_startup
from certboot import errors
from certboot.cli import main
from certboot.store.paths import StorePaths, store_paths

PROGRAM = [sys.executable, "-m", "certboot"]


def test_help_names_every_command_and_each_says_what_it_is_for(certboot: Run, clean: Path) -> None:
    lines = [line.split()[0] for line in certboot("--help").out.splitlines() if line.startswith("    ")]
    assert [word for word in lines if word in main.COMMANDS] == list(main.COMMANDS)
    for command in main.COMMANDS:
        ran = certboot(command, "--help")
        assert (ran.status, ran.err) == (0, "")
        assert ran.out.startswith("examples:\n  ")
        assert f"\nusage: certboot {command} [-h]" in ran.out
    assert list(clean.iterdir()) == []


def test_a_help_loads_the_module_of_its_command_and_nothing_heavy() -> None:
    code = """
import sys
from certboot.cli import main
shared = {"options", "main", "terminal", "env_formats", "env_snippets", "layout", "summary", "report", "timer", "named"}
shared |= {"ephemeral", "process"}
for name, (module, _) in {"": ("", ""), **main.COMMANDS}.items():
    for loaded in [loaded for loaded in sys.modules if loaded.startswith("certboot.cli.")]:
        del sys.modules[loaded]
    try:
        main.main([*filter(None, [name]), "--help"])
    except SystemExit:
        imported = {loaded.split(".")[2] for loaded in sys.modules if loaded.startswith("certboot.cli.")}
        assert imported - shared == set(filter(None, [module])), (name, imported)
        assert not {"cryptography", "requests", "urllib.request"} & {*sys.modules}, name
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("usage: certboot") == 1 + len(main.COMMANDS)


def test_the_version_is_that_of_the_installed_package(certboot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = certboot("--version")
    assert (ran.status, ran.out) == (0, f"certboot {metadata.version('certboot')}\n")
    importlib.import_module("certboot.__main__")  # by itself it does nothing
    assert certboot("-V") == ran
    assert run("--version", stdout=subprocess.PIPE).stdout.decode() == ran.out
    monkeypatch.setattr(sys, "argv", ["certboot", "--version"])
    assert main.main() == errors.OK
    with pytest.raises(AttributeError, match="nothing"):
        getattr(package, "nothing")  # noqa: B009 - mypy


@cases(
    ("argv", "usage"),
    [
        (("--renew",), "certboot"), (("--version", "renew"), "certboot"), (("init", "--force"), "certboot init"),
        (("init", "file.pem"), "certboot init"), (("init", "--add"), "certboot init"), (("rehash",), "certboot rehash"),
        (("purge", "x"), "certboot purge"), (("hook", "--x"), "certboot hook"),
        (("-v", "list"), "certboot list"), (("-q", "run", "true"), "certboot run"), (("-v",), "certboot"),
        (("update", "-q", "-v"), "certboot update"),
        (("hook", "install", "--x"), "certboot hook install"), (("hook", "status", "x"), "certboot hook status"),
    ],
)  # fmt: skip
def test_wrong_usage_is_said_on_standard_error(certboot: Run, argv: tuple[str, ...], usage: str, clean: Path) -> None:
    ran = certboot(*argv)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"usage: {usage} [-h]")
    assert list(clean.iterdir()) == []


@cases(
    "argv",
    [("init",), ("update",), ("rollback",), ("trust", "--yes", "a.pem"), ("rehash", "certs"), ("purge", "--yes")],
)
def test_a_quiet_command_that_succeeds_says_nothing(
    certboot: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(certboot_startup, "status", "active")
    saved(tmp_path / "a.pem", issue("Corp"))
    (tmp_path / "certs").mkdir()
    for made in (("init",), ("init", "--add", saved(tmp_path / "b.pem", issue("Other")))):
        assert certboot(*made).status == 0
    before = tmp_path / "before"
    shutil.copytree(store_paths().home, before, symlinks=True)
    ran = certboot("-q", *argv)
    assert (ran.status, ran.err) == (0, "")
    # An earlier generation has not what the user added: an update brings it back.
    assert ran.out.startswith("Other comes back") == (argv == ("rollback",))
    assert len(ran.out.splitlines()) == (argv == ("rollback",))
    shutil.rmtree(store_paths().home, ignore_errors=True)
    shutil.copytree(before, store_paths().home, symlinks=True)
    told = certboot(*argv)
    assert (told.status, bool(told.out)) == (0, True)  # the control


def test_a_quiet_command_says_what_failed_and_what_needs_a_decision(
    certboot: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    certboot("init")
    store_paths().trusted.mkdir()
    saved(store_paths().trusted / "ended.pem", issue("Ended", valid=(NOW - 9 * DAY, NOW - DAY)))
    ran = certboot("update", "--quiet")
    assert (ran.status, ran.out) == (0, "")
    assert ran.err.startswith("  left out  ")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere")
    ran, whole = certboot("doctor", "-q", "environment", "store"), certboot("doctor", "environment", "store")
    assert ran.status == whole.status == 1
    assert "variable-points-nowhere" in ran.out
    assert ("store  " in ran.out, "store  " in whole.out) == (False, True)
    assert certboot("doctor", "-q", "store") == Ran(0, "", "")
    answers(monkeypatch, "no")
    ran = certboot("-q", "purge")
    assert (ran.status, ran.out.startswith("this removes\n"), ran.out.endswith("nothing was removed\n")) == (
        1,
        True,
        True,
    )
    assert certboot("-q", "show", "x").status == 2
    assert certboot("list").out  # the next run is not quiet


def test_certboot_alone_begins_with_where_to_start_and_names_every_command(certboot: Run, clean: Path) -> None:
    ran = certboot()
    lines = ran.out.splitlines()
    assert (ran.status, ran.err) == (0, "")
    assert lines[1].startswith("  certboot init ")
    assert [line for line in lines if re.fullmatch("[a-z][a-z ]+", line)] == [
        "start here", "when a host fails", "the store", "other programs and machines",
    ]  # fmt: skip
    assert len(lines) <= 25
    assert max(map(len, lines)) <= 80
    named = re.findall(r"^  certboot ([a-z]+)", ran.out, re.MULTILINE)
    named += re.findall(r"[a-z]+", " ".join(re.findall(r"^  also: (.*)", ran.out, re.MULTILINE)))
    assert set(named) == set(main.COMMANDS)
    assert list(clean.iterdir()) == []


@cases(
    ("word", "hint"),
    [
        ("docter", "certboot doctor"), ("upd", "certboot update"), ("RUN", "certboot run"),
        ("explian", "certboot explain"),
        ("renew", "certboot --help lists all commands"), ("", "certboot --help lists all commands"),
    ],
)  # fmt: skip
def test_a_command_that_is_none_leads_to_the_one_that_is_meant(certboot: Run, word: str, hint: str) -> None:
    ran = certboot(word, "--json", "x")
    assert_refused(ran)
    assert ran.err == f"certboot: error: no command of this name: {word!r}\n\nhint: {hint}\n"


@cases(
    "line",
    [
        "update", "list", "show abcd", "history", "rollback", "distrust abcd", "adopt --yes",
        "adopt --undo", "env", "run -- true", "repair localhost", "chain localhost", "export --format pem-bundle out",
    ],
)  # fmt: skip
def test_without_a_store_init_is_the_remedy(certboot: Run, clean: Path, line: str) -> None:
    ran = certboot(*line.split())
    assert_refused(ran)
    assert ran.out == ""
    assert "hint: certboot init\n" in ran.err
    assert list(clean.iterdir()) == []


def test_in_a_run_on_a_store_that_is_named_so_is_it_in_every_command(
    certboot: Run, paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "an other"
    monkeypatch.setenv("PIP_CERT", "/old.pem")
    list_hint, init_hint = certboot("list", "--home", home).err, certboot("init", "--home", home).out
    hints = list_hint, init_hint, certboot("show", "x", "--home", home).err
    for text in hints:
        assert set(re.findall(r"certboot (?:init|purge|list|adopt)\b( --home)?", text)) == {" --home"}
    assert hints[0].endswith(f"hint: certboot init --home '{home}'\n")
    assert hints[1].endswith(f"  undo      certboot purge --home '{home}'\n")
    assert main.with_home("certboot doctor store; certboot init --home DIR; certboot explain x", "/s") == (
        "CERTBOOT_HOME=/s certboot doctor store; certboot init --home DIR; certboot explain x"
    )
    assert certboot("list").err.endswith("hint: certboot init\n")
    assert not paths.home.exists()


COMMAND = re.compile(r"certboot (?:init|list --rejected|list|history|explain|rollback|doctor store)\b")


@cases("kept", [False, True])
@cases(
    "words",
    [
        "list", "show x", "history", "rollback", "rollback 9", "diff 1 2", "distrust x", "distrust x --undo", "env",
        "adopt", "adopt --undo", "adopt PIP_CERT", "update", "list --beyond ccadb", "trust none.pem", "run -- none",
        "explain x", "purge --yes",
    ],
)  # fmt: skip
def test_no_hint_leads_to_a_refusal(certboot: Run, words: str, kept: bool) -> None:  # noqa: FBT001
    if kept:
        certboot("init", "--no-intermediates")
    ran = certboot(*words.split())
    assert ran.status == 0 or ran.err.partition("hint: ")[2], ran
    for command in COMMAND.findall(ran.err.partition("hint: ")[2]):
        followed = certboot(*command.split()[1:])
        assert (command, followed.status) == (command, 0)


@cases(
    ("error", "status", "words"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (OSError(28, "No space left on device", "/s/env"), 2, "No space left on device: /s/env"),
        (OSError(28, "No space left on device"), 2, "No space left on device"),
        (OSError("odd"), 2, "odd"),
    ],
)
def test_a_failure_of_the_system_and_an_interrupt_become_one_line(
    certboot: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, words: str
) -> None:
    def fail(*_: object, **__: object) -> typing.NoReturn:
        raise error

    monkeypatch.setattr("certboot.cli.update.apply", fail)
    ran = certboot("init")
    assert (ran.status, ran.out) == (status, "")
    assert ran.err.startswith(f"certboot: error: {words}\n\nhint: ")


def test_a_mistake_in_certboot_is_told_without_a_traceback_unless_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(main, "main", lambda: {"a": 1}["nothing\x1b[2J"])
    with pytest.raises(SystemExit) as ended:
        main.program()
    message, _, hint = capsys.readouterr().err.partition("\n\n")
    assert (ended.value.code, hint.startswith("hint: please report it")) == (2, True)
    assert message.startswith("certboot: error: a mistake in certboot itself: KeyError: ")
    assert "\x1b" not in message
    monkeypatch.setenv("CERTBOOT_TRACEBACK", "1")
    with pytest.raises(KeyError):
        main.program()


@cases("end", [lambda: errors.INTERRUPTED, lambda: signal.raise_signal(signal.SIGINT)])
def test_one_interrupt_more_does_not_cut_the_end_short(monkeypatch: pytest.MonkeyPatch, end: Callable[[], int]) -> None:
    monkeypatch.setattr(main, "main", end)
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit) as ended:
            main.program()
        signal.raise_signal(signal.SIGINT)
        assert ended.value.code == 130
    finally:
        signal.signal(signal.SIGINT, before)


INTERRUPTED_AT = """
import sys
wanted = sys.argv[1]
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
from certboot.__main__ import main
sys.argv[1:] = ["list"]
main()
"""


def test_ctrl_c_while_certboot_loads_shows_no_traceback() -> None:
    for module in ("certboot.cli.main", "certboot.cli.terminal", "certboot.errors", "argparse", "no.such.module"):
        command = [sys.executable, "-c", INTERRUPTED_AT, module]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if module == "no.such.module":  # the control
            assert done.returncode == errors.UNFINISHED
            assert done.stderr.startswith("certboot: error: there is no store")
        else:
            assert (done.returncode, done.stdout, done.stderr) == (errors.INTERRUPTED, "", "")


def run(*argv: str, **options: typing.Any) -> subprocess.CompletedProcess[bytes]:  # noqa: ANN401 - subprocess's
    return subprocess.run([*PROGRAM, *argv], check=False, stderr=subprocess.PIPE, **options)


def in_a_shell(words: str) -> tuple[int, bytes, bytes]:
    command = ["sh", "-c", f"'{sys.executable}' -m certboot {words}"]
    done = subprocess.run(command, check=False, capture_output=True)
    return done.returncode, done.stdout, done.stderr


def test_a_reader_that_has_gone_is_no_failure(paths: StorePaths) -> None:
    """As with ``certboot doctor | head -1``, with the pipe closed before the first line."""
    for argv in (("doctor",), ("init",), ("--help",)):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = run(*argv, stdout=writer)
        finally:
            os.close(writer)
        assert (done.returncode, done.stderr) == (0, b"")
    assert paths.env.exists()
    assert in_a_shell("doctor -v | head -1") == (0, b"environment\n", b"")


def test_after_a_reader_has_gone_nothing_is_left_to_flush(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w+b") as target:

        class Gone(io.StringIO):
            def flush(self) -> None:
                raise BrokenPipeError

            def fileno(self) -> int:
                return target.fileno()

        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", Gone())
            assert main.main(["doctor", "hook"]) in {errors.OK, errors.FAILED}
        target.write(b"lost")
    assert (tmp_path / "out").read_bytes() == b""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    main.main(["doctor", "hook", "-v"])
    assert stream.getvalue().startswith("hook\n")  # output may go to any stream


def test_closed_standard_streams_are_no_failure(paths: StorePaths) -> None:
    for closed in ("<&-", ">&- 2>&-"):
        status, _, said = in_a_shell(f"init {closed}")
        assert (status, said) == (0, b"")
        assert paths.env.exists()
        paths.env.unlink()
    assert in_a_shell("init --add none.pem 2>&-")[0] == errors.UNFINISHED


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_what_cannot_be_written_is_one_message_and_keeps_its_status() -> None:
    for words in ("--version", "--help", "doctor environment"):
        status, _, said = in_a_shell(f"{words} >/dev/full")
        assert status == errors.UNFINISHED
        assert said.startswith(b"certboot: error: No space left on device\n\nhint: ")
        assert said.count(b"\n") == 3
    assert in_a_shell("--version >/dev/full 2>/dev/full") == (errors.UNFINISHED, b"", b"")
    assert in_a_shell("--version 2>/dev/full")[0] == errors.OK
    for words in ("list", "init --wrong", "wrong"):  # that there is no store, or no such word, goes to standard error
        assert in_a_shell(f"{words} 2>/dev/full")[0] == errors.UNFINISHED


@cases("encoding", ["ascii", "latin-1", "utf-8"])
def test_names_that_the_terminal_cannot_show_are_escaped(
    serve: Callable[..., TlsServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    name = "Zürich \N{SNOWMAN}"
    extensions = ((x509.BasicConstraints(ca=False, path_length=None), True), (key_usage(key_cert_sign=False), True))
    made = issue(name, extensions=extensions)
    (tmp_path / "leaf.pem").write_bytes(made.pem)
    server = serve(trustme.LeafCert(made.key_pem, made.pem, []))
    shown = name.encode(encoding, "backslashreplace")
    printed = io.BytesIO(), io.BytesIO()
    with monkeypatch.context() as patch:
        for name_of_stream, content in zip(("stdout", "stderr"), printed, strict=True):
            patch.setattr(sys, name_of_stream, io.TextIOWrapper(content, encoding, write_through=True))
        assert main.main(["doctor", f"localhost:{server.port}"]) == 1
        assert main.main(["init", "--add", str(tmp_path / "leaf.pem")]) == 2
        output, errors_told = (content.getvalue() for content in printed)
    assert shown in output
    assert errors_told.startswith(b"certboot: error: '" + shown)


def test_the_doctor_and_help_change_nothing(certboot: Run, clean: Path) -> None:
    certboot("doctor")
    assert snapshot(clean) == {}
    certboot("init")
    before = snapshot(clean)
    for argv in (("doctor",), ("doctor", "--json"), ("doctor", "store", "hook"), ("--help",), ("init", "--help")):
        certboot(*argv)
    assert snapshot(clean) == before


LEFT_AT_WORK = """
import atexit, sys, threading, time
from certboot.__main__ import main
atexit.register(print, "the interpreter has ended")
if sys.argv.pop() == "thread":
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
main()
"""


@cases(("thread", "ended"), [("thread", ""), ("none", "the interpreter has ended\n")])
def test_threads_that_are_still_at_work_are_not_torn_down(thread: str, ended: str) -> None:
    """What cryptography runs in them would abort the process, with status 134 for the one that was meant."""
    argv = (sys.executable, "-c", LEFT_AT_WORK, "--version", thread)
    ran = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert ran.stdout.split("\n", 1)[1] == ended
