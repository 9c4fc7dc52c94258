"""Chains that break a rule each, of three certificates as a rule: how OpenSSL 3.0 sees them, and many more."""

from __future__ import annotations

import functools
import ipaddress
import ssl
import typing
from collections.abc import Callable, Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from support import asn1
from support.asn1 import number, octets, oid, sequence
from support.pki import CA, DAY, LEAF, NOW, Form, Issued, changed, make, name, new_key, rsa_key

from certboot.pki import der

PAST, FUTURE = (NOW - 9 * DAY, NOW - DAY), (NOW + DAY, NOW + 9 * DAY)
CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)


def constrained(permitted: tuple[str, ...] = (), excluded: tuple[str, ...] = ()) -> Form:
    def subtree(text: str) -> x509.GeneralName:
        if text.startswith("CN="):
            return x509.DirectoryName(name(text[3:]))
        if text[:1].isdigit():
            return x509.IPAddress(ipaddress.ip_network(text))
        return x509.DNSName(text)

    value = x509.NameConstraints([subtree(t) for t in permitted] or None, [subtree(t) for t in excluded] or None)
    return changed(CA, extra=((value, True),))


class Case(typing.NamedTuple):
    """Forms of root, intermediate and leaf, and the code and depth in the lax and the strict reading."""

    root: Form = CA
    middle: Form = CA
    leaf: Form = LEAF
    lax: tuple[int, int] = (0, 0)
    strict: tuple[int, int] = (0, 0)
    host: str = "localhost"


CASES = {
    "good": Case(),
    "expired leaf": Case(leaf=changed(LEAF, valid=PAST), lax=(10, 0), strict=(10, 0)),
    "expired middle": Case(middle=changed(CA, valid=PAST), lax=(10, 1), strict=(10, 1)),
    "expired root": Case(root=changed(CA, valid=PAST), lax=(10, 2), strict=(10, 2)),
    "leaf of the future": Case(leaf=changed(LEAF, valid=FUTURE), lax=(9, 0), strict=(9, 0)),
    "other name": Case(leaf=changed(LEAF, names=("elsewhere.example",)), lax=(62, 0), strict=(62, 0)),
    "address": Case(leaf=changed(LEAF, names=("127.0.0.1", "::1")), host="127.0.0.1"),
    "address of version 6": Case(leaf=changed(LEAF, names=("127.0.0.1", "::1")), host="::1"),
    "other address": Case(host="127.0.0.1", lax=(64, 0), strict=(64, 0)),
    "middle without AKI": Case(middle=changed(CA, aki=False), strict=(85, 1)),
    "leaf without AKI": Case(leaf=changed(LEAF, aki=False), strict=(85, 0)),
    "middle without SKI": Case(middle=changed(CA, ski=False), strict=(86, 1)),
    "root without SKI": Case(root=changed(CA, ski=False), strict=(86, 2)),
    "constraints not critical": Case(middle=changed(CA, critical=False), strict=(89, 1)),
    "root not critical": Case(root=changed(CA, critical=False), strict=(89, 2)),
    "middle without key usage": Case(middle=changed(CA, usage=False), strict=(92, 1)),
    "path length without key usage": Case(middle=changed(CA, usage=False, path_length=0), strict=(81, 1)),
    "root without constraints": Case(root=changed(CA, constraints=False), strict=(79, 2)),
    "middle without constraints": Case(middle=changed(CA, constraints=False), lax=(79, 1), strict=(79, 1)),
    "middle that is no CA": Case(middle=changed(CA, ca=False), lax=(79, 1), strict=(79, 1)),
    "middle that may not sign": Case(middle=changed(CA, can_sign=False), lax=(79, 1), strict=(79, 1)),
    "leaf that may sign": Case(leaf=changed(LEAF, can_sign=True), strict=(82, 0)),
    "leaf without names": Case(leaf=changed(LEAF, names=())),
    "leaf for clients": Case(leaf=changed(LEAF, purposes=CLIENT), lax=(26, 0), strict=(26, 0)),
    "middle for clients": Case(middle=changed(CA, purposes=CLIENT), lax=(26, 1), strict=(26, 1)),
    "root without CAs below": Case(root=changed(CA, path_length=0), lax=(25, 2), strict=(25, 2)),
    "middle without CAs below": Case(middle=changed(CA, path_length=0)),
    "permitted": Case(root=constrained(permitted=("localhost",))),
    "not permitted": Case(root=constrained(permitted=("example.org",)), lax=(47, 0), strict=(47, 0)),
    "excluded": Case(middle=constrained(excluded=("localhost",)), lax=(48, 0), strict=(48, 0)),
    "excluded elsewhere": Case(middle=constrained(excluded=("example.org",))),
    "directory name not permitted": Case(root=constrained(permitted=("CN=other",)), lax=(47, 1), strict=(47, 1)),
    "signed with SHA-1": Case(leaf=changed(LEAF, sha1=True), lax=(68, 0), strict=(68, 0)),
    "root signed with SHA-1": Case(root=changed(CA, sha1=True)),
    "a key identifier that is critical": Case(
        leaf=changed(LEAF, extra=((x509.AuthorityKeyIdentifier(b"x", None, None), True),), aki=False),
        lax=(20, 0), strict=(20, 0),
    ),
    "unknown critical extension": Case(
        leaf=changed(LEAF, extra=((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True),)),
        lax=(34, 0), strict=(34, 0),
    ),
}  # fmt: skip


