"""The cause follows from values alone: OpenSSL's code, what was sent, what is known. No server, no clock."""

from __future__ import annotations

import dataclasses
import datetime
import typing

from cryptography import x509
from support.pki import CA, DAY, LEAF, NOW, Form, Issued, make
from support.table import cases

from certboot.doctor.finding import Finding
from certboot.doctor.server.case import Clock, Distrust, Evidence, Judgements, Known
from certboot.doctor.server.diagnosis import examined
from certboot.net.handshake import Handshake, Peer
from certboot.net.target import Target
from certboot.pki.parsed import parsed_certificate
from certboot.pki.verdict import Judgement, openssl_verdict, verifying_context

ROOT = make("Corp Root", form=CA)
MIDDLE = make("Middle", ROOT, CA)
SERVER = make("localhost", MIDDLE)
TARGET = Target("localhost", 8443)


def changed(form: Form, **changes: object) -> Form:
    return dataclasses.replace(form, **changes)  # type: ignore[arg-type]


def examine(
    code: int,
    *sent: Issued,
    trusted: tuple[Issued, ...] = (),
    known: Known | None = None,
    **more: typing.Any,  # noqa: ANN401
) -> list[Finding]:
    here = Judgement(code, "in OpenSSL's words")
    judgements = more.pop("judgements", None) or Judgements(here, lax=here)
    target = more.pop("target", TARGET)
    handshake = more.pop("handshake", None)
    more.setdefault("strict_here", False)
    return examined(
        Evidence(
            target, NOW, judgements, tuple(each.der for each in sent), tuple(each.der for each in trusted),
            handshake, known=known or Known(), **more,
        )
    )  # fmt: skip


def cause(code: int, *sent: Issued, **more: typing.Any) -> str:  # noqa: ANN401
    return examine(code, *sent, **more)[0].id


OTHER = make("Other Root", form=CA)


SENT = (SERVER, MIDDLE)


@cases(("sent", "codes"), [
    (SENT, {
        "untrusted-root": (2, 20, 21), "hostname-mismatch": (62, 64), "weak-key": (66, 67), "weak-signature": (68,),
        "not-a-ca": (79, 32, 37), "path-length-exceeded": (25,), "wrong-purpose": (26,), "name-constraints": (47, 53),
        "invalid-signature": (7,), "distrusted-by-user": (28,), "not-yet-valid": (9,), "expired-leaf": (10,),
        "verification-failed": (34, 9999),
    }),
    ((*SENT, ROOT), {"untrusted-root": (19, 27)}),
    ((make("localhost"),), {"self-signed-leaf": (18,)}),
])  # fmt: skip
def test_the_code_decides_whatever_was_sent(sent: tuple[Issued, ...], codes: dict[str, tuple[int, ...]]) -> None:
    for expected, code in ((expected, code) for expected, some in codes.items() for code in some):
        first = examine(code, *sent, trusted=(OTHER,))[0]
        assert (first.id, first.status, first.subject) == (expected, "fail", "localhost:8443")
        assert first.summary.startswith(f"Verify return code: {code} (in OpenSSL's words)\n")


@cases(("code", "expected"), [
    (0, "handshake-ok"), (9, "not-yet-valid"), (10, "expired-leaf"), (18, "self-signed-leaf"), (19, "untrusted-root"),
    (20, "untrusted-root"), (28, "distrusted-by-user"), (34, "verification-failed"), (62, "hostname-mismatch"),
    (79, "not-a-ca"),
])  # fmt: skip
def test_where_the_leaf_was_not_seen_the_code_is_all_there_is(code: int, expected: str) -> None:
    for sent in ((), (b"junk",), (b"junk", SERVER.der)):
        (finding,) = examined(Evidence(TARGET, NOW, Judgements(Judgement(code, "words")), sent))
        assert (finding.id, finding.status) == (expected, "fail" if code else "ok")


def key_ids(issuer: Issued, grandparent: x509.Name) -> Form:
    """An authority key identifier that also names the issuer's issuer."""
    public = x509.SubjectKeyIdentifier.from_public_key(issuer.key.public_key()).digest
    value = x509.AuthorityKeyIdentifier(public, [x509.DirectoryName(grandparent)], issuer.certificate.serial_number)
    return changed(LEAF, aki=False, extra=((value, False),))


