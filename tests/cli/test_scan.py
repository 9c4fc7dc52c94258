"""``certboot scan`` as a command: what it shows on a terminal and refuses, and how one that broke off goes on."""

from __future__ import annotations

import json
import os
import resource
import signal
import ssl
import subprocess
import sys
import threading
import time
import typing
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from support import faults
from support.commands import Run
from support.environments import MEASURED, ROOT, SYSTEM_PATH
from support.faults import Listener
from support.pki import CA, DAY, LEAF, changed, make, on_server
from support.table import cases
from support.terminal import Terminal

from certboot.cli import main
from certboot.cli.scan_progress import scan_progress
from certboot.cli.scan_summary import scan_summary
from certboot.doctor.finding import Status
from certboot.net.handshake import Handshake, handshake
from certboot.net.target import Target
from certboot.scan import probe
from certboot.scan.result import BEGINNING, Result, Verdict
from certboot.scan.tally import Tally

COMMAND = (sys.executable, "-m", "certboot", "scan")


@pytest.fixture
def environ(clean: Path) -> dict[str, str]:
    return {"HOME": str(clean), "PATH": SYSTEM_PATH, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm"}


@cases(
    ("argv", "message"),
    [
        ((), "no host is named"),
        (("--file", "/no/such/file"), "cannot read /no/such/file: No such file or directory"),
        (("--file", "/"), "cannot read /: a folder, not a file"),
        (("--file", "/dev/null"), "cannot read /dev/null: a device, not a regular file"),
        (("# a comment",), "the list names no host"),
        (("a.example", "--resume"), "--resume goes with --output"),
        (("-",), "there is no standard input"),
        (("a.example", "--output", "/no/folder/out"), "cannot write /no/folder/out: No such file or directory"),
        (("a.example", "--expires-within", "soon"), "not a span of time: 'soon'"),
        (("a.example", "--output", "out", "--format", "csv"), "--output is for JSON lines, not for csv"),
        (("a.example", "--output", "/dev/null", "--resume"), "not a file that can be gone on with: /dev/null"),
    ],
)
def test_wrong_usage_is_told_and_ends_with_2(
    certboot: Run, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...], message: str
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    ran = certboot("scan", *argv)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"certboot: error: {message}\n\nhint: ")


def test_trust_or_standard_output_that_is_not_there_is_no_fault_of_the_hosts(
    certboot: Run, monkeypatch: pytest.MonkeyPatch, gone: str
) -> None:
    def broken(*_: object, **__: object) -> typing.NoReturn:
        raise ssl.SSLError(1, "unknown error")

    with monkeypatch.context() as patch:
        patch.setattr(ssl, "create_default_context", broken)
        ran = certboot("scan", gone)
        assert (ran.status, ran.out, "the active trust cannot be read" in ran.err) == (2, "", True)
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
            result = json.loads(process.stdout.readline())
            assert (result["number"], result["input"], result["primary"]) == (number, line, "connection-refused")
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


def test_the_limit_of_open_files_is_raised_as_far_as_it_takes(
    certboot: Run, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (128, hard))
        for jobs, limit in (("32", 128), ("100", 264)):
            assert certboot("scan", gone, "--jobs", jobs).status == 1
            assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == limit
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    monkeypatch.setitem(sys.modules, "resource", None)  # a system that knows no limit
    assert certboot("scan", gone).status == 1


def test_more_hosts_at_a_time_than_files_may_be_open(environ: dict[str, str], gone: str) -> None:
    def run(*argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, gone, *argv], env=environ, capture_output=True, text=True, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (30, 100)),
        )  # fmt: skip

    ran = run()
    assert (ran.returncode, ran.stdout) == (2, "")
    message = "64 hosts at a time take 192 open files, and this process may have 100"
    assert ran.stderr.startswith(f"certboot: error: {message}\n\nhint: --jobs ")
    assert run(*ran.stderr.split("hint: ")[1].split()).returncode == 1


