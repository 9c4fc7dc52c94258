"""The hook of a base, in real interpreters: whose sitecustomize runs, in which order, and what is to be seen of it."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
import typing
from pathlib import Path

import pytest
from support.environments import SYSTEM_PATH
from support.hook_store import Store
from support.virtualenvs import interpreter, library, packages, python_of, virtualenv

from certboot.hook import install, payload

SHOW = """\
import os, sys
hook = sys.modules.get("certboot_startup")
def others():  # the base's own stays where there is no other, as a distribution's does, and is passed over here
    other = sys.modules.get("sitecustomize")
    return None if os.path.dirname(getattr(other, "__file__", None) or "") == os.path.dirname(os.__file__) else other
other, shown = others(), lambda path: path and os.path.relpath(path, sys.prefix)
print(other and (repr(other.__spec__.loader)[:30], shown(getattr(other, "__file__", "")), shown(other.__spec__.cached)))
print(other and (other.__name__, other.__package__, shown(other.__spec__.origin), getattr(other, "seen", None)))
try:
    import sitecustomize
    print(others() is other)
except Exception as error:
    none = getattr(error, "name", "") == "sitecustomize"
    print(*[other is None] if none else [type(error), error])
print(len(sys.path), len(sys.meta_path), getattr(hook, "status", None))
"""
FINDER = """\
import importlib.machinery as m, os, sys
class Finder:
    find_spec = lambda self, name, *_: m.PathFinder.find_spec(name, [os.path.join(sys.prefix, "elsewhere")])
sys.meta_path.append(Finder())
"""
OF_OLD = "type('Finder', (), {'find_module': lambda *_: None})"
BESIDE = "../../../elsewhere/sitecustomize"
SEEN = "import os, sys\nseen = 'certboot_startup' in sys.modules, sorted(set(globals()))\nprint('it runs')\n"
OTHERS: dict[str, dict[str, str]] = {
    "none": {},
    "a module": {"sitecustomize.py": SEEN},
    "a package": {"sitecustomize/__init__.py": SEEN + "from . import more\n", "sitecustomize/more.py": ""},
    "a folder": {"sitecustomize/more.py": ""},
    "one that fails": {"sitecustomize.py": "1 / 0\n"},
    "one that lacks a module": {"sitecustomize.py": "import not_there\n"},
    "one that cannot be read": {"sitecustomize.py": "if\n"},
    "one that ends Python": {"sitecustomize.py": "raise SystemExit('so be it')\n"},
    "one that ends it at once": {"sitecustomize.py": "import os; os._exit(7)\n"},
    "one that imports itself": {"sitecustomize.py": "import sitecustomize; seen = sitecustomize.__file__[-16:]\n"},
    "one that is another": {"sitecustomize.py": "import sys, b; sys.modules[__name__] = b\n", "b.py": ""},
    "one that removes itself": {"sitecustomize.py": "import sys; del sys.modules[__name__]\n"},
    "none, and a finder of old": {"a.pth": f"import sys; sys.meta_path.append({OF_OLD})\n"},
    "one that a finder knows": {"a.pth": "import finding\n", "finding.py": FINDER, f"{BESIDE}.py": SEEN},
}  # fmt: skip
FLAGS: tuple[tuple[str, ...], ...] = ((), ("-I",), ("-E", "-s"), ("-S",))
FOR_ALL_FLAGS = ("none", "a module")


class Seen(typing.NamedTuple):
    status: int
    out: str
    err: str


def started(venv: Path, *argv: str, **variables: str) -> Seen:
    environ = {"HOME": "/nowhere", "PATH": SYSTEM_PATH, **variables}
    done = subprocess.run([python_of(venv), *argv], env=environ, capture_output=True, text=True, check=False)
    # A traceback has the hook's own file as well.
    errors = [line for line in done.stderr.splitlines(keepends=True) if not line.startswith("  ")]
    return Seen(done.returncode, done.stdout, "".join(errors))


@pytest.fixture(scope="module", params=["3.8", "3.13"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Virtualenvs of two equal interpreters, of which the second has the hook for all of them."""
    folder = tmp_path_factory.mktemp("bases")
    names = ("as it comes", "with the hook")
    made = [virtualenv(folder / f"venv {n}", python=interpreter(folder / n, request.param)) for n in names]
    install.install(library(folder / names[1]), base=True)
    return made


def put(venv: Path, files: dict[str, str]) -> None:
    """Let a virtualenv have these files in its folder of packages, and no others."""
    folder = packages(venv)
    for former in (folder, venv / "elsewhere"):
        shutil.rmtree(former, ignore_errors=True)
        former.mkdir()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_another_sitecustomize_runs_as_without_the_hook(pair: list[Path]) -> None:
    for other, files in OTHERS.items():
        for flags in FLAGS if other in FOR_ALL_FLAGS else FLAGS[:2]:
            results = []
            for venv in pair:
                put(venv, files)
                results.append(started(venv, *flags, "-c", SHOW))
            without, having = results
            acts = flags != ("-S",) and "ends" not in other
            assert without.out.endswith("None\n") or "ends" in other
            assert having == without._replace(out=without.out[:-5] + "no-store\n" if acts else without.out), (
                other,
                flags,
            )
    # The controls: what was compared is there to be seen.
    put(pair[1], OTHERS["one that fails"])
    assert (
        "Error in sitecustomize; set PYTHONVERBOSE for traceback:\nZeroDivisionError" in started(pair[1], "-c", "").err
    )
    put(pair[1], OTHERS["a module"])
    assert started(pair[1], "-c", "").out == "it runs\n"


