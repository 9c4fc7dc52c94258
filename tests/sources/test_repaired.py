from __future__ import annotations

from pathlib import Path

import pytest
from support.pki import issue

from certboot.pki.certificate import load_certificate
from certboot.sources import repaired
from certboot.sources.repaired import Need, Repair, render_repair

CA, OTHER = (load_certificate(issue(name).der) for name in ("CA", "Other"))
NEEDS = tuple(Need(f"{n}.example:443", "2026-11-25", "http://ca.example/", "Root") for n in range(5))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "repaired"
    made.mkdir()
    (made / "CA.pem").write_bytes(render_repair(Repair(CA, NEEDS[:1])))
    return made


def test_a_folder_gives_intermediates_with_who_needed_them(folder: Path) -> None:
    loaded = repaired.read(folder).parse()
    (candidate,) = loaded.candidates
    assert (candidate.certificate, candidate.source, candidate.role) == (CA, "repaired", "intermediate")
    assert candidate.detail == NEEDS[0].shown
    assert loaded.rejections == ()


def test_what_is_new_is_offered_in_the_same_words(folder: Path) -> None:
    assert repaired.offered((Repair(CA, NEEDS[:1]),)) == repaired.read(folder).parse()


def test_no_folder_gives_nothing(tmp_path: Path) -> None:
    unparsed = repaired.read(tmp_path / "none")
    assert (unparsed.pieces, unparsed.parse().candidates) == ((), ())


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
        "broken.pem": ("unreadable", "not a certificate that OpenSSL can read"),
        "empty.pem": ("unreadable", "it does not contain exactly one certificate"),
        "large.pem": ("unreadable", "it cannot be read"),
        "two.pem": ("unreadable", "it does not contain exactly one certificate"),
        "folder.pem": ("unreadable", "it cannot be read"),
    }


def test_every_change_of_a_file_is_seen(folder: Path) -> None:
    before = repaired.read(folder).pieces
    assert repaired.read(folder).pieces == before
    (folder / "CA.pem").write_bytes(render_repair(Repair(CA, NEEDS)))
    assert repaired.read(folder).pieces != before


def test_of_many_servers_the_first_three_are_named() -> None:
    assert repaired.detail(NEEDS).count("needed by") == 3
    assert repaired.detail(NEEDS).endswith("; and by 2 more")
    assert repaired.detail(()) == "nobody knows for whom"
