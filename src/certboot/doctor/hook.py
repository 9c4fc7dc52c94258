"""The group ``hook``: did it run in this interpreter, and if it did nothing, why."""

from __future__ import annotations

import os
import sys
import typing

import certboot_startup
from certboot.config import load_config
from certboot.model import Finding

if typing.TYPE_CHECKING:
    from certboot.paths import StorePaths

_GROUP = "hook"
_INIT = (("certboot", "init"),)
_LOOK = (("certboot", "doctor", "store"),)
_REINSTALL = (sys.executable, "-m", "pip", "install", "--force-reinstall", "--no-deps", "certboot")

# What certboot_startup.status can say, in words, and how bad it is.
_REASONS = {
    "homeless": ("fail", "found no absolute path for a home folder: set HOME or CERTBOOT_HOME", ()),
    "nothing-to-set": ("info", "has nothing to set: config.toml removes every variable", ()),
    "disabled": ("info", "turned off by CERTBOOT_DISABLE", ()),
    "no-store": ("warn", "found no store to point at", _INIT),
    "bad-env": ("fail", "does not take the store's env file: not a small regular file with paths of this store", _INIT),
    "unsafe": ("fail", "refuses the store: somebody else owns a part of it or can write there", _LOOK),
    "incomplete": ("fail", "refuses the store: its bundle or directory is empty", _INIT),
}


def check(paths: StorePaths) -> list[Finding]:
    """Return what the hook did in the interpreter that runs this."""
    status = certboot_startup.status
    evidence: dict[str, object] = {
        "status": status,
        "interpreter": sys.executable,
        "module": certboot_startup.__file__,
        "variables": sorted(certboot_startup.applied),
    }

    def finding(kind: str, level: str, summary: str, fix: tuple[tuple[str, ...], ...] = ()) -> Finding:
        return Finding(kind, _GROUP, level, "hook", summary, evidence, fix)

    if not status:
        return [finding("hook-not-run", "fail", _why_not_run(), (_REINSTALL,))]
    if certboot_startup.store_home(os.environ, set(os.environ)) != str(paths.home):
        return [finding("hook-looks-elsewhere", "fail", f"looks for the store in another folder than {paths.home}")]
    if status == "active":
        count = len(certboot_startup.applied)
        return [finding("hook-active", "ok", f"ran in {sys.executable} and set {count} variables")]
    level, reason, fix = _REASONS.get(status, ("fail", f"gave up: {status}", _INIT))
    lost = status == "no-store" and paths.generations.exists()
    if lost or (status == "nothing-to-set" and load_config(paths.config).variables()):
        level, reason, fix = "fail", f"found the store's env file missing or empty: {paths.env}", _INIT
    return [finding("hook-inactive", level, f"ran in {sys.executable}, and {reason}", fix)]


def _why_not_run() -> str:
    if sys.flags.no_site:
        return "did not run: this interpreter was started with -S"
    return f"did not run in {sys.executable}: certboot_startup.pth is missing from its site-packages, or not processed"
