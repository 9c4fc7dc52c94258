"""The doctor's findings as a text for an issue, that anybody may read.

By allow-lists alone: a word gets in where certboot itself has it in a table, or as a number. Whatever somebody else has
chosen (names of hosts, users, CAs and files, addresses, values of variables, words of a program) is left out, and no
pattern has to recognize it. Summaries are not in it for that reason: they are made of such words.
"""

from __future__ import annotations

import builtins
import re
import ssl
import typing

from certboot import moment
from certboot.cli.main import COMMANDS
from certboot.clients.table import CLIENTS
from certboot.clients.variables import BY_NAME
from certboot.doctor.environment.proxies import READERS
from certboot.doctor.findings import EXPLANATIONS
from certboot.doctor.server.pythons import NEW, OLD, OTHERS
from certboot.pki.verify_codes import Code
from certboot.sources.table import SHOWN

if typing.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from certboot.doctor.finding import Finding

    Evidence = Mapping[str, typing.Any]

LEFT_OUT = "(left out)"
_NUMBERS = re.compile(r"[0-9]{1,6}(\.[0-9]{1,6}){0,4}((a|b|rc|\.post|\.dev)[0-9]{1,6})?")
_PROTOCOLS = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
_STATES = ("sent", "trusted", "missing")
_NAMES = frozenset(client.name for client in CLIENTS)
_SUBJECTS = frozenset(
    (
        *BY_NAME, *READERS, *_NAMES, *SHOWN, "PYTHONHTTPSVERIFY", "GIT_SSL_NO_VERIFY", "variables", "hook", "guards",
        "copy", "others", "store", "clock", "truststore", "environment", "clients", "server",
    )
)  # fmt: skip
FAULTS = frozenset(name for name, kind in vars(builtins).items() if isinstance(kind, type))
"""By these a check begins to say why it broke."""
_MOST = 20


def lines_on_findings(findings: Iterable[Finding], now: datetime) -> Iterator[str]:
    """Yield what may be told of the findings: ids, statuses and numbers, and what each command is called."""
    for finding in findings:
        subject = among(finding.subject, _SUBJECTS, "")
        yield f"  {finding.group:<12} {finding.status:<6} {among(finding.id, EXPLANATIONS)} {subject}".rstrip()
        fault = among(finding.summary.partition(":")[0], FAULTS, "")
        if fault:
            yield f"    {fault}"
        yield from (f"    {line}" for line in _on_evidence(finding.evidence, now))
        yield from (f"    fix: {command}" for command in dict.fromkeys(map(_command, finding.fix)))


def among(word: object, allowed: Collection[str], otherwise: str = LEFT_OUT) -> str:
    """Return a word that is in one of certboot's own tables, or what stands for one that is not."""
    return word if isinstance(word, str) and word in allowed else otherwise


def numbers(text: str) -> str:
    """Return the numbers that a version begins with: a local part (PEP 440), or a kernel's, may name a company."""
    match = _NUMBERS.match(text)
    return match[0] if match else LEFT_OUT if text else ""


def _command(argv: Sequence[str]) -> str:
    program, *words = argv
    if program != "certboot":
        return LEFT_OUT
    return f"certboot {among(words[0], COMMANDS)}" if words else "certboot"


def _on_evidence(evidence: Evidence, now: datetime) -> Iterator[str]:
    if isinstance(evidence.get("verify_code"), int):
        ciphers = {cipher["name"] for cipher in ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).get_ciphers()}
        allowed = {"protocol": _PROTOCOLS, "cipher": ciphers}
        agreed = [among(evidence[key], words) for key, words in allowed.items() if evidence.get(key)]
        yield ", ".join([f"OpenSSL {_code(evidence['verify_code'])}", *agreed])
    facts = {"certain": "certain", "proxy": "over a proxy", "inspection": "something on the way opens TLS"}
    yield from (f"{words}: {'yes' if evidence[key] else 'no'}" for key, words in facts.items() if key in evidence)
    for number, certificate in enumerate((evidence.get("chain") or ())[:_MOST], start=1):
        yield f"sent {number}: {_certificate(certificate, now)}"
    for link in (evidence.get("path") or ())[:_MOST]:
        fault = f" <-- {among(link['fault'], EXPLANATIONS)}" if link["fault"] else ""
        yield f"path: {among(link['state'], _STATES)}{fault}"
    if evidence.get("send"):
        yield f"to be sent: {len(evidence['send']['subjects'])}"
    for verdict in evidence.get("verdicts") or ():
        yield f"{among(verdict['client'], (OLD, NEW, OTHERS))}: {_code(verdict['code'])}"
    for trust in evidence.get("by_trust") or ():
        names = ", ".join(among(name, _NAMES) for name in trust["clients"])
        places = ", ".join(among(place, BY_NAME, "settings of its own") for place in trust["places"])
        aside = "" if trust["counted"] else ", left alone"
        yield f"{names}: {_code(trust['code'])}{f' by {places}' if places else ''}{aside}"


def _code(code: object) -> str:
    if not isinstance(code, int):
        return LEFT_OUT
    try:
        return f"{int(code)} ({Code(code).words})"
    except ValueError:  # one that certboot has no name for
        return str(int(code))


def _certificate(certificate: Evidence, now: datetime) -> str:
    begin, end = moment.parsed(certificate["not_before"]), moment.parsed(certificate["not_after"])
    if begin is None or end is None:
        return "cannot be read"
    self_issued = ", self-issued" if certificate["subject"] == certificate["issuer"] else ""
    names, places = len(certificate.get("names") or ()), len(certificate.get("issuers_at") or ())
    return f"{(end - now).days} of {(end - begin).days} days left, {names} names, {places} caIssuers{self_issued}"
