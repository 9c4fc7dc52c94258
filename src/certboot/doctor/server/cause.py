"""From OpenSSL's code to the one cause. The code decides; the path says which certificate it is about."""

from __future__ import annotations

import typing
from datetime import datetime

from certboot.doctor.examination import NO_INSTRUCTION, Instruction
from certboot.doctor.finding import UPDATE
from certboot.doctor.server import dates, remedies
from certboot.doctor.server.case import Cause
from certboot.doctor.server.issuer import untrusted, without_end
from certboot.doctor.server.self_signed import self_signed
from certboot.pki import names, rules
from certboot.pki.openssl import MODELS, OURS, does
from certboot.pki.verify import strict_defects, strict_end
from certboot.pki.verify_codes import NO_ISSUER, WRONG_NAME, WRONG_TIME, Code

if typing.TYPE_CHECKING:
    from collections.abc import Mapping

    from certboot.doctor.finding import Status
    from certboot.doctor.server.case import Case
    from certboot.pki.openssl import Version
    from certboot.pki.parsed import ParsedCertificate
    from certboot.pki.verdict import Judgement

_CODES = {
    "invalid-signature": (4, 6, 76, 77, Code.CERT_SIGNATURE_FAILURE, Code.SIGNATURE_ALGORITHM_INCONSISTENCY),
    "self-signed-leaf": (Code.DEPTH_ZERO_SELF_SIGNED_CERT,),
    "untrusted-root": (27, Code.SELF_SIGNED_CERT_IN_CHAIN),
    "path-length-exceeded": (Code.PATH_LENGTH_EXCEEDED,),
    "wrong-purpose": (Code.INVALID_PURPOSE,),
    "distrusted-by-user": (Code.CERT_REJECTED,),
    "not-a-ca": (32, 37, Code.INVALID_CA),
    "name-constraints": (47, 48, 49, 51, 52, 53),
    "hostname-mismatch": (63, Code.HOSTNAME_MISMATCH),
    "ip-not-in-san": (Code.IP_ADDRESS_MISMATCH,),
    "weak-key": (Code.EE_KEY_TOO_SMALL, Code.CA_KEY_TOO_SMALL),
    "weak-signature": (Code.CA_MD_TOO_WEAK,),
}
_STRICT_CODES = {
    # INVALID_CA is a root without any, which the lax rules let pass.
    "strict-basic-constraints": (Code.INVALID_CA, Code.CA_BCONS_NOT_CRITICAL),
    "strict-path-length": (Code.PATHLEN_INVALID_FOR_NON_CA, Code.PATHLEN_WITHOUT_KU_KEY_CERT_SIGN),
    "strict-key-usage": (Code.KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA, Code.CA_CERT_MISSING_KEY_USAGE),
    "strict-missing-aki": (
        Code.MISSING_AUTHORITY_KEY_IDENTIFIER,
        Code.EMPTY_AUTHORITY_KEY_IDENTIFIER,
        Code.AKID_ISSUER_SERIAL_NOT_PAIRED,
    ),
    "strict-missing-ski": (Code.MISSING_SUBJECT_KEY_IDENTIFIER,),
    "strict-names": (
        Code.ISSUER_NAME_EMPTY,
        Code.SUBJECT_NAME_EMPTY,
        Code.EMPTY_SUBJECT_ALT_NAME,
        Code.EMPTY_SUBJECT_SAN_NOT_CRITICAL,
    ),
    "strict-version": (Code.EXTENSIONS_REQUIRE_VERSION_3,),
}


def _by_code(table: Mapping[str, tuple[int, ...]]) -> dict[int, str]:
    return {code: kind for kind, codes in table.items() for code in codes}


