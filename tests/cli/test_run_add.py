"""``certboot run --add`` and ``--inspect``: a program with a store of its own, and certboot beside it."""

from __future__ import annotations

import os
import pty
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.commands import Run, saved
from support.environments import SYSTEM_PATH
from support.pki import issue
from support.snapshot import contents, snapshot
from support.started import CERTBOOT, environment_in, in_a_shell, ran
from support.table import cases

from certboot.cli import process
from certboot.store.paths import StorePaths

CORP, TOP = issue("Corp Root"), issue("Example Root")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="macOS does not tell who has sent a signal")


@pytest.fixture
def corp(clean: Path) -> Path:
    return saved(clean / "corp.pem", CORP)


def runs(home: Path) -> list[Path]:
    return sorted(home.glob(".local/share/certboot/runs/*"))


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def begun(home: Path, script: str, *options: str, **more: object) -> subprocess.Popen[bytes]:
    """Start a program with a store of its own, and wait until it has made the file ``started``."""
    command = [*CERTBOOT, "run", "--add", "corp.pem", *options, "--", "sh", "-c", f"touch started; {script}"]
    environ = {"HOME": str(home), "PATH": SYSTEM_PATH}
    (home / "started").unlink(missing_ok=True)
    started = subprocess.Popen(command, env=environ, cwd=home, stdout=-1, stderr=-1, **more)  # type: ignore[call-overload]
    until((home / "started").exists)
    return started  # type: ignore[no-any-return]


@pytest.mark.usefixtures("store", "corp")
def test_the_program_has_the_copy_and_it_is_gone_afterwards(clean: Path, store: StorePaths) -> None:
    before = contents(clean)
    done = ran("run", "--add", clean / "corp.pem", "--", "env", "-0", home=clean, OTHER="x")
    environ = environment_in(done.stdout)
    home = environ["CERTBOOT_HOME"]
    assert Path(home).parent == store.runs
    assert environ["SSL_CERT_FILE"] == f"{home}/current/bundle.pem"
    assert environ["OTHER"] == "x"
    assert contents(clean) == before
    assert done.stderr == b""


@pytest.mark.usefixtures("store", "corp")
@cases(
    "script", ["exit 0", "exit 255", *(f"ulimit -c 0; kill -{number} $$" for number in ("TERM", "INT", "PIPE", "KILL"))]
)
def test_the_exit_status_is_the_programs_as_without_a_copy(clean: Path, script: str) -> None:
    copied = ran("run", "--add", clean / "corp.pem", "--", "sh", "-c", script, home=clean)
    plain = ran("run", "--", "sh", "-c", script, home=clean)
    assert (copied.returncode, copied.stdout, copied.stderr) == (plain.returncode, plain.stdout, plain.stderr)
    assert runs(clean) == []


@pytest.mark.usefixtures("store", "corp")
def test_a_program_that_cannot_be_started_is_no_trace_either(certboot: Run, clean: Path) -> None:
    for argv, status in ((("nosuch",), 127), ((str(clean),), 126)):
        done = ran("run", "--add", clean / "corp.pem", "--", *argv, home=clean)
        assert (done.returncode, done.stderr) == (status, ran("run", *argv, home=clean).stderr)
    assert certboot("run", "--add", clean / "nosuch.pem", "--", "true").status == 2
    assert certboot("run", "--only", "--", "true").status == 2
    assert runs(clean) == []


@pytest.mark.usefixtures("store", "corp")
def test_arguments_and_input_are_the_programs(clean: Path) -> None:
    data = bytes(range(256)) * 99
    assert ran("run", "--add", clean / "corp.pem", "cat", home=clean, data=data).stdout == data
    done = ran("run", "--add", clean / "corp.pem", "--", "printf", "%s|", "--add", "--only", "--", "-h", home=clean)
    assert done.stdout == b"--add|--only|--|-h|"


