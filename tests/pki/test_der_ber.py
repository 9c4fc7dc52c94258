"""Positions of elements, with definite and indefinite lengths, and in bytes that are neither."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.table import cases

from certboot.pki import der

NULL = b"\x05\x00"
INDEFINITE = b"\x30\x80" + b"\xa0\x80" + NULL + b"\0\0" + b"\x04\x01x" + b"\0\0"


def children(data: bytes) -> list[tuple[int, bytes]]:
    return [(element.tag, data[element.begin : element.end]) for element in der.ber_children(data, 0, len(data))]


def test_elements_of_indefinite_length_end_with_their_own_end() -> None:
    assert children(INDEFINITE + NULL) == [(0x30, INDEFINITE), (5, NULL)]


def test_the_end_of_contents_ends_the_elements() -> None:
    assert children(NULL + b"\0\0" + NULL) == [(5, NULL)]


@given(st.lists(st.tuples(st.sampled_from([0x30, 0x04, 0x02, 0xA0]), st.binary(max_size=300)), max_size=5))
def test_der_is_cut_as_certboot_der_cuts_it(parts: list[tuple[int, bytes]]) -> None:
    data = b"".join(der.encode(tag, content) for tag, content in parts)
    assert children(data) == [(element.tag, element.encoded) for element in der.children(data)]


@cases(
    "data",
    [b"\x30", b"\x1f\x81\x01\x00", b"\x04\x80\0\0", b"\x30\x05\x00", b"\x30\x84\xff\xff\xff\xff", b"\x30\x80\x05\x00"],
    ids=["short", "high-tag", "primitive-indefinite", "too-long", "4-GiB", "no-end"],
)
def test_what_is_no_element_is_an_error(data: bytes) -> None:
    with pytest.raises(der.DerError):
        children(data)


def test_the_elements_inside_an_indefinite_one_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(der, "_MOST_BER_ELEMENTS", 6)
    assert children(INDEFINITE) == [(0x30, INDEFINITE)]
    monkeypatch.setattr(der, "_MOST_BER_ELEMENTS", 5)
    with pytest.raises(der.DerError, match="more elements"):
        children(INDEFINITE)


@given(st.binary(max_size=60))
def test_any_bytes_give_elements_or_an_error(data: bytes) -> None:
    with contextlib.suppress(der.DerError):
        children(data)
