from __future__ import annotations

import importlib
import io
import os
import signal
import subprocess
import sys
import typing
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from cryptography import x509
from support.pki import issue, key_usage
from support.snapshot import assert_refused, roots, snapshot
from support.table import cases

import certboot as package
from certboot import errors
from certboot.cli import main
from certboot.store.paths import StorePaths

if typing.TYPE_CHECKING:
    import trustme
    from support.environments import Ran
    from support.server import TlsServer

COMMANDS = (
    "init", "doctor", "explain", "update", "trust", "distrust", "list", "show", "history", "rollback", "diff",
    "hook", "rehash", "purge",
)  # fmt: skip
PROGRAM = [sys.executable, "-m", "certboot"]


@cases("command", [(), *((command,) for command in COMMANDS)])
def test_help_says_what_a_command_is_for(certboot: Callable[..., Ran], command: tuple[str, ...], clean: Path) -> None:
    ran = certboot(*command, "--help")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith(" ".join(("usage: certboot", *command)))
    assert list(clean.iterdir()) == []


def test_help_names_every_command(certboot: Callable[..., Ran]) -> None:
    lines = [line.split()[0] for line in certboot("--help").out.splitlines() if line.startswith("    ")]
    assert [word for word in lines if word in COMMANDS] == list(COMMANDS)


def test_a_help_loads_the_module_of_its_command_and_nothing_heavy() -> None:
    code = """
import sys
from certboot.cli import main
shared = {"options", "main", "terminal", "env_formats"}
for name, (module, _) in {"": ("", ""), **main.COMMANDS}.items():
    for loaded in [loaded for loaded in sys.modules if loaded.startswith("certboot.cli.")]:
        del sys.modules[loaded]
    try:
        main.main([*filter(None, [name]), "--help"])
    except SystemExit:
        found = {loaded.split(".")[2] for loaded in sys.modules if loaded.startswith("certboot.cli.")}
        assert found - shared == set(filter(None, [module])), (name, found)
        assert not {"cryptography", "requests", "rich", "urllib.request"} & {*sys.modules}, name
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.count("usage: certboot") == 1 + len(main.COMMANDS)


def test_the_version_is_that_of_the_installed_package(certboot: Callable[..., Ran]) -> None:
    assert certboot("--version").out == f"certboot {metadata.version('certboot')}\n"
    assert certboot("--version").status == 0


def test_the_package_has_nothing_else_to_give() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        getattr(package, "nothing")  # noqa: B009 - mypy


@cases(
    "argv", [(), ("renew",), ("init", "--force"), ("init", "file.pem"), ("init", "--add"), ("rehash",), ("purge", "x")]
)
def test_wrong_usage_is_said_on_standard_error(
    certboot: Callable[..., Ran], argv: tuple[str, ...], clean: Path
) -> None:
    ran = certboot(*argv)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("usage: certboot")
    assert list(clean.iterdir()) == []


def test_an_interrupt_is_told_and_has_the_status_that_shells_have(
    certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> typing.NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("certboot.store.update.apply", interrupted)
    ran = certboot("init")
    assert (ran.status, ran.out) == (130, "")
    assert ran.err.startswith("certboot: error: interrupted\n")


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


@cases(
    ("error", "words"),
    [
        (OSError(28, "No space left on device", "/s/env"), "No space left on device: /s/env"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("odd"), "odd"),
    ],
)
def test_a_failure_of_the_system_becomes_one_line(
    certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, error: OSError, words: str
) -> None:
    def fail(*_: object, **__: object) -> typing.NoReturn:
        raise error

    monkeypatch.setattr("certboot.store.update.apply", fail)
    ran = certboot("init")
    assert_refused(ran)
    assert ran.err.startswith(f"certboot: error: {words}\n")


def test_rehash_works_on_each_directory_and_tells_of_each(certboot: Callable[..., Ran], tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "none"
    good.mkdir()
    (good / "a.pem").write_bytes(roots()[0].pem)
    (good / "b.pem").write_bytes(b"words")
    ran = certboot("rehash", bad, good)
    assert ran.status == 2
    assert ran.out == f"{good}: 1 link, 1 made, 0 removed\n"
    assert f"certboot: error: cannot rehash {bad}: No such file or directory\n" in ran.err
    assert f"certboot: warning: {good}: skipping b.pem, " in ran.err
    (good / "b.pem").unlink()
    assert certboot("rehash", good).out == f"{good}: 1 link, nothing to do\n"
    assert certboot("rehash", good).status == 0


def run(*argv: str, **options: typing.Any) -> subprocess.CompletedProcess[bytes]:  # noqa: ANN401 - subprocess's
    return subprocess.run([*PROGRAM, *argv], check=False, stderr=subprocess.PIPE, **options)


@cases("argv", [("doctor",), ("doctor", "--json"), ("init",), ("--help",), ("--version",)])
def test_a_reader_that_has_gone_is_no_failure(argv: tuple[str, ...]) -> None:
    """As with ``certboot doctor | head -1``, with the pipe closed before the first line."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run(*argv, stdout=writer)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


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


