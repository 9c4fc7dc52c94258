"""What of the anchors that matter is where a variable or a setting leads, and who seems to have made what is there."""

from __future__ import annotations

import itertools
import os
import typing

from certboot.doctor import owners
from certboot.errors import CertbootError, few, shortened
from certboot.pki import der, subject_hash
from certboot.sources.table import OWN, PUBLIC

if typing.TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from certboot.doctor.environment.trust_files import Contents, Here
    from certboot.doctor.owners import Sign
    from certboot.store.manifest import Entry

_SHOWN = 10
_NAMED = 3
_LONGEST = 120  # characters of a name
_MOST_LOOKED_AT = 2_000  # certificates that are none of the public ones


def lacking(anchors: Sequence[Entry], contents: Contents, *, adding: bool = False) -> tuple[Entry, ...]:
    """Return the anchors of the store that are not there. ``adding``: beside a client's own list of public CAs."""
    there = contents.fingerprints
    return tuple(
        anchor
        for anchor in anchors
        if there.isdisjoint(anchor.fingerprints) and not (adding and anchor.is_from(PUBLIC))
    )


def told(missing: Sequence[Entry], whole: Collection[Entry]) -> str:
    """Return in words which of the store's anchors are missing: the user's own first, then how many public ones."""
    if not missing:
        return f"it has all {len(whole)} anchors of the store"
    own, public, others = _kinds(missing)
    wanted, known, _ = _kinds(whole)
    parts = [f"yours ({_names(own)})"] if own else []
    parts += [f"{len(public)} of the {len(known)} public ones"] if public else []
    parts += [f"{len(others)} that only the system has ({_names(others)})"] if others else []
    kept = "; it has yours" if wanted and not own else ""
    which = f": {', '.join(parts)}" if own or others else ", all of them public"
    return f"it lacks {len(missing)} of the store's {len(whole)} anchors{which}{kept}"


def lacking_evidence(missing: Sequence[Entry], whole: Collection[Entry]) -> dict[str, object]:
    """Return the same for programs."""
    own, public, _ = _kinds(missing)
    shown = [{"sha256": entry.sha256, "name": entry.name} for entry in missing[:_SHOWN]]
    counts = {"anchors": len(whole), "anchors_missing": len(missing)}
    return {**counts, "own_missing": len(own), "public_missing": len(public), "lacks": shown}


def public_told(here: Here, contents: Contents) -> str:
    """Return in words how many of certifi's CAs are there, for where no store says what matters."""
    public = here.files.of_certifi
    return f"it has {len(public & contents.fingerprints)} of certifi's {len(public)} public CAs" if public else ""


def signs(here: Here, value: str, contents: Contents, *, set_in: Iterable[str] = ()) -> tuple[Sign, ...]:
    """Return by what it is seen who made what is there, or set it; each owner once of a kind."""
    environ = here.around.environ
    paths = (owners.of_path(path, environ) for path in value.split(os.pathsep))
    setters = (owners.of_path(line.rpartition(":")[0], environ) for line in set_in)
    seen = itertools.chain(
        paths, (sign and sign._replace(by="file") for sign in setters), _subjects(_strangers(here, contents))
    )
    return tuple({(sign.by, sign.owner): sign for sign in seen if sign}.values())


def signs_told(made: Sequence[Sign], *, noted: bool) -> str:
    """Return lines of a summary on who made it, with what to know of the file where it is to be ``noted``."""
    lines = ["; ".join(sign.words for sign in made)] if made else []
    notes = (sign.owner.note for sign in made if sign.by == "path")
    lines += [note for note in notes if note] if noted else []
    return "".join(f"\n{line}" for line in lines)


def _kinds(entries: Iterable[Entry]) -> tuple[list[Entry], list[Entry], list[Entry]]:
    """Return the user's own, those of the public lists, and the others, which the system alone has."""
    own: list[Entry] = []
    public: list[Entry] = []
    others: list[Entry] = []
    for entry in entries:
        (own if entry.is_from(OWN) else public if entry.is_from(PUBLIC) else others).append(entry)
    return own, public, others


def _names(entries: Sequence[Entry]) -> str:
    return few([entry.name for entry in entries], _NAMED)


def _strangers(here: Here, contents: Contents) -> Iterator[bytes]:
    """Yield the certificates that no public list has: what an agent or a company put there is among them."""
    public = {anchor.sha256 for anchor in here.anchors if anchor.is_from(PUBLIC)} or here.files.of_certifi
    return (data for fingerprint, data in contents.certificates.items() if fingerprint not in public)


def _subjects(certificates: Iterable[bytes]) -> Iterator[Sign]:
    """Yield the first sign of each owner."""
    seen = set()
    for data in itertools.islice(certificates, _MOST_LOOKED_AT):
        try:
            texts = subject_hash.texts(der.subject_name(data))
        except der.DerError:
            continue
        sign = owners.of_subjects([", ".join(texts)])
        if sign and sign.owner not in seen:
            seen.add(sign.owner)
            yield sign._replace(of=_name(data, sign.of))


def _name(data: bytes, otherwise: str) -> str:
    """Return what a person calls a certificate, by its common name where that can be read."""
    from certboot.pki.certificate import load_certificate  # brings in cryptography, which the rest does without

    try:
        return load_certificate(data).name
    except CertbootError:
        return shortened(otherwise, _LONGEST)
