"""What ``init``, ``purge`` and ``rehash`` say, as text."""

from __future__ import annotations

import typing
from collections import Counter

from certboot.printable import printable

if typing.TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from certboot.store.manifest import Manifest
    from certboot.store.rehash import RehashResult
    from certboot.update import Outcome

_MOST_PLACES = 3
_ORDER = ("certifi", "system", "added")


def init_summary(outcome: Outcome, hook: str) -> str:
    """Return the lines that ``init`` ends with. ``hook``: what the hook in this interpreter said of itself."""
    record = outcome.record
    lines = [_headline(outcome), f"  sources   {_sources(record)}"]
    if record.rejected:
        lines.append(f"  rejected  {_rejections(record)}")
        lines += [
            f"            {printable(r.detail)}: {printable(r.reason)}" for r in record.rejected if r.source == "added"
        ]
    lines.append(f"  store     {outcome.paths.home}")
    lines.append(f"  hook      {_hook(outcome, hook)}")
    for name, (preset, value) in outcome.held_back.items():
        because = "is" if preset == name else f"stays unset because {preset} is"
        lines.append(f"  left out  {name} {because} set by something else: {preset}={printable(value)}")
    lines += [
        f"  left out  GIT_SSL_CAINFO, because git has a setting of its own: {printable(name)}" for name in outcome.git
    ]
    lines.append("  undo      certboot purge")
    return "\n".join(lines)


def purge_list(paths: Iterable[Path]) -> str:
    """Return what ``purge`` is about to remove, a path a line."""
    return "\n".join(f"  {path}" for path in paths)


def rehash_summary(directory: Path, result: RehashResult) -> str:
    """Return one line on what ``rehash`` did in one directory."""
    made, removed = len(result.made), len(result.removed)
    done = f"{made} made, {removed} removed" if made or removed else "nothing to do"
    return f"{directory}: {_plural(len(result.links), 'link')}, {done}"


def _headline(outcome: Outcome) -> str:
    count = _plural(len(outcome.record.certificates), "trust anchor")
    if not outcome.written:
        changed = "; env file rewritten" if outcome.settings_written else ": nothing new, nothing changed"
        return f"{count} in generation {outcome.record.generation}{changed}"
    before = {entry.sha256 for entry in outcome.previous.certificates} if outcome.previous else set()
    now = {entry.sha256 for entry in outcome.record.certificates}
    change = f" ({len(now - before)} new, {len(before - now)} gone)" if outcome.previous else ""
    if outcome.previous and outcome.previous.content() == outcome.record.content():
        change = " (the files of the last one were damaged and are written anew)"
    return f"{count} in generation {outcome.record.generation}{change}"


def _sources(record: Manifest) -> str:
    found: dict[str, Counter[str]] = {}
    for entry in record.certificates:
        for reason in entry.provenance:
            found.setdefault(reason.source, Counter())[reason.detail] += 1
    parts = [
        f"{source} {sum(found[source].values())} ({', '.join(found[source])})" for source in _ORDER if source in found
    ]
    if "system" not in found:
        parts.append("system 0 (this system has no trust store)")
    return printable(", ".join(parts))


def _rejections(record: Manifest) -> str:
    return ", ".join(f"{count} {rule}" for rule, count in sorted(Counter(r.rule for r in record.rejected).items()))


def _hook(outcome: Outcome, hook: str) -> str:
    names = [name for name in outcome.settings if name not in outcome.held_back]
    if not names:
        return "has nothing to set"
    sets = f"sets {', '.join(names)} at every start of this environment's Python"
    if not hook:
        return f"is not active in this environment (see certboot doctor hook); where it is, it {sets}"
    return f"is turned off by CERTBOOT_DISABLE; otherwise it {sets}" if hook == "disabled" else sets


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
