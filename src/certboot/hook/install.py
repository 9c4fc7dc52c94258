"""Copying the hook into a folder of packages, and taking exactly that away again.

An interpreter may start at any moment, and either may be cut off at any moment: the files by which a start calls the
hook are written last and removed first, each file in one step, and a record says what was written.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
import typing
from pathlib import Path

from certboot import files, ownership
from certboot.errors import CertbootError
from certboot.hook import inventory, payload
from certboot.hook.inventory import Record, sha256

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from certboot.hook.inventory import Hook

_LOCK_SECONDS = 60
_GRACE_SECONDS = 0.1
"""How long a start that has read a .pth file may take until it imports what that names."""

Action: typing.TypeAlias = typing.Literal["installed", "renewed", "unchanged", "recorded", "removed", "absent"]


class Result(typing.NamedTuple):
    """What was done in one folder of packages."""

    action: Action
    hook: Hook
    """What is there now; after ``removed`` what was there."""


def install(
    folder: Path, home: str | None = None, *, start_file: bool | None = None, base: bool | None = None
) -> Result:
    """Copy the hook into ``folder``; raises CertbootError or OSError, and then ``folder`` is as it was.

    ``home`` is the store that it is to serve, ``start_file`` whether the interpreter needs one, ``base`` whether
    ``folder`` is the library of one (``hook.base``); None leaves that as it is. Where an installer has put certboot,
    its files stay as they are and only this is recorded.
    """
    from importlib.metadata import version

    refuse_exposed(folder)
    files.make_folder(folder)
    with _locked(folder):
        _clean(folder)
        before = _known(folder)
        home = before.home if home is None else home
        if start_file is None:
            start_file = before.record is not None and before.record.start_file
        if before.base if base is None else base:
            wanted = payload.base_files(home)
        else:
            laid_out = payload.home_files if before.owner == "installer" else payload.copy_files
            wanted = laid_out(home, start_file=start_file)
        _refuse_changed(before, wanted)
        digests = {name: (sha256(data),) for name, data in wanted.items()}
        record = Record(version("certboot"), home, digests, start_file)
        if not wanted or (before.record == record and set(before.present) == wanted.keys()):
            return Result("unchanged", before)
        with _undone_on_failure(before, wanted):
            _write(before, record, wanted)
        action: Action = "renewed" if before.owner == "certboot" else "installed"
        return Result("recorded" if before.owner == "installer" else action, inventory.look(folder))


def uninstall(folder: Path) -> Result:
    """Remove what ``install`` put into ``folder``, if it is unchanged, and nothing else; raises as ``install``."""
    refuse_exposed(folder)
    if not folder.is_dir():
        return Result("absent", inventory.look(folder))
    with _locked(folder):
        _clean(folder)
        before = _known(folder)
        _refuse_changed(before, {})
        if before.owner == "installer":
            _forget_optimized(folder)
        if before.record is None:
            return Result("absent", before)
        waited = False
        for name in reversed(payload.in_order(before.record.files)):
            if name not in payload.START and not waited:
                time.sleep(_GRACE_SECONDS)
                waited = True
            _remove(folder, name)
        (folder / inventory.RECORD_NAME).unlink(missing_ok=True)
        return Result("removed", before)


def refuse_exposed(folder: Path) -> None:
    """Raise CertbootError where somebody else could change what is in ``folder``, and with it what this user runs."""
    exposure = ownership.exposed_above(folder / "any", groups=True) or ownership.written_by_others(folder, groups=True)
    if exposure:
        message = f"no hook is put where {exposure.how}: {exposure.place}"
        raise CertbootError(message, "run certboot as the user to whom that folder belongs, or mend its rights")


def _known(folder: Path) -> Hook:
    """Return what is in ``folder``, unless somebody else put it there; raises CertbootError."""
    before = inventory.look(folder)
    strange = payload.PTH if before.owner == "unknown" else inventory.RECORD_NAME
    if before.owner == "unknown" or (before.record is None and os.path.lexists(folder / strange)):
        message = f"there is a start-up hook that certboot did not put there: {folder / strange}"
        raise CertbootError(message, "it is left alone; whoever put it there must take it away")
    return before


def _refuse_changed(before: Hook, wanted: Mapping[str, bytes]) -> None:
    known = before.record.files if before.record else {}
    new = {name: inventory.digest(before.folder, name) for name in wanted if name not in known}
    strange = [*before.changed, *(name for name, digest in new.items() if digest not in ("", sha256(wanted[name])))]
    if strange:
        message = f"not as certboot wrote it: {', '.join(str(before.folder / name) for name in sorted(strange))}"
        raise CertbootError(message, "look at what is there, delete by hand what nobody needs, then run this again")


def _write(before: Hook, record: Record, wanted: Mapping[str, bytes]) -> None:
    folder, known = before.folder, dict(before.record.files) if before.record else {}
    both = {name: (*record.files.get(name, ()), *known.get(name, ())) for name in {*record.files, *known}}
    under_way = record._replace(files={name: tuple(dict.fromkeys(digests)) for name, digests in both.items()})
    files.replace(folder / inventory.RECORD_NAME, inventory.render_record(under_way))
    for name in payload.in_order(wanted):
        if inventory.digest(folder, name) != sha256(wanted[name]):
            _refuse_changed(before, {name: wanted[name]})  # somebody else may have put one there by now
            files.make_folder((folder / name).parent)
            files.replace(folder / name, wanted[name])
            _forget_compiled(folder / name)
    for name in reversed(payload.in_order(known.keys() - wanted.keys())):
        _remove(folder, name)
    files.replace(folder / inventory.RECORD_NAME, inventory.render_record(record))


@contextlib.contextmanager
def _undone_on_failure(hook: Hook, wanted: Mapping[str, bytes]) -> Iterator[None]:
    """If what is done meanwhile fails, these files are as they were; those that start the hook go first."""
    folder, names = hook.folder, {inventory.RECORD_NAME, *wanted, *hook.present}
    before = {name: files.read_regular(folder / name, files.SMALL) for name in names if (folder / name).is_file()}
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            for name in reversed(payload.in_order(wanted.keys() - before.keys())):
                if inventory.digest(folder, name) in ("", sha256(wanted[name])):
                    _remove(folder, name)
            for name in payload.in_order(before):
                if inventory.digest(folder, name) != sha256(before[name]):
                    files.replace(folder / name, before[name])
            if inventory.RECORD_NAME not in before:
                (folder / inventory.RECORD_NAME).unlink(missing_ok=True)
        raise


def _remove(folder: Path, name: str) -> None:
    path = folder / name
    _forget_compiled(path)
    path.unlink(missing_ok=True)
    if path.parent != folder:
        with contextlib.suppress(OSError):  # other things are in it, or it is gone
            path.parent.rmdir()
    elif name in payload.START:
        # What it calls must not go before it, on the disk neither.
        with contextlib.suppress(OSError):
            files.sync(folder)


def _forget_compiled(source: Path) -> None:
    """Remove what interpreters compiled a module to, PEP 3147's ``NAME.TAG.pyc``, and their unfinished files of it."""
    folder = source.parent / "__pycache__"
    if source.suffix != ".py" or folder.is_symlink() or not folder.is_dir():
        return
    compiled = re.compile(re.escape(source.stem) + r"\.[^.]+(\.opt-[0-9a-z]+)?\.pyc(\.[0-9]+)?")
    with contextlib.suppress(OSError):
        ours = [path for path in folder.iterdir() if compiled.fullmatch(path.name)]
        for path in ours:
            path.unlink()
        if ours or source.parent.name in (payload.PACKAGE, payload.BASE_FOLDER):
            folder.rmdir()


