"""What ``certboot scan`` takes, shows on a terminal, and refuses."""

from __future__ import annotations

import json
import os
import pty
import resource
import socket
import ssl
import subprocess
import sys
import typing
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.environments import MEASURED, ROOT, SYSTEM_PATH
from support.table import cases
from support.terminal import Terminal

from certboot.cli.main import parser
from certboot.cli.scan_progress import scan_progress, scan_summary
from certboot.scan.result import Result, Verdict
from certboot.scan.tally import Tally, registrable

if typing.TYPE_CHECKING:
    from support.environments import Ran

    from certboot.doctor.finding import Status

Run = Callable[..., "Ran"]
COMMAND = (sys.executable, "-m", "certboot", "scan")


@pytest.fixture
def environ(clean: Path) -> dict[str, str]:
    return {"HOME": str(clean), "PATH": SYSTEM_PATH, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm"}


@pytest.fixture
def gone() -> Iterator[str]:
    """A host that refuses."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def test_arguments_have_their_defaults() -> None:
    found = vars(parser("scan").parse_args(["scan"]))
    wanted: dict[str, object] = {
        "host": [],
        "file": None,
        "jobs": 64,
        "timeout": 10.0,
        "unordered": False,
        "output": None,
    }
    assert found == {"version": False, "command": "scan", "resume": False, "starttls": None, "words": "host", **wanted}


@cases("jobs", ["0", "513", "-1", "many", "1" * 5000, "٣"])
def test_a_number_of_jobs_that_is_none_is_refused(certboot: Run, jobs: str) -> None:
    ran = certboot("scan", "a.example", "--jobs", jobs)
    assert (ran.status, ran.out) == (2, "")
    assert "argument --jobs: not a number from 1 to 512" in ran.err
    assert parser("scan").parse_args(["scan", "--jobs", "512"]).jobs == 512


@cases(
    ("argv", "message"),
    [
        ((), "no host is named"),
        (("--file", "/no/such/file"), "cannot read /no/such/file: No such file or directory"),
        (("--file", "/"), "cannot read /: a folder, not a file"),
        (("--file", "/dev/null"), "cannot read /dev/null: a device, not a regular file"),
        (("# a comment",), "the list names no host"),
        (("a.example", "--resume"), "--resume goes with --output"),
    ],
)
def test_wrong_usage_is_told_and_ends_with_2(certboot: Run, argv: tuple[str, ...], message: str) -> None:
    ran = certboot("scan", *argv)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"certboot: error: {message}\n\nhint: ")


def test_trust_that_cannot_be_read_is_no_fault_of_the_hosts(
    certboot: Run, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    def broken(*_: object, **__: object) -> typing.NoReturn:
        raise ssl.SSLError(1, "unknown error")

    monkeypatch.setattr(ssl, "create_default_context", broken)
    ran = certboot("scan", gone)
    assert (ran.status, ran.out) == (2, "")
    assert "the active trust cannot be read" in ran.err


def test_without_standard_output_or_input(certboot: Run, monkeypatch: pytest.MonkeyPatch, gone: str) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    ran = certboot("scan", "-")
    assert (ran.status, "there is no standard input" in ran.err) == (2, True)
    monkeypatch.setattr(sys, "stdout", None)
    ran = certboot("scan", gone)
    assert (ran.status, "there is no standard output" in ran.err) == (2, True)


def test_a_list_on_standard_input_is_answered_while_it_comes(environ: dict[str, str], gone: str) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*COMMAND, gone, "-"], env=environ, text=True, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdin
        assert process.stdout
        for number, line in enumerate([gone, f"a.test {gone}", f"b.test {gone}"], 1):
            if number > 1:
                process.stdin.write(f"{line}\n")
                process.stdin.flush()
            found = json.loads(process.stdout.readline())
            assert (found["number"], found["input"], found["primary"]) == (number, line, "connection-refused")
        rest, errors = process.communicate()
    assert (process.returncode, rest) == (1, "")
    assert errors.startswith("3 hosts: 0 good, 3 fail\n")


def test_standard_input_has_its_place_among_the_arguments(
    certboot: Run, monkeypatch: pytest.MonkeyPatch, gone: str, tmp_path: Path
) -> None:
    (tmp_path / "in").write_text(f"b.test {gone}\nc.test {gone}\n")
    with (tmp_path / "in").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        ran = certboot("scan", f"a.test {gone}", "-", f"d.test {gone}")
    assert [json.loads(line)["input"][0] for line in ran.out.splitlines()] == ["a", "b", "c", "d"]


def test_the_limit_of_open_files_is_raised_as_far_as_it_takes(certboot: Run, gone: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
        assert certboot("scan", gone, "--jobs", "32").status == 1
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 128
        assert certboot("scan", gone, "--jobs", "100").status == 1
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 264
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_nothing_is_limited_where_the_system_knows_no_limit(
    certboot: Run, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    monkeypatch.setitem(sys.modules, "resource", None)
    assert certboot("scan", gone).status == 1


def test_a_reader_that_goes_away_ends_it(environ: dict[str, str], gone: str) -> None:
    hosts = "".join(f"h{number}.test {gone}\n" for number in range(3000))
    command = ["sh", "-c", f"{' '.join(COMMAND)} - | head -1"]
    ran = subprocess.run(command, env=environ, input=hosts, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["number"] == 1
    assert "Traceback" not in ran.stderr


@cases("hard", [40, 100])
def test_more_hosts_at_a_time_than_files_may_be_open(environ: dict[str, str], gone: str, hard: int) -> None:
    def run(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, gone, *argv], env=environ, capture_output=True, text=True, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (30, hard)),
        )  # fmt: skip

    ran = run()
    assert (ran.returncode, ran.stdout) == (2, "")
    message = f"64 hosts at a time take 192 open files, and this process may have {hard}"
    assert ran.stderr.startswith(f"certboot: error: {message}\n\nhint: --jobs ")
    if hard == 100:
        assert run(*ran.stderr.split("hint: ")[1].split()).returncode == 1


def on_terminal(environ: dict[str, str], *argv: str, out: int | None = None) -> tuple[str, int]:
    """Run a scan with standard error on a terminal, and standard output too if it goes nowhere else."""
    main, other = pty.openpty()
    with subprocess.Popen([*COMMAND, *argv], env=environ, stdout=out or other, stderr=other) as process:
        os.close(other)
        said = b""
        while True:
            try:
                said += os.read(main, 65536)
            except OSError:  # Linux says so when nobody holds the other end
                break
    os.close(main)
    return said.decode(), process.returncode


def test_on_a_terminal_progress_is_shown_and_taken_away_before_the_lines(environ: dict[str, str], gone: str) -> None:
    said, status = on_terminal(environ, *[f"h{number}.test {gone}" for number in range(5)])
    assert status == 1
    shown = said.replace("\r\n", "\n")
    lines = [line.rpartition("\x1b[K")[2] for line in shown.split("\n")]
    assert [json.loads(line)["number"] for line in lines[:5]] == [1, 2, 3, 4, 5]
    assert lines[5:7] == ["", "5 hosts: 0 good, 5 fail"]
    assert "done" not in "".join(lines)


def test_progress_goes_to_the_terminal_where_the_lines_go_to_a_file(
    environ: dict[str, str], gone: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with out.open("wb") as file:
        said, _ = on_terminal(environ, *[f"h{number}.test {gone}" for number in range(5)], out=file.fileno())
    assert "\r1 done, 1 not good\x1b[K" in said
    assert "\r\x1b[K5 hosts: 0 good, 5 fail" in said
    assert len(out.read_text().splitlines()) == 5


def test_progress_is_written_over_in_one_process(
    certboot: Run, monkeypatch: pytest.MonkeyPatch, gone: str, tmp_path: Path
) -> None:
    """As above, and with all on one terminal."""
    both = Terminal()
    monkeypatch.setattr(sys, "stderr", both)
    certboot("scan", *[f"h{number}.test {gone}" for number in range(3)], "--output", tmp_path / "out")
    assert both.getvalue().startswith("\r1 done, 1 not good\x1b[K")
    assert both.getvalue().count("\r\x1b[K") == 1
    both = Terminal()
    monkeypatch.setattr(sys, "stderr", both)
    monkeypatch.setattr(sys, "stdout", both)
    assert certboot("scan", gone).status == 1
    assert "}\n\r1 done, 1 not good\x1b[K\r\x1b[K\n1 host: 0 good, 1 fail\n" in both.getvalue()


def tally(*found: Result) -> Tally:
    made = Tally()
    for each in found:
        made.add(each)
    return made


def result(target: str, primary: str | None, status: Status = "fail", **more: typing.Any) -> Result:  # noqa: ANN401
    return Result(1, target, target, Verdict(primary, status, "", **more))


def test_the_summary_has_the_commonest_cause_first_with_its_remedy() -> None:
    trust = ("certboot", "trust", "c:443")
    found = tally(
        result("a:443", None, "ok", also=("expires-soon", "root-sent")),
        result("b:443", "expired-leaf"),
        *(result(f"{host}:443", "untrusted-root", fix=(trust,), root="CN=X") for host in "cdefc"),
        result("g:443", "strict-missing-aki", "warn"),
        result("", "not-a-host"),
        result("h:443", "check-not-finished", "error"),
    )
    assert scan_summary(found).split("\n") == [
        "9 hosts: 1 good, 1 warned of, 6 fail, 1 not finished; 1 entry of the list is no host",
        "        5  untrusted-root      c:443, d:443, e:443, ...",
        "        1  check-not-finished  h:443",
        "        1  expired-leaf        b:443",
        "        1  not-a-host          ",
        "        1  strict-missing-aki  g:443",
        "        1  also expires-soon",
        "hint: certboot trust c:443",
        "hint: certboot explain untrusted-root",
    ]
    assert scan_progress(found) == "10 done, 8 not good"
    assert (found.exit_status, found.invalid) == (2, 1)


def test_a_summary_cannot_drive_the_terminal() -> None:
    evil = "a\x1b[2J\n"
    roots = [result(f"{evil}{host}.test:443", "untrusted-root", root=f"CN={evil}") for host in "abc"]
    text = scan_summary(tally(*roots, result(evil, "not-a-host")))
    assert all(line.isprintable() for line in text.split("\n"))
    assert "stands behind unrelated hosts" in text


@cases(
    ("statuses", "expected"),
    [((), 0), (("ok",), 0), (("ok", "warn"), 0), (("ok", "fail"), 1), (("fail", "error"), 2)],
)
def test_the_exit_status_is_that_of_the_worst(statuses: tuple[Status, ...], expected: int) -> None:
    assert tally(*(result("a:1", None, status) for status in statuses)).exit_status == expected


@cases(
    ("host", "site"),
    [
        ("www.example.org", "example.org"), ("EXAMPLE.org.", "example.org"), ("a.b.example.co.uk", "example.co.uk"),
        ("example.de", "example.de"), ("www.example.de", "example.de"), ("localhost", ""), ("192.0.2.1", ""),
        ("2001:db8::1", ""), ("fe80::1%eth0", ""), ("", ""),
    ],
)  # fmt: skip
def test_an_owner_is_told_by_the_end_of_the_name(host: str, site: str) -> None:
    assert registrable(host) == site


def test_what_is_kept_of_issuers_is_bounded() -> None:
    found = tally(*(result(f"www.h{number}.test:443", "untrusted-root", root="CN=One") for number in range(5000)))
    for number in range(5000):
        found.add(result(f"www.h{number}.test:443", "untrusted-root", root=f"CN={number}"))
    assert [len(hosts) for hosts in found.issuers.shared().values()] == [8]
    assert len(found.issuers._hosts) == 1000


@pytest.fixture
def thousands(tmp_path: Path) -> Iterator[Path]:
    """2,000 hosts on loopback, served by a process of their own: the folder with their list."""
    command = (sys.executable, ROOT / "scripts/scan_servers.py", tmp_path, "2000")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield tmp_path
        process.communicate()


@pytest.mark.slow
def test_two_thousand_hosts_of_all_kinds_take_little_memory(
    certboot: Run, environ: dict[str, str], thousands: Path
) -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from scan_servers import CAUSES
    finally:
        sys.path.pop(0)
    assert certboot("init", "--source", "certifi", "--add", thousands / "ca.pem").status == 0
    store = Path(environ["HOME"]) / ".local/share/certboot/current"
    environ |= {"SSL_CERT_FILE": str(store / "bundle.pem"), "SSL_CERT_DIR": str(store / "crts")}
    out = thousands / "out.jsonl"
    command = (*COMMAND, "--file", thousands / "hosts", "--output", out, "--timeout", "8")
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *command], env=environ, capture_output=True, text=True, check=True
    )
    status, _, errors, megabytes = json.loads(done.stdout)
    assert status == 1, errors
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [each["number"] for each in found] == list(range(1, 2001))
    kinds = json.loads((thousands / "kinds.json").read_text())
    wrong = [each for each in found if each["primary"] != CAUSES[each["input"].split(".")[1]]]
    assert wrong == []
    assert Counter(each["primary"] for each in found) == {CAUSES[kind]: count for kind, count in kinds.items()}
    assert errors.startswith("2,000 hosts: 1,000 good, 1,000 fail\n")
    assert megabytes < 150
