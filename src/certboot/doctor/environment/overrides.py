"""The variables that keep certboot's store out of what the ssl module of this process trusts."""

from __future__ import annotations

import functools
import typing

from certboot.clients.variables import BY_NAME, DIRECTORY
from certboot.doctor.environment.trust_files import TrustFiles
from certboot.doctor.server.case import Override
from certboot.printable import printable
from certboot.store.adoptions import Adoption

if typing.TYPE_CHECKING:
    from collections.abc import Mapping

    from certboot.store.paths import StorePaths

_NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def overrides(paths: StorePaths, environ: Mapping[str, str]) -> tuple[Override, ...]:
    """Return those of OpenSSL's two variables that something else has set."""
    return tuple(
        _override(name, environ[name]) for name in _NAMES if name in environ and not paths.holds(environ[name])
    )


@functools.lru_cache(maxsize=len(_NAMES))  # a scan asks for every issuer that is not known
def _override(name: str, value: str) -> Override:
    files = TrustFiles()
    contents = files.directories(value) if BY_NAME[name].form == DIRECTORY else files.file(value)
    problem = printable(contents.words) if contents.problem else ""
    return Override(name, problem, can_be_adopted=not problem and not Adoption(name, value).unfit)
