"""Which addresses a stranger may send us to: every kind of IP address, however it is written."""

from __future__ import annotations

import ipaddress
import typing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.table import cases

from certboot.net import address_policy
from certboot.net.address_policy import (
    LOOPBACK,
    PRIVATE,
    PUBLIC,
    SPECIAL,
    AddressPolicy,
    FetchError,
    Url,
    kind,
    parsed_url,
    policy_from,
    refusal,
)

HTTP = AddressPolicy()


@cases(
    ("text", "expected"),
    [
        ("1.1.1.1", PUBLIC),
        ("23.55.110.10", PUBLIC),
        ("172.15.255.255", PUBLIC),
        ("172.32.0.0", PUBLIC),
        ("2606:4700::1111", PUBLIC),
        ("2a00:1450:4001:800::2003", PUBLIC),
        ("::ffff:1.1.1.1", PUBLIC),
        ("64:ff9b::1.1.1.1", PUBLIC),
        ("127.0.0.1", LOOPBACK),
        ("127.255.255.254", LOOPBACK),
        ("::1", LOOPBACK),
        ("10.0.0.1", PRIVATE),
        ("172.16.0.1", PRIVATE),
        ("192.168.1.1", PRIVATE),
        ("100.64.0.1", PRIVATE),
        ("fd12:3456::1", PRIVATE),
        ("0.0.0.0", SPECIAL),  # noqa: S104
        ("0.1.2.3", SPECIAL),
        ("169.254.169.254", SPECIAL),
        ("::ffff:169.254.169.254", SPECIAL),
        ("64:ff9b::a9fe:a9fe", SPECIAL),
        ("64:ff9b:1::1", SPECIAL),
        ("100.100.100.200", SPECIAL),
        ("168.63.129.16", SPECIAL),
        ("fd00:ec2::254", SPECIAL),
        ("fd00:ec2::23", SPECIAL),
        ("fd20:ce::254", SPECIAL),
        ("fd20:ce::253", PRIVATE),
        ("fd00:c1::a9fe:a9fe", SPECIAL),
        ("fd00:100::100:200", SPECIAL),
        ("fd00:42::42", SPECIAL),
        ("fd00:a9fe:a9fe::1", SPECIAL),
        ("192.0.0.192", SPECIAL),
        ("192.0.2.1", SPECIAL),
        ("198.18.0.1", SPECIAL),
        ("224.0.0.1", SPECIAL),
        ("255.255.255.255", SPECIAL),
        ("::", SPECIAL),
        ("::7f00:1", SPECIAL),
        ("fe80::1%eth0", SPECIAL),
        ("fec0::1", SPECIAL),
        ("ff02::1", SPECIAL),
        ("2001::7f00:1", SPECIAL),
        ("2001:db8::1", SPECIAL),
        ("2002:7f00:1::", SPECIAL),
        ("3fff::1", SPECIAL),
    ],
)
def test_every_ip_address_is_of_one_kind(text: str, expected: str) -> None:
    assert kind(text) == expected


