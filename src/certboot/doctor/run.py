"""Runs the groups of checks, and turns a check that breaks into a finding of its own."""

from __future__ import annotations

import typing
from dataclasses import replace

from certboot.doctor.clients import check as clients
from certboot.doctor.environment import check as environment
from certboot.doctor.finding import Finding, with_store, without_return
from certboot.doctor.hook import check as hook
from certboot.doctor.store import check as store
from certboot.errors import CertbootError, SourceError, printable

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from certboot.doctor.finding import Group
    from certboot.doctor.server.chain_file import ChainFile
    from certboot.net.target import Target
    from certboot.store.paths import StorePaths

GROUPS: tuple[Group, ...] = ("environment", "hook", "store", "clients")


def examine(
    paths: StorePaths,
    environ: Mapping[str, str],
    groups: tuple[Group, ...] = GROUPS,
    server: Target | ChainFile | None = None,
    *,
    tried: bool = False,
) -> tuple[Finding, ...]:
    """Return the findings of these groups in order, then those on one server, or one chain from a file.

    With ``tried`` each client that is here is also let loose on the server. Raises SourceError for a file of a chain
    that cannot be read.
    """
    checks: dict[Group, Callable[[], list[Finding]]] = {
        "environment": lambda: environment.check(paths, environ),
        "hook": lambda: hook.check(paths),
        "store": lambda: store.check(paths),
        "clients": lambda: clients.check(paths, environ),
    }
    findings = without_return((finding for name in groups for finding in _guarded(name, checks[name])), groups)
    if server:
        from certboot.net.target import Target

        # Who asks about a host need have no store: that fails nothing until something leads to it.
        findings = [replace(known, status="warn") if known.id == "store-missing" else known for known in findings]
        # A file to judge that cannot be read is no result, but a mistake in what was asked for.
        passed = () if isinstance(server, Target) else SourceError
        findings += _guarded("server", lambda: _server(server, paths), passed)
        if tried:
            reached = any(finding.seen.chain for finding in findings)
            findings += _guarded("clients", lambda: _trials(server, paths, environ, reached=reached))
    return tuple(with_store(findings, paths))


def exit_code(findings: tuple[Finding, ...]) -> int:
    """Return 0 if nothing failed, 1 if something did, 2 if a check could not be finished."""
    statuses = {finding.status for finding in findings}
    return 2 if "error" in statuses else int("fail" in statuses)


def _server(server: Target | ChainFile, paths: StorePaths) -> list[Finding]:
    # These bring in cryptography, which the rest does without.
    from certboot.doctor.server import chain_file
    from certboot.doctor.server import check as live

    return chain_file.check(server, paths) if isinstance(server, chain_file.ChainFile) else live.check(server, paths)


def _trials(
    server: Target | ChainFile, paths: StorePaths, environ: Mapping[str, str], *, reached: bool
) -> list[Finding]:
    from certboot.doctor.clients import trials
    from certboot.net.target import Target

    if not isinstance(server, Target):
        return []
    return trials.check(paths, environ, server.host, server.port, reached=reached)


def _guarded(
    group: Group, check: Callable[[], list[Finding]], passed: type[SourceError] | tuple[()] = ()
) -> list[Finding]:
    try:
        return check()
    except passed:
        raise
    except CertbootError as error:
        return [Finding("check-not-finished", group, "error", group, error.message, {"hint": error.hint})]
    except OSError as error:
        words = f"{error.strerror or error}" + (f": {error.filename}" if error.filename else "")
        return [Finding("check-not-finished", group, "error", group, words, here=tuple(words.split("\n")))]
    except Exception as error:  # noqa: BLE001 - a broken check is a result; the other groups still have theirs
        return [Finding("check-not-finished", group, "error", group, printable(f"{type(error).__name__}: {error}"))]
