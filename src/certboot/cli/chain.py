"""``chain``: what the operator of a server has to configure, in PEM."""

from __future__ import annotations

import typing
from pathlib import Path

from certboot.cli import options
from certboot.cli.layout import Line, sha256_line
from certboot.cli.terminal import data, tell, tell_aside
from certboot.errors import FAILED, OK
from certboot.store.paths import store_paths

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from certboot.pki.certificate import Certificate


def chain_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot chain intranet.example", "on standard output"),
        ("certboot chain intranet.example --output chain.pem", "into a new file"),
    )
    command.description = (
        "Write what the operator of a server has to configure, in PEM: its certificate, then the "
        "intermediates in order, and no root. What the server does not send is looked for as `certboot repair` does. "
        "A certificate that signs itself is written alone: for single programs, once you know whose it is. "
        "The store is not changed."
    )
    command.epilog = (
        "exit status: 0 the chain is complete, 1 it is not and nothing was written, 2 wrong usage or certboot "
        "could not do its work"
    )
    command.add_argument("host", metavar="HOST", help="HOST, HOST:PORT or a URL")
    command.add_argument(
        "--output", metavar="FILE", type=options.name, help="where to write it (default: standard output)"
    )
    command.add_argument("--force", action="store_true", help="replace a file that is there already")
    options.server(command)
    options.fetches(command)


def chain_command(arguments: argparse.Namespace) -> int:
    """Write the chain that a server should send."""
    from certboot.cli.repair import reasons, repairer
    from certboot.cli.targets import targets
    from certboot.pki import pem
    from certboot.store.export.destination import write_file

    (server,) = targets([arguments.host], None, arguments)
    examined = repairer(store_paths(), arguments, to_store=False).examine(server)
    anchor = examined.completion.anchor if examined.completion else None
    alone = examined.alone
    if alone is None and (not examined.chain or anchor is None):
        tell_aside(reasons(examined, command="chain"))
        return FAILED
    text = "".join(pem.encode(certificate.der) for certificate in ((alone,) if alone else examined.chain))
    if arguments.output is None:
        data(text)
    else:
        write_file(Path(arguments.output), text.encode("ascii"), force=arguments.force)
    if alone:
        where = arguments.output or examined.target.shown
        (tell_aside if arguments.output is None else tell)(alone_lines(where, alone))
    elif anchor and arguments.output is not None:
        tell([written_line(arguments.output, examined.chain, anchor)])
    return OK


def alone_lines(where: str, certificate: Certificate) -> list[str | Line]:
    """Return what is to be known of a certificate that signs itself, before a program believes it."""
    return [
        f"{where}: {certificate.name}, which signs itself; not for the store, but for single programs",
        sha256_line(certificate.fingerprint),
        "  compare   it with what the server's owner says before a program believes it",
    ]


def written_line(where: str, chain: Iterable[Certificate], anchor: Certificate) -> str:
    """Return what a file with a chain holds, in order."""
    names = ", ".join(certificate.name for certificate in chain)
    return f"{where}: {names}; not in it: {anchor.name}, which clients have"
