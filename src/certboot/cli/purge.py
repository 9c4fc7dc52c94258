"""``purge``: the store is taken away again."""

from __future__ import annotations

import typing

from certboot.cli.terminal import confirmed, say, show
from certboot.errors import FAILED, OK, CertbootError, printable
from certboot.hook import copies as hook_copies
from certboot.store.paths import store_paths
from certboot.store.purge import purge, purgeable

if typing.TYPE_CHECKING:
    import argparse


def purge_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.description = "Remove everything that certboot wrote: the store, its settings and the CAs you added."
    command.add_argument("--yes", action="store_true", help="do not ask")


def purge_command(arguments: argparse.Namespace) -> int:
    """Remove all that certboot wrote."""
    from certboot.cli.hook_notes import remaining

    paths = store_paths()
    copies = hook_copies.copies(paths)
    show("\n".join(["this removes", *(f"  {printable(str(path))}" for path in purgeable(paths))]))
    if not arguments.yes and not confirmed("remove it all?"):
        say("nothing was removed")
        return FAILED
    try:
        others = purge(paths)
    except OSError as error:
        message = f"not everything could be removed, {error.strerror}: {error.filename}"
        raise CertbootError(message, "mend the cause, then once more: certboot purge") from error
    say("removed; Python programs that still run keep the old settings until they are started again")
    if others:
        say(f"left alone in {paths.home}: {', '.join(others)}")
    say("the hook goes with the package: python -m pip uninstall certboot")
    for line in remaining(copies):
        say(line)
    return OK
