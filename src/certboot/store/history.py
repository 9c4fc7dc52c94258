"""The generations that are kept: what each changed, and how to go back to one."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from pathlib import Path

from certboot import files
from certboot.errors import StoreError
from certboot.store import belongings, choices, env_file, generations, manifest
from certboot.store.integrity import damages
from certboot.store.lock import locked
from certboot.store.paths import StorePaths
from certboot.store.selection import difference


@dataclass(frozen=True)
class Step:
    """One generation, and what came and went with it since the one before it that is kept."""

    record: manifest.Manifest
    in_force: bool
    came: int
    went: int
    stand_ins: tuple[str, ...] = ()
    """Which of those that came are stand-ins, in words."""
    changed: tuple[str, ...] = ()
    """What else is not as it was before, in words."""


def steps(paths: StorePaths) -> tuple[Step, ...]:
    """Return the generations that are kept, oldest first; raises StoreError."""
    now = generations.current(paths).generation
    records = [generations.numbered(paths, number) for number in generations.numbers(paths)]
    kept = []
    for before, record in zip([None, *records], records, strict=False):
        came, went = difference(before, record)
        changed = () if before is None else _changed(before, record)
        stand_ins = tuple(f"stand-in for {entry.name}" for entry in came if entry.original)
        kept.append(Step(record, record.generation == now, len(came), len(went), stand_ins, changed))
    return tuple(kept)


def _changed(before: manifest.Manifest, after: manifest.Manifest) -> tuple[str, ...]:
    """Return what is not as it was, but for which certificates there are: all by which a generation is a new one."""
    old = {entry.sha256: entry for entry in before.certificates}
    staying = [(old[entry.sha256], entry) for entry in after.certificates if entry.sha256 in old]
    differences = {
        "choices": before.choices != after.choices,
        "adopted variables": before.adopted != after.adopted,
        "reasons": any(former.provenance != entry.provenance for former, entry in staying),
        "dates of distrust": any(former.distrust_after != entry.distrust_after for former, entry in staying),
        "rejections": before.content()[2] != after.content()[2],
    }
    return tuple(words for words, differ in differences.items() if differ)


def rollback(paths: StorePaths, number: int | None) -> tuple[manifest.Manifest, manifest.Manifest]:
    """Put an earlier generation in force, the one before the present if none is named, and return (before, now).

    Raises StoreError or OSError. The next update applies the sources again. Until then the hook leaves a value alone
    that was adopted since: what it names is not in the store then.
    """
    belongings.refuse_ephemeral(paths)  # before the lock, which its command holds
    generations.current(paths)  # without a store there is no folder for a lock either
    with locked(paths.lock):
        before = generations.current(paths)
        if number is None:
            earlier = [kept for kept in generations.numbers(paths) if kept < before.generation]
            if not earlier:
                message = f"no generation before {before.generation} is kept"
                raise StoreError(message, "certboot history lists those that are kept")
            number = earlier[-1]
        record = generations.numbered(paths, number)
        damage = next(damages(paths.generations / str(number), record), None)
        if damage:
            message = f"generation {number} is damaged, {damage.words}"
            raise StoreError(message, "certboot history lists the others; certboot init writes a new one")
        env = env_file.parse(paths.env) or env_file.EnvFile({})
        known = choices.read_adoptions(paths.adopted) if env.variables else ()
        adopted = tuple(adoption for adoption in known if adoption in record.adopted)
        released = env.keeping(adopted)
        if released != env:  # before the switch: what such a value names must not be missing, not for a moment
            files.replace(paths.env, env_file.render(released))
        generations.switch(paths, paths.generations / str(number))
        # It is older than what was last read, so an update within --max-age must not pass it over.
        with contextlib.suppress(OSError):
            paths.checked.unlink(missing_ok=True)
        folder = generations.visible_folder(paths)
        variables = {name: str(folder / Path(value).name) for name, value in env.variables.items()}
        wanted = dataclasses.replace(env, variables=variables, adopted=adopted)
        if wanted != released:
            files.replace(paths.env, env_file.render(wanted))
        return before, record
