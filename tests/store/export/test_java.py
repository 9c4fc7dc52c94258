"""Java's two key stores, read by keytool, openssl and cryptography: every certificate by an alias of its own."""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from hypothesis import given
from hypothesis import strategies as st
from support.exported import der_of, fingerprints, hostile, java_store, keytool, loaded, many, of
from support.pki import NOW, issue
from support.table import cases

from certboot.errors import CertbootError
from certboot.pki import der
from certboot.pki.certificate import Certificate
from certboot.store.export.java import by_alias, checked_password, java_cacerts, pkcs12

PASSWORD = "changeit"  # noqa: S105
Render = Callable[[tuple[Certificate, ...], str], bytes]
KINDS: list[tuple[Render, str, str, str]] = [
    (java_cacerts, "JKS", "password was incorrect", "utf-8"),
    (pkcs12, "PKCS12", "integrity", "utf-16-be"),
]
"""What keytool calls it, what it says to another password, and how an alias is written in it."""


def named(name: str, fingerprint: str) -> Certificate:
    return dataclasses.replace(hostile()[0], name=name, fingerprint=fingerprint)


digits = st.text("0123456789abcdef", min_size=64, max_size=64)
# Forgers can make the first digits whatever they like.
names, prints = (
    st.text() | st.sampled_from(("twin", "Twin", "TWIN")),
    digits | digits.map(lambda text: "0" * 8 + text[8:]),
)


@given(st.lists(st.builds(named, names, prints)))
def test_every_certificate_has_one_alias_of_its_own_in_plain_lower_case(certificates: list[Certificate]) -> None:
    found = by_alias(certificates)
    given_prints = {certificate.fingerprint for certificate in certificates}
    assert {certificate.fingerprint for certificate in found.values()} == given_prints
    assert len(found) == len(given_prints)
    assert all(re.fullmatch("[a-z0-9_]+-[0-9a-f]+", alias) for alias in found)
    assert list(found) == sorted(found)


@given(st.permutations(hostile()), st.integers(min_value=1, max_value=len(hostile())))
def test_an_alias_stays_whatever_stands_beside_it(certificates: list[Certificate], count: int) -> None:
    assert by_alias(certificates[:count]).items() <= by_alias(hostile()).items()
    assert by_alias([hostile()[0], hostile()[0]]) == by_alias([hostile()[0]])  # one entry


def test_names_that_differ_in_case_alone_are_told_apart_even_with_the_same_first_digits() -> None:
    one, other = named("Twin", "0" * 64), named("TWIN", "0" * 63 + "1")
    assert by_alias([one]) == {"twin-00000000": one}
    assert by_alias([one, other]) == {f"twin-{one.fingerprint}": one, f"twin-{other.fingerprint}": other}


@cases("text", ["changeit", "x", "with space", "~!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}"])
def test_a_password_that_java_takes_is_taken_as_it_stands(text: str) -> None:
    assert checked_password(text.encode()) == text


@cases("data", ["d\N{LATIN SMALL LETTER O WITH DIAERESIS}r".encode(), b"\xff", b"a\nb", b"a\tb", b"\0", b""])
def test_one_that_it_would_not_take_is_refused(data: bytes) -> None:
    with pytest.raises(CertbootError, match="Java does not take" if data else "empty"):
        checked_password(data)


@cases(("render", "kind", "said", "encoding"), KINDS)
def test_keytool_lists_every_one_as_trusted_by_its_alias_and_knows_the_kind_of_file_by_itself(
    tmp_path: Path, render: Render, kind: str, said: str, encoding: str
) -> None:
    path = tmp_path / "cacerts"
    for certificates in (hostile(), many()):
        path.write_bytes(render(certificates, PASSWORD))
        found = java_store(path, PASSWORD)
        assert (found.kind, sorted(found.aliases)) == (kind, list(by_alias(certificates)))
        assert found.fingerprints == of(certificates)
    assert kind == "JKS" or path.stat().st_size > 0xFFFF  # more than two bytes can state
    ran = keytool("-list", "-keystore", path, "-storepass", "another")
    assert (ran.returncode, said in ran.stdout) == (1, True)
    alias = next(iter(by_alias(many()))).encode(encoding)
    path.write_bytes(path.read_bytes().replace(alias, alias.replace(b"r", b"x", 1), 1))
    ran = keytool("-list", "-keystore", path, "-storepass", PASSWORD)
    assert (ran.returncode, kind != "JKS" or "tampered" in ran.stdout) == (1, True)


