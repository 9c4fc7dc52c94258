"""What ``run --inspect`` shows: whom a command, and what it starts, would trust."""

from __future__ import annotations

import typing

from certboot.cli.layout import Line
from certboot.doctor.clients.check import decisive

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

    from certboot.clients.table import Client
    from certboot.clients.trust import Trust
    from certboot.doctor.clients.inspect import Inspection

_STORE = "certboot's store"


def inspection_lines(name: str, inspection: Inspection, store: str) -> Iterator[Line]:
    """Yield the lines for the program ``name``. ``store`` says in words what certboot's store is here."""
    yield Line(f"{name} is not run. Its TLS clients, and those of what it starts, would trust:")
    groups: dict[str, list[str]] = {}
    for client, trust in inspection.trusts:
        groups.setdefault(_trusted(client, trust), []).append(_named(client, trust))
    own = next(iter(groups), "")
    for trusted in sorted(groups, key=lambda words: (words != own, not words.startswith(_STORE))):
        yield Line("")
        yield Line(trusted, "  ", hang=2)
        yield Line(", ".join(dict.fromkeys(groups[trusted])), "    ", hang=4)
    yield Line("")
    yield Line(store, "store   ", hang=8)
    if inspection.python:
        hook = f"the hook is {inspection.hook}" if inspection.hook else "it has no hook"
        yield Line(f"{inspection.python}, asked about itself: {hook}", "Python  ", hang=8)


def _trusted(client: Client, trust: Trust) -> str:
    """Return in words what is trusted. Where a variable or setting of others decides, it is named."""
    words = []
    for source in decisive(trust):
        place = f" ({source.place})" if source.place else ""
        words.append(_STORE if source.of_store else f"{source.what or repr('')}{place}")
    named = ", ".join(dict.fromkeys(words)) or "nobody"
    if trust.fails and trust.unusable:
        return f"nobody: what they are told to load cannot be loaded: {named}"
    return f"{named} (instead: {client.notes.way})" if client.notes.way and _STORE not in words else named


def _named(client: Client, trust: Trust) -> str:
    variables = dict.fromkeys(source.place for source in trust.sources if source.of_store and source.place)
    return f"{client.name} ({', '.join(variables)})" if variables else client.name
