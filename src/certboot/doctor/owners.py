"""Who made a file of CA certificates, or a CA: a hint by the table ``owners.toml``, and never a reason to trust.

Anybody can give a file a path, and a certificate a name. What is told for them is told as that.
"""

from __future__ import annotations

import fnmatch
import functools
import os
import typing
from pathlib import Path

from certboot import files
from certboot.errors import printable

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_LONGEST = 1_000  # characters of a subject, which is a stranger's


class Owner(typing.NamedTuple):
    """One entry of the table; its head says what each field is."""

    name: str
    subjects: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    below: str = ""
    beside: str = ""
    inspects: bool = False
    note: str = ""
    sources: tuple[str, ...] = ()


class Sign(typing.NamedTuple):
    """By what somebody is taken for the owner."""

    owner: Owner
    by: typing.Literal["path", "file", "subject"]
    """Where it lies; where the file lies that points to it; or what a certificate in it calls itself."""
    of: str
    """The path, or what the certificate is called."""

    @property
    def words(self) -> str:
        """For people, behind what it is said of."""
        if self.by == "subject":
            return f"a CA in it calls itself {self.owner.name}: {printable(self.of)}"
        return f"by {'its path it' if self.by == 'path' else 'where it is set it'} belongs to {self.owner.name}"


@functools.cache
def owners() -> tuple[Owner, ...]:
    """Return the table."""
    document = files.toml(Path(__file__).with_name("owners.toml").read_text("utf-8"))
    lists = document["lists"]

    def entry(fields: dict[str, typing.Any]) -> Owner:
        fields["sources"] = [lists.get(source, source) for source in fields["sources"]]
        settled: dict[str, typing.Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()
        }
        return Owner(**settled)

    return tuple(map(entry, document["owner"]))


def of_path(path: str, environ: Mapping[str, str]) -> Sign | None:
    """Return whose file or folder it is, by where it lies: first by where its links lead, then as it is written."""
    if not path or "\0" in path:
        return None
    for place in dict.fromkeys((os.path.realpath(path), os.path.abspath(path), path)):
        owner = _at(place, environ)
        if owner:
            return Sign(owner, "path", path)
    return None


def of_subjects(subjects: Iterable[str]) -> Sign | None:
    """Return who made the certificates with these subjects, by what they call themselves."""
    for subject in subjects:
        words = _words(subject[:_LONGEST])
        for owner in owners():
            if any(f" {named} " in words for named in owner.subjects):
                return Sign(owner, "subject", subject)
    return None


def evidence(signs: Iterable[Sign]) -> dict[str, object]:
    """Return the same for programs; nothing without a sign."""
    told = [
        {"name": sign.owner.name, "by": sign.by, "of": sign.of, "sources": list(sign.owner.sources)} for sign in signs
    ]
    return {"made_by": told} if told else {}


def _at(place: str, environ: Mapping[str, str]) -> Owner | None:
    path = place.replace("\\", "/").lower()
    above = [*Path(place).parents]
    for owner in owners():
        folder = environ.get(owner.below, "") if owner.below else ""
        if any(fnmatch.fnmatchcase(path, pattern) for pattern in owner.paths):
            return owner
        if folder and Path(folder) in above:
            return owner
        if owner.beside and any(os.path.isdir(member / owner.beside) for member in above):
            return owner
    return None


def _words(text: str) -> str:
    """Return the words in lower case, each between spaces."""
    return f" {' '.join(''.join(c if c.isalnum() else ' ' for c in text.lower()).split())} "
