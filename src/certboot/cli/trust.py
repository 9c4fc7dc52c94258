"""``trust`` and ``distrust``: what the user decides about single certificates."""

from __future__ import annotations

import typing

from certboot import moment
from certboot.cli import options
from certboot.cli.layout import Advice, Line
from certboot.cli.named import agreed, answer, is_address, is_server, read
from certboot.cli.summary import PROXY, left_below, missing_line, stored_summary
from certboot.cli.terminal import described, heading, show, tell
from certboot.errors import FAILED, OK, CertbootError, shortened, without_credentials
from certboot.pki import rules
from certboot.pki.fingerprint import short
from certboot.pki.rules import broken_rule
from certboot.sources import added, repaired, url
from certboot.store import choices, generations, selection
from certboot.store.belongings import refuse_ephemeral
from certboot.store.generations import named, read_in_force
from certboot.store.inputs import trusted_bundle
from certboot.store.paths import StorePaths, store_paths
from certboot.store.request import Request
from certboot.store.update import apply

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Container, Iterable, Iterator, Sequence
    from datetime import datetime

    from certboot.pki.certificate import Certificate
    from certboot.sources.aia import Issuers
    from certboot.sources.candidates import Loaded
    from certboot.sources.repaired import Repair
    from certboot.store.manifest import Entry

_POWER = "whoever holds its key can read what you send to any server: trust it only if its owner says the same SHA-256"
_FROM_FILE: tuple[str | Line, ...] = (
    Line(f"{_POWER} (openssl writes it with colons and in capitals, which does not matter)", "  "),
)
_FROM_NETWORK: tuple[str | Line, ...] = (
    Line(f"it came over a connection that nobody vouches for, and {_POWER}", "  "),
    "  ask       the company's administrator or intranet; a public CA's site has a list of its roots",
    "  compare   with what a computer prints that its owner set up; capitals and colons do not matter",
    Line("openssl x509 -noout -fingerprint -sha256 -in FILE", "  Linux     ", wrapped=False),
    Line("security find-certificate -a -Z /Library/Keychains/System.keychain", "  macOS     ", wrapped=False),
    "  Windows   certutil -hashfile FILE SHA256, after certmgr.msc has exported it as DER",
)
MOST = 3
"""So many certificates are shown whole."""

DISTRUSTED = (
    "kept out from now on, with every certificate of its name and key: clients refuse chains that end there",
    "no block: a server that sends it signed by a CA that is still trusted is accepted (certboot doctor HOST tells)",
)


def trust_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot trust company-ca.pem", "show it, ask, and trust it"),
        ("certboot trust intranet.example", "the CA at the top of its chain"),
        ('certboot trust --from-system "Corp Root"', "a CA that the system has"),
    )
    command.description = (
        "Show the CA certificates in a file, a folder or at an https address, or the CA at the top of a "
        "server's chain, fetched from where its certificates say that it lies if it is not sent; ask, and trust them "
        "from then on. A certificate that was distrusted is let in again. With --from-system: one CA that somebody, or "
        "a security agent, has put into the operating system's store, for a store that is not made from that."
    )
    command.add_argument(
        "target", metavar="FILE|DIR|URL|HOST", type=options.name,
        help="PEM, DER, PKCS#7 or PKCS#12; or a server: HOST or HOST:PORT",
    )  # fmt: skip
    command.add_argument(
        "--from-system", action="store_true",
        help="take a CA from the operating system's store: by its name, or a part of its subject or SHA-256",
    )  # fmt: skip
    command.add_argument(
        "--sha256", "--fingerprint", metavar="HEX", default="",
        help="the certificate has this SHA-256: nothing is asked then, and it may be an intermediate",
    )  # fmt: skip
    command.add_argument(
        "--yes", action="store_true", help="do not ask (for an address or a server: only with --sha256)"
    )
    command.add_argument(
        "--stand-in", action="store_true",
        help="store, in the place of a CA that Python 3.13 and newer refuse for its form, a copy with its name and key "
        "in the form that they ask for; of a server's, only one that is trusted already",
    )  # fmt: skip
    command.add_argument(
        "--for", metavar="HOST", dest="chain_of", help="with --stand-in and a file: try it with this server's chain"
    )
    options.verbose(command, "show each certificate whole, even if there are many")
    options.password_file(command)
    options.server(command)
    options.fetches(command)