ISSUING = make("Corp Issuing CA", ROOT, CA)
OWN = changed(CA, organisation="Corp")
AT = changed(LEAF, issuer_at="http://pki.example/ca.cer")


INTERMEDIATES = Known(intermediates=(parsed_certificate(MIDDLE.der),))
ELSEWHERE = Known(elsewhere=((parsed_certificate(MIDDLE.der), "certifi"),))
X1 = make("X1", form=OWN)


@cases(("leaf", "known", "expected", "certain"), [
    (make("localhost", MIDDLE), Known(), "untrusted-root", False),
    (make("localhost", MIDDLE), INTERMEDIATES, "missing-intermediate", True),
    (make("localhost", MIDDLE), ELSEWHERE, "untrusted-root", True),
    (make("localhost", MIDDLE, AT), Known(), "missing-intermediate", False),
    (make("localhost", ROOT, AT), Known(), "untrusted-root", False),
    (make("localhost", ISSUING), Known(), "missing-intermediate", False),
    (make("localhost", make("Zscaler Intermediate Root CA", form=CA), AT), Known(), "untrusted-root", False),
    (make("localhost", make("Zscaler Issuing CA", form=CA), AT), Known(), "untrusted-root", False),
    (make("localhost", X1), Known(organisations=frozenset({"Corp"})), "missing-intermediate", False),
    (make("localhost", X1), Known(organisations=frozenset({"Else"})), "untrusted-root", False),
    (make("localhost", MIDDLE, key_ids(MIDDLE, ROOT.certificate.subject)), Known(), "missing-intermediate", True),
    (make("localhost", OTHER, key_ids(OTHER, OTHER.certificate.subject)), Known(), "untrusted-root", True),
    (make("localhost", ISSUING, key_ids(ISSUING, ISSUING.certificate.subject)), Known(), "untrusted-root", True),
])  # fmt: skip
def test_a_missing_issuer_is_an_intermediate_or_a_root(
    leaf: Issued, known: Known, expected: str, *, certain: bool
) -> None:
    finding = examine(20, leaf, known=known)[0]
    assert finding.examination
    assert (finding.id, finding.examination.certain) == (expected, certain)
    word = "repair" if expected == "missing-intermediate" else "trust"
    if not known.elsewhere:
        can_be_had = bool(parsed_certificate(leaf.der).issuers_at or known.intermediates)
        assert finding.fix == ((("certboot", word, "localhost:8443"),) if can_be_had else ())
    if not certain and "inspection" not in finding.evidence:
        assert ("certboot repair fetches it" in finding.summary) == bool(parsed_certificate(leaf.der).issuers_at)
        assert "certboot trust FILE" in finding.summary
    assert [link.state for link in finding.examination.path] == ["sent", "missing"]


def test_the_organisation_of_an_issuer_adds_no_line_and_drives_no_terminal() -> None:
    evil = "O\nhint: \x1b[2J"
    issuer = make("X1", form=changed(CA, organisation=evil))
    (finding,) = examine(20, make("localhost", issuer), known=Known(organisations=frozenset({evil})))
    lines = finding.summary.split("\n")
    assert sum("a root of the same organisation" in line for line in lines) == 1
    assert [line for line in lines if not line.isprintable() or line.startswith("hint")] == []


def test_the_way_to_the_server_is_in_the_remedy() -> None:
    target = Target("::1", 25, "smtp", ("::1", 2525), "mail.example")
    ((*argv,),) = examine(20, make("mail.example", MIDDLE, AT), target=target)[0].fix
    assert argv == [
        "certboot", "repair", "[::1]:25", "--starttls", "smtp", "--connect", "[::1]:2525", "--servername", "mail.example"  # noqa: E501
    ]  # fmt: skip


@cases("at", ["http://pki.example/ca.cer", ""])
def test_a_chain_of_strangers_can_be_repaired_if_the_leaf_says_where_its_issuer_is(at: str) -> None:
    leaf = make("localhost", MIDDLE, changed(LEAF, issuer_at=at))
    finding = examine(20, leaf, make("Old Issuing CA", OTHER, CA))[0]
    assert (finding.id, bool(finding.fix)) == ("wrong-chain", bool(at))


