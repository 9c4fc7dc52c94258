"""What other commands say of the hook: where it acts, which copies of it are outdated, and which stay."""

from __future__ import annotations

import typing

from certboot.errors import printable
from certboot.store.place import SHARED

if typing.TYPE_CHECKING:
    from collections.abc import Iterable

    from certboot.hook.copies import Copy, Outdated
    from certboot.hook.tool_environment import Elsewhere


def init_notes(
    *,
    tool: str = "",
    other: Elsewhere | None = None,
    renewed: Iterable[Copy] = (),
    outdated: Iterable[Outdated] = (),
    apart: str = "",
    place: Iterable[str] = (),
) -> list[str]:
    """Return the lines that ``init`` and ``update`` add on where the hook acts.

    ``tool``: what made the environment that certboot is in; ``other``: the interpreter that the user probably means;
    ``apart``: the store's folder, where the hook in this environment looks elsewhere; ``place``: what is to be known
    of the place of the store.
    """
    lines = [f"  note      {printable(note)}" for note in place]
    if lines:
        lines.append(f"            {SHARED}")
    if tool:
        python = f"--python {printable(other.python)}{' --user' if other.user else ''}" if other else "--python PATH"
        lines.append(f"  note      the hook acts only in this environment, which {tool} made for certboot; for others:")
        lines.append(f"            certboot hook install {python}{f' --home {printable(apart)}' if apart else ''}")
    elif apart:
        lines.append("  note      a Python uses this store with CERTBOOT_HOME, or once it is told so:")
        lines.append(f"            certboot hook install --home {printable(apart)} --python PATH")
    lines += [f"  renewed   the copy of the hook in {printable(copy.folder)}" for copy in renewed]
    return lines + [line for copy in outdated for line in _outdated(copy)]


def remaining(copies: Iterable[Copy]) -> list[str]:
    """Return what ``purge`` says of copies of the hook that it leaves in other interpreters."""
    commands = [f"  {printable(copy.command('uninstall'))}" for copy in copies]
    head = "copies of the hook stay in other interpreters, where they do nothing without a store; to remove them:"
    return [head, *commands] if commands else []


def _outdated(outdated: Outdated) -> list[str]:
    version = f"of certboot {printable(outdated.version)} " if outdated.version else ""
    return [
        f"  outdated  the copy of the hook {version}in {printable(outdated.copy.folder)}; to renew it:",
        f"            {printable(outdated.copy.command('install'))}",
    ]
