"""``trust`` and ``distrust``: what the user decides about single certificates."""

from __future__ import annotations

import os
import typing
from pathlib import Path

from certboot import moment
from certboot.cli import options
from certboot.cli.terminal import additions, confirmed, described, say, show
from certboot.errors import FAILED, OK, CertbootError, printable, without_credentials
from certboot.pki import rules
from certboot.pki.rules import broken_rule
from certboot.sources import url
from certboot.sources.added import EXTENSIONS
from certboot.store import choices, generations, selection
from certboot.store.generations import named, read_in_force
from certboot.store.inputs import trusted_bundle
from certboot.store.paths import StorePaths, store_paths
from certboot.store.request import Request
from certboot.store.update import apply

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from certboot.pki.certificate import Certificate
    from certboot.sources.aia import Failure
    from certboot.sources.candidates import Loaded

WARNING = """\
It comes from a connection that nobody vouches for. Whoever holds this CA's key can read what you send to any server.
Compare the SHA-256 with one that you get by another way:
  who runs the CA          the company's administrator or intranet; a CA's own site has it in its list of roots
  a computer set up by it  macOS: security find-certificate -a -Z /Library/Keychains/System.keychain
                           Windows: certmgr.msc, export it as DER, then certutil -hashfile FILE SHA256
                           Linux: openssl x509 -noout -fingerprint -sha256 -in FILE"""

DISTRUSTED = """\
kept out from now on, with every certificate of its name and key: clients refuse chains that end there
no block: a server that sends it signed by a CA that is still trusted is accepted (certboot doctor HOST tells)"""


def trust_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.description = (
        "Show the CA certificates in a file, a folder or at an https address, or the CA at the top of a "
        "server's chain, fetched from where its certificates say that it lies if it is not sent; ask, and trust them "
        "from then on. A certificate that was distrusted is let in again."
    )
    command.add_argument(
        "target", metavar="FILE|DIR|URL|HOST", help="PEM, DER, PKCS#7 or PKCS#12; or a server: HOST or HOST:PORT"
    )
    command.add_argument(
        "--sha256", "--fingerprint", metavar="HEX", default="",
        help="what comes from an address or a server must have this SHA-256",
    )  # fmt: skip
    command.add_argument(
        "--yes", action="store_true", help="do not ask (for an address or a server: only with --sha256)"
    )
    options.password_file(command)
    options.server(command)
    options.fetches(command)


def trust_command(arguments: argparse.Namespace) -> int:
    """Add a CA of the user's own, after a question."""
    from certboot.cli.update import headline

    paths, now = store_paths(), moment.now()
    server = _is_server(arguments.target)
    remote = server or "://" in arguments.target
    if server:
        loaded = [_sent(arguments, paths, now)]
    elif remote:
        loaded = [url.read(arguments.target, pin=arguments.sha256, verify=trusted_bundle(paths), now=now).parse()]
    else:
        loaded = additions([Path(arguments.target)], arguments.password_file)
    show(offer_text(loaded, now, without_credentials(arguments.target) if server else "HOST"))
    if server:
        show(WARNING)
    if not arguments.yes:
        if not confirmed("trust what is shown here?"):
            say("nothing was changed")
            return FAILED
    elif remote and not arguments.sha256:
        message = "what comes from the network is not trusted unseen"
        raise CertbootError(message, "leave out --yes, or say with --sha256 which certificate you expect")
    fingerprints = frozenset(candidate.certificate.fingerprint for source in loaded for candidate in source.candidates)
    outcome = apply(paths, Request("trust", additions=tuple(loaded), trust_again=fingerprints))
    if not fingerprints & outcome.record.fingerprints:
        rule, reason = outcome.why_not(fingerprints)
        undo = "certboot distrust ID --undo" if rule == "distrusted" else "certboot list --rejected"
        raise CertbootError(f"it does not enter the store, {reason}", f"{undo}; config.toml may keep it out")
    say(headline(outcome))
    return OK


def _is_server(target: str) -> bool:
    """Return whether a server is meant: HOST:PORT, or a name with a dot that is no file, and not that of one either."""
    path = Path(target)
    if "://" in target or os.sep in target or path.exists() or path.suffix.lower() in EXTENSIONS:
        return False
    return "." in target or ":" in target


