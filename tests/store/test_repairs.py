from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st
from support.pki import issue, name

from certboot.pki import pem
from certboot.pki.certificate import load_certificate
from certboot.sources.repaired import Need, Repair, joined, needs, render_repair

CA = load_certificate(issue("CA").der)
FIRST = Need("www.example:443", "2026-11-25", "http://ca.example/ca.cer", "Root (abcd)")
SECOND = Need("[::1]:8443", "2026-11-26", "the server", "Root (abcd)")


def test_a_file_is_the_certificate_under_a_line_for_each_server_that_needs_it() -> None:
    data = render_repair(Repair(CA, (FIRST, SECOND)))
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
    data = render_repair(Repair(odd, tuple(several)))
    assert needs(data) == tuple(several)
    assert [block.data for block in pem.blocks(data)] == [odd.der]
    assert data.isascii()


def test_a_line_that_cannot_be_read_is_passed_over() -> None:
    good = render_repair(Repair(CA, (FIRST,)))
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


def test_of_two_needs_of_one_server_the_newer_counts() -> None:
    again = FIRST._replace(day="2027-01-01", address="http://elsewhere/")
    assert joined((FIRST,), (SECOND,)) == (FIRST, SECOND)
    assert joined((FIRST, SECOND), (again,)) == (SECOND, again)
    assert joined((FIRST, SECOND), (FIRST,)) == (FIRST, SECOND)
    assert joined((), (SECOND, FIRST, SECOND)) == (SECOND, FIRST)


def test_of_many_needs_the_newest_are_kept() -> None:
    many = [FIRST._replace(host=f"{n}.example:443") for n in range(6000)]
    assert joined(many[:3000], many[3000:]) == tuple(many[-500:])
    assert joined(many[-500:], (many[0]._replace(day="2027-01-01"),))[-1].host == "0.example:443"
    assert joined((FIRST,), ()) == (FIRST,)


def test_of_long_texts_the_beginning_is_kept_and_of_many_such_the_newest() -> None:
    odd = "\U0001f600" * 4000
    many = [Need(f"{n}{odd}", odd, odd, odd) for n in range(200)]
    kept = joined((), many)
    assert 0 < len(kept) < 200
    assert [need.host[: len(f"{n}")] for n, need in enumerate(kept, 200 - len(kept))] == [
        f"{n}" for n in range(200 - len(kept), 200)
    ]
    assert kept[0].day == "\U0001f600" * 299 + "…"
    assert len(render_repair(Repair(CA, kept))) < 1024 * 1024 < len(render_repair(Repair(CA, tuple(many))))


@given(
    st.lists(st.builds(Need, *[st.text(st.sampled_from("-\0\U0001f600a"), max_size=400)] * 4), min_size=1, max_size=20)
)
def test_whatever_the_texts_are_the_file_is_one_that_the_next_update_reads(several: list[Need]) -> None:
    many = [need._replace(host=f"{n}{need.host}") for n in range(60) for need in several]
    kept = joined((), many)
    data = render_repair(Repair(CA, kept))
    assert (len(data) < 1024 * 1024, needs(data), joined(kept, ())) == (True, kept, kept)
    assert all(len(text) <= 300 for need in kept for text in need)


def test_a_need_is_told_in_words() -> None:
    assert FIRST.shown == ("needed by www.example:443 on 2026-11-25, from http://ca.example/ca.cer, under Root (abcd)")
