"""``certboot run``, run as a program with the environment that a person may have."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.commands import Run
from support.environments import SYSTEM_PATH
from support.hook_store import Store
from support.started import CERTBOOT, environment_in, executable, in_a_shell, ran
from support.table import cases

from certboot.cli import process
from certboot.store.paths import StorePaths


@pytest.fixture
def store(paths: StorePaths) -> Store:
    return Store(paths.home)


def test_the_program_has_the_variables_that_were_not_set(clean: Path, store: Store, tmp_path: Path) -> None:
    done = ran("run", "--", "env", "-0", home=clean, GIT_SSL_CAINFO="/own.pem", PIP_CERT="/own.pem", OTHER="\u00fc")
    environ = environment_in(done.stdout)
    expected = {**store.settings, "GIT_SSL_CAINFO": "/own.pem", "PIP_CERT": "/own.pem"}
    del expected["REQUESTS_CA_BUNDLE"]
    assert {name: value for name, value in environ.items() if name in {*store.settings, "PIP_CERT"}} == expected
    assert (environ["OTHER"], environ["HOME"], environ["PATH"]) == ("\u00fc", str(clean), SYSTEM_PATH)
    other = Store(tmp_path / "other")  # --home goes before the program
    done = ran("run", "--home", other.home, "--", "printenv", "SSL_CERT_FILE", home=clean)
    assert done.stdout.decode() == f"{other.settings['SSL_CERT_FILE']}\n"


@pytest.mark.usefixtures("store")
def test_the_exit_status_is_the_programs(clean: Path) -> None:
    """SIGPIPE and SIGXFSZ, which Python ignores, kill it as they do without certboot."""
    assert ran("run", "--", "sh", "-c", "exit 255", home=clean).returncode == 255
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        assert ran("run", "sh", "-c", f"ulimit -c 0; kill -{int(number)} $$", home=clean).returncode == -number


@pytest.mark.usefixtures("store")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@cases("ignored", ["", "INT HUP"])
def test_the_program_ignores_the_signals_that_certboot_was_started_with_and_no_more(clean: Path, ignored: str) -> None:
    """It is this very process: no parent between it and the shell, and the same signals as a program of the shell's."""
    show = "sed -n 's/^SigIgn:.//p; s/^PPid:.//p; s/^Pid:.//p' /proc/self/status"
    ignore = f"trap '' {ignored}; " if ignored else ""
    shell, pid, parent, ignores = in_a_shell(f"{ignore}echo $$; exec certboot run -- {show}", clean).stdout.split()
    assert (pid, parent) == (shell, str(os.getpid()))
    assert ignores == in_a_shell(f"{ignore}exec {show}", clean).stdout.split()[2]


@pytest.mark.usefixtures("store")
def test_an_interrupt_ends_the_program_and_not_certboot(clean: Path, tmp_path: Path) -> None:
    started = tmp_path / "started"
    script = f"trap 'echo caught; exit 3' INT; touch {started}; while :; do sleep 0.02; done"
    environ = {"HOME": str(clean), "PATH": SYSTEM_PATH}
    command = [*CERTBOOT, "run", "--", "sh", "-c", script]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        deadline = time.monotonic() + 30
        while not started.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=30)
    assert (program.returncode, out, err) == (3, b"caught\n", b"")


SHOW = "import os, sys; sys.stdout.buffer.write(b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
ODD = (
    "--help", "-h", "--", "--version", "--home", "", " ", "a b", "*", "$HOME", "'\"\\`", "\n", "\u00fc",
    os.fsdecode(b"\xff"),
)  # fmt: skip


@pytest.mark.usefixtures("store")
def test_every_argument_behind_the_program_and_its_input_are_the_programs(clean: Path) -> None:
    for dashes in ((), ("--",)):
        done = ran("run", *dashes, sys.executable, "-c", SHOW, *ODD, home=clean)
        assert (done.returncode, done.stderr) == (0, b"")
        assert [os.fsdecode(part) for part in done.stdout.split(b"\0")] == list(ODD)
    data = bytes(range(256)) * 999
    assert ran("run", "cat", home=clean, data=data).stdout == data


