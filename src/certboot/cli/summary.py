"""What commands that change the store say of what came of it: what changed, where it acts, what keeps it, what is next.

After the first each line begins with a label, or with as many blanks: see ``terminal.rows``.
"""

from __future__ import annotations

import typing
from collections import Counter

from certboot.cli import terminal
from certboot.cli.layout import Advice, Line
from certboot.cli.terminal import HANG
from certboot.clients.variables import GENTLE, VARIABLES
from certboot.errors import counted, few, printable, shortened
from certboot.pki.fingerprint import short
from certboot.pki.rules import PYTHONS
from certboot.sources import certifi, repaired
from certboot.sources.table import OWN, SHOWN
from certboot.store.selection import beyond, difference, first_outlived

if typing.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from certboot.sources.aia import Failure
    from certboot.sources.candidates import Rejection
    from certboot.sources.repaired import Repair
    from certboot.store.manifest import Manifest
    from certboot.store.update import Outcome

ELSEWHERE = "elsewhere"
"""What stands for the hook's own word where it does not go by this store."""
_RESTART = "  active    from each program's next start: restart notebooks and services"
_MOST_PLACES = 3
LONGEST = 160
"""Characters of a reason that a stranger may have made."""
PROXY = "  proxy     it looked up the names of these addresses: where they lead could not be checked"
_DECISIONS = ("left out", "defect", "due", "inactive", "kept", "note", "outdated", "appended", "settings")


def tell_summary(lines: Iterable[str]) -> None:
    """Print these lines as the terminal wants them; in a quiet run on standard error those that need a decision."""
    if terminal.quiet:
        needed = decisions(lines)
        if needed:
            terminal.tell_aside(needed)
    else:
        terminal.tell(lines)


def init_summary(
    outcome: Outcome, hook: str, pythons: Sequence[str], notes: Iterable[str] = (), adoptable: Collection[str] = (),
    *, verbose: bool = False,
) -> list[str]:  # fmt: skip
    """Return the lines that ``init`` ends with.

    ``hook``: what the hook in this interpreter said of itself, or ELSEWHERE; ``pythons``: where hooks go by this store;
    ``adoptable``: preset variables that adopt takes over; ``verbose``: also what only informs.
    """
    record = outcome.record
    lines = [headline(outcome) + (f", from {_counts(record)}" if outcome.written and not verbose else "")]
    lines += _details(outcome) if verbose else []
    more = len(beyond(record, certifi.NAME)) if certifi.NAME in record.choices.sources else 0
    if more and (outcome.written or verbose):
        lacking = f"{counted(more, 'CA')} that certifi does not have"
        lines.append(Advice(f"  beyond    {lacking}: certboot list --beyond certifi"))
    lines += [*left_out(outcome), *_warnings(record, verbose=verbose), *_activity(outcome, hook, pythons)]
    lines += [*_kept(outcome, adoptable, verbose=verbose), *notes]
    if outcome.previous is None:
        lines.append(Advice("  daily     what keeps it up to date: certboot update --timer"))
    return [*lines, Advice("  next      if a host still fails: certboot doctor HOST"), "  undo      certboot purge"]


def update_summary(outcome: Outcome, notes: Iterable[str], *, verbose: bool = False) -> list[str]:
    """Return the lines that ``update`` ends with."""
    lines = [*left_out(outcome), headline(outcome), *(_details(outcome) if verbose else ()), *notes]
    if outcome.written and any(difference(outcome.previous, outcome.record)):
        lines.append(_RESTART)
        lines += ["  undo      certboot rollback, until the next update"]
    return lines


def stored_summary(outcome: Outcome, fingerprints: Collection[str]) -> list[str]:
    """Return the lines for certificates that the user wanted in the store: what it holds now, and the way back."""
    came, _ = difference(outcome.previous, outcome.record) if outcome.written else ((), ())
    # Of what another source has too nothing new is trusted, and distrust would take that away as well.
    new = [short(entry.sha256) for entry in came if any(own in fingerprints for own in entry.fingerprints)]
    undo = [f"  undo      certboot distrust {digits}" for digits in new]
    if len(new) > _MOST_PLACES:
        undo = [Advice(f"  undo      certboot distrust ID, for each of these {len(new)}: certboot list")]
    return [headline(outcome), *([_RESTART] if new else []), *undo]


