"""Every fuzz target over its corpus and mutations: a stranger's bytes are accepted, or refused by name, in time."""

from __future__ import annotations

import sys
import time
import typing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
import targets

from certboot.pki import certificate, pem
from certboot.sources import ccadb, certifi, extract
from certboot.store import manifest

_SECONDS = 2.0
"""Of the processor's time, for one input of at most targets.LONGEST bytes."""

_STEPS = st.lists(st.tuples(st.sampled_from(targets.KINDS), st.integers(0, 0xFFFF), st.binary(max_size=6)), max_size=6)


# scripts/fuzz.py looks for what is new.
_SAME_EVERYWHERE = settings(
    max_examples=250, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def _run(target: str, data: bytes) -> None:
    begin = time.process_time()
    targets.TARGETS[target](data)
    assert time.process_time() - begin < _SECONDS


@pytest.mark.parametrize("target", targets.TARGETS)
def test_bytes_of_the_corpus_mutations_and_no_shape_at_all_are_accepted_or_refused_by_name(target: str) -> None:
    seeds = targets.seeds(target)
    assert seeds
    for data in seeds:
        _run(target, data)

    @_SAME_EVERYWHERE
    @given(seed=st.sampled_from(seeds), steps=_STEPS)
    def mutations(seed: bytes, steps: list[targets.Step]) -> None:
        _run(target, targets.mutated(seed, steps))

    @settings(_SAME_EVERYWHERE, max_examples=60)
    @given(data=st.binary(max_size=200))
    def anything(data: bytes) -> None:
        _run(target, data)

    mutations()
    anything()


def test_mutations_of_real_roots_are_sound_certificates_or_refused() -> None:
    """Whatever is asked of a certificate later works, since what cryptography reads only when it is asked was read."""
    roots = [block.data or b"" for block in pem.blocks(certifi.path().read_bytes())]

    @settings(_SAME_EVERYWHERE, max_examples=1000)
    @given(seed=st.sampled_from(roots), steps=_STEPS)
    def mutations(seed: bytes, steps: list[targets.Step]) -> None:
        targets.certificate(targets.mutated(seed, steps))

    mutations()


@pytest.mark.parametrize(
    ("target", "valid"),
    [("certificate", "root"), ("source", "utf-16"), ("ccadb", "whole"), ("config", "whole"), ("manifest", "whole")],
)
def test_a_target_sees_what_a_parser_should_not_raise(target: str, valid: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of all the others: with a parser that raises something else the same input fails."""
    data = (targets.CORPUS / target / valid).read_bytes()
    _run(target, data)

    def broken(*_: object, **__: object) -> typing.NoReturn:
        raise IndexError

    for module, name in (
        (certificate, "annotated_pem"),
        (extract, "from_bytes"),
        (ccadb, "read"),
        (targets, "rebased"),
        (manifest, "render"),
    ):
        monkeypatch.setattr(module, name, broken)
    with pytest.raises(IndexError):
        _run(target, data)


def test_the_corpus_is_small() -> None:
    sizes = [file.stat().st_size for file in targets.CORPUS.rglob("*") if file.is_file()]
    assert sum(sizes) < 150_000
    assert {folder.name for folder in targets.CORPUS.iterdir()} == targets.TARGETS.keys()