def test_a_reader_that_goes_away_ends_it(environ: dict[str, str], gone: str) -> None:
    hosts = "".join(f"h{number}.test {gone}\n" for number in range(3000))
    command = ["sh", "-c", f"{' '.join(COMMAND)} - | head -1"]
    ran = subprocess.run(command, env=environ, input=hosts, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout)["number"] == 1
    assert "Traceback" not in ran.stderr


FORMATS = ("table", "json", "csv", "openmetrics")


@cases("kind", FORMATS)
def test_a_disk_without_room_and_a_reader_that_has_gone_are_told_in_each_format(
    environ: dict[str, str], gone: str, kind: str
) -> None:
    command = f"{' '.join(COMMAND)} {gone} --format {kind}"

    def run(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["sh", "-c", line], env=environ, capture_output=True, text=True, check=False)

    full = run(f"{command} > /dev/full")
    assert (full.returncode, full.stdout) == (2, "")
    assert "certboot: error: No space left on device\n\nhint: " in full.stderr
    unread = run(f"{{ {command}; echo $? >&2; }} | true")
    assert unread.stderr.splitlines()[-1] in {"0", "1"}
    assert "Traceback" not in full.stderr + unread.stderr
    kept = run(command)  # the control
    assert (kept.returncode, "connection-refused" in kept.stdout) == (1, True)


@cases(("kind", "told"), [
    ("table", "interrupted; only these hosts were asked"),
    ("json", "interrupted; the results so far are whole"),
    ("csv", "interrupted; the results so far are whole"),
    ("openmetrics", "interrupted; nothing was written"),
])  # fmt: skip
def test_after_ctrl_c_there_is_what_was_asked_but_no_gauges_which_would_look_like_all(
    listen: Callable[..., Listener], gone: str, environ: dict[str, str], kind: str, told: str
) -> None:
    silent = listen(faults.silent)
    hosts = [f"b.test 127.0.0.1:{silent.port}", f"c.test 127.0.0.1:{silent.port}"]
    # Lines come in the order of the list; what comes at the end waits for nobody.
    hosts.insert(kind in {"table", "openmetrics"}, f"a.test {gone}")
    command = [*COMMAND, *hosts, "--format", kind, "--timeout", "30", "--jobs", "2"]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and silent.count < 2:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        shown, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert told in errors
    assert "1 host: 0 good, 1 fail" in shown + errors
    assert ("a.test" in shown) == (kind != "openmetrics")
    assert "b.test" not in shown


# What ends soon

DAYS = 30


@cases(("span", "status", "also"), [
    ((), 0, []),
    (("--expires-within", "29d"), 0, []),
    (("--expires-within", "719h"), 0, []),
    (("--expires-within", "30d"), 3, ["expires-soon"]),
    (("--expires-within", "5w"), 3, ["expires-soon"]),
])  # fmt: skip
def test_what_ends_within_a_span_has_a_status_of_its_own(  # noqa: PLR0913, PLR0917 - what is given, and what comes of it
    certboot: Run,
    listen: Callable[..., Listener],
    trust: Callable[..., Path],
    clock: Callable[[datetime], None],
    gone: str,
    span: tuple[str, ...],
    status: int,
    also: list[str],
) -> None:
    root = make("Root", form=CA)
    trust(root)
    server = listen(
        faults.tls(faults.server_context(on_server(make("a.test", root, changed(LEAF, names=("a.test",))))))
    )
    host = f"a.test 127.0.0.1:{server.port}"
    clock(LEAF.valid[1] - DAYS * DAY)
    ran = certboot("scan", host, *span)
    line = json.loads(ran.out)
    assert (ran.status, line["status"], line["primary"], line["also"]) == (status, "ok", None, also)
    assert ran.err.startswith(f"1 host: 1 good, 0 fail{f'; 1 ends within {span[1]}' if also else ''}\n")
    assert certboot("scan", host, gone, *span).status == 1
    clock(LEAF.valid[1] - DAY)  # which is soon enough without a span, and says so with status 0
    assert (certboot("scan", host).status, certboot("scan", host, "--expires-within", "12h").status) == (0, 0)
    assert ("expires-soon" in certboot("scan", host).out) != (
        "expires-soon" in certboot("scan", host, "--expires-within", "12h").out
    )


