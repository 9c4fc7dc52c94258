"""The chain file that a server should send: completed from what it sent and what the store has, and checked."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support.chains import CA, LEAF, Made, make
from support.issuers import leaf, respelled
from support.pki import DAY, NOW, Issued, issue
from support.report import Reports, intermediate, revoked, root, save
from support.table import cases

from certboot.sources import ccadb
from certboot.store.paths import StorePaths

if typing.TYPE_CHECKING:
    from support.asking import Answer
    from support.environments import Ran

Ask = Callable[..., "Answer"]
Run = Callable[..., "Ran"]
ROOT = make("Corp Root", form=CA)
UPPER = make("Corp Policy CA", ROOT, CA)
MIDDLE = make("Corp Issuing CA", UPPER, CA)
SERVER = make("localhost", MIDDLE)
OTHER = make("Old Issuing CA", make("Old Root", form=CA), CA)


def issued(made: Made) -> Issued:
    return Issued(made.certificate, typing.cast("typing.Any", made.key))


@pytest.fixture
def sends(ask: Ask, tmp_path: Path, trust: Callable[..., Path]) -> Callable[..., Answer]:
    """Ask about a server that sends these, with the root as the active trust."""
    trust(ROOT)

    def run(*sent: Made, host: str = "localhost") -> Answer:
        file = tmp_path / "chain.pem"
        file.write_bytes(b"".join(each.pem for each in sent))
        return ask("hook", "--chain", file, "--host", host)

    return run


def reports(folder: Path, *gone: Made, more: tuple[Made, ...] = ()) -> Path:
    made = Reports(
        (root(issued(ROOT)),),
        tuple(intermediate(issued(each)) for each in (UPPER, MIDDLE, *more)),
        tuple(revoked(issued(each)) for each in gone or (OTHER,)),
    )
    return save(made.bodies(), folder)


@pytest.fixture
def store(certboot: Run, tmp_path: Path) -> Callable[..., Path]:
    """Fill the store with the root and its intermediates from reports of the CCADB, some of them revoked."""

    def fill(*gone: Made, more: tuple[Made, ...] = ()) -> Path:
        folder = reports(tmp_path / "reports", *gone, more=more)
        assert certboot("init", "--source", "ccadb", "--intermediates", "--from", folder).status == 0
        return folder

    return fill


def sent_by(answer: Answer) -> str:
    return str(answer.first["evidence"].get("send", {}).get("pem", ""))


def pem(*chain: Made) -> str:
    return b"".join(each.pem for each in chain).decode("ascii")


def test_what_is_missing_comes_from_the_store_at_every_height(
    sends: Callable[..., Answer], store: Callable[..., Path]
) -> None:
    assert sent_by(sends(SERVER)) == ""
    store()
    answer = sends(SERVER)
    assert answer.primary == "missing-intermediate"
    assert sent_by(answer) == pem(SERVER, MIDDLE, UPPER)
    assert answer.first["evidence"]["send"]["subjects"] == ["CN=localhost", "CN=Corp Issuing CA", "CN=Corp Policy CA"]
    assert sent_by(sends(SERVER, UPPER)) == pem(SERVER, MIDDLE, UPPER)


def test_an_intermediate_whose_name_is_another_kind_of_string_completes_the_chain(
    ask: Ask, certboot: Run, tmp_path: Path, trust: Callable[..., Path]
) -> None:
    """OpenSSL compares names in a canonical form, and so finds the issuer that the CCADB lists."""
    top = issue("Corp Root")
    trust(typing.cast("Made", top))
    ca, other = respelled(top)
    for name, middle in (("same", ca), ("other", other)):
        made = Reports((root(top),), (intermediate(middle),), (revoked(issued(OTHER)),))
        folder = save(made.bodies(), tmp_path / name)
        assert certboot("init", "--source", "ccadb", "--from", folder).status == 0
        file = tmp_path / "chain.pem"
        server = leaf(ca)
        file.write_bytes(server.pem)
        answer = ask("hook", "--chain", file, "--host", "localhost")
        assert sent_by(answer).encode() == server.pem + middle.pem


def test_what_was_sent_is_put_in_order_without_root_and_strangers(sends: Callable[..., Answer]) -> None:
    assert sent_by(sends(SERVER, ROOT, OTHER, UPPER, MIDDLE)) == pem(SERVER, MIDDLE, UPPER)


def test_an_intermediate_that_is_trusted_here_is_sent_all_the_same_if_there_is_a_root_above(
    sends: Callable[..., Answer], trust: Callable[..., Path]
) -> None:
    trust(MIDDLE)
    assert sent_by(sends(SERVER)) == sent_by(sends(SERVER, ROOT, UPPER)) == ""
    trust(MIDDLE, UPPER, ROOT)
    assert sent_by(sends(SERVER)) == pem(SERVER, MIDDLE, UPPER)


def test_a_server_that_sends_just_that_is_told_nothing(sends: Callable[..., Answer]) -> None:
    answer = sends(SERVER, MIDDLE, UPPER)
    assert (answer.primary, sent_by(answer)) == (None, "")


@cases("listed", [True, False])
def test_no_revoked_certificate_is_ever_recommended(
    sends: Callable[..., Answer], store: Callable[..., Path], *, listed: bool
) -> None:
    folder = store(MIDDLE)
    if not listed:
        (folder / ccadb.REVOKED.rpartition("/")[2]).unlink()
    assert sent_by(sends(SERVER)) == ""


def test_what_has_been_revoked_since_the_last_update_is_gone_around(
    sends: Callable[..., Answer], store: Callable[..., Path]
) -> None:
    short = make("Corp Issuing CA", ROOT, CA, key=MIDDLE.key)
    folder = store(more=(short,))
    assert sent_by(sends(SERVER)) == pem(SERVER, short)
    reports(folder, short, more=(short,))
    assert sent_by(sends(SERVER)) == pem(SERVER, MIDDLE, UPPER)


def test_a_forged_issuer_and_a_fault_of_the_leaf_are_not_mended_by_a_file(
    sends: Callable[..., Answer], store: Callable[..., Path]
) -> None:
    store()
    forged = make("localhost", MIDDLE, signer=OTHER.key)
    past = make("localhost", MIDDLE, dataclasses.replace(LEAF, valid=(NOW - 9 * DAY, NOW - DAY)))
    for wrong in (forged, past):
        assert sent_by(sends(wrong)) == sent_by(sends(wrong, ROOT, MIDDLE, UPPER)) == ""
    assert sent_by(sends(SERVER, ROOT, MIDDLE, UPPER, host="other.example")) == ""
    assert sent_by(sends(SERVER, ROOT, MIDDLE, UPPER)) != ""


def test_a_damaged_store_adds_nothing(
    sends: Callable[..., Answer], store: Callable[..., Path], paths: StorePaths
) -> None:
    store()
    (paths.current / "manifest.json").write_text("{")
    assert sent_by(sends(SERVER)) == ""
    assert sent_by(sends(SERVER, ROOT, MIDDLE, UPPER)) == pem(SERVER, MIDDLE, UPPER)
