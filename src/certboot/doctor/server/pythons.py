"""What Pythons of other versions, with other OpenSSLs, say of a chain.

What this Python's OpenSSL says, by the rules of each kind of Python, is its own; of other versions of OpenSSL it is
computed, where what is computed for this one is what it says.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
import typing
from dataclasses import replace

from certboot.doctor.examination import ClientVerdict
from certboot.pki.openssl import MODELS, NEWEST, OURS, ways
from certboot.pki.rules import PYTHONS
from certboot.pki.verify import Rules, verify
from certboot.pki.verify_codes import Code

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from certboot.doctor.server.case import Evidence
    from certboot.pki.openssl import Version
    from certboot.pki.parsed import ParsedCertificate
    from certboot.pki.verdict import Judgement
    from certboot.pki.verify import Verification

OLD, NEW, OTHERS = "Python up to 3.12", PYTHONS, "requests, urllib3 2, pip"
"""So those are called whose verdicts are told."""
VERIFIES_ML_DSA = importlib.util.find_spec("cryptography.hazmat.primitives.asymmetric.mldsa") is not None
"""Whether cryptography does, with which the signatures are verified: before version 48 it does not."""
_RULES: dict[int, str] = {
    Code.UNABLE_TO_GET_ISSUER_CERT: "nothing that is trusted is above the last CA",
    Code.UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its issuer is not there, or not trusted",
    Code.PERMITTED_VIOLATION: "a name that a CA above may not issue for",
    Code.EXCLUDED_VIOLATION: "a name that a CA above may not issue for",
    Code.UNSUPPORTED_NAME_SYNTAX: "a name that cannot be compared with what a CA above may issue for",
    Code.SIGNATURE_ALGORITHM_INCONSISTENCY: "two algorithms named for one signature",
    Code.INVALID_CA: "a CA without basic constraints",
    Code.PATHLEN_INVALID_FOR_NON_CA: "a limit of CAs below in what is no CA",
    Code.PATHLEN_WITHOUT_KU_KEY_CERT_SIGN: "a limit of CAs below without the right to sign",
    Code.KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA: "the right to sign in what is no CA",
    Code.ISSUER_NAME_EMPTY: "an issuer without a name",
    Code.SUBJECT_NAME_EMPTY: "a subject without a name",
    Code.MISSING_AUTHORITY_KEY_IDENTIFIER: "a certificate that does not name its issuer's key",
    Code.MISSING_SUBJECT_KEY_IDENTIFIER: "a CA without an identifier of its key",
    Code.EMPTY_SUBJECT_ALT_NAME: "a list of names without a name",
    Code.EMPTY_SUBJECT_SAN_NOT_CRITICAL: "no subject, and names that are not marked critical",
    Code.CA_BCONS_NOT_CRITICAL: "a CA whose basic constraints are not marked critical",
    Code.CA_CERT_MISSING_KEY_USAGE: "a CA without key usage",
    Code.EXTENSIONS_REQUIRE_VERSION_3: "extensions in a certificate of an older version",
    Code.EMPTY_AUTHORITY_KEY_IDENTIFIER: "a certificate that does not name its issuer's key",
    Code.AKID_ISSUER_SERIAL_NOT_PAIRED: "an issuer named without its serial number, or that without the issuer",
}


def python_verdicts(
    evidence: Evidence, sent: Sequence[ParsedCertificate] = (), anchors: Sequence[ParsedCertificate] = ()
) -> list[ClientVerdict]:
    """Return what each kind of Python says; without a chain that is ``sent``, whatever its OpenSSL."""
    kinds = ((OLD, evidence.judgements.lax), (NEW, evidence.judgements.strict))
    verdicts: list[ClientVerdict] = []
    for strict, (client, said) in enumerate(kinds):
        if said:
            rules = Rules(evidence.now, evidence.target.name, strict=bool(strict), level=evidence.level)
            verdicts += _by_openssl(client, said, rules, sent, anchors)
    return verdicts


def _by_openssl(
    client: str,
    said: Judgement,
    rules: Rules,
    sent: Sequence[ParsedCertificate],
    anchors: Sequence[ParsedCertificate],
) -> Iterator[ClientVerdict]:
    def verdict(words: str, code: int, message: str, version: Version) -> ClientVerdict:
        rule = _RULES.get(code, message) if code else ""
        return ClientVerdict(client, words, code, message, rule, strict=rules.strict, version=version)

    @functools.cache
    def computed(alike: tuple[bool, ...]) -> Verification:
        return verify(sent, anchors, replace(rules, openssl=versions[alike]))

    versions = {ways(version): version for version in (OURS, *MODELS.values())}
    known = bool(sent) and computed(ways(OURS)).code == said.code
    if known and not VERIFIES_ML_DSA:
        known = not any(member.has_ml_dsa_signature for member in computed(ways(NEWEST)).path.certificates[:-1])
    codes = {series: computed(ways(version)).code for series, version in MODELS.items()} if known else {}
    runs = [(number, [*members]) for number, members in itertools.groupby(codes, key=codes.__getitem__)]
    if len(runs) < 2:  # noqa: PLR2004 - no two of them differ
        yield verdict("", *said, OURS)
        return
    ends = [*(members[0] for _, members in runs[1:]), ""]
    for (number, members), end in zip(runs, ends, strict=True):
        words = f"{members[0]} and newer" if not end else f"before {end}"
        if end and members[0] != next(iter(MODELS)):
            words = f"from {members[0]}, {words}"
        yield verdict(words, number, Code(number).words, MODELS[members[0]])
