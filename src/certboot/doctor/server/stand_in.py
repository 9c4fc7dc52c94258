"""Whether a stand-in for the CA would mend what strict verification refuses: tried with the chain that was sent."""

from __future__ import annotations

import dataclasses
import typing

from certboot.doctor.environment.trust_files import overrides
from certboot.doctor.finding import Finding
from certboot.doctor.server import remedies
from certboot.errors import printable
from certboot.pki.certificate import Certificate
from certboot.sources.candidates import Candidate
from certboot.store import stand_ins
from certboot.store.stand_in_trial import completed, key_id_below, root_above, tried

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from certboot.doctor.server.case import Evidence
    from certboot.net.target import Target
    from certboot.store.authorities import Authorities


_HELPS = "for yours: a stand-in, a copy of the root in that form, tried with this chain"


def with_stand_in(
    findings: list[Finding], evidence: Evidence, authorities: Authorities, environ: Mapping[str, str]
) -> list[Finding]:
    """Return the findings, the first with a stand-in as a remedy if it is one by which strict clients alone refuse.

    It comes after what mends it for all, and where something else is at hand it is only named. Where one could be had
    and would not help, that is said.
    """
    first = findings[0]
    if first.status != "fail":
        findings = [*findings, *_in_use(first, evidence.target, authorities)]
    line = _words(evidence, authorities) if first.id.startswith("strict-") else ""
    if not line:
        return findings
    # What is last there is to do without these Pythons, where nothing else is left.
    *lines, last = first.summary.split("\n")
    fix = first.fix
    # A chain from a file has no port: nobody has named a server that a command might go to.
    if line == _HELPS and evidence.target.port:
        command = remedies.certboot("trust", evidence.target, "--stand-in")
        if fix:
            line += f": {' '.join(command[0])}"
        else:
            last = ""
            kept_out_by = overrides(authorities.paths, environ, evidence.variables)
            fix = remedies.through_store(command, kept_out_by, evidence.target)
    return [dataclasses.replace(first, summary="\n".join(filter(None, [*lines, line, last])), fix=fix), *findings[1:]]


def _in_use(first: Finding, target: Target, authorities: Authorities) -> Iterator[Finding]:
    """Yield that the chain ends in a stand-in."""
    end = next((link.fingerprint for link in reversed(first.seen.path)), "")
    for entry in authorities.entries:
        if entry.original and entry.sha256 == end:
            words = f"{printable(entry.name)} in the store is a {entry.stands_for}"
            yield Finding("anchor-stand-in", "server", "info", target.shown, words, {"sha256": entry.original.sha256})


def _words(evidence: Evidence, authorities: Authorities) -> str:
    generation = authorities.generation
    chain = completed(evidence.presented, generation)
    root = root_above(chain, generation)
    if root is None or root in chain[:1] or not root.defects:
        return ""
    entry = next(entry for entry in authorities.entries if entry.given == root.fingerprint)
    offers = [Candidate(root, reason.source, reason.detail) for reason in entry.provenance]
    made = stand_ins.standing(offers, key_id_below(chain, root) or b"", stand_ins.public_cas())
    if not isinstance(made, Certificate):
        return f"{printable(root.name)}: {made.reason}"
    trial = tried(root, made, chain)
    if trial.helps:
        return _HELPS
    refused = trial.strict if trial.strict.code else trial.before
    return f"a stand-in for {printable(root.name)} would not help: {refused.code} ({refused.message})"