def trust_command(arguments: argparse.Namespace) -> int:
    """Add a CA of the user's own, after a question."""
    if arguments.stand_in or arguments.chain_of:
        from certboot.cli.stand_in import stand_in_command

        return stand_in_command(arguments)
    paths, now = store_paths(), moment.now()
    refuse_ephemeral(paths)  # before a look at it: what is trusted already for one command is so for no other
    server = is_server(arguments.target, from_system=arguments.from_system)
    pin = url.expected(arguments.sha256)
    loaded, notes = _sent(arguments, paths, now) if server else (read(arguments, paths, now), [])
    # What is at the top of a server's chain may be no root: it is shown to be none, and a person decides.
    roots, below = (loaded, ()) if server else repaired.split_roots(loaded, pin, f"{now:%Y-%m-%d}")
    fingerprints = frozenset(candidate.certificate.fingerprint for candidate in loaded.candidates)
    held = _held(paths, fingerprints)
    # What is to be an anchor is not there yet as an intermediate that a server forgot.
    anchors = {candidate.certificate.fingerprint for candidate in roots.candidates}
    there = {
        entry.sha256
        for entry in held
        if entry.is_from((added.NAME,) if entry.sha256 in anchors else (added.NAME, repaired.NAME))
    }
    where = "the system's store" if arguments.from_system else without_credentials(arguments.target)
    tell([_heading(where, fingerprints, held, server=server, done=fingerprints == there)])
    tell(offer_lines([roots], now, where if server else "HOST", held, verbose=arguments.verbose))
    tell([*below_lines(below, now, verbose=arguments.verbose), *notes])
    if fingerprints == there:
        return OK
    if not (pin or arguments.yes):
        tell(_FROM_NETWORK if server else _FROM_FILE)
    question = _question([len(roots.candidates), len(below)], verbose=arguments.verbose)
    if not agreed(arguments, question, remote=server or is_address(arguments)):
        return FAILED
    outcome = apply(paths, Request("trust", additions=(roots,), repairs=below, trust_again=fingerprints))
    if not fingerprints & outcome.record.fingerprints:
        rule, reason = outcome.why_not(fingerprints)
        undo = "certboot distrust ID --undo" if rule == "distrusted" else "certboot list --rejected"
        raise CertbootError(f"it does not enter the store, {reason}", f"{undo}; config.toml may keep it out")
    tell(stored_summary(outcome, fingerprints))
    tell(left_below(outcome, below), needed=True)
    return OK


def _held(paths: StorePaths, fingerprints: Container[str]) -> list[Entry]:
    """Return which of these the store has already."""
    generation = read_in_force(paths)
    return [entry for entry in generation.record.certificates if entry.given in fingerprints] if generation else []


def _sent(arguments: argparse.Namespace, paths: StorePaths, now: datetime) -> tuple[Loaded, list[str | Line]]:
    """Return the CA at the top of the server's chain, and what of that could not be had; raises CertbootError."""
    from certboot.net.address_policy import policy_from
    from certboot.sources.aia import Issuers
    from certboot.sources.server import topmost

    server, answered = answer(arguments.target, arguments)
    https = trusted_bundle(paths) if arguments.allow_https else None
    issuers = Issuers(policy_from(answered.peer.address, private=arguments.allow_private, https=https), {})
    try:
        loaded = topmost(answered.chain.presented, server.shown, arguments.sha256, now, issuers.fetched)
    except CertbootError:
        tell(_not_fetched(issuers))
        raise
    if not arguments.sha256:
        _refuse_known(paths, loaded, server.shown)
    return loaded, _not_fetched(issuers)


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
    effect: list[str] = []
    if arguments.undo:
        subjects = {rejection.fingerprint: rejection.subject for rejection in before.rejected}
        out = choices.read_distrusted(paths.distrusted)
        again = choices.find_distrusted(out, arguments.id, subjects)
        request = Request("distrust --undo", trust_again=frozenset({again}))
    else:
        entry = selection.find(before, arguments.id)
        request = Request("distrust", distrust={entry.given: entry.name})
        effect = [*DISTRUSTED, f"  undo      certboot distrust --undo {short(entry.given)}"]
    show(difference_text(*selection.difference(before, apply(paths, request).record)))
    tell(effect)
    return OK


def _heading(where: str, fingerprints: frozenset[str], held: Collection[Entry], *, server: bool, done: bool) -> Line:
    """Return in a line what was found. ``held``: what of it the store has."""
    fresh = len(fingerprints - {entry.given for entry in held})
    if done:
        return heading("ok", f"{where}  trusted already: nothing to do")
    if not fresh and any(entry.original for entry in held):
        return heading("warn", f"{where}  in the store by a stand-in, not as it is")
    if not fresh:
        return heading("warn", f"{where}  in the store already, but not by your own word")
    if server:
        return heading("warn", f"{where}  the last CA of its chain is not trusted here")
    if len(fingerprints) == 1:
        return heading("warn", f"{where}  a certificate that is not trusted here")
    return heading("warn", f"{where}  {fresh} of {len(fingerprints)} certificates are not trusted here")


