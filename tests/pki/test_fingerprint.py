from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from certboot.pki.fingerprint import is_whole, plain


@given(st.binary(min_size=32, max_size=32), st.booleans(), st.sampled_from(["", " ", "\t"]))
def test_every_way_to_write_a_fingerprint_is_the_same(digest: bytes, upper: bool, blank: str) -> None:  # noqa: FBT001 - drawn
    written = digest.hex(":").upper() if upper else digest.hex()
    assert plain(f"{blank}{written}{blank}") == digest.hex()
    assert is_whole(plain(written))


@given(st.text(max_size=70).filter(lambda text: len(plain(text)) != 64))
def test_nothing_of_another_length_is_whole(text: str) -> None:
    assert not is_whole(plain(text))
