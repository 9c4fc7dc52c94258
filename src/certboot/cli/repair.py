"""``repair`` and ``chain``: the intermediates that a server forgot to send, or why they cannot be found."""

from __future__ import annotations

import sys
import typing
from pathlib import Path

from certboot.cli import options
from certboot.cli.terminal import aside, confirmed, data, described, say, show, silenced
from certboot.errors import FAILED, OK, CertbootError, printable, shortened
from certboot.net.address_policy import HERE, KINDS, PRIVATE
from certboot.pki.rules import PYTHONS
from certboot.store.paths import StorePaths, store_paths
from certboot.store.request import Request
from certboot.store.update import apply

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from certboot.net.handshake import Handshake
    from certboot.net.target import Target
    from certboot.pki.certificate import Certificate
    from certboot.repair.completion import Completion, Refusal
    from certboot.repair.examine import Examined, Repairer
    from certboot.sources.aia import Failure
    from certboot.sources.repaired import Repair

    _Ruled = typing.TypeVar("_Ruled", Refusal, Failure)

_MOST_HOSTS = 3  # named in the history

_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_DIGITS = 16  # of a fingerprint
_MOST = 10  # reasons of a kind
_OPTIONS = (
    ("address-refused", KINDS[PRIVATE], "--allow-private, if these addresses are those of your own network"),
    ("port-refused", HERE, "--allow-private, if it is you who serves certificates there"),
    ("unsupported-scheme", " https://", "--allow-https"),
)
_PROXY = "  proxy    it resolved the names of these addresses: where they lead could not be checked"


def repair_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    options.examples(
        command,
        ("certboot repair intranet.example", "show it, ask, and store it"),
        ("certboot repair --dry-run intranet.example", "only show it"),
        ("certboot repair --file hosts.txt", "for many hosts, one a line"),
    )
    command.description = (
        "Look at the chain that a server sends. What is missing between it and an anchor of the store is "
        "taken from the store, from the CCADB's report if that was fetched, or from where the certificates say that "
        "their issuers are. What passes every check is shown, stored after a question for all clients, and leaves "
        "again with its anchor. Afterwards the handshake is made again. A root is never stored."
    )
    command.epilog = (
        "exit status: 0 every server's certificate is good now, 1 not every one's, or the answer was no, "
        "2 wrong usage or certboot could not do its work"
    )
    options.words(command, "host", "HOST", "HOST, HOST:PORT or a URL")
    command.add_argument("--file", metavar="FILE", type=Path, help="more of them, a host a line; # begins a comment")
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.add_argument("--dry-run", action="store_true", help="show what would be stored, and change nothing")
    options.server(command)
    options.fetches(command)


def repair_command(arguments: argparse.Namespace) -> int:
    """Find what servers do not send, ask, store it, and shake hands again."""
    from certboot.cli.targets import targets
    from certboot.repair.examine import note, to_store

    paths = store_paths()
    servers = targets(arguments.host, arguments.file, arguments)
    repairer = _repairer(paths, arguments, to_store=True)
    examined = []
    seen = True
    for server in servers:
        examined.append(repairer.examine(server))
        seen = _say(findings_text(examined[-1:])) and seen
    repairs = to_store(examined)
    whole = all(server.chain for server in examined)
    if arguments.dry_run:
        _say("a dry run: nothing was changed")
        return OK if whole else FAILED
    if repairs and not arguments.yes and not (seen and confirmed(_question(repairs))):
        _say("nothing was changed")
        return FAILED
    for host, certificate in note(paths, examined):
        _say(noted_text(host, certificate))
    if repairs:
        _store(paths, repairs, servers)
    good = [_again(paths, server) for server in examined if server.chain]
    return OK if whole and all(good) else FAILED


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
        "A certificate that signs itself is written alone: for single programs, if it is whose you think. "
        "The store is not changed."
    )
    command.epilog = (
        "exit status: 0 the chain is complete, 1 it is not and nothing was written, 2 wrong usage or certboot "
        "could not do its work"
    )
    command.add_argument("host", metavar="HOST", help="HOST, HOST:PORT or a URL")
    command.add_argument("--output", metavar="FILE", help="where to write it (default: standard output)")
    command.add_argument("--force", action="store_true", help="replace a file that is there already")
    options.server(command)
    options.fetches(command)


