"""A scan that is broken off leaves whole lines, and goes on where it stopped."""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import typing
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.environments import SYSTEM_PATH
from support.table import cases

from certboot.cli import main
from certboot.cli.scan_output import append
from certboot.doctor.finding import Presented
from certboot.errors import CertbootError
from certboot.net.connection import Target
from certboot.net.handshake import Handshake, handshake
from certboot.scan import probe
from certboot.scan.earlier import Earlier
from certboot.scan.entries import Entry, Way, entries, lines
from certboot.scan.result import BEGINNING, Result, Verdict, parse_line, scan_line

if typing.TYPE_CHECKING:
    from support.environments import Ran

Run = Callable[..., "Ran"]
GOOD = Verdict(None, "ok", "")
COMMAND = (sys.executable, "-m", "certboot", "scan")


class Gate:
    """A port that lets whoever connects wait until it is opened, and closes the connection then."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._socket.getsockname()[1]
        self._kept: list[socket.socket] = []
        self._is_open = False
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def open(self) -> None:
        self._is_open = True
        for each in self._kept:
            each.close()

    def close(self) -> None:
        self.open()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                self._kept.append(connection)
                if self._is_open:
                    connection.close()


@pytest.fixture
def gone() -> Iterator[int]:
    """A port where nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def hosts(tmp_path: Path, gone: int) -> Path:
    """A list of ten hosts, each of which refuses."""
    path = tmp_path / "hosts"
    path.write_text("".join(f"host{number}.test 127.0.0.1:{gone}\n" for number in range(1, 11)))
    return path


def numbers(path: Path) -> list[int]:
    data = path.read_bytes()
    assert data == b"" or data.endswith(b"\n")
    return [json.loads(line)["number"] for line in data.splitlines()]