class Chain(typing.NamedTuple):
    """What a server sends, leaf first, what a client trusts (both DER), and the host that it asks for."""

    sent: tuple[bytes, ...]
    trusted: tuple[bytes, ...]
    host: str = "localhost"


Edit = Callable[[bytes, typing.Any], bytes]
"""Returns a certificate that is other than the builder would make it; it is given the issuer's key."""
_END = "-----END CERTIFICATE-----\n"
_KEYS = tuple(new_key() for _ in range(4))
_AKI, _SKI, _BASIC, _USAGE = (x509.ObjectIdentifier(f"2.5.29.{arc}") for arc in (35, 14, 19, 15))
_ANY_PURPOSE, _CODE = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE, ExtendedKeyUsageOID.CODE_SIGNING


def whole(
    root: Form = CA, middle: Form = CA, leaf: Form = LEAF, host: str = "localhost", edits: Mapping[str, Edit] = {}
) -> Chain:
    """A root that is trusted, and an intermediate and a leaf that are sent; ``edits`` by the names of these three."""
    top = make("Root", form=root, key=_KEYS[0])
    between = make("Middle", top, middle, key=_KEYS[1])
    ends = {"root": (top, top), "middle": (between, top), "leaf": (make("localhost", between, leaf), between)}
    built = {role: edits.get(role, _as_is)(own.der, issuer.key) for role, (own, issuer) in ends.items()}
    return Chain((built["leaf"], built["middle"]), (built["root"],), host)


def _as_is(data: bytes, _: object) -> bytes:
    return data