# On a terminal


def test_progress_goes_to_the_terminal_where_the_lines_go_to_a_file(
    certboot: Run, monkeypatch: pytest.MonkeyPatch, gone: str, tmp_path: Path
) -> None:
    both = Terminal()
    monkeypatch.setattr(sys, "stderr", both)
    certboot("scan", *[f"h{number}.test {gone}" for number in range(3)], "--output", tmp_path / "out")
    assert both.getvalue().startswith("\r[######..............] 1 of 3 done, 1 not good\x1b[K")
    assert "\r\x1b[K3 hosts: 0 good, 3 fail" in both.getvalue()
    assert len((tmp_path / "out").read_text().splitlines()) == 3
    both = Terminal()
    monkeypatch.setattr(sys, "stderr", both)
    monkeypatch.setattr(sys, "stdout", both)
    assert certboot("scan", gone, "--json").status == 1
    bar = "[####################] 1 of 1 done, 1 not good"
    assert f"}}\n\r{bar}\x1b[K\r\x1b[K\n1 host: 0 good, 1 fail\n" in both.getvalue()


def tally(*results: Result) -> Tally:
    made = Tally()
    for result in results:
        made.add(result)
    return made


def result(target: str, primary: str | None, status: Status = "fail", **more: typing.Any) -> Result:  # noqa: ANN401
    return Result(1, target, target, Verdict(primary, status, "", **more))


def test_the_summary_has_the_commonest_cause_first_with_its_remedy() -> None:
    trust = ("certboot", "trust", "c:443")
    made = tally(
        result("a:443", None, "ok", also=("expires-soon", "root-sent")),
        result("b:443", "expired-leaf"),
        *(result(f"{host}:443", "untrusted-root", fix=(trust,), root="CN=X") for host in "cdefc"),
        result("g:443", "strict-missing-aki", "warn"),
        result("", "not-a-host"),
        result("h:443", "check-not-finished", "error"),
    )
    assert scan_summary(made).split("\n") == [
        "9 hosts: 1 good, 1 warned of, 6 fail, 1 not finished; 1 ends soon; 1 entry names no host",
        "        5  untrusted-root      c:443, d:443, e:443, ...",
        "        1  check-not-finished  h:443",
        "        1  expired-leaf        b:443",
        "        1  not-a-host          ",
        "        1  strict-missing-aki  g:443",
        "fix here: certboot trust c:443",
        "hint: certboot explain untrusted-root",
    ]
    assert scan_progress(made, 0) == "10 done, 8 not good"
    assert scan_progress(made, 40) == "[#####...............] 10 of 40 done, 8 not good"
    evil = "a\x1b[2J\n"
    roots = [result(f"{evil}{host}.test:443", "untrusted-root", root=f"CN={evil}") for host in "abc"]
    text = scan_summary(tally(*roots, result(evil, "not-a-host")))
    assert all(line.isprintable() for line in text.split("\n"))
    assert "stands behind unrelated hosts" in text


# A file of results, and a scan that goes on where it stopped


@pytest.fixture
def hosts(tmp_path: Path, gone: str) -> Path:
    """A list of ten hosts, each of which refuses."""
    path = tmp_path / "hosts"
    path.write_text("".join(f"host{number}.test {gone}\n" for number in range(1, 11)))
    return path


@pytest.fixture
def out(certboot: Run, hosts: Path, tmp_path: Path) -> Path:
    """The file of results of these hosts."""
    path = tmp_path / "out.jsonl"
    ran = certboot("scan", "--file", hosts, "--output", path)
    assert (ran.status, ran.out, numbers(path)) == (1, "", list(range(1, 11)))
    assert ran.err.startswith("10 hosts: 0 good, 10 fail\n")
    return path


def numbers(path: Path) -> list[int]:
    data = path.read_bytes()
    assert data == b"" or data.endswith(b"\n")
    return [json.loads(line)["number"] for line in data.splitlines()]


