"""The main job: after ``certboot init`` unchanged scripts and programs trust a private CA, and a user's choice stays.

``tests/interop`` has every client; here are what the user exported, folders of hash links, and what no Python starts.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from support.environments import HERE, STRICT_VERSIONS, SYSTEM_PATH, Environment, Ran
from support.pages import NODE, QUIET
from support.programs import outcome, present
from support.table import cases

pytestmark = pytest.mark.slow

Serving = Callable[[trustme.CA], str]


@cases("client", ["requests", "urllib", "httpx", "aiohttp"])
def test_on_the_newest_python_a_client_refuses_the_ca_before_init_and_trusts_it_after_and_no_other(
    newest_python: Environment, serving: Serving, ca: trustme.CA, clean: Path, trusting: Path, client: str
) -> None:
    tried = ((ca, clean), (ca, trusting), (trustme.CA(), trusting))
    found = [outcome(newest_python, client, serving(authority), home) for authority, home in tried]
    assert found == ["refused", "ok", "refused"]


@pytest.mark.parametrize("python", ["oldest_python", "oldest_dependencies", "newest_python"])
def test_certboot_s_own_commands_run_on_the_oldest_and_on_the_newest_python(
    request: pytest.FixtureRequest, python: str, serving: Serving, ca: trustme.CA, ca_file: Path, clean: Path
) -> None:
    """And on the oldest with the oldest dependencies."""
    environment: Environment = request.getfixturevalue(python)
    good, bad = (urlsplit(serving(authority)).netloc for authority in (ca, trustme.CA()))
    for argv, status in (
        (("init", "--add", ca_file), 0), (("update",), 0), (("doctor", good), 0), (("doctor", bad), 1),
        (("scan", good, bad), 1), (("repair", bad), 1), (("list",), 0), (("hook", "status"), 0),
        (("trust", ca_file, "--yes"), 0), (("export", "--format", "pkcs12", "out.p12"), 0), (("purge", "--yes"), 0),
    ):  # fmt: skip
        ran = environment.run("certboot", *argv, home=clean, PYTHONWARNINGS="error")
        assert (ran.status, "Traceback" in ran.err) == (status, False), ran.out + ran.err


@cases(
    ("variable", "client"),
    [("CURL_CA_BUNDLE", "curl"), ("SSL_CERT_FILE", "curl"), ("SSL_CERT_DIR", "curl"), ("SSL_CERT_FILE", "uv"),
     ("SSL_CERT_DIR", "uv"), ("GIT_SSL_CAINFO", "git"), ("GIT_SSL_CAPATH", "git"), ("AWS_CA_BUNDLE", "boto3")],
)  # fmt: skip
def test_a_variable_that_the_user_exported_decides_alone(
    environment: Environment, both: list[str], trusting: Path, own: Path, variable: str, client: str
) -> None:
    """The CA it names is trusted and the one in the store is not. For clients in Python test_no_harm.py has this."""
    preset = {variable: str(own if variable in ("SSL_CERT_DIR", "GIT_SSL_CAPATH") else own / "own.pem")}
    for name in present(client):
        assert [outcome(environment, name, url, trusting, **preset) for url in both] == ["ok", "refused"]


@pytest.mark.parametrize("version", [HERE, *(version for version in STRICT_VERSIONS if version != HERE)])
def test_pip_cert_still_works(
    as_it_comes: Callable[[str], Environment], both: list[str], clean: Path, trusting: Path, own: Path, version: str
) -> None:
    """REQUESTS_CA_BUNDLE, which pip would prefer, yields to it.

    It does not decide alone: pip 24.2 and later add it to what SSL_CERT_FILE, or else the system, says.
    """
    url, pip = both[0], as_it_comes(version)
    preset = {"PIP_CERT": str(own / "own.pem")}
    assert [outcome(pip, "pip", url, home, **preset) for home in (clean, trusting)] == ["ok", "ok"]
    assert outcome(pip, "pip", url, trusting) == "refused"


# Folders of hash links, and ``session.verify = "./crts"``: the person this project began with.

SCRIPT = """\
import requests, sys
session = requests.Session()
session.verify = "./crts"
print(session.get(sys.argv[1]).text)
"""


def links(folder: Path) -> dict[str, str]:
    return {path.name: str(path.readlink()) for path in folder.iterdir() if path.is_symlink()}


def test_our_directory_is_as_openssl_rehash_makes_one_and_serves_openssl_and_session_verify(
    environment: Environment, current: Path, openssl: Callable[..., str], url: str, clean: Path, tmp_path: Path
) -> None:
    crts, copy, empty = current / "crts", tmp_path / "copy", tmp_path / "empty"
    empty.mkdir()
    shutil.copytree(crts, copy, ignore=lambda _, names: [name for name in names if not name.endswith(".pem")])
    openssl("rehash", copy)
    made, ours = links(copy), links(crts)
    # Which certificate of several with one name comes first, is for us to say.
    assert ours.keys() == made.keys()
    assert sorted((link[:8], target) for link, target in ours.items()) == sorted(
        (link[:8], target) for link, target in made.items()
    )
    assert len(links(crts)) == len(list(crts.glob("*.pem"))) > 20  # certifi's, as far as they have not expired
    for folder, verified in ((crts, True), (empty, False)):
        said = openssl("s_client", "-CApath", folder, "-connect", urlsplit(url).netloc, data="")
        assert ("Verify return code: 0 (ok)" in said) == verified
    (clean / "crts").symlink_to(crts)
    # Without the hook: the directory has to do it alone.
    assert environment.run("python", "-c", SCRIPT, url, home=clean, CERTBOOT_DISABLE="1") == Ran(0, "ok\n", "")


def test_rehash_makes_the_user_s_own_directory_work_and_after_init_it_decides_as_before(
    environment: Environment, serving: Serving, clean: Path
) -> None:
    """The hook sets REQUESTS_CA_BUNDLE, which would overrule session.verify (psf/requests#3829) but for the guard."""
    folder = clean / "crts"
    folder.mkdir()
    authorities = [trustme.CA(organization_unit_name=f"CA {number}") for number in range(3)]
    for number, authority in enumerate(authorities):
        authority.cert_pem.write_to_path(str(folder / f"{number}.pem"))
    url = serving(authorities[1])

    def refused(**variables: str) -> bool:
        ran = environment.run("python", "-c", SCRIPT, f"{url}/page", home=clean, **variables)
        assert ran == Ran(0, "ok\n", "") or (ran.status, "CERTIFICATE_VERIFY_FAILED" in ran.err) == (1, True)
        return ran.status == 1

    assert refused()
    for command in ("rehash", "./crts"), ("init",):
        assert environment.run("certboot", *command, home=clean).status == 0
        assert not refused()
    assert refused(CERTBOOT_GUARDS="none")


# Programs that no Python starts: reached through ``certboot run`` and ``certboot env``, and not without.

UV = str(Path(sys.executable).with_name("uv"))
PROGRAMS = {
    "curl": ["curl", "-qsS", "{url}/page"],
    "git": ["git", "ls-remote", "{url}/ok.git"],
    "node": ["node", "-e", NODE, "{url}/page"],
    "uv": [UV, "pip", "install", "--no-deps", "--target", "{out}", "--python", sys.executable, "-i", "{url}/simple/",
           "ok"],
    "openssl": ["openssl", "s_client", "-verify_return_error", "-brief", "-connect", "{address}"],
}  # fmt: skip


@pytest.fixture
def ran_program(installed: Environment, url: str, trusting: Path, tmp_path: Path) -> Callable[..., Ran]:
    """Run one of the programs with this before its command, and return what came of it."""
    server = url.removesuffix("/page")
    places = {"{url}": server, "{address}": urlsplit(url).netloc, "{out}": str(tmp_path / "out")}

    def run(program: str, *before: str, **variables: str) -> Ran:
        command = PROGRAMS[program]
        for name, place in places.items():
            command = [part.replace(name, place) for part in command]
        if not shutil.which(command[0], path=SYSTEM_PATH):
            pytest.skip(f"no {program} on this machine")
        return installed.run(*before, *command, home=trusting, **{"CERTBOOT_DISABLE": "1", **QUIET, **variables})

    return run


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_trusts_the_store_through_certboot_run_and_not_without(
    ran_program: Callable[..., Ran], program: str
) -> None:
    assert ran_program(program).status != 0
    ran = ran_program(program, "certboot", "run", "--")
    assert ran.status == 0, ran.err


def test_a_program_trusts_the_store_in_a_shell_that_evaluated_certboot_env(ran_program: Callable[..., Ran]) -> None:
    ran = ran_program("git", "sh", "-c", 'eval "$(certboot env)"; exec "$@"', "sh")
    assert ran.status == 0, ran.err


def test_what_the_user_exported_decides_alone_under_certboot_run(ran_program: Callable[..., Ran], own: Path) -> None:
    """The CA of the store is not trusted by a program for which the user named another."""
    assert ran_program("git", "certboot", "run", "--", GIT_SSL_CAINFO=str(own / "own.pem")).status != 0
