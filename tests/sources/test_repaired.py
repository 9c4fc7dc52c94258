"""What repair has stored: a file a certificate, with the servers that need it, and the folder of them as a source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pki import issue, name

from certboot.pki import pem
from certboot.pki.certificate import load_certificate
from certboot.sources import repaired
from certboot.sources.repaired import Need, Repair, joined, needs, render_repair

CA, OTHER = (load_certificate(issue(subject).der) for subject in ("CA", "Other"))
FIRST = Need("www.example:443", "2026-11-25", "http://ca.example/ca.cer", "Root (abcd)")
SECOND = Need("[::1]:8443", "2026-11-26", "the server", "Root (abcd)")
MANY = tuple(FIRST._replace(host=f"{n}.example:443") for n in range(6000))
_TEXT = st.text(max_size=40)


def test_a_file_is_the_certificate_under_a_line_for_each_server_that_needs_it() -> None:
    data = render_repair(Repair(CA, (FIRST, SECOND)))
    lines = data.decode("ascii").split("\n")
    assert (lines[0], lines[2]) == ("# Needed: " + json.dumps(FIRST._asdict()), "# Subject: CN=CA")
    (block,) = pem.blocks(data)
    assert (block.data, needs(data)) == (CA.der, (FIRST, SECOND))


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
    wrong = (
        b"",
        b"{",
        b"[1]",
        b"{}",
        b'{"host": "a"}',
        b'{"host": 1, "day": "", "address": "", "anchor": ""}',
        b"\xff",
    )
    for line in (*wrong, b"[" * 100_000):
        assert needs(b"# Needed: " + line + b"\n" + good) == (FIRST,)
    assert needs(b"") == ()


def test_of_two_needs_of_one_server_the_newer_counts_and_of_many_the_newest_are_kept() -> None:
    again = FIRST._replace(day="2027-01-01", address="http://elsewhere/")
    for held, more, expected in (
        ((FIRST,), (SECOND,), (FIRST, SECOND)),
        ((FIRST, SECOND), (again,), (SECOND, again)),
        ((FIRST, SECOND), (FIRST,), (FIRST, SECOND)),
        ((), (SECOND, FIRST, SECOND), (SECOND, FIRST)),
        ((FIRST,), (), (FIRST,)),
        (MANY[:3000], MANY[3000:], MANY[-500:]),
    ):
        assert joined(held, more) == expected
    assert joined(MANY[-500:], (MANY[0]._replace(day="2027-01-01"),))[-1].host == "0.example:443"


def test_of_long_texts_the_beginning_is_kept_and_of_many_such_the_newest() -> None:
    odd = "\U0001f600" * 4000
    many = [Need(f"{n}{odd}", odd, odd, odd) for n in range(200)]
    kept = joined((), many)
    assert 0 < len(kept) < 200
    numbers = [f"{n}" for n in range(200 - len(kept), 200)]
    assert [need.host.rstrip("\U0001f600…") for need in kept] == numbers
    assert kept[0].day == "\U0001f600" * 299 + "…"
    assert len(render_repair(Repair(CA, kept))) < 1024 * 1024 < len(render_repair(Repair(CA, tuple(many))))


_ODD = st.text(st.sampled_from("-\0\U0001f600a"), max_size=400)


@given(st.lists(st.builds(Need, _ODD, _ODD, _ODD, _ODD), min_size=1, max_size=20))
def test_whatever_the_texts_are_the_file_is_one_that_the_next_update_reads(several: list[Need]) -> None:
    kept = joined((), [need._replace(host=f"{n}{need.host}") for n in range(60) for need in several])
    data = render_repair(Repair(CA, kept))
    assert (len(data) < 1024 * 1024, needs(data), joined(kept, ())) == (True, kept, kept)
    assert all(len(text) <= 300 for need in kept for text in need)


def test_needs_are_told_in_words_of_many_the_first_three() -> None:
    assert FIRST.shown == "needed by www.example:443 on 2026-11-25, from http://ca.example/ca.cer, under Root (abcd)"
    assert repaired.detail(MANY[:5]).count("needed by") == 3
    assert repaired.detail(MANY[:5]).endswith("; and by 2 more")
    assert repaired.detail(()) == "nobody knows for whom"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "repaired"
    made.mkdir()
    (made / "CA.pem").write_bytes(render_repair(Repair(CA, (FIRST,))))
    return made


def test_a_folder_gives_intermediates_with_who_needed_them(folder: Path, tmp_path: Path) -> None:
    loaded = repaired.read(folder).parse()
    (candidate,) = loaded.candidates
    assert (candidate.certificate, candidate.source, candidate.role) == (CA, "repaired", "intermediate")
    assert (candidate.detail, loaded.rejections) == (FIRST.shown, ())
    assert repaired.offered((Repair(CA, (FIRST,)),)) == loaded
    nothing = repaired.read(tmp_path / "none")
    assert (nothing.pieces, nothing.parse().candidates) == ((), ())
    before = repaired.read(folder).pieces  # every change of a file is seen
    assert repaired.read(folder).pieces == before
    (folder / "CA.pem").write_bytes(render_repair(Repair(CA, (FIRST, SECOND))))
    assert repaired.read(folder).pieces != before


def test_a_file_that_cannot_be_read_is_a_rejection_and_the_others_count(folder: Path) -> None:
    (folder / "broken.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (folder / "empty.pem").write_bytes(b"")
    (folder / "large.pem").write_bytes(bytes(2 * 1024 * 1024))
    (folder / "two.pem").write_bytes(render_repair(Repair(CA, ())) + render_repair(Repair(OTHER, ())))
    (folder / "folder.pem").mkdir()
    (folder / ".CA.pem.a1b2").write_bytes(render_repair(Repair(OTHER, ())))
    loaded = repaired.read(folder).parse()
    assert [candidate.certificate for candidate in loaded.candidates] == [CA]
    assert {Path(each.detail).name: (each.rule, each.reason.partition(":")[0]) for each in loaded.rejections} == {
        "broken.pem": ("unreadable", "not a certificate in DER"),
        "empty.pem": ("unreadable", "it does not contain exactly one certificate"),
        "large.pem": ("unreadable", "it cannot be read"),
        "two.pem": ("unreadable", "it does not contain exactly one certificate"),
        "folder.pem": ("unreadable", "it cannot be read"),
    }
