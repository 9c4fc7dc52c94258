"""Why the chain has no end in the active trust: an intermediate is missing, or the CA is not trusted, or neither fits.

From this side the two look alike: an issuer that is neither sent nor trusted. What is known of CAs decides; where
nothing is known, what the certificates say of themselves, and the finding says why it came to what it says.
"""

from __future__ import annotations

import re
import typing

from cryptography import x509

from certboot.doctor import owners
from certboot.doctor.examination import NO_INSTRUCTION, Instruction
from certboot.doctor.finding import INIT
from certboot.doctor.server import remedies
from certboot.doctor.server.case import Cause
from certboot.errors import printable
from certboot.pki.path import is_issuer
from certboot.sources import certifi, system

if typing.TYPE_CHECKING:
    from collections.abc import Iterable

    from certboot.doctor.finding import Fix
    from certboot.doctor.owners import Sign
    from certboot.doctor.server.case import Case
    from certboot.pki.parsed import ParsedCertificate

STORE = "certboot's store"
SYSTEM = "the system's store"
CERTIFI = "certifi"
_EITHER = (
    "If {issuer} is an intermediate, configure the full chain: the server's certificate first, then every "
    "intermediate, without the root. If it is a root of your own, give clients its file."
)
_KEPT_OUT = "which the variables of this process do not lead to"
_APART = "which the store is not made from"
_LOOK = (("certboot", "doctor", "environment", "hook"),)
_ROOT = re.compile(r"\broot\b", re.IGNORECASE)
_INTERMEDIATE = re.compile(r"\b(intermediate|issuing|subordinate|sub ?ca)\b", re.IGNORECASE)


def without_end(case: Case) -> Cause:
    """Return the cause where the top of the path is not self-signed and its issuer not found."""
    by_user = _distrusted(case)
    if by_user:
        return by_user
    # Something else was sent in the place of the issuer: more than a root, which is harmless.
    if case.top == case.leaf and len(linked(case)) == 1 and any(member != case.leaf for member in case.sent):
        meaning = (
            f"the server sends certificates of other CAs, and not that of its own: {case.leaf.certificate.issuer}\n"
            "most likely an old chain was left in its configuration when its certificate was renewed"
        )
        fix = _with_the_store(case, remedies.certboot("repair", case.target)) if case.leaf.issuers_at else ()
        ways = [] if _by_knowledge(case) else _both_ways(case)
        return Cause("wrong-chain", "\n".join([meaning, *ways]), fix, depth=0)
    known = _by_knowledge(case)
    because = _by_looks(case) if known is None else known
    return _missing(case, because, certain=known is not None) if because else untrusted(case)


def _missing(case: Case, because: str, *, certain: bool) -> Cause:
    issuer = case.top.certificate.issuer
    stored = any(_is_stored(intermediate, case) for intermediate in case.known.intermediates)
    lines = [f"the server does not send the intermediate certificate that it needs: {issuer}", because]
    evidence = {"because": because, "missing": {"subject": issuer, "at": case.top.issuers_at}}
    operator = NO_INSTRUCTION if certain else Instruction(_EITHER.format(issuer=issuer))
    if not certain:
        lines[0] = f"most likely the server does not send an intermediate certificate that it needs: {issuer}"
        lines += _both_ways(case)
    fix: Fix = ()
    if stored:
        lines.append(f"it is in {STORE}, {_KEPT_OUT}")
        fix = _with_the_store(case, ())
    elif case.top.issuers_at or (certain and case.known.intermediates):
        fix = _with_the_store(case, remedies.certboot("repair", case.target))
    elif certain:
        lines.append("the server's certificate does not say where it lies: only the server's operator can mend that")
    here = _overriding(case)
    meaning = "\n".join([*lines, *here])
    return Cause("missing-intermediate", meaning, fix, evidence=evidence, certain=certain, operator=operator, here=here)


def _both_ways(case: Case) -> list[str]:
    """Return what to do where nothing tells a root from an intermediate."""
    fetched = "certboot repair fetches it" if case.top.issuers_at else "only the server's operator can send it"
    return [
        "whether that is an intermediate or a root, nothing here proves:",
        f"  an intermediate  {fetched}",
        "  a root           ask the company whose CA it is for the CA's file, then",
        "                   certboot trust FILE",
    ]