CARRYING = {
    "mapped": "::ffff:{v4}",
    "compatible": "::{v4}",
    "translated": "::ffff:0:{v4}",
    "NAT64": "64:ff9b::{v4}",
    "NAT64 of the network": "64:ff9b:1::{v4}",
    "6to4": "2002:{hex}::1",
    "Teredo, server": "2001:0:{hex}::1",
    "Teredo, client": "2001:0:101:101:0:0:{inverted}",
    "ISATAP in the internet": "2606:4700:1:1:0:5efe:{v4}",
    "ISATAP in the internet, global": "2606:4700:1:1:200:5efe:{v4}",
    "ISATAP in a private network": "fd12:3456:1:1:0:5efe:{v4}",
    "ISATAP on the link": "fe80::5efe:{v4}",
}
# In these an address of the internet is still one; each other form as a whole leads to no CA.
TRANSPARENT = {"mapped", "NAT64", "ISATAP in the internet", "ISATAP in the internet, global"}
INSIDE = ["127.0.0.1", "127.255.255.254", "10.0.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "0.0.0.5"]


def _carried(form: str, inside: str) -> str:
    digits = f"{int(ipaddress.IPv4Address(inside)):08x}"
    inverted = f"{int(ipaddress.IPv4Address(inside)) ^ 0xFFFFFFFF:08x}"
    words = (f"{each[:4]}:{each[4:]}" for each in (digits, inverted))
    return CARRYING[form].format(v4=inside, **dict(zip(("hex", "inverted"), words, strict=True)))


@pytest.mark.parametrize("form", CARRYING)
class TestCarried:
    @cases("inside", INSIDE)
    def test_by_translation_nothing_is_of_this_computer_or_of_a_private_network(self, form: str, inside: str) -> None:
        address = _carried(form, inside)
        assert kind(address) == SPECIAL
        everywhere = AddressPolicy(frozenset({PRIVATE, LOOPBACK}), any_port=True)
        for reach in (AddressPolicy(frozenset({LOOPBACK})), AddressPolicy(frozenset({PRIVATE})), everywhere):
            found = refusal(address, Url("http", "ca.example", 80, "/"), reach)
            assert found
            assert found.rule == "address-refused"
        assert policy_from(address) == AddressPolicy()

    def test_of_an_address_in_the_internet_the_stricter_of_both_counts(self, form: str) -> None:
        expected = PUBLIC if form in TRANSPARENT else PRIVATE if "private" in form else SPECIAL
        assert kind(_carried(form, "1.1.1.1")) == expected


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_that_ipv6_carries_is_public_only_if_it_is_so_itself(address: ipaddress.IPv4Address) -> None:
    expected = PUBLIC if kind(str(address)) == PUBLIC else SPECIAL
    assert kind(f"::ffff:{address}") == kind(f"64:ff9b::{address}") == expected


@given(st.ip_addresses())
def test_nothing_that_python_knows_to_be_anything_but_global_is_public(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if kind(str(address)) == PUBLIC and not (isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped):
        other = (address.is_private, address.is_multicast, address.is_loopback, address.is_link_local)
        nat64 = isinstance(address, ipaddress.IPv6Address) and address in address_policy._NAT64
        assert not any(other)
        assert nat64 or address.is_global


@cases(
    ("url", "expected"),
    [
        ("http://ca.example/a.cer", Url("http", "ca.example", 80, "/a.cer")),
        ("HTTP://CA.example", Url("http", "ca.example", 80, "/")),
        ("http://ca.example:8080/a b?x=ü#f".replace("ü", "%FC"), Url("http", "ca.example", 8080, "/a%20b?x=%FC")),
        ("http://[2606:4700::1]/a", Url("http", "2606:4700::1", 80, "/a")),
        ("http://under_score.example./a", Url("http", "under_score.example.", 80, "/a")),
    ],
)
def test_an_http_address_is_taken_apart(url: str, expected: Url) -> None:
    assert parsed_url(url, HTTP) == expected


@cases(
    ("url", "rule"),
    [
        ("https://ca.example/a", "unsupported-scheme"),
        ("file:///etc/passwd", "unsupported-scheme"),
        ("ldap://ca.example/CN=CA?cACertificate", "unsupported-scheme"),
        ("ftp://ca.example/a", "unsupported-scheme"),
        ("//ca.example/a", "unsupported-scheme"),
        ("", "unsupported-scheme"),
        ("http://user:password@ca.example/a", "credentials-in-address"),
        ("http://@ca.example/a", "credentials-in-address"),
        ("http:///a", "not-an-address"),
        ("http://", "not-an-address"),
        ("http://[::1", "not-an-address"),
        ("http://[fe80::1%25eth0]/a", "not-an-address"),
        ("http://ca.example:port/a", "not-an-address"),
        ("http://ca.example:99999/a", "not-an-address"),
        ("http://ca..example/a", "not-an-address"),
        ("http://ca.example\\@evil.example/a", "credentials-in-address"),
        ("http://ca.exa mple/a", "not-an-address"),
        ("http://ca.exämple/a", "not-an-address"),
        ("http://ca.example/ä", "not-an-address"),
    ],
)
def test_what_is_no_http_address_is_refused(url: str, rule: str) -> None:
    with pytest.raises(FetchError) as error:
        parsed_url(url, HTTP)
    assert error.value.rule == rule
    assert "password" not in error.value.message.replace("user name or password", "")


def test_https_is_fetched_only_where_that_was_asked_for() -> None:
    wanted = parsed_url("https://ca.example/a", AddressPolicy(https=Path("bundle.pem")))
    assert (wanted.scheme, wanted.port, wanted.authority) == ("https", 443, "ca.example")


@given(st.text())
def test_any_text_is_an_address_or_a_named_refusal(text: str) -> None:
    found: Url | FetchError
    try:
        found = parsed_url(f"http://{text}", HTTP)
    except FetchError as error:
        found = error
    if isinstance(found, FetchError):
        assert found.rule in {"not-an-address", "credentials-in-address", "unsupported-scheme"}
        assert found.message.isprintable()
    else:
        assert (found.authority + found.target).isascii()
        assert not any(character.isspace() for character in found.authority + found.target)


@cases(
    ("host", "expected"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("0x7f.1", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("127.1.", "127.0.0.1"),
        ("0xa9fea9fe", "169.254.169.254"),
        ("::1", "::1"),
        ("localhost", "127.0.0.1"),
        ("db.localhost.", "127.0.0.1"),
        ("ca.example", ""),
        ("1.1.1.1.example", ""),
        ("x509", ""),
    ],
)
def test_a_host_that_stands_for_an_address_is_known_however_it_is_written(host: str, expected: str) -> None:
    assert Url("http", host, 80, "/").literal == expected


def test_a_number_that_is_no_address_is_refused() -> None:
    with pytest.raises(FetchError) as error:
        assert Url("http", "1.2.3.4.5", 80, "/").literal
    assert error.value.rule == "not-an-address"


@cases(
    ("address", "port", "reach", "rule"),
    [
        ("1.1.1.1", 80, HTTP, ""),
        ("1.1.1.1", 8080, HTTP, ""),
        ("1.1.1.1", 22, HTTP, "port-refused"),
        ("1.1.1.1", 22, AddressPolicy(frozenset({PRIVATE, LOOPBACK}), any_port=True), "port-refused"),
        ("127.0.0.1", 80, HTTP, "address-refused"),
        ("127.0.0.1", 80, AddressPolicy(frozenset({PRIVATE})), "address-refused"),
        ("127.0.0.1", 80, AddressPolicy(frozenset({LOOPBACK})), ""),
        ("127.0.0.1", 6379, AddressPolicy(frozenset({LOOPBACK})), "port-refused"),
        ("127.0.0.1", 8080, AddressPolicy(frozenset({LOOPBACK})), "port-refused"),
        ("127.0.0.1", 443, AddressPolicy(frozenset({LOOPBACK}), https=Path("bundle.pem")), "port-refused"),
        ("::1", 80, AddressPolicy(frozenset({LOOPBACK})), ""),
        ("::1", 81, AddressPolicy(frozenset({LOOPBACK})), "port-refused"),
        ("10.0.0.1", 8080, AddressPolicy(frozenset({PRIVATE})), ""),
        ("127.0.0.1", 6379, AddressPolicy(frozenset({LOOPBACK}), any_port=True), ""),
        ("10.0.0.1", 80, HTTP, "address-refused"),
        ("10.0.0.1", 80, AddressPolicy(frozenset({LOOPBACK})), "address-refused"),
        ("10.0.0.1", 80, AddressPolicy(frozenset({PRIVATE})), ""),
        ("169.254.169.254", 80, AddressPolicy(frozenset({PRIVATE, LOOPBACK}), any_port=True), "address-refused"),
        ("::ffff:127.0.0.1", 80, HTTP, "address-refused"),
    ],
)
def test_an_address_is_contacted_only_within_reach(address: str, port: int, reach: AddressPolicy, rule: str) -> None:
    found: typing.Any = refusal(address, Url("http", "ca.example", port, "/"), reach)
    assert (found.rule if found else "") == rule
    if found:
        assert address in found.message or str(port) in found.message


@cases(("port", "rule"), [(443, ""), (8443, "port-refused"), (80, "port-refused")])
def test_of_this_computer_https_is_asked_at_its_own_port_alone(port: int, rule: str) -> None:
    reach = AddressPolicy(frozenset({LOOPBACK}), https=Path("bundle.pem"))
    found = refusal("127.0.0.1", Url("https", "localhost", port, "/"), reach)
    assert (found.rule if found else "") == rule


@cases(
    ("peer", "private", "kinds", "any_port"),
    [
        ("1.1.1.1", False, set(), False),
        ("", False, set(), False),
        ("169.254.1.1", False, set(), False),
        ("10.0.0.1", False, {"private"}, False),
        ("fd00::1", False, {"private"}, False),
        ("127.0.0.1", False, {"loopback"}, False),
        ("::1", False, {"loopback"}, False),
        ("1.1.1.1", True, {"private", "loopback"}, True),
    ],
)
def test_a_server_may_send_us_to_addresses_of_its_own_kind(
    peer: str, private: bool, kinds: set[str], any_port: bool  # noqa: FBT001 - parameters of the test
) -> None:  # fmt: skip
    assert policy_from(peer, private=private) == AddressPolicy(frozenset(kinds), any_port)
