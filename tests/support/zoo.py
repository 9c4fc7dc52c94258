"""The zoo of faults: for every cause a chain that has exactly that fault, and one that has none."""

from __future__ import annotations

import dataclasses
import ssl
import typing
from collections.abc import Callable

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from support.faults import server_context
from support.pki import CA, DAY, LEAF, NOW, Form, Issued, make, on_server, rsa_key

from certboot.pki.verdict import STRICT_PYTHON

PAST, FUTURE = (NOW - 9 * DAY, NOW - DAY), (NOW + DAY, NOW + 9 * DAY)
ROOT = make("Corp Root", form=CA)
ANOTHER = make("Another Root", form=CA)
ISSUING = make("Corp Issuing CA", ROOT, CA)
OLD_ROOT = make("Old Root", form=CA)


def changed(form: Form, **changes: object) -> Form:
    return dataclasses.replace(form, **changes)  # type: ignore[arg-type]


class Chain(typing.NamedTuple):
    """What a server sends, and what is trusted."""

    leaf: Issued
    sent: tuple[Issued, ...] = ()
    trusted: tuple[Issued, ...] = (ROOT,)

    def context(self, ciphers: str = "DEFAULT:@SECLEVEL=0", version: str = "") -> ssl.SSLContext:
        context = server_context(on_server(self.leaf, *self.sent), ciphers)
        if version:
            context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
        return context


def chain(root: Form = CA, middle: Form = CA, leaf: Form = LEAF) -> Chain:
    top = make("Corp Root", form=root)
    between = make("Middle", top, middle)
    return Chain(make("localhost", between, leaf), (between,), (top,))


GOOD = chain()
WITH_RSA = Chain(make("localhost", ROOT, key=rsa_key(2048)))


def missing() -> Chain:
    return Chain(make("localhost", ISSUING, changed(LEAF, issuer_at="http://pki.example/ca.cer")))


def strangers() -> Chain:
    return Chain(make("localhost", ISSUING), (make("Old Issuing CA", OLD_ROOT, CA), OLD_ROOT))


def constrained() -> Chain:
    only = x509.NameConstraints([x509.DNSName("example.org")], None)
    return chain(root=changed(CA, extra=((only, True),)))


def forged() -> Chain:
    return Chain(make("localhost", ISSUING, signer=ANOTHER.key), (ISSUING,))


def untrusted() -> Chain:
    return Chain(GOOD.leaf, (*GOOD.sent, *GOOD.trusted), (ANOTHER,))


def weak_leaf() -> Chain:
    return Chain(make("localhost", ROOT, key=rsa_key(1024)))


def weak_ca() -> Chain:
    between = make("Middle", ROOT, CA, key=rsa_key(1024))
    return Chain(make("localhost", between), (between,))


def self_signed() -> Chain:
    return Chain(make("localhost"), trusted=(ANOTHER,))


FAIL, WARN = "fail", "fail" if STRICT_PYTHON else "warn"
CLIENTS_ONLY = (ExtendedKeyUsageOID.CLIENT_AUTH,)
ZOO: dict[str, tuple[str, str, Callable[[], Chain], int | None]] = {
    # name: cause, status, chain, OpenSSL's code here
    "missing-intermediate": ("missing-intermediate", FAIL, missing, 20),
    "untrusted-root": ("untrusted-root", FAIL, untrusted, 19),
    "self-signed-leaf": ("self-signed-leaf", FAIL, self_signed, 18),
    "expired-leaf": ("expired-leaf", FAIL, lambda: chain(leaf=changed(LEAF, valid=PAST)), 10),
    "expired-intermediate": ("expired-intermediate", FAIL, lambda: chain(middle=changed(CA, valid=PAST)), 10),
    "expired-root": ("expired-root", FAIL, lambda: chain(root=changed(CA, valid=PAST)), 10),
    "not-yet-valid": ("not-yet-valid", FAIL, lambda: chain(leaf=changed(LEAF, valid=FUTURE)), 9),
    "a root of the future": ("clock-skew", FAIL, lambda: chain(root=changed(CA, valid=FUTURE)), 9),
    "hostname-mismatch": ("hostname-mismatch", FAIL, lambda: chain(leaf=changed(LEAF, names=("a.example",))), 62),
    "no-subject-alt-name": ("no-subject-alt-name", FAIL, lambda: chain(leaf=changed(LEAF, names=())), 0),
    "leaf without AKI": ("strict-missing-aki", WARN, lambda: chain(leaf=changed(LEAF, aki=False)), None),
    "middle without AKI": ("strict-missing-aki", WARN, lambda: chain(middle=changed(CA, aki=False)), None),
    "middle without SKI": ("strict-missing-ski", WARN, lambda: chain(middle=changed(CA, ski=False)), None),
    "root without SKI": ("strict-missing-ski", WARN, lambda: chain(root=changed(CA, ski=False)), None),
    "not critical": ("strict-basic-constraints", WARN, lambda: chain(middle=changed(CA, critical=False)), None),
    "root without constraints": (
        "strict-basic-constraints", WARN, lambda: chain(root=changed(CA, constraints=False)), None
    ),
    "no key usage": ("strict-key-usage", WARN, lambda: chain(middle=changed(CA, usage=False)), None),
    "leaf that may sign": ("strict-key-usage", WARN, lambda: chain(leaf=changed(LEAF, can_sign=True)), None),
    "path length without usage": (
        "strict-path-length", WARN, lambda: chain(middle=changed(CA, usage=False, path_length=0)), None
    ),
    "weak-key": ("weak-key", FAIL, weak_leaf, 66),
    "weak key of a CA": ("weak-key", FAIL, weak_ca, 67),
    "weak-signature": ("weak-signature", FAIL, lambda: chain(leaf=changed(LEAF, sha1=True)), 68),
    "wrong-purpose": ("wrong-purpose", FAIL, lambda: chain(leaf=changed(LEAF, purposes=CLIENTS_ONLY)), 26),
    "not-a-ca": ("not-a-ca", FAIL, lambda: chain(middle=changed(CA, ca=False)), 79),
    "path-length-exceeded": ("path-length-exceeded", FAIL, lambda: chain(root=changed(CA, path_length=0)), 25),
    "name-constraints": ("name-constraints", FAIL, constrained, 47),
    "invalid-signature": ("invalid-signature", FAIL, forged, 7),
    "wrong-chain": ("wrong-chain", FAIL, strangers, 20),
}  # fmt: skip
