"""The ``env`` file, what the hook applies: a line KEY=value for each variable, and lines on how.

CERTBOOT_GUARDS=ssl,certifi     the guards that are on, if config.toml chooses some
-REQUESTS_CA_BUNDLE=/old        an adopted value: where the variable has it, the hook replaces it
"""

from __future__ import annotations

import os
import typing
from dataclasses import dataclass

from certboot import files
from certboot.clients.variables import DIRECTORY
from certboot.store.adoptions import Adoption

if typing.TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from certboot.clients.variables import Variable

_GUARDS = "CERTBOOT_GUARDS"
_ADOPTED = "-"


@dataclass(frozen=True)
class EnvFile:
    """What the file says."""

    variables: dict[str, str]
    """Variable -> the bundle or the directory of the generation in force."""
    guards: str | None = None
    """What config.toml chooses, None if nothing: then all of them."""
    adopted: tuple[Adoption, ...] = ()


def values(variables: Iterable[Variable], folder: Path) -> dict[str, str]:
    """Return variable -> value, where ``folder`` is how the generation in force is to be named."""
    return {v.name: str(folder / ("crts" if v.form == DIRECTORY else "bundle.pem")) for v in variables}


def render(env: EnvFile) -> bytes:
    """Return the bytes of the file. The variables come first: by them the hook knows the generation."""
    lines = [f"{name}={value}" for name, value in env.variables.items()]
    if env.guards is not None:
        lines.append(f"{_GUARDS}={env.guards}")
    lines += [f"{_ADOPTED}{each.variable}={each.value}" for each in env.adopted]
    return os.fsencode("".join(f"{line}\n" for line in lines))


def parse(path: Path) -> EnvFile | None:
    """Return what the file says now, or None where there is none."""
    try:
        lines = os.fsdecode(files.read_regular(path, files.SMALL)).split("\n")
    except OSError:
        return None
    pairs = [tuple(line.split("=", 1)) for line in lines if "=" in line]
    return EnvFile(
        variables={name: value for name, value in pairs if name != _GUARDS and not name.startswith(_ADOPTED)},
        guards=next((value for name, value in pairs if name == _GUARDS), None),
        adopted=tuple(
            Adoption(name.removeprefix(_ADOPTED), value) for name, value in pairs if name.startswith(_ADOPTED)
        ),
    )


def read(path: Path) -> dict[str, str] | None:
    """Return variable -> value as the file has it now, or None where there is none."""
    found = parse(path)
    return found.variables if found else None