def _with(**fields: bytes) -> Edit:
    """An edit of these fields of a certificate, signed anew."""
    held = {getattr(asn1, field.upper()): value for field, value in fields.items()}

    def edit(data: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
        return asn1.edited(data, held, lambda body: key.sign(body, ec.ECDSA(hashes.SHA256())))

    return edit


def _other_algorithm(data: bytes, _: object) -> bytes:
    """Another algorithm beside the signature than in what is signed: ecdsa-with-SHA384."""
    signed, _algorithm, signature = der.children(der.read(data)[0].content)
    return sequence(signed.encoded, sequence(oid("2a8648ce3d040303")), signature.encoded)


def _raw(kind: x509.ObjectIdentifier, value: bytes, *, critical: bool = False, form: Form = LEAF) -> Form:
    """The form with this value of an extension in the place of what it would have."""
    left_out = {_AKI: "aki", _SKI: "ski", _BASIC: "constraints", _USAGE: "usage"}
    return changed(form, extra=((x509.UnrecognizedExtension(kind, value), critical),), **{left_out[kind]: False})


def _key_id(key: ec.EllipticCurvePrivateKey = _KEYS[1]) -> bytes:
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest


def _authority(*parts: bytes, critical: bool = False, form: Form = LEAF) -> Form:
    """The form with an authority key identifier of these parts."""
    return _raw(_AKI, sequence(*parts), critical=critical, form=form)


def _of_key(key: ec.EllipticCurvePrivateKey = _KEYS[1]) -> bytes:
    return der.encode(0x80, _key_id(key))


def _of_issuer(text: str = "Root") -> bytes:
    return der.encode(0xA1, der.encode(0xA4, name(text).public_bytes()))


_SERIAL_5, _SERIAL_6 = (der.encode(0x82, bytes([serial])) for serial in (5, 6))
_FIVE = {"middle": _with(serial=number(5))}


def _limited(permitted: str = "", excluded: str = "", *names: x509.GeneralName) -> Chain:
    """A root that limits the names below it to, or excludes, an address, mail, or another kind; the leaf has these."""

    def base(text: str) -> list[x509.GeneralName] | None:
        kind, _, value = text.partition(":")
        classes: dict[str, Callable[[typing.Any], x509.GeneralName]] = {
            "uri": x509.UniformResourceIdentifier, "mail": x509.RFC822Name, "dns": x509.DNSName,
            "ip": lambda range_: x509.IPAddress(ipaddress.ip_network(range_)),
            "id": lambda dotted: x509.RegisteredID(x509.ObjectIdentifier(dotted)),
        }  # fmt: skip
        return [classes[kind](value)] if text else None

    limits = x509.NameConstraints(base(permitted), base(excluded))
    own = x509.SubjectAlternativeName([x509.DNSName("localhost"), *names])
    return whole(root=changed(CA, extra=((limits, True),)), leaf=changed(LEAF, names=(), extra=((own, False),)))


def _mailed(address: str) -> bytes:
    return x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, address)]).public_bytes()


_uri, _mail = x509.UniformResourceIdentifier, x509.RFC822Name
_WEB = "https://example.com/"


def _limits() -> dict[str, Chain]:
    """Name constraints of other kinds than names of hosts and directories."""
    return {
        "web address": _limited("uri:example.com", "", _uri(_WEB)),
        "web address with a port": _limited("uri:example.com", "", _uri("https://example.com:8443/x")),
        "web address with a colon behind": _limited("uri:example.com", "", _uri("https://example.com/a:b")),
        "web address of a user": _limited("uri:example.com", "", _uri("https://user@example.com/")),
        "web address of a user with a password": _limited("uri:example.com", "", _uri("https://u:p@example.com/")),
        "web address of a user, excluded": _limited("", "uri:example.com", _uri("https://user@example.com/")),
        "web address that hides its host in a user": _limited("uri:good.com", "", _uri("https://good.com:x@bad.com/")),
        "web address with a question": _limited("uri:example.com", "", _uri("https://example.com?x")),
        "web address with a mark": _limited("uri:example.com", "", _uri("https://example.com#x")),
        "web address in capitals": _limited("uri:example.com", "", _uri("https://EXAMPLE.com/")),
        "web address below": _limited("uri:.example.com", "", _uri("https://a.example.com/")),
        "web address not below": _limited("uri:.example.com", "", _uri(_WEB)),
        "web address elsewhere": _limited("uri:example.com", "", _uri("https://example.org/")),
        "web address of six colons": _limited("uri:example.com", "", _uri("https://[::1]:8443/")),
        "web address of six colons, excluded": _limited("", "uri:[::1]", _uri("https://[::1]/")),
        "web address without a host": _limited("uri:example.com", "", _uri("urn:example:com")),
        "web address of nothing": _limited("uri:example.com", "", _uri("https:///")),
        "web address without a scheme": _limited("uri:example.com", "", _uri("example.com")),
        "web address with a bad port": _limited("uri:example.com", "", _uri("https://example.com:x/")),
        "web address with a huge port": _limited("uri:example.com", "", _uri("https://example.com:99999/")),
        "mail": _limited("mail:example.com", "", _mail("a@example.com")),
        "mail below": _limited("mail:.example.com", "", _mail("a@b.example.com")),
        "mail elsewhere": _limited("mail:example.com", "", _mail("a@example.org")),
        "mail of one": _limited("mail:A@example.com", "", _mail("A@EXAMPLE.com")),
        "mail of another case": _limited("mail:A@example.com", "", _mail("a@example.com")),
        "mail without a host": _limited("mail:example.com", "", _mail("localhost")),
        "mail in the subject": whole(
            root=changed(CA, extra=((x509.NameConstraints([_mail("example.com")], None), True),)),
            edits={"leaf": _with(subject=_mailed("a@example.org"))},
        ),
        "mail in the subject that is permitted": whole(
            root=changed(CA, extra=((x509.NameConstraints([_mail("example.com")], None), True),)),
            edits={"leaf": _with(subject=_mailed("a@example.com"))},
        ),
        "mail excluded": _limited("", "mail:example.com", _mail("a@example.com")),
        "registered identifier": _limited("id:1.2.3", "", x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))),
        "address range": _limited("ip:10.0.0.0/8", "", x509.IPAddress(ipaddress.ip_address("10.1.2.3"))),
        "address out of range": _limited("ip:10.0.0.0/8", "", x509.IPAddress(ipaddress.ip_address("11.1.2.3"))),
        "address of the other version": _limited("ip:10.0.0.0/8", "", x509.IPAddress(ipaddress.ip_address("::1"))),
        "names of no limited kind": _limited("mail:example.com", "uri:example.com"),
        "host below a dot": _limited("dns:.localhost"),
        "host under anything": _limited("dns:"),
    }  # fmt: skip


