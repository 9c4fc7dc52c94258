"""The chain file that a server should send: completed from what it sent and what the store has, and checked."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support.asking import Answer, Ask, Trust
from support.commands import Run
from support.issuers import leaf, respelled
from support.pki import CA, DAY, LEAF, NOW, Issued, issue, make
from support.report import Reports, intermediate, revoked, root, save
from support.table import cases

from certboot.sources import ccadb
from certboot.store.paths import StorePaths

Sends = Callable[..., Answer]
Fill = Callable[..., Path]
ROOT = make("Corp Root", form=CA)
UPPER = make("Corp Policy CA", ROOT, CA)
MIDDLE = make("Corp Issuing CA", UPPER, CA)
SERVER = make("localhost", MIDDLE)
OTHER = make("Old Issuing CA", make("Old Root", form=CA), CA)


@pytest.fixture
def sends(ask: Ask, tmp_path: Path, trust: Trust) -> Sends:
    """Ask about a server that sends these, with the root as the active trust."""
    trust(ROOT)

    def run(*sent: Issued, host: str = "localhost") -> Answer:
        (tmp_path / "chain.pem").write_bytes(b"".join(member.pem for member in sent))
        return ask("hook", "--chain", tmp_path / "chain.pem", "--host", host)

    return run


def reports(folder: Path, *gone: Issued, top: Issued = ROOT, middles: tuple[Issued, ...] = (UPPER, MIDDLE)) -> Path:
    rows = tuple(intermediate(middle) for middle in middles)
    return save(Reports((root(top),), rows, tuple(revoked(issued) for issued in gone or (OTHER,))).bodies(), folder)


@pytest.fixture
def fill(certboot: Run, tmp_path: Path) -> Fill:
    """Fill the store with the root and its intermediates from reports of the CCADB, some of them revoked."""

    def run(*gone: Issued, **rows: typing.Any) -> Path:  # noqa: ANN401
        folder = reports(tmp_path / "reports", *gone, **rows)
        assert certboot("init", "--source", "ccadb", "--intermediates", "--from", folder).status == 0
        return folder

    return run


def sent_by(answer: Answer) -> str:
    return str(answer.first["evidence"].get("send", {}).get("pem", ""))


def pem(*chain: Issued) -> str:
    return b"".join(each.pem for each in chain).decode("ascii")


def test_what_is_missing_comes_from_the_store_at_every_height(sends: Sends, fill: Fill) -> None:
    assert sent_by(sends(SERVER)) == ""
    fill()
    answer = sends(SERVER)
    assert answer.primary == "missing-intermediate"
    assert sent_by(answer) == pem(SERVER, MIDDLE, UPPER)
    assert answer.first["evidence"]["send"]["subjects"] == ["CN=localhost", "CN=Corp Issuing CA", "CN=Corp Policy CA"]
    assert sent_by(sends(SERVER, UPPER)) == pem(SERVER, MIDDLE, UPPER)


def test_an_issuer_named_in_another_kind_of_string_completes_it(sends: Sends, fill: Fill, trust: Trust) -> None:
    """OpenSSL compares names in a canonical form, and so finds the issuer that the CCADB lists."""
    top = issue("Corp Root")
    trust(top)
    ca, other = respelled(top)
    server = leaf(ca)
    for middle in (ca, other):
        fill(top=top, middles=(middle,))
        assert sent_by(sends(server)) == pem(server, middle)


def test_what_was_sent_is_put_in_order_without_root_and_strangers_and_what_is_right_is_not_told(sends: Sends) -> None:
    assert sent_by(sends(SERVER, ROOT, OTHER, UPPER, MIDDLE)) == pem(SERVER, MIDDLE, UPPER)
    answer = sends(SERVER, MIDDLE, UPPER)
    assert (answer.primary, sent_by(answer)) == (None, "")


def test_a_trusted_intermediate_below_a_root_is_sent_all_the_same(sends: Sends, trust: Trust) -> None:
    trust(MIDDLE)
    assert sent_by(sends(SERVER)) == sent_by(sends(SERVER, ROOT, UPPER)) == ""
    trust(MIDDLE, UPPER, ROOT)
    assert sent_by(sends(SERVER)) == pem(SERVER, MIDDLE, UPPER)


@cases("listed", [True, False])
def test_no_revoked_certificate_is_ever_recommended(sends: Sends, fill: Fill, *, listed: bool) -> None:
    folder = fill(MIDDLE)
    if not listed:
        (folder / ccadb.REVOKED.rpartition("/")[2]).unlink()
    assert sent_by(sends(SERVER)) == ""


def test_what_has_been_revoked_since_the_last_update_is_gone_around(sends: Sends, fill: Fill) -> None:
    short = make("Corp Issuing CA", ROOT, CA, key=MIDDLE.key)
    folder = fill(middles=(UPPER, MIDDLE, short))
    assert sent_by(sends(SERVER)) == pem(SERVER, short)
    reports(folder, short, middles=(UPPER, MIDDLE, short))
    assert sent_by(sends(SERVER)) == pem(SERVER, MIDDLE, UPPER)


def test_a_forged_issuer_and_a_fault_of_the_leaf_are_not_mended_by_a_file(sends: Sends, fill: Fill) -> None:
    fill()
    forged = make("localhost", MIDDLE, signer=OTHER.key)
    past = make("localhost", MIDDLE, dataclasses.replace(LEAF, valid=(NOW - 9 * DAY, NOW - DAY)))
    for wrong in (forged, past):
        assert sent_by(sends(wrong)) == sent_by(sends(wrong, ROOT, MIDDLE, UPPER)) == ""
    assert sent_by(sends(SERVER, ROOT, MIDDLE, UPPER, host="other.example")) == ""
    assert sent_by(sends(SERVER, ROOT, MIDDLE, UPPER)) != ""


def test_a_damaged_store_adds_nothing(sends: Sends, fill: Fill, paths: StorePaths) -> None:
    fill()
    (paths.current / "manifest.json").write_text("{")
    assert sent_by(sends(SERVER)) == ""
    assert sent_by(sends(SERVER, ROOT, MIDDLE, UPPER)) == pem(SERVER, MIDDLE, UPPER)
