"""What is computed of a chain is what OpenSSL says of it."""

from __future__ import annotations

import datetime
import subprocess
import typing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.chains import CASES, CLIENT, FUTURE, PAST, Case
from support.pki import CA, DAY, LEAF, NOW, Form, Made, changed, issue, make, name, rsa_key
from support.table import cases

from certboot.doctor.server.cause import STRICT_CAUSES
from certboot.pki.openssl import MODELS
from certboot.pki.parsed import parsed_certificate
from certboot.pki.verdict import openssl_verdict, verifying_context
from certboot.pki.verify import Rules, Verification, strict_defects, verify
from certboot.pki.verify_codes import STRICT_ONLY, Code

KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(4)]


def computed(
    sent: typing.Sequence[Made],
    trusted: typing.Sequence[Made],
    host: str = "localhost",
    **rules: typing.Any,  # noqa: ANN401
) -> Verification:
    rules.setdefault("at", datetime.datetime.now(datetime.timezone.utc))
    parsed, anchors = ([parsed_certificate(made.der) for made in group] for group in (sent, trusted))
    return verify(parsed, anchors, Rules(host=host, **rules))


def said(
    sent: typing.Sequence[Made], trusted: typing.Sequence[Made], host: str = "localhost", *, strict: bool = False
) -> int:
    """What this Python's OpenSSL says."""
    context = verifying_context(strict=strict, anchors=tuple(made.der for made in trusted))
    verdict = openssl_verdict(context, tuple(made.der for made in sent), host)
    assert verdict is not None
    return verdict[0]


@cases("case", CASES.values())
@cases("strict", [False, True], ids=["lax", "strict"])
def test_each_fault_has_openssls_code_and_is_placed(case: Case, *, strict: bool) -> None:
    root = make("Root", form=case.root)
    middle = make("Middle", root, case.middle)
    leaf = make("localhost", middle, case.leaf)
    found = computed([leaf, middle], [root], case.host, strict=strict)
    assert (found.code, found.depth) == (case.strict if strict else case.lax)
    assert said([leaf, middle], [root], case.host, strict=strict) == found.code
    assert Code(found.code).words


@cases("strict", [False, True], ids=["lax", "strict"])
def test_where_the_path_ends_is_told(*, strict: bool) -> None:
    root, other = make("Root", form=CA), make("Other", form=CA)
    middle = make("Middle", root, CA)
    leaf = make("localhost", middle)
    alone = make("localhost", form=changed(LEAF, ca=True))
    for sent, trusted, code, length, from_server in (
        ([leaf], [root], 20, 1, 1),
        ([leaf, middle], [other], 20, 2, 2),
        ([leaf, middle, root], [other], 19, 3, 3),
        ([alone], [other], 18, 1, 1),
        ([alone], [alone], 0, 1, 0),
        ([leaf, other], [root], 20, 1, 1),
        ([leaf, root, middle], [root], 0, 3, 2),
        ([leaf], [middle, root], 0, 2 if strict else 3, 1),
        ([leaf], [middle], 0 if strict else 2, 2, 1),
        ([leaf], [leaf], 0 if strict else 20, 1, 0 if strict else 1),
    ):
        found = computed(sent, trusted, strict=strict)
        assert said(sent, trusted, strict=strict) == found.code == code
        assert (len(found.path.certificates), found.path.sent) == (length, from_server)


def test_a_second_ca_of_the_same_name_does_not_pass_for_the_first() -> None:
    root, false = make("Root", form=CA), make("Root", form=CA)
    leaf = make("localhost", root)
    without_id = make("localhost", root, changed(LEAF, aki=False))
    forged = make("localhost", root, signer=false.key)
    for sent, trusted, code in (
        ([leaf], [false], 20),
        ([leaf, root], [false], 19),
        ([without_id], [false], 7),
        ([without_id, root], [false], 7),
        ([forged], [root], 7),
        ([leaf], [false, root], 0),
    ):
        assert computed(sent, trusted).code == said(sent, trusted) == code


def test_weak_keys_are_placed() -> None:
    root = make("Root", form=CA)
    small, weak = make("localhost", root, key=rsa_key(1024)), make("Middle", root, CA, key=rsa_key(1024))
    for sent, code, depth in (([small], 66, 0), ([make("localhost", weak), weak], 67, 1)):
        verification = computed(sent, [root])
        assert (verification.code, verification.depth, said(sent, [root])) == (code, depth, code)
    assert computed([small], [root], level=1).code == 0


CHOICES: dict[str, st.SearchStrategy[typing.Any]] = {
    "constraints": st.sampled_from([True, True, True, False]),
    "critical": st.booleans(),
    "usage": st.sampled_from([True, True, False]),
    "can_sign": st.sampled_from([None, None, None, True, False]),
    "ski": st.booleans(),
    "aki": st.booleans(),
    "path_length": st.sampled_from([None, None, 0, 1]),
    "purposes": st.sampled_from([(), (ExtendedKeyUsageOID.SERVER_AUTH,), CLIENT]),
    "valid": st.sampled_from([CA.valid, CA.valid, CA.valid, PAST, FUTURE]),
    "sha1": st.sampled_from([False, False, True]),
    "names": st.sampled_from([("localhost",), ("localhost",), (), ("127.0.0.1",), ("*.example.org",)]),
}