def untrusted(case: Case) -> Cause:
    """Return the cause where the CA at the end, sent or only named, is not in the active trust."""
    by_user = _distrusted(case)
    if by_user:
        return by_user
    top = case.top
    root = top.certificate.subject if top.is_self_signed else top.certificate.issuer
    lines = [f"the CA at the end of the chain is not in the trust that is active: {root}"]
    certain = top.is_self_signed or _by_knowledge(case) is not None
    evidence: dict[str, object] = {"root": root}
    elsewhere = [(known, place) for known, place in case.known.elsewhere if known == top or is_issuer(known, top)]
    where = sorted({place for _, place in elsewhere})
    fix = _with_the_store(case, remedies.certboot("trust", case.target))
    # Of what is not sent there is no SHA-256 to be shown.
    compared = ": compare its SHA-256 with what its owner says" if top.is_self_signed else ""
    know = f"trust it only if you know whose it is{compared}"
    maker = _maker(case)
    made: list[str] = []
    if maker:
        made = [_made_by(maker)]
        evidence |= owners.evidence([maker])
        evidence |= {"inspection": maker.owner.name} if maker.owner.inspects else {}
    if where:
        evidence["elsewhere"] = where
        brought = _brought_in(case, elsewhere)
        fix = _with_the_store(case, brought)
        apart = brought not in ((), INIT)
        lines += [f"it is in {' and in '.join(where)}, {_APART if apart else _KEPT_OUT}", *made]
        lines += [know] if apart else []
    else:
        inspection, words = _on_the_way(case, maker)
        evidence |= {"inspection": inspection} if inspection else {}
        lines += [*made, *words]
        lines += [] if certain else _both_ways(case)
        if not top.is_self_signed and not top.issuers_at:
            # It is neither sent nor said where it lies.
            lines += ["ask its owner for its file, then certboot trust FILE"] if certain else []
            fix = ()
        elif top.is_self_signed and top.certificate.validity.not_after < case.now:
            lines.append("it has expired as well: ask its owner for the present one, then certboot trust FILE")
            fix = ()
        lines.append(know)
    # What made the chain on the way is not the server's affair, nor is a store that nobody looks at here.
    operator = None if "inspection" in evidence or STORE in where else NO_INSTRUCTION
    here = _overriding(case)
    meaning, depth = "\n".join([*lines, *here]), len(case.path.certificates) - 1
    return Cause(
        "untrusted-root", meaning, fix, depth=depth, evidence=evidence, certain=certain, operator=operator, here=here
    )


def linked(case: Case) -> set[str]:
    """Return the fingerprints of what was sent and belongs to the leaf: it, its possible issuers, and theirs."""
    belonging = {case.leaf.certificate.fingerprint}
    waiting = [case.leaf]
    for child in waiting:  # grows as it goes
        for candidate in case.sent:
            if candidate.certificate.fingerprint not in belonging and is_issuer(candidate, child):
                belonging.add(candidate.certificate.fingerprint)
                waiting.append(candidate)
    return belonging


def _with_the_store(case: Case, commands: Fix) -> Fix:
    """Return the commands, with what else is needed for the store to be used here."""
    return remedies.through_store(commands, case.known.overrides, case.target) or _LOOK


def _overriding(case: Case) -> tuple[str, ...]:
    """Return by what the store is kept out, in lines that are nobody else's business: they may hold a path."""
    return tuple(
        f"{override.name} decides here, and certboot leaves it alone"
        + (f": {override.problem}" if override.problem else "")
        for override in case.known.overrides
    )


def _is_stored(candidate: ParsedCertificate, case: Case) -> bool:
    return candidate.certificate.fingerprint in case.known.stored and is_issuer(candidate, case.top)


def _by_knowledge(case: Case) -> str | None:
    """Return why the missing issuer is an intermediate, an empty text for a root, or None where neither is known."""
    named = _issuer_of_issuer(case.top)
    if named is not None:
        said = "the certificate that was sent names the issuer of the missing one, so that is no root"
        return said if named != case.top.parsed.issuer else ""
    known = [candidate for candidate in case.known.intermediates if is_issuer(candidate, case.top)]
    if known:
        stored = all(_is_stored(candidate, case) for candidate in known)
        return "it was needed and stored before" if stored else "it is known as an intermediate of a public CA"
    return "" if any(is_issuer(candidate, case.top) for candidate, _ in case.known.elsewhere) else None


