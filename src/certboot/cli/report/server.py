"""What the doctor saw of a server as lines: its chain as a picture, what it sent, and what clients say of it."""

from __future__ import annotations

import os
import typing

from certboot.cli.layout import Line, sha256_line
from certboot.errors import few, shortened

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from certboot.cli.layout import Style
    from certboot.doctor.examination import ClientVerdict, Examination, Link, PresentedCertificate, State, Trust

_MOST_NAMES = 6
_MOST_LINKS = 4
_TO_COMPARE = ("untrusted-root", "self-signed-leaf")
"""Where the question is whether to trust a certificate."""
_LONGEST = 200  # characters of a name
_STATES: dict[State, tuple[str, Style]] = {
    "sent": ("sent", ""),
    "trusted": ("trusted", "good"),
    "missing": ("MISSING", "bad"),
    "found": ("found", "good"),
}
_STATE = 10  # columns
_HANG = 2 + _STATE
_INDENT = "    "


def picture(path: Sequence[Link], *, whole: bool = False) -> Iterator[Line]:
    """Yield the way from the server's certificate up to what is trusted, and where it breaks, in few lines."""
    broken = next((at for at, link in enumerate(path) if link.fault), 0)
    shown = range(len(path)) if whole or len(path) <= _MOST_LINKS else (0, broken, len(path) - 1)
    for at, link in enumerate(path):
        if at in shown:
            yield from _link(link, last=at == len(path) - 1)
        elif at - 1 in shown:
            yield _row("...", "")
    if path and path[-1].state != "trusted":
        yield _row("x", "no path to anything that is trusted here", "bad")


def _row(state: str, text: str, style: Style = "") -> Line:
    return Line(text, f"  {state:<{_STATE}}", style, _HANG)


def _link(link: Link, *, last: bool) -> Iterator[Line]:
    state, style = _STATES[link.state]
    fault = f"   <-- {link.fault}" if link.fault else ""
    yield _row(state, f"{shortened(link.subject, _LONGEST)}{fault}", "bad" if fault else style)
    if last and link.fault in _TO_COMPARE and link.fingerprint:
        yield sha256_line(link.fingerprint)


def clients(trusts: Iterable[Trust]) -> Iterator[Line]:
    """Yield a line for each trust that the clients here use: who they are, and how they fare. Those it suits share one.

    How requests fares comes first. A bundle and a directory beside each other, as a store has them, are one trust.
    """
    accepting: list[str] = []
    refusing: dict[object, list[Trust]] = {}
    for trust in trusts:
        if trust.code:
            folders = frozenset(os.path.dirname(source) for source in trust.trusts)
            refusing.setdefault((trust.code, trust.message, trust.counted, folders), []).append(trust)
        else:
            accepting += trust.clients
    refused = [_row("refused", _refused(alike), "bad") for alike in refusing.values()]
    accepted = [_row("accepted", some(accepting), "good")] if accepting else []
    yield from (*accepted, *refused) if "requests" in accepting else (*refused, *accepted)


def _refused(trusts: Sequence[Trust]) -> str:
    names = [name for trust in trusts for name in trust.clients]
    places = dict.fromkeys(place for trust in trusts for place in trust.places)
    first = trusts[0]
    reason = first.code if first.code > 0 else first.message
    by = f" ({', '.join(places)})" if places else ""
    aside = "" if first.counted else f"; certboot leaves {'them' if len(names) > 1 else 'it'} alone"
    return f"{some(names)}: {reason}{by}{aside}"


def some(names: Sequence[str]) -> str:
    """Return the first few of these names, and how many more there are."""
    return few(names, _MOST_NAMES)


def pythons(verdicts: Iterable[ClientVerdict]) -> Iterator[Line]:
    """Yield who accepts the chain, and who refuses it by which rule, where only some of the Pythons do."""
    said: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict.client.startswith("Python"):
            said.setdefault(f": {verdict.code}, {verdict.rule}" if verdict.code else "", []).append(who(verdict))
    if "" in said and len(said) > 1:
        for rule, names in said.items():
            text = f"{'; '.join(names)}{rule}"
            yield _row("refused", text, "bad") if rule else _row("accepted", text, "good")


def who(verdict: ClientVerdict) -> str:
    """Return which clients say so, with their OpenSSL where others say otherwise."""
    return f"{verdict.client}, OpenSSL {verdict.openssl}" if verdict.openssl else verdict.client


def everything(examination: Examination) -> Iterator[Line]:
    """Yield all that is known of a server's chain; nothing where it never came to one."""
    unused = (_row("unused", subject) for subject in examination.beside)
    sections = {
        "presented chain:": _presented(examination.chain),
        "from the server up to what is trusted:": [*picture(examination.path, whole=True), *unused],
        "the clients that are here:": clients(examination.trusts),
        "what clients say:": _verdicts(examination.verdicts),
    }
    for heading, lines in sections.items():
        for number, line in enumerate(lines):
            if number == 0:
                yield Line(heading, _INDENT, hang=len(_INDENT))
            yield line._replace(lead=f"{_INDENT}{line.lead}", hang=len(_INDENT) + line.hang)


def _presented(chain: Iterable[PresentedCertificate]) -> Iterator[Line]:
    for depth, certificate in enumerate(chain):
        fields = {"s": certificate.subject}
        if certificate.not_before and certificate.not_after:
            fields["i"] = certificate.issuer
            fields["v"] = f"{certificate.not_before.isoformat()} to {certificate.not_after.isoformat()}"
        for name, value in fields.items():
            yield Line(f"{name}:{value}", f"{depth if name == 's' else '':>2} ", hang=5)
        if certificate.fingerprint:
            yield sha256_line(certificate.fingerprint, " ")


def _verdicts(verdicts: Sequence[ClientVerdict]) -> Iterator[Line]:
    if any(verdict.code for verdict in verdicts):
        width = max(len(who(verdict)) for verdict in verdicts) + 2
        for verdict in verdicts:
            answer = f"refuse it, {verdict.code} ({verdict.message})" if verdict.code else "accept it"
            yield Line(answer, f"  {who(verdict):<{width}}", hang=width + 2)