def _identifiers() -> dict[str, Chain]:
    """What a certificate says of its issuer's key and of its own."""
    return {
        "AKI of nothing": whole(leaf=_authority()),
        "AKI of nothing in the middle": whole(middle=_authority(form=CA)),
        "AKI of an issuer only": whole(leaf=_authority(_of_issuer())),
        "AKI of a serial only": whole(leaf=_authority(_SERIAL_5), edits=_FIVE),
        "AKI of another serial only": whole(leaf=_authority(_SERIAL_6), edits=_FIVE),
        "AKI of issuer and serial": whole(leaf=_authority(_of_issuer(), _SERIAL_5), edits=_FIVE),
        "AKI of another issuer": whole(leaf=_authority(_of_issuer("Other"), _SERIAL_5), edits=_FIVE),
        "AKI of another serial": whole(leaf=_authority(_of_issuer(), _SERIAL_6), edits=_FIVE),
        "AKI of all three": whole(leaf=_authority(_of_key(), _of_issuer(), _SERIAL_5), edits=_FIVE),
        "AKI of key and issuer": whole(leaf=_authority(_of_key(), _of_issuer())),
        "AKI of key and serial": whole(leaf=_authority(_of_key(), _SERIAL_5), edits=_FIVE),
        "AKI of another key": whole(leaf=_authority(_of_key(_KEYS[3]))),
        "AKI of key, critical": whole(leaf=_authority(_of_key(), critical=True)),
        "AKI of the root's issuer only": whole(root=_authority(_of_issuer(), form=CA)),
        "AKI of the root's own key": whole(root=_authority(_of_key(_KEYS[0]), form=CA)),
        "AKI of another key in the root": whole(root=_authority(_of_key(_KEYS[3]), form=CA)),
        "AKI of nothing in the root": whole(root=_authority(form=CA)),
        "SKI of the middle critical": whole(middle=_raw(_SKI, octets(_key_id()), critical=True, form=CA)),
        "SKI of the leaf missing": whole(leaf=changed(LEAF, ski=False)),
        "AKI with SKI of the issuer missing": whole(middle=changed(CA, ski=False)),
        "one serial for root and middle": whole(
            middle=_authority(_of_key(_KEYS[3]), form=CA),
            edits={"root": _with(serial=number(5)), "middle": _with(serial=number(5))},
        ),
    }


