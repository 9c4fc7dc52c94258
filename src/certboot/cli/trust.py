"""``trust`` and ``distrust``: what the user decides about single certificates."""

from __future__ import annotations

import os
import typing
from pathlib import Path

from certboot.cli.terminal import confirmed, password, say, show
from certboot.errors import CertbootError
from certboot.exit_status import FAILED, OK
from certboot.redaction import without_credentials

if typing.TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from datetime import datetime

    from certboot.model import Loaded
    from certboot.store.paths import StorePaths


def trust_command(arguments: argparse.Namespace) -> int:
    """Add a CA of the user's own, after a question."""
    from certboot import moment
    from certboot.cli.trust_text import WARNING, offer_text
    from certboot.cli.update import headline
    from certboot.sources import url
    from certboot.store.gather import trusted_bundle
    from certboot.store.paths import store_paths
    from certboot.store.request import Request
    from certboot.store.update import apply

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
    fingerprints = frozenset(candidate.certificate.fingerprint for one in loaded for candidate in one.candidates)
    outcome = apply(paths, Request("trust", additions=tuple(loaded), trust_again=fingerprints))
    if not fingerprints & {entry.sha256 for entry in outcome.record.certificates}:
        found = [rejection for rejection in outcome.rejected if rejection.fingerprint in fingerprints]
        message = f"it does not enter the store, {found[0].reason if found else 'no rule says why'}"
        undo = "certboot distrust ID --undo" if found and found[0].rule == "distrusted" else "certboot list --rejected"
        raise CertbootError(message, f"{undo}; config.toml may keep it out")
    say(headline(outcome))
    return OK


def _is_server(target: str) -> bool:
    """Return whether a server is meant: HOST:PORT, or a name with a dot that is no file, and not that of one either."""
    from certboot.sources.added import EXTENSIONS

    path = Path(target)
    if "://" in target or os.sep in target or path.exists() or path.suffix.lower() in EXTENSIONS:
        return False
    return "." in target or ":" in target


def _sent(arguments: argparse.Namespace, paths: StorePaths, now: datetime) -> Loaded:
    """Return the CA at the top of the server's chain; raises CertbootError."""
    from certboot.cli.targets import target
    from certboot.cli.trust_text import not_fetched
    from certboot.net.address_policy import policy_from
    from certboot.net.handshake import handshake
    from certboot.sources.aia import Issuers
    from certboot.sources.server import topmost
    from certboot.store.gather import trusted_bundle

    server = target(arguments.target, arguments)
    found = handshake(server)
    if not found.presented:
        message = f"no certificate came from {server.shown}"
        raise CertbootError(message, f"certboot doctor {server.shown}")
    https = trusted_bundle(paths) if arguments.allow_https else None
    issuers = Issuers(policy_from(found.peer, private=arguments.allow_private, https=https), {})
    try:
        loaded = topmost(found.presented, server.shown, arguments.sha256, now, issuers.fetched)
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
    from certboot.store import history
    from certboot.store.held import named
    from certboot.store.layout import in_force

    generation = in_force(paths)
    if generation is None:
        return
    record = history.current(paths)
    for candidate in loaded.candidates:
        certificate = candidate.certificate
        for anchor, entry in named(generation, record, certificate.issuer_name):
            if entry.role == "anchor" and anchor != certificate and is_signed_by(certificate, anchor):
                message = f"{certificate.name} is an intermediate of {anchor.name}, which the store trusts already"
                raise CertbootError(message, f"certboot repair {host}")


def distrust_command(arguments: argparse.Namespace) -> int:
    """Take a certificate out, or let it in again."""
    from certboot.cli.list_text import difference_text
    from certboot.cli.trust_text import DISTRUSTED
    from certboot.store import choices, history, selection
    from certboot.store.paths import store_paths
    from certboot.store.request import Request
    from certboot.store.update import apply

    paths = store_paths()
    before = history.current(paths)
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


def additions(paths: Sequence[Path], password_file: Path | None) -> list[Loaded]:
    """Return what these files and folders hold; raises CertbootError."""
    from certboot import moment
    from certboot.sources import added

    now = moment.now()
    return [added.load(path, now, password(password_file)) for path in paths]
