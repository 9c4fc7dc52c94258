"""The plan of a directory's hash links has no gap, no loss, and changes no more than it must."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.table import cases

from certboot.store.hash_links import Slot, plan

Wanted = list[tuple[str, str, str]]
Present = dict[Slot, str]

HASHES, KINDS, NAMES = ["aaaaaaaa", "bbbbbbbb"], ["", "r"], [f"{letter}.pem" for letter in "abcdefg"]
slots = st.builds(Slot, st.sampled_from(HASHES), st.sampled_from(KINDS), st.integers(0, 6))
buckets = st.tuples(st.sampled_from(HASHES), st.sampled_from(KINDS))
wanted_files = st.dictionaries(st.sampled_from(NAMES), buckets).map(
    lambda files: [(hash_, kind, name) for name, (hash_, kind) in files.items()]
)
# A slot is a link or something else, never both.
situations = st.tuples(st.dictionaries(slots, st.sampled_from([*NAMES, "gone.pem"])), st.sets(slots)).map(
    lambda pair: ({slot: target for slot, target in pair[0].items() if slot not in pair[1]}, pair[1])
)


def test_the_name_of_a_slot_is_the_name_of_its_link() -> None:
    assert str(Slot("9d66eef0", "", 0)) == "9d66eef0.0"
    assert str(Slot("9d66eef0", "r", 12)) == "9d66eef0.r12"


@given(wanted_files, situations)
def test_a_plan_has_no_gap_and_no_loss_and_keeps_what_is_right(
    wanted: Wanted, situation: tuple[Present, set[Slot]]
) -> None:
    present, occupied = situation
    links = plan(wanted, present, occupied)
    # Every wanted file has exactly one link, and nothing else has.
    assert sorted((slot.hash, slot.kind, name) for slot, name in links.items()) == sorted(wanted)
    # No link stands behind a gap or on an occupied slot.
    below = {slot._replace(number=number) for slot in links for number in range(slot.number)}
    assert below - links.keys() <= occupied
    assert links.keys() & occupied == set()
    # A link that is right and leaves no gap is kept.
    right = [slot for slot in sorted(present) if slot in links and (slot.hash, slot.kind, present[slot]) in wanted]
    lowest = {present[slot]: slot for slot in reversed(right)}
    assert {name: slot for slot, name in links.items() if name in lowest} == lowest
    assert plan(wanted, links, occupied) == links


@cases(
    ("present", "occupied", "expected"),
    [
        ({}, [], {0: "a", 1: "b", 2: "c"}),
        ({2: "a"}, [], {0: "b", 1: "c", 2: "a"}),
        ({3: "a"}, [], {0: "a", 1: "b", 2: "c"}),
        ({0: "b", 1: "b"}, [], {0: "b", 1: "a", 2: "c"}),
        ({0: "gone"}, [], {0: "a", 1: "b", 2: "c"}),
        ({}, [1], {0: "a", 2: "b", 3: "c"}),
        ({3: "c"}, [1], {0: "a", 2: "b", 3: "c"}),
        ({}, [7], {0: "a", 1: "b", 2: "c"}),
    ],
    ids=["fresh", "kept", "too high", "second link", "dangling", "occupied", "kept beyond occupied", "occupied beyond"],
)
def test_numbers_follow_the_order_of_the_files_around_what_is_there(
    present: dict[int, str], occupied: list[int], expected: dict[int, str]
) -> None:
    def slot(number: int) -> Slot:
        return Slot("aaaaaaaa", "", number)

    there = {slot(number): target for number, target in present.items()}
    links = plan([("aaaaaaaa", "", name) for name in "abc"], there, [slot(number) for number in occupied])
    assert links == {slot(number): name for number, name in expected.items()}
