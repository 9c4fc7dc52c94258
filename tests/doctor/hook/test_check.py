"""The group ``hook`` in this process: what the hook says of itself, its guards, and what else starts."""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.here import put
from support.table import cases

import certboot
import certboot_startup
from certboot.clients.variables import VARIABLES
from certboot.doctor.finding import Finding
from certboot.doctor.hook import check
from certboot.hook import copies, found, interpreters
from certboot.hook import install as hook_install
from certboot.hook.copies import Copy
from certboot.hook.interpreters import Interpreter
from certboot.store.paths import StorePaths, store_paths
from certboot.store.request import Request
from certboot.store.update import apply

if typing.TYPE_CHECKING:
    from support.environments import Ran


@pytest.fixture(autouse=True)
def interpreter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Interpreter:
    """An interpreter with an empty folder of packages."""
    site = tmp_path / "site"
    site.mkdir()
    found = Interpreter(Path(sys.executable), sys.version_info[:3], True, site, None, (site,), False)  # noqa: FBT003
    monkeypatch.setattr(interpreters, "this", lambda: found)
    monkeypatch.setattr(certboot_startup, "guarded", {})
    monkeypatch.setattr(certboot_startup, "switches", "ssl,requests,certifi")
    return found


def of(monkeypatch: pytest.MonkeyPatch, paths: StorePaths, status: str, **applied: str) -> Finding:
    monkeypatch.setattr(certboot_startup, "status", status)
    monkeypatch.setattr(certboot_startup, "applied", applied)
    finding = check.check(paths)[0]
    assert (finding.group, finding.subject) == ("hook", "hook")
    assert finding.evidence["status"] == status
    assert finding.evidence["interpreter"] == sys.executable
    return finding


def test_an_active_hook_says_how_many_variables_it_set_and_what_that_costs(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths
) -> None:
    finding = of(monkeypatch, paths, "active", SSL_CERT_FILE="/b", PIP_CERT="/b")
    assert (finding.id, finding.status) == ("hook-active", "ok")
    assert finding.summary == f"ran in {sys.executable} and set 2 variables"
    assert finding.evidence["variables"] == ["PIP_CERT", "SSL_CERT_FILE"]


INIT = (("certboot", "init"),)


@cases(
    ("status", "kind", "level", "words", "fix"),
    [
        ("disabled", "hook-disabled", "info", "turned off by CERTBOOT_DISABLE", ()),
        ("no-store", "hook-without-store", "warn", "found no store to point at", INIT),
        ("bad-env", "hook-env-damaged", "fail", "does not take the store's env file", INIT),
        ("unsafe", "hook-refuses-store", "fail", "refuses the store", (("certboot", "doctor", "store"),)),
        ("homeless", "hook-homeless", "fail", "found no absolute path for a home folder", ()),
        ("incomplete", "hook-refuses-store", "fail", "its bundle or directory is empty", INIT),
        ("KeyError", "hook-failed", "fail", "gave up: KeyError", INIT),
    ],
)
def test_a_hook_that_did_nothing_says_why(  # noqa: PLR0913, PLR0917 - a table
    monkeypatch: pytest.MonkeyPatch,
    paths: StorePaths,
    status: str,
    kind: str,
    level: str,
    words: str,
    fix: tuple[tuple[str, ...], ...],
) -> None:
    finding = of(monkeypatch, paths, status)
    assert (finding.id, finding.status) == (kind, level)
    assert words in finding.summary
    assert finding.fix == fix


