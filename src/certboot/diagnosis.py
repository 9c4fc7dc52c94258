"""From a handshake to its one cause, as a finding. Pure: OpenSSL's verify code decides, never the text of a message."""

from __future__ import annotations

import typing
from datetime import datetime

from certboot.model import Finding

if typing.TYPE_CHECKING:
    from certboot.model import Handshake, Presented

# X509_V_ERR_* in OpenSSL's include/openssl/x509_vfy.h.in
_EXPIRED = 10
_SELF_SIGNED_IN_CHAIN = 19
_NO_ISSUER = (2, 20, 21)
_WRONG_NAME = ("hostname-mismatch", "the certificate is for other names; only its operator can mend that")
_ONLY_THE_OPERATOR: dict[int | None, tuple[str, str]] = {
    9: ("not-yet-valid", "a certificate is not valid yet; is this machine's clock right?"),
    18: ("self-signed-leaf", "the server's certificate signs itself; no CA vouches for it"),
    62: _WRONG_NAME,
    63: _WRONG_NAME,
    64: _WRONG_NAME,
}

_ADD = ("certboot", "init", "--add", "CA.pem")


def diagnose(handshake: Handshake, now: datetime) -> Finding:
    """Return the finding for one handshake: ``handshake-ok``, or the cause why it failed. ``now`` is aware."""
    subject = f"{handshake.host}:{handshake.port}"
    evidence: dict[str, object] = {
        "verify_code": handshake.verify_code,
        "verify_message": handshake.verify_message,
        "chain": [vars(certificate) for certificate in handshake.chain],
    }
    if handshake.outcome == "ok":
        summary = f"Verify return code: 0 (ok), {handshake.protocol}"
        return Finding("handshake-ok", "server", "ok", subject, summary, evidence)
    if handshake.outcome != "unverified":
        summary = handshake.error
        return Finding(handshake.outcome, "server", "fail", subject, summary, {"error": handshake.error})
    cause, meaning, fix = _cause(handshake, now)
    words = f"Verify return code: {handshake.verify_code} ({handshake.verify_message})"
    return Finding(cause, "server", "fail", subject, f"{words}\n{meaning}", evidence, fix)


def _cause(handshake: Handshake, now: datetime) -> tuple[str, str, tuple[tuple[str, ...], ...]]:
    """Return the finding's id, what it means, and the commands that mend it."""
    code, chain = handshake.verify_code, handshake.chain
    if code == _EXPIRED:
        return *_expired(chain, now), ()
    if code == _SELF_SIGNED_IN_CHAIN:
        root = chain[-1].subject if chain else "unknown"
        return "untrusted-root", f"the server's CA is not in the trust that is active: {root}", (_ADD,)
    if code in _NO_ISSUER:
        issuer = chain[-1].issuer if chain else "unknown"
        meaning = (
            f"the issuer of the last certificate sent is neither sent nor trusted: {issuer}\n"
            "either the server forgot its intermediate certificate, or its CA is one you have to add"
        )
        return "issuer-not-found", meaning, (_ADD,)
    return *_ONLY_THE_OPERATOR.get(code, ("verification-failed", "OpenSSL refuses the chain for this reason")), ()


def _expired(chain: tuple[Presented, ...], now: datetime) -> tuple[str, str]:
    if not chain:
        return "expired", "a certificate has expired; which one, the server would not show a second time"
    for position, certificate in enumerate(chain):
        if certificate.not_after and datetime.fromisoformat(certificate.not_after) < now:
            which = "expired-intermediate" if position else "expired-leaf"
            return which, f"expired on {certificate.not_after}: {certificate.subject}"
    return "expired-root", "a CA certificate in the trust that is active has expired"