@cases(
    ("code", "name", "expected"),
    [
        (20, "localhost", ["untrusted-root"]),
        (20, "other.example", ["untrusted-root", "hostname-mismatch"]),
        (20, "127.0.0.1", ["untrusted-root", "ip-not-in-san"]),
        (62, "other.example", ["hostname-mismatch"]),
        (20, "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example", ["untrusted-root"]),
    ],
)
def test_that_the_name_is_wrong_too_is_told_before_the_trust_is_mended(
    code: int, name: str, expected: list[str]
) -> None:
    findings = examine(code, *SENT, trusted=(OTHER,), target=Target(name, 8443))
    assert [finding.id for finding in findings] == expected
    assert [finding.status for finding in findings] == ["fail", "warn"][: len(expected)]


def test_a_clock_before_certboot_itself_or_by_which_most_roots_have_expired_is_wrong() -> None:
    early = make("localhost", MIDDLE, changed(LEAF, valid=(NOW + DAY, NOW + 2 * DAY)))
    for known, expected in (
        (Known(), "not-yet-valid"),
        (Known(clock=Clock(NOW - DAY)), "not-yet-valid"),
        (Known(clock=Clock(NOW + DAY)), "clock-skew"),
    ):
        assert cause(9, early, MIDDLE, trusted=(ROOT,), known=known) == expected
    late = make("localhost", MIDDLE, changed(LEAF, valid=(NOW - 2 * DAY, NOW - DAY)))
    assert cause(10, late, MIDDLE, trusted=(ROOT,), known=Known(clock=Clock(anchors_expired=True))) == "clock-skew"
    assert cause(10, late, MIDDLE, trusted=(ROOT,)) == "expired-leaf"


@cases(("date", "earliest", "expected"), [
    (NOW + 2 * DAY, None, "clock-skew"),
    (NOW + 30 * DAY, None, "not-yet-valid"),
    (NOW + DAY / 999, None, "not-yet-valid"),
    (NOW + 2 * DAY, NOW + 3 * DAY, "clock-skew"),
    (NOW + 2 * DAY, NOW - DAY, "clock-skew"),
])  # fmt: skip
def test_the_servers_time_counts_if_it_fits(
    date: datetime.datetime, earliest: datetime.datetime | None, expected: str
) -> None:
    leaf = make("localhost", MIDDLE, changed(LEAF, valid=(NOW + DAY, NOW + 9 * DAY)))
    shaken = Handshake("unverified", verify_code=9, peer=Peer(date=date.isoformat()))
    known = Known(clock=Clock(earliest))
    assert cause(9, leaf, MIDDLE, trusted=(ROOT,), handshake=shaken, known=known) == expected


def test_other_hosts_with_the_same_issuer_hint_at_inspection() -> None:
    known = Known(also_issued_for=("a.example", "b.test"))
    finding = examine(20, SERVER, MIDDLE, known=known)[0]
    assert finding.evidence["inspection"] == "the same issuer for unrelated hosts"
    assert "a.example, b.test" in finding.summary
    top = make("mkcert development CA", form=CA)  # whatever it calls itself
    finding = examine(19, make("localhost", top), top, known=known)[0]
    assert finding.evidence["inspection"] == "the same issuer for unrelated hosts"


@cases(("name", "inspects", "words"), [
    ("Zscaler Root CA", True, "it calls itself Zscaler: if that is true, something on the way opens TLS"),
    ("mkcert me@laptop, mkcert development CA", False, "it calls itself mkcert: if that is true, somebody made it for"),
    ("Corp Root", None, "trust it only if you know whose it is"),
])  # fmt: skip
def test_what_a_root_calls_itself_is_told_as_its_word(name: str, words: str, *, inspects: bool | None) -> None:
    top = make(name, form=CA)
    finding = examine(19, make("localhost", top), top)[0]
    assert (finding.id, "inspection" in finding.evidence) == ("untrusted-root", bool(inspects))
    assert ("made_by" in finding.evidence) == (inspects is not None)
    assert words in finding.summary
    assert finding.examination  # what opens TLS on the way is not the server's affair
    assert bool(finding.examination.operator.words) == (not inspects)
    assert finding.fix == (("certboot", "trust", "localhost:8443"),)


