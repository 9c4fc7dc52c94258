"""Runs the groups of checks, and turns a check that breaks into a finding of its own."""

from __future__ import annotations

import typing

from certboot.doctor import environment, hook, store
from certboot.errors import CertbootError
from certboot.model import Finding

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from certboot.paths import StorePaths

GROUPS = ("environment", "hook", "store")


def examine(
    paths: StorePaths,
    environ: Mapping[str, str],
    groups: tuple[str, ...] = GROUPS,
    address: tuple[str, int] | None = None,
) -> tuple[Finding, ...]:
    """Return the findings of these groups in order, then that of one handshake if ``address`` names a host and port."""
    checks: dict[str, Callable[[], list[Finding]]] = {
        "environment": lambda: environment.check(paths, environ),
        "hook": lambda: hook.check(paths),
        "store": lambda: store.check(paths),
    }
    findings = [finding for name in groups for finding in _guarded(name, checks[name])]
    if address:
        from certboot.doctor import server  # brings in cryptography, which the rest does without

        findings += _guarded("server", lambda: server.check(*address))
    return tuple(findings)


def exit_code(findings: tuple[Finding, ...]) -> int:
    """Return 0 if nothing failed, 1 if something did, 2 if a check could not be finished."""
    statuses = {finding.status for finding in findings}
    return 2 if "error" in statuses else int("fail" in statuses)


def _guarded(group: str, check: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return check()
    except CertbootError as error:
        return [Finding("check-not-finished", group, "error", group, error.message, {"hint": error.hint})]
    except Exception as error:  # noqa: BLE001 - a broken check is a result; the other groups still have theirs
        return [Finding("check-not-finished", group, "error", group, f"{type(error).__name__}: {error}")]
