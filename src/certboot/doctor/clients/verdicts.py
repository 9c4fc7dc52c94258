"""What each trust that the clients here use now says of the chain that a server sent. No client is started.

OpenSSL gives the verdict, with the certificates and by the rules of each client. A client that is built on another TLS
library (uv, git, Node.js) may still differ: ``certboot doctor HOST --clients`` starts them all.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import typing

from certboot.clients.installed import present_clients
from certboot.clients.table import CERTIFI, OWN, SYSTEM
from certboot.clients.trust import effective_trust
from certboot.doctor import examination
from certboot.doctor.clients.check import decisive, gather, is_counted
from certboot.errors import CertbootError
from certboot.pki.verdict import STRICT_PYTHON, Judgement, openssl_verdict, trusting_context, verifying
from certboot.sources import certifi

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from certboot.clients.table import Client, Rules
    from certboot.clients.trust import Trust
    from certboot.store.paths import StorePaths

CANNOT_LOAD = -1
"""In the place of a code of OpenSSL's: a client cannot load what it is told to trust, and refuses every host."""


def verdicts(
    chain: tuple[bytes, ...], name: str, paths: StorePaths, environ: Mapping[str, str]
) -> list[examination.Trust]:
    """Return what each distinct trust says of the chain (DER, leaf first) for a host; that of requests comes first.

    A client of which OpenSSL says nothing is in none.
    """
    present = present_clients(environ)
    facts = gather(paths, environ, present)
    replay = _Replay(chain, name)
    groups: dict[tuple[frozenset[str], Judgement, bool], list[tuple[Client, Trust]]] = {}
    for client in present:
        trust = effective_trust(client, environ, facts)
        judgement = replay.judgement(trust, client.manner.rules)
        if judgement is None:
            continue
        key = (frozenset(source.what for source in decisive(trust)), judgement, is_counted(client, trust, facts))
        groups.setdefault(key, []).append((client, trust))
    said = [_shared(members, judgement, counted=counted) for (_, judgement, counted), members in groups.items()]
    return sorted(said, key=lambda trust: ("requests" not in trust.clients, not trust.counted))


def _shared(members: Sequence[tuple[Client, Trust]], judgement: Judgement, *, counted: bool) -> examination.Trust:
    """Return what clients share who trust the same."""
    sources = dict.fromkeys(source for _, trust in members for source in decisive(trust))
    client, trust = members[0]
    return examination.Trust(
        tuple(dict.fromkeys(client.name for client, _ in members)),
        *judgement,
        counted,
        tuple(source.what for source in sources),
        tuple(source.place for source in sources if source.place),
        locations=_locations(source.what for source in trust.sources),
        rules=client.manner.rules,
    )


class _Replay:
    """The chain handed to a context of each kind, each once."""

    def __init__(self, chain: tuple[bytes, ...], name: str) -> None:
        self._chain = chain
        self._name = name
        self._said: dict[tuple[tuple[str, ...], Rules], Judgement | None] = {}
        self._contexts: dict[tuple[str, ...], ssl.SSLContext] = {}

    def judgement(self, trust: Trust, rules: Rules) -> Judgement | None:
        """Return what OpenSSL says with what these sources hold, by these rules."""
        if trust.fails:
            return Judgement(
                CANNOT_LOAD, f"cannot load {', '.join(source.what for source in trust.unusable) or 'a CA'}"
            )
        # What the store alone makes good, more CAs make no worse: their files need not be read, nor the store's bundle,
        # which holds what its directory does.
        own = _locations(source.what for source in trust.sources if source.of_store)
        for fewer in filter(None, (tuple(filter(os.path.isdir, own)), own)):
            judgement = self._by(fewer, rules)
            if judgement and judgement.code == 0:
                return judgement
        return self._by(_locations(source.what for source in trust.sources), rules)

    def _by(self, locations: tuple[str, ...], rules: Rules) -> Judgement | None:
        key = (locations, rules)
        if key not in self._said:
            try:
                if locations not in self._contexts:
                    self._contexts[locations] = trusting_context(locations)
                context = by_rules(self._contexts[locations], rules)
                self._said[key] = openssl_verdict(context, self._chain, self._name)
            except OSError as error:  # ssl.SSLError is one
                self._said[key] = Judgement(CANNOT_LOAD, f"{error.strerror or error}: {', '.join(locations)}")
        return self._said[key]


def by_rules(context: ssl.SSLContext, rules: Rules, *, strict: bool = STRICT_PYTHON) -> ssl.SSLContext:
    """Return the context, from now on by these rules of this Python, or of a ``strict`` one or another."""
    context.hostname_checks_common_name = rules != "urllib3"
    strict = strict and rules in ("python", "urllib3")
    return verifying(context, strict=strict, partial=strict or rules == "partial")


def _locations(sources: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({path for source in sources for path in _paths(source)}))


def _paths(source: str) -> Iterator[str]:
    """Return the files and directories that this word or value of a variable stands for."""
    if source in (CERTIFI, OWN):  # lists of their own are Mozilla's, too
        with contextlib.suppress(CertbootError):
            yield str(certifi.path())
    elif source == SYSTEM:
        built_in = ssl.get_default_verify_paths()
        yield from filter(os.path.exists, (built_in.openssl_cafile, built_in.openssl_capath))
    elif os.path.exists(source):
        yield source
    else:
        yield from filter(os.path.isdir, source.split(os.pathsep))
