"""``adopted``: which values of preset variables certboot has taken over, one VARIABLE=value a line."""

from __future__ import annotations

import os
import typing

from certboot import files
from certboot.clients.variables import BY_NAME, DIRECTORY

if typing.TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Adoption(typing.NamedTuple):
    """One value of one variable: the hook replaces it, and the store has the certificates that it names."""

    variable: str
    """One of ``certboot.clients.variables``."""
    value: str

    @property
    def places(self) -> tuple[str, ...]:
        """The file or directory that it names; where OpenSSL takes a list of directories, each of them."""
        lists = BY_NAME[self.variable].form == DIRECTORY
        return tuple(dict.fromkeys(filter(None, self.value.split(os.pathsep) if lists else [self.value])))

    @property
    def unfit(self) -> str:
        """Why no value like this is adopted, or ""."""
        if not self.places:
            return "it is empty"
        if any(character in self.value for character in "\n\r\0"):
            return "it has a line end in it"
        if not all(map(os.path.isabs, self.places)):
            return "it is a relative path, which means another place in every folder"
        return ""


def read_adoptions(path: Path) -> tuple[Adoption, ...]:
    """Return what the file lists; nothing where there is no file; raises OSError.

    A line that ``adopt`` cannot have written is passed over: what is not adopted is left as it is.
    """
    try:
        lines = os.fsdecode(files.read_regular(path, files.SMALL)).split("\n")
    except FileNotFoundError:
        return ()
    found = (Adoption(*line.split("=", 1)) for line in lines if "=" in line)
    return tuple(dict.fromkeys(each for each in found if each.variable in BY_NAME and not each.unfit))


def render_adoptions(adoptions: Iterable[Adoption]) -> bytes:
    """Return the bytes of the file."""
    return os.fsencode("".join(f"{each.variable}={each.value}\n" for each in adoptions))
