"""Every client, its script unchanged: with a store and without one; each TLS library on all servers."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.environments import Environment, built_once

sys.path.insert(0, str(Path(__file__).parent))
from answers import pages
from attempt import PASSED, REFUSED, Attempts, User
from authorities import (
    CERTIFI_ONLY,
    FULL_CHAIN,
    NO_INTERMEDIATE,
    SERVERS,
    STRANGER,
    SYSTEM_ONLY,
    Authorities,
    make_authorities,
)
from interop_environments import make_virtualenv
from listener import Listener
from matrix import CLIENTS, ENVIRONMENTS, MAIN, Client
from namespace import command_prefix
from unreached import UNREACHED, Unreached

pytestmark = pytest.mark.slow

OFF = {"CERTBOOT_DISABLE": "1"}


def named(clients: tuple[Client, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("client", clients, ids=lambda client: client.name)


LIBRARIES = {
    "requests": "OpenSSL",
    "node": "OpenSSL, with roots compiled in",
    "git": "GnuTLS on Debian",
    "grpc": "BoringSSL",
    "python-m-uv": "rustls",
}
"""One client of each TLS library: whatever differs between the servers, the library decides."""
LEFT_OUT = (
    "requests", "boto3", "google_auth_requests", "curl_cffi", "niquests", "pip", "pip-legacy-certs", "git"
)  # fmt: skip
"""Clients that read a variable which the profile gentle leaves out. No guard reaches git."""
# Reads the system's store below another root, and is certboot in all else.
OTHER_ROOT = """\
import sys
from pathlib import Path
from certboot.cli import main
from certboot.sources import system
genuine = system.from_unix_files
system.from_unix_files = lambda _: genuine(Path(sys.argv[1]))
sys.exit(main.main(sys.argv[2:]))
"""


@pytest.fixture(scope="session")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Authorities:
    return Authorities(built_once(tmp_path_factory, "interop-authorities", make_authorities))


@pytest.fixture(scope="session")
def attempts_by(
    wheel: Path, authorities: Authorities, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Attempts]:
    """Try clients of a user who ran ``certboot init --profile`` and added the root and the forgotten intermediate."""

    def virtualenv(name: str) -> Environment:
        build = lambda folder: make_virtualenv(folder, name, wheel, authorities)  # noqa: E731
        return Environment(built_once(tmp_path_factory, f"interop-{name}", build))

    prefix = tuple(command_prefix(authorities.system_certs))
    environments = {name: virtualenv(name) for name in ENVIRONMENTS}
    main = environments[MAIN].folder / "bin"
    added = [argument for path in authorities.added for argument in ("--add", str(path))]
    certboot = [str(main / "certboot")]
    if not prefix:
        certboot = [str(main / "python"), "-c", OTHER_ROOT, str(authorities.root_folder)]

    def by(profile: str) -> Attempts:
        def build(home: Path) -> None:
            ran = User(home, environments, prefix).run([*certboot, "init", "--profile", profile, *added])
            assert ran.status == 0, ran.out + ran.err

        user = User(built_once(tmp_path_factory, f"interop-home-{profile}", build), environments, prefix)
        answers = pages()
        return Attempts(user, lambda server: Listener(authorities.server(server), answers))

    return by


@pytest.fixture(scope="session")
def attempts(attempts_by: Callable[[str], Attempts]) -> Attempts:
    """Try a client on a server of its own: ``attempts(client, server)``."""
    return attempts_by("full")


@named(CLIENTS)
def test_a_client_trusts_the_store_and_refuses_without_it(attempts: Attempts, client: Client) -> None:
    """The server that forgets its intermediate asks the most of a client: nothing but the store has that."""
    without = dataclasses.replace(client, argv=client.control) if client.control else client
    assert attempts(client, NO_INTERMEDIATE) == PASSED
    assert attempts(without, FULL_CHAIN, **OFF) == REFUSED


@named(tuple(client for client in CLIENTS if client.name in LEFT_OUT))
def test_by_the_profile_gentle_the_guards_reach_what_the_variables_would(
    attempts_by: Callable[[str], Attempts], client: Client
) -> None:
    attempts = attempts_by("gentle")
    found = [attempts(client, NO_INTERMEDIATE, CERTBOOT_GUARDS=guards) for guards in ("ssl,requests,certifi", "none")]
    assert found == [
        REFUSED if client.name == "git" else PASSED,
        PASSED if client.name in ("curl_cffi", "pip") else REFUSED,  # they look at SSL_CERT_FILE, too
    ]
    assert attempts(client, STRANGER) == REFUSED


def test_by_the_profile_gentle_the_guard_reaches_botocore_without_certifi_too(
    attempts_by: Callable[[str], Attempts], tmp_path: Path
) -> None:
    (tmp_path / "certifi.py").write_text("raise ImportError\n")
    attempts, hidden = attempts_by("gentle"), {"PYTHONPATH": str(tmp_path)}
    found = [
        attempts(Client("boto3"), NO_INTERMEDIATE, **hidden),
        attempts(Client("boto3"), STRANGER, **hidden),
        attempts(Client("boto3"), NO_INTERMEDIATE, CERTBOOT_GUARDS="ssl,requests", **hidden),
    ]
    assert found == [PASSED, REFUSED, REFUSED]


@named(tuple(client for client in CLIENTS if client.name in LIBRARIES))
def test_each_tls_library_trusts_the_other_servers_too_and_no_stranger_s(attempts: Attempts, client: Client) -> None:
    others = [server for server in SERVERS if server != NO_INTERMEDIATE]
    expected = {**dict.fromkeys(others, PASSED), STRANGER: REFUSED}
    assert {server: attempts(client, server) for server in expected} == expected


@pytest.mark.parametrize("unreached", UNREACHED, ids=lambda unreached: unreached.name)
def test_an_unreached_client_refuses_the_private_ca_and_its_line_helps(
    attempts: Attempts, unreached: Unreached
) -> None:
    """A client that trusts it without the line belongs into the table of the others."""
    assert attempts(Client(unreached.name, program=unreached.program), FULL_CHAIN) == REFUSED
    assert attempts(Client(f"{unreached.name}_helped"), NO_INTERMEDIATE) == PASSED


def test_two_of_the_servers_have_a_ca_that_only_certifi_or_only_the_system_has(attempts: Attempts) -> None:
    """Without certboot requests trusts certifi alone, and urllib the system alone."""
    if not attempts.user.prefix:
        pytest.skip(f"no mount namespace here: the CA of {SYSTEM_ONLY} is in another root folder, for the store alone")
    for name, trusted in (("requests", CERTIFI_ONLY), ("urllib", SYSTEM_ONLY)):
        found = {server: attempts(Client(name), server, **OFF) for server in SERVERS}
        assert found == {**dict.fromkeys(SERVERS, REFUSED), trusted: PASSED}