def _fields() -> dict[str, Chain]:
    """Names, versions, serial numbers, usages and signatures."""
    bits_of = functools.partial(der.encode, asn1.BIT_STRING)
    nobody = sequence()
    chains = {
        "key usage not critical": whole(middle=_raw(_USAGE, bits_of(b"\x01\x06"), form=CA)),
        "key usage of a root not critical": whole(root=_raw(_USAGE, bits_of(b"\x01\x06"), form=CA)),
        "root that may not sign": whole(root=changed(CA, can_sign=False)),
        "root without key usage": whole(root=changed(CA, usage=False)),
        "root that is no CA": whole(root=changed(CA, ca=False)),
        "root by its key usage": whole(root=changed(CA, constraints=False)),
        "leaf that is a CA": whole(leaf=changed(LEAF, ca=True)),
        "leaf with a path length": whole(leaf=_raw(_BASIC, sequence(number(0)), critical=True)),
        "leaf for key agreement": whole(leaf=_raw(_USAGE, bits_of(b"\x03\x08"), critical=True)),
        "leaf for nothing of TLS": whole(leaf=_raw(_USAGE, bits_of(b"\x06\x40"), critical=True)),
        "path length without keyCertSign": whole(root=changed(CA, can_sign=False, path_length=1)),
        "path length of a root without key usage": whole(root=changed(CA, usage=False, path_length=1)),
        "path length and not critical": whole(middle=changed(CA, critical=False, path_length=0)),
        "not critical and without SKI": whole(root=changed(CA, critical=False, ski=False)),
        "not critical and without key usage": whole(root=changed(CA, critical=False, usage=False)),
        "purpose of anything": whole(leaf=changed(LEAF, purposes=(_ANY_PURPOSE,))),
        "purpose of code": whole(leaf=changed(LEAF, purposes=(_CODE,))),
        "purpose of code in the root": whole(root=changed(CA, purposes=(_CODE,))),
        "no purpose": whole(leaf=changed(LEAF, purposes=())),
        "no subject": whole(edits={"leaf": _with(subject=nobody)}),
        "no subject, names critical": whole(
            leaf=changed(LEAF, names=(), extra=((x509.SubjectAlternativeName([x509.DNSName("localhost")]), True),)),
            edits={"leaf": _with(subject=nobody)},
        ),
        "no subject, no names": whole(leaf=changed(LEAF, names=()), edits={"leaf": _with(subject=nobody)}),
        "no names": whole(leaf=changed(LEAF, names=())),
        "names of nothing": whole(
            leaf=changed(
                LEAF, names=(), extra=((x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), b"0\0"), False),)
            )
        ),
        "algorithms differ in the leaf": whole(edits={"leaf": _other_algorithm}),
        "algorithms differ in the middle": whole(edits={"middle": _other_algorithm}),
        "algorithms differ in the root": whole(edits={"root": _other_algorithm}),
        "nobody signed the leaf": whole(edits={"leaf": lambda data, _: asn1.edited(data, {asn1.SERIAL: number(9)})}),
        "nobody signed the root": whole(edits={"root": lambda data, _: asn1.edited(data, {asn1.SERIAL: number(9)})}),
    }
    for role in ("leaf", "middle", "root"):
        for text, serial in (("0", "00"), ("below 0", "80"), ("of 30 bytes", "01" * 30)):
            chains[f"serial {text} of the {role}"] = whole(edits={role: _with(serial=number(serial))})
        for version, field in (("1", b""), ("2", asn1.explicit(number(1)))):
            chains[f"version {version} with extensions, the {role}"] = whole(edits={role: _with(version=field)})
            edit = _with(version=field, extensions=b"")
            chains[f"version {version} without extensions, the {role}"] = whole(edits={role: edit})
        chains[f"version 3 without extensions, the {role}"] = whole(edits={role: _with(extensions=b"")})
    return chains


