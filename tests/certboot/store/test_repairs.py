from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from pki import issue, name

from certboot import pem
from certboot.certs import load_certificate
from certboot.store.repairs import Need, Repair, joined, needs, render

CA = load_certificate(issue("CA").der)
FIRST = Need("www.example:443", "2026-11-25", "http://ca.example/ca.cer", "Root (abcd)")
SECOND = Need("[::1]:8443", "2026-11-26", "the server", "Root (abcd)")


def test_a_file_is_the_certificate_under_a_line_for_each_server_that_needs_it() -> None:
    data = render(Repair(CA, (FIRST, SECOND)))
    lines = data.decode("ascii").split("\n")
    assert lines[0] == "# Needed: " + json.dumps(FIRST._asdict())
    assert lines[2] == "# Subject: CN=CA"
    (block,) = pem.blocks(data)
    assert (block.data, needs(data)) == (CA.der, (FIRST, SECOND))


_TEXT = st.text(max_size=40)


@given(st.lists(st.builds(Need, _TEXT, _TEXT, _TEXT, _TEXT), max_size=3))
def test_whatever_a_need_holds_is_read_back_and_writes_no_block_of_its_own(several: list[Need]) -> None:
    odd = load_certificate(issue(name("-----BEGIN CERTIFICATE-----")).der)
    several.append(Need("-----BEGIN CERTIFICATE-----", "\n-----BEGIN X-----\n", "--", "\r"))
    data = render(Repair(odd, tuple(several)))
    assert needs(data) == tuple(several)
    assert [block.data for block in pem.blocks(data)] == [odd.der]
    assert data.isascii()


def test_a_line_that_cannot_be_read_is_passed_over() -> None:
    good = render(Repair(CA, (FIRST,)))
    for line in (
        b"",
        b"{",
        b"[1]",
        b"{}",
        b'{"host": "a"}',
        b'{"host": 1, "day": "", "address": "", "anchor": ""}',
        b"\xff",
    ):
        assert needs(b"# Needed: " + line + b"\n" + good) == (FIRST,)
    assert needs(b"# Needed: " + b"[" * 100_000 + b"\n" + good) == (FIRST,)
    assert needs(b"") == ()


def test_a_server_that_needed_it_before_keeps_its_day() -> None:
    again = FIRST._replace(day="2027-01-01")
    assert joined((FIRST,), (again, SECOND)) == (FIRST, SECOND)
    assert joined((), (SECOND, FIRST)) == (SECOND, FIRST)


def test_a_need_is_told_in_words() -> None:
    assert FIRST.shown == ("needed by www.example:443 on 2026-11-25, from http://ca.example/ca.cer, under Root (abcd)")
