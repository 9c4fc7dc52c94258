"""First, do no harm: what a program or a user chose decides with certboot exactly as it does without."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support.environments import Environment, built_once, make_environment
from support.pages import QUIET, WHEEL, package
from support.table import cases

pytestmark = pytest.mark.slow

CHOICES = Path(__file__).with_name("explicit_choices.py")
OFF = {"CERTBOOT_DISABLE": "1"}
Outcomes = dict[str, dict[str, list[str]]]
"""Kind of choice -> choice -> what came of it at the server of the own CA and at the one of the CA in the store."""


@pytest.fixture(scope="session")
def gentle(installed: Environment, trusting: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A HOME as ``trusting``, with the profile gentle. Not to be changed."""
    home = tmp_path_factory.mktemp("gentle")
    home.chmod(0o755)
    ran = installed.run("certboot", "init", "--profile", "gentle", "--add", trusting / "corp.pem", home=home)
    assert ran.status == 0, ran.err
    return home


@pytest.fixture
def outcomes(environment: Environment, trusting: Path, own: Path, both: list[str]) -> Callable[..., Outcomes]:
    def run(*beginning: str, home: Path = trusting, **variables: str) -> Outcomes:
        ran = environment.run("python", CHOICES, own / "own.pem", own, *both, *beginning, home=home, **variables)
        assert ran.status == 0, ran.err
        return typing.cast("Outcomes", json.loads(ran.out))

    return run


EXPECTED = {"only own": ["ok", "refused"], "off": ["ok", "ok"], "nobody": ["refused", "refused"]}
# Which of the defaults exported variables decide, and so decide them alone.
REQUESTS = {"requests", "requests, verify on", "requests, verify on, session.verify a file"}
SSL = {"ssl, the defaults", "urllib", "http.client", "httpx", "aiohttp", "urllib3",
       "ssl, the defaults and cafile", "ssl, cafile and the defaults"}  # fmt: skip
EXPORTED: dict[tuple[str, ...], set[str]] = {
    (): set(),
    ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"): REQUESTS | SSL | {"botocore"},
    ("CURL_CA_BUNDLE", "SSL_CERT_DIR"): REQUESTS | SSL,
}


@pytest.mark.parametrize("exported", EXPORTED, ids="-".join)
def test_an_explicit_choice_decides_as_without_certboot_and_where_there_is_none_the_store_is_trusted(
    outcomes: Callable[..., Outcomes], own: Path, exported: tuple[str, ...]
) -> None:
    variables = {name: str(own if name == "SSL_CERT_DIR" else own / "own.pem") for name in exported}
    with_, without = outcomes(**variables), outcomes(**variables, **OFF)
    for kind, expected in EXPECTED.items():
        overruled = set()
        if exported:  # psf/requests#3829: the user's own value does that
            overruled = {name for name in without[kind] if name.startswith("requests, session.verify")}
            overruled -= {name for name in overruled if "prepared" in name or "trust_env" in name}
        assert {n: found for n, found in without[kind].items() if found != expected and n not in overruled} == {}
        assert with_[kind] == without[kind]
    decided = EXPORTED[exported]
    trusting, bare = with_["default"], without["default"]
    assert {name: trusting[name] for name in decided} == {name: bare[name] for name in decided}
    assert {found[1] for name, found in trusting.items() if name in decided} <= {"refused"}
    # The own CA is refused or accepted as before; that of the store is accepted where it was refused.
    assert {name: found for name, found in trusting.items() if name not in decided} == {
        name: [found[0], "ok"] for name, found in bare.items() if name not in decided
    }


def test_without_the_guard_the_session_s_choice_is_overruled(outcomes: Callable[..., Outcomes]) -> None:
    """The control: this is what the guard is there for."""
    found = outcomes("requests", CERTBOOT_GUARDS="ssl,certifi")
    assert found["only own"]["requests, session.verify a file"] == ["refused", "ok"]
    assert found["off"]["requests, session.verify off"] == ["refused", "ok"]
    assert found["only own"]["requests, verify a file"] == ["ok", "refused"]


def test_by_the_profile_gentle_nothing_is_different_in_a_process_with_the_hook(
    outcomes: Callable[..., Outcomes], gentle: Path
) -> None:
    assert outcomes(home=gentle) == outcomes()


PIP = ("python", "-m", "pip", "download", "--no-deps", "--no-cache-dir")
LEGACY = ("--use-deprecated", "legacy-certs")


