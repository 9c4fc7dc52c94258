"""What a person types for a server becomes a host and a port."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certboot.doctor.address import parse_address
from certboot.errors import CertbootError


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("example.org", ("example.org", 443)),
        ("localhost", ("localhost", 443)),
        ("example.org:8443", ("example.org", 8443)),
        ("example.org:", ("example.org", 443)),
        ("example.org:65535", ("example.org", 65535)),
        ("EXAMPLE.org", ("example.org", 443)),
        ("zürich.example", ("zürich.example", 443)),
        ("example.org/path", ("example.org", 443)),
        ("https://example.org", ("example.org", 443)),
        ("https://example.org:8443/a?b=https://c:1#d", ("example.org", 8443)),
        ("https://user:secret@example.org:8443/", ("example.org", 8443)),
        ("127.0.0.1", ("127.0.0.1", 443)),
        ("127.0.0.1:8443", ("127.0.0.1", 8443)),
        ("::1", ("::1", 443)),
        ("2001:db8::1", ("2001:db8::1", 443)),
        ("fe80::1%eth0", ("fe80::1%eth0", 443)),
        ("[::1]", ("::1", 443)),
        ("[::1]:8443", ("::1", 8443)),
        ("https://[::1]:8443/", ("::1", 8443)),
        ("imaps://mail.example", ("mail.example", 993)),
        ("ldaps://ldap.example:1636/dc=x", ("ldap.example", 1636)),
    ],
)
def test_an_address_is_understood(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    ("text", "protocol", "port"),
    [("mail.example", "smtp", 25), ("mail.example:587", "smtp", 587), ("::1", "postgres", 5432), ("a", "", 443)],
)
def test_a_protocol_that_begins_in_plain_text_has_its_own_port(text: str, protocol: str, port: int) -> None:
    assert parse_address(text, protocol)[1] == port


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ":443", "https://", "https:///path", "[::1", "[]:443", "two words", "example.org:https",
        "example.org:0", "example.org:-1", "example.org:65536",
    ],
)  # fmt: skip
def test_what_names_no_host_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(CertbootError) as caught:
        parse_address(text)
    assert caught.value.message == f"not a host: {text!r}"
    assert "[::1]:443" in caught.value.hint


@given(st.text() | st.text("[]:/@%?#.1a ").map(lambda text: f"https://{text}"))
def test_any_text_is_a_host_with_a_port_or_a_certboot_error(text: str) -> None:
    try:
        host, port = parse_address(text)
    except CertbootError:
        return
    assert host == "".join(host.split())
    assert host
    assert 1 <= port <= 65535