@cases(("kept", "torn"), [(0, ""), (1, "{"), (4, ""), (9, '{"schema":1,"number":'), (10, ""), (10, "{")])
def test_a_scan_goes_on_after_its_last_whole_line(certboot: Run, hosts: Path, out: Path, kept: int, torn: str) -> None:
    before = out.read_text().splitlines(keepends=True)
    out.write_text("".join(before[:kept]) + torn)
    ran = certboot("scan", "--file", hosts, "--output", out, "--resume")
    assert numbers(out) == list(range(1, 11))
    assert out.read_text().splitlines(keepends=True)[:kept] == before[:kept]
    assert (ran.status, ran.err.splitlines()[0]) == (1, "10 hosts: 0 good, 10 fail")


@cases("after", [0, 3])
@cases("text", [b"secret", b"\0" * 9, b"{", b'{"schema":1,"number":1,"input', b'{"schema":2,"a":"', b"x" * 5_000_000])
def test_what_is_no_line_of_a_scan_is_not_cut_off(
    certboot: Run, hosts: Path, out: Path, text: bytes, after: int
) -> None:
    """Without a whole line a file is not known to be of a scan; the control is a torn line after whole ones."""
    out.write_bytes(b"".join(out.read_bytes().splitlines(keepends=True)[:after]) + text)
    before = (out.read_bytes(), out.stat().st_mtime_ns)
    ran = certboot("scan", "--file", hosts, "--output", out, "--resume")
    if after and BEGINNING.startswith(text[: len(BEGINNING)]):
        assert (ran.status, numbers(out)) == (1, list(range(1, 11)))
    else:
        assert (ran.status, out.read_bytes(), out.stat().st_mtime_ns) == (2, *before)
        assert f"{out}\n\nhint: write to another file" in ran.err


def test_what_was_written_as_it_came_has_gaps_that_are_filled_and_what_has_not_begun_is_begun(
    certboot: Run, hosts: Path, out: Path
) -> None:
    before = out.read_text().splitlines(keepends=True)
    out.write_text(before[6] + before[2])
    certboot("scan", "--file", hosts, "--output", out, "--resume", "--unordered")
    assert sorted(numbers(out)) == list(range(1, 11))
    assert numbers(out)[:2] == [7, 3]
    out.unlink()
    certboot("scan", "--file", hosts, "--output", out, "--resume")
    assert numbers(out) == list(range(1, 11))


def test_a_file_that_is_there_is_not_written_over(certboot: Run, hosts: Path) -> None:
    before = hosts.read_bytes()
    ran = certboot("scan", "--file", hosts, "--output", hosts)
    assert (ran.status, ran.out, hosts.read_bytes()) == (2, "", before)
    assert ran.err.startswith(f"certboot: error: the file is there already: {hosts}\n\nhint: --resume ")
    ran = certboot("scan", "--file", hosts, "--output", hosts, "--resume")
    assert (ran.status, hosts.read_bytes()) == (2, before)
    assert f"not a line of certboot scan, or of a newer one: line 1 of {hosts}" in ran.err


def test_the_results_of_another_list_are_left_as_they_are(certboot: Run, hosts: Path, out: Path) -> None:
    before = out.read_bytes()
    hosts.write_text(hosts.read_text().replace("host3.test", "other.test"))
    ran = certboot("scan", "--file", hosts, "--output", out, "--resume")
    assert (ran.status, out.read_bytes()) == (2, before)
    assert "another list, which differs at entry 3: 'other.test" in ran.err


def test_a_disk_that_is_full_leaves_whole_lines(
    certboot: Run, hosts: Path, tmp_path: Path, environ: dict[str, str]
) -> None:
    """The limit on the size of a file stands in for the disk: it too lets a part of a line be written."""
    environ["PYTHONDONTWRITEBYTECODE"] = "1"  # it would be cut as well

    def cut(name: str, *argv: str | Path) -> tuple[Path, str]:
        ran = subprocess.run(
            [*COMMAND, *argv, "--output", tmp_path / name], env=environ, capture_output=True, text=True, check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500)),
        )  # fmt: skip
        message, _, hint = ran.stderr.partition("\n\nhint: ")
        told = f"certboot: error: cannot write {tmp_path / name}: File too large"
        assert (ran.returncode, ran.stdout, message) == (2, "", told)
        assert 0 < len(numbers(tmp_path / name)) < 10
        return tmp_path / name, hint

    out, hint = cut("out", "--file", hosts)
    assert "--resume goes on" in hint
    certboot("scan", "--file", hosts, "--output", out, "--resume")
    assert numbers(out) == list(range(1, 11))
    _, hint = cut("merged", "--merge", out)
    assert hint == "make room, and merge into another file\n"


