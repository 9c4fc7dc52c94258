"""The ``env`` file, what the hook applies: a line KEY=value for each variable, and lines on how.

CERTBOOT_GUARDS=ssl,certifi     the guards that are on, if config.toml chooses some
CERTBOOT_PROFILE=gentle         the profile by which they are set, where it is not ``full``; the hook passes over it
CERTBOOT_HINTS=0                no hints on failed verifications, if config.toml turns them off
-REQUESTS_CA_BUNDLE=/old        an adopted value: where the variable has it, the hook replaces it

And what the hook sets in a process: those variables, under the rules that the hook has for a store.
"""

from __future__ import annotations

import dataclasses
import os
import stat
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from certboot import files, ownership
from certboot.clients.variables import BY_NAME, DIRECTORY, FULL, PROFILES, Adoption, Profile, Variable
from certboot.errors import StoreError
from certboot.store.paths import BUNDLE, CRTS, StorePaths, in_force, is_of_store
from certboot_startup import HOLDS_BACK, adopted

_GUARDS = "CERTBOOT_GUARDS"
_PROFILE = "CERTBOOT_PROFILE"
_HINTS = "CERTBOOT_HINTS"
_ADOPTED = "-"

_INIT = "certboot init"
_LOOK = "certboot doctor store"


@dataclass(frozen=True)
class EnvFile:
    """What the file says."""

    variables: dict[str, str]
    """Variable -> the bundle or the directory of the generation in force."""
    guards: str | None = None
    """What config.toml chooses, None if nothing: then all of them."""
    adopted: tuple[Adoption, ...] = ()
    profile: Profile = FULL
    hints: bool = True
    """False where config.toml turns off the hints on failed verifications."""

    def keeping(self, adopted: Collection[Adoption]) -> EnvFile:
        """Return the same without the values that are adopted no longer: what they name is about to go."""
        return dataclasses.replace(self, adopted=tuple(value for value in self.adopted if value in adopted))


def values(variables: Iterable[Variable], folder: Path) -> dict[str, str]:
    """Return variable -> value, where ``folder`` is how the generation in force is to be named."""
    return {v.name: str(folder / (CRTS if v.form == DIRECTORY else BUNDLE)) for v in variables}


def render(env: EnvFile) -> bytes:
    """Return the bytes of the file. The variables come first: by them the hook knows the generation."""
    lines = [f"{name}={value}" for name, value in env.variables.items()]
    if env.guards is not None:
        lines.append(f"{_GUARDS}={env.guards}")
    if env.profile != FULL:
        lines.append(f"{_PROFILE}={env.profile}")
    if not env.hints:
        lines.append(f"{_HINTS}=0")
    lines += [f"{_ADOPTED}{adoption.variable}={adoption.value}" for adoption in env.adopted]
    return os.fsencode("".join(f"{line}\n" for line in lines))


def parse(path: Path) -> EnvFile | None:
    """Return what the file says now, or None where there is none."""
    try:
        lines = os.fsdecode(files.read_regular(path, files.SMALL)).split("\n")
    except OSError:
        return None
    pairs = [tuple(line.split("=", 1)) for line in lines if "=" in line]
    own = (_GUARDS, _PROFILE, _HINTS)
    return EnvFile(
        variables={name: value for name, value in pairs if name not in own and not name.startswith(_ADOPTED)},
        guards=next((value for name, value in pairs if name == _GUARDS), None),
        adopted=tuple(
            Adoption(name.removeprefix(_ADOPTED), value) for name, value in pairs if name.startswith(_ADOPTED)
        ),
        profile=next((known for known in PROFILES if (_PROFILE, known) in pairs), FULL),
        hints=(_HINTS, "0") not in pairs,
    )


def read(path: Path) -> dict[str, str] | None:
    """Return variable -> value as the file has it now, or None where there is none."""
    env = parse(path)
    return env.variables if env else None


@dataclass(frozen=True)
class Settings:
    """What certboot has for a process with a certain environment."""

    variables: dict[str, str]
    """Variable -> the bundle or the directory of the generation in force, whether or not it is set already."""
    held: dict[str, tuple[str, str]]
    """Those of them that the hook leaves alone, with the preset variable that decides it, and its value."""
    replaced: dict[str, str]
    """Variables whose value the user has adopted: the hook replaces it."""

    elsewhere: Collection[str]
    """Variables that another store of certboot's has set."""

    @property
    def applied(self) -> dict[str, str]:
        """What is set here, the replaced values included."""
        return {name: value for name, value in self.variables.items() if name not in self.held} | self.replaced

    def applied_to(self, environ: Mapping[str, str]) -> dict[str, str]:
        """Return the environment that the hook makes of this one, if no other store has set anything in it."""
        preset = {name: value for name, value in environ.items() if name not in self.elsewhere}
        return self.applied | preset | self.replaced