@cases(
    ("lost", "words"),
    [
        ("current", "what names the generation in force is missing: {home}/current"),
        ("generations/1", "what names the generation in force leads to no generation: {home}/current"),
        ("generations", "the store has no generations: {home}/generations"),
        ("generations/1/crts", "a part of the generation in force is missing: {home}/generations/1/crts"),
        ("generations/1/bundle.pem", "a part of the generation in force is missing: {home}/generations/1/bundle.pem"),
        ("", ""),
    ],
)
def test_a_hook_that_misses_a_part_says_which_and_init_writes_it(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths, certboot: Callable[..., Ran], lost: str, words: str
) -> None:
    from support.hook_store import start

    apply(paths, Request("init"))
    if lost:
        (paths.home / lost).rename(paths.home.with_name("away"))
    status, _ = start({"CERTBOOT_HOME": str(paths.home)})
    finding = of(monkeypatch, paths, status)
    if not lost:
        assert finding.id == "hook-active"
        return
    assert (finding.id, finding.status, finding.fix) == ("hook-failed", "fail", INIT)
    assert finding.summary.endswith(f", and gave up, because {words.format(home=paths.home)}")
    assert certboot(*finding.fix[0][1:]).status == 0
    assert start({"CERTBOOT_HOME": str(paths.home)})[0] == "active"


@cases(
    ("status", "words"),
    [
        ("FileNotFoundError", "a part of the store was missing when it ran"),
        ("PermissionError", "it may not look into the store: "),
    ],
)
def test_a_hook_that_gave_up_says_so_in_words(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths, status: str, words: str
) -> None:
    apply(paths, Request("init"))
    finding = of(monkeypatch, paths, status)
    assert finding.id == "hook-failed"
    assert f"gave up, because {words}" in finding.summary
    assert status not in finding.summary


