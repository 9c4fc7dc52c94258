"""``rehash``: hash links for any directory of certificates."""

from __future__ import annotations

import typing

from certboot.cli import options
from certboot.cli.terminal import failed, say, warn
from certboot.errors import OK, CertbootError, counted

if typing.TYPE_CHECKING:
    import argparse

    from certboot.store.rehash import RehashResult


def rehash_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot rehash certs", "the folder certs, as OpenSSL looks into it"),
    )
    command.description = (
        "Give every certificate and CRL in the directories (.pem, .crt, .cer, .crl) the link by which "
        "OpenSSL finds it, and remove links that lead nowhere. Files are left alone."
    )
    command.add_argument("directory", metavar="DIR", type=options.path, nargs="+", help="a directory of PEM files")


def rehash_command(arguments: argparse.Namespace) -> int:
    """Make the hash links of some directories."""
    from certboot.store.rehash import rehash

    status = OK
    for directory in arguments.directory:
        try:
            result = rehash(directory)
        except CertbootError as error:
            status = failed(error.message, error.hint)
            continue
        for warning in result.warnings:
            warn(f"warning: {directory}: {warning}")
        say(f"{directory}: {summary(result)}")
    return status


def summary(result: RehashResult) -> str:
    """Return in words what was done in one directory."""
    links, made, removed = len(result.links), len(result.made), len(result.removed)
    done = f"{made} made, {removed} removed" if made or removed else "nothing to do"
    return f"{counted(links, 'link')}, {done}"