def decisions(lines: Iterable[str]) -> list[str]:
    """Return those of such lines by which somebody is to decide something, each with the commands below it."""
    needed, chosen = False, []
    for line in lines:
        label = line[:HANG].strip() if line.startswith("  ") else line
        needed = label in _DECISIONS if label else needed
        chosen += [line] if needed else []
    return chosen


def headline(outcome: Outcome) -> str:
    """Return in one line what the store holds now, and what of it is new."""
    record, previous = outcome.record, outcome.previous
    counts = Counter(entry.role for entry in record.certificates)
    count = counted(counts["anchor"], "CA")
    if counts["intermediate"]:
        count += f" and {counted(counts['intermediate'], 'intermediate')}"
    if not outcome.written:
        change = "; env file rewritten" if outcome.settings_written else ": nothing new, nothing changed"
    elif previous is None:
        change = ""
    elif previous.content() == record.content():
        change = " (the last one was damaged, or of another version, and is written anew)"
    else:
        came, went = difference(previous, record)
        change = f" ({len(came)} new, {len(went)} gone)"
    return f"{count} in generation {record.generation}{change}"


def left_out(outcome: Outcome) -> list[str]:
    """Return a line for everything of the user's own sources that did not enter this time."""
    # Whoever presets a bundle of all public roots does not need to hear which of them have ended, and of what a server
    # once forgot to send nobody needs to hear more than once: nor that it is an anchor by now, and so in the store.
    before = outcome.previous.fingerprints if outcome.previous else ()
    own = (
        rejection
        for rejection in outcome.rejected
        if (rejection.source in OWN and (rejection.source, rejection.rule) != ("adopted", "expired"))
        or (
            rejection.source == repaired.NAME
            and rejection.rule != "duplicate"
            and rejection.fingerprint in {*before, ""}
        )
    )
    # By this rule alone a certificate enters as it is.
    labels = ((r, "  note      ", r.subject) if r.rule == "no-stand-in" else (r, "  left out  ", r.detail) for r in own)
    return [f"{label}{printable(where)}: {printable(rejection.reason)}" for rejection, label, where in labels]


def left_below(outcome: Outcome, below: Iterable[Repair]) -> list[str]:
    """Return why intermediates that the user named did not enter."""
    left = (repair.certificate for repair in below if repair.certificate.fingerprint not in outcome.record.fingerprints)
    reasons = ((certificate, *outcome.why_not({certificate.fingerprint})) for certificate in left)
    return [
        ": ".join(repaired.without_root(certificate))
        if rule == "no-issuer"
        else f"{certificate.name} does not enter: {reason}"
        for certificate, rule, reason in reasons
    ]


def missing_line(failure: Failure) -> Line:
    """Return why a certificate that a server does not send could not be fetched."""
    where = f" at {shortened(failure.address, LONGEST)}" if failure.address else ""
    reason = f"{shortened(failure.reason, LONGEST)} ({failure.rule})"
    return Line(f"the issuer of {failure.of}{where}: {reason}", "  missing   ", hang=HANG)


def _details(outcome: Outcome) -> list[str]:
    rejected = [f"  rejected  {by_rule(outcome.rejected)}"] if outcome.rejected else []
    sets = ", ".join(outcome.settings) or "nothing"
    return [
        f"  sources   {_sources(outcome.record)}",
        *rejected,
        f"  store     {printable(str(outcome.paths.home))}",
        f"  hook      sets {sets} at every start of a Python that has it",
    ]


def _places(record: Manifest) -> dict[str, Counter[str]]:
    """Return source -> how many certificates are from each of its places, in the order of the sources."""
    places: dict[str, Counter[str]] = {source: Counter() for source in SHOWN}
    for entry in record.certificates:
        for reason in entry.provenance:
            places.setdefault(reason.source, Counter())[reason.detail] += 1
    return {source: places[source] for source in SHOWN if places[source] or _is_bare(source, record)}