CAUSES = _by_code(_CODES)
"""What needs no second look at the chain."""
STRICT_CAUSES = _by_code(_STRICT_CODES)
"""What only Python 3.13 and newer refuse (VERIFY_X509_STRICT)."""
# What the chain has to be looked at for, the likeliest first.
_SEVERAL = (
    (NO_ISSUER, ("missing-intermediate", "untrusted-root", "wrong-chain", "openssl-too-old")),
    ({Code.CERT_HAS_EXPIRED}, ("expired-leaf", "expired-intermediate", "expired-root", "clock-skew")),
    ({Code.CERT_NOT_YET_VALID}, ("not-yet-valid", "clock-skew")),
)

_MEANINGS = {
    "path-length-exceeded": "a CA above allows fewer CAs below it than there are: {subject}",
    "wrong-purpose": "its extended key usage or key usage is not for TLS servers: {subject}",
    "not-a-ca": "it signed another certificate and is no CA: {subject}",
    "name-constraints": "a CA above may not issue for this name: {subject}",
    "invalid-signature": "its signature does not verify with its issuer's key, so it was altered or forged: {subject}",
    "weak-key": "its key is too short to be safe, {key}: {subject}",
    "weak-signature": "it is signed with a digest that can be forged, {digest}: {subject}",
    "strict-missing-aki": "it does not say by its authority key identifier which key signed it: {subject}",
    "strict-missing-ski": "the CA has no subject key identifier: {subject}",
    "strict-basic-constraints": "the basic constraints of the CA are missing or not marked critical: {subject}",
    "strict-key-usage": "its key usage is missing, or not that of a CA: {subject}",
    "strict-path-length": "it limits the path length without being a CA that may sign: {subject}",
    "strict-names": "its subject, issuer or alternative names are empty: {subject}",
    "strict-version": "it has extensions, and calls itself older than version 3: {subject}",
}


def possible_findings(code: int) -> tuple[str, ...]:
    """Return the ids of what may be behind a code of OpenSSL, the likeliest first."""
    several = [kind for codes, kinds in _SEVERAL if code in codes for kind in kinds]
    single = [causes[code] for causes in (CAUSES, STRICT_CAUSES) if code in causes]
    return tuple(several or single) or ("handshake-ok" if code == Code.OK else "verification-failed",)


def refused(case: Case, message: str, openssl: Version = OURS) -> Cause:
    """Return the cause for ``case.code``, a code by which this OpenSSL refuses the chain by the rules of any Python."""
    return _or_overshadowed(case, _unread(case, openssl) or _refused(case, message))


def _or_overshadowed(case: Case, why: Cause) -> Cause:
    """Return the cause, or where what is trusted keeps clients from a better twin that was sent, that."""
    twin = case.overshadowing
    if twin is None:
        return why
    certificate = twin.certificate
    ended = certificate.validity.not_after < case.now
    lines = [
        f"the trust that is active has another certificate of {certificate.subject} than the server sends",
        f"clients look there first, and refuse that one: {why.id}; with the server's they accept the chain",
    ]
    fix = UPDATE if ended else remedies.certboot("repair", case.target)
    if certificate.fingerprint not in case.known.in_store:
        lines.append("it is not in certboot's store, but where the variables lead")
        fix = (("certboot", "doctor", "environment"),)
    elif not ended:
        lines.append("certboot repair stores the server's as well, and of the two the sounder counts")
    depth = case.path.certificates.index(twin)
    return Cause("twin-in-trust", "\n".join(lines), fix, why.status, depth, {"because": why.id})


def _refused(case: Case, message: str) -> Cause:
    if case.code in NO_ISSUER:
        return without_end(case)
    if case.code in WRONG_TIME:
        return dates.not_valid_now(case)
    if case.code in WRONG_NAME:
        return _wrong_name(case)
    kind = CAUSES.get(case.code, "verification-failed")
    special = {
        "untrusted-root": untrusted,
        "self-signed-leaf": self_signed,
        "distrusted-by-user": _rejected,
    }
    if kind in special:
        return special[kind](case)
    if kind == "verification-failed":
        return Cause(kind, f"OpenSSL refuses the chain: {message}", depth=case.depth)
    return _about_a_certificate(kind, case)


