"""A file that is named may be a pipe; what has no end, or no writer, is refused and not waited for."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import subprocess
import sys
import threading
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from chains import CA, make
from environments import SYSTEM_PATH

from certboot.doctor import given_file
from certboot.errors import SourceError

if typing.TYPE_CHECKING:
    from asking import Answer

ROOT = make("Corp Root", form=CA)
SERVER = make("localhost", ROOT)
LARGEST = 1024 * 1024


@pytest.fixture
def pipe() -> Iterator[tuple[Path, int]]:
    """The path of a pipe, as a shell gives it for ``<(command)``, and the end to write into."""
    reader, writer = os.pipe()
    yield Path(f"/dev/fd/{reader}"), writer
    for end in (reader, writer):
        with contextlib.suppress(OSError):
            os.close(end)


def refused(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        given_file.read(path, LARGEST)
    assert caught.value.hint
    return caught.value.message


def doctor(*words: str | Path, stdin: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run it as a user does. Whoever waits for ever fails here."""
    command = [sys.executable, "-m", "certboot", "doctor", "hook", "--host", "localhost", *map(str, words)]
    environ = {"PATH": SYSTEM_PATH, "HOME": os.environ["HOME"]}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False, stdin=stdin)


def test_a_pipe_without_a_writer_is_refused_at_once(tmp_path: Path) -> None:
    fifo, file = tmp_path / "fifo", tmp_path / "server.pem"
    os.mkfifo(fifo)
    file.write_bytes(SERVER.pem)
    for words in (("--chain", fifo), ("--chain", file, "--anchors", fifo)):
        done = doctor(*words)
        assert (done.returncode, f"nothing comes through the pipe: {fifo}" in done.stdout) == (2, True)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/urandom"])
def test_a_device_is_refused(device: str) -> None:
    for words in (("--chain", device), ("--chain", device, "--anchors", device)):
        done = doctor(*words)
        assert (done.returncode, f"neither a file nor a pipe: {device}" in done.stdout) == (2, True)
    done = doctor("--chain", "/dev/stdin", stdin=subprocess.DEVNULL)
    assert (done.returncode, "neither a file nor a pipe" in done.stdout) == (2, True)


def test_a_socket_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        assert refused(tmp_path / "socket") == f"neither a file nor a pipe: {tmp_path / 'socket'}"


def test_a_folder_and_what_is_not_there_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"cannot read {tmp_path}: Is a directory"
    assert refused(tmp_path / "none").endswith("No such file or directory")


def test_a_file_is_read_to_its_end_or_a_little_beyond_the_largest(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"a\r\n" * 100_000)
    link = tmp_path / "link"
    link.symlink_to(file)
    for path in (file, link):
        assert given_file.read(path, LARGEST) == b"a\r\n" * 100_000
        assert len(given_file.read(path, 1000)) == 1001


def test_what_comes_through_a_pipe_is_read_whole(pipe: tuple[Path, int]) -> None:
    path, writer = pipe
    sent = os.urandom(300_000)  # more than a pipe holds

    def write() -> None:
        with open(writer, "wb", buffering=0) as file:
            file.write(sent)

    thread = threading.Thread(target=write)
    thread.start()
    found = given_file.read(path, LARGEST)
    thread.join()
    assert found == sent


def test_of_a_pipe_not_much_more_is_read_than_the_largest(pipe: tuple[Path, int]) -> None:
    path, writer = pipe
    os.write(writer, bytes(50_000))
    assert 1000 < len(given_file.read(path, 1000)) <= 50_000  # there is a writer still


def test_a_pipe_is_not_waited_for_for_ever(pipe: tuple[Path, int], monkeypatch: pytest.MonkeyPatch) -> None:
    path, writer = pipe
    monkeypatch.setattr(given_file, "_PATIENCE", 0.2)
    os.write(writer, SERVER.pem)
    assert refused(path) == f"no end came through the pipe within 0 seconds: {path}"
    os.close(writer)
    assert refused(path) == f"nothing comes through the pipe: {path}"


def test_a_pipe_without_an_end_is_left_when_there_is_too_much(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["/bin/sh", "-c", f"yes > {shlex.quote(str(fifo))}"], stderr=subprocess.DEVNULL) as endless:
        try:
            done = doctor("--chain", fifo)
        finally:
            endless.kill()
    assert (done.returncode, "over 16 MiB" in done.stdout) == (2, True)


def test_a_shell_may_give_the_output_of_a_command(tmp_path: Path, ask: Callable[..., Answer]) -> None:
    chain, root = tmp_path / "chain.pem", tmp_path / "root.pem"
    chain.write_bytes(SERVER.pem)
    root.write_bytes(ROOT.pem)
    assert ask("hook", "--chain", chain, "--host", "localhost", "--anchors", root).primary is None
    command = f"{shlex.quote(sys.executable)} -m certboot doctor hook --host localhost --json"
    script = f"(sleep 0.5; cat chain.pem) | {command} --chain /dev/stdin --anchors <(sleep 0.2; cat root.pem)"
    environ = {"PATH": SYSTEM_PATH, "HOME": os.environ["HOME"]}
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert '"primary": null' in done.stdout, done.stdout + done.stderr
