"""``certboot env`` and ``certboot run``, run as programs with the environment that a person may have."""

from __future__ import annotations

import argparse
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.environments import SYSTEM_PATH
from support.hook_store import Store
from support.table import cases

from certboot.cli import env
from certboot.store.paths import StorePaths

if typing.TYPE_CHECKING:
    from support.environments import Ran

CERTBOOT = (sys.executable, "-m", "certboot")
FISH = "certboot env --format fish | source; exec env -0"


@pytest.fixture
def store(paths: StorePaths) -> Store:
    return Store(paths.home)


def ran(
    *argv: str | Path, home: Path, data: bytes = b"", **variables: str
) -> subprocess.CompletedProcess[bytes]:  # fmt: skip
    environ = {"HOME": str(home), "PATH": SYSTEM_PATH, "CERTBOOT_DISABLE": "1", **variables}
    return subprocess.run([*CERTBOOT, *argv], input=data, env=environ, capture_output=True, check=False, timeout=60)


def environment_in(output: bytes) -> dict[str, str]:
    return dict(os.fsdecode(line).split("=", 1) for line in output.split(b"\0") if line)


# env


def test_env_prints_what_the_hook_would_set(certboot: Callable[..., Ran], store: Store) -> None:
    ran = certboot("env")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == "".join(f"export {name}={value}\n" for name, value in store.settings.items())


def test_env_takes_a_format(certboot: Callable[..., Ran], store: Store) -> None:
    assert json.loads(certboot("env", "--format", "json").out) == store.settings
    assert certboot("env", "--format", "csh").status == 2


