"""A stand-in is its original but for three extensions, is accepted where that is refused, and widens nothing."""

from __future__ import annotations

import ipaddress
import subprocess
import typing
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support import asn1, nasty
from support.environments import find_python
from support.openssls import WHEELS, Question, judge, wheel
from support.pki import CA, DAY, LEAF, NOW, Extensions, Form, Issued, Key, changed, make, name, new_key, rsa_key
from support.table import cases

from certboot.pki import der
from certboot.pki.certificate import load_certificate
from certboot.pki.stand_in import Declined, stand_in
from certboot.pki.verdict import openssl_verdict, verifying_context

KEY, OTHER = new_key(), new_key()
PLAIN = changed(CA, critical=False, usage=False, ski=False)
"""All three faults."""
KEY_ID = x509.SubjectKeyIdentifier.from_public_key(KEY.public_key())
OWN_AUTHORITY = x509.AuthorityKeyIdentifier(KEY_ID.digest, None, None)
BASIC, SKI, USAGE = (bytes.fromhex(digits) for digits in ("551d13", "551d0e", "551d0f"))


def sign(body: bytes) -> bytes:
    return KEY.sign(body, ec.ECDSA(hashes.SHA256()))


def root(form: Form = PLAIN, fields: dict[int, bytes] | None = None, common_name: str = "Old Root") -> bytes:
    """A root that its own key has signed, whatever stands in its fields."""
    return asn1.edited(make(common_name, form=form, key=KEY).der, fields or {}, sign)


def mended(original: bytes, key_id: bytes = b"") -> bytes:
    made = stand_in(original, key_id)
    assert isinstance(made, bytes), made
    return made


def listed(certificate: bytes) -> dict[bytes, bytes]:
    return {next(der.children(e.content)).content: e.encoded for e in der.extensions(certificate)}


def nodes(certificate: bytes) -> list[bytes]:
    """Everything but the extensions: the other fields, the algorithm and the signature."""
    signed, *others = der.children(der.read(certificate, der.SEQUENCE)[0].content)
    *fields, _ = der.children(signed.content)
    return [element.encoded for element in (*fields, *others)]


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.53535.1"), b"\x05\x00")
POLICIES = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("1.2.3.4"), None)])


def network(text: str) -> x509.IPAddress:
    return x509.IPAddress(ipaddress.ip_network(text))


def limited(permitted: tuple[str, ...] = (), excluded: tuple[str, ...] = ()) -> x509.NameConstraints:
    kinds = [[network(text) if text[:1].isdigit() else x509.DNSName(text) for text in texts] or None
             for texts in (permitted, excluded)]  # fmt: skip
    return x509.NameConstraints(*kinds)


def by_serial(number: int) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(name("Old Root"))], number)


