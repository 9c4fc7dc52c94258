from __future__ import annotations

import sys
import typing
from types import SimpleNamespace

import pytest

import certboot_startup
from certboot.clients import VARIABLES
from certboot.doctor import hook
from certboot.paths import StorePaths, store_paths

if typing.TYPE_CHECKING:
    from certboot.model import Finding


def found(monkeypatch: pytest.MonkeyPatch, paths: StorePaths, status: str, **applied: str) -> Finding:
    monkeypatch.setattr(certboot_startup, "status", status)
    monkeypatch.setattr(certboot_startup, "applied", applied)
    (finding,) = hook.check(paths)
    assert (finding.group, finding.subject) == ("hook", "hook")
    assert finding.evidence["status"] == status
    assert finding.evidence["interpreter"] == sys.executable
    return finding


def test_an_active_hook_says_how_many_variables_it_set(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> None:
    finding = found(monkeypatch, paths, "active", SSL_CERT_FILE="/b", PIP_CERT="/b")
    assert (finding.id, finding.status) == ("hook-active", "ok")
    assert finding.summary == f"ran in {sys.executable} and set 2 variables"
    assert finding.evidence["variables"] == ["PIP_CERT", "SSL_CERT_FILE"]


INIT = (("certboot", "init"),)


@pytest.mark.parametrize(
    ("status", "level", "words", "fix"),
    [
        ("disabled", "info", "turned off by CERTBOOT_DISABLE", ()),
        ("no-store", "warn", "found no store to point at", INIT),
        ("bad-env", "fail", "does not take the store's env file", INIT),
        (
            "unsafe",
            "fail",
            "refuses the store",
            (("certboot", "doctor", "store"),),
        ),
        ("homeless", "fail", "found no absolute path for a home folder", ()),
        ("incomplete", "fail", "its bundle or directory is empty", INIT),
        ("KeyError", "fail", "gave up: KeyError", INIT),
    ],
)
def test_a_hook_that_did_nothing_says_why(
    monkeypatch: pytest.MonkeyPatch,
    paths: StorePaths,
    status: str,
    level: str,
    words: str,
    fix: tuple[tuple[str, ...], ...],
) -> None:
    finding = found(monkeypatch, paths, status)
    assert (finding.id, finding.status) == ("hook-inactive", level)
    assert words in finding.summary
    assert finding.fix == fix


def test_a_store_that_the_hook_does_not_find_is_a_failure(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> None:
    """There it is, and nothing is pointed at it: its env file has gone."""
    paths.generations.mkdir(parents=True)
    assert found(monkeypatch, paths, "no-store").status == "fail"


def test_a_hook_that_never_ran_is_a_failure(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> None:
    finding = found(monkeypatch, paths, "")
    assert (finding.id, finding.status) == ("hook-not-run", "fail")
    assert "certboot_startup.pth is missing from its site-packages" in finding.summary
    monkeypatch.setattr(hook, "sys", SimpleNamespace(executable=sys.executable, flags=SimpleNamespace(no_site=1)))
    assert found(monkeypatch, paths, "").summary == "did not run: this interpreter was started with -S"


def test_a_hook_that_looks_for_another_folder_is_a_failure(monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> None:
    monkeypatch.setattr(certboot_startup, "store_home", lambda *_: "/elsewhere")
    finding = found(monkeypatch, paths, "active")
    assert (finding.id, finding.status) == ("hook-looks-elsewhere", "fail")


@pytest.mark.parametrize("spelling", ["/s/store/", "/s//store", "/s/./store"])
def test_another_spelling_of_the_folder_is_the_same_folder(monkeypatch: pytest.MonkeyPatch, spelling: str) -> None:
    monkeypatch.setenv("CERTBOOT_HOME", spelling)
    assert found(monkeypatch, store_paths(), "active").id == "hook-active"


def test_a_hook_with_nothing_to_set_is_fine_only_if_the_configuration_says_so(
    monkeypatch: pytest.MonkeyPatch, paths: StorePaths
) -> None:
    assert found(monkeypatch, paths, "nothing-to-set").status == "fail"
    paths.home.mkdir(parents=True)
    names = ", ".join(f'"{variable.name}"' for variable in VARIABLES)
    paths.config.write_text(f"[variables]\nremove = [{names}]\n")
    assert found(monkeypatch, paths, "nothing-to-set").status == "info"
