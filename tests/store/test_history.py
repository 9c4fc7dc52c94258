"""The generations that are kept, from the history's side; the commands are in the tests of the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.commands import Run, saved
from support.pki import issue
from support.snapshot import contents, roots, snapshot
from support.table import cases

from certboot.errors import StoreError
from certboot.pki.certificate import load_certificate
from certboot.sources.candidates import Candidate, Loaded
from certboot.store import env_file, generations, history
from certboot.store.paths import StorePaths, in_force
from certboot.store.request import Request
from certboot.store.update import apply


@pytest.fixture
def three(paths: StorePaths) -> StorePaths:
    """A store of three generations: Root A, B and C; then One besides; then no Root A any more."""
    apply(paths, Request("init"))
    certificate = load_certificate(issue("One").der)
    apply(paths, Request("trust", additions=(Loaded((Candidate(certificate, "added", "one.pem"),)),)))
    apply(paths, Request("distrust", distrust={load_certificate(roots()[0].der).fingerprint: "Root A"}))
    return paths


def test_without_a_store_there_is_no_history(paths: StorePaths) -> None:
    for ask in (generations.current, history.steps, lambda paths: history.rollback(paths, None)):
        with pytest.raises(StoreError) as refused:
            ask(paths)
        assert refused.value.hint
    assert list(paths.home.parents[2].rglob("*")) == []


def test_each_step_says_by_what_it_was_made_and_what_came_and_went(three: StorePaths) -> None:
    steps = history.steps(three)
    assert [(step.record.generation, step.record.command, step.came, step.went, step.in_force) for step in steps] == [
        (1, "init", 3, 0, False),
        (2, "trust", 1, 0, False),
        (3, "distrust", 0, 1, True),
    ]
    assert generations.current(three) == generations.numbered(three, 3)
    shutil.rmtree(three.generations / "1")  # what was made before the oldest that is kept counts as come
    assert [(step.came, step.went) for step in history.steps(three)] == [(4, 0), (0, 1)]


def test_a_step_without_certificates_says_what_changed(certboot: Run, three: StorePaths, tmp_path: Path) -> None:
    certboot("trust", "--yes", saved(tmp_path / "public.pem", roots()[1]))
    certboot("distrust", "Root A", "--undo")
    certboot("init", "--no-intermediates", "--source", "system,certifi")
    told = [(step.record.command, step.came, step.went, step.changed[:1]) for step in history.steps(three)[-3:]]
    assert told == [
        ("trust", 0, 0, ("reasons",)),
        ("distrust --undo", 1, 0, ("rejections",)),
        ("init", 0, 0, ("choices",)),
    ]


@cases("number", [0, -1, 4, 99])
def test_a_number_that_is_not_kept_is_an_error(three: StorePaths, number: int) -> None:
    before = snapshot(three.home)
    for ask in (generations.numbered, history.rollback):
        with pytest.raises(StoreError) as refused:
            ask(three, number)
        assert refused.value.message == f"there is no generation {number}"
    assert snapshot(three.home) == before


def test_rolling_back_goes_one_back_each_time_until_there_is_none_or_to_a_number(three: StorePaths) -> None:
    generations, env = contents(three.generations), snapshot(three.home)["env"]
    for number in (2, 1):
        before, now = history.rollback(three, None)
        assert (before.generation, now.generation) == (number + 1, number)
        assert in_force(three) == three.generations / str(number)
    with pytest.raises(StoreError, match="no generation before 1 is kept"):
        history.rollback(three, None)
    for number in (1, 3, 3):
        assert history.rollback(three, number)[1].generation == number
        assert in_force(three) == three.generations / str(number)
    assert (contents(three.generations), snapshot(three.home)["env"]) == (generations, env)


def test_where_the_env_file_names_the_generation_itself_it_names_the_new_one(three: StorePaths) -> None:
    """As on a Windows without links."""
    three.current.unlink()
    three.current.write_text("generations/3\n")
    names = {*(env_file.read(three.env) or {})}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generations, "switch", lambda paths, _: paths.current.write_text("generations/2\n"))
        history.rollback(three, None)
    settings = env_file.read(three.env) or {}
    assert {*settings} == names
    assert {value.rpartition("/")[0] for value in settings.values()} == {str(three.generations / "2")}


def test_the_next_generation_has_a_new_number_and_is_compared_with_the_one_in_force(three: StorePaths) -> None:
    history.rollback(three, 1)
    outcome = apply(three, Request("update"))
    assert (outcome.record.generation, outcome.previous) == (4, generations.numbered(three, 1))
    assert outcome.record.digest() == generations.numbered(three, 3).digest()
