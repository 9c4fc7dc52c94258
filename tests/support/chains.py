"""Chains that break a rule each, of three certificates as a rule, and how OpenSSL 3.0 sees them."""

from __future__ import annotations

import typing

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from support.pki import CA, DAY, LEAF, NOW, Form, changed, name

PAST, FUTURE = (NOW - 9 * DAY, NOW - DAY), (NOW + DAY, NOW + 9 * DAY)
CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)


def constrained(permitted: tuple[str, ...] = (), excluded: tuple[str, ...] = ()) -> Form:
    def subtree(text: str) -> x509.GeneralName:
        if text.startswith("CN="):
            return x509.DirectoryName(name(text[3:]))
        if text[:1].isdigit():
            import ipaddress

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
