"""Programs that no Python starts: reached through ``certboot run`` and ``certboot env``, and not without."""

from __future__ import annotations

import io
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.environments import SYSTEM_PATH, Environment, Ran
from support.server import TlsServer

pytestmark = pytest.mark.slow

NODE = """\
require("https").get(process.argv[1], (answer) => answer.on("data", (data) => process.stdout.write(data)))
    .on("error", (error) => { console.error(error.message); process.exit(1) })
"""
UV = Path(sys.executable).with_name("uv")
PROGRAMS = {
    "curl": ["curl", "-qsS", "{url}/page"],
    "git": ["git", "ls-remote", "{url}/ok.git"],
    "node": ["node", "-e", NODE, "{url}/page"],
    "uv": [
        str(UV),
        "pip",
        "install",
        "--no-deps",
        "--target",
        "{out}",
        "--python",
        sys.executable,
        "-i",
        "{url}/simple/",
        "ok",
    ],
    "openssl": ["openssl", "s_client", "-verify_return_error", "-brief", "-connect", "{address}"],
}
QUIET = {"GIT_CONFIG_SYSTEM": "/dev/null", "UV_HTTP_RETRIES": "0", "UV_NO_CACHE": "1", "UV_NO_CONFIG": "1"}


@pytest.fixture(scope="module")
def home(installed: Environment, ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A HOME whose user ran ``certboot init --add`` with the private CA. Not to be changed."""
    folder = tmp_path_factory.mktemp("programs")
    ca.cert_pem.write_to_path(str(folder / "corp.pem"))
    ran = installed.run("certboot", "init", "--add", "corp.pem", home=folder)
    assert ran.status == 0, ran.err
    return folder


@pytest.fixture
def server(serve: Callable[..., TlsServer], ca: trustme.CA) -> TlsServer:
    """What each program asks for, below an intermediate of the private CA."""
    name, metadata = "ok-1.0-py3-none-any.whl", b"Metadata-Version: 2.1\nName: ok\nVersion: 1.0\n"
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("ok-1.0.dist-info/METADATA", metadata)
        archive.writestr("ok-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("ok-1.0.dist-info/RECORD", "")
    pages = {
        "/ok.git/info/refs": b"%s\trefs/heads/ok\n" % (b"1" * 40),
        "/ok.git/HEAD": b"ref: refs/heads/ok\n",
        "/simple/ok/": f'<a href="/{name}" data-core-metadata="true">{name}</a>'.encode(),
        f"/{name}": wheel.getvalue(),
        f"/{name}.metadata": metadata,
    }
    return serve(ca.create_child_ca().issue_cert("localhost"), pages=pages)


def command(program: str, server: TlsServer, folder: Path) -> list[str]:
    if not shutil.which(PROGRAMS[program][0], path=SYSTEM_PATH):
        pytest.skip(f"no {program} on this machine")
    places = {"url": server.url, "address": f"localhost:{server.port}", "out": str(folder / "out")}
    return [part if part == NODE else part.format_map(places) for part in PROGRAMS[program]]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_trusts_the_store_through_certboot_run_and_not_without(
    installed: Environment, server: TlsServer, home: Path, tmp_path: Path, program: str
) -> None:
    argv = command(program, server, tmp_path)

    def started(*before: str) -> Ran:
        return installed.run(*before, *argv, home=home, CERTBOOT_DISABLE="1", **QUIET)

    assert started().status != 0
    ran = started("certboot", "run", "--")
    assert ran.status == 0, ran.err


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_trusts_the_store_in_a_shell_that_evaluated_certboot_env(
    installed: Environment, server: TlsServer, home: Path, tmp_path: Path, program: str
) -> None:
    argv = command(program, server, tmp_path)
    script = 'eval "$(certboot env)"; exec "$@"'
    ran = installed.run("sh", "-c", script, "sh", *argv, home=home, CERTBOOT_DISABLE="1", **QUIET)
    assert ran.status == 0, ran.err


def test_what_the_user_exported_decides_alone_under_certboot_run(
    installed: Environment, server: TlsServer, home: Path, tmp_path: Path
) -> None:
    """The CA of the store is not trusted by a program for which the user named another."""
    argv = command("git", server, tmp_path)
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    run = ("certboot", "run", "--", *argv)
    assert installed.run(*run, home=home, GIT_SSL_CAINFO=str(tmp_path / "other.pem"), **QUIET).status != 0
    assert installed.run(*run, home=home, **QUIET).status == 0
