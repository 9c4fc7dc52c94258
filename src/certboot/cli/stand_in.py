"""``trust --stand-in``: for a CA that strict verification refuses for its form, a copy that it accepts, tried first."""

from __future__ import annotations

import dataclasses
import ssl
import typing

from certboot import moment
from certboot.cli.layout import Line
from certboot.cli.named import agreed, answer, is_address, is_server, read
from certboot.cli.summary import stored_summary
from certboot.cli.terminal import described, heading, say, tell
from certboot.errors import FAILED, OK, CertbootError, counted, printable
from certboot.pki import pem, rules
from certboot.pki.certificate import Certificate
from certboot.sources import added, url
from certboot.sources.candidates import Candidate, Loaded
from certboot.store import stand_ins
from certboot.store.generations import read_in_force
from certboot.store.paths import store_paths
from certboot.store.request import Request
from certboot.store.stand_in_trial import completed, key_id_below, root_above, tried
from certboot.store.update import apply

if typing.TYPE_CHECKING:
    import argparse

    from certboot.store.generations import Generation

_UNDO = "  undo      "
_SIGNATURE = "its signature no longer fits, which clients do not check of a CA that they trust"
_CHANGES = {
    "strict-basic-constraints": "basic constraints marked critical",
    "strict-missing-ski": "a subject key identifier",
    "strict-key-usage": "a key usage (to sign certificates and CRLs)",
}


class Wish(typing.NamedTuple):
    """A CA that is to have a stand-in."""

    candidate: Candidate
    made: Certificate
    """The stand-in."""


class Sent(typing.NamedTuple):
    """The chain of a server, leaf first, and which that is."""

    host: str
    chain: tuple[Certificate, ...]


def stand_in_command(arguments: argparse.Namespace) -> int:
    """Put a stand-in in the place of a CA, or of what is to be one, after a question."""
    server = is_server(arguments.target, from_system=arguments.from_system)
    if not arguments.stand_in or (server and arguments.chain_of):
        raise CertbootError("--for goes with --stand-in and a file", "certboot trust FILE --stand-in --for HOST")
    paths, pin = store_paths(), url.expected(arguments.sha256)
    generation = read_in_force(paths)
    chain_of = arguments.target if server else arguments.chain_of
    sent = _sent(chain_of, arguments, generation) if chain_of else None
    if sent and server:
        loaded = url.pinned(_root_in_store(sent, generation), pin, sent.host)
    else:
        loaded = read(arguments, paths, moment.now())
    wished = _wished(loaded, sent, generation)
    for wish in wished:
        tell(_offer(wish, _tried(wish, sent)))
    if others := len(loaded.candidates) - len(wished):
        tell([f"  left out  {counted(others, 'other certificate')}, for trust without --stand-in"])
    standing = [entry for entry in generation.record.certificates if entry.original] if generation else []
    # Without a chain nothing is known that could make another one better than that which is there.
    there = {entry.sha256 if sent else entry.given for entry in standing}
    if there.issuperset((wish.made if sent else wish.candidate.certificate).fingerprint for wish in wished):
        say("it is in the store already: nothing to do")
        return OK
    if not agreed(arguments, "store the stand-in?", remote=is_address(arguments)):
        return FAILED
    given = frozenset(wish.candidate.certificate.fingerprint for wish in wished)
    additions = Loaded(tuple(wish.candidate for wish in wished))
    outcome = apply(paths, Request("trust --stand-in", additions=(additions,), trust_again=given))
    placed = [entry for entry in outcome.record.certificates if entry.original and entry.original.sha256 in given]
    if not placed:
        raise CertbootError(f"the store has no stand-in: {outcome.why_not(given)[1]}", "certboot list --rejected")
    # What was trusted before would leave the store with its stand-in: distrust is not the way back then.
    before = given.intersection(outcome.previous.fingerprints if outcome.previous else ())
    lines = [line for line in stored_summary(outcome, given) if not (before and line.startswith(_UNDO))]
    kept = [paths.trusted / pem.file_name(entry.name, entry.given) for entry in placed if before]
    tell([*lines, *(Line(f"certboot trust {path}", _UNDO, wrapped=False) for path in kept)])
    return OK