@pytest.mark.usefixtures("store", "corp")
def test_a_variable_that_is_set_stays_and_that_is_said_unless_only_these_cas_are_wanted(clean: Path) -> None:
    show = ("--", "printenv", "SSL_CERT_FILE")
    done = ran("run", "--add", clean / "corp.pem", *show, home=clean, SSL_CERT_FILE="/own.pem")
    assert done.stdout == b"/own.pem\n"
    assert b"certboot: SSL_CERT_FILE is left alone, because it is set by something else" in done.stderr
    assert done.stderr.endswith(b"\nhint: env -u SSL_CERT_FILE certboot run --add FILE -- PROGRAM\n")
    others = {"SSL_CERT_FILE": "/own.pem", "npm_config_cafile": "/own.pem", "UV_SYSTEM_CERTS": "1"}
    done = ran("run", "--add", clean / "corp.pem", "--only", "--", "env", "-0", home=clean, data=b"", **others)
    environ = environment_in(done.stdout)
    assert environ["SSL_CERT_FILE"].endswith("/current/bundle.pem")
    assert not environ.keys() & {"npm_config_cafile", "UV_SYSTEM_CERTS"}
    assert done.stderr == b""
    done = ran("run", "--add", clean / "corp.pem", "--only", "--", "curl", "--version", home=clean)
    assert done.stderr == b"certboot: curl trusts besides: the system's certificates\n"


@pytest.mark.usefixtures("store")
def test_what_is_run_in_it_adds_to_it(clean: Path, corp: Path) -> None:
    saved(clean / "top.pem", TOP)
    count = "grep -c BEGIN $SSL_CERT_FILE"
    inner = f"{' '.join(CERTBOOT)} run --add {clean}/top.pem -- sh -c '{count}; ls $CERTBOOT_HOME/.. | wc -l'; {count}"
    done = ran("run", "--add", corp, "--", "sh", "-c", inner, home=clean)
    both, two, one = map(int, done.stdout.split())
    assert (both - one, two) == (1, 2)
    assert int(ran("run", "--", "sh", "-c", count, home=clean).stdout) == one - 1
    assert runs(clean) == []


@pytest.mark.usefixtures("store")
def test_the_doctor_finds_a_copy_whole_and_wants_no_update_of_it(clean: Path, corp: Path) -> None:
    for only in ((), ("--only",)):
        done = ran("run", "--add", corp, *only, "--", *CERTBOOT, "doctor", "store", home=clean)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"nothing failed" in done.stdout or b"no problem found" in done.stdout
        assert f"{'1 CA' if only else ' CAs'}, in a copy for one command or shell\n".encode() in done.stdout
        assert b"certboot update" not in done.stdout


@linux
@pytest.mark.usefixtures("store", "corp")
@cases("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH"])
def test_a_signal_that_is_sent_to_certboot_reaches_the_program_which_decides(clean: Path, name: str) -> None:
    number = getattr(signal, name)
    short = name.removeprefix("SIG")
    with begun(clean, f"trap 'echo {short}; exit 3' {short}; touch ready; while :; do sleep 0.02; done") as program:
        until((clean / "ready").exists)
        (clean / "ready").unlink()
        program.send_signal(number)
        out, err = program.communicate(timeout=30)
    assert (program.returncode, out, err) == (3, f"{short}\n".encode(), b"")
    assert runs(clean) == []


@linux
@pytest.mark.usefixtures("store", "corp")
def test_ignored_signals_stay_ignored_and_others_are_the_programs(clean: Path) -> None:
    """Also that of children's ends, without which certboot itself would not know of the program's."""
    show = "sed -n 's/^SigIgn:.//p; s/^SigBlk:.//p' /proc/self/status"
    for ignored in ("", "trap '' INT HUP CHLD; "):
        copied = in_a_shell(f"{ignored}exec certboot run --add {clean}/corp.pem -- {show}", clean)
        assert (copied.stdout, copied.stderr) == (in_a_shell(f"{ignored}exec {show}", clean).stdout, "")


@pytest.mark.usefixtures("store", "corp")
def test_what_the_program_leaves_running_keeps_the_copy_and_so_does_the_program_when_certboot_is_killed(
    clean: Path, certboot: Run
) -> None:
    wait = "while [ ! -e over ]; do sleep 0.05; done; cp $SSL_CERT_FILE copied"
    with begun(clean, f"({wait}) >/dev/null 2>&1 & exit 0") as program:
        program.wait(timeout=30)
    (kept,) = runs(clean)
    assert certboot("update").status == 0
    with begun(clean, wait) as program:
        program.kill()
    assert len(runs(clean)) == 2
    assert ran("run", "--add", clean / "corp.pem", "--", "true", home=clean).returncode == 0
    assert len(runs(clean)) == 2
    assert kept in runs(clean)
    (clean / "over").touch()

    def swept() -> bool:
        assert certboot("update").status == 0
        return not runs(clean)

    until(swept)
    assert (clean / "copied").read_bytes().endswith(b"-----END CERTIFICATE-----\n")


