"""Variables as a piece of a tool's own configuration: a unit, a compose file, a pipeline, an editor's settings. Pure.

Where a tool starts programs in a container, the piece also mounts the store's folder there, at its own path. A value
that a tool would bend gets refused, as in ``env_formats``.
"""

from __future__ import annotations

import json
import sys
import typing
from collections.abc import Callable, Mapping

from certboot.cli.env_formats import refuse_bytes, refused
from certboot.errors import CertbootError


def systemd(settings: Mapping[str, str], _home: str) -> str:
    """Return a drop-in for a unit: systemd.syntax(7) has the escapes, systemd.exec(5) what ``%`` is in it."""
    lines = (f'Environment="{name}={_escaped(value.replace("%", "%%"))}"\n' for name, value in settings.items())
    return "".join(("[Service]\n", *lines))


def docker_compose(settings: Mapping[str, str], home: str) -> str:
    """Return a file that Compose merges into another (``-f``); a ``$`` is written twice (its page on interpolation)."""
    _refuse_no_path(home, "docker-compose")
    folder = _quoted(home.replace("$", "$$"))
    variables = (f"      {name}: {_quoted(value.replace('$', '$$'))}\n" for name, value in settings.items())
    mount = f"      - type: bind\n        source: {folder}\n        target: {folder}\n        read_only: true\n"
    return "".join(("services:\n  SERVICE:\n    environment:\n", *variables, "    volumes:\n", mount))


def gitlab(settings: Mapping[str, str], _home: str) -> str:
    """Return ``variables:`` of .gitlab-ci.yml, whose reference has ``expand: false`` for what holds a ``$``."""
    lines = (
        f"  {name}: " + (f"{{value: {_quoted(value)}, expand: false}}\n" if "$" in value else f"{_quoted(value)}\n")
        for name, value in settings.items()
    )
    return "".join(("variables:\n", *lines))


def devcontainer(settings: Mapping[str, str], home: str) -> str:
    """Return ``containerEnv`` and ``mounts`` of devcontainer.json, whose reference is at containers.dev.

    A mount is what ``docker run --mount`` takes: fields between commas (a CSV record, in which a quote is a sign).
    """
    _refuse_no_path(home, "devcontainer")
    _refuse_expanded("devcontainer", (*settings.values(), home))
    if any(char in home for char in ',"\r\n'):
        raise refused(home, "devcontainer", "a mount cannot name")
    mount = f"source={home},target={home},type=bind,readonly"
    return _json({"containerEnv": dict(settings), "mounts": [mount]})


def mcp(settings: Mapping[str, str], _home: str) -> str:
    """Return ``mcpServers`` as clients of the Model Context Protocol read it; some of them expand ``${NAME}``."""
    _refuse_expanded("mcp", settings.values())
    return _json({"mcpServers": {"SERVER": {"command": "uvx", "args": ["PROGRAM"], "env": dict(settings)}}})


def vscode(settings: Mapping[str, str], _home: str) -> str:
    """Return a setting of VS Code for the terminals that it opens; ``${NAME}`` would be one of its own variables."""
    _refuse_expanded("vscode", settings.values())
    system = {"darwin": "osx", "win32": "windows"}.get(sys.platform, "linux")
    return _json({f"terminal.integrated.env.{system}": dict(settings)})


def _escaped(text: str) -> str:
    """Return what stands between double quotes in a unit and in YAML alike."""
    return "".join(map(_escaped_character, text))


def _escaped_character(char: str) -> str:
    if char in '\\"':
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _json(whole: dict[str, object]) -> str:
    return json.dumps(whole, indent=2) + "\n"


def _refuse_expanded(form: str, values: typing.Iterable[str]) -> None:
    for value in values:
        if "${" in value:
            raise refused(value, form, "its readers would expand")


def _refuse_no_path(home: str, form: str) -> None:
    if not home.startswith("/"):
        message = f"--format {form}: a container of Linux has no such folder: {home}"
        raise CertbootError(message, "certboot export --format pem-bundle ca.pem makes a file to mount")


class Snippet(typing.NamedTuple):
    """One tool's piece."""

    write: Callable[[Mapping[str, str], str], str]
    """Settings and the store's folder in, text out; raises CertbootError for what the tool cannot carry."""
    note: str
    """Where the piece goes, and for whom its paths do not hold."""


_SNIPPETS = {
    "systemd": Snippet(
        systemd,
        "for `systemctl --user edit SERVICE`; a service of another user needs a store it may enter (init --home)",
    ),
    "docker-compose": Snippet(
        docker_compose,
        "write your service's name for SERVICE; the store is mounted from the machine on which Docker runs",
    ),
    "gitlab": Snippet(
        gitlab,
        "for a runner's shell executor on this machine; in a container, run `certboot init` in before_script",
    ),
    "devcontainer": Snippet(
        devcontainer,
        "the store is mounted from the machine on which Docker runs; elsewhere, `certboot init` in postCreateCommand",
    ),
    "mcp": Snippet(
        mcp,
        "write your server's name and command in; a client in WSL or a remote window needs that system's own store",
    ),
    "vscode": Snippet(
        vscode,
        "for terminals on this machine; a remote window (SSH, WSL, container) needs that system's own store",
    ),
}


def snippet(form: str, settings: Mapping[str, str], home: str) -> str:
    """Return the piece for a tool; nothing for no settings. Raises CertbootError for what it cannot carry."""
    refuse_bytes(form, {**settings, "": home})
    return _SNIPPETS[form].write(settings, home) if settings else ""


NOTES = {form: piece.note for form, piece in _SNIPPETS.items()}
