"""The files that make up the hook, copies of it for one environment or for a base, and the record of a store beside it.

All of them are pure ASCII: one other byte in a .pth file can keep an interpreter from starting.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import certboot_startup
from certboot import files
from certboot.errors import CertbootError

PACKAGE = "certboot_startup"
HOME = "certboot_home"
PTH = f"{PACKAGE}.pth"
BASE = "sitecustomize.py"
BASE_FOLDER = "certboot.base"
"""Where that has the hook: a name with a dot is no module's, so nothing lists it, or gets it for its own certboot's."""
START = (f"{HOME}.start", f"{HOME}.pth", f"{PACKAGE}.start", PTH, BASE)
"""What makes an interpreter call the others: the last to be written and, in the opposite order, the first to go.

The store's comes before the hook's in the alphabet and so at every start, and activate() acts once.
"""

# A copy names its store itself. Beside a hook that an installer put there, and may take away without knowing of these
# files, there is one start-up file more, for a module that is silent when the hook is gone: that costs a start more.
_COPY_PTH = f"import {PACKAGE}; {PACKAGE}.activate({{home}})\n"
_HOME_PTH = f"import {HOME}; {HOME}.activate()\n"
_HOME_START = f"{HOME}:activate\n"
# What Python 3.18 and newer run in the place of import lines. 3.15 to 3.17 run both, and load pkgutil, re and enum for
# any entry point at every start. It takes no arguments, so that of a store needs a module.
_START_LINE = f"{PACKAGE}:activate\n"
_HOME_PY = '''\
"""Written by `certboot hook install --home`: the store that the start-up hook of this Python uses."""

HOME = {home}


def activate():
    try:
        import certboot_startup

        certboot_startup.activate(HOME)
    except Exception:  # no hook, or one that is too old to be told: the interpreter must start
        pass
'''


def hook_files() -> dict[str, bytes]:
    """Return the hook as it lies beside this certboot: name, relative to a folder of packages, -> content."""
    package = Path(certboot_startup.__file__).parent
    paths = [*package.glob("*.py"), package.parent / PTH]
    try:
        contents = {
            path.relative_to(package.parent).as_posix(): files.read_regular(path, files.SMALL) for path in paths
        }
    except OSError as error:
        message = f"this certboot's own hook cannot be read: {error.strerror}: {error.filename}"
        raise CertbootError(message, "python -m pip install --force-reinstall --no-deps certboot") from error
    strange = next((name for name, data in contents.items() if not data.isascii()), None)
    if strange:
        message = f"this certboot's own hook is not as it was published: {package.parent / strange}"
        raise CertbootError(message, "python -m pip install --force-reinstall --no-deps certboot")
    return {name: contents[name] for name in in_order(contents)}


def copy_files(home: str, *, start_file: bool = False) -> dict[str, bytes]:
    """Return a copy of the hook that serves the store in the absolute folder ``home``, or for "" each user's own.

    ``start_file``: for an interpreter that runs no import lines (``start_up_files.NO_IMPORT_LINES``).
    """
    texts = {PTH: _COPY_PTH.format(home=ascii(home))} if home else {}
    if start_file:
        texts[f"{PACKAGE}.start"] = _HOME_START if home else _START_LINE
    if start_file and home:
        texts[f"{HOME}.py"] = _HOME_PY.format(home=ascii(home))
    return hook_files() | _encoded(texts)


def base_files(home: str) -> dict[str, bytes]:
    """Return the hook for the library folder of an interpreter, which every virtualenv of that has on its path.

    There it is found by ``sitecustomize.py``; ``home`` as with ``copy_files``.
    """
    modules = {name.replace(PACKAGE, BASE_FOLDER, 1): data for name, data in hook_files().items() if name != PTH}
    start = files.read_regular(Path(__file__).with_name(f"base_{BASE}"), files.SMALL)
    return {**modules, BASE: start.replace(b'\nHOME = ""\n', f"\nHOME = {home!a}\n".encode("ascii"), 1)}


def home_files(home: str, *, start_file: bool = False) -> dict[str, bytes]:
    """Return what records a store's absolute folder beside a hook that is not a copy.

    Nothing for "", unless an interpreter needs a ``start_file``: an installer puts none there.
    """
    if not home and not start_file:
        return {}
    texts = {f"{HOME}.py": _HOME_PY.format(home=ascii(home)), f"{HOME}.pth": _HOME_PTH}
    return _encoded(texts | ({f"{HOME}.start": _HOME_START} if start_file else {}))


def _encoded(texts: dict[str, str]) -> dict[str, bytes]:
    # ascii() has quoted whatever a path can hold, undecodable bytes (as lone surrogates) included.
    return {name: text.encode("ascii") for name, text in texts.items()}


def in_order(names: Iterable[str]) -> list[str]:
    """Return names in the order in which they may be written: at no moment does one call another that is missing."""
    return sorted(names, key=lambda name: (START.index(name) + 1 if name in START else 0, "__init__" in name, name))
