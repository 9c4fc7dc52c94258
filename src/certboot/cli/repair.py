"""``repair``: the intermediates that a server forgot to send, or why they cannot be found."""

from __future__ import annotations

import shlex
import sys
import typing

from certboot.cli import options
from certboot.cli.layout import Advice, Line
from certboot.cli.report.server import picture
from certboot.cli.summary import LONGEST, PROXY, missing_line, stored_summary
from certboot.cli.terminal import HANG, confirmed, described, heading, silenced, tell
from certboot.doctor.examination import Link
from certboot.doctor.server import remedies
from certboot.errors import FAILED, OK, CertbootError, few, shortened
from certboot.net.address_policy import HERE, KINDS, PRIVATE
from certboot.pki.fingerprint import short
from certboot.pki.rules import PYTHONS
from certboot.store.paths import StorePaths, store_paths
from certboot.store.request import Request
from certboot.store.update import apply

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from certboot.doctor.examination import State
    from certboot.net.handshake import Handshake
    from certboot.net.target import Target
    from certboot.pki.certificate import Certificate
    from certboot.repair.completion import Completion, Refusal
    from certboot.repair.examine import Examined, Repairer
    from certboot.sources.candidates import Offer
    from certboot.sources.repaired import Repair

_MOST_HOSTS = 3  # named in the history

_EXPIRED = 10  # X509_V_ERR_CERT_HAS_EXPIRED
_FEW, _MOST = 3, 10  # reasons of a kind
_OPTIONS = (
    ("address-refused", KINDS[PRIVATE], "if these addresses are those of your own network", "--allow-private"),
    ("port-refused", HERE, "if it is you who serves certificates there", "--allow-private"),
    ("unsupported-scheme", " https://", "to fetch it from there", "--allow-https"),
)
_NOT_ALL = "the server does not send all certificates of its chain, and"
_FULL_CHAIN = "send the full chain: the server's certificate first, then every intermediate, without the root"


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
    command.add_argument(
        "--file", metavar="FILE", type=options.path, help="more of them, a host a line; # begins a comment"
    )
    command.add_argument("--yes", action="store_true", help="do not ask")
    command.add_argument("--dry-run", action="store_true", help="show what would be stored, and change nothing")
    options.server(command)
    options.fetches(command)
    options.verbose(command, "name more of what was refused, or could not be fetched")


def repair_command(arguments: argparse.Namespace) -> int:
    """Find what servers do not send, ask, store it, and shake hands again."""
    from certboot.cli.targets import targets
    from certboot.repair.examine import note, to_store

    paths = store_paths()
    servers = targets(arguments.host, arguments.file, arguments)
    examiner = repairer(paths, arguments, to_store=True)
    examined = []
    seen = True
    for server in servers:
        examined.append(examiner.examine(server))
        seen = _tell(findings(examined[-1:], alone=len(servers) == 1, verbose=arguments.verbose)) and seen
    repairs = to_store(examined)
    whole = all(server.chain for server in examined)
    if arguments.dry_run:
        _tell(["a dry run: nothing was changed"])
        return OK if whole else FAILED
    if repairs and not arguments.yes and not (seen and confirmed(_question(repairs))):
        _tell(["nothing was changed"])
        return FAILED
    for host, certificate in note(paths, examined):
        _tell([f"  noted     that {host} needs {_named(certificate)} too: the next update records it"])
    undo = _store(paths, repairs, servers) if repairs else []
    good = [_again(paths, server) for server in examined if server.chain]
    _tell(undo)
    if len(servers) == 1 and examined[0].unsent:
        _tell([Advice(f"  operator  what the server should send: {_command('chain', examined[0])}")])
    return OK if whole and all(good) else FAILED


def repairer(paths: StorePaths, arguments: argparse.Namespace, *, to_store: bool) -> Repairer:
    """Return what examines servers as the options have it."""
    from certboot.repair.examine import Limits, Repairer

    return Repairer(paths, Limits(private=arguments.allow_private, https=arguments.allow_https), to_store=to_store)


def _question(repairs: Sequence[Repair]) -> str:
    intermediates = "this intermediate" if len(repairs) == 1 else f"these {len(repairs)} intermediates"
    return f"store {intermediates}?"


