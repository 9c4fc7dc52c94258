"""Written by `certboot hook install --base`: the hook of certboot in this Python and in every virtualenv of it."""
# certboot never imports this: it is copied into the library folder of an interpreter. Python imports one sitecustomize,
# the first on sys.path. What would be that one without this file is run as Python runs it, and before the hook, so that
# what it sets counts as chosen. Where there is none, this one stays, as a distribution's does: a tracer, such as New
# Relic's, that puts its own on PYTHONPATH loads the next without a thought that it could fail.
# For the syntax of Python 3.8; every start pays for it.

import os
import sys

try:
    from _frozen_importlib import _load  # type: ignore[attr-defined]  # what pydoc, too, loads by
    from _frozen_importlib_external import PathFinder, spec_from_file_location
except ImportError:
    raise ModuleNotFoundError("an unknown Python", name="sitecustomize") from None  # what site is silent about

HOME = ""

_FOLDER = os.path.dirname(__file__)


def _next():
    # type: () -> object
    places = sys.path if _FOLDER in sys.path else [os.path.abspath(place) for place in sys.path]
    further = sys.path[places.index(_FOLDER) + 1 :] if _FOLDER in places else []
    spec = PathFinder.find_spec("sitecustomize", further)
    finders = sys.meta_path if spec is None else []
    for finder in finders[finders.index(PathFinder) + 1 :] if PathFinder in finders else ():
        spec = finder.find_spec("sitecustomize", None) if hasattr(finder, "find_spec") else None
        if spec is not None:
            break
    return spec


def _activate():
    # type: () -> None
    hook = sys.modules.get("certboot_startup")
    if hook is None:  # else the virtualenv has one of its own, which was first
        spec = PathFinder.find_spec("certboot_startup")
        if spec is None or not spec.has_location:  # nor is there a certboot that needs its own, as on PYTHONPATH
            folder = _FOLDER + "/certboot.base"
            place = folder + "/__init__.py"
            spec = spec_from_file_location("certboot_startup", place, submodule_search_locations=[folder])
        hook = _load(spec)
    hook.activate(HOME)


try:
    _spec = _next()
    if _spec is not None:
        _load(_spec)  # takes the place of this module, and whatever it raises is for ``site``
finally:
    try:
        _activate()
    except Exception:  # the interpreter must start
        pass