def _by_looks(case: Case) -> str:
    """Return by what the missing issuer is taken for an intermediate, or an empty text."""
    top, issuer = case.top, case.top.certificate.issuer
    if _maker(case) or _ROOT.search(issuer):
        return ""
    if _INTERMEDIATE.search(issuer):
        return "its name is one for an intermediate"
    if top.issuer_organisation and top.issuer_organisation in case.known.organisations:
        return f"the trust that is active has a root of the same organisation, {printable(top.issuer_organisation)}"
    if not top.certificate.constraints.is_ca and top.issuers_at:
        return f"no CA was sent at all, and the server's certificate says where its issuer is: {top.issuers_at[0]}"
    return ""


def _issuer_of_issuer(child: ParsedCertificate) -> x509.Name | None:
    """Return the issuer of the issuer, which some authority key identifiers name (RFC 5280, 4.2.1.1)."""
    authority = child.extension(x509.AuthorityKeyIdentifier)
    for name in (authority.authority_cert_issuer or ()) if authority else ():
        if isinstance(name, x509.DirectoryName):
            return name.value
    return None


def _maker(case: Case) -> Sign | None:
    return owners.of_subjects(
        text
        for member in case.sent
        for text in (member.certificate.issuer, member.certificate.subject)[: 1 + (member != case.leaf)]
    )


def _made_by(maker: Sign) -> str:
    """Return what follows from the name of a CA, if that is true: it is a stranger's word."""
    if maker.owner.inspects:
        return (
            f"it calls itself {maker.owner.name}: if that is true, something on the way opens TLS and signs with a CA "
            "of its own"
        )
    return f"it calls itself {maker.owner.name}: if that is true, somebody made it for development, on one machine"


def _on_the_way(case: Case, maker: Sign | None) -> tuple[str, list[str]]:
    """Return what hints at TLS inspection beside a CA's name, and the same in a line; nothing where the name does."""
    others = case.known.also_issued_for
    if others and not (maker and maker.owner.inspects):
        words = f"the same issuer stands behind {', '.join(others[:3])}: something on the way opens TLS"
        return "the same issuer for unrelated hosts", [words]
    if case.proxy and not maker:
        words = f"the proxy {case.proxy} on the way may have made it: ask who runs it for the file of its CA"
        return f"the proxy {case.proxy}", [words]
    return "", []


def _brought_in(case: Case, elsewhere: Iterable[tuple[ParsedCertificate, str]]) -> Fix:
    """Return what brings a CA into the store that is in one of these places."""
    at = {place: certificate for certificate, place in elsewhere}
    if STORE in at:
        return ()
    chosen = case.known.sources
    sources = {CERTIFI: certifi.NAME, SYSTEM: system.NAME}
    if any(sources[place] in chosen for place in at):
        return INIT
    if SYSTEM in at:
        # A part of the SHA-256 is enough to find it by: it is shown, and a person decides.
        return (("certboot", "trust", "--from-system", at[SYSTEM].certificate.fingerprint[:16]),)
    return (("certboot", "init", "--source", ",".join((*chosen, certifi.NAME))),)


def _distrusted(case: Case) -> Cause | None:
    """Return the cause if the user does not want the CA at the end, or one that was sent."""
    candidates: list[ParsedCertificate] = [*case.path.certificates[1:]]
    candidates += [candidate for candidate, _ in case.known.elsewhere if is_issuer(candidate, case.top)]
    for candidate in candidates:
        undo = case.known.distrust.undo(candidate.certificate)
        if undo is not None:
            depth = case.path.certificates.index(candidate) if candidate in case.path.certificates else None
            return _by_user(candidate.certificate.subject, candidate.certificate.fingerprint, undo, depth)
    issuer = case.top.certificate.issuer
    distrust = case.known.distrust
    fingerprint = distrust.subjects.get(issuer, "")
    if not case.top.is_self_signed and fingerprint in distrust.certificates:
        return _by_user(issuer, fingerprint, distrust.certificates[fingerprint], None)
    return None


def _by_user(subject: str, fingerprint: str, undo: str, depth: int | None) -> Cause:
    meaning = f"you have distrusted a CA that this chain needs: {subject}"
    if not undo:
        meaning += "\nit stands in config.toml, or the system's administrator said so"
    fix = (("certboot", "distrust", undo, "--undo"),) if undo else ()
    return Cause("distrusted-by-user", meaning, fix, depth=depth, evidence={"distrusted": fingerprint})
