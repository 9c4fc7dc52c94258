"""What the hook costs a start of Python, in milliseconds: what it does is done again in this process, and timed.

To start interpreters with and without it, often enough to see a difference of a third of a millisecond in some 20,
would take longer than all other checks together.
"""

from __future__ import annotations

import os
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location

import certboot_startup

_NAME = "certboot_startup_timed"
_TIMES = 5


def milliseconds() -> float | None:
    """Return the least time of a few runs, rounded to 0.01 ms; None where it cannot be had."""
    environ = {name: value for name, value in os.environ.items() if name not in certboot_startup.applied}
    environ["CERTBOOT_GUARDS"] = "none"  # it shall not put itself on sys.meta_path
    try:
        return round(min(_once(environ) for _ in range(_TIMES)) * 1000, 2)
    except Exception:  # noqa: BLE001 - a figure less; what the hook did is known without it
        return None
    finally:
        sys.modules.pop(_NAME, None)


def _once(environ: dict[str, str]) -> float:
    began = time.perf_counter()
    spec = spec_from_file_location(_NAME, certboot_startup.__file__)
    if spec is None or spec.loader is None:
        raise ImportError
    module = module_from_spec(spec)
    sys.modules[_NAME] = module
    spec.loader.exec_module(module)
    setattr(module, "home", certboot_startup.home)  # noqa: B010 - mypy knows no attributes of it
    module._activate(dict(environ), set(environ))  # noqa: SLF001 - the hook has no parts that others may call
    return time.perf_counter() - began
