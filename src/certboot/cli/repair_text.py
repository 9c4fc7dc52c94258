"""What ``repair`` and ``chain`` say of a server: what it does not send, or why that cannot be found."""

from __future__ import annotations

import typing

from certboot.net.address_policy import HERE, KINDS, PRIVATE
from certboot.pki.rules import PYTHONS
from certboot.printable import printable, shortened
from certboot.repair.completion import SERVER

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from certboot.model import Certificate, Handshake
    from certboot.repair.completion import Completion, Refusal
    from certboot.repair.examine import Examined
    from certboot.sources.aia import Failure

    _Ruled = typing.TypeVar("_Ruled", Refusal, Failure)

_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_DIGITS = 16  # of a fingerprint
_MOST = 10  # reasons of a kind
_OPTIONS = (
    ("address-refused", KINDS[PRIVATE], "--allow-private, if these addresses are those of your own network"),
    ("port-refused", HERE, "--allow-private, if it is you who serves certificates there"),
    ("unsupported-scheme", " https://", "--allow-https"),
)
_PROXY = "  proxy    it resolved the names of these addresses: where they lead could not be checked"


def findings_text(examined: Iterable[Examined]) -> str:
    """Return what a person should look at before anything is stored."""
    return "\n".join(line for one in examined for line in _finding(one))


def reasons_text(one: Examined) -> str:
    """Return why a server has no whole chain, in lines."""
    return "\n".join(_reasons(one))


def outcome_text(one: Examined, shaken: Handshake) -> str:
    """Return the result of a handshake with the store, in OpenSSL's words."""
    if shaken.verify_code is None:
        said = f"no handshake: {printable(shaken.error or shaken.outcome)}"
    else:
        said = f"Verify return code: {shaken.verify_code} ({printable(shaken.verify_message)})"
    line = f"{_host(one)}: {said}"
    if shaken.verify_code == 0:
        return line
    if shaken.verify_code == _EXPIRED and one.expired:
        return f"{line}\n  next     certboot update takes out what has expired: {_named(one.expired[0])}"
    return f"{line}\n  next     certboot doctor {_host(one)} says why"


def noted_text(host: str, certificate: Certificate) -> str:
    """Return that a server needs what is in the store for another one."""
    return (
        f"{printable(host)}: noted that it needs {_named(certificate)}; certboot list tells it from the next update on"
    )


def written_text(chain: Iterable[Certificate], anchor: Certificate) -> str:
    """Return what a file with a chain holds, in order."""
    names = ", ".join(printable(each.name) for each in chain)
    return f"{names}; not in it: {printable(anchor.name)}, which clients have"


def _finding(one: Examined) -> Iterator[str]:
    found = one.completion
    if found is None or found.anchor is None:
        yield from _reasons(one)
        return
    if not one.missing:
        yield f"{_host(one)}: nothing is to be stored"
    else:
        names = ", ".join(printable(offer.certificate.name) for offer in one.missing)
        sent = all(offer.origin == SERVER for offer in one.missing)
        why = f"{PYTHONS} refuse what is above it" if sent else "the server does not send it"
        yield f"{_host(one)}: to be stored, because {why}: {names}"
        yield from _offers(one, found)
    for offer in one.in_store:
        yield f"  stored   {_named(offer.certificate)}, which the server does not send either"
    for certificate in one.expired:
        yield f"  expired  {_named(certificate)}, in the store: clients prefer it, and refuse it"
    yield f"  anchor   {_named(found.anchor)}, in the store"
    if one.through_proxy:
        yield _PROXY


def _offers(one: Examined, found: Completion) -> Iterator[str]:
    below = {offer: child for child, offer in zip(found.path, found.path[1:], strict=False)}
    for offer in one.missing:
        certificate = offer.certificate
        digits = certificate.fingerprint.upper()
        yield f"  {printable(certificate.subject)}"
        yield f"    SHA-256  {':'.join(digits[at : at + 2] for at in range(0, 64, 2))}"
        yield f"    valid    {certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}"
        yield f"    from     {shortened(offer.origin)}"
        yield f"    because  it signed {printable(below[offer].certificate.name)}"
        yield from (f"    defect   {defect}: {PYTHONS} refuse it" for defect in certificate.defects)
    if one.refused:
        yield f"  refused  by {PYTHONS}: {_named(one.refused)}, {', '.join(one.refused.defects)}"


def _reasons(one: Examined) -> Iterator[str]:
    if one.completion is None:
        yield f"{_host(one)}: cannot be repaired: {printable(one.error)}"
        return
    leaf = one.completion.path[0].certificate
    yield f"{_host(one)}: cannot be repaired: no way from {printable(leaf.name)} to an anchor of the store"
    refusals, more = _some(one.completion.refusals)
    for refusal in refusals:
        yield f"  refused  {refusal.rule}: {_named(refusal.certificate)} from {shortened(refusal.origin)}"
        yield f"           {shortened(refusal.reason)}"
    if more:
        yield f"  refused  and {more} more"
    failures, more = _some(one.failures)
    for failure in failures:
        where = f" at {shortened(failure.address)}" if failure.address else ""
        yield f"  missing  {failure.rule}: the issuer of {printable(failure.of)}{where}"
        yield f"           {shortened(failure.reason)}"
    if more:
        yield f"  missing  and {more} more"
    if one.through_proxy:
        yield _PROXY
    yield f"  next     certboot doctor {_host(one)} tells what its operator has to change"
    for rule, words, option in _OPTIONS:
        if any(failure.rule == rule and words in failure.reason for failure in one.failures):
            yield f"  or       {option}"


def _some(each: Sequence[_Ruled]) -> tuple[list[_Ruled], int]:
    """Return a few of them, first one by each rule: a stranger can make as many as he likes; and how many are left."""
    before: dict[str, int] = {}
    for number, one in enumerate(each):
        before.setdefault(one.rule, number)
    firsts = sorted(range(len(each)), key=lambda number: (before[each[number].rule] != number, number))
    shown = sorted(firsts[:_MOST])
    return [each[number] for number in shown], len(each) - len(shown)


def _host(one: Examined) -> str:
    return printable(one.target.shown)


def _named(certificate: Certificate) -> str:
    return f"{printable(certificate.name)} ({certificate.fingerprint[:_DIGITS]})"
