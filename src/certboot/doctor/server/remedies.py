"""The commands that mend a cause from this side, each an argv that runs as it stands."""

from __future__ import annotations

import typing

from certboot.net.target import bracketed

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.doctor.environment.trust_files import Override
    from certboot.doctor.finding import Fix
    from certboot.net.target import Target


def certboot(command: str, target: Target, *options: str) -> Fix:
    """Have a command of certboot look at the same server, in the same way but for these options."""
    return (("certboot", command, *_way(target), *options),)


def through_store(commands: Fix, overrides: Sequence[Override], target: Target) -> Fix:
    """Do this to the store, and let programs use it where a variable keeps it out.

    A value that nobody can use cannot be adopted, and only who set it can take it back: the last command shows that it
    is at fault. Beside one that can be, it does no harm: OpenSSL passes over what is not there.
    """
    adopted = [override.name for override in overrides if override.can_be_adopted]
    if adopted:
        return (*commands, ("certboot", "adopt", *adopted))
    if overrides:
        unset = (option for override in overrides for option in ("-u", override.name))
        return (*commands, ("env", *unset, "certboot", "doctor", *_way(target)))
    return commands


def _way(target: Target) -> tuple[str, ...]:
    """Return the arguments that lead to the same server again."""
    argv = [target.shown]
    if target.starttls:
        argv += ["--starttls", target.starttls]
    if target.connect:
        host, port = target.connect
        argv += ["--connect", f"{bracketed(host)}:{port}"]
    if target.servername:
        argv += ["--servername", target.servername]
    return tuple(argv)
