"""What a result is, as a line and as a part of an earlier scan, and what is counted of many."""

from __future__ import annotations

import io
from json import dumps

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.table import cases

from certboot.doctor.finding import Status
from certboot.doctor.findings import EXPLANATIONS
from certboot.errors import CertbootError
from certboot.scan.earlier import Earlier
from certboot.scan.entries import Entry, Way, entries, lines
from certboot.scan.result import Presented, Result, Verdict, parse_line, scan_line
from certboot.scan.tally import Tally, registrable

GOOD = Verdict(None, "ok", "")
SHOWN = Presented("", "", "", "", "")
TEXT = st.text(max_size=20)
IDS = st.sampled_from(sorted(EXPLANATIONS.keys() - {"not-a-host"}))
CAUSES = st.just((None, "ok")) | st.tuples(IDS, st.sampled_from(["info", "warn", "fail", "error"]))
COMMANDS = st.sampled_from(
    [
        ("certboot", "repair"),
        ("env", "-u", "A", "-u", "B", "certboot", "doctor"),
        ("env", "OPENSSL_CONF=/a b/classical.cnf", "certboot", "doctor"),
    ]
)
VERDICTS = st.builds(
    lambda cause, **judged: Verdict(*cause, **judged),
    cause=CAUSES,
    summary=TEXT,
    verify_code=st.none() | st.integers(0, 100),
    protocol=TEXT,
    certificate=st.none() | st.builds(Presented, TEXT, TEXT, TEXT, TEXT, TEXT),
    root=TEXT,
    also=st.lists(IDS, max_size=3).map(tuple),
    fix=st.lists(st.builds(lambda argv, host: (*argv, host), COMMANDS, TEXT), max_size=3).map(tuple),
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
def test_any_bytes_that_are_no_result_are_refused(line: bytes) -> None:
    with pytest.raises(CertbootError, match="not a line of certboot scan"):
        parse_line(line)


def whole(number: int) -> bytes:
    return scan_line(Result(number, "a", "", GOOD)).encode().strip()


@cases(
    "line",
    [
        b"{}", b"[" * 100_000, b"\xff", b"null", b'{"schema":2}', b'{"schema":1,"number":"1"}',
        *(
            whole(1).replace(old, new)
            for old, new in (
                (b'"fix":[]', b'"fix":7'),
                (b'"primary":null', b'"primary":7'),
                (b'"primary":null', b'"primary":"x\\nhint: run this"'),
                (b'"status":"ok"', b'"status":"great"'),
                (b'"primary":null', b'"primary":"\\ud800"'),
                (b'"input":"a"', b'"input":"\\ud800"'),
                (b'"target":""', b'"target":"\\udfff:443"'),
                (b'"number":1', b'"number":' + b"1" * 5000),
                (b'"verify_code":null', b'"verify_code":"x"'),
                (b'"protocol":""', b'"protocol":[]'),
                (b'"seconds":0.0', b'"seconds":"long"'),
                (b'"seconds":0.0', b'"seconds":NaN'),
                (b'"certificate":null', b'"certificate":' + dumps(dict.fromkeys(vars(SHOWN), 7)).encode()),
                (b'"also":[]', b'"also":["x y"]'),
                (b'"also":[]', b'"also":["no-finding-of-ours"]'),
                (b'"primary":null', b'"primary":"expired-leaf"'),  # of a host that is good
                (b'"status":"ok"', b'"status":"fail"'),  # for no cause
                (b'"primary":null,"status":"ok"', b'"primary":"","status":"fail"'),
                # What is no host is taken from those that fail.
                (b'"primary":null,"status":"ok"', b'"primary":"not-a-host","status":"warn"'),
                (b'"target":"","primary":null,"status":"ok"', b'"target":"a","primary":"not-a-host","status":"fail"'),
                *(
                    (b'"fix":[]', b'"fix":[' + dumps(argv).encode() + b"]")
                    for argv in ([], ["rm", "certboot"], ["certboot"], ["certboot", "run", "rm"], ["certboot", 7],
                                 ["env", "A=1", "certboot", "doctor"], ["env", "sh", "certboot", "doctor"])
                ),
                (b'"also":[]', b'"also":' + b"[" * 50_000),
            )
        ),
    ],
)  # fmt: skip
def test_what_is_no_result_is_refused(line: bytes) -> None:
    assert parse_line(whole(1)).input == "a"
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
    with pytest.raises(CertbootError, match="another list, which differs at entry 1: 'https"):
        list(earlier.left(read("https://b.example/")))
    for number in (0, 10**12):  # an entry that no list has
        with pytest.raises(CertbootError, match="no result of a scan has this number"):
            earlier.add(Result(number, "", "", GOOD))


# What is counted


@cases(
    ("statuses", "expected"), [((), 0), (("ok",), 0), (("ok", "warn"), 0), (("ok", "fail"), 1), (("fail", "error"), 2)]
)
def test_the_exit_status_is_that_of_the_worst(statuses: tuple[Status, ...], expected: int) -> None:
    tally = Tally()
    for status in statuses:
        tally.add(Result(1, "a:1", "a:1", Verdict(None, status, "")))
    tally.add(Result(1, "", "", Verdict("not-a-host", "ok", "")))
    assert (tally.exit_status, tally.invalid) == (expected, 1)


@cases("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
def test_what_is_offered_mends_the_first_host_of_the_list_in_whatever_order_they_come(order: tuple[int, ...]) -> None:
    tally = Tally()
    for number in order:
        fix = (("certboot", "repair", f"host{number}"),)
        tally.add(Result(number, "", "", Verdict("missing-intermediate", "fail", "", fix=fix)))
    assert tally.fixes == {"missing-intermediate": (("certboot", "repair", "host1"),)}


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
    tally = Tally()
    for root in ("CN=One", "CN={}"):
        for number in range(5000):
            host = f"www.h{number}.test:443"
            tally.add(Result(1, host, host, Verdict("untrusted-root", "fail", "", root=root.format(number))))
    assert [len(hosts) for hosts in tally.issuers.shared().values()] == [8]
    assert len(tally.issuers._hosts) == 1000