def judged(here: int, lax: int, strict: int, without: int = 0) -> Judgements:
    return Judgements(*(Judgement(each, "words") for each in (here, lax, strict, without)))


@cases(("judgements", "strict_here", "expected", "status"), [
    (judged(0, 0, 0), False, "handshake-ok", "ok"),
    (judged(0, 0, 89), False, "strict-basic-constraints", "warn"),
    (judged(89, 0, 89), True, "strict-basic-constraints", "fail"),
    (judged(79, 0, 79), True, "strict-basic-constraints", "fail"),
    (judged(79, 79, 79), True, "not-a-ca", "fail"),
    (judged(85, 10, 85), True, "expired-leaf", "fail"),
    (judged(83, 0, 83), True, "strict-names", "fail"),
    (judged(93, 0, 93), True, "strict-version", "fail"),
    (judged(1, 0, 1), True, "verification-failed", "fail"),
    (judged(0, 20, 0), True, "untrusted-root", "warn"),
    (judged(0, 0, 0, 62), False, "no-subject-alt-name", "fail"),
    (judged(0, 0, 89, 62), False, "no-subject-alt-name", "fail"),
])  # fmt: skip
def test_where_clients_differ_what_all_refuse_comes_first(
    judgements: Judgements,
    strict_here: bool,  # noqa: FBT001
    expected: str,
    status: str,
) -> None:
    finding = examine(0, SERVER, MIDDLE, trusted=(ROOT,), judgements=judgements, strict_here=strict_here)[0]
    assert (finding.id, finding.status) == (expected, status)


def test_days_that_cannot_be_read_limit_nothing() -> None:
    for day, expected in (("soon", "handshake-ok"), (f"{NOW - 9 * DAY:%Y-%m-%d}", "distrusted-after")):
        known = Known(distrust=Distrust(after={ROOT.sha256: day}))
        assert cause(0, SERVER, MIDDLE, trusted=(ROOT,), known=known) == expected


def test_a_revoked_intermediate_counts_before_all_else_that_is_accepted() -> None:
    known = Known(distrust=Distrust(frozenset({MIDDLE.sha256}), {ROOT.sha256: ROOT.sha256}))
    assert cause(0, SERVER, MIDDLE, trusted=(ROOT,), known=known) == "revoked-intermediate"
    assert cause(20, SERVER, MIDDLE, known=known) == "untrusted-root"


def test_a_self_signed_ca_as_a_server_can_be_trusted() -> None:
    for form, fix in ((changed(LEAF, ca=True), (("certboot", "trust", "localhost:8443"),)), (LEAF, ())):
        assert examine(18, make("localhost", form=form))[0].fix == fix


def test_an_expired_intermediate_can_be_repaired_if_its_child_says_where_it_is() -> None:
    old = make("Middle", ROOT, changed(CA, valid=(NOW - 9 * DAY, NOW - DAY)))
    for at in ("http://pki.example/ca.cer", ""):
        finding = examine(10, make("localhost", old, changed(LEAF, issuer_at=at)), old, trusted=(ROOT,))[0]
        assert (finding.id, bool(finding.fix)) == ("expired-intermediate", bool(at))


PATH_LENGTH = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.19"), bytes.fromhex("3003020100"))


@cases("strict_here", [False, True])
def test_a_certificate_that_only_openssl_can_read_has_the_cause_of_its_code(*, strict_here: bool) -> None:
    """A path length without a CA: the library refuses to read it, and OpenSSL refuses it only when it is strict."""
    leaf = make("localhost", ROOT, changed(LEAF, constraints=False, extra=((PATH_LENGTH, True),)))
    contexts = (verifying_context(strict=strict, anchors=(ROOT.der,)) for strict in (False, True))
    assert [(openssl_verdict(context, (leaf.der,), "localhost") or (None,))[0] for context in contexts] == [0, 80]
    judgements = judged(80 if strict_here else 0, 0, 80)
    finding, remark = examine(0, leaf, trusted=(ROOT,), judgements=judgements, strict_here=strict_here)
    assert (finding.id, finding.status) == ("strict-path-length", "fail" if strict_here else "warn")
    assert (remark.id, remark.status) == ("certificate-unread", "info")