def _unread(case: Case, openssl: Version) -> Cause | None:
    """Return the cause where this OpenSSL cannot read the key of the leaf, or the signature at the end of the path."""
    signature = case.code in NO_ISSUER and case.top.has_ml_dsa_signature
    key = case.code == Code.EE_KEY_TOO_SMALL and case.leaf.has_ml_dsa_key
    if not (signature or key) or does(openssl, "ML-DSA"):
        return None
    ours = ".".join(map(str, OURS)) if openssl == OURS else "before 3.5"
    part = "signature" if signature else "key"
    meaning = (
        f"OpenSSL {ours} cannot read the {part} of this certificate, which is of ML-DSA (FIPS 204): "
        f"{case.top.certificate.subject}\nit takes a Python with OpenSSL 3.5 or newer (ssl.OPENSSL_VERSION)"
    )
    return Cause("openssl-too-old", meaning, depth=len(case.path.certificates) - 1, evidence={"openssl": ours})


def strict_only(case: Case, *, here: bool) -> Cause:
    """Return the cause for a code by which only Python 3.13 and newer refuse; ``here``: this Python is one."""
    return _or_overshadowed(case, _strict_only(case, here=here))


def _strict_only(case: Case, *, here: bool) -> Cause:
    kind = STRICT_CAUSES.get(case.code)
    if kind is None:
        status: Status = "fail" if here else "warn"
        return Cause("verification-failed", "only strict verification refuses the chain", (), status, case.depth)
    lines = [_about_a_certificate(kind, case).meaning]
    requests = [] if case.depth is None else _requests(case, kind)
    lines += [f"for all clients: {request}" for request in requests]
    end = strict_end(case.path.certificates, (case.top,), case.now) if case.depth is not None else None
    if end:
        below = end.last.certificate
        lines.append(
            f"for yours: with {below.subject} in the store, which has no such defect and is valid until "
            f"{below.validity.not_after:%Y-%m-%d}, {rules.PYTHONS} need nothing above it"
        )
    lines.append("or use a Python up to 3.12")
    return Cause(
        kind,
        "\n".join(lines),
        remedies.certboot("repair", case.target) if end else (),
        "fail" if here else "warn",
        case.depth,
        operator=Instruction(f"{'; '.join(requests)}.") if requests else NO_INSTRUCTION,
    )


def _requests(case: Case, kind: str) -> list[str]:
    """Return what is to be asked for each certificate that they refuse, or would refuse next; the culprit's first."""
    requests = {case.depth: rules.reissue_request(case.culprit.certificate, _strict(case.culprit, kind))}
    for depth, member in enumerate(case.path.certificates):
        requests.setdefault(depth, rules.reissue_request(member.certificate, _strict(member)))
    members = case.path.certificates
    return [f"{members[depth or 0].certificate.subject}: {request}" for depth, request in requests.items() if request]


def _strict(member: ParsedCertificate, *kinds: str) -> list[str]:
    codes = (
        code
        for openssl in MODELS.values()
        for code in strict_defects(member, is_last=member.is_self_signed, openssl=openssl)
    )
    return [*kinds, *(STRICT_CAUSES[code] for code in codes if code in STRICT_CAUSES)]


def though_accepted(case: Case, without_common_name: Judgement | None) -> Cause | None:
    """Return the worst that is wrong with a chain that OpenSSL accepts."""
    objection = _revoked(case) or _distrusted(case) or _distrusted_after(case)
    if objection or not without_common_name or without_common_name.code not in WRONG_NAME:
        return objection
    meaning = (
        f"the certificate has no subjectAltName, only a common name: {case.leaf.certificate.subject}\n"
        "the standard library falls back to that; requests, pip, curl and browsers refuse it"
    )
    return Cause("no-subject-alt-name", meaning, depth=0)


