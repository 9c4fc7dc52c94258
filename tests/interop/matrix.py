"""The clients of the suite. What is written in ``clients/NAME_client.py`` is code as users write it: no CA anywhere."""

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
    Client("requests"),
    Client("httpx"),
    Client("httpx2"),
    Client("aiohttp"),
    Client("urllib3"),
    Client("urllib"),
    Client("boto3"),
    Client("httplib2"),
    Client("google_auth_requests"),
    Client("google_auth_urllib3"),
    Client("websockets"),
    Client("websocket"),
    Client("grpc"),
    Client("tornado"),
    Client("twisted"),
    Client("treq"),
    Client("curl_cffi"),
    Client("niquests", environment=NIQUESTS),
    # Refused by 127.0.0.1 it would try ::1, where nobody listens, and tell of that alone.
    Client("primp", host="127.0.0.1"),
    Client("elasticsearch"),
    Client("opensearch"),
    Client("kubernetes"),
    Client("pymongo"),
    Client("redis"),
    Client("huggingface_hub"),
    Client("openai"),
    Client("pip", argv=_PIP_DOWNLOAD),
    Client("pip-legacy-certs", argv=(*_PIP_DOWNLOAD, "--use-deprecated=legacy-certs")),
    Client("python-m-uv", argv=("python", "-m", *_UV_INSTALL)),
    Client("certboot-run-uv", argv=("certboot", "run", "--", *_UV_INSTALL), control=_UV_INSTALL),
    Client("poetry"),
    Client("curl", program="curl"),
    Client("git", program="git"),
    Client("node", program="node"),
    Client("npm", program="npm"),
    Client("cargo", program="cargo"),
)
