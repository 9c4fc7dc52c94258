"""Names are compared as OpenSSL compares them."""

from __future__ import annotations

import dataclasses
import ipaddress

from cryptography import x509
from support.chains import CA, LEAF, Made, make
from support.table import cases

from certboot.pki.names import constraint_violation, ip_address, is_for
from certboot.pki.parsed import parsed_certificate
from certboot.pki.verdict import openssl_verdict, verifying_context

ROOT = make("Root", form=CA)


def leaf(*names: str, common_name: str = "unused", extra: tuple[x509.GeneralName, ...] = ()) -> Made:
    form = dataclasses.replace(LEAF, names=names)
    if extra:
        value = x509.SubjectAlternativeName([*extra])
        form = dataclasses.replace(LEAF, names=(), extra=((value, False),))
    return make(common_name, ROOT, form)


@cases(
    ("names", "common_name", "host", "expected"),
    [
        (("a.example",), "", "a.example", True),
        (("A.Example",), "", "a.eXample", True),
        (("a.example",), "", "b.example", False),
        (("*.example.org",), "", "a.example.org", True),
        (("*.example.org",), "", "a.b.example.org", False),
        (("*.example.org",), "", "example.org", False),
        (("*.example.org",), "", ".example.org", False),
        (("*.example",), "", "a.example", False),
        (("*.com.",), "", "a.com.", False),
        (("a*.example.org",), "", "ab.example.org", False),
        (("a.*.example.org",), "", "a.b.example.org", False),
        (("*",), "", "localhost", False),
        (("*.example.org",), "", "xn--zrich-kva.example.org", True),
        (("*.example.org",), "", "a_b.example.org", False),
        (("192.0.2.1",), "", "192.0.2.1", True),
        (("192.0.2.1",), "", "192.0.2.2", False),
        (("2001:db8::1",), "", "2001:DB8:0::1", True),
        ((), "192.0.2.1", "192.0.2.1", False),
        ((), "a.example", "a.example", True),
        ((), "*.example.org", "a.example.org", True),
        (("192.0.2.1",), "a.example", "a.example", True),
        (("b.example",), "a.example", "a.example", False),
    ],
)
def test_a_host_is_found_in_a_certificate_or_not(
    names: tuple[str, ...], common_name: str, host: str, *, expected: bool
) -> None:
    made = leaf(*names, common_name=common_name or "unused")
    assert is_for(parsed_certificate(made.der), host) is expected
    found = openssl_verdict(verifying_context(anchors=(ROOT.der,)), (made.der,), host)
    if not host.startswith("."):
        assert found
        assert (found[0] == 0) is expected


def test_whoever_does_not_look_at_the_common_name_finds_nothing_there() -> None:
    made = parsed_certificate(leaf(common_name="a.example").der)
    assert is_for(made, "a.example")
    assert not is_for(made, "a.example", common_name=False)


def test_an_address_is_known_as_one() -> None:
    assert ip_address("FE80::1%eth0") == "fe80::1"
    assert ip_address("a.example") == ""


def dns(text: str) -> x509.GeneralName:
    return x509.DNSName(text)


def net(text: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_network(text))


def mail(text: str) -> x509.GeneralName:
    return x509.RFC822Name(text)


def web(text: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(text)


def address(text: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_address(text))


ODD = x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))


@cases(
    ("permitted", "excluded", "names", "code"),
    [
        ((dns("example.org"),), (), (dns("example.org"),), 0),
        ((dns("example.org"),), (), (dns("a.b.Example.org"),), 0),
        ((dns("example.org"),), (), (dns("badexample.org"),), 47),
        ((dns(".example.org"),), (), (dns("a.example.org"),), 0),
        ((dns(".example.org"),), (), (dns("example.org"),), 47),
        ((dns(""),), (), (dns("a.example"),), 0),
        ((), (dns(""),), (dns("a.example"),), 48),
        ((dns("example.org"),), (dns("b.example.org"),), (dns("a.b.example.org"),), 48),
        ((net("192.0.2.0/24"),), (), (address("192.0.2.9"),), 0),
        ((net("192.0.2.0/24"),), (), (address("198.51.100.1"),), 47),
        ((net("192.0.2.0/24"),), (), (address("2001:db8::1"),), 47),
        ((), (net("2001:db8::/32"),), (address("2001:db8::1"),), 48),
        ((net("192.0.2.0/24"),), (), (dns("a.example"),), 0),
        ((mail("example.org"),), (), (mail("a@example.org"),), 0),
        ((mail("example.org"),), (), (mail("a@b.example.org"),), 47),
        ((mail(".example.org"),), (), (mail("a@b.example.org"),), 0),
        ((mail("a@example.org"),), (), (mail("a@example.org"),), 0),
        ((mail("a@example.org"),), (), (mail("b@example.org"),), 47),
        ((web("example.org"),), (), (web("https://example.org:8443/path"),), 0),
        ((web("example.org"),), (), (web("https://example.org/a"),), 0),
        ((web("example.org"),), (), (web("https://user@example.org/"),), 47),
        ((web(".example.org"),), (), (web("https://a.example.org/?x"),), 0),
        ((web(".example.org"),), (), (web("https://a.example.com/"),), 47),
        ((), (ODD,), (ODD,), 51),
        ((), (), (ODD,), 0),
    ],
)
def test_what_a_ca_may_name_is_what_openssl_says(
    permitted: tuple[x509.GeneralName, ...],
    excluded: tuple[x509.GeneralName, ...],
    names: tuple[x509.GeneralName, ...],
    code: int,
) -> None:
    constraints = x509.NameConstraints(permitted or None, excluded or None) if permitted or excluded else None
    made = leaf(extra=(*names, dns("localhost.localdomain")) if not isinstance(names[0], x509.DNSName) else names)
    if constraints is None:
        return
    assert constraint_violation(constraints, parsed_certificate(made.der), is_leaf=True) == code
    root = make("Root", form=dataclasses.replace(CA, extra=((constraints, True),)))
    value = x509.SubjectAlternativeName(
        [*names, *(() if isinstance(names[0], x509.DNSName) else (dns("localhost.x"),))]
    )
    below = make("x", root, dataclasses.replace(LEAF, names=(), extra=((value, False),)))
    host = names[0].value if isinstance(names[0], x509.DNSName) else "localhost.x"
    found = openssl_verdict(verifying_context(anchors=(root.der,)), (below.der,), host)
    assert found
    assert found[0] == code


@cases(("common_name", "code"), [("a.example", 47), ("a.example.org", 0), ("no host", 0), ("-a.example", 0)])
def test_a_common_name_that_looks_like_a_host_is_limited_too(common_name: str, code: int) -> None:
    constraints = x509.NameConstraints([dns("example.org")], None)
    made = parsed_certificate(leaf(common_name=common_name).der)
    assert constraint_violation(constraints, made, is_leaf=True) == code
    assert constraint_violation(constraints, made, is_leaf=False) == 0