@pytest.mark.parametrize("how", [[signal.SIGINT], [signal.SIGINT] * 3, [signal.SIGKILL]])
def test_a_scan_that_ends_early_leaves_whole_lines_and_goes_on(
    certboot: Run,
    listen: Callable[..., Listener],
    gone: str,
    environ: dict[str, str],
    tmp_path: Path,
    *,
    how: list[signal.Signals],
) -> None:
    """Of thirty hosts the first four refuse, and the others wait."""
    hosts, out = tmp_path / "hosts", tmp_path / "out.jsonl"
    silent = listen(faults.silent)
    places = [gone] * 4 + [f"127.0.0.1:{silent.port}"] * 26
    hosts.write_text("".join(f"h{number}.test {place}\n" for number, place in enumerate(places)))
    command = [*COMMAND, "--file", str(hosts), "--jobs", "1", "--timeout", "30", "--output", str(out)]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and not (out.exists() and out.read_bytes().count(b"\n") >= 4):
            time.sleep(0.02)
        for number in how:
            process.send_signal(number)
        output, errors = process.communicate(timeout=10)
    assert (output, numbers(out)) == ("", [1, 2, 3, 4])
    assert process.returncode == (130 if signal.SIGINT in how else -signal.SIGKILL)
    assert "Traceback" not in errors
    if how == [signal.SIGINT]:
        assert errors.startswith("4 hosts: 0 good, 4 fail\n")
        assert errors.endswith(
            "interrupted; the results so far are whole\n"
            "hint: the same list with --output FILE --resume goes on where it stopped\n"
        )
    silent.close()
    ran = certboot("scan", "--file", hosts, "--output", out, "--resume")
    assert (ran.status, numbers(out)) == (1, list(range(1, 31)))
    assert ran.err.startswith("30 hosts: 0 good, 30 fail\n")


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


@pytest.fixture
def thousand(tmp_path: Path) -> Iterator[Path]:
    """1,000 hosts on loopback, served by a process of their own: the folder with their list."""
    command = (sys.executable, ROOT / "scripts/scan_servers.py", tmp_path, "1000")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield tmp_path
        process.communicate()


@pytest.mark.slow
def test_a_thousand_hosts_of_all_kinds_take_little_memory(
    certboot: Run, environ: dict[str, str], thousand: Path
) -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        from scan_servers import CAUSES
    finally:
        sys.path.pop(0)
    assert certboot("init", "--source", "certifi", "--add", thousand / "ca.pem").status == 0
    store = Path(environ["HOME"]) / ".local/share/certboot/current"
    environ |= {"SSL_CERT_FILE": str(store / "bundle.pem"), "SSL_CERT_DIR": str(store / "crts")}
    out = thousand / "out.jsonl"
    command = (sys.executable, "-c", MEASURED, *COMMAND, "--file", thousand / "hosts", "--output", out)
    done = subprocess.run([*command, "--timeout", "5"], env=environ, capture_output=True, text=True, check=True)
    status, _, errors, megabytes = json.loads(done.stdout)
    assert status == 1, errors
    results = [json.loads(line) for line in out.read_text().splitlines()]
    assert [result["number"] for result in results] == list(range(1, 1001))
    kinds = json.loads((thousand / "kinds.json").read_text())
    wrong = [result for result in results if result["primary"] != CAUSES[result["input"].split(".")[1]]]
    assert wrong == []
    assert Counter(result["primary"] for result in results) == {CAUSES[kind]: count for kind, count in kinds.items()}
    assert errors.startswith("1,000 hosts: 500 good, 500 fail\n")
    assert megabytes < 150
