"""The generations that are kept, from the history's side; the commands are in test_commands.py."""

from __future__ import annotations

import shutil

import pytest
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
    assert list(paths.home.parent.parent.glob("**/generations")) == []


def test_each_step_says_by_what_it_was_made_and_what_came_and_went(three: StorePaths) -> None:
    steps = history.steps(three)
    assert [(step.record.generation, step.record.command, step.came, step.went) for step in steps] == [
        (1, "init", 3, 0),
        (2, "trust", 1, 0),
        (3, "distrust", 0, 1),
    ]
    assert [step.in_force for step in steps] == [False, False, True]


def test_what_was_made_before_the_oldest_that_is_kept_counts_as_come(three: StorePaths) -> None:
    shutil.rmtree(three.generations / "1")
    assert [(step.came, step.went) for step in history.steps(three)] == [(4, 0), (0, 1)]


def test_the_one_in_force_is_the_present_one(three: StorePaths) -> None:
    assert generations.current(three) == generations.numbered(three, 3)


@cases("number", [0, -1, 4, 99])
def test_a_number_that_is_not_kept_is_an_error(three: StorePaths, number: int) -> None:
    before = snapshot(three.home)
    for ask in (generations.numbered, history.rollback):
        with pytest.raises(StoreError) as refused:
            ask(three, number)
        assert refused.value.message == f"there is no generation {number}"
    assert snapshot(three.home) == before


def test_rolling_back_goes_one_back_each_time_until_there_is_none(three: StorePaths) -> None:
    generations = contents(three.generations)
    for number in (2, 1):
        before, now = history.rollback(three, None)
        assert (before.generation, now.generation) == (number + 1, number)
        assert in_force(three) == three.generations / str(number)
    with pytest.raises(StoreError, match="no generation before 1 is kept"):
        history.rollback(three, None)
    assert contents(three.generations) == generations


def test_a_rollback_may_go_forward_to_a_number_and_stay_where_it_is(three: StorePaths) -> None:
    for number in (1, 3, 3):
        assert history.rollback(three, number)[1].generation == number
        assert in_force(three) == three.generations / str(number)


def test_a_rollback_leaves_the_env_file_as_it_is_where_links_switch(three: StorePaths) -> None:
    before = snapshot(three.home)["env"]
    history.rollback(three, None)
    assert snapshot(three.home)["env"] == before


def test_where_the_env_file_names_the_generation_itself_it_names_the_new_one(three: StorePaths) -> None:
    """As on a Windows without links."""
    three.current.unlink()
    three.current.write_text("generations/3\n")
    names = set(env_file.read(three.env) or {})

    def file_switch(paths: StorePaths, generation: object) -> None:
        del generation
        paths.current.write_text("generations/2\n")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("certboot.store.generations.switch", file_switch)
        history.rollback(three, None)
    settings = env_file.read(three.env) or {}
    assert set(settings) == names
    assert {value.rpartition("/")[0] for value in settings.values()} == {str(three.generations / "2")}


def test_the_next_generation_has_a_new_number_and_is_compared_with_the_one_in_force(three: StorePaths) -> None:
    history.rollback(three, 1)
    outcome = apply(three, Request("update"))
    assert (outcome.record.generation, outcome.previous) == (4, generations.numbered(three, 1))
    assert outcome.record.digest() == generations.numbered(three, 3).digest()


@cases("part", ["bundle.pem", "crts", "manifest.json"])
def test_a_damaged_generation_is_never_put_in_force(three: StorePaths, part: str) -> None:
    path = three.generations / "2" / part
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
    before = snapshot(three.home)
    with pytest.raises(StoreError):
        history.rollback(three, 2)
    assert snapshot(three.home) == before
    assert history.rollback(three, 1)[1].generation == 1
