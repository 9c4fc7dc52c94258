"""From inputs to a plan: the sources are parsed, policy decides, and what is to be written is laid out."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path

from certboot import policy
from certboot.certs import annotated_pem, file_name
from certboot.plan import Plan
from certboot.policy import Decision, Rules
from certboot.sources import added
from certboot.store import distrusted, generations, manifest

if typing.TYPE_CHECKING:
    from certboot.inputs import Inputs
    from certboot.model import Provenance
    from certboot.paths import StorePaths
    from certboot.plan import Request


def decide(paths: StorePaths, request: Request, inputs: Inputs) -> Plan:
    """Return what the store is to be; raises CertbootError."""
    loaded = (*(one.parse() for one in inputs.sources), *request.additions, inputs.kept.parse())
    candidates = tuple(candidate for one in loaded for candidate in one.candidates)
    out = {**distrusted.read(paths.distrusted), **request.distrust}
    out = {fingerprint: name for fingerprint, name in out.items() if fingerprint not in request.trust_again}
    previous = inputs.previous
    rules = Rules(
        inputs.now,
        revoked=frozenset().union(*(one.revoked for one in loaded)),
        distrusted=frozenset(out).union(inputs.config.distrust, *(one.distrusted for one in loaded)),
        checked={entry.sha256: entry.issuer for entry in previous.certificates if entry.issuer} if previous else {},
    )
    decision = _carried(policy.decide(candidates, rules), previous)
    content = generations.content(decision.anchors, decision.intermediates)
    record = manifest.Manifest(
        generation=generations.next_number(paths),
        created=inputs.now.isoformat(),
        command=request.command,
        choices=inputs.choices,
        certificates=content.entries,
        rejected=(*(rejection for one in loaded for rejection in one.rejections), *decision.rejections),
    )
    same = previous is not None and previous.content() == record.content()
    whole = same and inputs.former is not None and generations.is_whole(inputs.former, content)
    return Plan(
        content=None if whole else content,
        record=previous if whole and previous else record,
        rejected=record.rejected,
        until=policy.next_change((candidate.certificate for candidate in candidates), inputs.now),
        kept=_kept_files(paths, request, decision, out, inputs.settings_file),
    )


def _carried(decision: Decision, previous: manifest.Manifest | None) -> Decision:
    """Return the decision with the day, and for additions the path, under which each certificate first came."""
    entries = previous.certificates if previous else ()
    known = {(entry.sha256, reason.source): reason for entry in entries for reason in entry.provenance}

    def carried(fingerprint: str, reasons: tuple[Provenance, ...]) -> tuple[Provenance, ...]:
        before = [(reason, known.get((fingerprint, reason.source), reason)) for reason in reasons]
        return tuple(
            dataclasses.replace(new, since=old.since, detail=old.detail if new.source == added.NAME else new.detail)
            for new, old in before
        )

    return decision._replace(
        anchors=tuple(
            dataclasses.replace(held, provenance=carried(held.certificate.fingerprint, held.provenance))
            for held in decision.anchors
        ),
        intermediates=tuple(
            dataclasses.replace(held, provenance=carried(held.certificate.fingerprint, held.provenance))
            for held in decision.intermediates
        ),
    )


def _kept_files(
    paths: StorePaths, request: Request, decision: Decision, out: dict[str, str], config: bytes | None
) -> dict[Path, bytes]:
    """Return the files, beside the generation, that carry the user's choices over to later runs: path -> content."""
    wanted: dict[Path, bytes] = {}
    added_now = {candidate.certificate.fingerprint for one in request.additions for candidate in one.candidates}
    for anchor in decision.anchors:
        if anchor.certificate.fingerprint in added_now:
            wanted[paths.trusted / file_name(anchor.certificate)] = annotated_pem(anchor.certificate).encode("ascii")
    if out != distrusted.read(paths.distrusted):
        wanted[paths.distrusted] = distrusted.render(out)
    if config is not None:
        wanted[paths.config] = config
    return {path: data for path, data in wanted.items() if not path.exists() or path.read_bytes() != data}