def test_output_may_go_to_any_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    main.main(["doctor", "hook"])
    assert stream.getvalue().startswith("hook\n")


def test_the_first_line_can_be_read_alone() -> None:
    command = f"'{sys.executable}' -m certboot doctor | head -1"
    done = subprocess.run(["sh", "-c", command], check=True, capture_output=True)
    assert (done.stdout, done.stderr) == (b"environment\n", b"")


@cases("closed", ["<&-", ">&-", "2>&-"])
def test_closed_standard_streams_are_no_failure(closed: str, paths: StorePaths) -> None:
    command = f"'{sys.executable}' -m certboot init {closed}"
    done = subprocess.run(["sh", "-c", command], check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert paths.env.exists()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
@cases("words", ["--version", "--help", "doctor environment", "list"])
def test_what_cannot_be_written_is_one_message_and_keeps_its_status(words: str) -> None:
    def ran(streams: str) -> tuple[int, bytes]:
        command = f"'{sys.executable}' -m certboot {words} {streams}"
        done = subprocess.run(["sh", "-c", command], check=False, capture_output=True)
        return done.returncode, done.stderr

    if words != "list":  # there is no store: that goes to standard error
        status, said = ran(">/dev/full")
        assert status == errors.UNFINISHED
        assert said.startswith(b"certboot: error: No space left on device\n\nhint: ")
        assert said.count(b"\n") == 3
    assert ran(">/dev/full 2>/dev/full") == (errors.UNFINISHED, b"")
    assert ran("2>/dev/full")[0] == (errors.UNFINISHED if words == "list" else errors.OK)


def test_an_error_on_a_closed_standard_error_keeps_its_status() -> None:
    command = f"'{sys.executable}' -m certboot init --add none.pem 2>&-"
    assert subprocess.run(["sh", "-c", command], check=False, capture_output=True).returncode == 2


def named(subject: str) -> trustme.LeafCert:
    import trustme

    extensions = ((x509.BasicConstraints(ca=False, path_length=None), True), (key_usage(key_cert_sign=False), True))
    made = issue(subject, extensions=extensions)
    return trustme.LeafCert(made.key_pem, made.pem, [])


@cases("encoding", ["ascii", "latin-1", "utf-8"])
def test_names_that_the_terminal_cannot_show_are_escaped(
    serve: Callable[..., TlsServer], tmp_path: Path, encoding: str
) -> None:
    leaf = named("Zürich \N{SNOWMAN}")
    environ = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    shown = "Zürich \N{SNOWMAN}".encode(encoding, "backslashreplace")
    done = run("doctor", f"localhost:{serve(leaf).port}", env=environ, stdout=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (1, b"")
    assert shown in done.stdout
    path = tmp_path / "leaf.pem"
    leaf.cert_chain_pems[0].write_to_path(str(path))
    done = run("init", "--add", str(path), env=environ)
    assert done.returncode == 2
    assert done.stderr.startswith(b"certboot: error: '" + shown)


def test_the_module_is_the_command(certboot: Callable[..., Ran]) -> None:
    importlib.import_module("certboot.__main__")  # by itself it does nothing
    assert run("--version", stdout=subprocess.PIPE).stdout.decode() == certboot("--version").out


def test_a_missing_argv_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["certboot", "--version"])
    assert main.main() == errors.OK


def test_the_doctor_and_help_change_nothing(
    certboot: Callable[..., Ran],
    clean: Path,
) -> None:
    certboot("doctor")
    assert snapshot(clean) == {}
    certboot("init")
    before = snapshot(clean)
    for argv in (("doctor",), ("doctor", "--json"), ("doctor", "store", "hook"), ("--help",), ("init", "--help")):
        certboot(*argv)
    assert snapshot(clean) == before


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


@pytest.mark.parametrize("module", ["certboot.cli.main", "certboot.cli.terminal", "certboot.errors", "argparse"])
def test_ctrl_c_while_certboot_loads_shows_no_traceback(module: str) -> None:
    command = [sys.executable, "-c", INTERRUPTED_AT, module]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (errors.INTERRUPTED, "", "")


def test_without_ctrl_c_the_same_program_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT, "no.such.module"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.startswith("certboot: error: there is no store")) == (errors.UNFINISHED, True)
