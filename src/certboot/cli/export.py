"""``export``: the store in the forms that other programs take."""

from __future__ import annotations

import argparse
import os
import sys
import typing
from collections import Counter
from pathlib import Path

from certboot.cli import options
from certboot.cli.terminal import data, password, say
from certboot.errors import OK, CertbootError, StoreError, counted
from certboot.store import generations
from certboot.store.export import destination
from certboot.store.export.formats import FORMATS, NAME, PASSWORD, Format, Options
from certboot.store.export.java import checked_password
from certboot.store.paths import StorePaths, store_paths

if typing.TYPE_CHECKING:
    from certboot.pki.certificate import Certificate
    from certboot.store.manifest import Entry

_STANDARD_OUTPUT = "-"


def export_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot export --format java-cacerts cacerts", "a trust store for Java"),
        ("certboot export --format configmap -", "for kubectl apply -f -"),
        ("certboot export --format pem-bundle company.pem", "one file, in PEM"),
    )
    command.description = "Write the trust anchors of the store in another format. The same store gives the same bytes."
    command.epilog = "formats:\n" + "".join(f"  {name:<20}{format_.summary}\n" for name, format_ in FORMATS.items())
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    command.add_argument("path", metavar="PATH", help="the file or directory to write; - for standard output")
    command.add_argument("--format", metavar="FORMAT", required=True, choices=tuple(FORMATS), help="see below")
    command.add_argument(
        "--force", action="store_true", help="replace a file, or a directory that an earlier export has made"
    )
    command.add_argument(
        "--intermediates", action="store_true", help="in a pem-directory-hash, also the intermediates of the store"
    )
    command.add_argument(
        "--stand-ins", action="store_true",
        help="export stand-ins (trust --stand-in) as the store has them; without it, the CAs they stand for",
    )  # fmt: skip
    command.add_argument(
        "--password-file", metavar="FILE", type=options.path,
        help=f"the password by which a reader sees that a pkcs12 or java-cacerts is unaltered (default: {PASSWORD})",
    )  # fmt: skip
    command.add_argument("--name", help=f"the name of a configmap, or of trust-manager's Bundle (default: {NAME})")
    command.add_argument("--namespace", help="the namespace of a configmap, or the only one that gets the Bundle's")


def export_command(arguments: argparse.Namespace) -> int:
    """Write the generation in force in one of the formats."""
    chosen = FORMATS[arguments.format]
    given = _options(chosen, arguments)
    paths = store_paths()
    entries, certificates = _certificates(paths, intermediates=arguments.intermediates, stand_ins=arguments.stand_ins)
    if arguments.path == _STANDARD_OUTPUT:
        _refuse_standard_output(chosen)
    else:
        _refuse_store(paths, arguments.path)
    content = chosen.render(certificates, given)
    if not isinstance(content, bytes):
        destination.write_directory(Path(arguments.path), content, force=arguments.force)
    elif arguments.path == _STANDARD_OUTPUT:
        data(content)
        return OK
    else:
        destination.write_file(Path(arguments.path), content, force=arguments.force)
    counts = Counter(entry.role for entry in entries)
    beside = f", {counted(counts['intermediate'], 'intermediate')}" if counts["intermediate"] else ""
    say(f"{chosen.name} with {counted(counts['anchor'], 'trust anchor')}{beside}: {arguments.path}")
    return OK


def _options(chosen: Format, arguments: argparse.Namespace) -> Options:
    """Return what the user chose; raises CertbootError for an option that this format has no place for."""
    if arguments.intermediates and "intermediates" not in chosen.takes:
        message = f"in {chosen.name} the intermediates would become trust anchors"
        raise CertbootError(message, "leave out --intermediates; a pem-directory-hash can carry them")
    given = {"password-file": arguments.password_file, "name": arguments.name, "namespace": arguments.namespace}
    for option, value in given.items():
        if value is not None and option not in chosen.takes:
            raise CertbootError(f"{chosen.name} has no use for --{option}", "leave it out; certboot export --help")
    return Options(
        PASSWORD if arguments.password_file is None else checked_password(password(arguments.password_file)()),
        NAME if arguments.name is None else arguments.name,
        arguments.namespace,
    )


def _certificates(
    paths: StorePaths, *, intermediates: bool, stand_ins: bool
) -> tuple[list[Entry], tuple[Certificate, ...]]:
    """Return the anchors, and the intermediates if they are wanted, in the store's order; raises StoreError.

    A store that others can write, or that is not as its manifest says, is not passed on to others.
    """
    from certboot.doctor.store.check import check

    folder, record = generations.needed(paths)
    for finding in check(paths):
        if finding.status == "fail":
            raise StoreError(f"this store is not fit to be exported, {finding.summary}", "certboot doctor store")
    entries = [entry for entry in record.certificates if intermediates or entry.role == "anchor"]
    held = generations.certificates(folder, entries)
    given = (None if stand_ins else generations.original(entry) for entry in entries)
    return entries, tuple(original or certificate for original, certificate in zip(given, held, strict=True))


def _refuse_standard_output(chosen: Format) -> None:
    if chosen.directory:
        message = f"{chosen.name} is a directory, which standard output cannot take"
        raise CertbootError(message, f"certboot export --format {chosen.name} DIR")
    if not sys.stdout or (chosen.binary and sys.stdout.isatty()):
        message = f"{chosen.name} is binary, and standard output is a terminal" if sys.stdout else "no standard output"
        raise CertbootError(message, f"certboot export --format {chosen.name} FILE")


def _refuse_store(paths: StorePaths, path: str) -> None:
    if Path(os.path.realpath(path)).is_relative_to(os.path.realpath(paths.home)):
        message = f"this lies inside the store: {path}"
        raise CertbootError(message, "name a place outside; certboot init and update write the store")
