"""What ``run`` and ``env`` take for a store of their own (``--add``): options, what is read, and what is said of it."""

from __future__ import annotations

import typing

from certboot.cli import options
from certboot.cli.terminal import additions, warn
from certboot.errors import CertbootError

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from certboot.store.ephemeral import Ephemeral
    from certboot.store.ephemeral_contents import Wanted


def add_options(command: argparse.ArgumentParser, whom: str) -> None:
    """Add what they take. ``whom``: for whom the store is."""
    command.add_argument(
        "--add", metavar="FILE", type=options.path, action="append", default=[],
        help=f"for {whom} alone trust also the CA certificates in this file or folder; may be given again",
    )  # fmt: skip
    command.add_argument(
        "--only", action="store_true",
        help="with --add: no others, whatever the store has and variables name; "
        "a few clients keep a list of their own all the same, curl and node among them",
    )  # fmt: skip
    options.password_file(command)


def wanted(arguments: argparse.Namespace) -> Wanted | None:
    """Return what is to be trusted, as ``trust`` looks at it, or None where nothing is named; raises CertbootError."""
    if not arguments.add:
        if arguments.only:
            raise CertbootError("--only says that no other CAs are trusted than those of --add", "--only --add FILE")
        return None
    from certboot import moment
    from certboot.sources import repaired
    from certboot.store.ephemeral_contents import Wanted

    loaded = additions(arguments.add, arguments.password_file)
    roots, below = repaired.split_all_roots(loaded, f"{moment.now():%Y-%m-%d}")
    return Wanted(roots, below, arguments.only)


def tell_left_out(made: Ephemeral, named: Wanted) -> None:
    """Say what of it does not enter, and where the rest is from; raises CertbootError where nothing enters."""
    record = made.plan.record
    offered = named.certificates
    reasons = {rejection.fingerprint: rejection for rejection in made.plan.rejected}
    left = [certificate for certificate in offered if certificate.fingerprint not in record.fingerprints]
    for certificate in left:
        rejection = reasons.get(certificate.fingerprint)
        reason = rejection.reason if rejection else "no rule says why"
        if len(left) == len(offered):
            message = f"{certificate.name} does not enter the store, {reason}"
            raise CertbootError(message, "certboot trust FILE shows what is in it, and asks")
        warn(f"{certificate.name} is left out: {reason}")
    if made.without_store and not made.only:
        warn("there is no store yet: besides what --add names, the CAs of certifi and of the operating system count")


def tell_held(held: Mapping[str, tuple[str, str]]) -> None:
    """Say which variables are left alone, and why."""
    for name, (preset, value) in held.items():
        because = "it" if preset == name else preset
        warn(f"{name} is left alone, because {because} is set by something else: {preset}={value}")
