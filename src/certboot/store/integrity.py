"""Whether the files of a generation are those that its manifest names, byte for byte. Needs no certificate library."""

from __future__ import annotations

import hashlib
import os
import typing
from collections.abc import Iterator
from pathlib import Path

from certboot import files
from certboot.pki import der, pem
from certboot.pki.subject_hash import subject_hash
from certboot.store.hash_links import plan
from certboot.store.manifest import Manifest
from certboot.store.paths import BUNDLE, CRTS

Kind: typing.TypeAlias = "typing.Literal['altered', 'link', 'bundle']"
ALTERED: Kind = "altered"
LINK: Kind = "link"
BUNDLED: Kind = "bundle"


class Damage(typing.NamedTuple):
    """One thing that is missing, altered or too much."""

    kind: Kind
    """ALTERED: a certificate, or what is no part of the store; LINK: a hash link; BUNDLED: the bundle."""
    words: str


def damages(generation: Path, record: Manifest) -> Iterator[Damage]:
    """Yield all that is missing, altered or too much, certificates first."""
    crts = generation / CRTS
    wanted = []
    for entry in record.certificates:
        held = _certificates(crts / entry.file, follow=False)  # what a link leads to may change at any time
        if [hashlib.sha256(data).hexdigest() for data in held] == [entry.sha256]:
            wanted.append((subject_hash(der.subject_name(held[0])), "", entry.file))
        else:
            yield Damage(ALTERED, f"missing, or not the certificate that the manifest names: {crts / entry.file}")
    links = {str(slot): target for slot, target in plan(wanted, {}).items()}
    try:
        present = set(os.listdir(crts))
    except OSError:
        present = set()
    for name in sorted(present - links.keys() - {entry.file for entry in record.certificates}):
        if os.path.islink(crts / name) and not os.path.exists(crts / name):
            yield Damage(LINK, f"leads nowhere: {crts / name}")
        else:
            yield Damage(ALTERED, f"no certificate of this store: {crts / name}")
    for name, target in links.items():
        wrong = "missing" if name not in present else _misled(crts, name, target)
        if wrong:
            yield Damage(LINK, f"{wrong}: {crts / name}")
    bundled = [hashlib.sha256(data).hexdigest() for data in _certificates(generation / BUNDLE, follow=False)]
    if sorted(bundled) != sorted(entry.sha256 for entry in record.certificates if entry.bundled):
        yield Damage(BUNDLED, f"holds other certificates than the manifest has for it: {generation / BUNDLE}")


def _misled(crts: Path, name: str, target: str) -> str:
    """Return where else a hash link leads than to ``target``, which is as it should be, or ""."""
    path = crts / name
    try:
        leads = os.readlink(path)
    except OSError:  # no symbolic link: a copy, or a hard link
        leads = ""
    if leads == target or _certificates(path) == _certificates(crts / target):
        return ""
    return "leads nowhere" if leads and not os.path.exists(path) else f"leads to another certificate than {target}"


def _certificates(path: Path, *, follow: bool = True) -> list[bytes]:
    try:
        text = files.read_regular(path, files.LARGE, follow=follow)
    except OSError:
        return []
    return [block.data or b"" for block in pem.blocks(text)]
