"""A remedy leads on: not back to the run that offers it, and not to a command that lacks a store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.commands import Run
from support.issuers import Send, without_its_issuer
from support.server import PlainServer
from support.snapshot import roots
from support.table import cases

import certboot_startup
from certboot.doctor import run
from certboot.doctor.finding import Finding, Group, with_store, without_return
from certboot.store.paths import StorePaths

INIT = ("certboot", "init")
LOOK = ("certboot", "doctor", "store")
REPAIR = ("certboot", "repair", "a:443")
Fix = tuple[tuple[str, ...], ...]
TRUST, ADOPT = ("certboot", "trust", "a"), ("certboot", "adopt", "X")


def fixed(*fix: tuple[str, ...]) -> Finding:
    return Finding("x", "hook", "fail", "s", "w", fix=fix)


@cases(("groups", "fix", "left"), [
    (("store", "hook"), (LOOK,), ()),
    (("hook",), (LOOK,), (LOOK,)),
    (("store",), ((*LOOK, "hook"),), ((*LOOK, "hook"),)),
    (("store",), (INIT, LOOK, REPAIR), (INIT, REPAIR)),
    (("store",), (), ()),
])  # fmt: skip
def test_no_remedy_is_to_look_at_what_is_looked_at(groups: tuple[Group, ...], fix: Fix, left: Fix) -> None:
    assert [each.fix for each in without_return([fixed(*fix)], groups)] == [left]


@cases(("fix", "expected"), [
    ((REPAIR,), (INIT, REPAIR)),
    ((ADOPT,), (INIT, ADOPT)),
    ((INIT, REPAIR), (INIT, REPAIR)),
    ((TRUST, ADOPT), (TRUST, ADOPT)),
    ((("chmod", "go-w", "/x"),), (("chmod", "go-w", "/x"),)),
    ((), ()),
])  # fmt: skip
def test_what_needs_a_store_is_preceded_by_what_makes_it(paths: StorePaths, fix: Fix, expected: Fix) -> None:
    assert [each.fix for each in with_store([fixed(*fix)], paths)] == [expected]
    paths.generations.joinpath("1").mkdir(parents=True)
    paths.current.symlink_to("generations/1")
    assert [each.fix for each in with_store([fixed(*fix)], paths)] == [fix]


@cases("argv", [("doctor", "--json"), ("scan",)])
def test_a_server_that_forgot_its_issuer_is_mended_from_nothing(
    certboot: Run, place: PlainServer, send: Send, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    argv: tuple[str, ...],
) -> None:  # fmt: skip
    (tmp_path / "trusted.pem").write_bytes(roots()[0].pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "trusted.pem"))
    server = without_its_issuer(roots()[0], place, send)
    said = json.loads(certboot(*argv, server.shown).out)
    assert said["primary"] == "missing-intermediate"
    fix = next(
        each["fix"] for each in said.get("findings", [said]) if each.get("id", said["primary"]) == said["primary"]
    )
    assert fix[:2] == [["certboot", "init"], ["certboot", "repair", server.shown]]
    assert certboot("init").status == 0
    assert certboot(*fix[1][1:], "--yes").status == 0


def test_a_refusing_hook_sends_to_the_store_from_elsewhere(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certboot_startup, "status", "unsafe")

    def fix(*groups: Group) -> Fix:
        return next(each.fix for each in run.examine(paths, {}, groups) if each.id == "hook-refuses-store")

    assert fix("hook") == (LOOK,)
    assert fix("hook", "store") == ()
