"""The group ``hook`` in this process: what the hook says of itself, its guards, and what else starts."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.commands import Run
from support.here import put
from support.hook_store import start
from support.table import cases

import certboot
import certboot_startup
from certboot.clients.variables import VARIABLES
from certboot.doctor.finding import Finding
from certboot.doctor.hook import check
from certboot.hook import copies, interpreters, inventory
from certboot.hook import install as hook_install
from certboot.hook.copies import Copy
from certboot.hook.interpreters import Interpreter
from certboot.store.paths import StorePaths, store_paths


@pytest.fixture(autouse=True)
def interpreter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Interpreter:
    """An interpreter with an empty folder of packages."""
    site = tmp_path / "site"
    site.mkdir()
    program, version = Path(sys.executable), sys.version_info[:3]
    found = Interpreter(program, version, True, site, None, (site,), False, site, tmp_path)  # noqa: FBT003
    monkeypatch.setattr(interpreters, "this", lambda: found)
    monkeypatch.setattr(certboot_startup, "guarded", {})
    monkeypatch.setattr(certboot_startup, "switches", "ssl,requests,certifi")
    return found


Of = Callable[..., Finding]
INIT = (("certboot", "init"),)
PTH = "import certboot_startup; certboot_startup.activate()\n"
ON = "ssl, requests, certifi are on; guarded in this process: "
INSTALL = ("certboot", "hook", "install", "--python")


@pytest.fixture
def of(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> Of:
    """What is said of the hook where it has this status and has set these variables."""

    def run(status: str, **applied: str) -> Finding:
        monkeypatch.setattr(certboot_startup, "status", status)
        monkeypatch.setattr(certboot_startup, "applied", applied)
        finding = check.check(paths)[0]
        assert (finding.group, finding.subject) == ("hook", "hook")
        assert (finding.evidence["status"], finding.evidence["interpreter"]) == (status, sys.executable)
        return finding

    return run


@pytest.fixture
def active(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> Callable[[str], list[Finding]]:
    """The findings of this kind where the hook is active."""

    def run(kind: str) -> list[Finding]:
        monkeypatch.setattr(certboot_startup, "status", "active")
        return [finding for finding in check.check(paths) if finding.id.startswith(kind)]

    return run


Active = Callable[[str], list[Finding]]


def test_an_active_hook_says_how_many_variables_it_set(of: Of) -> None:
    finding = of("active", SSL_CERT_FILE="/b", PIP_CERT="/b")
    assert (finding.id, finding.status) == ("hook-active", "ok")
    assert finding.summary == f"ran in {sys.executable} and set 2 variables"
    assert finding.evidence["variables"] == ["PIP_CERT", "SSL_CERT_FILE"]


@cases(("status", "kind", "level", "words", "fix"), [
    ("disabled", "hook-disabled", "info", "turned off by CERTBOOT_DISABLE", ()),
    ("no-store", "hook-without-store", "warn", "found no store to point at", INIT),
    ("bad-env", "hook-env-damaged", "fail", "does not take the store's env file", INIT),
    ("unsafe", "hook-refuses-store", "fail", "refuses the store", (("certboot", "doctor", "store"),)),
    ("homeless", "hook-homeless", "fail", "found no absolute path for a home folder", ()),
    ("incomplete", "hook-refuses-store", "fail", "its bundle or directory is empty", INIT),
    ("KeyError", "hook-failed", "fail", "gave up: KeyError", INIT),
])  # fmt: skip
def test_a_hook_that_did_nothing_says_why(
    of: Of, status: str, kind: str, level: str, words: str, fix: tuple[tuple[str, ...], ...]
) -> None:
    finding = of(status)
    assert (finding.id, finding.status, finding.fix) == (kind, level, fix)
    assert words in finding.summary


@pytest.mark.usefixtures("store")
@cases(("lost", "words"), [
    ("current", "what names the generation in force is missing: {home}/current"),
    ("generations/1", "what names the generation in force leads to no generation: {home}/current"),
    ("generations", "the store has no generations: {home}/generations"),
    ("generations/1/crts", "a part of the generation in force is missing: {home}/generations/1/crts"),
    ("generations/1/bundle.pem", "a part of the generation in force is missing: {home}/generations/1/bundle.pem"),
])  # fmt: skip
def test_a_hook_says_which_part_it_misses(of: Of, paths: StorePaths, certboot: Run, lost: str, words: str) -> None:
    environ = {"CERTBOOT_HOME": str(paths.home)}
    assert start(environ)[0] == "active"
    (paths.home / lost).rename(paths.home.with_name("away"))
    finding = of(start(environ)[0])
    assert (finding.id, finding.status, finding.fix) == ("hook-failed", "fail", INIT)
    assert finding.summary.endswith(f", and gave up, because {words.format(home=paths.home)}")
    assert certboot(*finding.fix[0][1:]).status == 0
    assert start(environ)[0] == "active"


@pytest.mark.usefixtures("store")
@cases("damage", ["gone", "empty"])
def test_the_remedy_for_a_lost_env_file_mends_it(of: Of, paths: StorePaths, certboot: Run, damage: str) -> None:
    environ = {"CERTBOOT_HOME": str(paths.home)}
    paths.env.unlink() if damage == "gone" else paths.env.write_text("")
    finding = of(start(environ)[0])
    assert finding.id == "hook-env-damaged"
    certboot(*finding.fix[0][1:])
    assert start(environ)[0] == "active"


@pytest.mark.usefixtures("store")
def test_a_hook_that_gave_up_says_so_in_words(of: Of) -> None:
    for status, words in (
        ("FileNotFoundError", "a part of the store was missing when it ran"),
        ("PermissionError", "it may not look into the store: "),
    ):
        finding = of(status)
        assert (finding.id, f"gave up, because {words}" in finding.summary) == ("hook-failed", True)
        assert status not in finding.summary


def test_a_store_that_it_does_not_find_is_a_failure(of: Of, paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    paths.generations.mkdir(parents=True)
    finding = of("no-store")
    assert (finding.id, finding.status) == ("hook-env-damaged", "fail")
    monkeypatch.setattr(certboot_startup, "store_home", lambda *_: "/elsewhere")
    finding = of("active")
    assert (finding.id, finding.status) == ("hook-looks-elsewhere", "fail")


@cases("spelling", ["/s/store/", "/s//store", "/s/./store"])
def test_another_spelling_of_the_folder_is_the_same_folder(monkeypatch: pytest.MonkeyPatch, spelling: str) -> None:
    monkeypatch.setenv("CERTBOOT_HOME", spelling)
    monkeypatch.setattr(certboot_startup, "status", "active")
    assert check.check(store_paths())[0].id == "hook-active"


def test_a_hook_with_nothing_to_set_is_fine_only_if_the_configuration_says_so(of: Of, paths: StorePaths) -> None:
    assert of("nothing-to-set").id == "hook-env-damaged"
    paths.home.mkdir(parents=True)
    names = ", ".join(f'"{variable.name}"' for variable in VARIABLES)
    paths.config.write_text(f"[variables]\nremove = [{names}]\n")
    finding = of("nothing-to-set")
    assert (finding.id, finding.status) == ("hook-nothing-to-set", "info")


# Guards


@cases(("switches", "guarded", "expected"), [
    ("ssl,requests,certifi", {}, ("guards-on", "ok", f"{ON}nothing yet")),
    ("ssl,requests,certifi", {"ssl": "applied", "requests.sessions": "waiting"}, ("guards-on", "ok", f"{ON}ssl")),
    ("ssl", {}, ("guards-off", "info", "config.toml turns off requests, certifi; ssl are on")),
    ("", {}, ("guards-off", "info", "config.toml turns off ssl, requests, certifi")),
    ("ssl,requests,certifi", {"requests.sessions": "stepped aside: LookupError: odd"},
     ("guard-stepped-aside", "warn", "stepped aside: LookupError: odd")),
])  # fmt: skip
def test_the_guards_are_told_with_who_turned_them_off(
    active: Active, monkeypatch: pytest.MonkeyPatch, switches: str, guarded: dict[str, str], expected: tuple[str, ...]
) -> None:
    monkeypatch.setattr(certboot_startup, "switches", switches)
    monkeypatch.setattr(certboot_startup, "guarded", guarded)
    first = active("guard")[0]
    assert (first.id, first.status, first.summary) == expected
    if first.id == "guards-off":
        monkeypatch.setenv("CERTBOOT_GUARDS", switches or "none")
        assert active("guard")[0].summary == expected[2].replace("config.toml", "CERTBOOT_GUARDS")


def test_without_a_hook_the_reason_is_looked_for(of: Of, monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> None:
    of("no-store")
    assert [each.id for each in check.check(paths)] == ["hook-without-store"]
    monkeypatch.setattr(certboot_startup, "status", "")
    (finding,) = check.check(paths)
    assert (finding.id, finding.status, finding.group) == ("hook-outside-site", "fail", "hook")


# Copies, and others


def test_an_outdated_copy_is_a_warning_and_can_be_renewed(active: Active, paths: StorePaths, tmp_path: Path) -> None:
    folder = tmp_path / "other"
    for user in (False, True):
        hook_install.install(folder)
        copies.remember(paths, Copy("/usr/bin/python3", str(folder), user))
        assert active("hook-copy-outdated") == []
        own = inventory.read_record(folder)
        assert own
        old = inventory.Record("0.0.9", "", {**own.files, "certboot_startup.pth": ("0" * 64,)})
        (folder / inventory.RECORD_NAME).write_bytes(inventory.render_record(old))
        (finding,) = active("hook-copy-outdated")
        assert finding.status == "warn"
        assert finding.summary == f"a copy of certboot 0.0.9 in {folder}, older or not whole"
        assert finding.fix == ((*INSTALL, "/usr/bin/python3", *(["--user"] if user else [])),)
        (folder / "certboot_startup.pth").unlink()


def test_a_base_whose_upgrade_took_the_hook_away_is_told_with_the_command_that_puts_it_back(
    active: Active, paths: StorePaths, tmp_path: Path
) -> None:
    folder, python = tmp_path / "library", put(tmp_path / "python3", "")
    hook_install.install(folder, base=True)
    copies.remember(paths, Copy(str(python), str(folder), user=False, base=True))
    assert active("hook-base-gone") == []
    shutil.rmtree(folder)
    (finding,) = active("hook-base-gone")
    assert (finding.status, finding.fix) == ("warn", ((*INSTALL[:-1], "--base", "--python", str(python)),))
    assert active("hook-copy-outdated") == []


def test_a_hook_in_an_environment_of_pipx_or_uv_acts_alone(
    active: Active, monkeypatch: pytest.MonkeyPatch, paths: StorePaths, tmp_path: Path
) -> None:
    assert active("hook-alone") == []
    monkeypatch.setenv("UV_TOOL_DIR", str(Path(sys.prefix).parent))
    python = put(tmp_path / "env" / "bin" / "python", "")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "env"))
    (finding,) = active("hook-alone")
    assert (finding.status, finding.evidence["tool"]) == ("warn", "uv tool")
    assert finding.fix == ((*INSTALL, str(python)),)
    monkeypatch.delenv("VIRTUAL_ENV")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert active("hook-alone")[0].fix == ()
    hook_install.install(tmp_path / "other")
    copies.remember(paths, Copy("/usr/bin/python3", str(tmp_path / "other"), user=False))
    assert active("hook-alone") == []  # the user has taken care of it


def test_other_start_up_files_are_listed(active: Active, interpreter: Interpreter) -> None:
    site = interpreter.site_packages
    put(site / "certboot_startup.pth", PTH)
    put(site / "paths-only.pth", "/somewhere\n")
    assert active("other-start-up-hooks") == []
    path = put(site / "distutils-precedence.pth", "import os; os\n")
    (finding,) = active("other-start-up-hooks")
    assert (finding.status, finding.summary) == ("info", "also run at start: distutils-precedence.pth (os)")
    assert finding.evidence["files"] == [{"file": str(path), "first": "os", "hidden": False}]


# From elsewhere, and late


def test_a_hook_from_elsewhere_is_told(monkeypatch: pytest.MonkeyPatch, paths: StorePaths, tmp_path: Path) -> None:
    def ran_from(folder: Path) -> list[Finding]:
        monkeypatch.setattr(certboot_startup, "__file__", str(folder / "certboot_startup" / "__init__.py"))
        return check.check(paths)[1:]

    monkeypatch.setattr(certboot_startup, "status", "no-store")
    assert ran_from(Path(str(certboot.__file__)).parents[1]) == []
    folder = tmp_path / "a"
    hook_install.install(folder)
    (finding,) = ran_from(folder)
    assert (finding.id, finding.status) == ("hook-from-elsewhere", "info")
    assert finding.summary == (
        f"the hook of certboot {certboot.__version__} that ran here is a copy by certboot hook install: {folder}"
    )
    (folder / "certboot_startup" / "guards.py").unlink()
    (finding,) = ran_from(folder)
    assert (finding.id, finding.status) == ("hook-copy-outdated", "warn")
    assert finding.fix == ((*INSTALL, sys.executable),)
    put(tmp_path / "b" / "certboot_startup.pth", "")
    (finding,) = ran_from(tmp_path / "b")
    assert (finding.id, finding.status, "nobody knows whose" in finding.summary) == (
        "hook-from-elsewhere", "warn", True,
    )  # fmt: skip


def test_what_was_imported_before_the_hook_is_told(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths, interpreter: Interpreter
) -> None:
    def late(*before: str) -> list[tuple[str, str]]:
        modules = dict.fromkeys([*before, "certboot_startup", "ssl", "requests.sessions", "httplib2"])
        here = SimpleNamespace(modules=modules, executable=sys.executable, prefix=sys.prefix)
        monkeypatch.setattr(check, "sys", here)
        return [(each.status, each.summary) for each in check.check(paths) if each.id == "hook-late"]

    monkeypatch.setattr(certboot_startup, "status", "no-store")
    assert late("os", "site") == []
    assert late("ssl") == [("info", "ssl was imported before the hook ran; it was guarded afterwards")]
    site = interpreter.site_packages
    put(site / "certboot_startup.pth", PTH)
    put(site / "zzz.pth", "import os\n")
    first = put(site / "aaa.pth", "import httplib2\n")
    words = f"httplib2 was imported before the hook ran, most likely by {first}, and does not see its variables"
    assert late("ssl", "httplib2") == [("warn", words)]


def test_this_interpreter_is_as_it_would_say_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert interpreters.this() == interpreters.ask(Path(sys.executable))
