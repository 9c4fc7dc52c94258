from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from support.exported import der_of, fingerprints, hostile, java_store, keytool, many, of
from support.table import cases

from certboot.pki import der
from certboot.pki.certificate import Certificate
from certboot.store.export.java import by_alias, pkcs12

PASSWORD = "changeit"  # noqa: S105


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "store.p12"
    made.write_bytes(pkcs12(hostile(), PASSWORD))
    return made


def test_openssl_reads_it_and_finds_the_mac_right(openssl: Callable[..., str], path: Path) -> None:
    assert fingerprints(openssl("pkcs12", "-in", path, "-nokeys", "-passin", "pass:changeit")) == of(hostile())


def test_openssl_refuses_it_with_another_password_or_content(openssl: Callable[..., str], path: Path) -> None:
    whole = path.read_bytes()
    openssl("pkcs12", "-in", path, "-noout", "-passin", "pass:changeit")
    openssl("pkcs12", "-in", path, "-noout", "-passin", "pass:wrong", status=1)
    alias = next(iter(by_alias(hostile()))).encode("utf-16-be")
    path.write_bytes(whole.replace(alias, b"\0x" + alias[2:], 1))
    openssl("pkcs12", "-in", path, "-noout", "-passin", "pass:changeit", status=1)


@cases("password", [PASSWORD, "x", "a longer one than any block of the digest " * 4])
def test_cryptography_reads_it_with_any_password(password: str) -> None:
    found = load_pkcs12(pkcs12(hostile(), password), password.encode())
    assert found.key is None
    assert found.cert is None
    aliases = {(each.friendly_name or b"").decode(): der_of(each.certificate) for each in found.additional_certs}
    assert aliases == {alias: certificate.der for alias, certificate in by_alias(hostile()).items()}


def test_keytool_lists_every_one_as_trusted_by_its_alias(path: Path) -> None:
    found = java_store(path, PASSWORD, "-storetype", "PKCS12")
    assert found.kind == "PKCS12"
    assert sorted(found.aliases) == list(by_alias(hostile()))
    assert found.fingerprints == of(hostile())


def test_keytool_refuses_it_with_another_password(path: Path) -> None:
    ran = keytool("-list", "-keystore", path, "-storepass", "another")
    assert ran.returncode == 1
    assert "integrity" in ran.stdout


@cases("certificates", [many()[:1], many()], ids=["one", "many"])
def test_java_knows_the_kind_of_file_by_itself_whatever_its_size(
    certificates: tuple[Certificate, ...], tmp_path: Path
) -> None:
    path = tmp_path / "cacerts"
    path.write_bytes(pkcs12(certificates, PASSWORD))
    assert (path.stat().st_size > 0xFFFF) is (len(certificates) > 1)
    found = java_store(path, PASSWORD)
    assert (found.kind, found.fingerprints) == ("PKCS12", of(certificates))


def test_the_same_certificates_give_the_same_bytes_in_whatever_order_they_come() -> None:
    assert pkcs12(hostile(), PASSWORD) == pkcs12(hostile()[::-1], PASSWORD)


def test_the_salt_is_that_of_the_content_and_says_nothing_of_the_password() -> None:
    def parts(made: bytes) -> tuple[bytes, bytes]:
        """The digest and the salt."""
        whole, rest = der.read(made, der.SEQUENCE)
        assert rest == b""
        digest, salt, _ = der.children(list(der.children(whole.content))[2].content)
        return digest.content, salt.content

    one, other, smaller = (
        parts(pkcs12(hostile(), PASSWORD)), parts(pkcs12(hostile(), "another")), parts(pkcs12(hostile()[1:], PASSWORD))
    )  # fmt: skip
    assert one[1] == other[1]
    assert len({one[0], other[0], smaller[0]}) == 3
    assert one[1] != smaller[1]
    assert len(one[1]) == 20


def test_openssl_takes_it_apart_as_der(openssl: Callable[..., str], path: Path) -> None:
    openssl("asn1parse", "-inform", "DER", "-in", path, "-noout")
    info = openssl("pkcs12", "-in", path, "-info", "-nokeys", "-passin", "pass:changeit")
    assert "2.16.840.1.113894.746875.1.1" in info
    assert "localKeyID" not in info
