"""Who has installed nothing asks about a host: out of an environment that is thrown away, without a store or a hook."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.environments import MACHINE, ROOT, SYSTEM_PATH, Environment, Ran
from support.server import TlsServer
from support.snapshot import contents

pytestmark = pytest.mark.slow

VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS")
Ask = Callable[..., Ran]


@pytest.fixture(scope="session")
def by_uvx(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The command of uvx that runs certboot: what it needs was fetched before, by this machine's own settings."""
    uvx, cache = Path(sys.executable).with_name("uvx"), tmp_path_factory.getbasetemp() / "uv"
    if not uvx.exists():
        pytest.skip("no uvx beside this interpreter")
    command = [
        str(uvx), "--no-config", "--python", sys.executable, "--cache-dir", str(cache),
        "--constraints", str(ROOT / "scripts" / "constraints.txt"), "--from", str(wheel),
    ]  # fmt: skip
    subprocess.run([*command, "certboot", "--version"], env=MACHINE, check=True, capture_output=True)
    return [*command, "--offline", "certboot"]


@pytest.fixture(params=["uvx", "python -m"])
def ask(request: pytest.FixtureRequest, by_uvx: list[str], installed: Environment, clean: Path) -> Ask:
    """Ask as a user who has set nothing but HOME, PATH and these variables."""

    def asked(*argv: str, **variables: str) -> Ran:
        command = by_uvx if request.param == "uvx" else [str(installed.python), "-m", "certboot"]
        environ = {"HOME": str(clean), "PATH": SYSTEM_PATH, **variables}
        done = subprocess.run([*command, *argv], env=environ, capture_output=True, text=True, check=False, cwd=clean)
        return Ran(done.returncode, done.stdout, done.stderr)

    return asked


def test_the_answer_comes_first_and_a_good_host_is_no_failure(
    ask: Ask, ca: trustme.CA, ca_file: Path, serve: Callable[..., TlsServer], clean: Path
) -> None:
    host = serve(ca.issue_cert("localhost")).shown
    ran = ask("doctor", host)
    lines = ran.out.splitlines()
    assert (ran.status, lines[0]) == (1, f"\N{BALLOT X} {host}  untrusted-root")
    assert len(lines) <= 25
    assert "store-missing" not in ran.out
    good = ask("doctor", host, **dict.fromkeys(VARIABLES, str(ca_file)))
    assert good.status == 0, good.out
    assert good.out.startswith(f"\N{CHECK MARK} {host}  handshake-ok\n")
    assert ask("doctor", host, "-q", **dict.fromkeys(VARIABLES, str(ca_file))).out == ""
    whole = ask("doctor")
    assert whole.status == 1
    assert "fix here: certboot init\n" in whole.out
    assert [name for name in contents(clean) if "certboot" in name] == []