@st.composite
def chains(draw: st.DrawFn) -> tuple[list[Made], list[Made], str]:
    """What is sent, what is trusted, and the host: with each certificate at most one or two things are odd."""

    def form(base: Form) -> Form:
        odd = draw(st.lists(st.sampled_from(sorted(CHOICES)), max_size=2, unique=True))
        changes = {each: draw(CHOICES[each]) for each in odd}
        if not base.ca and changes.get("path_length") is not None:
            changes.pop("path_length")
        return changed(base, **changes)

    made: list[Made] = [make(draw(st.sampled_from(["Root", "Other"])), form=form(CA), key=KEYS[0])]
    for number in range(draw(st.integers(0, 3))):
        issuer = draw(st.sampled_from(made))
        subject = draw(st.sampled_from(["Root", "Middle", "Lower"]))
        made.append(make(subject, issuer, form(CA), key=draw(st.sampled_from(KEYS[: 2 + number % 2]))))
    signer = draw(st.sampled_from([None, None, None, None, KEYS[3]]))
    leaf = make("localhost", draw(st.sampled_from(made)), form(LEAF), signer=signer)
    sent = [leaf, *draw(st.permutations(made)).copy()[: draw(st.integers(0, len(made)))]]
    trusted = draw(st.lists(st.sampled_from(made), min_size=1, max_size=2, unique_by=lambda each: each.der))
    return sent, trusted, draw(st.sampled_from(["localhost", "localhost", "127.0.0.1", "a.example.org"]))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chains(), st.booleans())
def test_any_chain_is_judged_as_openssl_judges_it(chain: tuple[list[Made], list[Made], str], strict: bool) -> None:  # noqa: FBT001
    sent, trusted, host = chain
    assert computed(sent, trusted, host, strict=strict).code == said(sent, trusted, host, strict=strict)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chains(), st.booleans(), st.sampled_from([-30, -5, 0, 5, 400]))
def test_any_chain_at_any_time_is_judged_as_the_openssl_program_judges_it(
    tmp_path_factory: pytest.TempPathFactory,
    chain: tuple[list[Made], list[Made], str],
    strict: bool,  # noqa: FBT001
    days: int,
) -> None:
    sent, trusted, host = chain
    at = NOW + days * DAY + datetime.timedelta(hours=1)
    folder = tmp_path_factory.mktemp("verify")
    found = computed(sent, trusted, host, at=at, strict=strict).code
    assert openssl_verify(folder, sent, trusted, host, at, strict=strict) == found


def openssl_verify(
    folder: Path, sent: list[Made], trusted: list[Made], host: str, at: datetime.datetime, *, strict: bool
) -> int:
    for file, members in (("leaf", sent[:1]), ("sent", sent[1:]), ("trusted", trusted)):
        (folder / file).write_bytes(b"".join(member.pem for member in members))
    name_check = "-verify_ip" if host[0].isdigit() else "-verify_hostname"
    argv = [
        "openssl", "verify", "-no-CApath", "-no-CAstore", "-CAfile", "trusted", "-attime", str(int(at.timestamp())),
        "-purpose", "sslserver", "-auth_level", "2", name_check, host,
        *(["-x509_strict", "-partial_chain"] if strict else []),
        *(["-untrusted", "sent"] if sent[1:] else []), "leaf",
    ]  # fmt: skip
    ran = subprocess.run(argv, cwd=folder, env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False)
    if ran.returncode == 0:
        return 0
    # "error 10 at 0 depth lookup: certificate has expired"; of several the first is what a client would stop at
    return int(next(line for line in ran.stderr.split("\n") if line.startswith("error ")).split()[1])


# What only newer Pythons refuse

ROOT = make("Root", form=CA, key=KEYS[0])
NAMES = x509.SubjectAlternativeName([x509.DNSName("localhost")])
NO_NAMES = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), bytes.fromhex("3000"))
AKI = x509.AuthorityKeyIdentifier.from_issuer_public_key(KEYS[0].public_key())
NOBODY = x509.Name([])
NAMELESS = issue(NOBODY, ROOT, extensions=((x509.BasicConstraints(ca=True, path_length=None), True),), key=KEYS[0])


def bare(subject: x509.Name, *extensions: tuple[x509.ExtensionType, bool], issuer: Made = ROOT) -> Made:
    """A certificate with exactly these extensions."""
    return issue(subject, issuer, extensions=extensions)


def test_what_only_newer_pythons_refuse_has_a_finding_for_each_code() -> None:
    assert frozenset(STRICT_CAUSES) == STRICT_ONLY


@cases(
    ("made", "code", "openssl"),
    [
        (make("localhost", ROOT), 0, 0),
        (bare(NOBODY, (NAMES, False), (AKI, False)), 88, 88),
        (bare(NOBODY, (NAMES, True), (AKI, False)), 0, 0),
        (bare(NOBODY, (AKI, False)), 84, 84),
        (bare(name("localhost"), (AKI, False)), 0, 0),
        (bare(name("localhost")), 85, 85),
        (bare(name("x"), (NO_NAMES, False), (AKI, False)), 87, 87),
        (bare(name("x"), (NAMES, False), (AKI, False), issuer=NAMELESS), 83, 20),  # OpenSSL looks no further
    ],
)
def test_each_strict_defect_has_openssls_code(made: Made, code: int, openssl: int) -> None:
    assert next(strict_defects(parsed_certificate(made.der), is_last=False, openssl=MODELS["3.0"]), 0) == code
    assert said([made], [ROOT], strict=True) == openssl


def test_the_last_certificate_needs_no_key_identifier_of_an_issuer() -> None:
    without = parsed_certificate(make("Middle", ROOT, changed(CA, aki=False)).der)
    assert [next(strict_defects(without, is_last=last), 0) for last in (True, False)] == [0, 85]
