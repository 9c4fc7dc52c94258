"""The person this project began with: a folder of certificates, hash links, and ``session.verify = "./crts"``."""

from __future__ import annotations

import shutil
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.environments import Environment, with_clients

if typing.TYPE_CHECKING:
    from support.server import TlsServer

pytestmark = pytest.mark.slow

SCRIPT = """\
import requests, sys
session = requests.Session()
session.verify = "./crts"
print(session.get(sys.argv[1]).text)
"""
GOOD = "Verify return code: 0 (ok)"


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return with_clients(tmp_path_factory, wheel)


@pytest.fixture
def crts(environment: Environment, clean: Path, ca_file: Path) -> Path:
    """The directory in force after ``certboot init --add``."""
    assert environment.run("certboot", "init", "--add", ca_file, home=clean).status == 0
    return clean / ".local" / "share" / "certboot" / "current" / "crts"


@pytest.fixture
def server(serve: Callable[..., TlsServer], ca: trustme.CA) -> TlsServer:
    return serve(ca.create_child_ca().issue_cert("localhost"))


def links(folder: Path) -> dict[str, str]:
    return {path.name: str(path.readlink()) for path in folder.iterdir() if path.is_symlink()}


def test_openssl_rehash_makes_exactly_our_links(crts: Path, openssl: Callable[..., str], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in crts.glob("*.pem"):
        shutil.copy(path, copy)
    openssl("rehash", copy)
    assert links(copy) == links(crts)
    assert len(links(crts)) == len(list(crts.glob("*.pem"))) > 20  # certifi's, as far as they have not expired


def test_openssl_s_client_verifies_with_our_directory_and_not_with_an_empty_one(
    crts: Path, openssl: Callable[..., str], server: TlsServer, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    verified = [
        GOOD in openssl("s_client", "-CApath", folder, "-connect", f"localhost:{server.port}", data="")
        for folder in (crts, empty)
    ]
    assert verified == [True, False]


def test_session_verify_takes_a_link_to_our_directory(
    environment: Environment, crts: Path, server: TlsServer, clean: Path
) -> None:
    (clean / "crts").symlink_to(crts)
    # Without the hook: the directory has to do it alone.
    ran = environment.run("python", "-c", SCRIPT, server.url, home=clean, CERTBOOT_DISABLE="1")
    assert (ran.status, ran.out, ran.err) == (0, "ok\n", "")


@pytest.fixture
def own(clean: Path) -> trustme.CA:
    """A CA of the user's own, which no store has, as a file in the user's folder ``crts`` among others."""
    folder = clean / "crts"
    folder.mkdir()
    cas = [trustme.CA(organization_unit_name=f"CA {number}") for number in range(3)]
    for number, one in enumerate(cas):
        one.cert_pem.write_to_path(str(folder / f"{number}.pem"))
    return cas[1]


def test_certboot_rehash_makes_the_user_s_own_directory_work(
    environment: Environment, own: trustme.CA, serve: Callable[..., TlsServer], clean: Path
) -> None:
    server = serve(own.create_child_ca().issue_cert("localhost"))
    before = environment.run("python", "-c", SCRIPT, server.url, home=clean)
    assert (before.status, "CERTIFICATE_VERIFY_FAILED" in before.err) == (1, True)
    assert environment.run("certboot", "rehash", "./crts", home=clean).status == 0
    after = environment.run("python", "-c", SCRIPT, server.url, home=clean)
    assert (after.status, after.out, after.err) == (0, "ok\n", "")


def test_session_verify_decides_after_init_as_before(
    environment: Environment, own: trustme.CA, serve: Callable[..., TlsServer], clean: Path
) -> None:
    """The hook sets REQUESTS_CA_BUNDLE, which would overrule it (psf/requests#3829) but for the guard."""
    server = serve(own.create_child_ca().issue_cert("localhost"))
    for command in ("rehash", "./crts"), ("init",):
        assert environment.run("certboot", *command, home=clean).status == 0
    ran = environment.run("python", "-c", SCRIPT, server.url, home=clean)
    assert (ran.status, ran.out, ran.err) == (0, "ok\n", "")
    ran = environment.run("python", "-c", SCRIPT, server.url, home=clean, CERTBOOT_GUARDS="none")
    assert (ran.status, "CERTIFICATE_VERIFY_FAILED" in ran.err) == (1, True)