@pytest.mark.usefixtures("store")
def test_what_cannot_be_started_has_the_exit_status_that_env_gives_it(
    certboot: Run, clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(clean)
    closed = executable(tmp_path / "closed", "#!/bin/sh\n", 0o644)
    broken = executable(tmp_path / "broken", "#!/no/such/interpreter\n")
    numbers = (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ)
    handlers = [signal.getsignal(number) for number in numbers]
    assert handlers[1:] == [signal.SIG_IGN] * 2
    for program, status, message in (
        ("nosuch", 127, "no such program: nosuch"),
        ("./nosuch", 127, "no such program: ./nosuch"),
        (str(broken), 127, f"the interpreter that its first line names is missing: {broken}"),
        (str(closed), 126, f"cannot start the program: Permission denied: {closed}"),
        (str(tmp_path), 126, f"cannot start the program: Permission denied: {tmp_path}"),
    ):
        done = certboot("run", "--", program, "argument")
        assert (done.status, done.out) == (status, "")
        assert done.err.startswith(f"certboot: error: {message}\n\nhint: ")
        oracle = subprocess.run(["env", program], env={"PATH": SYSTEM_PATH}, capture_output=True, check=False)
        assert oracle.returncode == status
    done = certboot("run", "sh", "x" * 3_000_000)
    assert done.status == 126
    assert done.err.startswith("certboot: error: cannot start the program: Argument list too long")
    assert [signal.getsignal(number) for number in numbers] == handlers


@pytest.mark.usefixtures("store")
def test_a_script_that_names_no_interpreter_is_run_by_the_shell(clean: Path, tmp_path: Path) -> None:
    script = executable(tmp_path / "script", 'echo "$# $2 $SSL_CERT_DIR"\n')
    expected = f"2 a b {clean}/.local/share/certboot/current/crts\n".encode()
    assert ran("run", script, "x", "a b", home=clean).stdout == expected
    assert ran("run", "script", "x", "a b", home=clean, PATH=f"{tmp_path}:{SYSTEM_PATH}").stdout == expected


@pytest.mark.usefixtures("store")
def test_no_program_is_wrong_usage(certboot: Run) -> None:
    for argv in (("run",), ("run", "--"), ("run", ""), ("run", "--", "", "x")):
        ran = certboot(*argv)
        assert (ran.status, ran.out) == (2, "")
        assert ran.err == "certboot: error: no program is named\n\nhint: certboot run -- PROGRAM [ARGUMENT ...]\n"


# The same in this process, where another is not begun


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, list[str], dict[str, str]]]]:
    """What would be begun: the program, its arguments and its environment. What it is not given is put back."""
    names = (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ)
    handlers = {number: signal.getsignal(number) for number in names}
    calls: list[tuple[str, list[str], dict[str, str]]] = []

    def begin(path: str, argv: list[str], environ: dict[str, str]) -> typing.NoReturn:
        if path == shutil.which("true"):
            raise OSError(errno.ENOEXEC, "Exec format error")
        calls.append((path, argv, environ))
        assert [signal.getsignal(number) for number in names] == [signal.SIG_DFL] * 3
        raise Begun

    monkeypatch.setattr(os, "execve", begin)
    for number in names:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_IGN)
    yield calls
    for number, handler in handlers.items():
        signal.signal(number, handler)


class Begun(Exception):  # noqa: N818 - no error
    """There is no way back from here."""


def test_the_process_itself_becomes_the_program_or_the_shell_for_a_script_without_an_interpreter(
    certboot: Run, store: Store, begun: list[tuple[str, list[str], dict[str, str]]]
) -> None:
    for argv in (("run", "--", "sh", "-c", "exit 3"), ("run", "true", "x")):
        with pytest.raises(Begun):
            certboot(*argv)
    (path, argv_of_program, environ), (shell, argv_of_shell, _) = begun
    assert (path, argv_of_program) == (shutil.which("sh"), ["sh", "-c", "exit 3"])
    assert environ == {**store.settings, **os.environ}
    assert (shell, argv_of_shell) == ("/bin/sh", ["sh", shutil.which("true"), "x"])


# What a process does that cannot become another: it waits (Windows)


@pytest.mark.usefixtures("store")
def test_where_it_cannot_become_the_program_it_waits_for_it_though_the_user_interrupts(
    certboot: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = subprocess.Popen.wait
    interrupts = [KeyboardInterrupt(), KeyboardInterrupt()]

    def interrupted(program: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if interrupts:
            raise interrupts.pop()
        return wait(program, timeout)

    monkeypatch.setattr(process, "CAN_BECOME", False)
    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    script = f'printf %s "$SSL_CERT_FILE $1" > {tmp_path}/word; exit 7'
    assert certboot("run", "--", "sh", "-c", script, "--", "--").status == 7
    assert (tmp_path / "word").read_text().endswith("/current/bundle.pem --")
    assert interrupts == []
    with pytest.raises(FileNotFoundError):
        process.wait_for(["nosuch"], {"PATH": SYSTEM_PATH})