def _question(counts: Sequence[int], *, verbose: bool) -> str:
    """Return what is asked about so many roots and intermediates: who has not seen them all is to know that."""
    hidden = 0 if verbose else sum(count - MOST for count in counts if count > MOST)
    unseen = f", {hidden} of which are not shown" if hidden else ""
    return f"trust {'this certificate' if sum(counts) == 1 else f'these {sum(counts)} certificates'}{unseen}?"


def below_lines(below: Sequence[Repair], now: datetime, *, verbose: bool = False) -> Iterator[str | Line]:
    """Yield what a person should know of intermediates, which are believed for their root only."""
    if len(below) > MOST and not verbose:
        yield from _in_short([repair.certificate for repair in below], "of intermediates")
        return
    for certificate, needs in below:
        yield from described(certificate, needs[-1].address)
        broken = broken_rule(certificate, now)
        role = f"  role      an intermediate: it stays as long as the CA above it: {shortened(certificate.issuer)}"
        yield f"  refused   {broken[1]}" if broken else role


def offer_lines(
    loaded: Iterable[Loaded], now: datetime, host: str = "HOST", held: Iterable[Entry] = (), *, verbose: bool = False
) -> Iterator[str | Line]:
    """Yield what a person should look at before trusting these certificates, which are those of ``host``.

    ``held``: what of them the store has already; ``verbose``: each whole, even if there are many.
    """
    sources = {
        entry.given: ", ".join(reason.source for reason in entry.provenance) + ", as a stand-in" * bool(entry.original)
        for entry in held
    }
    for source in loaded:
        many = len(source.candidates) > MOST and not verbose
        if many:
            yield from _in_short([candidate.certificate for candidate in source.candidates])
        for candidate in () if many else source.candidates:
            certificate = candidate.certificate
            broken = broken_rule(certificate, now)
            yield from described(certificate, candidate.detail)
            yield from _calls_itself(certificate)
            yield from _cautions(certificate, host)
            yield from [f"  refused   {broken[1]}"] if broken else []
            if certificate.fingerprint in sources:
                yield f"  there     it is in the store already, by the source {sources[certificate.fingerprint]}"
        yield from (f"  refused   {rejection.reason}" for rejection in source.rejections)


def _in_short(certificates: Sequence[Certificate], kind: str = "") -> Iterator[str]:
    """Yield a line for each of the first few, where they are too many to be read whole."""
    for certificate in certificates[:MOST]:
        yield f"  {short(certificate.fingerprint)}  {certificate.name}"
    yield f"  and {len(certificates) - MOST} more{kind and ' '}{kind}; -v shows each whole"


def _not_fetched(issuers: Issuers) -> list[str | Line]:
    """Return why a part of the chain that the server does not send could not be had, and what was not checked."""
    return [*map(missing_line, issuers.failures), *([PROXY] if issuers.through_proxy else [])]


def _calls_itself(certificate: Certificate) -> Iterator[str]:
    from certboot.doctor import owners

    sign = owners.of_subjects([certificate.subject])
    if sign:
        reads = ", which opens TLS on the way" if sign.owner.inspects else ""
        yield f"  by name   {sign.owner.name}{reads}: anybody can give a certificate this name"


def _cautions(certificate: Certificate, host: str) -> Iterator[str]:
    if not certificate.link.self_issued:
        above = shortened(certificate.issuer)
        yield f"  no root   Python up to 3.12, and others, want the CA above it too: {above}"
    if certificate.defects:
        from certboot.pki.stand_in import stand_in

        yield f"  defect    {', '.join(certificate.defects)}: {rules.PYTHONS} refuse what it issues"
        request = rules.reissue_request(certificate, certificate.defects)
        yield from [f"  mend it   {request}"] if request else []
        yield Advice(f"  or        an intermediate without a defect, if there is one, will do: certboot repair {host}")
        if isinstance(stand_in(certificate.der), bytes):
            copy = "with --stand-in a copy in the form that they ask for"
            yield Advice(f"  or        {copy}: certboot explain anchor-stand-in")
        yield "  or        use a Python up to 3.12, which does not mind"