@pytest.fixture
def download(
    environment: Environment, trusting: Path, tmp_path: Path, both: list[str], unknown_url: str
) -> Callable[..., list[str]]:
    """Download a package with pip, and return what came of it: at the own CA, at that of the store, at a stranger's."""

    def run(*options: str, **variables: str) -> list[str]:
        found = []
        for url in (*both, unknown_url.removesuffix("/page")):
            index = ("-d", tmp_path / "out", "-i", f"{url}/simple/", "ok")
            ran = environment.run(*PIP, *options, *index, home=trusting, **{**QUIET, **variables})
            assert ran.status == 0 or "certificate" in (ran.out + ran.err).lower(), ran.out + ran.err
            found.append("refused" if ran.status else "ok")
        return found

    return run


# In its default mode pip adds the option to the system's trust, and that has the store in it.
@cases(
    ("way", "mode", "store"),
    [("--cert", LEGACY, "refused"), ("PIP_CERT", (), "ok"), ("pip.conf", LEGACY, "refused")],
)
def test_pip_s_own_certificate_option_goes_before_ours(
    download: Callable[..., list[str]], own: Path, tmp_path: Path, way: str, mode: tuple[str, ...], store: str
) -> None:
    file, config = str(own / "own.pem"), tmp_path / "pip.conf"
    config.write_text(f"[global]\ncert = {file}\n")
    options = (*mode, *(("--cert", file) if way == "--cert" else ()))
    variables = {"PIP_CERT": {"PIP_CERT": file}, "pip.conf": {"PIP_CONFIG_FILE": str(config)}}.get(way, {})
    assert download(*options, **variables) == ["ok", store, "refused"]
    assert download(*options, **variables, **OFF) == ["ok", "refused", "refused"]


def test_without_the_guard_pip_s_option_is_overruled(download: Callable[..., list[str]], own: Path) -> None:
    """The control: this is what the guard is there for."""
    assert download("--cert", str(own / "own.pem"), CERTBOOT_GUARDS="ssl,certifi")[0] == "refused"


# Children whose Python has no hook: they inherit the variables, and no guards


@pytest.fixture(scope="session")
def child(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A virtualenv without certboot, with pip and twine. Not to be changed."""
    build = lambda folder: make_environment(folder, "pip", "twine")  # noqa: E731
    return Environment(built_once(tmp_path_factory, "child", build))


START = ("-c", "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))")
SESSION = "import requests, sys; s = requests.Session(); s.verify = {!r}; s.get(sys.argv[1])"
TWINE = ("-m", "twine", "upload", "--non-interactive", "--disable-progress-bar", "-u", "x", "-p", "x")
# {file}: that of the own CA; the wheel lies in the current folder.
CHOOSING: dict[str, tuple[str, ...]] = {
    "pip --cert": (*PIP[1:], *LEGACY, "--cert", "{file}", "-i", "{url}/simple/", "ok"),
    "twine --cert": (*TWINE, "--cert", "{file}", "--repository-url", "{url}/", WHEEL),
    "session.verify a file": ("-c", SESSION.format("{file}"), "{url}"),
    "session.verify off": ("-W", "ignore", "-c", SESSION.format(None), "{url}"),
}


@pytest.fixture
def tried_in_child(
    environment: Environment, child: Environment, own: Path, tmp_path: Path, both: list[str], unknown_url: str
) -> Callable[..., list[str]]:
    """Try a choice of CHOOSING: at the own CA, at that of the store, at a stranger's."""
    (tmp_path / WHEEL).write_bytes(package())

    def run(way: str, home: Path, **variables: str) -> list[str]:
        found = []
        for url in (*both, unknown_url.removesuffix("/page")):
            argv = [part.replace("{file}", str(own / "own.pem")).replace("{url}", url) for part in CHOOSING[way]]
            start = ("env", "-C", tmp_path, environment.python, *START)
            ran = environment.run(*start, child.python, *argv, home=home, **{**QUIET, **variables})
            refused = "certificate" in (ran.out + ran.err).lower()
            assert refused == bool(ran.status), ran.out + ran.err
            found.append("refused" if refused else "ok")
        return found

    return run


@pytest.mark.parametrize("way", CHOOSING)
def test_a_choice_in_a_child_without_the_hook_is_lost_by_the_profile_full_and_kept_by_gentle(
    tried_in_child: Callable[..., list[str]], trusting: Path, gentle: Path, way: str
) -> None:
    """Lost, it is refused: the child accepts only what it accepts by itself, or what the store has."""
    without = tried_in_child(way, trusting, **OFF)
    assert without == (["ok"] * 3 if way == "session.verify off" else ["ok", "refused", "refused"])
    assert tried_in_child(way, gentle) == without
    assert tried_in_child(way, trusting) == ["refused", "ok", "refused"]
