from __future__ import annotations

import dataclasses
import re

from hypothesis import given
from hypothesis import strategies as st
from support.exported import hostile

from certboot.pki.certificate import Certificate
from certboot.store.export.java import by_alias


def named(name: str, fingerprint: str) -> Certificate:
    return dataclasses.replace(hostile()[0], name=name, fingerprint=fingerprint)


digits = st.text("0123456789abcdef", min_size=64, max_size=64)
# Forgers can make the first digits whatever they like.
fingerprints = st.one_of(digits, digits.map(lambda text: "00000000" + text[8:]))


@given(st.lists(st.builds(named, st.one_of(st.text(), st.sampled_from(("twin", "Twin", "TWIN"))), fingerprints)))
def test_every_certificate_has_one_alias_of_its_own_in_plain_lower_case(certificates: list[Certificate]) -> None:
    found = by_alias(certificates)
    assert {each.fingerprint for each in found.values()} == {each.fingerprint for each in certificates}
    assert len(found) == len({each.fingerprint for each in certificates})
    assert all(re.fullmatch("[a-z0-9_]+-[0-9a-f]+", alias) for alias in found)
    assert list(found) == sorted(found)


@given(st.permutations(hostile()), st.integers(min_value=1, max_value=len(hostile())))
def test_an_alias_stays_whatever_stands_beside_it(certificates: list[Certificate], count: int) -> None:
    assert by_alias(certificates[:count]).items() <= by_alias(hostile()).items()


def test_names_that_differ_in_case_alone_are_told_apart_even_with_the_same_first_digits() -> None:
    one, other = named("Twin", "0" * 64), named("TWIN", "0" * 63 + "1")
    assert by_alias([one]) == {"twin-00000000": one}
    assert by_alias([one, other]) == {f"twin-{one.fingerprint}": one, f"twin-{other.fingerprint}": other}


def test_a_certificate_given_twice_has_one_entry() -> None:
    assert by_alias([hostile()[0], hostile()[0]]) == by_alias([hostile()[0]])