def _about_a_certificate(kind: str, case: Case) -> Cause:
    culprit = case.culprit
    meaning = _MEANINGS[kind].format(
        subject=culprit.certificate.subject, key=culprit.key[0], digest=culprit.signature[0]
    )
    if case.depth is None:
        meaning = _MEANINGS[kind].partition(",")[0].partition(":")[0].replace("its ", "a certificate's ", 1)
    return Cause(kind, meaning, depth=case.depth)


def _wrong_name(case: Case) -> Cause:
    for_names = ", ".join(case.leaf.names[:8]) or "no name at all"
    address = names.ip_address(case.target.name)
    evidence = {"names": case.leaf.names, "asked": case.target.name}
    if address:
        meaning = f"the certificate is not for the address {address}, but for: {for_names}"
        return Cause("ip-not-in-san", meaning, depth=0, evidence=evidence)
    meaning = f"the certificate is not for {case.target.name}, but for: {for_names}"
    return Cause("hostname-mismatch", meaning, depth=0, evidence=evidence)


def _rejected(_: Case) -> Cause:
    meaning = "a certificate in the trust that is active is marked as rejected (BEGIN TRUSTED CERTIFICATE)"
    return Cause("distrusted-by-user", meaning)


def _revoked(case: Case) -> Cause | None:
    for depth, member in enumerate(case.path.certificates):
        if depth and member.certificate.fingerprint in case.known.distrust.revoked:
            meaning = f"the CCADB lists this intermediate as revoked: {member.certificate.subject}"
            return Cause("revoked-intermediate", meaning, depth=depth)
    return None


def _distrusted(case: Case) -> Cause | None:
    for depth, member in enumerate(case.path.certificates):
        subject = member.certificate.subject
        if case.known.distrust.undo(member.certificate) is None:
            continue
        if depth < case.path.sent:
            return _distrusted_and_sent(case, depth)
        meaning = (
            f"you have distrusted a CA of this chain: {subject}\n"
            "the trust that is active here has it all the same; it is not certboot's store"
        )
        fix = (("certboot", "doctor", "environment", "hook"),)
        return Cause("distrusted-by-user", meaning, fix, status="warn", depth=depth)
    return None


def _distrusted_and_sent(case: Case, depth: int) -> Cause:
    """Return the cause where the store does not keep clients from accepting what is distrusted."""
    certificate, end = case.path.certificates[depth].certificate, case.top.certificate
    meaning = (
        f"you have distrusted a CA of this chain, and clients accept it all the same: {certificate.subject}\n"
        f"the server sends it, with a signature that leads to a CA that is still trusted: {end.subject}\n"
        "the store says who is believed, and not who is not: do not rely on what this server says\n"
        "to have it refused, distrust that CA as well, and so every server that it vouches for"
    )
    evidence = {"distrusted": certificate.fingerprint, "trusted": end.fingerprint}
    words = f"Use a certificate whose chain does not lead over {certificate.subject}: some clients "
    operator = Instruction(words + "have distrusted that CA.")
    return Cause("distrusted-by-user", meaning, depth=depth, evidence=evidence, operator=operator)


def _distrusted_after(case: Case) -> Cause | None:
    begin = case.leaf.certificate.validity.not_before
    for depth, member in enumerate(case.path.certificates):
        day = case.known.distrust.after.get(member.certificate.fingerprint)
        if day and _is_later(begin, day):
            meaning = (
                f"Mozilla trusts {member.certificate.name} only for certificates that begin by {day}; "
                f"this one begins on {begin:%Y-%m-%d}\n"
                "Python's clients do not know that rule and accept it, browsers do not"
            )
            return Cause("distrusted-after", meaning, depth=depth)
    return None


def _is_later(begin: datetime, day: str) -> bool:
    try:
        return begin.date() > datetime.fromisoformat(day).date()
    except ValueError:
        return False