def _store(paths: StorePaths, repairs: tuple[Repair, ...], servers: Sequence[Target]) -> list[str]:
    """Store them, say so, and return what is left to say: what is active from when, and how to undo it."""
    hosts = few([server.shown for server in servers], _MOST_HOSTS)
    outcome = apply(paths, Request(f"repair {hosts}", repairs=repairs))
    stored, *undo = stored_summary(outcome, {repair.certificate.fingerprint for repair in repairs})
    _tell([stored])
    for certificate in (repair.certificate for repair in repairs):
        if certificate.fingerprint not in outcome.record.fingerprints:
            _tell(undo)
            _, reason = outcome.why_not({certificate.fingerprint})
            raise CertbootError(f"{certificate.name} does not enter the store, {reason}", "certboot list --rejected")
    return undo


def _again(paths: StorePaths, examined: Examined) -> bool:
    from certboot.repair.examine import handshake_with_store

    handshake = handshake_with_store(paths, examined.target)
    _tell(outcome_lines(examined, handshake))
    return handshake.verify_code == 0


def _tell(lines: Iterable[str | Line]) -> bool:
    """Print, and return whether somebody reads it: where nobody does, what was asked for is to be done all the same."""
    try:
        tell(lines)
        if sys.stdout:
            sys.stdout.flush()
    except BrokenPipeError:
        silenced(sys.stdout)  # from now on for nobody
        return False
    return True


def findings(examined: Iterable[Examined], *, alone: bool = True, verbose: bool = False) -> Iterator[str | Line]:
    """Yield what a person should look at before anything is stored; ``alone``: of a server beside no others."""
    for server in examined:
        completion = server.completion
        if completion is None or completion.anchor is None:
            yield from reasons(server, verbose=verbose)
        elif server.missing:
            yield from _to_store(server, completion)
        else:
            yield from _nothing_to_store(server)
            yield from _picture(server, completion) if alone else ()
        if server.through_proxy:
            yield PROXY


def reasons(examined: Examined, *, verbose: bool = False, command: str = "repair") -> Iterator[str | Line]:
    """Yield why a server has no whole chain, and who can mend that."""
    outcome = "cannot be repaired" if command == "repair" else "the chain cannot be completed"
    yield heading("fail", f"{examined.target.shown}  {outcome}")
    completion = examined.completion
    if completion is None:
        yield Line(shortened(examined.error), "  ")
        yield _doctor(examined)
        return
    roots = [refusal for refusal in completion.refusals if refusal.rule == "self-signed"]
    cause, advice = _fault(examined, completion, roots)
    yield Line(cause, "  ")
    most = _MOST if verbose else _FEW
    refusals = [(refusal.rule, _refusal(refusal)) for refusal in completion.refusals]
    failures = [(failure.rule, missing_line(failure)) for failure in examined.failures]
    for label, ruled in (("refused", refusals), ("missing", failures)):
        lines, more = _some(ruled, most)
        yield from lines
        if more:
            rest = "" if verbose else f": {_command('repair', examined, '-v')}"
            yield Advice(f"  {label:<10}and {more} more{rest}")
    for rule, words, condition, option in _OPTIONS:
        if any(failure.rule == rule and words in failure.reason for failure in examined.failures):
            yield Advice(f"  or        {condition}: {_command(command, examined, option)}")
    yield from advice


def _fault(examined: Examined, completion: Completion, roots: Sequence[Refusal]) -> tuple[str, list[str | Line]]:
    """Return whose fault it is in a line, and what there is to do, by whom.

    The doctor, who may have sent the user here, knows more only of a self-signed leaf and of what is distrusted.
    """
    leaf = completion.path[0].certificate
    if examined.distrusted:
        names = ", ".join(map(shortened, examined.distrusted))
        return f"the store leaves out, as distrusted, the CA that issued what it sends: {names}", [_doctor(examined)]
    if leaf in (root.certificate for root in roots):
        return "its certificate vouches for itself: there is no other that could be missing", [_doctor(examined)]
    if roots:
        names = ", ".join(dict.fromkeys(_named(root.certificate) for root in roots[:_FEW]))
        trust = Line(_command("trust", examined), "fix here: ", "strong", wrapped=False)
        known = Line("only if you know whose it is, trust it; the command shows it, and asks", "  ")
        return f"its chain ends at a root that the store does not have: {names}", [known, trust]
    if completion.refusals:
        cause = f"nothing that was found can be the issuer of {leaf.name}"
    elif any(failure.address for failure in examined.failures):
        cause = f"{_NOT_ALL} the rest could not be fetched from where they say it is"
    else:
        cause = f"{_NOT_ALL} they do not say where the rest is"
    company = Advice("  or        if its root is a company's own, ask the company for the file: certboot trust FILE")
    return cause, [Line(_FULL_CHAIN, "for the server's operator: ", "strong"), company]


