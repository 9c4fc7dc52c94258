"""What ``adopt`` shows before it asks, and after."""

from __future__ import annotations

import typing

from certboot.cli.trust_text import offer_text as certificates
from certboot.model import Loaded
from certboot.printable import printable
from certboot.store.policy import broken_rule

if typing.TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certboot.model import Rejection
    from certboot.store.adoptions import Adoption
    from certboot.store.manifest import Manifest


def offer_text(
    offers: Sequence[tuple[Adoption, Loaded]], store: Manifest, lost: Sequence[Rejection], now: datetime
) -> str:
    """Return how many certificates each variable names, those that would be new in the store, and what is lost."""
    held = {entry.sha256 for entry in store.certificates}
    passed_over = {each.fingerprint for each in lost}
    lines = []
    for adoption, loaded in offers:
        found = {candidate.certificate.fingerprint: candidate for candidate in loaded.candidates}
        new = {
            key: candidate
            for key, candidate in found.items()
            if key not in held and key not in passed_over and not broken_rule(candidate.certificate, now)
        }
        counts = f"{len(found)} found, {len(new)} of them new"
        lines.append(f"{adoption.variable}={printable(adoption.value)}: certificates: {counts}")
        if new:
            lines.append(certificates([Loaded(tuple(new.values()))], now))
        held |= new.keys()
    lines += [f"does not enter: {printable(each.subject or each.detail)}: {printable(each.reason)}" for each in lost]
    return "\n".join(lines)


def effect_text(adopted: Sequence[Adoption]) -> str:
    """Return what is different from now on."""
    names = ", ".join(dict.fromkeys(each.variable for each in adopted))
    replaced = f"from the next start of Python on, its hook replaces these values of {names}, and no others"
    return f"{replaced}\nundo: certboot adopt --undo"