def chain_command(arguments: argparse.Namespace) -> int:
    """Write the chain that a server should send."""
    from certboot.cli.targets import targets
    from certboot.pki import pem
    from certboot.store.export.destination import write_file

    (server,) = targets([arguments.host], None, arguments)
    examined = _repairer(store_paths(), arguments, to_store=False).examine(server)
    anchor = examined.completion.anchor if examined.completion else None
    alone = examined.alone
    if alone is None and (not examined.chain or anchor is None):
        aside(reasons_text(examined))
        return FAILED
    text = "".join(pem.encode(certificate.der) for certificate in ((alone,) if alone else examined.chain))
    if arguments.output is None:
        data(text)
    else:
        write_file(Path(arguments.output), text.encode("ascii"), force=arguments.force)
    if alone:
        (aside if arguments.output is None else show)(alone_text(arguments.output or _host(examined), alone))
    elif anchor and arguments.output is not None:
        say(f"{arguments.output}: {written_text(examined.chain, anchor)}")
    return OK


def _repairer(paths: StorePaths, arguments: argparse.Namespace, *, to_store: bool) -> Repairer:
    from certboot.repair.examine import Limits, Repairer

    return Repairer(paths, Limits(private=arguments.allow_private, https=arguments.allow_https), to_store=to_store)


def _question(repairs: Sequence[Repair]) -> str:
    intermediates = "this intermediate" if len(repairs) == 1 else f"these {len(repairs)} intermediates"
    return f"store {intermediates}?"


def _store(paths: StorePaths, repairs: tuple[Repair, ...], servers: Sequence[Target]) -> None:
    from certboot.cli.summary import stored_summary

    hosts = ", ".join(server.shown for server in servers[:_MOST_HOSTS])
    more = f" and {len(servers) - _MOST_HOSTS} more" if len(servers) > _MOST_HOSTS else ""
    outcome = apply(paths, Request(f"repair {hosts}{more}", repairs=repairs))
    _say("\n".join(stored_summary(outcome, {repair.certificate.fingerprint for repair in repairs})))
    for certificate in (repair.certificate for repair in repairs):
        if certificate.fingerprint not in outcome.record.fingerprints:
            _, reason = outcome.why_not({certificate.fingerprint})
            raise CertbootError(f"{certificate.name} does not enter the store, {reason}", "certboot list --rejected")


def _again(paths: StorePaths, examined: Examined) -> bool:
    from certboot.repair.examine import handshake_with_store

    handshake = handshake_with_store(paths, examined.target)
    _say(outcome_text(examined, handshake))
    return handshake.verify_code == 0


def _say(text: str) -> bool:
    """Print, and return whether somebody reads it: where nobody does, what was asked for is to be done all the same."""
    try:
        show(text)
        if sys.stdout:
            sys.stdout.flush()
    except BrokenPipeError:
        silenced(sys.stdout)  # from now on for nobody
        return False
    return True


def findings_text(examined: Iterable[Examined]) -> str:
    """Return what a person should look at before anything is stored."""
    return "\n".join(line for server in examined for line in _finding(server))


def reasons_text(examined: Examined) -> str:
    """Return why a server has no whole chain, in lines."""
    return "\n".join(_reasons(examined))


def outcome_text(examined: Examined, handshake: Handshake) -> str:
    """Return the result of a handshake with the store, in OpenSSL's words."""
    if handshake.verify_code is None:
        said = f"no handshake: {printable(handshake.error or handshake.outcome)}"
    else:
        said = f"Verify return code: {handshake.verify_code} ({printable(handshake.verify_message)})"
    line = f"{_host(examined)}: {said}"
    if handshake.verify_code == 0:
        return line
    if handshake.verify_code == _EXPIRED and examined.expired:
        return f"{line}\n  next     certboot update takes out what has expired: {_named(examined.expired[0])}"
    return f"{line}\n  next     certboot doctor {_host(examined)} says why"


def noted_text(host: str, certificate: Certificate) -> str:
    """Return that a server needs what is in the store for another one."""
    return (
        f"{printable(host)}: noted that it needs {_named(certificate)}; certboot list tells it from the next update on"
    )


def written_text(chain: Iterable[Certificate], anchor: Certificate) -> str:
    """Return what a file with a chain holds, in order."""
    names = ", ".join(printable(certificate.name) for certificate in chain)
    return f"{names}; not in it: {printable(anchor.name)}, which clients have"


def alone_text(where: str, certificate: Certificate) -> str:
    """Return what is to be known of a certificate that signs itself, before a program believes it."""
    digits = certificate.fingerprint.upper()
    return "\n".join(
        (
            f"{where}: {printable(certificate.name)}, which signs itself; not for the store, but for single programs",
            f"  SHA-256  {':'.join(digits[at : at + 2] for at in range(0, 64, 2))}",
            "  compare  it with what the server's owner says, before a program believes it",
        )
    )


