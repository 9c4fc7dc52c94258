"""``list``, ``show``, ``history``, ``diff`` and ``rollback``: the certificates and generations of the store."""

from __future__ import annotations

import typing

from certboot.cli.terminal import data, say, show
from certboot.exit_status import OK

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from certboot.store.manifest import Entry
    from certboot.store.paths import StorePaths


def list_command(arguments: argparse.Namespace) -> int:
    """List certificates, or what was rejected."""
    from certboot import moment
    from certboot.cli import list_text
    from certboot.cli.list_json import list_json
    from certboot.store import history, selection
    from certboot.store.duration import parse_duration
    from certboot.store.paths import store_paths

    record = history.current(store_paths())
    expiring = parse_duration(arguments.expiring) if arguments.expiring else None
    chosen = selection.choose(
        record, role=arguments.role or "", source=arguments.source, expiring=expiring, now=moment.now()
    )  # fmt: skip
    if arguments.json:
        data(f"{list_json(record, chosen, rejected=arguments.rejected)}\n")
    elif arguments.rejected:
        show(list_text.rejections_table(record.rejected))
    else:
        show(list_text.certificates_table(chosen))
    return OK


def show_command(arguments: argparse.Namespace) -> int:
    """Show one certificate."""
    from certboot.cli.list_text import certificate_text
    from certboot.pki.certificate import annotated_pem
    from certboot.store import history
    from certboot.store.held import certificates
    from certboot.store.paths import store_paths
    from certboot.store.selection import find

    paths = store_paths()
    record = history.current(paths)
    entry = find(record, arguments.id)
    (held,) = certificates(paths.generations / str(record.generation), [entry])
    show(certificate_text(entry, record, annotated_pem(held).rstrip()))
    return OK


def history_command(_: argparse.Namespace) -> int:
    """List the generations."""
    from certboot.cli.list_text import history_table as table
    from certboot.store import history
    from certboot.store.paths import store_paths

    show(table(history.steps(store_paths())))
    return OK


def diff_command(arguments: argparse.Namespace) -> int:
    """Compare two generations."""
    from certboot.cli.list_text import difference_text
    from certboot.store import history, selection
    from certboot.store.paths import store_paths

    before, after = (history.numbered(store_paths(), number) for number in (arguments.before, arguments.after))
    show(difference_text(*selection.difference(before, after)))
    return OK


def rollback_command(arguments: argparse.Namespace) -> int:
    """Put an earlier generation in force."""
    from certboot.cli.list_text import difference_text
    from certboot.store import choices, history, selection
    from certboot.store.paths import store_paths

    paths = store_paths()
    before, now = history.rollback(paths, arguments.number)
    came, went = selection.difference(before, now)
    show(difference_text(came, went))
    out = choices.read_distrusted(paths.distrusted)
    for entry, path in _returning(paths, (entry for entry in went if entry.sha256 not in out)):
        say(f"{entry.name} comes back with the next update, unless you remove {path}")
    for entry in now.certificates:
        if entry.sha256 in out:
            say(f"{entry.name}, which you distrust, is trusted again until the next update")
    say(f"generation {now.generation} is in force again; the next update applies the sources as they are then")
    return OK


def _returning(paths: StorePaths, went: Iterable[Entry]) -> Iterator[tuple[Entry, Path]]:
    """Yield what went but is in the store for a file beside the generations, which no rollback touches, with that file.

    What has another source too comes back in any case.
    """
    from certboot.sources import added, repairs

    folders = {added.NAME: paths.trusted, repairs.NAME: paths.repaired}
    for entry in went:
        sources = [reason.source for reason in entry.provenance]
        path = folders.get(sources[0], paths.home) / entry.file
        if len(sources) == 1 and path.is_file():
            yield entry, path
