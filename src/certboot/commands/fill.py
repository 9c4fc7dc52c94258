"""``init`` and ``update``: the store is filled from its sources."""

from __future__ import annotations

import typing

from certboot.commands.terminal import progress
from certboot.commands.trust import additions
from certboot.errors import CertbootError
from certboot.exit_status import OK

if typing.TYPE_CHECKING:
    import argparse


def init_command(arguments: argparse.Namespace) -> int:
    """Fill the store."""
    import certboot_startup
    from certboot.config import SOURCES
    from certboot.paths import store_paths
    from certboot.plan import Request
    from certboot.render.store_text import init_summary
    from certboot.update import apply

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
    print(init_summary(outcome, certboot_startup.status))
    return OK


def update_command(arguments: argparse.Namespace) -> int:
    """Read the sources again."""
    from certboot import history
    from certboot.duration import parse_duration
    from certboot.paths import store_paths
    from certboot.plan import Request
    from certboot.render.list_text import difference
    from certboot.render.store_text import headline
    from certboot.store import selection
    from certboot.update import age_in_seconds, apply

    paths = store_paths()
    before = history.current(paths)
    if arguments.max_age and age_in_seconds(paths) <= parse_duration(arguments.max_age).total_seconds():
        print(f"the sources were read within {arguments.max_age}: nothing to do")
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
        print(difference(came, went))
    print("a dry run: nothing was changed" if arguments.dry_run else headline(outcome))
    return OK


def _reports(text: str | None) -> str | None:
    return "" if text == "network" else text