@cases("render", [java_cacerts, pkcs12])
def test_the_same_certificates_give_the_same_bytes_in_whatever_order_they_come(render: Render) -> None:
    assert render(hostile(), PASSWORD) == render(hostile()[::-1], PASSWORD)


@cases("year", [1969, 2004])
def test_the_date_of_an_entry_is_the_first_day_of_the_certificate(year: int, tmp_path: Path) -> None:
    begin = datetime(year, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    (tmp_path / "cacerts").write_bytes(java_cacerts(loaded(issue("Root", valid=(begin, NOW))), PASSWORD))
    ran = keytool("-list", "-keystore", tmp_path / "cacerts", "-storepass", PASSWORD)
    assert re.search(rf"^root-[0-9a-f]{{8}}, Jan 2, {year}, trustedCertEntry, $", ran.stdout, re.MULTILINE), ran.stdout


def test_an_empty_store_is_what_the_format_says() -> None:
    """Magic, version 2, no entry, and the digest over password, constant and these."""
    body = bytes.fromhex("feedfeed 00000002 00000000")
    digest = hashlib.sha1("changeit".encode("utf-16-be") + b"Mighty Aphrodite" + body, usedforsecurity=False).digest()
    assert java_cacerts([], PASSWORD) == body + digest


def test_openssl_reads_pkcs12_and_finds_the_mac_right(openssl: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "store.p12"
    path.write_bytes(pkcs12(hostile(), PASSWORD))
    read = ("pkcs12", "-in", path, "-nokeys", "-passin", "pass:changeit")
    assert fingerprints(openssl(*read)) == of(hostile())
    openssl("asn1parse", "-inform", "DER", "-in", path, "-noout")
    info = openssl(*read, "-info")
    # "Trusted key usage (Oracle)", which OpenSSL 3.6 knows by name.
    assert re.search(r"2\.16\.840\.1\.113894\.746875\.1\.1|Trusted key usage \(Oracle\)", info)
    assert "localKeyID" not in info
    openssl("pkcs12", "-in", path, "-noout", "-passin", "pass:wrong", status=1)
    alias = next(iter(by_alias(hostile()))).encode("utf-16-be")
    path.write_bytes(path.read_bytes().replace(alias, b"\0x" + alias[2:], 1))
    openssl(*read, status=1)


@cases("password", [PASSWORD, "x", "a longer one than any block of the digest " * 4])
def test_cryptography_reads_pkcs12_with_any_password(password: str) -> None:
    found = load_pkcs12(pkcs12(hostile(), password), password.encode())
    assert (found.key, found.cert) == (None, None)
    aliases = {(entry.friendly_name or b"").decode(): der_of(entry.certificate) for entry in found.additional_certs}
    assert aliases == {alias: certificate.der for alias, certificate in by_alias(hostile()).items()}


def test_the_salt_is_that_of_the_content_and_says_nothing_of_the_password() -> None:
    def digest_and_salt(certificates: tuple[Certificate, ...], password: str) -> tuple[bytes, bytes]:
        whole, rest = der.read(pkcs12(certificates, password), der.SEQUENCE)
        assert rest == b""
        digest, salt, _ = der.children(list(der.children(whole.content))[2].content)
        return digest.content, salt.content

    one, other = digest_and_salt(hostile(), PASSWORD), digest_and_salt(hostile(), "another")
    smaller = digest_and_salt(hostile()[1:], PASSWORD)
    assert (one[1] == other[1], one[1] != smaller[1], len(one[1])) == (True, True, 20)
    assert len({one[0], other[0], smaller[0]}) == 3
