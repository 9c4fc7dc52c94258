"""``adopt``: preset variables are taken over, with the certificates that they name."""

from __future__ import annotations

import os
import typing

from certboot import moment
from certboot.cli import options
from certboot.cli.layout import Line
from certboot.cli.terminal import HANG, confirmed, heading, say, show, tell
from certboot.errors import FAILED, OK, CertbootError, counted
from certboot.pki.rules import broken_rule
from certboot.sources.candidates import Loaded, Rejection
from certboot.store import choices, generations, selection
from certboot.store.adoption import lost, offers, preset
from certboot.store.config import load_config
from certboot.store.paths import StorePaths, store_paths
from certboot.store.request import Request
from certboot.store.update import apply

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from certboot.clients.variables import Adoption
    from certboot.store.manifest import Manifest


def adopt_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot adopt", "all that are set"),
        ("certboot adopt REQUESTS_CA_BUNDLE", "this one"),
        ("certboot adopt --undo REQUESTS_CA_BUNDLE", "leave its value alone again"),
    )
    command.description = (
        "Take the certificates of the file or directory that a preset variable names into the store, read "
        "them again at every update, and let the hook replace exactly this value of this variable. Without a variable: "
        "all that are set. The variable itself is not changed outside Python."
    )
    options.words(command, "variable", "VARIABLE", "such as REQUESTS_CA_BUNDLE")
    command.add_argument("--undo", action="store_true", help="leave the value alone again")
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.add_argument(
        "--partial", action="store_true", help="with --yes, even if something that programs may rely on does not enter"
    )
    options.verbose(command, "show each certificate whole, even if there are many")


def adopt_command(arguments: argparse.Namespace) -> int:
    """Take over values of preset variables, or give them back."""
    paths = store_paths()
    return _undo(paths, arguments.variable) if arguments.undo else _adopt(paths, arguments)


def _adopt(paths: StorePaths, arguments: argparse.Namespace) -> int:
    from certboot.cli.summary import headline

    before = generations.current(paths)
    if not load_config(paths.config).variables():
        message = f"the settings take all variables from the hook, so it would replace none: {paths.config}"
        raise CertbootError(message, "shorten the list of variables.remove")
    chosen = preset(arguments.variable, paths, os.environ)
    if not chosen:
        say("nothing to adopt: every CA variable is unset, certboot's own, or adopted already")
        return OK
    named, refused = offers(chosen, paths.home)
    if refused and (arguments.variable or not named):
        raise refused[0]
    for error in refused:
        tell([f"left alone: {error.message}; {error.hint}"], needed=True)
    chosen = tuple(named)
    left_out = lost(apply(paths, Request("adopt", adopt=chosen, dry_run=True)).rejected, named.values())
    tell(offer_lines(named.items(), before, left_out, moment.now(), verbose=arguments.verbose))
    if arguments.yes and left_out and not arguments.partial:
        message = f"certificates that programs may rely on do not enter the store: {len(left_out)}"
        raise CertbootError(message, "--partial, if no program needs them; else leave the variable as it is")
    names = "this variable names" if len(chosen) == 1 else f"these {len(chosen)} variables name"
    if not arguments.yes and not confirmed(f"adopt what {names}?"):
        say("nothing was changed")
        return FAILED
    outcome = apply(paths, Request("adopt", adopt=chosen))
    tell([headline(outcome), *effect_lines(chosen)])
    return OK


def _undo(paths: StorePaths, names: list[str]) -> int:
    from certboot.cli.listing import difference_text

    before = generations.current(paths)
    known = choices.read_adoptions(paths.adopted)
    chosen = [adoption for adoption in known if not names or adoption.variable in names]
    missing = set(names) - {adoption.variable for adoption in chosen}
    if missing or not chosen:
        message = f"not adopted: {', '.join(sorted(missing))}" if missing else "nothing is adopted"
        lists = f"the file {paths.adopted} lists what is"
        raise CertbootError(message, lists if known else "there is nothing to undo")
    outcome = apply(paths, Request("adopt --undo", abandon=frozenset(chosen)))
    came, went = selection.difference(before, outcome.record)
    if came or went:
        show(difference_text(came, went))
    for adoption in chosen:
        say(f"{adoption.variable}={adoption.value} is left alone again")
    return OK


def offer_lines(
    offers: Iterable[tuple[Adoption, Loaded]], store: Manifest, lost: Sequence[Rejection], now: datetime,
    *, verbose: bool = False,
) -> Iterator[str | Line]:  # fmt: skip
    """Yield how many certificates each variable names, those that would be new in the store, and what is lost."""
    from certboot.cli import trust

    held = store.fingerprints
    passed_over = {rejection.fingerprint for rejection in lost}
    for adoption, loaded in offers:
        offered = {candidate.certificate.fingerprint: candidate for candidate in loaded.candidates}
        new = {
            key: candidate
            for key, candidate in offered.items()
            if key not in held | passed_over and not broken_rule(candidate.certificate, now)
        }
        yield heading("warn", f"{adoption.variable}  {counted(len(offered), 'certificate')}, {len(new)} of them new")
        yield Line(adoption.value, "  in        ", hang=HANG)
        yield from trust.offer_lines([Loaded(tuple(new.values()))], now, verbose=verbose)
        held |= new.keys()
    left_out = list(lost) if verbose else lost[: trust.MOST]
    yield from (f"  left out  {gone.subject or gone.detail}: {gone.reason}" for gone in left_out)
    if len(left_out) < len(lost):
        yield f"  left out  and {len(lost) - len(left_out)} more; -v names them"


def effect_lines(adopted: Sequence[Adoption]) -> list[str | Line]:
    """Return what is different from now on, and how to undo it."""
    names = ", ".join(dict.fromkeys(adoption.variable for adoption in adopted))
    return [
        f"  active    from the next start of Python: its hook replaces these values of {names}, and no others",
        "  undo      certboot adopt --undo",
    ]