HOOK = """\
import sys
hook = sys.modules.get("certboot_startup")
print(hook and (hook.status, len(hook.applied), hook.__file__.endswith("certboot.base/__init__.py")))
"""


def test_what_another_sitecustomize_sets_counts_as_chosen_even_if_it_fails_then(
    pair: list[Path], reachable: Path
) -> None:
    store = Store(reachable / "store")
    for end in ("", "1 / 0"):
        put(pair[1], {"sitecustomize.py": f"import os; os.environ['REQUESTS_CA_BUNDLE'] = '/mine'\n{end}\n"})
        seen = started(pair[1], "-c", HOOK, CERTBOOT_HOME=str(store.home))
        assert (seen.out, "ZeroDivisionError" in seen.err) == ("('active', 6, True)\n", bool(end))
    put(pair[1], {})
    assert started(pair[1], "-c", HOOK, CERTBOOT_HOME=str(store.home)) == Seen(0, "('active', 7, True)\n", "")


def test_a_virtualenv_s_own_hook_acts_and_that_of_the_base_is_not_even_loaded(pair: list[Path]) -> None:
    put(pair[1], {name: data.decode() for name, data in payload.hook_files().items()})
    assert started(pair[1], "-c", HOOK) == Seen(0, "('no-store', 0, False)\n", "")


def test_a_certboot_on_pythonpath_keeps_its_own_hook(pair: list[Path], tmp_path: Path) -> None:
    """Which may be another version than that of the base, and the command needs its own."""
    put(pair[1], {})
    for name, data in payload.hook_files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    assert started(pair[1], "-c", HOOK, PYTHONPATH=str(tmp_path)) == Seen(0, "('no-store', 0, False)\n", "")
    assert started(pair[1], "-I", "-c", HOOK, PYTHONPATH=str(tmp_path)) == Seen(0, "('no-store', 0, True)\n", "")
    put(pair[1], {"certboot_startup/__pycache__/left": ""})  # of one that was removed
    assert started(pair[1], "-c", HOOK) == Seen(0, "('no-store', 0, True)\n", "")


def test_a_python_without_what_it_loads_by_starts_as_if_it_were_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "_frozen_importlib_external", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        runpy.run_path(str(Path(payload.__file__).with_name("base_sitecustomize.py")))
    assert caught.value.name == "sitecustomize"


def test_a_sitecustomize_on_pythonpath_goes_before_as_it_does_without_the_hook(
    pair: list[Path], tmp_path: Path
) -> None:
    put(pair[1], {})
    (tmp_path / "sitecustomize.py").write_text("print('before')\n")
    assert started(pair[1], "-c", HOOK, PYTHONPATH=str(tmp_path)) == Seen(0, "before\nNone\n", "")
    # As long as it leaves the others to run, the hook is one of them.
    (tmp_path / "sitecustomize.py").write_text(
        "import sys; del sys.modules[__name__], sys.path[0]; import sitecustomize\n"
    )
    assert started(pair[1], "-c", HOOK, PYTHONPATH=str(tmp_path)).out == "('no-store', 0, True)\n"


# As New Relic's agent does it (newrelic/bootstrap/sitecustomize.py), and others after it.
TRACER = """\
import sys
from importlib.machinery import PathFinder
following = PathFinder.find_spec("sitecustomize", sys.path[1:])
if following is not None:
    following.loader.load_module("sitecustomize")
print("traced")
"""


def test_a_tracer_that_loads_the_next_sitecustomize_goes_on_after_it(pair: list[Path], tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(TRACER)
    for mine, said in (({}, ""), ({"sitecustomize.py": "print('mine')\n"}, "mine\n")):
        for venv, hook in zip(pair, ("None", "('no-store', 0, True)"), strict=True):
            put(venv, mine)
            assert started(venv, "-c", HOOK, PYTHONPATH=str(tmp_path)).out == f"{said}traced\n{hook}\n", (venv, mine)


def test_the_hook_finds_an_end_where_the_library_is_on_the_path_twice_and_is_silent_without_its_modules(
    pair: list[Path],
) -> None:
    folder = library(pair[1].parent / "with the hook")
    put(pair[1], {})
    twice = f"{folder}/.:{folder}/../{folder.name}"
    assert started(pair[1], "-c", HOOK, PYTHONPATH=twice) == Seen(0, "('no-store', 0, True)\n", "")
    (folder / "certboot.base").rename(folder / "elsewhere")
    try:
        assert started(pair[1], "-c", HOOK) == Seen(0, "None\n", "")
    finally:
        (folder / "elsewhere").rename(folder / "certboot.base")


def test_what_lists_the_modules_or_imports_all_packages_of_the_library_meets_none_of_the_hook(pair: list[Path]) -> None:
    """As ``help("modules")`` and pkgutil.walk_packages() do."""
    for venv in pair:
        put(venv, {})
    listing = "import pkgutil; print(*sorted(module.name for module in pkgutil.iter_modules()))"
    without, having = (started(venv, "-c", listing).out.split() for venv in pair)
    assert set(having) - set(without) == {"sitecustomize"}
    assert "json" in without