def _sent(host: str, arguments: argparse.Namespace, generation: Generation | None) -> Sent:
    server, answered = answer(host, arguments)
    return Sent(server.shown, tuple(completed(answered.chain.presented, generation)))


def _root_in_store(sent: Sent, generation: Generation | None) -> Loaded:
    root = root_above(sent.chain, generation)
    if root is None:
        message = f"no root in the store is above the chain of {sent.host}"
        raise CertbootError(message, f"certboot doctor {sent.host} says what is missing")
    return Loaded((Candidate(root, added.NAME, f"in the store, above the chain of {sent.host}"),))


def _wished(loaded: Loaded, sent: Sent | None, generation: Generation | None) -> list[Wish]:
    """Return the CAs for which there can be a stand-in; raises CertbootError where there is none."""
    entries = generation.record.certificates if generation else ()
    reasons = {entry.given: entry.provenance for entry in entries}
    public = stand_ins.public_cas()
    wished, reason = [], "there is no CA in it"
    for candidate in loaded.candidates:
        root = candidate.certificate
        key_id = (key_id_below(sent.chain, root) if sent else None) or b""
        wish = dataclasses.replace(candidate, stand_in=key_id)
        known = (Candidate(root, reason.source, reason.detail) for reason in reasons.get(root.fingerprint, ()))
        made = stand_ins.standing([wish, *known], key_id, public)
        if isinstance(made, Certificate):
            wished.append(Wish(wish, made))
        else:
            reason = f"{root.name}: {made.reason}"
    if not wished:
        raise CertbootError(printable(reason), "certboot trust, without --stand-in, takes a CA as it is")
    return wished


def _offer(wish: Wish, tried_with: str) -> list[str | Line]:
    certificate = wish.candidate.certificate
    changes = ", ".join(_CHANGES[defect] for defect in certificate.defects if defect in _CHANGES)
    return [
        heading("warn", f"{certificate.name}  {rules.PYTHONS} refuse its form"),
        *described(certificate, wish.candidate.detail),
        f"  better    {rules.reissue_request(certificate, certificate.defects)}",
        f"  stand-in  a copy with its name, key, dates and limits, and with {changes}; {_SIGNATURE}",
        f"  tried     {tried_with}",
    ]


def _tried(wish: Wish, sent: Sent | None) -> str:
    """Return what was tried, in words; raises CertbootError where the chain is not accepted for it."""
    root = wish.candidate.certificate
    if sent is None:
        return "with no server's chain, since none is named: --for HOST"
    if sent.chain[:1] == (root,):
        message = f"{root.name} is the certificate of {sent.host} itself, which is to be found as it is"
        raise CertbootError(message, "certboot explain self-signed-leaf")
    if key_id_below(sent.chain, root) is None:
        message = f"the chain of {sent.host} does not lead to {root.name}"
        raise CertbootError(message, f"name a server below it; certboot doctor {sent.host}")
    trial = tried(root, wish.made, sent.chain)
    if trial.before.code:
        message = f"the chain of {sent.host} is refused without strictness too, {trial.before.code}"
        raise CertbootError(f"{message} ({trial.before.message})", f"certboot doctor {sent.host}")
    if not trial.helps:
        pythons, judgement = (rules.PYTHONS, trial.strict) if trial.strict.code else ("others", trial.lax)
        message = f"a stand-in for {root.name} does not help {sent.host}: {pythons} refuse its chain with it too"
        hint = f"what is wrong below the root only its issuer can mend: certboot doctor {sent.host}"
        raise CertbootError(f"{message}, {judgement.code} ({judgement.message})", hint)
    return f"the chain of {sent.host}: accepted as by Python up to 3.12, and as by 3.13, with {ssl.OPENSSL_VERSION}"
