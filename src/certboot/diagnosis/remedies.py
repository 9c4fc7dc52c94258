"""The commands that mend a cause from this side, each an argv that runs as it stands."""

from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    from certboot.model import Target


def repair(target: Target) -> tuple[tuple[str, ...], ...]:
    """Fetch the intermediate that the server does not send."""
    return (("certboot", "repair", *_way(target)),)


def trust(target: Target) -> tuple[tuple[str, ...], ...]:
    """Show the CA that the server has, ask, and trust it."""
    return (("certboot", "trust", *_way(target)),)


def examine(target: Target, *options: str) -> tuple[tuple[str, ...], ...]:
    """Ask the doctor again, in another way."""
    return (("certboot", "doctor", *_way(target), *options),)


def _way(target: Target) -> tuple[str, ...]:
    """Return the arguments that lead to the same server again."""
    argv = [target.shown]
    if target.starttls:
        argv += ["--starttls", target.starttls]
    if target.connect:
        host, port = target.connect
        argv += ["--connect", f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]
    if target.servername:
        argv += ["--servername", target.servername]
    return tuple(argv)
