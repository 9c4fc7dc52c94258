"""``init`` and ``update``: the store is filled from its sources, and what came of it is told."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import shlex
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from certboot import moment
from certboot.cli import options
from certboot.cli.terminal import additions, progress, say, show
from certboot.clients.variables import GENTLE, PROFILES, VARIABLES
from certboot.errors import OK, CertbootError, counted, printable
from certboot.hook import copies
from certboot.hook.copies import outdated_copies, renew
from certboot.hook.install import install
from certboot.hook.start_up_files import NO_IMPORT_LINES
from certboot.hook.tool_environment import elsewhere, tool_environment
from certboot.sources import certifi, repaired
from certboot.sources.candidates import Rejection
from certboot.sources.repaired import Repair
from certboot.sources.table import OPTIONAL, OWN, SHOWN
from certboot.store import adoption, generations, selection
from certboot.store.appended import Appended, appended
from certboot.store.config import parse_duration
from certboot.store.manifest import Manifest
from certboot.store.paths import StorePaths, store_paths
from certboot.store.place import notes as place_notes
from certboot.store.request import Request, Selection
from certboot.store.selection import beyond, difference, first_outlived
from certboot.store.update import Outcome, age_in_seconds, apply

_MOST_PLACES = 3


def init_summary(
    outcome: Outcome, hook: str, notes: Iterable[str] = (), adoptable: Collection[str] = ()
) -> str:  # fmt: skip
    """Return the lines that ``init`` ends with.

    ``hook``: what the hook in this interpreter said of itself; ``adoptable``: preset variables that adopt takes over.
    """
    record = outcome.record
    lines = [headline(outcome), f"  sources   {_sources(record)}"]
    more = len(beyond(record, certifi.NAME)) if certifi.NAME in record.choices.sources else 0
    if more:
        lines.append(
            f"  beyond    {counted(more, 'anchor')} that certifi does not have: certboot list --beyond certifi"
        )
    if outcome.rejected:
        lines.append(f"  rejected  {_rejections(outcome.rejected)}")
        lines += [f"            {line}" for line in own_rejections(outcome)]
    for entry in record.certificates:
        if entry.defects and any(reason.source in OWN for reason in entry.provenance):
            defects = ", ".join(entry.defects)
            lines.append(f"  defect    {printable(entry.name)}: Python 3.13 and newer refuse it ({defects})")
    outlived = first_outlived(record)
    if outlived:
        lines.append(
            f"  due       certboot update by {outlived.not_after[:10]}: {printable(outlived.name)} ends then, "
            "and what is below it does not"
        )
    lines.append(f"  store     {outcome.paths.home}")
    lines.append(f"  hook      {_hook(outcome, hook)}")
    for name, (preset, value) in outcome.held_back.items():
        because = "is" if preset == name else f"stays unset because {preset} is"
        lines.append(f"  left out  {name} {because} set by something else: {preset}={printable(value)}")
    offered = {preset for preset, _ in outcome.held_back.values()}.intersection(adoptable)
    if len(offered) > 1:
        lines.append("            certboot adopt takes over what they name, and the variables")
    for preset in offered if len(offered) == 1 else ():
        lines.append(f"            certboot adopt {preset} takes over what it names, and the variable")
    lines += [
        f"  left out  GIT_SSL_CAINFO, because git has a setting of its own: {printable(name)}" for name in outcome.git
    ]
    overruling = [v.name for v in VARIABLES if v.overrules and v.name not in outcome.settings]
    if overruling and outcome.profile == GENTLE:
        lines.append(f"  left out  {', '.join(overruling)}, by the profile {GENTLE}")
    lines += [*notes, "  undo      certboot purge"]
    return "\n".join(lines)


def own_rejections(outcome: Outcome) -> list[str]:
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
    return [f"{printable(rejection.detail)}: {printable(rejection.reason)}" for rejection in own]


def headline(outcome: Outcome) -> str:
    """Return in one line what the store holds now, and what of it is new."""
    record, previous = outcome.record, outcome.previous
    counts = Counter(entry.role for entry in record.certificates)
    count = counted(counts["anchor"], "trust anchor")
    if counts["intermediate"]:
        count += f" and {counted(counts['intermediate'], 'intermediate')}"
    if not outcome.written:
        change = "; env file rewritten" if outcome.settings_written else ": nothing new, nothing changed"
    elif previous is None:
        change = ""
    elif previous.content() == record.content():
        change = " (the files of the last one were damaged and are written anew)"
    else:
        came, went = difference(previous, record)
        change = f" ({len(came)} new, {len(went)} gone)"
    return f"{count} in generation {record.generation}{change}"


def _sources(record: Manifest) -> str:
    counts: dict[str, Counter[str]] = {}
    for entry in record.certificates:
        for reason in entry.provenance:
            counts.setdefault(reason.source, Counter())[reason.detail] += 1
    parts = []
    for source in SHOWN:
        places = counts.get(source, Counter())
        where = ", ".join(places) if len(places) <= _MOST_PLACES else f"{len(places)} files"
        if source == repaired.NAME:
            where = "certboot list --source repaired"
        parts += [f"{source} {places.total()} ({where})"] if places else []
    if "system" in record.choices.sources and "system" not in counts:
        parts.append("system 0 (this system has no trust store)")
    return printable(", ".join(parts))


def _rejections(rejected: Iterable[Rejection]) -> str:
    counts = sorted(Counter(rejection.rule for rejection in rejected).items())
    return printable(", ".join(f"{count} {rule}" for rule, count in counts))


def _hook(outcome: Outcome, hook: str) -> str:
    names = [name for name in outcome.settings if name not in outcome.held_back]
    if not names:
        return "has nothing to set"
    sets = f"sets {', '.join(names)} at every start of this environment's Python"
    if not hook:
        return f"is not active in this environment (see certboot doctor hook); where it is, it {sets}"
    return f"is turned off by CERTBOOT_DISABLE; otherwise it {sets}" if hook == "disabled" else sets


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
        "what is new. What is chosen here, later updates go by. Outside of the store's folder only the hook's own "
        "files are written: copies that are outdated, and the folder's path beside a hook that would look elsewhere."
    )
    command.add_argument(
        "--add", metavar="FILE", type=Path, action="append", default=[],
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
    command.add_argument("--config", metavar="FILE", type=Path, help="take these settings, as a team shares them")
    options.password_file(command)


def init_command(arguments: argparse.Namespace) -> int:
    """Fill the store."""
    import certboot_startup

    sources = tuple(dict.fromkeys(filter(None, (arguments.source or "").split(",")))) or None
    for name in sources or ():
        if name not in OPTIONAL:
            raise CertbootError(f"no such source: {name}", f"--source takes some of {','.join(OPTIONAL)}")
    chosen = dataclasses.replace(
        _selection(arguments), sources=sources, config=arguments.config, profile=arguments.profile
    )
    day = f"{moment.now():%Y-%m-%d}"
    added = [repaired.told_from_roots(loaded, "", day) for loaded in additions(arguments.add, arguments.password_file)]
    below = tuple(repair for _, repairs in added for repair in repairs)
    request = Request("init", chosen, tuple(roots for roots, _ in added), repairs=below)
    outcome = apply(store_paths(), request, progress=progress)
    apart = str(outcome.paths.home) if arguments.store and certboot_startup.home != arguments.store else ""
    notes = [f"  left out  {printable(line)}" for line in left_below(outcome, below)]
    notes += [*_appended(outcome.paths), *_agreed(outcome.paths)]
    notes += _notes(outcome.paths, apart, tool_environment(sys.prefix, os.environ), place_notes(outcome.paths.home))
    show(init_summary(outcome, "" if apart else certboot_startup.status, notes, _adoptable(outcome)))
    return OK


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
        "--from", dest="reports", metavar="DIR",
        help="read the CCADB's reports from this folder, and later ones too (network: from the network again)",
    )  # fmt: skip


def update_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot update", "now"),
        ("certboot update --max-age 7d", "in a timer, however often it runs"),
        ("certboot update --dry-run", "only show what would come and go"),
    )
    command.description = "Read the sources that were chosen again, and bring the store to what they say now."
    command.add_argument("--max-age", metavar="SPAN", help="do nothing if that was done within this span, such as 7d")
    command.add_argument("--dry-run", action="store_true", help="show what would come and go, and change nothing")
    _source_options(command)


def update_command(arguments: argparse.Namespace) -> int:
    """Read the sources again."""
    from certboot.cli.listing import difference_text

    paths = store_paths()
    before = generations.current(paths)
    asked = arguments.intermediates is not None or arguments.reports is not None or arguments.dry_run
    if arguments.max_age and not asked and age_in_seconds(paths) <= parse_duration(arguments.max_age).total_seconds():
        say(f"the sources were read within {arguments.max_age}: nothing to do")
        return OK
    outcome = apply(paths, Request("update", _selection(arguments), dry_run=arguments.dry_run), progress=progress)
    came, went = selection.difference(before, outcome.record)
    if came or went:
        show(difference_text(came, went))
    for line in own_rejections(outcome):
        say(f"left out: {line}")
    say("a dry run: nothing was changed" if arguments.dry_run else headline(outcome))
    for line in (*_appended(paths), *(() if arguments.dry_run else _notes(paths))):
        say(line)
    return OK


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


def _agreed(paths: StorePaths) -> list[str]:
    """Record the store's folder beside this environment's hook if that would look elsewhere; return what to say."""
    import certboot_startup

    hooked = certboot_startup.store_home(os.environ, set(os.environ))
    if hooked == str(paths.home):
        return []
    folder = Path(certboot_startup.__file__).absolute().parents[1]
    try:
        install(folder, str(paths.home), start_file=sys.version_info[:3] >= NO_IMPORT_LINES)
        copies.remember(paths, copies.Copy(sys.executable, str(folder), user=False))
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
