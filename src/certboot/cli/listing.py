"""``list``, ``show``, ``history``, ``diff`` and ``rollback``: the certificates and generations of the store."""

from __future__ import annotations

import json
import typing
from dataclasses import asdict

from certboot import moment
from certboot.cli import options
from certboot.cli.layout import Advice
from certboot.cli.summary import by_rule
from certboot.cli.terminal import data, show, tell
from certboot.errors import OK, CertbootError, printable
from certboot.pki import pem
from certboot.pki.fingerprint import short
from certboot.pki.rules import PYTHONS
from certboot.sources import repaired
from certboot.store import choices, freshness, generations, history, selection
from certboot.store.config import load_config, parse_duration
from certboot.store.due import age, due
from certboot.store.paths import StorePaths, store_paths
from certboot.store.selection import find

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from certboot.sources.candidates import Rejection
    from certboot.store.due import Due
    from certboot.store.history import Step
    from certboot.store.manifest import Entry, Manifest

SCHEMA = 1


def list_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot list", "all of them"),
        ("certboot list --beyond certifi", "the CAs that certifi does not have"),
        ("certboot list --expiring", "what ends soon, as the doctor says it"),
    )
    command.add_argument("--role", choices=("anchor", "intermediate"), help="only these")
    command.add_argument("--source", metavar="NAME", default="", help="only those from this source")
    command.add_argument(
        "--beyond", metavar="NAME", default="", help="only the anchors that this source does not have, such as certifi"
    )
    command.add_argument(
        "--expiring", metavar="SPAN", nargs="?", const="",
        help="only those that expire, or lose Mozilla's trust in what they issue, within this span, such as 90d "
        "(without one: soon, as certboot doctor store has it), and when the sources were last read",
    )  # fmt: skip
    command.add_argument("--rejected", action="store_true", help="what did not enter, and by which rule")
    command.add_argument("--json", action="store_true", help="print one JSON object, with a digest of the store")


def list_command(arguments: argparse.Namespace) -> int:
    """List certificates, or what was rejected."""
    if arguments.source:
        from certboot.sources.table import SHOWN

        if arguments.source not in SHOWN:
            raise CertbootError(f"no such source: {arguments.source}", f"--source takes one of {', '.join(SHOWN)}")
    paths = store_paths()
    record = generations.current(paths)
    chosen = selection.choose(record, role=arguments.role or "", source=arguments.source)
    if arguments.beyond:
        more = selection.beyond(record, arguments.beyond)
        chosen = tuple(entry for entry in chosen if entry in more)
    ending = None
    if arguments.expiring is not None:
        ending = due(chosen, moment.now(), parse_duration(arguments.expiring) if arguments.expiring else None)
        chosen = tuple(dict.fromkeys(item.entry for item in ending))
    if arguments.json:
        data(f"{list_json(record, chosen, ending, rejected=arguments.rejected)}\n")
    elif arguments.rejected:
        show(rejections_table(record.rejected))
    elif ending is not None:
        span = f"within {arguments.expiring}" if arguments.expiring else "soon"
        show(due_table(ending) if ending else f"nothing ends {span}")
        _say_age(paths, record)
    else:
        show(certificates_table(chosen))
    return OK


def _say_age(paths: StorePaths, record: Manifest) -> None:
    read = freshness.last_read(paths.checked, record.created)
    if read:
        words, old = age(read, load_config(paths.config).max_age, moment.now())
        tell([Advice(f"the store: {words}{': certboot update' if old else ''}")])


def show_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ('certboot show "Company Root CA"', "by its name"),
    )
    command.add_argument("id", metavar="ID", help=options.ID)


def show_command(arguments: argparse.Namespace) -> int:
    """Show one certificate."""
    from certboot.pki.certificate import annotated_pem

    folder, record = generations.needed(store_paths())
    entry = find(record, arguments.id)
    (held,) = generations.certificates(folder, [entry])
    show(certificate_text(entry, record, annotated_pem(held).rstrip()))
    return OK


def history_options(command: argparse.ArgumentParser) -> None:
    """Add only examples: it takes what all commands on a store take."""
    options.examples(
        command,
        ("certboot history", "the oldest first; * is in force"),
    )


def history_command(_: argparse.Namespace) -> int:
    """List the generations."""
    show(history_table(history.steps(store_paths())))
    return OK


def diff_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot diff 1 2", "what came and went from the first to the second"),
    )
    for name in ("before", "after"):
        command.add_argument(name, metavar=name.upper(), type=int, help="a generation")


def diff_command(arguments: argparse.Namespace) -> int:
    """Compare two generations."""
    before, after = (generations.numbered(store_paths(), number) for number in (arguments.before, arguments.after))
    show(difference_text(*selection.difference(before, after)))
    return OK


def rollback_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot rollback", "to the generation before"),
        ("certboot rollback 1", "to this one of `certboot history`"),
    )
    command.description = (
        "Put an earlier generation in force. The next update applies the sources again; to keep a "
        "certificate out, distrust it."
    )
    command.add_argument("number", metavar="N", type=int, nargs="?", help="the generation (default: the one before)")


def rollback_command(arguments: argparse.Namespace) -> int:
    """Put an earlier generation in force."""
    paths = store_paths()
    before, now = history.rollback(paths, arguments.number)
    came, went = selection.difference(before, now)
    show(difference_text(came, went))
    out = choices.read_distrusted(paths.distrusted)
    for entry, path in _returning(paths, (entry for entry in went if entry.given not in out)):
        tell([f"{entry.name} comes back with the next update, unless you remove {path}"], needed=True)
    for entry in now.certificates:
        if entry.given in out:
            tell([f"{entry.name}, which you distrust, is trusted again until the next update"], needed=True)
    tell([f"generation {now.generation} is in force again; the next update applies the sources as they are then"])
    return OK


