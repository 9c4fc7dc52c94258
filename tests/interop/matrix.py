"""The clients of the suite. ``clients/scripts.py`` has their code as users write it."""

from __future__ import annotations

from dataclasses import dataclass

MAIN, NIQUESTS = "main", "niquests"
ENVIRONMENTS = (MAIN, NIQUESTS)
"""One virtualenv for all but niquests, which overwrites urllib3: ``requirements-NAME.txt`` says what is in each."""


@dataclass(frozen=True)
class Client:
    """One client and how it is started."""

    name: str
    environment: str = MAIN
    program: str = ""
    """The program that it needs from the system."""
    argv: tuple[str, ...] = ()
    """Its command, without a script of its own; ``{host}``, ``{port}`` and ``{out}`` are filled in."""
    host: str = "localhost"
    control: tuple[str, ...] = ()
    """Its command without certboot, where CERTBOOT_DISABLE, which turns off the hook, does not make ``argv`` that."""


_PIP_DOWNLOAD = (
    "python", "-m", "pip", "download", "--retries=0", "--no-deps", "--no-cache-dir",
    "-d", "{out}", "-i", "https://{host}:{port}/simple/", "ok",
)  # fmt: skip
_UV_INSTALL = (
    "uv", "pip", "install", "--no-cache", "--no-deps", "--target", "{out}",
    "-i", "https://{host}:{port}/simple/", "ok",
)  # fmt: skip

CLIENTS = (
    *map(Client, ("requests", "httpx", "httpx2", "aiohttp", "urllib3", "urllib", "boto3", "httplib2")),
    *map(Client, ("google_auth_requests", "google_auth_urllib3", "websockets", "websocket", "grpc", "tornado")),
    *map(Client, ("twisted", "treq", "curl_cffi", "elasticsearch", "opensearch", "kubernetes", "pymongo", "redis")),
    *map(Client, ("huggingface_hub", "openai", "poetry")),
    *(Client(name, program=name) for name in ("curl", "git", "node", "npm", "cargo")),
    Client("niquests", environment=NIQUESTS),
    # Refused by 127.0.0.1 it would try ::1, where nobody listens, and tell of that alone.
    Client("primp", host="127.0.0.1"),
    Client("pip", argv=_PIP_DOWNLOAD),
    Client("pip-legacy-certs", argv=(*_PIP_DOWNLOAD, "--use-deprecated=legacy-certs")),
    Client("python-m-uv", argv=("python", "-m", *_UV_INSTALL)),
    Client("certboot-run-uv", argv=("certboot", "run", "--", *_UV_INSTALL), control=_UV_INSTALL),
)
