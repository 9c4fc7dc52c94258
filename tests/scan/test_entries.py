"""What a list of hosts may hold, and what becomes of each line. Nothing here contacts anybody."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from support.table import cases

from certboot.net.target import Target
from certboot.scan.entries import LONGEST, Entry, Way, entries, lines


def read(data: bytes, way: Way | None = None) -> list[Entry]:
    return list(entries(lines(io.BytesIO(data).read), way or Way()))


def target(line: str, way: Way | None = None) -> Target:
    (entry,) = read(line.encode(), way)
    assert entry.problem == ""
    assert entry.target
    return entry.target


@cases(
    ("line", "host", "port"),
    [
        ("a.example", "a.example", 443),
        ("A.Example:8443", "a.example", 8443),
        ("https://a.example/path?q=1", "a.example", 443),
        ("https://user:secret@a.example:444/", "a.example", 444),
        ("ldaps://a.example", "a.example", 636),
        ("192.0.2.1", "192.0.2.1", 443),
        ("::1", "::1", 443),
        ("[2001:db8::1]:8443", "2001:db8::1", 8443),
        ("zürich.example", "zürich.example", 443),
        ("a.example # the first", "a.example", 443),
        ("\t a.example \r", "a.example", 443),
        ("\ufeffa.example", "a.example", 443),
    ],
)
def test_each_form_of_a_host_is_understood(line: str, host: str, port: int) -> None:
    assert (target(line).host, target(line).port) == (host, port)


@cases(
    ("line", "connect"),
    [
        ("a.example 192.0.2.1", ("192.0.2.1", 443)),
        ("a.example:8443 192.0.2.1", ("192.0.2.1", 8443)),
        ("a.example:8443\t192.0.2.1:443", ("192.0.2.1", 443)),
        ("a.example [::1]:9", ("::1", 9)),
    ],
)
def test_a_second_field_is_the_address_to_connect_to(line: str, connect: tuple[str, int]) -> None:
    assert target(line).connect == connect


def test_the_port_is_that_of_the_protocol_that_begins_in_plain_text() -> None:
    way = Way("imap", 2.5)
    assert target("a.example", way) == Target("a.example", 143, "imap", timeout=2.5)
    assert target("a.example b.example", way).connect == ("b.example", 143)
    assert target("a.example b.example:25", way).connect == ("b.example", 25)
    assert target("imap://a.example imap://b.example", way).connect == ("b.example", 143)


@cases(
    ("line", "problem"),
    [
        (b"a.example b.example c.example", "more than a host and an address"),
        (b"a.exa\x1b[31mmple", "cannot be printed"),
        (b"a.exa\x00mple", "cannot be printed"),
        ("a.exa\u202emple".encode(), "cannot be printed"),
        (b"a.example\xff", "not text in UTF-8"),
        (b"a.example:99999", "not a host: 'a.example:99999'"),
        (b"https://", "not a host"),
        (b"[::1", "not a host"),
        (b"a.example 192.0.2.1:0", "not a host"),
        (b"http://user:secret@a.example/", "the address names neither TLS nor a port: http://a.example"),
        (b"a.example postgres://192.0.2.1", "the address names neither TLS nor a port: postgres://192.0.2.1"),
        (b"a" * (LONGEST + 1), "a line of over"),
    ],
)
def test_a_line_that_is_no_host_is_an_entry_with_the_reason(line: bytes, problem: str) -> None:
    first, second, third = read(b"a.example\n" + line + b"\nb.example\n")
    assert problem in second.problem
    assert second.target is None
    assert second.text.isprintable()
    assert [first.number, second.number, third.number] == [1, 2, 3]
    assert third.target


def test_empty_lines_and_comments_are_no_entries() -> None:
    assert [entry.text for entry in read(b"\n  \n# all of them\n\ta\n   # none\nb # one\n")] == ["a", "b"]
    assert read(b"") == []


def test_a_password_in_a_url_is_not_repeated() -> None:
    urls = ("https://{}/", "https://{}:99999/", "http://{}/", "postgres://{}/db")
    listed = read("\n".join(urls).replace("{}", "user:secret@a.example").encode())
    assert [entry.number for entry in listed] == [1, 2, 3, 4]
    assert "secret" not in repr(listed)


def test_no_line_is_kept_beyond_its_beginning() -> None:
    """A list without an end of line is read in pieces, and only what is looked at is kept."""
    pieces = iter([b"x" * 60_000] * 50 + [b"\na.example\nb.exa", b"mple"])
    parts = list(lines(lambda _: next(pieces, b"")))
    assert [len(line) for line in parts] == [LONGEST + 1, 9, 9]
    assert parts[2] == b"b.example"


def test_a_list_is_read_as_it_is_needed() -> None:
    pieces = [b"a\nb\n", b"c\n"]
    listed = entries(lines(lambda _: pieces.pop(0) if pieces else b""), Way())
    assert [next(listed).text, next(listed).text, len(pieces)] == ["a", "b", 1]
    assert [next(listed).text, len(pieces)] == ["c", 0]


@given(st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line)), st.integers(1, 9))
def test_lines_are_those_between_line_feeds_however_they_come_in(written: list[bytes], size: int) -> None:
    data = b"\n".join(written)
    parts = iter([data[at : at + size] for at in range(0, len(data), size)])
    expected = data.removeprefix(b"\xef\xbb\xbf") if size > 2 else data
    wanted = expected.split(b"\n")
    assert list(lines(lambda _: next(parts, b""))) == (wanted if wanted[-1] else wanted[:-1])


@given(st.binary(max_size=60))
def test_whatever_a_line_holds_it_is_an_entry_that_can_be_shown(line: bytes) -> None:
    for entry in read(line):
        assert entry.text.isprintable()
        assert entry.problem.isprintable()
        assert bool(entry.target) != bool(entry.problem)