@pytest.mark.usefixtures("store")
def test_env_leaves_alone_what_is_set_to_something_else_and_says_why(
    certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CERT", "/x\x1b")
    monkeypatch.setenv("SSL_CERT_FILE", "")
    ran = certboot("env")
    assert ran.status == 0
    assert not any(name in ran.out for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"))
    assert "GIT_SSL_CAINFO" in ran.out
    assert ran.err == (
        "certboot: REQUESTS_CA_BUNDLE is left alone, because PIP_CERT is set by something else: PIP_CERT=/x\ufffd\n"
        "certboot: SSL_CERT_FILE is left alone, because it is set by something else: SSL_CERT_FILE=\n"
        "certboot: SSL_CERT_DIR is left alone, because SSL_CERT_FILE is set by something else: SSL_CERT_FILE=\n"
        "\nhint: certboot env --force\n"
    )


def test_env_force_prints_all(certboot: Callable[..., Ran], store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/own.pem")
    ran = certboot("env", "--force", "--format", "json")
    assert (json.loads(ran.out), ran.err) == (store.settings, "")


def test_env_replaces_a_value_that_was_adopted(
    certboot: Callable[..., Ran], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CURL_CA_BUNDLE", "/old.pem")
    assert "CURL_CA_BUNDLE is set" in certboot("env").err
    store.write(*(f"{name}={value}" for name, value in store.settings.items()), "-CURL_CA_BUNDLE=/old.pem")
    ran = certboot("env", "--format", "json")
    assert ran.err == ""
    replaced = f"{store.home}/current/./bundle.pem"
    assert json.loads(ran.out) == {**store.settings, "CURL_CA_BUNDLE": replaced}
    monkeypatch.setenv("CURL_CA_BUNDLE", replaced)  # as a child has it
    assert json.loads(certboot("env", "--format", "json").out) == {**store.settings, "CURL_CA_BUNDLE": replaced}


@cases("command", [("env",), ("run", "--", "true")])
def test_without_a_store_nothing_is_printed_and_nothing_started(
    certboot: Callable[..., Ran], paths: StorePaths, command: tuple[str, ...]
) -> None:
    ran = certboot(*command)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == f"certboot: error: there is no store yet: {paths.home}\n\nhint: certboot init\n"


@pytest.mark.parametrize(
    "home", ['it\'s "mine" $HOME', "caf\u00e9 \u20ac `id`", os.fsdecode(b"\xff\xfe"), "back\\slash"]
)
@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
def test_a_shell_that_evaluates_it_has_the_variables(shell: str, home: str, tmp_path: Path) -> None:
    """The store's path is as odd as a path can be that SSL_CERT_DIR can express."""
    program = shutil.which(shell, path=SYSTEM_PATH) or pytest.skip(f"no {shell} on this machine")
    store = Store(tmp_path / "plain")
    store.home = store.home.rename(tmp_path / home)
    store.env.write_bytes(store.env.read_bytes().replace(b"/plain/", os.fsencode(f"/{home}/")))
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "certboot").write_text(f'#!/bin/sh\nexec {sys.executable} -m certboot "$@"\n')
    (commands / "certboot").chmod(0o755)
    environ = {"PATH": f"{commands}:{SYSTEM_PATH}", "CERTBOOT_HOME": str(store.home), "LC_ALL": "C.UTF-8"}
    environ["HOME"] = str(tmp_path)
    script = FISH if shell == "fish" else 'eval "$(certboot env)"; exec env -0'
    done = subprocess.run([program, "-c", script], env=environ, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    found = environment_in(done.stdout)
    assert {name: found[name] for name in store.settings} == store.named("current")


@pytest.mark.usefixtures("store")
def test_a_reader_that_goes_or_is_not_there_is_no_error(clean: Path) -> None:
    command = f"{sys.executable} -m certboot env"
    for script in (f"{command} >&-", f"{command} 2>&-", f"PIP_CERT=/own {command} >&- 2>&-", f"{command} | true"):
        done = subprocess.run(
            ["sh", "-c", script], env={"HOME": str(clean), "PATH": SYSTEM_PATH}, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")


# run


def test_the_program_has_the_variables_that_were_not_set(clean: Path, store: Store) -> None:
    done = ran("run", "--", "env", "-0", home=clean, GIT_SSL_CAINFO="/own.pem", PIP_CERT="/own.pem", OTHER="\u00fc")
    found = environment_in(done.stdout)
    expected = {**store.settings, "GIT_SSL_CAINFO": "/own.pem", "PIP_CERT": "/own.pem"}
    del expected["REQUESTS_CA_BUNDLE"]
    assert {name: value for name, value in found.items() if name in {*store.settings, "PIP_CERT"}} == expected
    assert (found["OTHER"], found["HOME"], found["PATH"]) == ("\u00fc", str(clean), SYSTEM_PATH)


@pytest.mark.usefixtures("store")
@cases("status", [0, 1, 2, 126, 255])
def test_the_exit_status_is_the_programs(clean: Path, status: int) -> None:
    assert ran("run", "--", "sh", "-c", f"exit {status}", home=clean).returncode == status


@pytest.mark.usefixtures("store")
@cases("name", ["SIGKILL", "SIGTERM", "SIGINT", "SIGPIPE", "SIGXFSZ", "SIGSEGV"])
def test_a_program_that_dies_by_a_signal_is_seen_to(clean: Path, name: str) -> None:
    """SIGPIPE and SIGXFSZ, which Python ignores, kill it as they do without certboot."""
    number = int(getattr(signal, name))
    assert ran("run", "sh", "-c", f"ulimit -c 0; kill -{number} $$", home=clean).returncode == -number


@pytest.mark.usefixtures("store")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@cases("ignored", ["", "INT", "HUP", "INT HUP"])
def test_the_program_ignores_the_signals_that_certboot_was_started_with_and_no_more(clean: Path, ignored: str) -> None:
    """It is this very process: no parent between it and the shell, and the same signals as a program of the shell's."""
    show = "exec sed -n 's/^SigIgn:.//p; s/^PPid:.//p; s/^Pid:.//p' /proc/self/status"
    ignore = f"trap '' {ignored}; " if ignored else ""
    environ = {"HOME": str(clean), "PATH": SYSTEM_PATH}
    command = ["sh", "-c", f"{ignore}echo $$; {show.replace('exec', 'exec ' + ' '.join(CERTBOOT) + ' run --')}"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    shell, pid, parent, found = done.stdout.split()
    plain = subprocess.run(["sh", "-c", f"{ignore}{show}"], env=environ, capture_output=True, text=True, check=False)
    assert (pid, parent) == (shell, str(os.getpid()))
    assert found == plain.stdout.split()[2]


@pytest.mark.usefixtures("store")
def test_an_interrupt_ends_the_program_and_not_certboot(clean: Path, tmp_path: Path) -> None:
    started = tmp_path / "started"
    script = f"trap 'echo caught; exit 3' INT; touch {started}; while :; do sleep 0.02; done"
    with subprocess.Popen(
        [*CERTBOOT, "run", "--", "sh", "-c", script],
        env={"HOME": str(clean), "PATH": SYSTEM_PATH},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        deadline = time.monotonic() + 30
        while not started.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=30)
    assert (program.returncode, out, err) == (3, b"caught\n", b"")


SHOW = "import os, sys; sys.stdout.buffer.write(b'\\0'.join(map(os.fsencode, sys.argv[1:])))"
ODD = (
    "--help",
    "-h",
    "--",
    "--version",
    "--home",
    "",
    " ",
    "a b",
    "*",
    "$HOME",
    "'\"\\`",
    "\n",
    "\u00fc",
    os.fsdecode(b"\xff"),
)


@pytest.mark.usefixtures("store")
@cases("dashes", [(), ("--",)], ids=["plain", "dashes"])
def test_every_argument_behind_the_program_is_the_programs(clean: Path, dashes: tuple[str, ...]) -> None:
    done = ran("run", *dashes, sys.executable, "-c", SHOW, *ODD, home=clean)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [os.fsdecode(part) for part in done.stdout.split(b"\0")] == list(ODD)


def test_home_goes_before_the_program(clean: Path, tmp_path: Path) -> None:
    other = Store(tmp_path / "other")
    for dashes in ((), ("--",)):
        done = ran("run", "--home", other.home, *dashes, "printenv", "SSL_CERT_FILE", home=clean)
        assert done.stdout.decode() == f"{other.settings['SSL_CERT_FILE']}\n"


@pytest.mark.usefixtures("store")
def test_standard_input_and_output_are_the_programs(clean: Path) -> None:
    data = bytes(range(256)) * 999
    assert ran("run", "cat", home=clean, data=data).stdout == data


@pytest.mark.usefixtures("store")
def test_a_reader_that_goes_ends_the_program_as_it_does_without_certboot(clean: Path) -> None:
    command = f"{' '.join(CERTBOOT)} run -- yes | head -n 1; echo ${{PIPESTATUS[0]}}"
    environ = {"HOME": str(clean), "PATH": SYSTEM_PATH}
    done = subprocess.run(["bash", "-c", command], env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == (f"y\n{128 + signal.SIGPIPE}\n", "")


def executable(path: Path, text: str, mode: int = 0o755) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.usefixtures("store")
def test_what_cannot_be_started_has_the_exit_status_that_env_gives_it(clean: Path, tmp_path: Path) -> None:
    closed = executable(tmp_path / "closed", "#!/bin/sh\n", 0o644)
    broken = executable(tmp_path / "broken", "#!/no/such/interpreter\n")
    cases = {
        "nosuch": (127, "no such program: nosuch"),
        "./nosuch": (127, "no such program: ./nosuch"),
        str(broken): (127, f"the interpreter that its first line names is missing: {broken}"),
        str(closed): (126, f"cannot start the program: Permission denied: {closed}"),
        str(tmp_path): (126, f"cannot start the program: Permission denied: {tmp_path}"),
    }
    for program, (status, message) in cases.items():
        done = ran("run", "--", program, "argument", home=clean)
        assert (done.returncode, done.stdout) == (status, b"")
        assert done.stderr.decode().startswith(f"certboot: error: {message}\n\nhint: ")
        oracle = subprocess.run(["env", program], env={"PATH": SYSTEM_PATH}, capture_output=True, check=False)
        assert oracle.returncode == status


@pytest.mark.usefixtures("store")
def test_a_script_that_names_no_interpreter_is_run_by_the_shell(clean: Path, tmp_path: Path) -> None:
    script = executable(tmp_path / "script", 'echo "$# $2 $SSL_CERT_DIR"\n')
    expected = f"2 a b {clean}/.local/share/certboot/current/crts\n".encode()
    assert ran("run", script, "x", "a b", home=clean).stdout == expected
    assert ran("run", "script", "x", "a b", home=clean, PATH=f"{tmp_path}:{SYSTEM_PATH}").stdout == expected


@pytest.mark.usefixtures("store")
@cases("argv", [("run",), ("run", "--"), ("run", ""), ("run", "--", "", "x")])
def test_no_program_is_wrong_usage(certboot: Callable[..., Ran], argv: tuple[str, ...]) -> None:
    ran = certboot(*argv)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err == "certboot: error: no program is named\n\nhint: certboot run -- PROGRAM [ARGUMENT ...]\n"


@pytest.mark.usefixtures("store")
def test_an_option_that_run_does_not_know_is_wrong_usage(certboot: Callable[..., Ran]) -> None:
    assert certboot("run", "--nosuch", "true").status == 2


# The same in this process, where another is not begun.


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, list[str], dict[str, str]]]]:
    """What would be begun: the program, its arguments and its environment. What it is not given is put back."""
    names = (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ)
    handlers = {number: signal.getsignal(number) for number in names}
    calls: list[tuple[str, list[str], dict[str, str]]] = []

    def begin(path: str, argv: list[str], environ: dict[str, str]) -> typing.NoReturn:
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


def test_the_process_itself_becomes_the_program(
    certboot: Callable[..., Ran], store: Store, begun: list[tuple[str, list[str], dict[str, str]]]
) -> None:
    with pytest.raises(Begun):
        certboot("run", "--", "sh", "-c", "exit 3")
    ((path, argv, environ),) = begun
    assert (path, argv) == (shutil.which("sh"), ["sh", "-c", "exit 3"])
    assert environ == {**store.settings, **os.environ}


@pytest.mark.usefixtures("store", "begun")
@cases(
    ("error", "program", "status", "said"),
    [
        (FileNotFoundError(errno.ENOENT, "x"), "sh", 127, "the interpreter that its first line names is missing: sh"),
        (FileNotFoundError(errno.ENOENT, "x"), "nosuch", 127, "no such program: nosuch"),
        (OSError(errno.E2BIG, "Argument list too long"), "sh", 126, "cannot start the program: Argument list too long"),
    ],
)
def test_what_keeps_it_from_becoming_the_program_is_said(
    certboot: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
    error: OSError,
    program: str,
    status: int,
    said: str,
) -> None:
    def fail(*_: object) -> typing.NoReturn:
        raise error

    monkeypatch.setattr(os, "execve", fail)
    monkeypatch.setattr(os, "execvpe", fail)
    ran = certboot("run", program)
    assert (ran.status, ran.out) == (status, "")
    assert ran.err.startswith(f"certboot: error: {said}")


@pytest.mark.usefixtures("store")
def test_the_shell_is_begun_for_a_script_without_an_interpreter(
    certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, begun: list[tuple[str, list[str], dict[str, str]]]
) -> None:
    begin = os.execve

    def without(path: str, argv: list[str], environ: dict[str, str]) -> typing.NoReturn:
        if path != "/bin/sh":
            raise OSError(errno.ENOEXEC, "Exec format error")
        begin(path, argv, environ)
        raise AssertionError

    monkeypatch.setattr(os, "execve", without)
    with pytest.raises(Begun):
        certboot("run", "sh", "x")
    assert begun[0][:2] == ("/bin/sh", ["sh", shutil.which("sh"), "x"])


@pytest.mark.usefixtures("store")
def test_without_standard_output_env_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", None)
        assert env.env_command(argparse.Namespace(force=False, format="sh")) == 0


# What a process does that cannot become another: it waits (Windows).


def test_waiting_returns_the_exit_status_of_the_program(tmp_path: Path) -> None:
    environ = {"PATH": SYSTEM_PATH, "WORD": "said"}
    assert env._wait_for(["sh", "-c", f'printf %s "$WORD" > {tmp_path}/word; exit 7'], environ) == 7
    assert (tmp_path / "word").read_text() == "said"
    with pytest.raises(FileNotFoundError):
        env._wait_for(["nosuch"], environ)


def test_waiting_goes_on_when_the_user_interrupts_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    wait = subprocess.Popen.wait
    interrupts = [KeyboardInterrupt(), KeyboardInterrupt()]

    def interrupted(program: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if interrupts:
            raise interrupts.pop()
        return wait(program, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    assert env._wait_for(["sh", "-c", "exit 3"], {"PATH": SYSTEM_PATH}) == 3


@pytest.mark.usefixtures("store")
def test_on_windows_the_command_waits(certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    def wait_for(argv: list[str], _: object) -> int:
        started.append(argv)
        return 9

    monkeypatch.setattr(env, "_wait_for", wait_for)
    monkeypatch.setattr(env, "_CAN_BECOME", False)
    assert certboot("run", "--", "x", "--", "y").status == 9
    assert started == [["x", "--", "y"]]


@pytest.mark.usefixtures("store")
def test_a_program_that_cannot_be_started_leaves_the_signals_as_they_were(certboot: Callable[..., Ran]) -> None:
    numbers = (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ)
    before = [signal.getsignal(number) for number in numbers]
    assert before[1:] == [signal.SIG_IGN] * 2
    assert certboot("run", "/no/such/program").status == 127
    assert [signal.getsignal(number) for number in numbers] == before
