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
from certboot.sources import added, repaired, url
from certboot.sources.added import EXTENSIONS
from certboot.store import choices, generations, selection
from certboot.store.generations import has_source, named, read_in_force
from certboot.store.inputs import trusted_bundle
from certboot.store.paths import StorePaths, store_paths
from certboot.store.request import Request
from certboot.store.update import apply

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Container, Iterable, Iterator
    from datetime import datetime

    from certboot.pki.certificate import Certificate
    from certboot.sources.aia import Failure
    from certboot.sources.candidates import Loaded
    from certboot.sources.repaired import Repair
    from certboot.store.manifest import Entry

WARNING = """\
It comes from a connection that nobody vouches for. Whoever holds this CA's key can read what you send to any server.
Compare the SHA-256 with one that you get by another way:
  who runs the CA          the company's administrator or intranet; a CA's own site has it in its list of roots
  a computer set up by it  macOS: security find-certificate -a -Z /Library/Keychains/System.keychain
                           Windows: certmgr.msc, export it as DER, then certutil -hashfile FILE SHA256
                           Linux: openssl x509 -noout -fingerprint -sha256 -in FILE"""

_EXPECTED = "say with --sha256 which certificate you expect"

DISTRUSTED = """\
kept out from now on, with every certificate of its name and key: clients refuse chains that end there
no block: a server that sends it signed by a CA that is still trusted is accepted (certboot doctor HOST tells)"""


def trust_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot trust company-ca.pem", "show it, ask, and trust it"),
        ("certboot trust intranet.example", "the CA at the top of its chain"),
    )
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
        help="the certificate has this SHA-256: nothing is asked then, and it may be an intermediate",
    )  # fmt: skip
    command.add_argument(
        "--yes", action="store_true", help="do not ask (for an address or a server: only with --sha256)"
    )
    options.password_file(command)
    options.server(command)
    options.fetches(command)


def trust_command(arguments: argparse.Namespace) -> int:
    """Add a CA of the user's own, after a question."""
    from certboot.cli.summary import left_below, stored_summary, tell

    paths, now = store_paths(), moment.now()
    server = _is_server(arguments.target)
    remote = server or "://" in arguments.target
    pin = url.expected(arguments.sha256)
    loaded = _sent(arguments, paths, now) if server else _read(arguments, paths, now)
    # What is at the top of a server's chain may be no root: it is shown to be none, and a person decides.
    roots, below = (loaded, ()) if server else repaired.told_from_roots(loaded, pin, f"{now:%Y-%m-%d}")
    fingerprints = frozenset(candidate.certificate.fingerprint for candidate in loaded.candidates)
    held = _held(paths, fingerprints)
    offered = offer_text([roots], now, without_credentials(arguments.target) if server else "HOST", held)
    if offered:
        show(offered)
    if below:
        show(below_text(below, now))
    # What is to be an anchor is not there yet as an intermediate that a server forgot.
    anchors = {candidate.certificate.fingerprint for candidate in roots.candidates}
    there = {
        entry.sha256
        for entry in held
        if has_source(entry, (added.NAME,) if entry.sha256 in anchors else (added.NAME, repaired.NAME))
    }
    if fingerprints == there:
        say("it is trusted already: nothing to do")
        return OK
    if server and not pin:
        show(WARNING)
    if remote and arguments.yes and not pin:
        raise CertbootError("what comes from the network is not trusted unseen", _EXPECTED)
    # Who names it by its SHA-256 has answered.
    if not (pin or arguments.yes or confirmed("trust what is shown here?", *([_EXPECTED] if remote else []))):
        say("nothing was changed")
        return FAILED
    outcome = apply(paths, Request("trust", additions=(roots,), repairs=below, trust_again=fingerprints))
    if not fingerprints & outcome.record.fingerprints:
        rule, reason = outcome.why_not(fingerprints)
        undo = "certboot distrust ID --undo" if rule == "distrusted" else "certboot list --rejected"
        raise CertbootError(f"it does not enter the store, {reason}", f"{undo}; config.toml may keep it out")
    tell(stored_summary(outcome, fingerprints))
    for line in left_below(outcome, below):
        say(line, needed=True)
    return OK


def _read(arguments: argparse.Namespace, paths: StorePaths, now: datetime) -> Loaded:
    """Return the CAs in the file or folder, or at the address; raises CertbootError."""
    target, pin = arguments.target, url.expected(arguments.sha256)
    if "://" in target:
        return url.read(target, pin=pin, verify=trusted_bundle(paths), now=now).parse()
    (loaded,) = additions([Path(target)], arguments.password_file)
    return url.pinned(loaded, pin, target)


def _held(paths: StorePaths, fingerprints: Container[str]) -> list[Entry]:
    """Return which of these the store has already."""
    generation = read_in_force(paths)
    return [e for e in generation.record.certificates if e.sha256 in fingerprints] if generation else []


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
    options.examples(
        command,
        ('certboot distrust "Company Root CA"', "by its name"),
        ('certboot distrust --undo "Company Root CA"', "let it in again"),
    )
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
        subjects = {rejection.fingerprint: rejection.subject for rejection in before.rejected}
        out = choices.read_distrusted(paths.distrusted)
        again = choices.find_distrusted(out, arguments.id, subjects)
        request = Request("distrust --undo", trust_again=frozenset({again}))
    else:
        entry = selection.find(before, arguments.id)
        request = Request("distrust", distrust={entry.sha256: entry.name})
    show(difference_text(*selection.difference(before, apply(paths, request).record)))
    if not arguments.undo:
        show(DISTRUSTED)
    return OK


def below_text(below: Iterable[Repair], now: datetime) -> str:
    """Return what a person should know of intermediates, which are believed for their root only."""
    lines: list[str] = []
    for repair in below:
        certificate = repair.certificate
        lines += described(certificate, printable(repair.needs[-1].address))
        broken = broken_rule(certificate, now)
        role = f"an intermediate: it stays as long as the CA above it: {printable(certificate.issuer)}"
        lines.append(f"  refused  {broken[1]}" if broken else f"  role     {role}")
    return "\n".join(lines)


def offer_text(loaded: Iterable[Loaded], now: datetime, host: str = "HOST", held: Iterable[Entry] = ()) -> str:
    """Return what a person should look at before trusting these certificates, which are those of ``host``.

    ``held``: what of them the store has already.
    """
    sources = {entry.sha256: ", ".join(reason.source for reason in entry.provenance) for entry in held}
    lines: list[str] = []
    for source in loaded:
        for candidate in source.candidates:
            certificate = candidate.certificate
            broken = broken_rule(certificate, now)
            lines += described(certificate, printable(candidate.detail))
            lines += _cautions(certificate, printable(host))
            lines += [f"  refused  {broken[1]}"] if broken else []
            if certificate.fingerprint in sources:
                lines.append(f"  there    it is in the store already, from {sources[certificate.fingerprint]}")
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
