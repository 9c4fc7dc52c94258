"""What Pythons with other OpenSSLs say of a chain stands beside what this one's says, where they differ."""

from __future__ import annotations

import dataclasses
import datetime

import pytest
from support.chains import chains
from support.table import cases

from certboot.doctor.diagnosis import diagnosed
from certboot.doctor.examination import ClientVerdict
from certboot.doctor.server import pythons
from certboot.doctor.server.case import Evidence, Judgements
from certboot.doctor.server.diagnosis import _judged, examined
from certboot.doctor.server.pythons import python_verdicts
from certboot.net.target import Target
from certboot.pki.by_subject import readable_parts
from certboot.pki.openssl import MODELS, OURS, Version, does
from certboot.pki.verdict import STRICT_PYTHON, Judgement
from certboot.pki.verify import Rules, verify
from certboot.pki.verify_codes import Code

OLD, NEW = "Python up to 3.12", "Python 3.13 and newer"
ON_3 = pytest.mark.skipif(MODELS["3.0"][:1] != OURS[:1], reason="for an OpenSSL 3")


def evidence(text: str) -> Evidence:
    """A chain of the table as this Python's OpenSSL judges it, which test_openssl.py holds against it."""
    chain, now = chains()[text], datetime.datetime.now(datetime.timezone.utc)
    sent, trusted = map(readable_parts, (chain.sent, chain.trusted))

    def said(*, strict: bool) -> Judgement:
        code = verify(sent, trusted, Rules(now, chain.host, strict=strict)).code
        return Judgement(code, Code(code).words)

    judgements = Judgements(said(strict=STRICT_PYTHON), said(strict=False), said(strict=True))
    return Evidence(Target(chain.host, 443), now, judgements, chain.sent, chain.trusted)


TABLE = {
    "good": [(OLD, "", 0), (NEW, "", 0)],
    "expired leaf": [(OLD, "", 10), (NEW, "", 10)],
    "root without SKI": [(OLD, "", 0), (NEW, "", 86)],
    "root not critical": [(OLD, "", 0), (NEW, "before 4.0", 89), (NEW, "4.0 and newer", 0)],
    "not critical and without SKI": [(OLD, "", 0), (NEW, "before 4.0", 89), (NEW, "4.0 and newer", 86)],
    "no subject": [(OLD, "", 0), (NEW, "before 4.0", 88), (NEW, "4.0 and newer", 0)],
    "AKI of nothing": [(OLD, "", 0), (NEW, "before 4.0", 85), (NEW, "4.0 and newer", 102)],
    "AKI of key and issuer": [(OLD, "", 0), (NEW, "before 4.0", 0), (NEW, "4.0 and newer", 103)],
    "AKI of issuer and serial": [(OLD, "", 0), (NEW, "before 4.0", 85), (NEW, "4.0 and newer", 0)],
    "web address of a user": [
        (OLD, "before 3.5", 47), (OLD, "3.5 and newer", 0), (NEW, "before 3.5", 47), (NEW, "3.5 and newer", 0),
    ],
    "ML-DSA": [
        (OLD, "before 3.5", 20), (OLD, "3.5 and newer", 0), (NEW, "before 3.5", 20), (NEW, "3.5 and newer", 0),
    ],
    "middle trusted alone": [(OLD, "", 2), (NEW, "", 0)],
}  # fmt: skip

UNREAD = 0 if does(OURS, "ML-DSA") else 20
NOT_VERIFIED = {"ML-DSA": [(OLD, "", UNREAD), (NEW, "", UNREAD)]}
"""Where cryptography verifies no ML-DSA nothing is computed for other versions."""


@cases(("text", "rows"), (TABLE if pythons.VERIFIES_ML_DSA else TABLE | NOT_VERIFIED).items())
def test_each_kind_of_python_has_a_row_for_each_span_of_versions(text: str, rows: list[tuple[str, str, int]]) -> None:
    given = evidence(text)
    verdicts = diagnosed("h:1", tuple(examined(given))).verdicts
    assert [(said.client, said.openssl, said.code) for said in verdicts] == rows
    assert all(bool(said.rule) == bool(said.code) for said in verdicts)
    assert all(said.message == Code(said.code).words for said in verdicts)


