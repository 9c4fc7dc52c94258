"""What is to be known of the anchors in the store: expiry, strict defects, and Mozilla's dates of distrust.

And the expiry of the intermediates: OpenSSL prefers one of the store to a newer one that a server sends.
"""

from __future__ import annotations

import contextlib
import typing

from certboot.doctor.finding import UPDATE, Finding
from certboot.errors import StoreError, few
from certboot.pki import rules
from certboot.sources.table import OWN
from certboot.store.due import due

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from certboot.doctor.finding import Fix, Status
    from certboot.store.due import Due, Kind
    from certboot.store.generations import Generation
    from certboot.store.manifest import Entry

_SHOWN = 10
_EXPLAINED = 3


def check(current: Generation, now: datetime) -> list[Finding]:
    """Return one finding of each kind that there is."""
    ending = due(current.record.certificates, now)
    return [
        *_expiry([item for item in ending if item.entry.role == "anchor"]),
        *_expiry_below([item for item in ending if item.entry.role == "intermediate"]),
        *_strict(current),
        *_stand_ins(current.anchors),
        *_distrusted(ending),
    ]


def _expiry(ending: Sequence[Due]) -> Iterator[Finding]:
    expired = _of(ending, "expired")
    if expired:
        summary = f"{_names(expired)} expired on {expired[0].not_after[:10]}; an update takes out what has expired"
        yield _finding("anchor-expired", "warn", summary, expired, UPDATE)
    for own in (True, False):
        soon = [entry for entry in _of(ending, "expires") if entry.is_from(OWN) is own]
        if soon:
            hint = "; add the CA's next certificate with certboot trust" if own else ""
            summary = f"{_names(soon)} expires on {soon[0].not_after[:10]}{hint}"
            yield _finding("anchor-expiring", "warn" if own else "info", summary, soon)


def _expiry_below(ending: Sequence[Due]) -> Iterator[Finding]:
    expired = _of(ending, "expired")
    if expired:
        summary = (
            f"{_names(expired)} expired on {expired[0].not_after[:10]}: until an update takes it out, clients refuse "
            "also servers that send its successor"
        )
        yield _finding("intermediate-expired", "warn", summary, expired, UPDATE)
    soon = _of(ending, "expires")
    if soon:
        summary = f"{_names(soon)} expires on {soon[0].not_after[:10]}; certboot update takes it out then"
        yield _finding("intermediate-expiring", "info", summary, soon)


def _of(ending: Sequence[Due], kind: Kind) -> list[Entry]:
    return [item.entry for item in ending if item.kind == kind]


def _strict(current: Generation) -> Iterator[Finding]:
    flawed = [entry for entry in current.anchors if entry.defects and entry.is_from(OWN)]
    if flawed:
        from certboot.pki.stand_in import stand_in
        from certboot.store import generations

        defects = ", ".join(dict.fromkeys(defect for entry in flawed for defect in entry.defects))
        lines = [f"{rules.PYTHONS} refuse what {_names(flawed)} issues: {defects}"]
        with contextlib.suppress(StoreError):  # a file that is not as it should be is a finding of its own
            certificates = generations.certificates(current.folder, flawed[:_EXPLAINED])
            lines += [
                f"{certificate.name}: {rules.reissue_request(certificate, certificate.defects)}"
                for certificate in certificates
            ]
            if any(isinstance(stand_in(certificate.der), bytes) for certificate in certificates):
                lines.append(
                    "certboot trust HOST --stand-in stores a copy with its name and key in the form that they ask for, "
                    "tried with this host's chain"
                )
        lines += [
            "certboot repair HOST stores an intermediate without a defect, if there is one, which is enough for them",
            "or use a Python up to 3.12, which does not mind",
        ]
        yield _finding("anchor-strict-defects", "warn", "\n".join(lines), flawed)


def _stand_ins(entries: Sequence[Entry]) -> Iterator[Finding]:
    standing = [entry for entry in entries if entry.original]
    if standing:
        defects = ", ".join(dict.fromkeys(d for entry in standing if entry.original for d in entry.original.defects))
        more = f", and {len(standing) - 1} more" if len(standing) > 1 else ""
        lines = [
            f"{standing[0].name} is a {standing[0].stands_for}{more}: {defects}",
            "a new certificate from the CA's owner is better: certboot trust FILE puts it in its place",
        ]
        yield _finding("anchor-stand-in", "info", "\n".join(lines), standing)


def _distrusted(ending: Sequence[Due]) -> Iterator[Finding]:
    useless = _of(ending, "distrusted")
    if useless:
        summary = f"Mozilla ended its trust in {_names(useless)} so long ago that nothing valid can be issued by it"
        fix = tuple(("certboot", "distrust", entry.sha256) for entry in useless)
        yield _finding("anchor-distrusted", "warn", summary, useless, fix)
    dated = _of(ending, "distrust-after")
    if dated:
        when = dated[0].distrust_after[:10]
        summary = f"Mozilla trusts {_names(dated)} only for what is issued until {when}, which no client here can tell"
        yield _finding("anchor-distrust-after", "info", summary, dated)


def _names(entries: Sequence[Entry]) -> str:
    return few([entry.name for entry in entries], 1)


def _finding(kind: str, status: Status, summary: str, entries: Sequence[Entry], fix: Fix = ()) -> Finding:
    shown = [
        {
            "sha256": entry.sha256,
            "name": entry.name,
            "not_after": entry.not_after,
            "distrust_after": entry.distrust_after,
            "defects": list(entry.defects),
            "stand_in_for": entry.original.sha256 if entry.original else "",
            "sources": [reason.source for reason in entry.provenance],
        }
        for entry in entries[:_SHOWN]
    ]
    subject = "intermediates" if entries[0].role == "intermediate" else "anchors"
    return Finding(kind, "store", status, subject, summary, {"count": len(entries), subject: shown}, fix)
