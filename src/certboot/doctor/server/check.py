"""The group ``server``: a real handshake with a host that the user named, and what each trust in use says of it."""

from __future__ import annotations

import contextlib
import os
import typing
from dataclasses import replace

from certboot.clients.variables import BY_NAME
from certboot.doctor.clients.verdicts import CANNOT_LOAD, by_rules, verdicts
from certboot.doctor.environment.trust_files import overrides
from certboot.doctor.finding import Finding
from certboot.doctor.server import remedies
from certboot.doctor.server.judge import judge, judgements, of_handshake, of_presented
from certboot.net.connection import ConnectionFault, active_context, ascii_name
from certboot.net.handshake import handshake
from certboot.pki.verdict import STRICT_PYTHON, trusting_context, verifying_context

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from certboot.doctor.clients.verdicts import TrustVerdict
    from certboot.doctor.environment.trust_files import Override
    from certboot.doctor.server.case import Evidence
    from certboot.net.handshake import Handshake
    from certboot.net.target import Target
    from certboot.pki.verdict import Judgement
    from certboot.store.paths import StorePaths

_STANDARD_LIBRARY = "urllib"


def check(target: Target, paths: StorePaths) -> list[Finding]:
    """Return the findings on this server; the first is the verdict: ``handshake-ok`` or the one cause.

    That is why requests refuses it, or if it does not, why another client does that certboot means to reach. The others
    that refuse it for another cause have a finding each.
    """
    environ = os.environ
    shaken = handshake(target)
    evidence = _active(target, shaken)
    said = _verdicts(target, shaken, paths, environ)
    refused = [verdict for verdict in said if verdict.refused]
    if not refused:
        findings = judge(evidence, paths, environ)
        accepting = [verdict for verdict in said if verdict.counted]
        return _with_clients(findings, said, [client for verdict in accepting for client in verdict.clients])
    causes: list[Finding] = []
    beside: list[Finding] = []
    for verdict in refused:
        cause, *others = _findings(verdict, evidence, paths, environ)
        former = next((known for known in causes if (known.id, known.fix) == (cause.id, cause.fix)), None)
        if former:
            typing.cast("list[str]", former.evidence["clients"]).extend(verdict.clients)
            continue
        beside = beside if causes else others
        causes += _with_clients([cause], (), verdict.clients)
    first, *later = causes
    told = {cause.id for cause in causes}  # what is a remark for some may be why others refuse it
    return _with_clients([first, *(remark for remark in beside if remark.id not in told), *later], said)


def _active(target: Target, shaken: Handshake) -> Evidence:
    """Return what the handshake has shown, with the trust of the standard library."""

    def ask(*, strict: bool, common_name: bool = True) -> Judgement | None:
        with contextlib.suppress(OSError):
            return of_presented(verifying_context(strict=strict, common_name=common_name), target, shaken)
        return None

    return of_handshake(target, shaken, ask, _level())


def _level() -> int:
    with contextlib.suppress(OSError):
        return active_context().security_level
    return 2


def _verdicts(
    target: Target, shaken: Handshake, paths: StorePaths, environ: Mapping[str, str]
) -> tuple[TrustVerdict, ...]:
    if shaken.verify_code is None or not shaken.chain.presented:
        return ()
    with contextlib.suppress(ConnectionFault):
        return verdicts(shaken.chain.presented, ascii_name(target.name), paths, environ)
    return ()


def _findings(
    verdict: TrustVerdict, evidence: Evidence, paths: StorePaths, environ: Mapping[str, str]
) -> list[Finding]:
    """Return the findings on the server where this trust refuses it: the cause first."""
    if verdict.judgement.code == CANNOT_LOAD:
        return [_cannot_load(verdict, overrides(paths, environ, evidence.variables), evidence.target)]
    if _STANDARD_LIBRARY in verdict.clients:
        # Others may have the same trust by variables of their own.
        variables = tuple(dict.fromkeys((*evidence.variables, *verdict.variables)))
        return judge(replace(evidence, variables=variables), paths, environ)
    return judge(_of_trust(verdict, evidence), paths, environ)


def _of_trust(verdict: TrustVerdict, evidence: Evidence) -> Evidence:
    """Return the evidence as it is for clients of another trust than the standard library's."""
    shaken, target = typing.cast("Handshake", evidence.handshake), evidence.target
    context = by_rules(trusting_context(verdict.locations), verdict.rules)  # once: a file may be large

    def ask(*, strict: bool, common_name: bool = True) -> Judgement | None:
        asked = by_rules(context, verdict.rules, strict=strict)
        asked.hostname_checks_common_name = common_name
        return of_presented(asked, target, shaken)

    of_presented(context, target, shaken)  # of a directory a context has what was looked up
    return replace(
        evidence,
        judgements=judgements(ask(strict=STRICT_PYTHON) or verdict.judgement, ask),
        anchors=tuple(context.get_ca_certs(binary_form=True)),
        strict_here=STRICT_PYTHON and verdict.rules in ("python", "urllib3"),
        variables=verdict.variables,
    )


def _cannot_load(verdict: TrustVerdict, kept_out_by: Iterable[Override], target: Target) -> Finding:
    # Without the one that cannot be loaded the next would be at fault that nobody can use.
    broken = (override.name for override in kept_out_by if override.problem)
    named = {*verdict.variables, *(broken if verdict.variables else ())}
    names = [*(name for name in BY_NAME if name in named), *sorted(named - BY_NAME.keys())]  # alike for all clients
    unset = tuple(option for name in names for option in ("-u", name))
    fix = (("env", *unset, *remedies.certboot("doctor", target)[0]),) if unset else ()
    told = f", as {' and '.join(verdict.variables)} says" if unset else ""
    summary = f"they refuse every host: {verdict.judgement.message}{told}"
    return Finding("client-cannot-load", "server", "fail", target.shown, summary, {"here": summary.split("\n")}, fix)


def _with_clients(
    findings: Sequence[Finding], said: Iterable[TrustVerdict], clients: Iterable[str] = ()
) -> list[Finding]:
    """Return the findings, the first with the clients that it is about, or with what each trust says."""
    first, *others = findings
    more: dict[str, object] = {"clients": list(clients)} if clients else {}
    if said:
        more["by_trust"] = [_as_evidence(verdict) for verdict in said]
    return [replace(first, evidence={**first.evidence, **more}), *others]


def _as_evidence(verdict: TrustVerdict) -> dict[str, object]:
    return {
        "clients": list(verdict.clients),
        "code": verdict.judgement.code,
        "message": verdict.judgement.message,
        "counted": verdict.counted,
        "trusts": [source.what for source in verdict.sources],
        "places": [source.place for source in verdict.sources if source.place],
    }
