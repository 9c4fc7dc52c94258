"""The CA variables that certboot can set: a file or a directory, by default or not, and what holds each back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from certboot.store.paths import StorePaths
from certboot_startup import HOLDS_BACK

FILE = "file"
DIRECTORY = "directory"


@dataclass(frozen=True)
class Variable:
    """One environment variable by which some client finds its CA certificates."""

    name: str
    form: str
    """FILE or DIRECTORY: what most of its readers take. A directory for a FILE breaks some (EISDIR, SIGABRT)."""
    default: bool
    """Set unless configured away. The others reach no further client, and outrank the user's own configuration."""


VARIABLES = (
    Variable("REQUESTS_CA_BUNDLE", FILE, default=True),
    Variable("SSL_CERT_FILE", FILE, default=True),
    Variable("SSL_CERT_DIR", DIRECTORY, default=True),
    Variable("NODE_EXTRA_CA_CERTS", FILE, default=True),
    Variable("GIT_SSL_CAINFO", FILE, default=True),
    Variable("HTTPLIB2_CA_CERTS", FILE, default=True),
    Variable("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", FILE, default=True),
    Variable("GIT_SSL_CAPATH", DIRECTORY, default=False),
    Variable("CURL_CA_BUNDLE", FILE, default=False),
    Variable("AWS_CA_BUNDLE", FILE, default=False),
    Variable("PIP_CERT", FILE, default=False),
    Variable("CARGO_HTTP_CAINFO", FILE, default=False),
    Variable("WEBSOCKET_CLIENT_CA_BUNDLE", FILE, default=False),
)
BY_NAME = {variable.name: variable for variable in VARIABLES}

_SECONDS = 10


def held_back(
    settings: Iterable[str],
    paths: StorePaths,
    environ: Mapping[str, str] = os.environ,
    adopted: Collection[tuple[str, str]] = (),
) -> dict[str, tuple[str, str]]:
    """Return, for each of the variables that the hook leaves alone, the preset variable that decides it and its value.

    That is the variable itself, or one that the hook yields to (``certboot_startup.HOLDS_BACK``). A value of
    ``adopted`` (variable, value) holds nothing back: the hook replaces it.
    """
    held: dict[str, tuple[str, str]] = {}
    for name in settings:
        for preset in (name, *(other for other, variable in HOLDS_BACK.items() if variable == name)):
            value = environ.get(preset)
            if value is not None and not paths.holds(value) and (preset, value) not in adopted:
                held[name] = (preset, value)
                break
    return held


def settings_outranked(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the names of the git settings, outside any repository, that ``GIT_SSL_CAINFO`` would outrank.

    ``http.sslCAInfo`` and ``http.sslCAPath``, for one address or for all, included files as well (git-config(1)).
    Without git there are none.
    """
    command = ["git", "config", "--includes", "--name-only", "--get-regexp", r"^http\.(.*\.)?sslca(info|path)$"]
    try:
        found = subprocess.run(
            command, env=dict(environ), capture_output=True, check=False, text=True, errors="replace",
            timeout=_SECONDS, stdin=subprocess.DEVNULL, cwd=os.path.abspath(os.sep),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(dict.fromkeys(name for name in found.stdout.split("\n") if name))
