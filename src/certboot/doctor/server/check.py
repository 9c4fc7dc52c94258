"""The group ``server``: a real handshake with a host that the user named, and what each trust in use says of it."""

from __future__ import annotations

import contextlib
import os
import typing
from dataclasses import replace

from certboot.clients.variables import BY_NAME
from certboot.doctor.clients.verdicts import CANNOT_LOAD, by_rules, verdicts
from certboot.doctor.environment.trust_files import overrides
from certboot.doctor.finding import Finding, with_store
from certboot.doctor.server import remedies
from certboot.doctor.server.judge import judge, judgements, of_handshake, of_presented
from certboot.net.connection import ConnectionFault, active_context, ascii_name
from certboot.net.handshake import handshake
from certboot.pki.verdict import STRICT_PYTHON, Judgement, trusting_context, verifying_context

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from certboot.doctor.environment.trust_files import Override
    from certboot.doctor.examination import Trust
    from certboot.doctor.finding import Fix
    from certboot.doctor.server.case import Evidence
    from certboot.net.handshake import Handshake
    from certboot.net.target import Target
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
    causes: dict[tuple[str, Fix], tuple[Finding, list[str]]] = {}
    beside: list[Finding] = []
    trusts: list[Trust] = []
    for trust in _trusts(target, shaken, paths, environ):
        if not trust.refused:
            trusts.append(trust)
            continue
        cause, *others = with_store(_findings(trust, evidence, paths, environ), paths)
        trusts.append(replace(trust, cause=cause.id, fix=cause.fix))
        beside = beside if causes else others
        causes.setdefault((cause.id, cause.fix), (cause, []))[1].extend(trust.clients)
    if not causes:
        first, *beside = judge(evidence, paths, environ)
        causes[first.id, first.fix] = first, [client for trust in trusts if trust.counted for client in trust.clients]
    first, *later = [
        _about(cause, clients, () if at else trusts) for at, (cause, clients) in enumerate(causes.values())
    ]
    told = {cause.id for cause in (first, *later)}  # what is a remark for some may be why others refuse it
    return [first, *(remark for remark in beside if remark.id not in told), *later]


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


def _trusts(target: Target, shaken: Handshake, paths: StorePaths, environ: Mapping[str, str]) -> list[Trust]:
    if shaken.verify_code is None or not shaken.chain.presented:
        return []
    with contextlib.suppress(ConnectionFault):
        return verdicts(shaken.chain.presented, ascii_name(target.name), paths, environ)
    return []


def _findings(trust: Trust, evidence: Evidence, paths: StorePaths, environ: Mapping[str, str]) -> list[Finding]:
    """Return the findings on the server where this trust refuses it: the cause first."""
    if trust.code == CANNOT_LOAD:
        return [_cannot_load(trust, overrides(paths, environ, evidence.variables), evidence.target)]
    if _STANDARD_LIBRARY in trust.clients:
        # Others may have the same trust by variables of their own.
        variables = tuple(dict.fromkeys((*evidence.variables, *trust.variables)))
        return judge(replace(evidence, variables=variables), paths, environ)
    return judge(_of_trust(trust, evidence), paths, environ)


def _of_trust(trust: Trust, evidence: Evidence) -> Evidence:
    """Return the evidence as it is for clients of another trust than the standard library's."""
    shaken, target = typing.cast("Handshake", evidence.handshake), evidence.target
    context = by_rules(trusting_context(trust.locations), trust.rules)  # once: a file may be large

    def ask(*, strict: bool, common_name: bool = True) -> Judgement | None:
        asked = by_rules(context, trust.rules, strict=strict)
        asked.hostname_checks_common_name = common_name
        return of_presented(asked, target, shaken)

    of_presented(context, target, shaken)  # of a directory a context has what was looked up
    return replace(
        evidence,
        judgements=judgements(ask(strict=STRICT_PYTHON) or Judgement(trust.code, trust.message), ask),
        anchors=tuple(context.get_ca_certs(binary_form=True)),
        strict_here=STRICT_PYTHON and trust.rules in ("python", "urllib3"),
        variables=trust.variables,
    )


def _cannot_load(trust: Trust, kept_out_by: Iterable[Override], target: Target) -> Finding:
    # Without the one that cannot be loaded the next would be at fault that nobody can use.
    broken = (override.name for override in kept_out_by if override.problem)
    named = {*trust.variables, *(broken if trust.variables else ())}
    names = [*(name for name in BY_NAME if name in named), *sorted(named - BY_NAME.keys())]  # alike for all clients
    unset = tuple(option for name in names for option in ("-u", name))
    fix = (("env", *unset, *remedies.certboot("doctor", target)[0]),) if unset else ()
    told = f", as {' and '.join(trust.variables)} says" if unset else ""
    summary = f"they refuse every host: {trust.message}{told}"
    here = tuple(summary.split("\n"))
    return Finding("client-cannot-load", "server", "fail", target.shown, summary, fix=fix, here=here)


def _about(finding: Finding, clients: Iterable[str], trusts: Iterable[Trust] = ()) -> Finding:
    """Return the finding with the clients that it is about, and what each trust says."""
    examination = replace(finding.seen, clients=tuple(clients), trusts=tuple(trusts))
    return replace(finding, examination=examination)
