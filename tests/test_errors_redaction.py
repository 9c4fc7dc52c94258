from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.table import cases

from certboot.errors import without_credentials


@cases(
    ("address", "expected"),
    [
        ("http://me:secret@proxy.example:3128/", "http://proxy.example:3128/"),
        ("me:secret@proxy.example", "proxy.example"),
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("proxy.example", "proxy.example"),
        ("http://me:sec/ret@proxy.example", "http://proxy.example"),
        ("http://me:sec@ret@proxy.example", "http://proxy.example"),
        ("", ""),
    ],
)
def test_what_stands_before_the_host_is_left_out(address: str, expected: str) -> None:
    assert without_credentials(address) == expected


@given(st.text(), st.text(max_size=9))
def test_no_password_stays(password: str, scheme: str) -> None:
    shown = without_credentials(f"{scheme}://{password}@host")
    assert shown.endswith("://host")
    assert "@" not in shown.partition("://")[2]