EXTRAS: tuple[tuple[x509.ExtensionType, bool], ...] = (
    (UNKNOWN, False), (POLICIES, False), (limited(("localhost",)), True), (OWN_AUTHORITY, False),
    (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
    (x509.IssuerAlternativeName([x509.DNSName("ca.example")]), False),
)  # fmt: skip
forms = st.builds(
    changed, st.just(changed(CA, aki=False)), critical=st.booleans(), usage=st.booleans(), ski=st.booleans(),
    path_length=st.none() | st.integers(0, 3), extra=st.lists(st.sampled_from(EXTRAS), unique=True).map(tuple),
)  # fmt: skip
serials = st.sampled_from(("00", "80", "0080", "01" * 40)).map(asn1.number)
dates = st.sampled_from(
    (
        asn1.sequence(nasty.utc("200101000000Z"), nasty.FAR),
        asn1.sequence(nasty.generalized("20200101000000Z"), nasty.FAR),
    )
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(forms, serials, dates, st.binary(max_size=20))
def test_it_differs_from_its_original_in_three_extensions_and_nowhere_else(
    form: Form, serial: bytes, validity: bytes, key_id: bytes
) -> None:
    original = root(form, {asn1.SERIAL: serial, asn1.VALIDITY: validity})
    made = stand_in(original, key_id)
    before = listed(original)
    if isinstance(made, Declined):
        assert made is Declined.NOTHING_TO_MEND
        assert (form.critical, form.usage, form.ski) == (True, True, True)
        return
    after = listed(made)
    assert nodes(made) == nodes(original)
    assert list(after) == [*before, *(kind for kind in (SKI, USAGE) if kind not in before)]
    same = after.keys() - ({BASIC} | (after.keys() - before.keys()))
    assert {kind: after[kind] for kind in same} == {kind: before[kind] for kind in same}
    identifier, critical, value = der.children(der.read(after[BASIC])[0].content)
    own = tuple(der.children(der.read(before[BASIC])[0].content))
    assert (identifier, value) == (own[0], own[-1])
    assert critical.encoded == b"\x01\x01\xff"
    held = load_certificate(made)
    assert held.identity == load_certificate(original).identity
    assert held.defects == ()
    named = OWN_AUTHORITY in [extension for extension, _ in form.extra]
    assert held.link.key_id == (KEY_ID.digest if form.ski or named else key_id or KEY_ID.digest)
    # critical, and its two bits
    assert form.usage or after[USAGE] == asn1.sequence(
        asn1.oid("551d0f"), b"\x01\x01\xff", asn1.octets(b"\x03\x02\x01\x06")
    )
    assert stand_in(made) in (Declined.SELF_SIGNATURE, Declined.NOTHING_TO_MEND)


def twice() -> bytes:
    held = der.children(
        der.read(list(der.children(der.read(der.read(root())[0].content)[0].content))[-1].content)[0].content
    )
    both = [extension.encoded for extension in held]
    return root(fields={asn1.EXTENSIONS: der.encode(der.CONTEXT_3, asn1.sequence(*both, both[0]))})


def with_extra(*extensions: tuple[x509.ExtensionType, bool]) -> bytes:
    return root(changed(PLAIN, extra=extensions))


DECLINED: dict[Declined, tuple[typing.Callable[[], bytes], ...]] = {
    Declined.UNREADABLE: (
        lambda: b"", lambda: b"\x30\x00", lambda: root()[:-1], lambda: root() + b"\x30\x00", lambda: KEY_ID.digest,
    ),
    Declined.EXTENSION_TWICE: (twice,),
    Declined.VERSION: (
        lambda: root(fields={asn1.VERSION: b""}), lambda: root(fields={asn1.VERSION: b"", asn1.EXTENSIONS: b""}),
    ),
    Declined.NOT_A_ROOT: (
        lambda: make("Middle", make("Root", form=CA), PLAIN).der,
        lambda: root(fields={asn1.ISSUER: nasty.name((19, b"Old Root"))}),
    ),
    Declined.NO_BASIC_CONSTRAINTS: (
        lambda: root(changed(PLAIN, constraints=False, ski=True)),
        lambda: root(changed(PLAIN, constraints=False, usage=True)),
    ),
    Declined.NOT_A_CA: (lambda: root(changed(PLAIN, ca=False)),),
    Declined.KEY_USAGE: (lambda: root(changed(PLAIN, usage=True, can_sign=False)),),
    Declined.OF_A_SERVER: tuple(
        lambda name=name: root(changed(PLAIN, names=(name,))) for name in ("localhost", "::1")  # type: ignore[misc]
    ),
    Declined.NAMED_AS_A_SERVER: tuple(
        lambda name=name: root(common_name=name) for name in ("localhost", "nas.example", "192.0.2.1", "::1")  # type: ignore[misc]
    ),
    Declined.ANOTHER_AUTHORITY: (
        lambda: root(changed(PLAIN, ski=True, extra=((x509.AuthorityKeyIdentifier(b"other", None, None), False),))),
        lambda: with_extra((x509.AuthorityKeyIdentifier(b"", None, None), False)),
        lambda: with_extra((by_serial(5), False)),
    ),
    Declined.SELF_SIGNATURE: (
        lambda: make("Old Root", form=PLAIN, key=KEY, signer=OTHER).der,
        lambda: asn1.edited(make("Old Root", form=PLAIN).der, {asn1.SERIAL: asn1.number(7)}),
    ),
    Declined.NOTHING_TO_MEND: (lambda: root(CA),),
    Declined.ANOTHER_FAULT: (lambda: root(fields={asn1.ISSUER: nasty.name(), asn1.SUBJECT: nasty.name()}),),
}  # fmt: skip


@cases(("declined", "makers"), DECLINED.items())
def test_each_reason_to_decline_has_its_certificate(
    declined: Declined, makers: tuple[typing.Callable[[], bytes], ...]
) -> None:
    assert [stand_in(maker()) for maker in makers] == [declined] * len(makers)
    assert isinstance(stand_in(root()), bytes)


@cases("name", ["localhost", "proxy.example"])
def test_what_is_named_as_a_server_and_has_signed_others_is_a_ca(name: str) -> None:
    assert isinstance(stand_in(root(common_name=name), KEY_ID.digest), bytes)


@cases("key", [KEY, rsa_key(2048)])
def test_a_root_that_has_signed_itself_by_sha1_gets_one_and_one_that_another_has_signed_none(key: Key) -> None:
    """Of an old CA that is usual, and no client looks at an anchor's signature."""
    form = changed(PLAIN, sha1=True)
    made = mended(make("Old Root", form=form, key=key).der)
    assert load_certificate(made).defects == ()
    other = OTHER if key is KEY else rsa_key(2048, 1)
    assert stand_in(make("Old Root", form=form, key=key, signer=other).der) is Declined.SELF_SIGNATURE


def test_every_reason_is_in_the_table() -> None:
    assert set(DECLINED) == set(Declined)


TOP_WITH_FAULTS = root()


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_damage_to_a_root_gets_past(data: st.DataObject) -> None:
    """Whatever byte is changed, its own signature fits no more; what comes before that has reasons of its own."""
    original = bytearray(TOP_WITH_FAULTS)
    at = data.draw(st.integers(0, len(original) - 1))
    original[at] ^= data.draw(st.integers(1, 255))
    made = stand_in(bytes(original))
    # ECDSA has two signatures for one text, s and -s, which no single byte tells apart.
    assert isinstance(made, Declined)


@cases("kind", nasty.KINDS)
def test_nothing_that_a_stranger_makes_is_an_error(kind: str) -> None:
    assert isinstance(stand_in(nasty.ca(kind).der), Declined | bytes)
    at, content = nasty.field(kind)
    made = stand_in(root(fields={at: content} if at != asn1.SUBJECT else {at: content, asn1.ISSUER: content}))
    assert isinstance(made, Declined) or load_certificate(made).defects == ()


# Verdicts: a stand-in is judged as the same root issued well-formed is.

HOSTS = changed(LEAF, names=("localhost", "127.0.0.1"))
SERVERS_ONLY = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
VARIANTS: dict[str, tuple[Form, Extensions]] = {
    "plain": (CA, ()),
    "permitted DNS": (CA, ((limited(("localhost",)), True),)),
    "permitted other DNS": (CA, ((limited(("example.org",)), True),)),
    "excluded DNS": (CA, ((limited(excluded=("localhost",)), True),)),
    "permitted IP": (CA, ((limited(("127.0.0.0/8",)), True),)),
    "permitted other IP": (CA, ((limited(("10.0.0.0/8",)), True),)),
    "excluded IP": (CA, ((limited(excluded=("127.0.0.0/8",)), False),)),
    "path length 0": (changed(CA, path_length=0), ()),
    "path length 1": (changed(CA, path_length=1), ()),
    "for servers": (CA, ((SERVERS_ONLY, False),)),
    "for clients": (CA, ((x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False),)),
    "policies": (CA, ((POLICIES, False),)),
    "policy constraints": (CA, ((x509.PolicyConstraints(0, 0), True),)),
    "own key as authority": (CA, ((OWN_AUTHORITY, False),)),
    "authority with issuer and serial": (CA, ((by_serial(77), False),)),
    "critical unknown extension": (CA, ((UNKNOWN, True),)),
    "unknown extension": (CA, ((UNKNOWN, False),)),
}  # fmt: skip
PAST = (NOW - 9 * DAY, NOW - DAY)


def below(authority: x509.AuthorityKeyIdentifier) -> Form:
    return changed(HOSTS, aki=False, extra=((authority, False),))


def chains(top: Issued) -> dict[str, tuple[bytes, ...]]:
    """Chains as servers send them, below any root of this name and key."""
    middle, second = make("Middle", top, CA), None
    second = make("Second", middle, CA)
    stranger = Issued(top.certificate, OTHER)
    named = changed(LEAF, names=("www.example.org",))
    return {
        "direct": (make("localhost", top, HOSTS).der,),
        "below one": (make("localhost", middle, HOSTS).der, middle.der),
        "below two": (make("localhost", second, HOSTS).der, second.der, middle.der),
        "by name only": (make("localhost", top).der,),
        "for another host": (make("www", top, named).der,),
        "expired": (make("localhost", top, changed(HOSTS, valid=PAST)).der,),
        "for clients": (make("localhost", top, changed(HOSTS, purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,))).der,),
        "without AKI": (make("localhost", top, changed(HOSTS, aki=False)).der,),
        "below no CA": (make("localhost", no_ca := make("Leaf", top), HOSTS).der, no_ca.der),
        "by another key": (make("localhost", stranger, below(OWN_AUTHORITY)).der,),
        "with another AKI": (
            make("localhost", top, below(x509.AuthorityKeyIdentifier(b"x", None, None))).der,
        ),
        "with SHA-1": (make("localhost", top, changed(HOSTS, sha1=True)).der,),
    }  # fmt: skip


def verdicts(anchor: bytes, sent: typing.Iterable[tuple[bytes, ...]], *, strict: bool) -> list[int | None]:
    said = []
    for chain in sent:
        verdict = openssl_verdict(verifying_context(strict=strict, anchors=(anchor,)), chain, "localhost")
        said.append(verdict and verdict.code)
    return said


def both(form: Form, extra: Extensions) -> tuple[bytes, bytes]:
    """The root well-formed, and with all three faults; the serial number is that which an extension may name."""
    serial = {asn1.SERIAL: asn1.number(77)}
    faults = {"critical": False, "usage": False, "ski": False}
    return root(changed(form, extra=extra), serial), root(changed(form, extra=extra, **faults), serial)


TOP = Issued(x509.load_der_x509_certificate(root(CA)), KEY)
CHAINS = chains(TOP)


@cases(("form", "extra"), VARIANTS.values(), ids=tuple(VARIANTS))
def test_it_is_refused_exactly_what_the_same_root_issued_well_formed_is(form: Form, extra: Extensions) -> None:
    sound, faulty = both(form, extra)
    standing = mended(faulty)
    lax = verdicts(sound, CHAINS.values(), strict=False)
    assert verdicts(standing, CHAINS.values(), strict=False) == lax
    # One without a key identifier takes any; the other names its own.
    before = [20 if name == "with another AKI" else code
              for name, code in zip(CHAINS, verdicts(faulty, CHAINS.values(), strict=False), strict=True)]  # fmt: skip
    assert before == lax
    strict = verdicts(sound, CHAINS.values(), strict=True)
    assert verdicts(standing, CHAINS.values(), strict=True) == strict
    accepted_by_faulty = [code for code in verdicts(faulty, CHAINS.values(), strict=True) if code == 0]
    assert not accepted_by_faulty


def test_the_table_has_acceptances_and_refusals_of_many_kinds() -> None:
    codes = {
        code
        for variant in VARIANTS.values()
        for code in verdicts(mended(both(*variant)[1]), CHAINS.values(), strict=True)
    }
    assert codes >= {0, 7, 10, 20, 25, 26, 34, 47, 48, 62, 68, 79, 85}


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.10", "3.13", *WHEELS])
def test_so_it_is_by_the_openssls_of_other_pythons_and_of_wheels(version: str) -> None:
    """Also where the server sends the root itself along: from OpenSSL 4.0 on one serial number is one certificate."""
    answers = {}
    for kind, variant in VARIANTS.items():
        sound, faulty = both(*variant)
        sent = [*CHAINS.values(), (*CHAINS["below one"], faulty)]
        for which, anchor in (("sound", sound), ("standing", mended(faulty)), ("faulty", faulty)):
            for strict in (False, True):
                answers[kind, which, strict] = [
                    Question(chain, (anchor,), "localhost", strict, strict) for chain in sent
                ]
    python = wheel(version) if version in WHEELS else find_python(version)
    codes = iter(judge(python, (question for asked in answers.values() for question in asked)).answers)
    said = {key: [next(codes) for _ in asked] for key, asked in answers.items()}
    for kind in VARIANTS:
        for strict in (False, True):
            assert said[kind, "standing", strict] == said[kind, "sound", strict], (kind, strict)
    assert said["plain", "standing", True][:3] == said["plain", "faulty", False][:3] == [0, 0, 0]
    assert 0 not in said["plain", "faulty", True]


def openssl(folder: Path, anchor: bytes, *options: str) -> list[bool]:
    """What `openssl verify` says of each chain."""
    (folder / "root.pem").write_text(Raw(anchor).pem.decode())
    results = []
    for sent in CHAINS.values():
        (folder / "leaf.pem").write_bytes(Raw(sent[0]).pem)
        (folder / "above.pem").write_bytes(b"".join(Raw(data).pem for data in sent))
        command = ["openssl", "verify", "-no-CApath", "-no-CAstore", "-purpose", "sslserver", "-auth_level", "2"]
        given = ["-CAfile", "root.pem", "-untrusted", "above.pem", "leaf.pem"]
        ran = subprocess.run([*command, *options, *given], cwd=folder, capture_output=True, check=False)
        results.append(ran.returncode == 0)
    return results


Raw = nasty.Raw


@cases("variant", ["permitted DNS", "authority with issuer and serial"])
def test_the_openssl_command_agrees(variant: str, tmp_path: Path) -> None:
    sound, faulty = both(*VARIANTS[variant])
    standing = mended(faulty)
    assert openssl(tmp_path, standing, "-x509_strict") == openssl(tmp_path, sound, "-x509_strict")
    assert openssl(tmp_path, standing) == openssl(tmp_path, sound)
    widened = [
        now and not before for now, before in zip(openssl(tmp_path, standing), openssl(tmp_path, faulty), strict=True)
    ]
    assert not any(widened)
    assert not any(openssl(tmp_path, faulty, "-x509_strict"))
    shown = subprocess.run(
        ["openssl", "x509", "-noout", "-ext", "basicConstraints,keyUsage"],
        input=Raw(standing).pem, capture_output=True, check=True,
    )  # fmt: skip
    assert shown.stdout.count(b"critical") == 2