def test_lines_are_written_to_a_file_and_the_summary_elsewhere(certboot: Run, hosts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    ran = certboot("scan", "--file", hosts, "--output", out)
    assert (ran.status, ran.out, numbers(out)) == (1, "", list(range(1, 11)))
    assert ran.err.startswith("10 hosts: 0 good, 10 fail\n")


@pytest.mark.parametrize(
    ("kept", "torn"),
    [(0, ""), *((kept, torn) for kept in (1, 4, 9, 10) for torn in ("", "{", '{"schema":1,"number":'))],
)
def test_a_scan_goes_on_after_its_last_whole_line(
    certboot: Run, hosts: Path, tmp_path: Path, kept: int, torn: str
) -> None:
    out = tmp_path / "out.jsonl"
    whole = certboot("scan", "--file", hosts, "--output", out)
    before = out.read_text().splitlines(keepends=True)
    out.write_text("".join(before[:kept]) + torn)
    ran = certboot("scan", "--file", hosts, "--output", out, "--resume")
    assert numbers(out) == list(range(1, 11))
    assert out.read_text().splitlines(keepends=True)[:kept] == before[:kept]
    assert (ran.status, ran.err) == (whole.status, whole.err)


@pytest.mark.parametrize(
    "text", [b"secret", b"x", b"\0" * 9, b"{", b'{"schema":1,"number":1,"input', b'{"schema":2,"a":"', b"\xff"]
)
@pytest.mark.parametrize("after", [0, 3], ids=["alone", "after whole lines"])
def test_what_is_no_line_of_a_scan_is_not_cut_off(
    certboot: Run, hosts: Path, tmp_path: Path, text: bytes, after: int
) -> None:
    """Without a whole line a file is not known to be of a scan; the control is a torn line after whole ones."""
    out = tmp_path / "out.jsonl"
    certboot("scan", "--file", hosts, "--output", out)
    out.write_bytes(b"".join(out.read_bytes().splitlines(keepends=True)[:after]) + text)
    before = (out.read_bytes(), out.stat().st_mtime_ns)
    ran = certboot("scan", "--file", hosts, "--output", out, "--resume")
    if after and BEGINNING.startswith(text[: len(BEGINNING)]):
        assert (ran.status, numbers(out)) == (1, list(range(1, 11)))
    else:
        assert (ran.status, out.read_bytes(), out.stat().st_mtime_ns) == (2, *before)
        assert f" none of certboot scan: {out}\n\nhint: write to another file" in ran.err


def test_what_was_written_as_it_came_has_gaps_that_are_filled(certboot: Run, hosts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    certboot("scan", "--file", hosts, "--output", out)
    before = out.read_text().splitlines(keepends=True)
    out.write_text(before[6] + before[2])
    certboot("scan", "--file", hosts, "--output", out, "--resume", "--unordered")
    assert sorted(numbers(out)) == list(range(1, 11))
    assert numbers(out)[:2] == [7, 3]


def test_a_scan_that_has_not_begun_is_begun(certboot: Run, hosts: Path, tmp_path: Path) -> None:
    certboot("scan", "--file", hosts, "--output", tmp_path / "new", "--resume")
    assert numbers(tmp_path / "new") == list(range(1, 11))


def test_a_file_that_is_there_is_not_written_over(certboot: Run, hosts: Path) -> None:
    before = hosts.read_bytes()
    ran = certboot("scan", "--file", hosts, "--output", hosts)
    assert (ran.status, ran.out, hosts.read_bytes()) == (2, "", before)
    assert ran.err.startswith(f"certboot: error: the file is there already: {hosts}\n\nhint: --resume ")
    ran = certboot("scan", "--file", hosts, "--output", hosts, "--resume")
    assert (ran.status, hosts.read_bytes()) == (2, before)
    assert f"not a line of certboot scan: line 1 of {hosts}" in ran.err


@cases(
    ("change", "message"),
    [
        (lambda text: text.replace("host3.test", "other.test"), "another list, which differs at entry 3: 'other.test"),
        (lambda text: text.partition("host4.test")[0], "a longer list, of 5 entries and not 3"),
        (lambda text: f"first.test\n{text}", "another list, which differs at entry 1"),
    ],
)
def test_the_results_of_another_list_are_left_as_they_are(
    certboot: Run, hosts: Path, tmp_path: Path, change: Callable[[str], str], message: str
) -> None:
    out = tmp_path / "out.jsonl"
    certboot("scan", "--file", hosts, "--output", out)
    out.write_text("".join(out.read_text().splitlines(keepends=True)[:5]))
    hosts.write_text(change(hosts.read_text()))
    ran = certboot("scan", "--file", hosts, "--output", out, "--resume")
    assert (ran.status, numbers(out)) == (2, [1, 2, 3, 4, 5])
    assert message in ran.err


@cases(
    "line",
    [
        b"{}",
        b"[" * 100_000,
        b"\xff",
        b"null",
        b'{"schema":2}',
        b'{"schema":1,"number":"1"}',
        scan_line(Result(0, "a", "", GOOD)).encode().strip(),
        scan_line(Result(10**12, "a", "", GOOD)).encode().strip(),
        scan_line(Result(1, "a", "", GOOD)).encode().replace(b'"fix":[]', b'"fix":7').strip(),
        *(
            scan_line(Result(1, "a", "", GOOD)).encode().replace(old, new).strip()
            for old, new in (
                (b'"primary":null', b'"primary":7'),
                (b'"primary":null', b'"primary":"\\ud800"'),
                (b'"input":"a"', b'"input":"\\ud800"'),
                (b'"target":""', b'"target":"\\udfff:443"'),
                (b'"number":1', b'"number":' + b"1" * 5000),
                (b'"verify_code":null', b'"verify_code":"x"'),
                (b'"protocol":""', b'"protocol":[]'),
                (b'"seconds":0.0', b'"seconds":"long"'),
                (b'"also":[]', b'"also":' + b"[" * 50_000),
            )
        ),
    ],
)
def test_a_file_of_something_else_is_refused(certboot: Run, hosts: Path, tmp_path: Path, line: bytes) -> None:
    out = tmp_path / "out.jsonl"
    out.write_bytes(line + b"\n")
    ran = certboot("scan", "--file", hosts, "--output", out, "--resume")
    assert (ran.status, out.read_bytes()) == (2, line + b"\n")
    assert f": line 1 of {out}\n\nhint: " in ran.err


def test_a_result_that_goes_on_without_end_is_refused(certboot: Run, hosts: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    out.write_bytes(b"x" * 5_000_000)
    assert certboot("scan", "--file", hosts, "--output", out, "--resume").status == 2
    assert out.stat().st_size == 5_000_000


def test_a_folder_that_is_not_there(certboot: Run, hosts: Path, tmp_path: Path) -> None:
    ran = certboot("scan", "--file", hosts, "--output", tmp_path / "no" / "out")
    assert (ran.status, "cannot write" in ran.err) == (2, True)


def test_what_is_no_file(certboot: Run, hosts: Path) -> None:
    ran = certboot("scan", "--file", hosts, "--output", "/dev/null", "--resume")
    assert (ran.status, "not a file that can be gone on with: /dev/null" in ran.err) == (2, True)


def test_a_disk_that_is_full_leaves_whole_lines(certboot: Run, hosts: Path, tmp_path: Path, clean: Path) -> None:
    """The limit on the size of a file stands in for the disk: it too lets a part of a line be written."""
    out = tmp_path / "out.jsonl"
    environ = {"HOME": str(clean), "PATH": SYSTEM_PATH, "PYTHONPATH": os.pathsep.join(sys.path)}
    environ["PYTHONDONTWRITEBYTECODE"] = "1"  # it would be cut as well
    ran = subprocess.run(
        [*COMMAND, "--file", hosts, "--output", out], env=environ, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500)),
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"certboot: error: cannot write {out}: File too large\n\nhint: ")
    written = numbers(out)
    assert 0 < len(written) < 10
    certboot("scan", "--file", hosts, "--output", out, "--resume")
    assert numbers(out) == list(range(1, 11))


class Interrupted(typing.NamedTuple):
    process: subprocess.Popen[str]
    gate: Gate


@pytest.fixture
def begun(tmp_path: Path, clean: Path, gone: int) -> Iterator[Callable[..., Interrupted]]:
    """Start a scan in a process of its own, with hosts of which the first so many refuse and the others wait."""
    started: list[Interrupted] = []

    def start(answered: int, *argv: str | Path) -> Interrupted:
        gate = Gate()
        ports = [gone] * answered + [gate.port] * (30 - answered)
        (tmp_path / "hosts").write_text("".join(f"h{n}.test 127.0.0.1:{port}\n" for n, port in enumerate(ports)))
        environ = {"HOME": str(clean), "PATH": SYSTEM_PATH, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [*COMMAND, "--file", tmp_path / "hosts", "--jobs", "1", "--timeout", "30", *argv]
        started.append(
            Interrupted(
                subprocess.Popen(
                    command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=0
                ),
                gate,
            )
        )
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()
        each.gate.close()


def wait_for_lines(path: Path, count: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (path.exists() and path.read_bytes().count(b"\n") >= count):
        time.sleep(0.02)
    assert path.read_bytes().count(b"\n") == count


@pytest.mark.parametrize("signals", [1, 3])
def test_ctrl_c_leaves_whole_lines_and_a_summary_and_the_scan_goes_on(
    certboot: Run, begun: Callable[..., Interrupted], tmp_path: Path, signals: int
) -> None:
    out = tmp_path / "out.jsonl"
    process, gate = begun(4, "--output", out)
    wait_for_lines(out, 4)
    for _ in range(signals):
        process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, numbers(out)) == (130, "", [1, 2, 3, 4])
    assert "Traceback" not in errors
    if signals == 1:
        assert errors.startswith("4 hosts: 0 good, 4 fail\n")
        assert errors.endswith(
            "interrupted; the results so far are whole\n"
            "hint: the same list with --output FILE --resume goes on where it stopped\n"
        )
    gate.open()
    ran = certboot("scan", "--file", tmp_path / "hosts", "--output", out, "--resume")
    assert (ran.status, numbers(out)) == (1, list(range(1, 31)))
    assert ran.err.startswith("30 hosts: 0 good, 30 fail\n")


def test_ctrl_c_leaves_whole_lines_in_a_pipe(begun: Callable[..., Interrupted]) -> None:
    process, _ = begun(3)
    assert process.stdout
    first = [process.stdout.readline() for _ in range(3)]
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=10)
    assert [json.loads(line)["number"] for line in first] == [1, 2, 3]
    assert (process.returncode, rest) == (130, "")
    assert "3 hosts" in errors


def test_a_scan_that_is_killed_goes_on_as_well(
    certboot: Run, begun: Callable[..., Interrupted], tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    process, gate = begun(5, "--output", out)
    wait_for_lines(out, 5)
    process.kill()
    process.communicate()
    gate.open()
    certboot("scan", "--file", tmp_path / "hosts", "--output", out, "--resume")
    assert numbers(out) == list(range(1, 31))


@cases("again", [False, True])
def test_ctrl_c_in_the_midst_of_the_work(
    certboot: Run, hosts: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, again: bool
) -> None:
    """Once: it ends after the line. Twice: at once."""
    before = signal.getsignal(signal.SIGINT)
    wait = threading.Event()

    def interrupting(target: Target, context: ssl.SSLContext) -> Handshake:
        if target.host == "host3.test":
            os.kill(os.getpid(), signal.SIGINT)
            if again:
                os.kill(os.getpid(), signal.SIGINT)
            wait.wait(20)
        return handshake(target, context)

    monkeypatch.setattr(probe, "handshake", interrupting)
    ran = certboot("scan", "--file", hosts, "--jobs", "1", "--output", tmp_path / "out")
    wait.set()
    assert ran.status == 130
    assert numbers(tmp_path / "out") in ([[1, 2]] if not again else [[], [1], [1, 2]])
    assert ("certboot: error: interrupted" in ran.err) <= again
    assert signal.getsignal(signal.SIGINT) is before


def test_a_scan_in_another_thread_leaves_signals_alone(hosts: Path, tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    status: list[int] = []
    argv = ["scan", "--file", str(hosts), "--output", str(tmp_path / "out")]
    thread = threading.Thread(target=lambda: status.append(main.main(argv)))
    thread.start()
    thread.join()
    assert (status, numbers(tmp_path / "out")) == ([1], list(range(1, 11)))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_write_that_fails_takes_back_what_it_has_written(tmp_path: Path) -> None:
    class Full(io.FileIO):
        def write(self, data: typing.Any) -> int:  # noqa: ANN401 - as in io
            if self.tell() >= 20:
                raise OSError(28, "No space left on device")
            return super().write(bytes(data)[:4])

    path = tmp_path / "out"
    with Full(path, "w+") as file:
        append(file, path, b"whole line\n")
        with pytest.raises(CertbootError, match="No space left on device"):
            append(file, path, b"a line that is too long\n")
    assert path.read_bytes() == b"whole line\n"


TEXT = st.text(max_size=20)
VERDICTS = st.builds(
    Verdict,
    primary=st.none() | TEXT,
    status=TEXT,
    summary=TEXT,
    verify_code=st.none() | st.integers(0, 100),
    protocol=TEXT,
    certificate=st.none() | st.builds(Presented, TEXT, TEXT, TEXT, TEXT, TEXT),
    root=TEXT,
    also=st.lists(TEXT, max_size=3).map(tuple),
    fix=st.lists(st.lists(TEXT, max_size=3).map(tuple), max_size=3).map(tuple),
)
RESULTS = st.builds(
    Result, number=st.integers(1, 10**6), input=TEXT, target=TEXT, verdict=VERDICTS, seconds=st.floats(0, 100)
)


@given(RESULTS)
def test_a_line_is_read_as_it_was_written(result: Result) -> None:
    line = scan_line(result)
    assert line.isascii()
    assert line.count("\n") == 1
    assert parse_line(line.encode()) == result


@given(st.binary(max_size=60) | TEXT.map(str.encode))
def test_what_is_no_result_is_refused(line: bytes) -> None:
    with pytest.raises(CertbootError, match="not a line of certboot scan"):
        parse_line(line)


@given(st.sets(st.integers(1, 40)), st.integers(0, 40))
def test_what_has_a_result_is_left_out_and_nothing_else(done: set[int], count: int) -> None:
    earlier = Earlier()
    for number in sorted(done, reverse=True):
        earlier.add(Result(number, f"host{number}", "", GOOD))
    listed = [Entry(number, f"host{number}", None) for number in range(1, count + 1)]
    left = earlier.left(listed)
    for number in range(1, count + 1):
        if number not in done:
            assert next(left).number == number
    if done and max(done) > count:
        with pytest.raises(CertbootError, match="a longer list"):
            next(left)
    else:
        assert next(left, None) is None


def test_a_password_that_changes_makes_no_other_list() -> None:
    def read(text: str) -> list[Entry]:
        return list(entries(lines(io.BytesIO(text.encode()).read), Way()))

    (first,) = read("https://user:one@a.example/")
    earlier = Earlier()
    earlier.add(Result(first.number, first.text, "", GOOD))
    assert not list(earlier.left(read("https://user:two@a.example/")))
    assert first.text == "https://a.example/"
