"""What a person types for a server becomes a host and a port."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.table import cases

from certboot.errors import CertbootError
from certboot.net.address import SchemeError, parse_address, parse_host

ADDRESSES = {
    ("example.org", 443): [
        "example.org", "example.org:", "EXAMPLE.org", "example.org/path", "https://example.org", "HTTPS://example.org",
        "wss://example.org/chat",
    ],
    ("example.org", 8443): [
        "example.org:8443", "https://example.org:8443/a?b=https://c:1#d", "https://user:secret@example.org:8443/",
        "http://example.org:8443",
    ],
    ("example.org", 65535): ["example.org:65535"],
    ("example.org", 1): ["x-own://example.org:1"],
    ("localhost", 443): ["localhost"],
    ("zürich.example", 443): ["zürich.example"],
    ("127.0.0.1", 443): ["127.0.0.1"],
    ("127.0.0.1", 8443): ["127.0.0.1:8443"],
    ("::1", 443): ["::1", "[::1]"],
    ("::1", 8443): ["[::1]:8443", "https://[::1]:8443/"],
    ("2001:db8::1", 443): ["2001:db8::1"],
    ("fe80::1%eth0", 443): ["fe80::1%eth0"],
    ("mail.example", 993): ["imaps://mail.example"],
    ("mail.example", 465): ["smtps://mail.example"],
    ("mail.example", 995): ["pop3s://mail.example"],
    ("ftp.example", 990): ["ftps://ftp.example"],
    ("ldap.example", 1636): ["ldaps://ldap.example:1636/dc=x"],
    ("queue.example", 5671): ["amqps://queue.example/v"],
    ("git.example", 443): ["git+https://git.example/a.git"],
    ("db.example", 5432): ["postgresql://user:secret@db.example:5432/x"],
}  # fmt: skip


@cases(("address", "texts"), ADDRESSES.items())
def test_an_address_is_understood(address: tuple[str, int], texts: list[str]) -> None:
    assert [parse_address(text) for text in texts] == [address] * len(texts)


@cases("text", ["bad host!!", "bad.host!!", "a b", "a,b", "*.example", "a;b:443", "'a'", "https://a$b/", "<a>", "a|b"])
def test_what_no_host_is_called_is_none(text: str) -> None:
    with pytest.raises(CertbootError, match="not a host"):
        parse_address(text)


@cases(
    ("text", "protocol", "port"),
    [
        ("mail.example", "smtp", 25),
        ("mail.example:587", "smtp", 587),
        ("::1", "postgres", 5432),
        ("a", "", 443),
        ("smtp://mail.example", "smtp", 25),
        ("postgresql+psycopg://db.example/x", "postgres", 5432),
        ("mariadb://db.example", "mysql", 3306),
        ("imaps://mail.example", "imap", 993),
    ],
)
def test_a_protocol_that_begins_in_plain_text_has_its_own_port(text: str, protocol: str, port: int) -> None:
    assert parse_address(text, protocol)[1] == port


@cases(
    ("text", "shown"),
    [
        *((text, text) for text in (
            "", " ", ":443", "https://", "https:///path", "[::1", "[]:443", "two words", "example.org:https",
            "example.org:0", "example.org:-1", "example.org:65536",
        )),
        ("https://u:secret@localhost:99999/db", "https://localhost:99999/db"),
        ("u:secret@localhost:0", "localhost:0"),
        ("https://u:se/c@ret@", "https://"),
    ],
)  # fmt: skip
def test_what_names_no_host_is_refused_with_a_hint_and_without_its_password(text: str, shown: str) -> None:
    with pytest.raises(CertbootError) as caught:
        parse_address(text)
    assert caught.value.message == f"not a host: {shown!r}"
    assert "[::1]:443" in caught.value.hint


@cases(
    ("text", "starttls", "shown", "hint"),
    [
        ("http://h", "", "http://h", "certboot doctor h:443, if its https is meant"),
        ("ws://user:secret@h/secret?secret", "", "ws://h", "certboot doctor h:443, if its https is meant"),
        ("http://[::1]/", "", "http://[::1]", "certboot doctor [::1]:443, if its https is meant"),
        ("http://h", "smtp", "http://h", "certboot doctor h:443, if its https is meant"),
        ("postgres://h/db", "", "postgres://h", "certboot doctor h:5432 --starttls postgres"),
        ("postgresql://u:secret@h", "", "postgresql://h", "certboot doctor h:5432 --starttls postgres"),
        ("postgresql+psycopg://h", "", "postgresql+psycopg://h", "certboot doctor h:5432 --starttls postgres"),
        ("mysql+pymysql://h", "", "mysql+pymysql://h", "certboot doctor h:3306 --starttls mysql"),
        ("ldap://h", "", "ldap://h", "certboot doctor h:389 --starttls ldap"),
        ("smtp://h", "", "smtp://h", "certboot doctor h:25 --starttls smtp"),
        ("imap://h", "", "imap://h", "certboot doctor h:143 --starttls imap"),
        ("pop://h", "", "pop://h", "certboot doctor h:110 --starttls pop3"),
        ("ftp://h", "smtp", "ftp://h", "certboot doctor h:21 --starttls ftp"),
        ("redis://h", "", "redis://h", "certboot doctor h:PORT, with the port where TLS begins"),
    ],
)
def test_a_scheme_without_tls_needs_a_port(text: str, starttls: str, shown: str, hint: str) -> None:
    with pytest.raises(SchemeError) as caught:
        parse_address(text, starttls)
    assert caught.value.message == f"the address names neither TLS nor a port: {shown}"
    assert caught.value.hint == hint


@cases(
    ("text", "address"),
    [("h", ("h", 7)), ("::1", ("::1", 7)), ("h:443", ("h", 443)), ("https://h", ("h", 443)), ("ldaps://h", ("h", 636))],
)
def test_the_usual_port_is_for_a_host_alone(text: str, address: tuple[str, int]) -> None:
    assert parse_address(text, "", 7) == address


@cases("text", ["h", "h:1", "http://h", "postgres://u:p@h/db", "https://h:1"])
def test_a_host_is_taken_from_any_address(text: str) -> None:
    assert parse_host(text) == "h"


@given(st.text() | st.text("[]:/@%?#.1a ").map(lambda text: f"https://{text}"))
def test_any_text_is_a_host_with_a_port_or_a_certboot_error(text: str) -> None:
    try:
        host, port = parse_address(text)
    except CertbootError:
        return
    assert host == "".join(host.split())
    assert host
    assert 1 <= port <= 65535