def _finding(examined: Examined) -> Iterator[str]:
    from certboot.repair.completion import SERVER

    completion = examined.completion
    if completion is None or completion.anchor is None:
        yield from _reasons(examined)
        return
    if not examined.missing:
        yield f"{_host(examined)}: nothing is to be stored"
    else:
        names = ", ".join(printable(offer.certificate.name) for offer in examined.missing)
        sent = all(offer.origin == SERVER for offer in examined.missing)
        why = f"{PYTHONS} refuse what is above it" if examined.refused else "clients refuse its twin in the store"
        why = why if sent else "the server does not send it"
        yield f"{_host(examined)}: to be stored, because {why}: {names}"
        yield from _offers(examined, completion)
    for offer in examined.in_store:
        yield f"  stored   {_named(offer.certificate)}, which the server does not send either"
    for certificate in examined.expired:
        yield f"  expired  {_named(certificate)}, in the store: clients prefer it, and refuse it"
    yield f"  anchor   {_named(completion.anchor)}, in the store"
    if examined.through_proxy:
        yield _PROXY


def _offers(examined: Examined, completion: Completion) -> Iterator[str]:
    below = {offer: child for child, offer in zip(completion.path, completion.path[1:], strict=False)}
    for offer in examined.missing:
        certificate = offer.certificate
        yield from (f"  {line}" for line in described(certificate, shortened(offer.origin)))
        yield f"    because  it signed {printable(below[offer].certificate.name)}"
        yield from (f"    defect   {defect}: {PYTHONS} refuse it" for defect in certificate.defects)
    if examined.refused:
        yield f"  refused  by {PYTHONS}: {_named(examined.refused)}, {', '.join(examined.refused.defects)}"


def _reasons(examined: Examined) -> Iterator[str]:
    if examined.completion is None:
        yield f"{_host(examined)}: cannot be repaired: {printable(examined.error)}"
        return
    leaf = examined.completion.path[0].certificate
    yield f"{_host(examined)}: cannot be repaired: no way from {printable(leaf.name)} to an anchor of the store"
    refusals, more = _some(examined.completion.refusals)
    for refusal in refusals:
        yield f"  refused  {refusal.rule}: {_named(refusal.certificate)} from {shortened(refusal.origin)}"
        yield f"           {shortened(refusal.reason)}"
    if more:
        yield f"  refused  and {more} more"
    for subject in examined.distrusted:
        yield f"  refused  distrusted: {printable(subject)}, which the store leaves out"
    failures, more = _some(examined.failures)
    for failure in failures:
        where = f" at {shortened(failure.address)}" if failure.address else ""
        yield f"  missing  {failure.rule}: the issuer of {printable(failure.of)}{where}"
        yield f"           {shortened(failure.reason)}"
    if more:
        yield f"  missing  and {more} more"
    if examined.through_proxy:
        yield _PROXY
    yield from _next(examined.completion, _host(examined), distrusted=bool(examined.distrusted))
    for rule, words, option in _OPTIONS:
        if any(failure.rule == rule and words in failure.reason for failure in examined.failures):
            yield f"  or       {option}"


def _next(found: Completion, host: str, *, distrusted: bool) -> Iterator[str]:
    """Yield what is left to do.

    The doctor, who may have sent the user here, knows more only of a self-signed leaf and of what is distrusted.
    """
    roots = [refusal.certificate for refusal in found.refusals if refusal.rule == "self-signed"]
    if distrusted or found.path[0].certificate in roots:
        yield f"  next     certboot doctor {host} tells what can be done"
        return
    yield "  next     only who operates the server can change what it sends"
    if roots:
        yield f"  or       certboot trust {host} shows the root that was found, if you know whose it is"
    else:
        yield "  or       certboot trust FILE, if its root is a company's own: ask the company for the file"


def _some(reasons: Sequence[_Ruled]) -> tuple[list[_Ruled], int]:
    """Return a few of them, first one by each rule: a stranger can make as many as he likes; and how many are left."""
    before: dict[str, int] = {}
    for number, reason in enumerate(reasons):
        before.setdefault(reason.rule, number)
    firsts = sorted(range(len(reasons)), key=lambda number: (before[reasons[number].rule] != number, number))
    shown = sorted(firsts[:_MOST])
    return [reasons[number] for number in shown], len(reasons) - len(shown)


def _host(examined: Examined) -> str:
    return printable(examined.target.shown)


def _named(certificate: Certificate) -> str:
    return f"{printable(certificate.name)} ({certificate.fingerprint[:_DIGITS]})"
