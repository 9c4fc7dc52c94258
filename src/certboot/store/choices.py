"""The user's decisions: the files ``distrusted``, what is never wanted, and ``adopted``, preset values taken over."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from certboot import files
from certboot.clients.variables import BY_NAME, Adoption
from certboot.errors import StoreError, counted
from certboot.pki import fingerprint
from certboot.store.selection import Known, named

# A line of its own holds Certificate.identity, so that another certificate of the same name and key stays out too.
_KEY_OF = "the name and key of "


def read_distrusted(path: Path) -> dict[str, str]:
    """Return SHA-256 -> name; empty where there is no such file; raises OSError or StoreError."""
    return parse_distrusted(distrusted_bytes(path), path)


def distrusted_bytes(path: Path) -> bytes:
    """Return the bytes of the file, none where there is no such file; raises OSError."""
    return files.read_if_there(path, files.LARGE) or b""


def parse_distrusted(data: bytes, path: Path) -> dict[str, str]:
    """Return SHA-256 -> name from the bytes of ``path``; raises StoreError.

    A line that cannot be understood is an error, not a comment: what it was to keep out would come in.
    """
    distrusted = {}
    for number, line in enumerate(data.decode("utf-8", errors="replace").split("\n"), start=1):
        words = re.split("[ \t]+", line.strip(" \t\r"), maxsplit=1)
        if not words[0]:
            continue
        digits = fingerprint.plain(words[0])
        if not fingerprint.is_whole(digits):
            message = f"{path}, line {number}: it does not begin with a SHA-256 fingerprint of 64 hexadecimal digits"
            raise StoreError(message, "mend the line; certboot distrust and certboot distrust --undo write this file")
        distrusted[digits] = words[1] if len(words) > 1 else ""
    return distrusted


def render_distrusted(distrusted: dict[str, str]) -> bytes:
    """Return the bytes of the file."""
    return "".join(f"{fingerprint}  {name}\n" for fingerprint, name in sorted(distrusted.items())).encode("utf-8")


def key_of(fingerprint: str) -> str:
    """Return what stands beside the identity of a distrusted certificate in the place of a name."""
    return f"{_KEY_OF}{fingerprint}"


def undone_by(path: Path) -> dict[str, str]:
    """Return what stands in the file, fingerprint or identity -> the fingerprint that ``--undo`` takes; as ``read``."""
    return {
        digits: name.removeprefix(_KEY_OF) if name.startswith(_KEY_OF) else digits
        for digits, name in read_distrusted(path).items()
    }


def find_distrusted(distrusted: dict[str, str], text: str, subjects: Mapping[str, str] = {}) -> str:
    """Return the SHA-256 of the one that ``text`` names, as ``selection.find`` has it; raises StoreError.

    ``subjects``: SHA-256 -> subject, as far as that is known; else the name stands for it.
    """
    known = [
        Known(digits, name, subjects.get(digits) or name)
        for digits, name in distrusted.items()
        if not name.startswith(_KEY_OF)
    ]
    named_so = named(known, text)
    if len(named_so) != 1:
        if not known:
            raise StoreError(f"nothing is distrusted, and so not {text!r}", "there is nothing to undo")
        message = f"{text!r} names {len(named_so)} of {counted(len(known), 'distrusted certificate')}"
        shown = ", ".join(f"{fingerprint.short(member.sha256)} {member.name}" for member in known)
        raise StoreError(message, f"say which: {shown}")
    return named_so[0].sha256


def read_adoptions(path: Path) -> tuple[Adoption, ...]:
    """Return what the file lists; nothing where there is no file; raises OSError.

    A line that ``adopt`` cannot have written is passed over: what is not adopted is left as it is.
    """
    lines = os.fsdecode(files.read_if_there(path, files.SMALL) or b"").split("\n")
    adoptions = (Adoption(*line.split("=", 1)) for line in lines if "=" in line)
    return tuple(
        dict.fromkeys(adoption for adoption in adoptions if adoption.variable in BY_NAME and not adoption.unfit)
    )


def render_adoptions(adoptions: Iterable[Adoption]) -> bytes:
    """Return the bytes of the file."""
    return os.fsencode("".join(f"{adoption.variable}={adoption.value}\n" for adoption in adoptions))