def _sent(arguments: argparse.Namespace, paths: StorePaths, now: datetime) -> Loaded:
    """Return the CA at the top of the server's chain; raises CertbootError."""
    from certboot.cli.targets import target
    from certboot.net.address_policy import policy_from
    from certboot.net.handshake import handshake
    from certboot.sources.aia import Issuers
    from certboot.sources.server import topmost

    server = target(arguments.target, arguments)
    answer = handshake(server)
    if not answer.chain.presented:
        raise CertbootError(f"no certificate came from {server.shown}", f"certboot doctor {server.shown}")
    https = trusted_bundle(paths) if arguments.allow_https else None
    issuers = Issuers(policy_from(answer.peer.address, private=arguments.allow_private, https=https), {})
    try:
        loaded = topmost(answer.chain.presented, server.shown, arguments.sha256, now, issuers.fetched)
    finally:
        notes = not_fetched(issuers.failures, through_proxy=issuers.through_proxy)
        if notes:
            show(notes)
    if not arguments.sha256:
        _refuse_known(paths, loaded, server.shown)
    return loaded


def _refuse_known(paths: StorePaths, loaded: Loaded, host: str) -> None:
    """Raise CertbootError where the store trusts already what issued the CA: an intermediate needs no trust of its own.

    Who names it by its SHA-256 may have it as an anchor all the same.
    """
    from certboot.pki.certificate import is_signed_by

    generation = read_in_force(paths)
    if generation is None:
        return
    for candidate in loaded.candidates:
        certificate = candidate.certificate
        for anchor, entry in named(generation, certificate.link.issuer_name):
            if entry.role == "anchor" and anchor != certificate and is_signed_by(certificate, anchor):
                message = f"{certificate.name} is an intermediate of {anchor.name}, which the store trusts already"
                raise CertbootError(message, f"certboot repair {host}")


def distrust_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.description = (
        "Take a certificate out of the store, with the intermediates below it, and keep it out at every later update."
    )
    command.add_argument("id", metavar="ID", help=options.ID)
    command.add_argument("--undo", action="store_true", help="let it in again, if its source still has it")


def distrust_command(arguments: argparse.Namespace) -> int:
    """Take a certificate out, or let it in again."""
    from certboot.cli.listing import difference_text

    paths = store_paths()
    before = generations.current(paths)
    if arguments.undo:
        fingerprint, _ = choices.find_distrusted(choices.read_distrusted(paths.distrusted), arguments.id)
        request = Request("distrust", trust_again=frozenset({fingerprint}))
    else:
        entry = selection.find(before, arguments.id)
        request = Request("distrust", distrust={entry.sha256: entry.name})
    show(difference_text(*selection.difference(before, apply(paths, request).record)))
    if not arguments.undo:
        show(DISTRUSTED)
    return OK


def offer_text(loaded: Iterable[Loaded], now: datetime, host: str = "HOST") -> str:
    """Return what a person should look at before trusting these certificates, which are those of ``host``."""
    lines: list[str] = []
    for source in loaded:
        for candidate in source.candidates:
            certificate = candidate.certificate
            broken = broken_rule(certificate, now)
            lines += described(certificate, printable(candidate.detail))
            lines += _cautions(certificate, printable(host))
            lines += [f"  refused  {broken[1]}"] if broken else []
        lines += [f"  refused  {printable(rejection.reason)}" for rejection in source.rejections]
    return "\n".join(lines)


def not_fetched(failures: Iterable[Failure], *, through_proxy: bool) -> str:
    """Return why a part of the chain that the server does not send could not be had, and what was not checked."""
    lines = [f"not fetched: {miss.rule}: {printable(f'{miss.address} {miss.reason}'.strip())}" for miss in failures]
    if through_proxy:
        lines.append("a proxy resolved the names of these addresses: where they lead could not be checked")
    return "\n".join(lines)


def _cautions(certificate: Certificate, host: str) -> Iterator[str]:
    if not certificate.link.self_issued:
        yield f"  no root  Python up to 3.12, and others, want the CA above it too: {printable(certificate.issuer)}"
    if certificate.defects:
        yield f"  defect   {', '.join(certificate.defects)}: {rules.PYTHONS} refuse what it issues"
        yield f"  ways     {rules.reissue_request(certificate, certificate.defects)}"
        yield f"           certboot repair {host} stores an intermediate that has no defect, if there is one:"
        yield "           they need nothing above it then"
        yield "           or use a Python up to 3.12, which does not mind"
