"""A root that lacks what RFC 5280 asks for: Python 3.13 refuses it before ``trust --stand-in``, and nobody after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.environments import HERE, STRICT_VERSIONS, Environment
from support.pages import QUIET, pages
from support.pki import CA, LEAF, changed, make, on_server
from support.programs import outcome, present
from support.server import TlsServer

pytestmark = pytest.mark.slow

FAULTY = changed(CA, critical=False, usage=False, ski=False)
HOSTS = changed(LEAF, names=("localhost",))
STRICT = ("requests", "httpx", "urllib", "aiohttp")
"""What goes by ssl.create_default_context() or urllib3 2."""
OTHERS = present("curl", "git", "node", "uv")


def test_newer_pythons_accept_it_and_everybody_else_does_as_before(
    environment: Environment, newest_python: Environment, serve: Callable[..., TlsServer], clean: Path
) -> None:
    root = make("Old Root", form=FAULTY)
    below = make("localhost", root, HOSTS)
    server = serve(on_server(below), pages=pages())
    with_root = serve(on_server(below, root), pages=pages())
    stranger = serve(on_server(make("localhost", make("Old Root", form=FAULTY), HOSTS)), pages=pages())
    (clean / "old.pem").write_bytes(root.pem)

    def of(python: Environment, clients: tuple[str, ...] | list[str], asked: TlsServer) -> dict[str, str]:
        return {client: outcome(python, client, asked.url, clean) for client in clients}

    def every(said: str, clients: tuple[str, ...] | list[str]) -> dict[str, str]:
        return dict.fromkeys(clients, said)

    assert environment.run("certboot", "init", "--add", "old.pem", home=clean, **QUIET).status == 0
    lax = [*STRICT, *OTHERS]
    assert of(newest_python, STRICT, server) == of(newest_python, STRICT, with_root) == every("refused", STRICT)
    strict_here = STRICT if HERE in STRICT_VERSIONS else ()
    assert of(environment, lax, server) == every("ok", lax) | every("refused", strict_here)
    ran = environment.run("certboot", "trust", server.shown, "--stand-in", "--yes", home=clean)
    assert (ran.status, ran.err) == (0, "")
    for asked in (server, with_root):
        assert of(newest_python, lax, asked) == every("ok", lax)
    assert of(environment, lax, server) == every("ok", lax)
    assert of(newest_python, STRICT[:2], stranger) == every("refused", STRICT[:2])
    assert of(environment, OTHERS, stranger) == every("refused", OTHERS)
    kept = next((clean / ".local" / "share" / "certboot" / "trusted").iterdir())
    assert environment.run("certboot", "trust", "--yes", str(kept), home=clean).status == 0
    assert of(newest_python, STRICT[2:], server) == every("refused", STRICT[2:])