@pytest.mark.usefixtures("store", "corp")
def test_two_at_once_have_a_copy_each(clean: Path, certboot: Run) -> None:
    saved(clean / "top.pem", TOP)
    before = snapshot(clean / ".local" / "share" / "certboot" / "generations")
    wait = "cat $SSL_CERT_FILE; while [ ! -e {} ]; do sleep 0.02; done; cat $SSL_CERT_FILE"
    with begun(clean, wait.format("first")) as one, begun(clean, wait.format("second"), "--add", "top.pem") as two:
        assert len(runs(clean)) == 2
        (clean / "second").touch()
        longer = two.communicate(timeout=30)[0]
        assert len(runs(clean)) == 1
        assert certboot("update").status == 0
        (clean / "first").touch()
        shorter = one.communicate(timeout=30)[0]
    for text, number in ((shorter, 1), (longer, 2)):
        half = text[: len(text) // 2]
        assert text == half * 2
        assert (CORP.pem in half) + (TOP.pem in half) == number
    assert runs(clean) == []
    assert snapshot(clean / ".local" / "share" / "certboot" / "generations") == before


@pytest.mark.slow
@pytest.mark.usefixtures("corp")
def test_killed_at_random_moments_nothing_is_left_after_the_next_run(clean: Path) -> None:
    """Five times; a hundred kills, of which 84 left something, came to the same."""
    moments = random.Random(7)  # noqa: S311 - the same moments each time
    environ = {"HOME": str(clean), "PATH": SYSTEM_PATH}
    for number in range(5):
        command = [*CERTBOOT, "run", "--add", "corp.pem", "--", "sleep", "0.2"]
        with subprocess.Popen(command, env=environ, cwd=clean, start_new_session=True, stderr=-1) as program:
            time.sleep(moments.uniform(0.05, 1.2))
            (os.kill if number % 2 else os.killpg)(program.pid, signal.SIGKILL)

    def swept() -> bool:
        assert ran("run", "--add", clean / "corp.pem", "--", "true", home=clean).returncode == 0
        return not (clean / ".local" / "share" / "certboot").exists()

    until(swept)  # as soon as the last program that lives on has ended


# A shell's job


@pytest.fixture
def terminal(clean: Path) -> Iterator[Terminal]:
    shell = Terminal(clean)
    yield shell
    shell.end()


class Terminal:
    """An interactive shell on a terminal."""

    def __init__(self, home: Path) -> None:
        environ = {"HOME": str(home), "PATH": SYSTEM_PATH, "PS1": "", "TERM": "dumb"}
        self.process, self.ours = pty.fork()
        if not self.process:
            os.chdir(home)
            os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], environ)  # noqa: S606 - it is a shell that is wanted
        self.seen = b""

    def type(self, keys: str, wanted: str = "", *, again: bool = False) -> None:
        """Type the keys, ``again`` and again where they may come before somebody is there, until this is shown."""
        self.seen = b""
        deadline, typed = time.monotonic() + 30, 0.0
        while not typed or wanted.encode() not in self.seen:
            now = time.monotonic()
            assert now < deadline, (keys, self.seen)
            if not typed or (again and now > typed + 1):
                os.write(self.ours, keys.encode())
                typed = now
            self.read(0.1)

    def read(self, seconds: float) -> None:
        """Take in what is shown, for so long if there is nothing."""
        if select.select([self.ours], [], [], seconds)[0]:
            self.seen += os.read(self.ours, 65536)

    def end(self) -> None:
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)
        os.close(self.ours)