def _returning(paths: StorePaths, went: Iterable[Entry]) -> Iterator[tuple[Entry, Path]]:
    """Yield what went but is in the store for a file beside the generations, which no rollback touches, with that file.

    What has another source too comes back in any case.
    """
    from certboot.sources import added, repaired

    folders = {added.NAME: paths.trusted, repaired.NAME: paths.repaired}
    for entry in went:
        sources = [reason.source for reason in entry.provenance]
        path = folders.get(sources[0], paths.home) / pem.file_name(entry.name, entry.given)
        if len(sources) == 1 and path.is_file():
            yield entry, path


def certificates_table(entries: Sequence[Entry]) -> str:
    """Return a table of certificates: fingerprint, role, expiry, sources, name."""
    rows = [
        (short(entry.sha256), entry.role, entry.not_after[:10], _sources(entry), _named(entry)) for entry in entries
    ]
    return _table(("SHA-256", "ROLE", "EXPIRES", "SOURCES", "NAME"), rows)


def due_table(ending: Sequence[Due]) -> str:
    """Return a table of what ends: the day, what is said of it, and of which certificate."""
    rows = [
        (short(item.entry.sha256), f"{item.when:%Y-%m-%d}", item.kind, _sources(item.entry), item.entry.name)
        for item in ending
    ]
    return _table(("SHA-256", "WHEN", "WHAT", "SOURCES", "NAME"), rows)


def rejections_table(rejected: Sequence[Rejection]) -> str:
    """Return a table of what was turned away, and a count by rule."""
    rows = [(short(r.fingerprint) or "-", r.rule, r.source, r.reason, r.subject or r.detail) for r in rejected]
    return f"{_table(('SHA-256', 'RULE', 'SOURCE', 'WHY', 'WHAT'), rows)}\n{by_rule(rejected) or 'none'}"


def certificate_text(entry: Entry, record: Manifest, block: str) -> str:
    """Return everything that the store knows of one certificate, its PEM block at the end."""
    names = {other.sha256: other.name for other in record.certificates}
    lines = [
        ("name", entry.name),
        ("subject", entry.subject),
        ("sha-256", entry.sha256),
        ("role", entry.role),
        ("valid", f"{entry.not_before} to {entry.not_after}"),
        *(("source", f"{reason.source}, {reason.detail}, since {reason.since}") for reason in entry.provenance),
        *(("issuer", f"{names.get(sha, '?')} ({short(sha)})") for sha in (entry.descent.issuer,) if sha),
        *(("anchor", f"{names.get(sha, '?')} ({short(sha)})") for sha in (entry.descent.anchor,) if sha),
        *(("distrust", f"of certificates that begin after {date}") for date in (entry.distrust_after,) if date),
        *(("stand-in", f"for {o.sha256}: {', '.join(o.defects)}") for o in (entry.original,) if o),
        *(("defect", f"{defect}: {PYTHONS} refuse it") for defect in entry.defects),
        ("file", entry.file),
    ]
    return "\n".join(f"{label:<9} {printable(value)}" for label, value in lines) + f"\n\n{block}"


def history_table(steps: Sequence[Step]) -> str:
    """Return a table of the generations that are kept, with the one in force marked."""
    rows = [
        (
            f"{'*' if step.in_force else ' '} {step.record.generation}",
            step.record.created[:16].replace("T", " "),
            step.record.command,
            str(len(step.record.certificates)),
            _change(step) if at or step.record.generation == 1 else "the oldest that is kept",
        )
        for at, step in enumerate(steps)
    ]
    return _table(("  GENERATION", "MADE (UTC)", "BY", "CERTIFICATES", "CHANGE"), rows)


def _change(step: Step) -> str:
    """Return what came and went, or where nothing did what else changed."""
    if step.came or step.went:
        return ", ".join((f"+{step.came} -{step.went}", *step.stand_ins))
    return ", ".join(step.changed) or "files written anew"


def difference_text(came: Sequence[Entry], went: Sequence[Entry]) -> str:
    """Return what came and what went, a line each."""
    lines = [
        printable(f"{sign} {short(entry.sha256)}  {entry.role:<12}  {_named(entry)}")
        for sign, entries in (("+", came), ("-", went))
        for entry in entries
    ]
    return "\n".join([*lines, f"{len(came)} came, {len(went)} went"])


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    shown = [head, *(tuple(printable(cell) for cell in row) for row in rows)]
    widths = [max(len(row[column]) for row in shown) for column in range(len(head) - 1)]
    lines = ([*(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)), row[-1]] for row in shown)
    return "\n".join("  ".join(line).rstrip() for line in lines)


def _named(entry: Entry) -> str:
    """Return its name, and for what it stands in, or who needs an intermediate that a server does not send."""
    needs = (reason.detail for reason in entry.provenance if reason.source == repaired.NAME)
    return entry.name + "".join(f" ({words})" for words in (entry.stands_for, *needs) if words)


def _sources(entry: Entry) -> str:
    return ",".join(reason.source for reason in entry.provenance)


def list_json(
    record: Manifest, entries: Sequence[Entry], ending: Sequence[Due] | None = None, *, rejected: bool
) -> str:
    """Return one JSON object, in ASCII. ``digest`` is that of the whole store, whatever was chosen from it."""
    document: dict[str, object] = {"schema": SCHEMA, "generation": record.generation, "digest": record.digest()}
    if rejected:
        document["rejected"] = [asdict(rejection) for rejection in record.rejected]
    else:
        document["certificates"] = [entry.document() for entry in entries]
        if ending is not None:
            document["due"] = [
                {"sha256": item.entry.sha256, "what": item.kind, "when": item.when.isoformat()} for item in ending
            ]
    return json.dumps(document, indent=1)
