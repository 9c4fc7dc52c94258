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

from certboot.cli.main import COMMANDS
from certboot.clients.table import CLIENTS
from certboot.clients.variables import BY_NAME
from certboot.doctor.environment.proxies import READERS
from certboot.doctor.findings import EXPLANATIONS
from certboot.doctor.server.pythons import NEW, OLD, OTHERS
from certboot.pki.verify_codes import Code
from certboot.sources.table import SHOWN

if typing.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import datetime

    from certboot.doctor.examination import Examination, PresentedCertificate
    from certboot.doctor.finding import Finding

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
        if finding.examination:
            yield from (f"    {line}" for line in _on_server(finding, finding.examination, now))
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


def _on_server(finding: Finding, examination: Examination, now: datetime) -> Iterator[str]:
    outcome = examination.outcome
    if outcome and outcome.code is not None:
        ciphers = {cipher["name"] for cipher in ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).get_ciphers()}
        allowed = ((outcome.protocol, _PROTOCOLS), (outcome.cipher, ciphers))
        agreed = [among(word, words) for word, words in allowed if word]
        yield ", ".join([f"OpenSSL {_code(outcome.code)}", *agreed])
    if examination.certain is not None:
        yield f"certain: {'yes' if examination.certain else 'no'}"
    if outcome:
        yield f"over a proxy: {'yes' if outcome.proxy else 'no'}"
    if "inspection" in finding.evidence:
        yield "something on the way opens TLS: yes"
    for number, certificate in enumerate(examination.chain[:_MOST], start=1):
        yield f"sent {number}: {_certificate(certificate, now)}"
    for link in examination.path[:_MOST]:
        fault = f" <-- {among(link.fault, EXPLANATIONS)}" if link.fault else ""
        yield f"path: {among(link.state, _STATES)}{fault}"
    if examination.send:
        yield f"to be sent: {len(examination.send.subjects)}"
    for verdict in examination.verdicts:
        yield f"{among(verdict.client, (OLD, NEW, OTHERS))}: {_code(verdict.code)}"
    for trust in examination.trusts:
        names = ", ".join(among(name, _NAMES) for name in trust.clients)
        places = ", ".join(among(place, BY_NAME, "settings of its own") for place in trust.places)
        aside = "" if trust.counted else ", left alone"
        yield f"{names}: {_code(trust.code)}{f' by {places}' if places else ''}{aside}"


def _code(code: int) -> str:
    try:
        return f"{code} ({Code(code).words})"
    except ValueError:  # one that certboot has no name for
        return str(code)


def _certificate(certificate: PresentedCertificate, now: datetime) -> str:
    begin, end = certificate.not_before, certificate.not_after
    if begin is None or end is None:
        return "cannot be read"
    self_issued = ", self-issued" if certificate.subject == certificate.issuer else ""
    names, places = len(certificate.names), len(certificate.issuers_at)
    return f"{(end - now).days} of {(end - begin).days} days left, {names} names, {places} caIssuers{self_issued}"