@linux
@pytest.mark.slow
@pytest.mark.usefixtures("store", "corp")
def test_the_keys_of_a_terminal_do_what_they_do_without_certboot(clean: Path, terminal: Terminal) -> None:
    command = f"{' '.join(CERTBOOT)} run --add corp.pem --"
    trap = "trap 'echo inter''rupted' INT; echo rea''dy; while :; do sleep 0.05; done"
    terminal.type(f'{command} sh -c "{trap}"\n', "ready\r\n")
    terminal.type("\x03", "interrupted\r\n")
    terminal.read(0.3)
    assert terminal.seen.count(b"interrupted") == 1  # the terminal has told the program, and certboot not once more
    terminal.type("\x1a", "Stopped")
    terminal.type("fg\n", "run --add")
    terminal.type("\x03", "interrupted\r\n", again=True)
    terminal.type("\x1c", "Quit")
    terminal.type("echo status=$?\n", f"status={128 + signal.SIGQUIT}")
    # An inner shell has jobs of its own, and is suspended as a whole.
    terminal.type(f"{command} bash --norc\n")
    terminal.type("echo in=$CERTBOOT_HOME\n", "in=/", again=True)
    terminal.type("sh -c 'echo go''ing; exec sleep 60'\n", "going\r\n")
    terminal.type("\x1a", "Stopped")
    terminal.type("kill -9 %1; suspend\n", "run --add")
    terminal.type("echo out=$CERTBOOT_HOME.\n", "out=.", again=True)
    terminal.type("fg\n", "run --add")
    terminal.type("echo in=$CERTBOOT_HOME\n", "in=/", again=True)
    terminal.type("exit 3\n")
    terminal.type("echo status=$?\n", "status=3")
    # One that reads the terminal from the background waits for its turn.
    terminal.type(f"{command} cat &\n")
    terminal.type("jobs\n", "Stopped", again=True)
    terminal.type("fg\n", "run --add")
    terminal.type("word\n", "word\r\nword\r\n", again=True)
    terminal.type("\x04")
    terminal.type("echo status=$?\n", "status=0")
    assert runs(clean) == []


def test_who_cannot_be_stopped_by_a_signal_tells_the_shell_by_a_status(monkeypatch: pytest.MonkeyPatch) -> None:
    """Process 1 of a container is such a one."""
    sent = []
    monkeypatch.setattr(os, "kill", lambda process, number: sent.append((process, number)))
    monkeypatch.setattr("resource.setrlimit", lambda *_: None)
    former = signal.getsignal(signal.SIGTERM)
    assert process.end_by(signal.SIGTERM) == 128 + signal.SIGTERM
    assert process.end_by(signal.SIGKILL) == 128 + signal.SIGKILL
    signal.signal(signal.SIGTERM, former)
    assert sent == [(os.getpid(), signal.SIGTERM), (os.getpid(), signal.SIGKILL)]


# --inspect


@pytest.mark.usefixtures("store", "corp")
def test_a_look_at_a_program_runs_it_not_and_begins_with_it(certboot: Run, clean: Path) -> None:
    program = clean / "curl"
    program.write_text("#!/bin/sh\ntouch ran\n")
    program.chmod(0o755)
    done = ran("run", "--inspect", "--", program, "x", home=clean, PATH=f"{clean}:{SYSTEM_PATH}")
    lines = done.stdout.decode().splitlines()
    assert (done.returncode, done.stderr) == (0, b"")
    assert lines[0] == f"{program} is not run. Its TLS clients, and those of what it starts, would trust:"
    assert lines[2:4] == ["  certboot's store, the system's certificates", lines[3]]
    assert lines[3].startswith("    curl (SSL_CERT_DIR)")
    assert not (clean / "ran").exists()
    done = ran("run", "--inspect", "--add", clean / "corp.pem", "--only", "--", "sh", home=clean)
    assert b"store   1 CA, in a copy for one command or shell\n" in done.stdout
    assert runs(clean) == []
    assert certboot("run", "--inspect", "--", "nosuch").status == 127


@pytest.mark.usefixtures("store")
def test_a_look_at_a_python_tells_of_its_hook_and_packages_and_of_variables_of_others(clean: Path) -> None:
    script = clean / "tool"
    script.write_text(f"#!{sys.executable}\n")
    script.chmod(0o755)
    done = ran("run", "--inspect", "--", script, home=clean, CERTBOOT_DISABLE="1", SSL_CERT_FILE="/own.pem")
    text = done.stdout.decode()
    assert f"Python  {sys.executable}, asked about itself: the hook is disabled\n" in text
    assert "nobody: what they are told to load cannot be loaded: /own.pem (SSL_CERT_FILE)" in text
    assert "requests (REQUESTS_CA_BUNDLE)" in text
    done = ran("run", "--inspect", "--", "sh", home=clean, PATH=str(Path(shutil.which("sh") or "").parent / "none"))
    assert done.returncode == 127
