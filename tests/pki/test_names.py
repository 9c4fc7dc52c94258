"""Names are compared as OpenSSL compares them."""

from __future__ import annotations

import ipaddress

from cryptography import x509
from support.pki import CA, LEAF, Made, changed, general_name, make
from support.table import cases

from certboot.pki.names import constraint_violation, ip_address, is_for
from certboot.pki.openssl import OURS
from certboot.pki.parsed import parsed_certificate
from certboot.pki.verdict import openssl_verdict, verifying_context

ROOT = make("Root", form=CA)


def leaf(*names: str, common_name: str = "unused") -> Made:
    return make(common_name, ROOT, changed(LEAF, names=names))


@cases(
    ("names", "common_name", "good", "bad"),
    [
        ("a.example", "", "a.example a.eXample", "b.example"),
        ("A.Example", "", "a.example", ""),
        ("*.example.org", "", "a.example.org xn--zrich-kva.example.org",
         "a.b.example.org example.org .example.org a_b.example.org"),
        ("*.example", "", "", "a.example"),
        ("*.com.", "", "", "a.com."),
        ("a*.example.org", "", "", "ab.example.org"),
        ("a.*.example.org", "", "", "a.b.example.org"),
        ("*", "", "", "localhost"),
        ("192.0.2.1", "", "192.0.2.1", "192.0.2.2"),
        ("2001:db8::1", "", "2001:DB8:0::1", ""),
        ("", "192.0.2.1", "", "192.0.2.1"),
        ("", "a.example", "a.example", ""),
        ("", "*.example.org", "a.example.org", ""),
        ("192.0.2.1", "a.example", "a.example", ""),
        ("b.example", "a.example", "", "a.example"),
    ],
)  # fmt: skip
def test_a_host_is_found_in_a_certificate_or_not(names: str, common_name: str, good: str, bad: str) -> None:
    made = leaf(*names.split(), common_name=common_name or "unused")
    for host, expected in (*((host, True) for host in good.split()), *((host, False) for host in bad.split())):
        assert is_for(parsed_certificate(made.der), host) is expected
        verdict = openssl_verdict(verifying_context(anchors=(ROOT.der,)), (made.der,), host)
        assert host.startswith(".") or (verdict and (verdict[0] == 0) is expected)


def test_whoever_does_not_look_at_the_common_name_finds_nothing_there() -> None:
    made = parsed_certificate(leaf(common_name="a.example").der)
    assert is_for(made, "a.example")
    assert not is_for(made, "a.example", common_name=False)


def test_an_address_is_known_as_one() -> None:
    assert ip_address("FE80::1%eth0") == "fe80::1"
    assert ip_address("a.example") == ""


dns, mail, web = x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier


def net(text: str) -> x509.GeneralName:
    return x509.IPAddress(ipaddress.ip_network(text))


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
        ((net("192.0.2.0/24"),), (), (general_name("192.0.2.9"),), 0),
        ((net("192.0.2.0/24"),), (), (general_name("198.51.100.1"),), 47),
        ((net("192.0.2.0/24"),), (), (general_name("2001:db8::1"),), 47),
        ((), (net("2001:db8::/32"),), (general_name("2001:db8::1"),), 48),
        ((net("192.0.2.0/24"),), (), (dns("a.example"),), 0),
        ((mail("example.org"),), (), (mail("a@example.org"),), 0),
        ((mail("example.org"),), (), (mail("a@b.example.org"),), 47),
        ((mail(".example.org"),), (), (mail("a@b.example.org"),), 0),
        ((mail("a@example.org"),), (), (mail("a@example.org"),), 0),
        ((mail("a@example.org"),), (), (mail("b@example.org"),), 47),
        ((web("example.org"),), (), (web("https://example.org:8443/path"),), 0),
        ((web("example.org"),), (), (web("https://example.org/a"),), 0),
        ((web("example.org"),), (), (web("https://user@example.org/"),), 0 if OURS >= (3, 6) else 47),
        ((web(".example.org"),), (), (web("https://a.example.org/?x"),), 0),
        ((web(".example.org"),), (), (web("https://a.example.com/"),), 47),
        ((), (ODD,), (ODD,), 51),
    ],
)
def test_what_a_ca_may_name_is_what_openssl_says(
    permitted: tuple[x509.GeneralName, ...],
    excluded: tuple[x509.GeneralName, ...],
    names: tuple[x509.GeneralName, ...],
    code: int,
) -> None:
    constraints = x509.NameConstraints(permitted or None, excluded or None)
    root = make("Root", form=changed(CA, extra=((constraints, True),)))
    is_host = isinstance(names[0], x509.DNSName)
    host = names[0].value if is_host else "localhost.x"
    value = x509.SubjectAlternativeName(names if is_host else (*names, dns(host)))
    made = make("x", root, changed(LEAF, names=(), extra=((value, False),)))
    assert constraint_violation(constraints, parsed_certificate(made.der), is_leaf=True) == code
    verdict = openssl_verdict(verifying_context(anchors=(root.der,)), (made.der,), host)
    assert verdict
    assert verdict[0] == code


@cases(("common_name", "code"), [("a.example", 47), ("a.example.org", 0), ("no host", 0), ("-a.example", 0)])
def test_a_common_name_that_looks_like_a_host_is_limited_too(common_name: str, code: int) -> None:
    constraints = x509.NameConstraints([dns("example.org")], None)
    made = parsed_certificate(leaf(common_name=common_name).der)
    assert constraint_violation(constraints, made, is_leaf=True) == code
    assert constraint_violation(constraints, made, is_leaf=False) == 0
