"""What lies at the addresses of an issuer: every form in which it may lie there, and every limit."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from support.issuers import as_pkcs7, intermediate, leaf, pkcs7_of, respelled
from support.pki import Issued, issue
from support.server import PlainServer, endless, page
from support.table import cases

from certboot.net import http
from certboot.net.address_policy import LOOPBACK, AddressPolicy
from certboot.pki import der
from certboot.pki.certificate import load_certificate
from certboot.sources import aia
from certboot.sources.aia import Issuers

HERE = AddressPolicy(frozenset({LOOPBACK}), any_port=True)
ROOT = issue("Root")
CA = intermediate("CA", ROOT)
OTHERS = [issue(f"Other {number}") for number in range(3)]


def fetched(
    child: Issued, *, reach: AddressPolicy = HERE, cache: aia.Cache | None = None
) -> tuple[list[tuple[str, str]], Issuers]:
    """Name and origin of everything that is fetched for a certificate."""
    issuers = Issuers(reach, {} if cache is None else cache)
    offers = list(issuers.fetched(load_certificate(child.der)))
    return [(offer.certificate.fingerprint, offer.origin) for offer in offers], issuers


def fingerprint(issued: Issued) -> str:
    return load_certificate(issued.der).fingerprint


def rules(issuers: Issuers) -> list[str]:
    return [failure.rule for failure in issuers.failures]


FORMS = {
    "DER": CA.der,
    "PEM": CA.pem,
    "PEM with text around it": b"CA of Example\r\n" + CA.pem.replace(b"\n", b"\r\n") + b"\n",
    "several in PEM": b"".join(each.pem for each in (*OTHERS, CA)),
    "PKCS#7 in DER": as_pkcs7(CA),
    "PKCS#7 in PEM": as_pkcs7(CA, encoding=Encoding.PEM),
    "several in PKCS#7": as_pkcs7(*OTHERS, CA, ROOT),
    "several in PKCS#7 in PEM": as_pkcs7(*OTHERS, CA, encoding=Encoding.PEM),
}


class TestForms:
    @cases("form", FORMS)
    @cases("media_type", ["application/pkix-cert", "text/html", ""])
    def test_every_form_is_known_by_its_content(self, place: PlainServer, form: str, media_type: str) -> None:
        place.pages["/ca"] = page(FORMS[form], **({"Content_Type": media_type} if media_type else {}))
        url = f"{place.url}/ca"
        found, issuers = fetched(leaf(CA, url))
        assert (found, issuers.failures, issuers.through_proxy) == ([(fingerprint(CA), url)], [], False)
        odd = intermediate("-----BEGIN CERTIFICATE-----", ROOT)  # and by its beginning
        place.pages["/ca"] = page(odd.der)
        assert fetched(leaf(odd, url))[0] == [(fingerprint(odd), url)]

    @cases(
        ("body", "rule"),
        [
            (b"", "no-certificate"),
            (b"<html>not here</html>", "no-certificate"),
            (b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "no-certificate"),
            (CA.pem.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"), "no-certificate"),
            (CA.der[:-1], "no-certificate"),
            (CA.key_pem, "no-certificate"),
            (as_pkcs7(CA)[:200], "unreadable"),
            (pkcs7_of(b""), "no-certificate"),
            (OTHERS[0].der, "issuer-name-mismatch"),
            (as_pkcs7(*OTHERS), "issuer-name-mismatch"),
            (CA.der + bytes(http.LARGEST), "too-large"),
        ],
    )  # fmt: skip
    def test_what_is_not_the_issuer_is_a_failure_with_a_name(self, place: PlainServer, body: bytes, rule: str) -> None:
        place.pages["/ca"] = page(body)
        found, issuers = fetched(leaf(CA, f"{place.url}/ca"))
        assert (found, rules(issuers)) == ([], [rule])
        assert issuers.failures[0].of == "localhost"
        assert rule != "issuer-name-mismatch" or "CN=CA" in issuers.failures[0].reason
        assert issuers.failures[0].address == f"{place.url}/ca"

    def test_a_name_in_another_kind_of_string_is_the_same_name(self, place: PlainServer) -> None:
        ca, other = respelled(ROOT)
        place.pages["/ca"] = page(other.der)
        found, issuers = fetched(leaf(ca, f"{place.url}/ca"))
        assert (found, issuers.failures) == ([(fingerprint(other), f"{place.url}/ca")], [])
        assert issuers.at_hand(load_certificate(ca.der).link.subject_name) != []

    def test_over_100_certificates_in_one_answer_are_too_many(self, place: PlainServer) -> None:
        junk = der.encode(der.SEQUENCE, b"")
        for count, expected in (
            (100, "no-certificate"),
            (101, "too-many-certificates"),
            (10_000, "too-many-certificates"),
        ):
            place.pages["/ca"] = page(pkcs7_of(junk * count))
            assert rules(fetched(leaf(CA, f"{place.url}/ca"))[1]) == [expected]

    def test_a_certificate_that_openssl_cannot_read_is_a_failure(self, place: PlainServer) -> None:
        broken = CA.der.replace(b"\x55\x1d\x13\x01\x01\xff", b"\x55\x1d\x13\x01\x01\x07")  # a boolean that is none
        assert broken != CA.der
        place.pages["/ca"] = page(as_pkcs7(ROOT).replace(ROOT.der, broken) if len(ROOT.der) == len(broken) else broken)
        found, issuers = fetched(leaf(CA, f"{place.url}/ca"))
        assert (found, rules(issuers)) == ([], ["unreadable"])

    @given(st.binary(max_size=300))
    def test_any_bytes_are_pieces_or_no_der(self, body: bytes) -> None:
        pieces: list[bytes] | str
        try:
            pieces = list(aia._pieces(body))
        except der.DerError as error:
            pieces = str(error)
        assert pieces or body


class TestAddresses:
    def test_the_first_address_that_has_it_is_enough_for_whoever_stops_there(self, place: PlainServer) -> None:
        place.pages["/ca"] = page(CA.der)
        issuers = Issuers(HERE, {})
        child = load_certificate(leaf(CA, "http://127.0.0.1:9/dead", f"{place.url}/ca", f"{place.url}/other").der)
        assert next(iter(issuers.fetched(child))).certificate.fingerprint == fingerprint(CA)
        assert (rules(issuers), place.asked) == (["no-connection"], ["/ca"])

    def test_what_cannot_be_fetched_at_all_is_passed_over_where_something_can(self, place: PlainServer) -> None:
        place.pages["/ca"] = page(CA.der)
        others = ("ldap://ca.example/CN=CA?cACertificate", "file:///etc/passwd", "https://ca.example/ca")
        found, issuers = fetched(leaf(CA, *others[:2], f"{place.url}/ca"))
        assert ([origin for _, origin in found], issuers.failures) == ([f"{place.url}/ca"], [])
        found, issuers = fetched(leaf(CA, others[2], f"{place.url}/ca"))
        assert ([origin for _, origin in found], rules(issuers)) == ([f"{place.url}/ca"], ["unsupported-scheme"])

    def test_other_schemes_are_refused_and_no_address_at_all_is_a_failure(self) -> None:
        for address in ("file:///etc/passwd", "ldap://ca.example/CN=CA", "ftp://ca.example/ca", "ca.cer", ""):
            assert rules(fetched(leaf(CA, address))[1]) == ["unsupported-scheme"]
        found, issuers = fetched(leaf(CA))
        assert (found, rules(issuers)) == ([], ["no-addresses"])

    def test_of_500_addresses_the_first_five_are_asked(self, place: PlainServer) -> None:
        place.pages["/7"] = page(CA.der)
        found, issuers = fetched(leaf(CA, *(f"{place.url}/{number}" for number in range(500))))
        assert (found, place.asked) == ([], ["/0", "/1", "/2", "/3", "/4"])
        assert rules(issuers) == ["too-many-addresses", *["status"] * 5]
        assert len(fetched(leaf(CA, *("ldap://ca.example/" for _ in range(500))))[1].failures) == 5

    @cases("host", ["127.0.0.1", "localhost", "0177.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254"])
    def test_out_of_reach_is_refused(self, place: PlainServer, host: str) -> None:
        found, issuers = fetched(leaf(CA, f"http://{host}:{place.port}/ca"), reach=AddressPolicy())
        assert (found, rules(issuers), place.requests) == ([], ["address-refused"], [])


class TestLimits:
    def test_no_more_than_20_addresses_are_asked_for_one_server(self, place: PlainServer) -> None:
        issuers = Issuers(HERE, {})
        for number in range(5):
            child = leaf(CA, *(f"{place.url}/{number}/{each}" for each in range(5)))
            assert list(issuers.fetched(load_certificate(child.der))) == []
        assert len(place.asked) == 20
        assert rules(issuers) == ["status"] * 20 + ["too-many-fetches"] * 5

    def test_all_together_does_not_outlast_the_time(self, place: PlainServer, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(aia, "_SECONDS", 0.3)
        place.pages |= {f"/{number}": endless(head=b"HTTP/1.1 200 OK\r\n\r\n", pause=0.05) for number in range(3)}
        cache: aia.Cache = {}
        issuers = fetched(leaf(CA, *(f"{place.url}/{number}" for number in range(3))), cache=cache)[1]
        assert rules(issuers) == ["timeout"] * 3
        assert place.asked == ["/0"]
        assert cache == {}  # another server has time of its own

    def test_what_an_address_gave_is_remembered_for_the_other_servers_of_a_run(self, place: PlainServer) -> None:
        place.pages["/ca"] = page(CA.der)
        cache: aia.Cache = {}
        for _ in range(2):
            found, issuers = fetched(leaf(CA, f"{place.url}/none", f"{place.url}/ca"), cache=cache)
            assert ([one for one, _ in found], rules(issuers)) == ([fingerprint(CA)], ["status"])
        assert place.asked == ["/none", "/ca"]

    def test_what_one_server_may_be_asked_is_not_remembered_for_another_that_may_not(self, place: PlainServer) -> None:
        place.pages["/ca"] = page(CA.der)
        cache: aia.Cache = {}
        assert fetched(leaf(CA, f"{place.url}/ca"), cache=cache)[0] != []
        found, issuers = fetched(leaf(CA, f"{place.url}/ca"), reach=AddressPolicy(), cache=cache)
        assert (found, rules(issuers)) == ([], ["address-refused"])


def test_what_lies_beside_the_issuer_is_at_hand_for_the_next_step(place: PlainServer) -> None:
    place.pages["/ca"] = page(as_pkcs7(ROOT, CA))
    issuers = fetched(leaf(CA, f"{place.url}/ca"))[1]
    (offer,) = issuers.at_hand(load_certificate(ROOT.der).link.subject_name)
    assert (offer.certificate.fingerprint, offer.origin) == (fingerprint(ROOT), f"{place.url}/ca")
    assert issuers.at_hand(b"") == []


def test_a_proxy_on_the_way_is_noted(place: PlainServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", place.url)
    place.pages["http://ca.example/ca"] = page(CA.der)
    found, issuers = fetched(leaf(CA, "http://ca.example/ca"), reach=AddressPolicy())
    assert ([one for one, _ in found], issuers.through_proxy) == ([fingerprint(CA)], True)
