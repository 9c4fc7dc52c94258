from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone

import pytest
from support.table import cases

from certboot.errors import StoreError
from certboot.sources.candidates import Role
from certboot.store.manifest import Choices, Descent, Entry, Manifest, Provenance
from certboot.store.selection import beyond, choose, difference, find, first_outlived

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)


def entry(digits: str, name: str, *, role: Role = "anchor", days: int = 100, sources: tuple[str, ...] = ()) -> Entry:
    reasons = tuple(Provenance(source, "", "2026-01-01") for source in sources)
    expiry = (NOW + timedelta(days=days)).isoformat()
    descent = Descent("above", "top") if role == "intermediate" else Descent("", "")
    sha256, subject = digits.ljust(64, "0"), f"CN={name},O=Corp Ltd"
    return Entry(sha256, name, subject, "", expiry, reasons, descent=descent)


def record(*entries: Entry) -> Manifest:
    return Manifest(1, "", "init", Choices(), entries, ())


ALPHA = entry("abcd12", "Alpha Root", sources=("certifi", "system"), days=10)
BETA = entry("abcd34", "Beta", role="intermediate", sources=("ccadb",), days=30)
GAMMA = entry("beef00", "Gamma", sources=("added",), days=-1)
STORE = record(ALPHA, BETA, GAMMA)


@cases(
    "text",
    [ALPHA.sha256, "abcd12", "ABCD12", "AB:CD:12", "Alpha Root", "alpha root", "CN=Alpha", "alpha r"],
)
def test_a_certificate_is_found_by_its_first_digits_its_name_or_a_part_of_its_subject(text: str) -> None:
    assert find(STORE, text) == ALPHA


def test_the_first_way_that_finds_anything_counts() -> None:
    """Digits before names, and a whole name before a part of a subject."""
    beef, part = entry("1234", "beef"), entry("5678", "Gamma Two")
    assert find(record(GAMMA, beef), "beef") == GAMMA
    assert find(record(GAMMA, part), "gamma") == GAMMA


def test_beyond_a_source_are_the_anchors_that_it_does_not_have() -> None:
    assert beyond(STORE, "certifi") == (GAMMA,)
    assert beyond(STORE, "system") == (GAMMA,)
    with pytest.raises(StoreError):
        beyond(STORE, "ccadb")


@cases("text", ["abcd", "corp ltd", "O=Corp"])
def test_several_are_an_error_that_lists_ten_of_them(text: str) -> None:
    with pytest.raises(StoreError) as refused:
        find(record(ALPHA, BETA), text)
    assert refused.value.message == f"{text!r} names 2 certificates"
    assert refused.value.hint.split("\n")[1:] == ["  abcd120000000000  Alpha Root", "  abcd340000000000  Beta"]
    with pytest.raises(StoreError) as refused:
        find(record(*(entry(f"abcd{number:02}", f"CA {number}") for number in range(13))), text)
    assert refused.value.hint.split("\n")[-2:] == ["  abcd090000000000  CA 9", "  and 3 more"]


@cases("text", ["abce", "abc", "delta", "CN=alpha root,O=Other", f"{ALPHA.sha256}0"])
def test_none_is_an_error(text: str) -> None:
    """Three digits are too few to be meant as such; nothing at all, as in ``distrust "$ID"``, names no only one."""
    with pytest.raises(StoreError) as refused:
        find(STORE, text)
    assert refused.value.message == f"no certificate of the store is named by {text!r}"
    assert refused.value.hint
    for nothing in ("", " "):
        with pytest.raises(StoreError):
            find(record(ALPHA), nothing)


@cases(
    ("role", "source", "expected"),
    [
        ("", "", [ALPHA, BETA, GAMMA]), ("anchor", "", [ALPHA, GAMMA]), ("intermediate", "", [BETA]),
        ("", "system", [ALPHA]), ("", "company", []), ("anchor", "certifi", [ALPHA]),
    ],
)  # fmt: skip
def test_filters_go_together(role: str, source: str, expected: list[Entry]) -> None:
    assert choose(STORE, role=role, source=source) == tuple(expected)


def test_a_difference_is_what_came_and_what_went_be_it_by_a_change_of_role() -> None:
    assert difference(record(ALPHA, GAMMA), record(GAMMA, BETA)) == ((BETA,), (ALPHA,))
    assert difference(None, record(ALPHA)) == ((ALPHA,), ())
    assert difference(STORE, STORE) == ((), ())
    raised = entry("abcd34", "Beta")
    assert difference(record(BETA), record(raised)) == ((raised,), (BETA,))


def below(issuer: Entry, digits: str, days: int) -> Entry:
    made = entry(digits, f"Below {issuer.name}", role="intermediate", days=days)
    return dataclasses.replace(made, descent=Descent(issuer.sha256, issuer.sha256))


def test_an_update_is_due_when_the_first_ends_that_has_something_below_it_which_does_not() -> None:
    first, second, third = (entry(f"{days:04}", f"Root {days}", days=days) for days in (10, 20, 30))
    nested, outliving = below(first, "aaaa", 9), below(second, "bbbb", 21)
    assert first_outlived(record(first, second, third)) is None
    assert first_outlived(record(first, nested, below(second, "cccc", 20), third)) is None
    assert first_outlived(record(first, nested, second, outliving, third, below(third, "dddd", 99))) == second
    assert first_outlived(record(second, outliving, below(outliving, "eeee", 22), below(first, "ffff", 11))) == second
    deeper = below(nested, "eeee", 10)
    assert first_outlived(record(first, nested, deeper, second, outliving)) == nested
