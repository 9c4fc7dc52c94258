"""``repair`` and ``chain``: the intermediates that a server forgot to send."""

from __future__ import annotations

import os
import sys
import typing

from certboot.cli.terminal import aside, confirmed, data, say, show
from certboot.errors import CertbootError
from certboot.exit_status import FAILED, OK

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from certboot.model import Target
    from certboot.repair.examine import Examined, Repairer
    from certboot.sources.repairs import Repair
    from certboot.store.paths import StorePaths

_MOST_HOSTS = 3  # named in the history


def repair_command(arguments: argparse.Namespace) -> int:
    """Find what servers do not send, ask, store it, and shake hands again."""
    from certboot.cli import repair_text
    from certboot.cli.targets import targets
    from certboot.repair.examine import note, to_store
    from certboot.store.paths import store_paths

    paths = store_paths()
    servers = targets(arguments.host, arguments.file, arguments)
    repairer = _repairer(paths, arguments, to_store=True)
    examined = []
    seen = True
    for server in servers:
        examined.append(repairer.examine(server))
        seen = _say(repair_text.findings_text(examined[-1:])) and seen
    repairs = to_store(examined)
    whole = all(one.chain for one in examined)
    if arguments.dry_run:
        _say("a dry run: nothing was changed")
        return OK if whole else FAILED
    if repairs and not arguments.yes and not (seen and confirmed(_question(repairs))):
        _say("nothing was changed")
        return FAILED
    for host, certificate in note(paths, examined):
        _say(repair_text.noted_text(host, certificate))
    if repairs:
        _store(paths, repairs, servers)
    good = [_again(paths, one) for one in examined if one.chain]
    return OK if whole and all(good) else FAILED


def chain_command(arguments: argparse.Namespace) -> int:
    """Write the chain that a server should send."""
    from pathlib import Path

    from certboot.cli import repair_text
    from certboot.cli.targets import targets
    from certboot.pki import pem
    from certboot.store.export.destination import write_file
    from certboot.store.paths import store_paths

    (server,) = targets([arguments.host], None, arguments)
    found = _repairer(store_paths(), arguments, to_store=False).examine(server)
    anchor = found.completion.anchor if found.completion else None
    if not found.chain or anchor is None:
        aside(repair_text.reasons_text(found))
        return FAILED
    text = "".join(pem.encode(each.der) for each in found.chain)
    if arguments.output is None:
        data(text)
        return OK
    write_file(Path(arguments.output), text.encode("ascii"), force=arguments.force)
    say(f"{arguments.output}: {repair_text.written_text(found.chain, anchor)}")
    return OK


def _repairer(paths: StorePaths, arguments: argparse.Namespace, *, to_store: bool) -> Repairer:
    from certboot.repair.examine import Limits, Repairer

    return Repairer(paths, Limits(private=arguments.allow_private, https=arguments.allow_https), to_store=to_store)


def _question(repairs: Sequence[Repair]) -> str:
    what = "this intermediate" if len(repairs) == 1 else f"these {len(repairs)} intermediates"
    return f"store {what}?"


def _store(paths: StorePaths, repairs: tuple[Repair, ...], servers: Sequence[Target]) -> None:
    from certboot.cli.update import headline
    from certboot.store.request import Request
    from certboot.store.update import apply

    hosts = ", ".join(server.shown for server in servers[:_MOST_HOSTS])
    more = f" and {len(servers) - _MOST_HOSTS} more" if len(servers) > _MOST_HOSTS else ""
    outcome = apply(paths, Request(f"repair {hosts}{more}", repairs=repairs))
    _say(headline(outcome))
    held = {entry.sha256 for entry in outcome.record.certificates}
    for repair in repairs:
        if repair.certificate.fingerprint not in held:
            why = [each.reason for each in outcome.rejected if each.fingerprint == repair.certificate.fingerprint]
            message = f"{repair.certificate.name} does not enter the store, {why[0] if why else 'no rule says why'}"
            raise CertbootError(message, "certboot list --rejected")


def _again(paths: StorePaths, one: Examined) -> bool:
    from certboot.cli import repair_text
    from certboot.repair.examine import handshake_with_store

    found = handshake_with_store(paths, one.target)
    _say(repair_text.outcome_text(one, found))
    return found.verify_code == 0


def _say(text: str) -> bool:
    """Print, and return whether somebody reads it: where nobody does, what was asked for is to be done all the same."""
    try:
        show(text)
        if sys.stdout:
            sys.stdout.flush()
    except BrokenPipeError:
        # From now on for nobody; what is still to be written would be tried again at exit.
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
        return False
    return True
