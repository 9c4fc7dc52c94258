"""The table of CA variables: which client reads each, whether it takes a file or a directory, and who outranks it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from certboot.paths import StorePaths
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
    readers: str


VARIABLES = (
    Variable("REQUESTS_CA_BUNDLE", FILE, default=True, readers="requests, pip, botocore, Poetry, niquests, curl_cffi"),
    Variable("SSL_CERT_FILE", FILE, default=True, readers="ssl, urllib, httpx, aiohttp, uv, curl, cargo, openssl"),
    Variable("SSL_CERT_DIR", DIRECTORY, default=True, readers="ssl, urllib, aiohttp, uv, curl, cargo, openssl"),
    Variable("NODE_EXTRA_CA_CERTS", FILE, default=True, readers="Node.js, npm"),
    Variable("GIT_SSL_CAINFO", FILE, default=True, readers="git"),
    Variable("HTTPLIB2_CA_CERTS", FILE, default=True, readers="httplib2"),
    Variable("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", FILE, default=True, readers="grpcio"),
    Variable("CURL_CA_BUNDLE", FILE, default=False, readers="curl, requests"),
    Variable("AWS_CA_BUNDLE", FILE, default=False, readers="botocore, AWS CLI"),
    Variable("PIP_CERT", FILE, default=False, readers="pip"),
    Variable("CARGO_HTTP_CAINFO", FILE, default=False, readers="cargo"),
    Variable("WEBSOCKET_CLIENT_CA_BUNDLE", FILE, default=False, readers="websocket-client"),
)
BY_NAME = {variable.name: variable for variable in VARIABLES}

_GIT_SECONDS = 10


def held_back(
    settings: Iterable[str], paths: StorePaths, environ: Mapping[str, str] = os.environ
) -> dict[str, tuple[str, str]]:
    """Return, for each of the variables that the hook leaves alone, the preset variable that decides it and its value.

    That is the variable itself, or one that the hook yields to (``certboot_startup.HOLDS_BACK``).
    """
    held: dict[str, tuple[str, str]] = {}
    for name in settings:
        for preset in (name, *(other for other, variable in HOLDS_BACK.items() if variable == name)):
            if preset in environ and not paths.holds(environ[preset]):
                held[name] = (preset, environ[preset])
                break
    return held


def git_settings(environ: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Return the names of the git settings, outside any repository, that ``GIT_SSL_CAINFO`` would outrank.

    ``http.sslCAInfo`` and ``http.sslCAPath``, for one address or for all, included files as well (git-config(1)).
    Without git there are none.
    """
    command = ["git", "config", "--includes", "--name-only", "--get-regexp", r"^http\.(.*\.)?sslca(info|path)$"]
    try:
        found = subprocess.run(
            command, env=dict(environ), capture_output=True, check=False, text=True, errors="replace",
            timeout=_GIT_SECONDS, stdin=subprocess.DEVNULL, cwd=os.path.abspath(os.sep),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(dict.fromkeys(name for name in found.stdout.split("\n") if name))