def _built() -> dict[str, Chain]:
    """Where the path goes: twins, cross-signed CAs, ends before a root, other orders."""

    def chain(sent: tuple[Issued, ...], *trusted: Issued) -> Chain:
        return Chain(tuple(each.der for each in sent), tuple(each.der for each in trusted))

    root, other = make("Root", form=CA, key=_KEYS[0]), make("Other", form=CA, key=_KEYS[3])
    old, expired = (make("Root", form=changed(CA, valid=valid), key=_KEYS[0]) for valid in ((PAST[0], FUTURE[0]), PAST))
    flawed = make("Root", form=changed(CA, critical=False), key=_KEYS[0])
    no_key_id = make("Root", form=changed(CA, ski=False), key=_KEYS[0])
    namesake = make("Root", form=CA, key=_KEYS[3])
    of_rsa = make("Root", form=changed(CA, ski=False), key=rsa_key(2048))
    middle = make("Middle", root, CA, key=_KEYS[1])
    across = make("Middle", other, CA, key=_KEYS[1])
    leaf = make("localhost", middle)
    below = make("Below", middle, CA, key=_KEYS[2])
    deep = make("localhost", below)
    nameless = make("localhost", middle, changed(LEAF, aki=False))
    alone = make("localhost", form=changed(LEAF, ca=True))
    no_ca = make("localhost", form=LEAF)
    renewed = make("Root", root, CA, key=_KEYS[2])
    under_renewed = make("localhost", renewed)
    return {
        "root in the trust and sent": chain((leaf, middle, root), root),
        "root sent, another trusted": chain((leaf, middle, root), other),
        "middle not sent": chain((leaf,), root),
        "middle trusted, not sent": chain((leaf,), root, middle),
        "middle trusted alone": chain((leaf,), middle),
        "middle trusted alone and sent": chain((leaf, middle), middle),
        "leaf trusted alone": chain((leaf,), leaf),
        "leaf trusted with its CAs sent": chain((leaf, middle), leaf),
        "self-signed and trusted": chain((alone,), alone),
        "self-signed, no CA, and trusted": chain((no_ca,), no_ca),
        "self-signed and not trusted": chain((alone,), root),
        "twins, an old one first": chain((leaf, middle), old, root),
        "twins, an expired one first": chain((leaf, middle), expired, root),
        "twins, an expired one behind": chain((leaf, middle), root, expired),
        "twins, a flawed one first": chain((leaf, middle), flawed, root),
        "twins, a flawed one behind": chain((leaf, middle), root, flawed),
        "twins, one sent": chain((leaf, middle, flawed), root),
        "twins, a sound one sent": chain((leaf, middle, root), flawed),
        "twins, one without key identifier first": chain((leaf, middle), no_key_id, root),
        "a namesake of another key first": chain((leaf, middle), namesake, root),
        "a namesake of another key alone": chain((leaf, middle), namesake),
        "a namesake of another kind of key": chain((leaf, middle), of_rsa, root),
        "a namesake of another kind of key alone": chain((leaf, middle), of_rsa),
        "cross-signed, its first root trusted": chain((leaf, middle, across), root),
        "cross-signed, its other root trusted": chain((leaf, middle, across), other),
        "cross-signed, the other way trusted": chain((leaf, across), other),
        "cross-signed in the trust": chain((leaf, middle), across, other),
        "of four": chain((deep, below, middle), root),
        "of four, out of order": chain((deep, middle, below), root),
        "of four, one missing": chain((deep, below), root),
        "of four, one missing, its issuer trusted": chain((deep, below), middle),
        "leaf without key identifier": chain((nameless, middle), root),
        "a key of its own successor": chain((under_renewed, renewed), root),
        "strangers sent along": chain((leaf, other, middle, namesake), root),
        "a weak key": chain((make("localhost", root, key=rsa_key(1024)),), root),
        "RSA": chain((make("localhost", make("Root", form=CA, key=rsa_key(2048)), key=rsa_key(2048, 1)),),
                     make("Root", form=CA, key=rsa_key(2048))),
        "nothing trusted that fits": chain((leaf, middle), other),
    }  # fmt: skip


def _ml_dsa() -> dict[str, Chain]:
    """Chains of ML-DSA, made by OpenSSL 4.0 from 2020 to 2120: leaf with an EC key, CA, root, leaf with such a key."""
    text = Path(__file__).with_name("ml_dsa.pem").read_text()
    leaf, ca, root, other_leaf = (ssl.PEM_cert_to_DER_cert(block + _END) for block in text.split(_END)[:4])
    stranger = make("Other", form=CA, key=_KEYS[3]).der
    return {
        "ML-DSA": Chain((leaf, ca), (root,)),
        "ML-DSA, all sent": Chain((leaf, ca, root), (root,)),
        "ML-DSA, not trusted": Chain((leaf, ca, root), (stranger,)),
        "ML-DSA, its CA trusted": Chain((leaf,), (ca,)),
        "ML-DSA, itself trusted": Chain((leaf,), (leaf,)),
        "ML-DSA key": Chain((other_leaf, ca), (root,)),
    }


@functools.cache
def chains() -> dict[str, Chain]:
    """Name -> chain, of all."""
    forms = {text: whole(case.root, case.middle, case.leaf, case.host) for text, case in CASES.items()}
    return {**forms, **_limits(), **_identifiers(), **_fields(), **_built(), **_ml_dsa()}
