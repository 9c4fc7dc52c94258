"""``init`` and ``update``: the store is filled from its sources, and the hooks that use it are brought up to date."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from certboot import moment
from certboot.cli import options
from certboot.cli.terminal import additions, data, progress, say, show
from certboot.cli.timer import TIMERS, default_timer, timer
from certboot.clients.variables import PROFILES
from certboot.errors import OK, CertbootError, printable
from certboot.hook import copies
from certboot.hook.copies import outdated_copies, renew
from certboot.hook.install import install
from certboot.hook.start_up_files import NO_IMPORT_LINES
from certboot.hook.tool_environment import elsewhere, tool_environment
from certboot.sources import repaired
from certboot.sources.table import OPTIONAL
from certboot.store import adoption, generations, selection
from certboot.store.appended import Appended, appended
from certboot.store.config import parse_duration
from certboot.store.paths import StorePaths, store_paths
from certboot.store.place import notes as place_notes
from certboot.store.request import Request, Selection
from certboot.store.update import Outcome, age_in_seconds, apply


def init_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot init", "CAs of certifi and the operating system"),
        ("certboot init --add company-ca.pem", "and a CA of your own"),
        ("certboot init --source certifi", "without those of the operating system"),
    )
    command.description = (
        "Fill the store from certifi, the operating system and your own CAs. Run again, it changes only "
        "what is new. Later updates go by what is chosen here. Outside of the store's folder only the hook's own "
        "files are written: copies that are outdated, and the folder's path beside a hook that would look elsewhere."
    )
    command.add_argument(
        "--add", metavar="FILE", type=options.path, action="append", default=[],
        help="also trust the CA certificates in this file or folder; kept for later runs; may be given again",
    )  # fmt: skip
    command.add_argument(
        "--source", metavar="NAMES", help="where to take anchors from: certifi,system,ccadb (default: certifi,system)"
    )
    _source_options(command)
    command.add_argument(
        "--profile", choices=PROFILES,
        help="full: all variables of the hook, for most clients; gentle: without REQUESTS_CA_BUNDLE and "
        "GIT_SSL_CAINFO, by which children whose Python has no hook lose choices such as pip --cert (default: full)",
    )  # fmt: skip
    command.add_argument(
        "--config", metavar="FILE", type=options.name,
        help="take these settings, as a team shares them; or those at an https:// address",
    )  # fmt: skip
    command.add_argument(
        "--sha256",
        metavar="HEX",
        help="the SHA-256 that settings at an address must have; any other file is refused",
    )
    options.password_file(command)
    options.verbose(command, "also say what of each source there is, what was rejected, and what the hook sets")


def init_command(arguments: argparse.Namespace) -> int:
    """Fill the store."""
    import certboot_startup
    from certboot.cli.summary import ELSEWHERE, init_summary, left_below, tell_summary

    sources = tuple(dict.fromkeys(filter(None, (arguments.source or "").split(",")))) or None
    for name in sources or ():
        if name not in OPTIONAL:
            raise CertbootError(f"no such source: {name}", f"--source takes some of {','.join(OPTIONAL)}")
    chosen = dataclasses.replace(
        _selection(arguments), sources=sources, settings=_settings(arguments), profile=arguments.profile
    )
    loaded = additions(arguments.add, arguments.password_file)
    roots, below = repaired.split_all_roots(loaded, f"{moment.now():%Y-%m-%d}")
    request = Request("init", chosen, roots, repairs=below)
    outcome = apply(store_paths(), request, progress=progress)
    apart = str(outcome.paths.home) if arguments.store and certboot_startup.home != arguments.store else ""
    notes = [f"  left out  {printable(line)}" for line in left_below(outcome, below)]
    notes += [*_appended(outcome.paths), *_recorded(outcome.paths)]
    notes += _notes(outcome.paths, apart, tool_environment(sys.prefix, os.environ), place_notes(outcome.paths.home))
    status = ELSEWHERE if apart else certboot_startup.status
    pythons = _pythons(outcome.paths, here=status not in ("", "disabled", ELSEWHERE))
    tell_summary(init_summary(outcome, status, pythons, notes, _adoptable(outcome), verbose=arguments.verbose))
    return OK


def _settings(arguments: argparse.Namespace) -> bytes | None:
    """Return what is to take the place of config.toml, if something is; raises CertbootError."""
    from certboot.store import given_settings

    given, pin = arguments.config, arguments.sha256
    if given and "://" in given:
        if not pin:
            hint = "whoever keeps them gives you their SHA-256, by another way than that address"
            raise CertbootError(f"settings at an address need --sha256: {given}", hint)
        return given_settings.from_address(store_paths(), given, pin)
    if pin is not None:
        raise CertbootError("--sha256 goes with --config https://…", "a file is as safe as its folder")
    return given_settings.from_file(Path(given)) if given else None


def _pythons(paths: StorePaths, *, here: bool) -> list[str]:
    """Return where the hook goes by this store: this environment, if it does, and those that have a copy."""
    places = [sys.prefix] if here else []
    with contextlib.suppress(CertbootError, OSError):
        listed = copies.copies(paths)
        others = (copy for copy in listed if not Path(copy.folder).is_relative_to(sys.prefix))
        places += [f"{copy.python} and its virtualenvs" if copy.base else copy.python for copy in others]
    return places


def _adoptable(outcome: Outcome) -> list[str]:
    """Return the preset variables that hold some back, and that ``adopt`` takes over."""
    with contextlib.suppress(CertbootError):
        presets = adoption.preset((), outcome.paths, os.environ) if outcome.held_back else ()
        return [taken.variable for taken in adoption.offers(presets, outcome.paths.home)[0]]
    return []


def _source_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--intermediates", action=argparse.BooleanOptionalAction,
        help="also store the TLS intermediates of the Mozilla programme, each under its anchor",
    )  # fmt: skip
    command.add_argument(
        "--from", dest="reports", metavar="DIR", type=options.name,
        help="read the CCADB's reports from this folder, now and at later updates (network: go back to the network)",
    )  # fmt: skip


def update_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot update", "now"),
        ("certboot update --timer", "print what runs it every day, for systemd or cron"),
        ("certboot update --dry-run", "only show what would come and go"),
    )
    command.description = "Read the sources that were chosen again, and bring the store to what they say now."
    command.add_argument("--max-age", metavar="SPAN", help="do nothing if that was done within this span, such as 7d")
    command.add_argument("--dry-run", action="store_true", help="show what would come and go, and change nothing")
    command.add_argument(
        "--timer", metavar="KIND", choices=TIMERS, nargs="?", const=default_timer(),
        help=f"only print what runs this every day: {', '.join(TIMERS)} (without one: as this machine has it)",
    )  # fmt: skip
    _source_options(command)
    options.verbose(command, "also say what of each source there is, what was rejected, and what the hook sets")


def update_command(arguments: argparse.Namespace) -> int:
    """Read the sources again."""
    from certboot.cli.listing import difference_text
    from certboot.cli.summary import headline, left_out, tell_summary, update_summary
    from certboot.store import given_settings

    paths = store_paths()
    before = generations.current(paths)  # without a store there is nothing to bring up to date, nor every day
    if arguments.timer:
        data(os.fsencode(timer(arguments.timer, str(paths.home))))  # whatever standard output would make of a path
        return OK
    asked = arguments.intermediates is not None or arguments.reports is not None or arguments.dry_run
    if arguments.max_age and not asked and age_in_seconds(paths) <= parse_duration(arguments.max_age).total_seconds():
        say(f"the sources were read within {arguments.max_age}: nothing to do")
        return OK
    outcome = apply(paths, Request("update", _selection(arguments), dry_run=arguments.dry_run), progress=progress)
    came, went = selection.difference(before, outcome.record)
    if came or went:
        show(difference_text(came, went))
    shared = given_settings.changed(paths)
    notes = [*([f"  settings  {shared}"] if shared else []), *_appended(paths)]
    if arguments.dry_run:
        nothing = [] if came or went else [headline(outcome)]
        tell_summary([*left_out(outcome), *nothing, "a dry run: nothing was changed", *notes])
    else:
        tell_summary(update_summary(outcome, [*notes, *_notes(paths)], verbose=arguments.verbose))
    return OK


def _appended(paths: StorePaths) -> list[str]:
    """Return what is to be said of certificates that something else wrote into a bundle of the store."""
    parts: tuple[Appended, ...] = ()
    with contextlib.suppress(OSError, CertbootError):  # the store is in force, whatever cannot be read beside it
        parts = appended(paths)
    lines = []
    for part in parts:
        told = [*part.lines, f"not trusted; {printable(shlex.join(part.command))} takes it in"]
        lines += [f"  {'appended' * (not n):<10}{line}" for n, line in enumerate(told)]
    return lines


def _recorded(paths: StorePaths) -> list[str]:
    """Record the store's folder beside this environment's hook if that would look elsewhere; return what to say."""
    import certboot_startup

    hooked = certboot_startup.store_home(os.environ, set(os.environ))
    if hooked == str(paths.home):
        return []
    folder = Path(certboot_startup.__file__).absolute().parents[1]
    try:
        hook = install(folder, str(paths.home), start_file=sys.version_info[:3] >= NO_IMPORT_LINES).hook
        copies.remember(paths, copies.Copy(sys.executable, str(folder), user=False, base=hook.base))
    except (CertbootError, OSError):
        argv = ["certboot", "hook", "install", "--home", str(paths.home), "--python", sys.executable]
        return [f"  note      the hook looks for the store in {printable(hooked)}; {printable(shlex.join(argv))}"]
    return [f"  recorded  this folder, beside the hook, which would look in {printable(hooked)}"]


def _notes(paths: StorePaths, apart: str = "", tool: str = "", place: Sequence[str] = ()) -> list[str]:
    """Bring copies of the hook up to date, and return what is to be said of them and of where the hook acts."""
    from certboot.cli.hook_notes import init_notes

    other = elsewhere(sys.prefix, os.environ) if tool else None
    renewed = renew(paths)
    outdated = outdated_copies(paths)
    return init_notes(tool=tool, other=other, renewed=renewed, outdated=outdated, apart=apart, place=place)


def _selection(arguments: argparse.Namespace) -> Selection:
    reports = "" if arguments.reports == "network" else arguments.reports
    return Selection(intermediates=arguments.intermediates, reports=reports)
