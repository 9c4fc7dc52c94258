"""Which addresses a stranger may send us to: every kind of IP address, however it is written."""

from __future__ import annotations

import ipaddress
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


OF_A_KIND = {
    PUBLIC: """
        1.1.1.1 23.55.110.10 172.15.255.255 172.32.0.0 2606:4700::1111 2a00:1450:4001:800::2003 ::ffff:1.1.1.1
        64:ff9b::1.1.1.1""",
    LOOPBACK: "127.0.0.1 127.255.255.254 ::1",
    PRIVATE: "10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 fd12:3456::1 fd20:ce::253",
    SPECIAL: """
        0.0.0.0 0.1.2.3 169.254.169.254 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100.100.100.200
        168.63.129.16 fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:c1::a9fe:a9fe fd00:100::100:200 fd00:42::42
        fd00:a9fe:a9fe::1 192.0.0.192 192.0.2.1 198.18.0.1 224.0.0.1 255.255.255.255 :: ::7f00:1 fe80::1%eth0 fec0::1
        ff02::1 2001::7f00:1 2001:db8::1 2002:7f00:1:: 3fff::1""",
}


@cases(("expected", "addresses"), OF_A_KIND.items())
def test_every_ip_address_is_of_one_kind(expected: str, addresses: str) -> None:
    assert {address: kind(address) for address in addresses.split()} == dict.fromkeys(addresses.split(), expected)


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


def rule_of(refused: FetchError | None) -> str:
    return refused.rule if refused else ""


def _carried(form: str, inside: str) -> str:
    digits = f"{int(ipaddress.IPv4Address(inside)):08x}"
    inverted = f"{int(ipaddress.IPv4Address(inside)) ^ 0xFFFFFFFF:08x}"
    words = (f"{text[:4]}:{text[4:]}" for text in (digits, inverted))
    return CARRYING[form].format(v4=inside, **dict(zip(("hex", "inverted"), words, strict=True)))


@cases("form", CARRYING)
@cases("inside", INSIDE)
def test_by_translation_nothing_is_of_this_computer_or_of_a_private_network(form: str, inside: str) -> None:
    address = _carried(form, inside)
    assert kind(address) == SPECIAL
    everywhere = AddressPolicy(frozenset({PRIVATE, LOOPBACK}), any_port=True)
    for reach in (AddressPolicy(frozenset({LOOPBACK})), AddressPolicy(frozenset({PRIVATE})), everywhere):
        assert rule_of(refusal(address, Url("http", "ca.example", 80, "/"), reach)) == "address-refused"
    assert policy_from(address) == AddressPolicy()


@cases("form", CARRYING)
def test_of_an_address_in_the_internet_the_stricter_of_both_counts(form: str) -> None:
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


REFUSED = {
    "unsupported-scheme": [
        "https://ca.example/a", "file:///etc/passwd", "ldap://ca.example/CN=CA?cACertificate", "ftp://ca.example/a",
        "//ca.example/a", "",
    ],
    "credentials-in-address": [
        "http://user:password@ca.example/a", "http://@ca.example/a", "http://ca.example\\@evil.example/a",
    ],
    "not-an-address": [
        "http:///a", "http://", "http://[::1", "http://[fe80::1%25eth0]/a", "http://ca.example:port/a",
        "http://ca.example:99999/a", "http://ca..example/a", "http://ca.exa mple/a", "http://ca.exämple/a",
        "http://ca.example/ä",
    ],
}  # fmt: skip


@cases(("rule", "url"), [(rule, url) for rule, urls in REFUSED.items() for url in urls])
def test_what_is_no_http_address_is_refused(rule: str, url: str) -> None:
    with pytest.raises(FetchError) as error:
        parsed_url(url, HTTP)
    assert error.value.rule == rule
    assert "password" not in error.value.message.replace("user name or password", "")


def test_https_is_fetched_only_where_that_was_asked_for() -> None:
    wanted = parsed_url("https://ca.example/a", AddressPolicy(https=Path("bundle.pem")))
    assert (wanted.scheme, wanted.port, wanted.authority) == ("https", 443, "ca.example")


@given(st.text())
def test_any_text_is_an_address_or_a_named_refusal(text: str) -> None:
    refused, written = None, ""
    try:
        url = parsed_url(f"http://{text}", HTTP)
        written = url.authority + url.target
    except FetchError as error:
        refused = error
    assert rule_of(refused) in {"", "not-an-address", "credentials-in-address", "unsupported-scheme"}
    assert not refused or refused.message.isprintable()
    assert written.isascii()
    assert not any(character.isspace() for character in written)


LITERALS = {
    "127.0.0.1": "127.0.0.1 0177.0.0.1 0x7f.1 0x7f000001 2130706433 017700000001 127.1. localhost db.localhost.",
    "169.254.169.254": "0xa9fea9fe",
    "::1": "::1",
    "": "ca.example 1.1.1.1.example x509",
}


@cases(("expected", "hosts"), LITERALS.items())
def test_a_host_that_stands_for_an_address_is_known_however_it_is_written(expected: str, hosts: str) -> None:
    assert [Url("http", host, 80, "/").literal for host in hosts.split()] == [expected] * len(hosts.split())


def test_a_number_that_is_no_address_is_refused() -> None:
    with pytest.raises(FetchError) as error:
        assert Url("http", "1.2.3.4.5", 80, "/").literal
    assert error.value.rule == "not-an-address"


HERE, THERE = AddressPolicy(frozenset({LOOPBACK})), AddressPolicy(frozenset({PRIVATE}))
ANYWHERE = AddressPolicy(frozenset({PRIVATE, LOOPBACK}), any_port=True)
VERIFIED = AddressPolicy(frozenset({LOOPBACK}), https=Path("bundle.pem"))


@cases(
    ("address", "port", "reach", "rule"),
    [
        ("1.1.1.1", 80, HTTP, ""),
        ("1.1.1.1", 8080, HTTP, ""),
        ("1.1.1.1", 22, HTTP, "port-refused"),
        ("1.1.1.1", 22, ANYWHERE, "port-refused"),
        ("127.0.0.1", 80, HTTP, "address-refused"),
        ("127.0.0.1", 80, THERE, "address-refused"),
        ("127.0.0.1", 80, HERE, ""),
        ("127.0.0.1", 6379, HERE, "port-refused"),
        ("127.0.0.1", 8080, HERE, "port-refused"),
        ("127.0.0.1", 443, VERIFIED, "port-refused"),
        ("::1", 80, HERE, ""),
        ("::1", 81, HERE, "port-refused"),
        ("127.0.0.1", 6379, ANYWHERE, ""),
        ("10.0.0.1", 80, HTTP, "address-refused"),
        ("10.0.0.1", 80, HERE, "address-refused"),
        ("10.0.0.1", 80, THERE, ""),
        ("10.0.0.1", 8080, THERE, ""),
        ("169.254.169.254", 80, ANYWHERE, "address-refused"),
        ("::ffff:127.0.0.1", 80, HTTP, "address-refused"),
    ],
)
def test_an_address_is_contacted_only_within_reach(address: str, port: int, reach: AddressPolicy, rule: str) -> None:
    refused = refusal(address, Url("http", "ca.example", port, "/"), reach)
    assert rule_of(refused) == rule
    assert not refused or address in refused.message or str(port) in refused.message


@cases(("port", "rule"), [(443, ""), (8443, "port-refused"), (80, "port-refused")])
def test_of_this_computer_https_is_asked_at_its_own_port_alone(port: int, rule: str) -> None:
    assert rule_of(refusal("127.0.0.1", Url("https", "localhost", port, "/"), VERIFIED)) == rule


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
