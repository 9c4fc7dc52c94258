"""``certboot env`` and ``certboot run``, run as programs with the environment that a person may have."""

from __future__ import annotations

import argparse
import errno
import functools
import json
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
from support.table import cases

from certboot.cli import env
from certboot.store.paths import StorePaths
from certboot_startup import adopted

CERTBOOT = (sys.executable, "-m", "certboot")
FISH = "certboot env --format fish | source; exec env -0"


@pytest.fixture
def store(paths: StorePaths) -> Store:
    return Store(paths.home)


def ran(*argv: str | Path, home: Path, data: bytes = b"", **variables: str) -> subprocess.CompletedProcess[bytes]:
    environ = {"HOME": str(home), "PATH": SYSTEM_PATH, "CERTBOOT_DISABLE": "1", **variables}
    return subprocess.run([*CERTBOOT, *argv], input=data, env=environ, capture_output=True, check=False, timeout=60)


def in_a_shell(script: str, home: Path, shell: str = "sh") -> subprocess.CompletedProcess[str]:
    environ = {"HOME": str(home), "PATH": SYSTEM_PATH}
    argv = [shell, "-c", script.replace("certboot ", f"{' '.join(CERTBOOT)} ")]
    return subprocess.run(argv, env=environ, capture_output=True, text=True, check=False, timeout=60)


def environment_in(output: bytes) -> dict[str, str]:
    return dict(os.fsdecode(line).split("=", 1) for line in output.split(b"\0") if line)


# env


def test_env_prints_what_the_hook_would_set(certboot: Run, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = certboot("env")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == "".join(f"export {name}={value}\n" for name, value in store.settings.items())
    assert json.loads(certboot("env", "--format", "json").out) == store.settings
    monkeypatch.setenv("SSL_CERT_FILE", "/own.pem")
    ran = certboot("env", "--force", "--format", "json")
    assert (json.loads(ran.out), ran.err) == (store.settings, "")
    monkeypatch.setattr("sys.stdout", None)
    assert env.env_command(argparse.Namespace(force=False, format="sh")) == 0


@pytest.mark.usefixtures("store")
def test_env_leaves_alone_what_is_set_to_something_else_and_says_why(
    certboot: Run, monkeypatch: pytest.MonkeyPatch
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


def test_env_replaces_a_value_that_was_adopted(certboot: Run, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CURL_CA_BUNDLE", "/old.pem")
    assert "CURL_CA_BUNDLE is set" in certboot("env").err
    store.write(*(f"{name}={value}" for name, value in store.settings.items()), "-CURL_CA_BUNDLE=/old.pem")
    replaced = f"{store.home}/current/./bundle.pem"
    for value in ("/old.pem", replaced):  # the latter as a child has it
        monkeypatch.setenv("CURL_CA_BUNDLE", value)
        ran = certboot("env", "--format", "json")
        assert (json.loads(ran.out), ran.err) == ({**store.settings, "CURL_CA_BUNDLE": replaced}, "")


@cases("preset", [{}, dict.fromkeys(("PIP_CERT", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE"), "/old.pem")])
def test_a_store_that_is_named_gives_what_its_hook_sets_whatever_another_store_has_set(
    clean: Path, store: Store, tmp_path: Path, preset: dict[str, str]
) -> None:
    """Also in the place of values that both have adopted, and whether or not it is the hook here that has set them."""
    other = Store(tmp_path / "other")
    for kept in (store, other):
        kept.write(
            *(f"{name}={value}" for name, value in kept.settings.items()), *(f"-{n}={v}" for n, v in preset.items())
        )
    expected = other.settings | {name: adopted(name, f"{other.home}/current") for name in preset}
    assert len(expected) == 7 + len(preset)
    inherited = store.settings | {name: adopted(name, f"{store.home}/current") for name in preset}
    for environ in (preset, preset | {"CERTBOOT_DISABLE": ""}, inherited):
        start = functools.partial(ran, home=clean, data=b"", **environ)
        done = start("env", "--format", "json", "--home", other.home)
        assert (json.loads(done.stdout), done.stderr) == (expected, b"")
        done = start("run", "--home", other.home, "--", "env", "-0")
        assert environment_in(done.stdout).items() >= expected.items()


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
def test_a_shell_that_evaluates_it_has_the_variables(shell: str, tmp_path: Path) -> None:
    """The store's path is as odd as a path can be that SSL_CERT_DIR can express."""
    program = shutil.which(shell, path=SYSTEM_PATH) or pytest.skip(f"no {shell} on this machine")
    home = os.fsdecode(b'it\'s "mine" $HOME, caf\xc3\xa9 `id` \xff\xfe back\\slash')
    store = Store(tmp_path / "plain")
    store.home = store.home.rename(tmp_path / home)
    store.env = store.home / "env"
    store.env.write_bytes(store.env.read_bytes().replace(b"/plain/", os.fsencode(f"/{home}/")))
    commands = tmp_path / "bin"
    commands.mkdir()
    executable(commands / "certboot", f'#!/bin/sh\nexec {sys.executable} -m certboot "$@"\n')
    environ = {"PATH": f"{commands}:{SYSTEM_PATH}", "CERTBOOT_HOME": str(store.home), "LC_ALL": "C.UTF-8"}
    environ["HOME"] = str(tmp_path)
    script = FISH if shell == "fish" else 'eval "$(certboot env)"; exec env -0'
    done = subprocess.run([program, "-c", script], env=environ, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    environ = environment_in(done.stdout)
    assert {name: environ[name] for name in store.settings} == store.named("current")


@pytest.mark.usefixtures("store")
def test_a_reader_that_goes_or_is_not_there_is_no_error(clean: Path) -> None:
    for script in ("certboot env >&-", "PIP_CERT=/own certboot env >&- 2>&-", "certboot env | true"):
        done = in_a_shell(script, clean)
        assert (done.returncode, done.stderr) == (0, "")
    # It ends a program as it does without certboot.
    done = in_a_shell("certboot run -- yes | head -n 1; echo ${PIPESTATUS[0]}", clean, "bash")
    assert (done.stdout, done.stderr) == (f"y\n{128 + signal.SIGPIPE}\n", "")


# run


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


def executable(path: Path, text: str, mode: int = 0o755) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


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

    monkeypatch.setattr(env, "_CAN_BECOME", False)
    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    script = f'printf %s "$SSL_CERT_FILE $1" > {tmp_path}/word; exit 7'
    assert certboot("run", "--", "sh", "-c", script, "--", "--").status == 7
    assert (tmp_path / "word").read_text().endswith("/current/bundle.pem --")
    assert interrupts == []
    with pytest.raises(FileNotFoundError):
        env._wait_for(["nosuch"], {"PATH": SYSTEM_PATH})