def test_a_store_that_the_hook_does_not_find_is_a_failure(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> None:
    """There it is, and nothing is pointed at it: its env file has gone."""
    paths.generations.mkdir(parents=True)
    finding = of(monkeypatch, paths, "no-store")
    assert (finding.id, finding.status) == ("hook-env-damaged", "fail")


def test_a_hook_that_looks_for_another_folder_is_a_failure(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> None:
    monkeypatch.setattr(certboot_startup, "store_home", lambda *_: "/elsewhere")
    finding = of(monkeypatch, paths, "active")
    assert (finding.id, finding.status) == ("hook-looks-elsewhere", "fail")


@cases("spelling", ["/s/store/", "/s//store", "/s/./store"])
def test_another_spelling_of_the_folder_is_the_same_folder(monkeypatch: pytest.MonkeyPatch, spelling: str) -> None:
    monkeypatch.setenv("CERTBOOT_HOME", spelling)
    assert of(monkeypatch, store_paths(), "active").id == "hook-active"


def test_a_hook_with_nothing_to_set_is_fine_only_if_the_configuration_says_so(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths
) -> None:
    assert of(monkeypatch, paths, "nothing-to-set").id == "hook-env-damaged"
    paths.home.mkdir(parents=True)
    names = ", ".join(f'"{variable.name}"' for variable in VARIABLES)
    paths.config.write_text(f"[variables]\nremove = [{names}]\n")
    finding = of(monkeypatch, paths, "nothing-to-set")
    assert (finding.id, finding.status) == ("hook-nothing-to-set", "info")


@cases("damage", ["gone", "empty"])
def test_the_remedy_for_a_lost_env_file_runs_and_mends_it(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths, certboot: Callable[..., object], damage: str
) -> None:
    from support.hook_store import start

    apply(paths, Request("init"))
    paths.env.unlink() if damage == "gone" else paths.env.write_text("")
    status, _ = start({"CERTBOOT_HOME": str(paths.home)})
    finding = of(monkeypatch, paths, status)
    assert finding.id == "hook-env-damaged"
    certboot(*finding.fix[0][1:])
    assert start({"CERTBOOT_HOME": str(paths.home)})[0] == "active"


# Guards


def guards(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> list[tuple[str, str, str]]:
    monkeypatch.setattr(certboot_startup, "status", "active")
    return [(each.id, each.status, each.summary) for each in check.check(paths) if each.id.startswith("guard")]


def test_the_guards_that_are_on_are_told_and_what_they_guard(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths
) -> None:
    on = "ssl, requests, certifi are on; guarded in this process: "
    assert guards(monkeypatch, paths) == [("guards-on", "ok", f"{on}nothing yet")]
    monkeypatch.setattr(certboot_startup, "guarded", {"ssl": "applied", "requests.sessions": "waiting"})
    assert guards(monkeypatch, paths) == [("guards-on", "ok", f"{on}ssl")]


@cases(
    ("switches", "words"),
    [("ssl", "turns off requests, certifi; ssl are on"), ("", "turns off ssl, requests, certifi")],
)
def test_guards_that_are_off_are_told_with_who_turned_them_off(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths, switches: str, words: str
) -> None:
    monkeypatch.setattr(certboot_startup, "switches", switches)
    assert guards(monkeypatch, paths) == [("guards-off", "info", f"config.toml {words}")]
    monkeypatch.setenv("CERTBOOT_GUARDS", switches or "none")
    assert guards(monkeypatch, paths) == [("guards-off", "info", f"CERTBOOT_GUARDS {words}")]


def test_a_guard_that_stepped_aside_is_a_warning(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> None:
    monkeypatch.setattr(certboot_startup, "guarded", {"requests.sessions": "stepped aside: LookupError: odd"})
    assert guards(monkeypatch, paths)[0] == ("guard-stepped-aside", "warn", "stepped aside: LookupError: odd")


def test_without_a_hook_there_are_no_guards(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> None:
    monkeypatch.setattr(certboot_startup, "status", "no-store")
    assert [each.id for each in check.check(paths)] == ["hook-without-store"]


# Copies, and others


def test_a_copy_that_is_outdated_is_a_warning_and_the_command_renews_it(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths, tmp_path: Path
) -> None:
    monkeypatch.setattr(certboot_startup, "status", "active")
    folder = tmp_path / "other"
    for user in (False, True):
        hook_install.install(folder)
        copies.remember(paths, Copy("/usr/bin/python3", str(folder), user))
        assert "hook-copy-outdated" not in [each.id for each in check.check(paths)]
        own = found.read_record(folder)
        assert own
        old = found.Record("0.0.9", "", {**own.files, "certboot_startup.pth": ("0" * 64,)})
        (folder / found.RECORD_NAME).write_bytes(found.render_record(old))
        (finding,) = (each for each in check.check(paths) if each.id == "hook-copy-outdated")
        assert (finding.status, finding.summary) == (
            "warn", f"a copy of certboot 0.0.9 in {folder}, older or not whole",
        )  # fmt: skip
        install = ("certboot", "hook", "install", "--python", "/usr/bin/python3")
        assert finding.fix == ((*install, "--user") if user else install,)
        (folder / "certboot_startup.pth").unlink()


def test_a_hook_in_an_environment_of_pipx_or_uv_acts_alone(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths, tmp_path: Path
) -> None:
    monkeypatch.setattr(certboot_startup, "status", "active")

    def alone() -> list[Finding]:
        return [each for each in check.check(paths) if each.id == "hook-alone"]

    assert alone() == []
    monkeypatch.setenv("UV_TOOL_DIR", str(Path(sys.prefix).parent))
    python = put(tmp_path / "env" / "bin" / "python", "")
    monkeypatch.setenv("VIRTUAL_ENV", str(tmp_path / "env"))
    (finding,) = alone()
    assert (finding.status, finding.evidence["tool"]) == ("warn", "uv tool")
    assert finding.fix == (("certboot", "hook", "install", "--python", str(python)),)
    monkeypatch.delenv("VIRTUAL_ENV")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert alone()[0].fix == ()
    hook_install.install(tmp_path / "other")
    copies.remember(paths, Copy("/usr/bin/python3", str(tmp_path / "other"), user=False))
    assert alone() == []  # the user has taken care of it


def test_without_a_status_the_reason_is_looked_for(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> None:
    monkeypatch.setattr(certboot_startup, "status", "")
    (finding,) = check.check(paths)
    assert (finding.id, finding.status, finding.group) == ("hook-outside-site", "fail", "hook")


def test_other_start_up_files_are_listed(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths, interpreter: Interpreter
) -> None:
    monkeypatch.setattr(certboot_startup, "status", "active")
    site = interpreter.site_packages
    put(site / "certboot_startup.pth", "import certboot_startup; certboot_startup.activate()\n")
    put(site / "paths-only.pth", "/somewhere\n")
    assert "other-start-up-hooks" not in [each.id for each in check.check(paths)]
    put(site / "distutils-precedence.pth", "import os; os\n")
    (finding,) = (each for each in check.check(paths) if each.id == "other-start-up-hooks")
    assert (finding.status, finding.summary) == ("info", "also run at start: distutils-precedence.pth (os)")
    assert finding.evidence["files"] == [
        {"file": str(site / "distutils-precedence.pth"), "first": "os", "hidden": False}
    ]


# From elsewhere, and late


def ran_from(monkeypatch: pytest.MonkeyPatch, paths: StorePaths, folder: Path) -> list[Finding]:
    monkeypatch.setattr(certboot_startup, "status", "no-store")
    monkeypatch.setattr(certboot_startup, "__file__", str(folder / "certboot_startup" / "__init__.py"))
    return check.check(paths)[1:]


def test_a_hook_that_is_a_copy_in_another_folder_is_told(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths, tmp_path: Path
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        assert ran_from(patch, paths, Path(str(certboot.__file__)).parents[1]) == []
    hook_install.install(tmp_path / "a")
    (finding,) = ran_from(monkeypatch, paths, tmp_path / "a")
    assert (finding.id, finding.status) == ("hook-from-elsewhere", "info")
    version, folder = certboot.__version__, tmp_path / "a"
    assert finding.summary == (
        f"the hook of certboot {version} that ran here is a copy by certboot hook install: {folder}"
    )


def test_a_hook_in_another_folder_that_is_outdated_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths, tmp_path: Path
) -> None:
    hook_install.install(tmp_path / "a")
    (tmp_path / "a" / "certboot_startup" / "guards.py").unlink()
    (finding,) = ran_from(monkeypatch, paths, tmp_path / "a")
    assert (finding.id, finding.status) == ("hook-copy-outdated", "warn")
    assert finding.fix == (("certboot", "hook", "install", "--python", sys.executable),)


def test_a_hook_that_nobody_knows_of_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths, tmp_path: Path
) -> None:
    put(tmp_path / "a" / "certboot_startup.pth", "")
    (finding,) = ran_from(monkeypatch, paths, tmp_path / "a")
    assert (finding.id, finding.status) == ("hook-from-elsewhere", "warn")
    assert "nobody knows whose" in finding.summary


def late(monkeypatch: pytest.MonkeyPatch, paths: StorePaths, *before: str) -> list[tuple[str, str, str]]:
    """Let these have been imported before the hook."""
    monkeypatch.setattr(certboot_startup, "status", "no-store")
    modules = dict.fromkeys([*before, "certboot_startup", "ssl", "requests.sessions", "httplib2"])
    monkeypatch.setattr(check, "sys", SimpleNamespace(modules=modules, executable=sys.executable, prefix=sys.prefix))
    return [(each.id, each.status, each.summary) for each in check.check(paths) if each.id == "hook-late"]


def test_what_was_imported_before_the_hook_is_told(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths, interpreter: Interpreter
) -> None:
    assert late(monkeypatch, paths, "os", "site") == []
    assert late(monkeypatch, paths, "ssl") == [
        ("hook-late", "info", "ssl was imported before the hook ran; it was guarded afterwards")
    ]
    site = interpreter.site_packages
    put(site / "certboot_startup.pth", "import certboot_startup; certboot_startup.activate()\n")
    put(site / "zzz.pth", "import os\n")
    first = put(site / "aaa.pth", "import httplib2\n")
    ((_, status, words),) = late(monkeypatch, paths, "ssl", "httplib2")
    assert status == "warn"
    assert words == (
        f"httplib2 was imported before the hook ran, most likely by {first}, and does not see its variables"
    )


def test_this_interpreter_is_as_it_would_say_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert interpreters.this() == interpreters.ask(Path(sys.executable))
