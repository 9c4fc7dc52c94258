"""The group ``clients``: which certificates each client that is here trusts now, and who decided it. Starts none."""

from __future__ import annotations

import os
import ssl
import typing

import certboot_startup
from certboot.clients.installed import present_clients
from certboot.clients.settings import client_settings
from certboot.clients.settings_places import surroundings
from certboot.clients.table import SYSTEM_DIRECTORY, SYSTEM_FILE, places
from certboot.clients.trust import BY_DEFAULT, BY_HOOK, BY_OTHERS, BY_SETTING, MISSING, UNUSABLE, Facts, effective_trust
from certboot.clients.variables import BY_NAME, DIRECTORY, FILE
from certboot.doctor.environment.trust_files import TrustFiles
from certboot.doctor.finding import Finding
from certboot.store import env_file
from certboot.store.config import Config
from certboot.store.paths import BUNDLE

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from certboot.clients.table import Client
    from certboot.clients.trust import Source, Trust
    from certboot.doctor.finding import Status
    from certboot.store.paths import StorePaths


class Hook(typing.NamedTuple):
    """What the hook does in a process."""

    generation: str
    """The folder of the generation by which it goes; empty where it is not active."""
    applied: Mapping[str, str]
    """Variable -> value, as it has set them."""
    guards: frozenset[str]
    """Those in force."""


def check(paths: StorePaths, environ: Mapping[str, str]) -> list[Finding]:
    """Return one finding for each client that this interpreter or PATH has."""
    present = present_clients(environ)
    facts = gather(paths, environ, present)
    return [
        _finding(client, where, effective_trust(client, environ, facts), facts) for client, where in present.items()
    ]


def gather(paths: StorePaths, environ: Mapping[str, str], clients: Iterable[Client], hook: Hook | None = None) -> Facts:
    """Return what there is to know for these clients, of this process or one with that hook, and of the files named."""
    folder, applied, guards = hook or _hook_here()
    clients = tuple(clients)
    settings = client_settings(environ, {client.name for client in clients}, surroundings(environ).folder)
    variables = {place.name for client in clients for place in places(client) if not place.setting}
    named = [environ[name] for name in variables if name in environ]
    named += [setting.value for own in settings.values() for setting in own.values()]
    wanted = env_file.read(paths.env)
    trust_files = TrustFiles()

    def kind(path: str) -> str:
        if os.path.isdir(path) or not os.path.exists(path):
            return DIRECTORY if os.path.isdir(path) else MISSING
        # What is in the store's own files the group ``store`` looks at.
        return FILE if paths.holds(path) or not trust_files.file(path).problem else UNUSABLE

    return Facts(
        paths.holds,
        bundle=os.path.join(folder, BUNDLE) if folder else "",
        applied=applied,
        guards=guards,
        variables=frozenset(variable.name for variable in Config().variables())
        if wanted is None
        else frozenset(wanted),
        settings=settings,
        kinds={path: kind(path) for value in named for path in (value, *value.split(os.pathsep))},
        defaults=_defaults(),
    )


def _hook_here() -> Hook:
    folder = certboot_startup.generation
    return Hook(folder, dict(certboot_startup.applied), _guards() if folder else frozenset())


def _guards() -> frozenset[str]:
    """Return the guards that are on, and have not stepped aside in this process."""
    on = {name.strip() for name in certboot_startup.switches.split(",")}
    aside = {
        certboot_startup.GUARDED[module]
        for module, state in certboot_startup.guarded.items()
        if state.startswith("stepped aside") and not module.startswith("pip.")
    }
    return frozenset(on - aside)


def _defaults() -> dict[str, str]:
    paths = ssl.get_default_verify_paths()
    defaults = {SYSTEM_FILE: paths.openssl_cafile, SYSTEM_DIRECTORY: paths.openssl_capath}
    return {name: path for name, path in defaults.items() if os.path.exists(path)}