def _forget_optimized(folder: Path) -> None:
    """Remove what ``python -O`` compiled of an installed certboot: no installer knows of it, and it would stay."""
    for package in ("certboot", payload.PACKAGE):
        for path in (folder / package).glob("**/__pycache__/*.opt-*.pyc"):
            with contextlib.suppress(OSError):
                path.unlink()


def _clean(folder: Path) -> None:
    """Remove the temporary files of a run that was killed: ``files.replace`` names them after what they were to be."""
    names = {
        inventory.RECORD_NAME,
        *payload.home_files("/", start_file=True),
        *payload.copy_files("/", start_file=True),
        *payload.base_files("/"),
    }
    for name in names:
        for left in (folder / name).parent.glob(f".{Path(name).name}.????????"):
            with contextlib.suppress(OSError):
                left.unlink()


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep another certboot out of ``folder``, without a file for it; raises CertbootError after a minute.

    Where the system has no such locks (Windows, some network file systems) two at once are left to the single steps:
    each file is put into its place whole, and two runs of one version write the same.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        until = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > until:
                    message = f"another certboot has been at work for over {_LOCK_SECONDS} seconds: {folder}"
                    raise CertbootError(message, "wait for it to end, then try again") from error
                time.sleep(0.02)
            except OSError:
                break
        yield
    finally:
        os.close(descriptor)
