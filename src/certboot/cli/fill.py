"""``init`` and ``update``: the store is filled from its sources."""

from __future__ import annotations

import os
import sys
import typing

from certboot.cli.terminal import progress, say, show
from certboot.cli.trust import additions
from certboot.errors import CertbootError
from certboot.exit_status import OK

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from certboot.store.paths import StorePaths


def init_command(arguments: argparse.Namespace) -> int:
    """Fill the store."""
    import certboot_startup
    from certboot.cli.update import init_summary
    from certboot.hook.tool_environment import tool_environment
    from certboot.store.config import SOURCES
    from certboot.store.paths import store_paths
    from certboot.store.place import notes as place_notes
    from certboot.store.request import Request
    from certboot.store.update import apply

    sources = tuple(dict.fromkeys(filter(None, (arguments.source or "").split(",")))) or None
    for name in sources or ():
        if name not in SOURCES:
            message = f"no such source: {name}"
            raise CertbootError(message, f"--source takes some of {','.join(SOURCES)}")
    request = Request(
        command="init",
        additions=tuple(additions(arguments.add, arguments.password_file)),
        sources=sources,
        intermediates=arguments.intermediates,
        reports=_reports(arguments.reports),
        config=arguments.config,
    )
    outcome = apply(store_paths(), request, progress=progress)
    apart = str(outcome.paths.home) if arguments.store and certboot_startup.home != arguments.store else ""
    notes = _notes(outcome.paths, apart, tool_environment(sys.prefix, os.environ), place_notes(outcome.paths.home))
    show(init_summary(outcome, "" if apart else certboot_startup.status, notes))
    return OK


def update_command(arguments: argparse.Namespace) -> int:
    """Read the sources again."""
    from certboot.cli.list_text import difference_text
    from certboot.cli.update import headline, own_rejections
    from certboot.store import history, selection
    from certboot.store.duration import parse_duration
    from certboot.store.paths import store_paths
    from certboot.store.request import Request
    from certboot.store.update import age_in_seconds, apply

    paths = store_paths()
    before = history.current(paths)
    asked = arguments.intermediates is not None or arguments.reports is not None or arguments.dry_run
    if arguments.max_age and not asked and age_in_seconds(paths) <= parse_duration(arguments.max_age).total_seconds():
        say(f"the sources were read within {arguments.max_age}: nothing to do")
        return OK
    request = Request(
        "update",
        intermediates=arguments.intermediates,
        reports=_reports(arguments.reports),
        dry_run=arguments.dry_run,
    )
    outcome = apply(paths, request, progress=progress)
    came, went = selection.difference(before, outcome.record)
    if came or went:
        show(difference_text(came, went))
    for line in own_rejections(outcome):
        say(f"left out: {line}")
    say("a dry run: nothing was changed" if arguments.dry_run else headline(outcome))
    for line in () if arguments.dry_run else _notes(paths):
        say(line)
    return OK


def _notes(paths: StorePaths, apart: str = "", tool: str = "", place: Sequence[str] = ()) -> list[str]:
    """Bring copies of the hook up to date, and return what is to be said of them and of where the hook acts."""
    from certboot.cli.hook_text import init_notes
    from certboot.hook.copies import outdated_copies, renew
    from certboot.hook.tool_environment import elsewhere

    other = elsewhere(sys.prefix, os.environ) if tool else None
    renewed = renew(paths)
    outdated = outdated_copies(paths)
    return init_notes(tool=tool, other=other, renewed=renewed, outdated=outdated, apart=apart, place=place)


def _reports(text: str | None) -> str | None:
    return "" if text == "network" else text
