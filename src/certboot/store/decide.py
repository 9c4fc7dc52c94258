"""From inputs to a plan: the sources are parsed, policy decides, and what is to be written is laid out."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence
from pathlib import Path

from certboot import files
from certboot.errors import SourceError
from certboot.pki.certificate import Certificate, file_name
from certboot.sources import added, repaired
from certboot.sources.candidates import Loaded, Rejection
from certboot.sources.extract import merged
from certboot.store import choices, generations, layout, manifest, policy, stand_ins
from certboot.store.inputs import Inputs
from certboot.store.manifest import Intermediate, Provenance, TrustAnchor
from certboot.store.paths import StorePaths
from certboot.store.policy import Decision, Rules
from certboot.store.request import Plan, Request

_Member = typing.TypeVar("_Member", TrustAnchor, Intermediate)


def decide(paths: StorePaths, request: Request, inputs: Inputs) -> Plan:
    """Return what the store is to be; raises CertbootError."""
    # Only now, under the lock, is it known who else needed them: another repair may have ended since they were found.
    repairs = tuple(
        repair._replace(needs=repaired.joined(repaired.kept(paths.repaired, repair.certificate), repair.needs))
        for repair in request.repairs
    )
    request = dataclasses.replace(request, repairs=repairs)
    loaded = merged((repaired.offered(repairs), *(source.parse() for source in inputs.sources)))
    loaded, request = _with_wishes(loaded, request)
    certificates = [candidate.certificate for candidate in loaded.candidates]
    out = _distrusted(request, inputs, certificates)
    wanted = any(candidate.stand_in is not None for candidate in loaded.candidates)
    previous = inputs.previous
    rules = Rules(
        inputs.now,
        revoked=loaded.revoked,
        distrusted=frozenset(out).union(inputs.config.distrust),
        distrusted_by_system=loaded.distrusted,
        public=stand_ins.public_cas(loaded.candidates) if wanted else frozenset(),
        checked={e.sha256: e.descent.issuer for e in previous.certificates if e.descent.issuer} if previous else {},
    )
    decision = _carried(policy.decide(loaded.candidates, rules), previous)
    _refuse_alone(request, decision)
    content = layout.content(decision.anchors, decision.intermediates)
    record = manifest.Manifest(
        generation=generations.next_number(paths),
        created=inputs.now.isoformat(),
        command=request.command,
        choices=inputs.choices,
        certificates=content.entries,
        rejected=(*loaded.rejections, *decision.rejections),
        adopted=inputs.adoptions,
    )
    same = previous is not None and previous.content() == record.content()
    whole = same and inputs.former is not None and layout.is_whole(inputs.former, content)
    return Plan(
        content=None if whole else content,
        record=previous if whole and previous else record,
        rejected=record.rejected,
        until=policy.next_change(certificates, inputs.now),
        kept=_kept_files(paths, request, inputs, decision, out),
    )


def _with_wishes(loaded: Loaded, request: Request) -> tuple[Loaded, Request]:
    """Return both with what the user has said last of the stand-in for each certificate that is added.

    That is said where it is trusted; who only names it once more, as with ``init --add``, says nothing of it.
    """
    named = merged(request.additions)
    trusted = [own for own in named.candidates if own.certificate.fingerprint in request.trust_again]
    kept = [own for own in loaded.candidates if own.source == added.NAME and own.stand_in is not None]
    wishes = {own.certificate: own.stand_in for own in (*kept, *trusted)}

    def settled(part: Loaded) -> Loaded:
        candidates = (
            dataclasses.replace(own, stand_in=wishes.get(own.certificate)) if own.source == added.NAME else own
            for own in part.candidates
        )
        return dataclasses.replace(part, candidates=tuple(candidates))

    return settled(loaded), dataclasses.replace(request, additions=(settled(named),) if request.additions else ())


def _refuse_alone(request: Request, decision: Decision) -> None:
    """Raise SourceError where nothing enters of what the user names, since it is below a root that is not there."""
    members: tuple[TrustAnchor | Intermediate, ...] = (*decision.anchors, *decision.intermediates)
    entered = {member.given.fingerprint for member in members}
    named = [repair.certificate for repair in request.repairs if repair.needs[-1].host == repaired.BY_USER]
    roots = (candidate.certificate for candidate in merged(request.additions).candidates)
    if named and not any(certificate.fingerprint in entered for certificate in (*named, *roots)):
        rules = {rejection.fingerprint: rejection.rule for rejection in decision.rejections}
        missing = next((below for below in named if rules.get(below.fingerprint) == "no-issuer"), None)
        if missing:
            raise SourceError(*repaired.without_root(missing))


def withdraw(paths: StorePaths, request: Request, inputs: Inputs, former: Path, previous: manifest.Manifest) -> Plan:
    """Return the generation in force without what is distrusted now, and what hangs below it; raises StoreError.

    No source is asked: none could say anything that matters here.
    """
    held = previous.certificates
    parsed = {certificate.fingerprint: certificate for certificate in generations.certificates(former, held)}
    originals = {entry.sha256: original for entry in held if (original := generations.original(entry))}
    out = _distrusted(request, inputs, [*parsed.values(), *originals.values()])
    gone = {fingerprint for fingerprint, certificate in parsed.items() if certificate.is_among(out)}
    while below := {entry.sha256 for entry in held if gone.intersection(entry.descent)} - gone:
        gone |= below
    staying = [entry for entry in held if entry.sha256 not in gone]
    content = layout.content(
        [
            TrustAnchor(parsed[e.sha256], e.provenance, e.distrust_after, originals.get(e.sha256))
            for e in staying
            if e.role == "anchor"
        ],
        [Intermediate(parsed[e.sha256], e.provenance, *e.descent) for e in staying if e.role == "intermediate"],
    )
    rejections = (
        _taken_out(entry, originals.get(entry.sha256) or parsed[entry.sha256], out)
        for entry in held
        if entry.sha256 in gone
    )
    record = dataclasses.replace(
        previous,
        generation=generations.next_number(paths),
        created=inputs.now.isoformat(),
        command=request.command,
        certificates=content.entries,
        rejected=(*previous.rejected, *rejections),
    )
    wanted = {paths.distrusted: choices.render_distrusted(out)}
    return Plan(content if gone else None, record if gone else previous, record.rejected, inputs.now, wanted)


def _distrusted(request: Request, inputs: Inputs, certificates: Sequence[Certificate]) -> dict[str, str]:
    """Return what the user wants out from now on: fingerprint, or name and key (``Certificate.identity``) -> name.

    Who trusts one again trusts its name and key again, and who trusts another certificate of these does not.
    """
    out = {**inputs.distrusted, **request.distrust}
    again = set(request.trust_again)
    for certificate in certificates:
        if certificate.fingerprint in request.distrust:
            out[certificate.identity] = choices.key_of(certificate.fingerprint)
        elif certificate.former_identity in out:
            out.setdefault(certificate.identity, out[certificate.former_identity])
        if certificate.fingerprint in request.trust_again and certificate.fingerprint in out:
            again.update(certificate.known_as)
    names = {choices.key_of(fingerprint) for fingerprint in request.trust_again}
    return {key: name for key, name in out.items() if key not in again and name not in names}


def _taken_out(entry: manifest.Entry, certificate: Certificate, out: dict[str, str]) -> Rejection:
    origin = (entry.provenance[0].source, entry.provenance[0].detail)
    if certificate.is_among(out):
        named = (certificate.fingerprint, entry.subject, certificate.identity)
        return Rejection("distrusted", *origin, "you said so", *named)
    return Rejection("no-issuer", *origin, "its issuer is not in the store", entry.sha256, entry.subject)


def _carried(decision: Decision, previous: manifest.Manifest | None) -> Decision:
    """Return the decision with the day, and for additions the path, under which each certificate first came."""
    entries = previous.certificates if previous else ()
    known = {(e.given, reason.source): reason for e in entries for reason in e.provenance}

    def first(fingerprint: str, reason: Provenance) -> Provenance:
        before = known.get((fingerprint, reason.source), reason)
        return before if reason.source == added.NAME else dataclasses.replace(reason, since=before.since)

    def carried(member: _Member) -> _Member:
        provenance = tuple(first(member.given.fingerprint, reason) for reason in member.provenance)
        return dataclasses.replace(member, provenance=provenance)

    return decision._replace(
        anchors=tuple(map(carried, decision.anchors)), intermediates=tuple(map(carried, decision.intermediates))
    )


def _kept_files(
    paths: StorePaths, request: Request, inputs: Inputs, decision: Decision, out: dict[str, str]
) -> dict[Path, bytes]:
    """Return the files, beside the generation, that carry the user's choices over to later runs: path -> content."""
    wanted: dict[Path, bytes] = {}
    # What is kept is what the user gave; a stand-in is made of it anew each time.
    now = {candidate.certificate: candidate for candidate in reversed(merged(request.additions).candidates)}
    for anchor in decision.anchors:
        if anchor.given in now:
            wanted[paths.trusted / file_name(anchor.given)] = added.render_kept(now[anchor.given])
    entered = {member.certificate.fingerprint for member in decision.intermediates}
    for repair in request.repairs:
        if repair.certificate.fingerprint in entered:
            wanted[paths.repaired / file_name(repair.certificate)] = repaired.render_repair(repair)
    if out != inputs.distrusted:
        wanted[paths.distrusted] = choices.render_distrusted(out)
    if inputs.adoptions != choices.read_adoptions(paths.adopted):
        wanted[paths.adopted] = choices.render_adoptions(inputs.adoptions)
    if inputs.settings_file is not None:
        wanted[paths.config] = inputs.settings_file
    return {path: data for path, data in wanted.items() if files.read_if_there(path, files.LARGE) != data}