def _is_bare(source: str, record: Manifest) -> bool:
    return source == "system" and source in record.choices.sources


def _counts(record: Manifest) -> str:
    return ", ".join(f"{source} ({places.total()})" for source, places in _places(record).items())


def _sources(record: Manifest) -> str:
    parts = []
    for source, places in _places(record).items():
        where = ", ".join(places) if len(places) <= _MOST_PLACES else f"{len(places)} files"
        if source == repaired.NAME:
            where = "certboot list --source repaired"
        parts.append(f"{source} {places.total()} ({where or 'this system has no trust store'})")
    return printable(", ".join(parts))


def by_rule(rejected: Iterable[Rejection]) -> str:
    """Return how many certificates were turned away by which rule."""
    counts = sorted(Counter(rejection.rule for rejection in rejected).items())
    return printable(", ".join(f"{count} {rule}" for rule, count in counts))


def _warnings(record: Manifest, *, verbose: bool) -> list[str]:
    alike: dict[tuple[str, str], list[str]] = {}
    for entry in record.certificates:
        if entry.defects and entry.is_from(OWN):
            key = ", ".join(entry.defects), entry.sha256 if verbose else ""
            alike.setdefault(key, []).append(printable(entry.name))
    lines = [
        f"  defect    {few(names, _MOST_PLACES)}: {PYTHONS} refuse {'it' if len(names) == 1 else 'them'} ({defects})"
        for (defects, _), names in alike.items()
    ]
    if any(len(names) > _MOST_PLACES for names in alike.values()):
        lines.append(Advice("            each of them: certboot init --verbose"))
    outlived = first_outlived(record)
    if outlived:
        lines.append(
            f"  due       certboot update by {outlived.not_after[:10]}: {printable(outlived.name)} ends then, "
            "and what is below it does not"
        )
    return lines


def _activity(outcome: Outcome, hook: str, pythons: Sequence[str]) -> list[str]:
    """Return where the hook points programs at the store, and where it does not."""
    lines = []
    if not set(outcome.settings) - set(outcome.held_back):
        return ["  inactive  the hook has nothing to set"]
    if pythons:
        changed = outcome.written or outcome.settings_written
        whose = "its" if len(pythons) == 1 else "their"
        since = f", from {whose} next start: restart notebooks and services" if changed else ""
        lines.append(f"  active    in {printable(few(pythons, _MOST_PLACES))}{since}")
    if hook == "disabled":
        lines.append("  inactive  where CERTBOOT_DISABLE is set, as it is here: unset CERTBOOT_DISABLE")
    elif hook == ELSEWHERE:
        lines.append("  inactive  in this environment, whose hook looks for another store")
    elif not hook:
        lines.append(Advice("  inactive  in this environment: certboot doctor hook"))
    return lines


def _kept(outcome: Outcome, adoptable: Collection[str], *, verbose: bool) -> list[str]:
    """Return which variables the hook leaves alone, and what changes that."""
    lines = []
    presets = dict(outcome.held_back.values())
    if verbose:
        for name, (preset, value) in outcome.held_back.items():
            because = "is" if preset == name else f"stays unset because {preset} is"
            lines.append(f"  left out  {name} {because} set by something else: {preset}={printable(value)}")
    elif presets:
        lines.append(f"  kept      what something else has set: {', '.join(presets)}")
    offered = [preset for preset in presets if preset in adoptable]
    if len(offered) > 1:
        lines.append("            to take over what they name: certboot adopt")
    elif offered:
        lines.append(f"            to take over what it names: certboot adopt {offered[0]}")
    elif presets:
        lines.append("            what they lead to: certboot doctor environment")
    if verbose:
        own = "GIT_SSL_CAINFO, because git has a setting of its own"
        lines += [f"  left out  {own}: {printable(name)}" for name in outcome.git]
        overruling = [v.name for v in VARIABLES if v.overrules and v.name not in outcome.settings]
        if overruling and outcome.profile == GENTLE:
            lines.append(f"  left out  {', '.join(overruling)}, by the profile {GENTLE}")
    return lines
