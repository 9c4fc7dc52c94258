"""The source ``adopted``: what the file or directory holds that a preset variable names, as clients read it."""

from __future__ import annotations

import itertools
import os
import typing
from pathlib import Path

from certboot import files, ownership
from certboot.clients.variables import BY_NAME, DIRECTORY, Adoption
from certboot.errors import SourceError, printable
from certboot.pki.subject_hash import FILE_NAME
from certboot.sources.candidates import SIZE_LIMIT, Loaded, Rejection, Unparsed
from certboot.sources.contents import Content, parsed, pieces

NAME = "adopted"
GONE = "gone"


def read(adoption: Adoption, home: Path) -> Unparsed:
    """Return the PEM file, or of each directory what OpenSSL would find there by hash.

    Raises SourceError where nothing can be read. What lies in the store itself, at ``home``, is left out: it would be
    its own reason.
    What anybody but the user, root and the user's group could change is rejected: it would decide over every client.
    """
    contents = list(_contents(adoption, home))
    wrong = [content for content in contents if content.rule]
    if wrong and len(wrong) == len(contents):
        message = f"{adoption.variable} cannot be adopted, {wrong[0].reason}: {printable(wrong[0].path)}"
        raise SourceError(message, _hint(adoption, wrong[0]))
    return Unparsed(pieces(contents), lambda: _parsed(contents))


def read_again(adoption: Adoption, home: Path) -> Unparsed:
    """Return the same for a later run: what has gone since is a rejection, and its certificates leave the store.

    It must not keep new roots, or distrust, from arriving.
    """
    contents = list(_contents(adoption, home))
    return Unparsed(pieces(contents), lambda: _parsed_again(adoption, contents))


def is_own(adoption: Adoption, home: Path) -> bool:
    """Return whether all that the value names lies in the store, by whatever path."""
    return all(_is_inside(Path(place), home) for place in adoption.places)


def _contents(adoption: Adoption, home: Path) -> typing.Iterator[Content]:
    only_directories = BY_NAME[adoption.variable].form == DIRECTORY
    for place in map(Path, adoption.places):
        try:
            for path in _by_hash(place) if only_directories or place.is_dir() else [place]:
                if not _is_inside(path, home):
                    yield _file(path)
        except OSError as error:
            yield _wrong(place, error)


def _by_hash(folder: Path) -> list[Path]:
    """Return what OpenSSL looks at: for each hash the numbers from 0 up to the first that leads nowhere."""
    hashes = sorted({match[1] for path in folder.iterdir() if (match := FILE_NAME.fullmatch(path.name))})
    numbered = ((folder / f"{name}.{number}" for number in itertools.count()) for name in hashes)
    return [path for of_one in numbered for path in itertools.takewhile(os.path.exists, of_one)]


def _file(path: Path) -> Content:
    if os.path.exists(path):
        # With what would lie in it, the path itself is among those above.
        above = ownership.exposed_above(path / "any", groups=True)
        if above:
            where = f" ({above.place})" if above.place != path else ""
            return Content(str(path), rule="exposed", reason=f"{above.how}{where}")
    try:
        return Content(str(path), files.read_regular(path, SIZE_LIMIT))
    except OSError as error:
        return _wrong(path, error)


def _wrong(path: Path, error: OSError) -> Content:
    rule = GONE if isinstance(error, FileNotFoundError | NotADirectoryError) else "unreadable"
    return Content(str(path), rule=rule, reason=error.strerror or str(error))


def _is_inside(path: Path, home: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(home))


def _hint(adoption: Adoption, wrong: Content) -> str:
    if wrong.rule == "exposed":
        return "chmod go-w, if it is yours and right; certboot trust FILE takes what is in it now, and no more"
    if wrong.rule == GONE:
        return f"unset {adoption.variable}: a value that leads nowhere only breaks clients"
    return "check what the variable names, and that you may read it"


def _parsed(contents: list[Content]) -> Loaded:
    from certboot.sources.extract import from_pem

    return parsed(contents, NAME, lambda data, path: from_pem(data, NAME, path))


def _parsed_again(adoption: Adoption, contents: list[Content]) -> Loaded:
    try:
        loaded = _parsed(contents)
    except SourceError as error:
        return Loaded((), (Rejection("unreadable", NAME, adoption.value, error.message),))
    if loaded.candidates or loaded.rejections:
        return loaded
    return Loaded((), (Rejection(GONE, NAME, adoption.value, "there is no certificate in it"),))
