"""What ``trust`` is told to trust: a file or folder, an address, a server, or a CA of the system's store."""

from __future__ import annotations

import os
import typing
from pathlib import Path

from certboot.cli.terminal import additions, confirmed, say
from certboot.errors import CertbootError
from certboot.sources import added, system, url
from certboot.sources.added import EXTENSIONS
from certboot.sources.candidates import Candidate, Loaded
from certboot.store import selection
from certboot.store.inputs import trusted_bundle

if typing.TYPE_CHECKING:
    import argparse
    from datetime import datetime

    from certboot.net.handshake import Handshake
    from certboot.net.target import Target
    from certboot.store.paths import StorePaths

_EXPECTED = "say with --sha256 which certificate you expect"


def is_server(target: str, *, from_system: bool = False) -> bool:
    """Return whether a server is meant: HOST:PORT, or a name with a dot that is no file, and not that of one either."""
    path = Path(target)
    if from_system or "://" in target or os.sep in target or path.exists() or path.suffix.lower() in EXTENSIONS:
        return False
    return "." in target or ":" in target


def is_address(arguments: argparse.Namespace) -> bool:
    """Return whether an address is meant, from which a file is fetched."""
    return "://" in arguments.target and not arguments.from_system


def read(arguments: argparse.Namespace, paths: StorePaths, now: datetime) -> Loaded:
    """Return the CAs in the file or folder, at the address, or of the system's store; raises CertbootError."""
    target, pin = arguments.target, url.expected(arguments.sha256)
    if arguments.from_system:
        return url.pinned(_of_system(target, now), pin, target)
    if is_address(arguments):
        return url.read(target, pin=pin, verify=trusted_bundle(paths), now=now).parse()
    (loaded,) = additions([Path(target)], arguments.password_file)
    return url.pinned(loaded, pin, target)


def answer(host: str, arguments: argparse.Namespace) -> tuple[Target, Handshake]:
    """Return a server, and how it answers, with a chain; raises CertbootError."""
    from certboot.cli.targets import target
    from certboot.net.handshake import handshake

    server = target(host, arguments)
    answered = handshake(server)
    if not answered.chain.presented:
        raise CertbootError(f"no certificate came from {server.shown}", f"certboot doctor {server.shown}")
    return server, answered


def agreed(arguments: argparse.Namespace, question: str, *, remote: bool) -> bool:
    """Return whether what was shown is to be trusted: who names it by its SHA-256 has answered; raises CertbootError.

    ``remote``: it came from the network, where ``--yes`` alone does not do.
    """
    if arguments.sha256:
        return True
    if remote and arguments.yes:
        raise CertbootError("what comes from the network is not trusted unseen", _EXPECTED)
    if arguments.yes or confirmed(question, *([_EXPECTED] if remote else [])):
        return True
    say("nothing was changed")
    return False


def _of_system(text: str, now: datetime) -> Loaded:
    """Return the one CA of the system's store that ``text`` names; raises CertbootError.

    What the system's administrator distrusts is none of them, whoever else has it there as trusted.
    """
    loaded = system.read().parse()
    known = {
        selection.Known(certificate.fingerprint, certificate.name, certificate.subject): candidate
        for candidate in loaded.candidates
        if not (certificate := candidate.certificate).is_among(loaded.distrusted)
    }
    hint = "what its administrator distrusts is left out; which CA is wanted: certboot doctor HOST"
    candidate = selection.only(known, text, "the system's store", hint)
    where = f"the system's store, {candidate.detail}"
    return added.checked(Loaded((Candidate(candidate.certificate, added.NAME, where),)), where, now)