def _finding(client: Client, where: str, trust: Trust, facts: Facts) -> Finding:
    evidence: dict[str, object] = {
        "trusts": [_as_evidence(source) for source in trust.sources],
        "unusable": [_as_evidence(source) for source in trust.unusable],
        "read_at": client.moment,
        "program" if client.program else "version": where,
    }
    kind, status = _verdict(client, trust)
    summary = _told(client, trust.sources) or "nobody"
    if trust.unusable:
        summary = f"cannot load {_told(client, trust.unusable)}, and " + (
            "fails for every host" if trust.fails else f"trusts {summary}"
        )
        evidence["unset"] = [source.place for source in trust.unusable if source.decided_by == BY_OTHERS]
    elif kind == "client-unreached":
        summary += f"; it looks at nothing that certboot sets, and what helps is {client.notes.way}"
        evidence["way"] = client.notes.way
    elif kind == "client-uses-default" and not _is_reached(client, facts):
        summary += f"; {left_out(client)}"
    return Finding(kind, "clients", status, client.name, summary, evidence)


def _verdict(client: Client, trust: Trust) -> tuple[str, Status]:
    if trust.unusable or trust.fails:
        return "client-cannot-load", "warn"
    if trust.reaches_store:
        return "client-uses-store", "ok"
    if any(source.place for source in trust.sources):
        return "client-told-otherwise", "info"
    return ("client-uses-default" if _ours(client) or _is_guarded(client) else "client-unreached"), "info"


def is_counted(client: Client, trust: Trust, facts: Facts) -> bool:
    """Return whether certboot means to reach the client, and no settings file of the client's has another say."""
    return not told_by_settings(trust) and _is_reached(client, facts)


def decisive(trust: Trust) -> tuple[Source, ...]:
    """Return what the client trusts, or cannot load and fails by."""
    return trust.unusable if trust.fails and trust.unusable else trust.sources


def told_by_settings(trust: Trust) -> tuple[str, ...]:
    """Return the settings in files of the client's own that decide."""
    return tuple(source.place for source in decisive(trust) if source.decided_by == BY_SETTING)


def _is_reached(client: Client, facts: Facts) -> bool:
    """Return whether a variable reaches the client that is not left out, or a guard."""
    return bool(facts.variables.intersection(_ours(client))) or _is_guarded(client)


def left_out(client: Client) -> str:
    """Return in words which variables of the client's would be set but for the profile or the configuration."""
    return f"certboot leaves out {', '.join(name for name in _ours(client) if BY_NAME[name].default)}"


def _ours(client: Client) -> list[str]:
    """Return the variables of certboot's at which the client looks."""
    return [place.name for place in places(client) if place.name in BY_NAME]


def _is_guarded(client: Client) -> bool:
    return not client.program and any(choice.guarded_by for choice in client.choices)


def _told(client: Client, sources: Iterable[Source]) -> str:
    """Return in words what is trusted and who decided it, what one decision comes to in one place."""
    groups: dict[tuple[str, str], list[str]] = {}
    for source in sources:
        trusted = "certboot's store" if source.of_store else source.what
        groups.setdefault((trusted, _decided(client, source)), []).append(source.place)
    parts = []
    for (trusted, decided), named in groups.items():
        why = ": ".join(filter(None, (", ".join(filter(None, named)), decided)))
        parts.append(f"{trusted or repr(trusted)} ({why})" if why else trusted)
    return ", ".join(parts)


def _decided(client: Client, source: Source) -> str:
    if source.decided_by == BY_HOOK and client.program:
        return f"{BY_HOOK}, for what this Python starts"
    return {BY_DEFAULT: "default", BY_SETTING: "", BY_OTHERS: f"set by {BY_OTHERS}"}.get(
        source.decided_by, source.decided_by
    )


def _as_evidence(source: Source) -> dict[str, str]:
    return {"what": source.what, "place": source.place, "decided_by": source.decided_by}
