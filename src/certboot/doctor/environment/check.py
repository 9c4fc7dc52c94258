"""The group ``environment``: variables, settings files, proxies, rival packages and the clock."""

from __future__ import annotations

import sys
import typing

from certboot import moment
from certboot.clients.installed import installed_versions
from certboot.clients.settings import find_settings
from certboot.clients.settings_places import surroundings
from certboot.doctor.environment import clock, conflicts, proxies, settings, variables, verification_off
from certboot.doctor.environment.trust_files import Here, TrustFiles
from certboot.store import generations
from certboot.store.paths import BUNDLE, CRTS

if typing.TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certboot.doctor.finding import Finding
    from certboot.store.paths import StorePaths


def check(paths: StorePaths, environ: Mapping[str, str], now: datetime | None = None) -> list[Finding]:
    """Return the findings on all that decides, outside the store, whom the programs of this user trust."""
    around = surroundings(environ)
    known = generations.known_in_force(paths)
    here = Here(paths, around, known, trust_files(paths, known))
    named = find_settings(around, git=True)
    certifi = installed_versions(sys.path).get("certifi", "")
    return [
        *variables.check(here),
        *settings.check(here, named),
        *verification_off.check(environ, named.settings),
        *proxies.check(environ),
        *conflicts.check(),
        *clock.check(now or moment.now(), known, certifi),
    ]


def trust_files(paths: StorePaths, known: generations.Generation | None) -> TrustFiles:
    """Return a reader of files of certificates that knows those of the store."""
    if known is None:
        return TrustFiles()
    folders = (paths.current, known.folder)
    bundled = (entry.sha256 for entry in known.record.certificates if entry.bundled)
    return TrustFiles((str(folder / BUNDLE) for folder in folders), bundled, (str(folder / CRTS) for folder in folders))