def test_without_ml_dsa_in_cryptography_only_what_this_openssl_says_is_told_of_what_it_signed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pythons, "VERIFIES_ML_DSA", False)
    for text in ("ML-DSA", "web address of a user"):
        verdicts = diagnosed("h:1", tuple(examined(evidence(text)))).verdicts
        assert [(said.client, said.openssl, said.code) for said in verdicts] == (TABLE | NOT_VERIFIED)[text]


def test_where_this_openssl_says_otherwise_nothing_is_computed_for_others() -> None:
    given = evidence("root not critical")
    odd = dataclasses.replace(given, judgements=Judgements(Judgement(0, "ok"), Judgement(26, "x"), Judgement(26, "y")))
    sent = map(readable_parts, (given.presented, given.anchors))
    said = [(verdict.client, verdict.openssl, verdict.message) for verdict in python_verdicts(odd, *sent)]
    assert said == [(OLD, "", "x"), (NEW, "", "y")]


@ON_3
@pytest.mark.skipif(STRICT_PYTHON, reason="for a Python that is not strict")
def test_a_chain_that_only_others_refuse_is_a_warning_of_that_rule() -> None:
    for text, kind in (
        ("root not critical", "strict-basic-constraints"),
        ("AKI of key and issuer", "strict-missing-aki"),
    ):
        first, *_ = examined(evidence(text))
        assert (first.id, first.status) == (kind, "warn")
    first, *_ = examined(evidence("AKI of key and issuer"), by_openssl=False)
    assert first.id == "handshake-ok"


@cases(
    ("text", "control"),
    [("ML-DSA", "good"), ("ML-DSA key", "good"), ("ML-DSA, not trusted", "root sent, another trusted")],
)
def test_a_chain_of_ml_dsa_is_named_where_this_openssl_cannot_read_it(text: str, control: str) -> None:
    first, *others = examined(evidence(text))
    if does(OURS, "ML-DSA"):
        assert (first.id, first.status) != ("openssl-too-old", "fail")
    else:
        assert (first.id, first.status, first.fix) == ("openssl-too-old", "fail", ())
        assert "OpenSSL 3.5 or newer" in first.summary
        assert [finding.id for finding in others if finding.status != "info"] == []
    assert examined(evidence(control))[0].id != "openssl-too-old"


@cases(("text", "refusal", "kind"), [
    ("ML-DSA", (OLD, "before 3.5", 20, "", "", False, MODELS["3.0"]), "openssl-too-old"),
    ("ML-DSA", (NEW, "before 3.5", 20, "", "", True, MODELS["3.0"]), "openssl-too-old"),
    ("web address of a user", (OLD, "before 3.5", 47, "", "", False, MODELS["3.0"]), "name-constraints"),
    ("AKI of nothing", (NEW, "4.0 and newer", 102, "", "", True, MODELS["4.0"]), "strict-missing-aki"),
    ("algorithms differ in the root", (NEW, "", 78, "", "", True, MODELS["3.0"]), "verification-failed"),
])  # fmt: skip
def test_what_only_other_versions_refuse_fails_nowhere_here(
    text: str, refusal: tuple[str, str, int, str, str, bool, Version], kind: str
) -> None:
    good = Judgement(0, "ok")
    given = dataclasses.replace(evidence(text), judgements=Judgements(good, good, good))
    lax = (ClientVerdict(OLD, "before 3.5", 20, "", version=MODELS["3.0"]),) * (text == "ML-DSA")
    _, cause = _judged(given, readable_parts(given.presented), (*lax, ClientVerdict(*refusal)))
    assert (cause.id, cause.status) == (kind, "warn")
    assert "OpenSSL before 3.5" in cause.meaning or kind != "openssl-too-old"
