"""What is to be known of the anchors in the store: expiry, strict defects, and Mozilla's dates of distrust.

And the expiry of the intermediates: OpenSSL prefers one of the store to a newer one that a server sends.
"""

from __future__ import annotations

import contextlib
import typing
from datetime import timedelta

from certboot.doctor.finding import Finding
from certboot.errors import StoreError
from certboot.moment import parsed
from certboot.pki import rules
from certboot.sources.table import OWN
from certboot.store.generations import has_source

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from certboot.doctor.finding import Fix, Status
    from certboot.store.generations import Generation
    from certboot.store.manifest import Entry

_SOON = timedelta(days=30)
# No public CA may issue for longer (Baseline Requirements, 6.3.2), so nothing that was issued in time is valid then.
_LONGEST = timedelta(days=398)
_UPDATE = (("certboot", "update"),)
_SHOWN = 10
_EXPLAINED = 3


def check(current: Generation, now: datetime) -> list[Finding]:
    """Return one finding of each kind that there is."""
    intermediates = [entry for entry in current.record.certificates if entry.role == "intermediate"]
    return [
        *_expiry(current.anchors, now),
        *_expiry_below(intermediates, now),
        *_strict(current),
        *_distrusted_after(current.anchors, now),
    ]


def _expiry_below(entries: Sequence[Entry], now: datetime) -> Iterator[Finding]:
    ends = _ends(entries)
    expired = [entry for entry, end in ends if end <= now]
    if expired:
        summary = (
            f"{_names(expired)} expired on {expired[0].not_after[:10]}: until an update takes it out, clients refuse "
            "also servers that send its successor"
        )
        yield _finding("intermediate-expired", "warn", summary, expired, _UPDATE)
    # Of the many in the CCADB's report some end every month, and nobody misses them.
    soon = [entry for entry, end in ends if now < end <= now + _SOON and entry.bundled]
    if soon:
        summary = f"{_names(soon)} expires on {soon[0].not_after[:10]}; certboot update takes it out then"
        yield _finding("intermediate-expiring", "info", summary, soon)


def _expiry(entries: Sequence[Entry], now: datetime) -> Iterator[Finding]:
    ends = _ends(entries)
    expired = [entry for entry, end in ends if end <= now]
    if expired:
        summary = f"{_names(expired)} expired on {expired[0].not_after[:10]}; an update takes out what has expired"
        yield _finding("anchor-expired", "warn", summary, expired, _UPDATE)
    soon = [entry for entry, end in ends if now < end <= now + _SOON]
    for own in (True, False):
        ending = [entry for entry in soon if has_source(entry, OWN) is own]
        if ending:
            hint = "; add the CA's next certificate with certboot trust" if own else ""
            summary = f"{_names(ending)} expires on {ending[0].not_after[:10]}{hint}"
            yield _finding("anchor-expiring", "warn" if own else "info", summary, ending)


def _ends(entries: Sequence[Entry]) -> list[tuple[Entry, datetime]]:
    return [(entry, end) for entry in entries if (end := parsed(entry.not_after))]


def _strict(current: Generation) -> Iterator[Finding]:
    flawed = [entry for entry in current.anchors if entry.defects and has_source(entry, OWN)]
    if flawed:
        from certboot.store import generations

        defects = ", ".join(dict.fromkeys(defect for entry in flawed for defect in entry.defects))
        lines = [f"{rules.PYTHONS} refuse what {_names(flawed)} issues: {defects}"]
        with contextlib.suppress(StoreError):  # a file that is not as it should be is a finding of its own
            certificates = generations.certificates(current.folder, flawed[:_EXPLAINED])
            lines += [
                f"{certificate.name}: {rules.reissue_request(certificate, certificate.defects)}"
                for certificate in certificates
            ]
        lines += [
            "certboot repair HOST stores an intermediate without a defect, if there is one, which is enough for them",
            "or use a Python up to 3.12, which does not mind",
        ]
        yield _finding("anchor-strict-defects", "warn", "\n".join(lines), flawed)


def _distrusted_after(entries: Sequence[Entry], now: datetime) -> Iterator[Finding]:
    dated = [(entry, date) for entry in entries if entry.distrust_after and (date := parsed(entry.distrust_after))]
    useless = [entry for entry, date in dated if date < now - _LONGEST]
    if useless:
        summary = f"Mozilla ended its trust in {_names(useless)} so long ago that nothing valid can be issued by it"
        fix = tuple(("certboot", "distrust", entry.sha256) for entry in useless)
        yield _finding("anchor-distrusted", "warn", summary, useless, fix)
    passed = [entry for entry, date in dated if now - _LONGEST <= date < now]
    if passed:
        when = passed[0].distrust_after[:10]
        summary = (
            f"Mozilla trusts {_names(passed)} only for what was issued until {when}, which no client here can tell"
        )
        yield _finding("anchor-distrust-after", "info", summary, passed)


def _names(entries: Sequence[Entry]) -> str:
    more = f" and {len(entries) - 1} more" if len(entries) > 1 else ""
    return f"{entries[0].name}{more}"


def _finding(kind: str, status: Status, summary: str, entries: Sequence[Entry], fix: Fix = ()) -> Finding:
    shown = [
        {
            "sha256": entry.sha256,
            "name": entry.name,
            "not_after": entry.not_after,
            "distrust_after": entry.distrust_after,
            "defects": list(entry.defects),
            "sources": [reason.source for reason in entry.provenance],
        }
        for entry in entries[:_SHOWN]
    ]
    subject = "intermediates" if entries[0].role == "intermediate" else "anchors"
    return Finding(kind, "store", status, subject, summary, {"count": len(entries), subject: shown}, fix)
