"""``purge``: the store is taken away again."""

from __future__ import annotations

import os
import typing
from pathlib import Path

import certboot_startup
from certboot.cli import options
from certboot.cli.layout import Advice, Line
from certboot.cli.terminal import HANG, confirmed, say, show, tell
from certboot.clients.variables import BY_NAME
from certboot.errors import FAILED, OK, CertbootError, counted, printable
from certboot.files import is_folder
from certboot.hook import copies as hook_copies
from certboot.hook.install import uninstall
from certboot.store.paths import store_paths
from certboot.store.purge import purge, purgeable

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from certboot.store.paths import StorePaths


def purge_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot purge", "ask, and remove it"),
        ("certboot purge --hooks --yes", "with the copies of the hook, unasked"),
    )
    command.description = "Remove everything that certboot wrote: the store, its settings and the CAs you added."
    command.add_argument("--yes", action="store_true", help="do not ask")
    copies = command.add_mutually_exclusive_group()
    copies.add_argument(
        "--hooks", action="store_true", help="first remove the copies of the hook in other interpreters, too"
    )
    copies.add_argument(
        "--forget-hooks", action="store_true", help="leave them there, where they do nothing, and forget where they are"
    )


def purge_command(arguments: argparse.Namespace) -> int:
    """Remove all that certboot wrote."""
    from certboot.cli.hook_notes import remaining

    paths = store_paths()
    parts, copies = purgeable(paths), hook_copies.copies(paths)
    here = Path(certboot_startup.__file__).absolute().parents[1]
    others = [copy for copy in copies if Path(copy.folder) != here]
    if others and not (arguments.hooks or arguments.forget_hooks):
        number = counted(len(others), "copy of the hook", "copies of the hook")
        message = f"what knows of {number} would go with the store: {', '.join(copy.folder for copy in others)}"
        hint = "certboot purge --hooks removes them too; --forget-hooks leaves them there"
        raise CertbootError(message, hint)
    # What init has recorded beside this environment's own hook goes with the store without being asked for.
    hooks = [] if arguments.forget_hooks else copies
    copied = [paths.runs] if is_folder(paths.runs) else []
    removed = [*(f"what certboot put into {copy.folder}" for copy in hooks), *map(str, (*parts, *copied))]
    show("\n".join(["this removes", *(f"  {printable(part)}" for part in removed)]))
    if not arguments.yes and not confirmed("remove it all?"):
        say("nothing was removed")
        return FAILED
    try:
        for copy in hooks:
            uninstall(Path(copy.folder))
        left = purge(paths)
    except OSError as error:
        message = f"not everything could be removed, {error.strerror}: {error.filename}"
        raise CertbootError(message, "mend the cause, then run certboot purge again") from error
    tell(["removed; Python programs that still run keep the old settings until they are started again"])
    if left:
        say(f"left alone in {paths.home}: {', '.join(left)}", needed=True)
    tell(_still_set(paths))
    tell([Advice("the hook goes with the package: certboot hook uninstall, then python -m pip uninstall certboot")])
    for line in remaining(copies) if arguments.forget_hooks else ():
        say(line)
    return OK


def _still_set(paths: StorePaths) -> Iterator[str | Line]:
    """Yield what takes the variables out of the shell that was told to set them (``eval "$(certboot env)"``)."""
    inherited = os.environ.keys() & BY_NAME.keys() - certboot_startup.applied.keys()
    lost = sorted(name for name in inherited if Path(os.environ[name]).is_relative_to(paths.home))
    if lost:
        yield "variables of this shell still lead there; to take them out:"
        yield Line(f"unset {' '.join(lost)}", HANG * " ", wrapped=False)
