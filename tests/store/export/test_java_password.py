from __future__ import annotations

import pytest
from support.table import cases

from certboot.errors import CertbootError
from certboot.store.export.java import checked_password


@cases("text", ["changeit", "x", "with space", "~!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}"])
def test_what_java_takes_is_taken_as_it_stands(text: str) -> None:
    assert checked_password(text.encode()) == text


@cases("data", ["d\N{LATIN SMALL LETTER O WITH DIAERESIS}r".encode(), b"\xff", b"a\nb", b"a\tb", b"\0"])
def test_what_java_would_not_take_is_refused(data: bytes) -> None:
    with pytest.raises(CertbootError, match="Java does not take"):
        checked_password(data)


def test_an_empty_password_is_refused() -> None:
    with pytest.raises(CertbootError, match="empty"):
        checked_password(b"")