def outcome_lines(examined: Examined, handshake: Handshake) -> Iterator[str | Line]:
    """Yield the result of a handshake with the store, in OpenSSL's words."""
    if handshake.verify_code is None:
        words = f"no handshake: {handshake.error or handshake.outcome}"
    else:
        words = f"Verify return code: {handshake.verify_code} ({handshake.verify_message})"
    good = handshake.verify_code == 0
    yield heading("ok" if good else "fail", f"{examined.target.shown}  {words}")
    if good:
        return
    if handshake.verify_code == _EXPIRED and examined.expired:
        yield Line("certboot update", "fix here: ", "strong", wrapped=False)
    else:
        yield _doctor(examined)


def _to_store(examined: Examined, completion: Completion) -> Iterator[str | Line]:
    unsent = [offer.certificate.name for offer in examined.unsent]
    refused = examined.refused
    why = refused.defects[0] if refused and refused.defects else "twin-in-trust"
    cause = "missing-intermediate" if unsent else why
    yield heading("fail", f"{examined.target.shown}  {cause}")
    if unsent:
        yield Line(f"the server does not send {', '.join(unsent)}", "  ")
    if refused:
        defects = ", ".join(refused.defects)
        yield Line(f"{PYTHONS} refuse {_named(refused)}: {defects}", "  ")
        yield Line("once what is shown here is stored they accept the chain: they look at nothing above it then", "  ")
    if not unsent and not refused:
        yield Line("the store has another certificate of this CA: clients prefer it, and refuse it", "  ")
    for offer in examined.missing:
        yield from described(offer.certificate, offer.origin)
        yield from (f"  defect    {defect}: {PYTHONS} refuse it" for defect in offer.certificate.defects)
    yield "  checked   signatures, dates and limits, from the server up to what is trusted"
    yield from _picture(examined, completion)


def _nothing_to_store(examined: Examined) -> Iterator[str | Line]:
    host = examined.target.shown
    if examined.expired:
        yield heading("warn", f"{host}  an intermediate of the store has expired")
    else:
        yield heading("ok", f"{host}  {'repaired already' if examined.in_store else 'no intermediate is missing'}")
    for offer in examined.in_store:
        yield f"  trusted   {_named(offer.certificate)}, which is not sent"
    for certificate in examined.expired:
        yield f"  expired   {_named(certificate)}: clients prefer it to the one that is sent, and refuse it"


def _picture(examined: Examined, completion: Completion) -> Iterator[Line]:
    """Yield the chain as the doctor draws it."""
    states: dict[Offer, State] = dict.fromkeys(examined.unsent, "found")
    states |= dict.fromkeys(examined.in_store, "trusted")
    links = [(offer.certificate, states.get(offer, "sent")) for offer in completion.path]
    if completion.anchor:
        links = [link for link in links if link[0] != completion.anchor] + [(completion.anchor, "trusted")]
    path = [Link(certificate.subject, state) for certificate, state in links]
    yield from (Line(""), *picture(path, whole=True), Line(""))


def _refusal(refusal: Refusal) -> Line:
    origin, reason = (shortened(text, LONGEST) for text in (refusal.origin, refusal.reason))
    return Line(f"{_named(refusal.certificate)} from {origin}: {reason} ({refusal.rule})", "  refused   ", hang=HANG)


def _some(ruled: Sequence[tuple[str, Line]], most: int) -> tuple[list[Line], int]:
    """Return a few lines, first one by each rule, and how many are left: a stranger can make as many as he likes."""
    before: dict[str, int] = {}
    for number, (rule, _) in enumerate(ruled):
        before.setdefault(rule, number)
    firsts = sorted(range(len(ruled)), key=lambda number: (before[ruled[number][0]] != number, number))
    return [ruled[number][1] for number in sorted(firsts[:most])], max(len(ruled) - most, 0)


def _doctor(examined: Examined) -> Line:
    return Line(_command("doctor", examined), "hint: ", "strong", wrapped=False)


def _command(command: str, examined: Examined, *more: str) -> str:
    """Return a command on the same server."""
    ((*argv,),) = remedies.certboot(command, examined.target, *more)
    return shlex.join(argv)


def _named(certificate: Certificate) -> str:
    return f"{certificate.name} ({short(certificate.fingerprint)})"