def settings(paths: StorePaths, environ: Mapping[str, str]) -> Settings:
    """Return the settings; raises StoreError where there is no store, or one that the hook would not use.

    What another store of certboot's has set, mostly that which the hook serves here, does not count: nobody chose it.

    Every value is the bundle or the directory of one generation of this store, and nobody but the user or root can
    write to it. Other lines of the file are no variables.
    """
    env = parse(paths.env) if files.kind(paths.env) == stat.S_IFREG else None
    if env is None:
        raise StoreError(f"there is no store yet: {paths.home}", _INIT)
    listed = {name: value for name, value in env.variables.items() if name in BY_NAME}
    if not listed:
        return Settings({}, {}, {}, ())
    folder = usable(paths, type(paths.home)(next(iter(listed.values()))).parent)
    bundle, crts = str(folder / BUNDLE), str(folder / CRTS)
    variables = {name: value for name, value in listed.items() if value in (bundle, crts)}
    preset = chosen(paths, environ)
    elsewhere = environ.keys() - preset.keys()
    held = held_back(variables, paths, preset, env.adopted)
    values = {(name, value): adopted(name, str(folder)) for name, value in env.adopted}
    # One that was replaced in a parent stays as it is: it says that the user had exported a value. So does one that
    # another store has replaced.
    values |= {(name, value): value for (name, _), value in values.items()}
    replaced = {name: to for (name, value), to in values.items() if environ.get(name) == value or name in elsewhere}
    return Settings(variables, held, replaced, elsewhere)


def chosen(paths: StorePaths, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what another store of certboot's has set: nobody chose that."""
    return {
        name: value
        for name, value in environ.items()
        if name not in BY_NAME or paths.holds(value) or not is_of_store(value)
    }


def usable(paths: StorePaths, folder: Path) -> Path:
    """Return this folder, by which a generation of the store is named, if the hook would use it; raises StoreError."""
    if folder != paths.current and folder.parent != paths.generations:
        raise StoreError(f"the env file names something outside the store: {paths.env}", _INIT)
    numbered = in_force(paths) if folder == paths.current else folder
    if numbered is None:
        raise StoreError(f"what names the generation in force leads to none of this store: {paths.current}", _INIT)
    bundle, crts = numbered / BUNDLE, numbered / CRTS
    exposure = _exposure(paths, numbered)
    if exposure:
        raise StoreError(f"the store is not safe, {exposure.how}: {exposure.place}", _LOOK)
    try:
        whole = bundle.is_file() and bundle.stat().st_size > 0 and bool(os.listdir(crts))
    except OSError:
        whole = False
    if not whole:
        raise StoreError(f"the store is not whole, its bundle or directory is missing or empty: {folder}", _INIT)
    return folder


def _exposure(paths: StorePaths, generation: Path) -> ownership.Exposure | None:
    """Return what the hook would refuse the store for, and how others could change it, or None."""
    parts = (paths.env, paths.generations, generation, generation / CRTS, generation / BUNDLE)
    inside = (ownership.Exposure(part, how) for part in parts if (how := ownership.exposed_itself(part)))
    return ownership.exposed_above(paths.home) or ownership.written_by_others(paths.home) or next(inside, None)


def held_back(
    settings: Iterable[str],
    paths: StorePaths,
    environ: Mapping[str, str] = os.environ,
    adopted: Collection[tuple[str, str]] = (),
) -> dict[str, tuple[str, str]]:
    """Return, for each of the variables that the hook leaves alone, the preset variable that decides it and its value.

    That is the variable itself, or one that the hook yields to (``certboot_startup.HOLDS_BACK``). A value of
    ``adopted`` (variable, value) holds nothing back: the hook replaces it.
    """
    held: dict[str, tuple[str, str]] = {}
    for name in settings:
        for preset in (name, *(other for other, variable in HOLDS_BACK.items() if variable == name)):
            value = environ.get(preset)
            if value is not None and not paths.holds(value) and (preset, value) not in adopted:
                held[name] = (preset, value)
                break
    return held
