from __future__ import annotations

from datetime import datetime, timedelta, timezone

from support.pki import NOW, Issued, issue

from certboot.cli.adopt import effect_text, offer_text
from certboot.clients.variables import Adoption
from certboot.pki.certificate import load_certificate
from certboot.sources.candidates import Candidate, Loaded, Rejection
from certboot.store import manifest
from certboot.store.manifest import TrustAnchor

A, B = issue("A"), issue("B")
ENDED = issue("Ended", valid=(NOW - timedelta(days=9), NOW - timedelta(days=1)))
OUT = issue("Out")
HELD = TrustAnchor(load_certificate(A.der), ())
STORE = manifest.Manifest(1, "", "init", manifest.Choices(), (manifest.entry("a.pem", HELD),), ())
FIRST, SECOND = Adoption("PIP_CERT", "/first\x1b.pem"), Adoption("SSL_CERT_DIR", "/a:/b")


def loaded(*issued: Issued) -> Loaded:
    return Loaded(tuple(Candidate(load_certificate(each.der), "adopted", "/first\x1b.pem") for each in issued))


def shown(*offers: tuple[Adoption, Loaded], lost: tuple[Rejection, ...] = ()) -> list[str]:
    return offer_text(offers, STORE, lost, datetime.now(timezone.utc)).split("\n")


def test_only_what_would_be_new_in_the_store_is_shown_in_full_and_once() -> None:
    lines = shown((FIRST, loaded(A, B, ENDED)), (SECOND, loaded(B, B)))
    assert lines[0] == "PIP_CERT=/first\N{REPLACEMENT CHARACTER}.pem: certificates: 3 found, 1 of them new"
    assert lines[1] == "CN=B"
    assert lines[4] == "  from     /first\N{REPLACEMENT CHARACTER}.pem"
    assert lines[5:] == ["SSL_CERT_DIR=/a:/b: certificates: 1 found, 0 of them new"]


def test_what_does_not_enter_is_not_shown_as_if_it_did() -> None:
    candidate = load_certificate(OUT.der)
    lost = (
        Rejection("distrusted", "adopted", "/first.pem", "you said so\x1b", candidate.fingerprint, candidate.subject),
        Rejection("unreadable", "adopted", "/second\x1b.pem", "the block in line 3"),
    )
    assert shown((FIRST, loaded(A, OUT)), lost=lost) == [
        "PIP_CERT=/first\N{REPLACEMENT CHARACTER}.pem: certificates: 2 found, 0 of them new",
        "does not enter: CN=Out: you said so\N{REPLACEMENT CHARACTER}",
        "does not enter: /second\N{REPLACEMENT CHARACTER}.pem: the block in line 3",
    ]


def test_the_effect_names_each_variable_once_and_the_way_back() -> None:
    assert effect_text([FIRST, SECOND, FIRST]) == (
        "from the next start of Python on, its hook replaces these values of PIP_CERT, SSL_CERT_DIR, and no others\n"
        "undo: certboot adopt --undo"
    )
