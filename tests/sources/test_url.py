"""A certificate file at an https:// address, with and without a pin."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from support.pki import DAY, NOW, issue
from support.server import TlsServer
from support.table import cases

from certboot.errors import SourceError
from certboot.sources import added, url
from certboot.sources.candidates import Loaded

ONE, TWO = issue("Corp Root"), issue("Corp Root 2")
BOTH = ONE.pem + TWO.pem
OLD = issue("Old Root", valid=(NOW - 9 * DAY, NOW - DAY))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Site:
    """Serves one file, and reads it as ``certboot trust`` does."""

    def __init__(self, server: TlsServer, verify: Path) -> None:
        self.server = server
        self.verify = verify
        self.url = f"{server.url}/ca.pem"

    def load(self, body: bytes, pin: str = "") -> Loaded:
        self.server.pages["/ca.pem"] = body
        return url.read(self.url, pin=pin, verify=self.verify, now=NOW).parse()

    def refused(self, body: bytes, pin: str = "") -> str:
        with pytest.raises(SourceError) as error:
            self.load(body, pin)
        assert error.value.hint
        return error.value.message


@pytest.fixture
def site(serve: Callable[..., TlsServer], ca: trustme.CA, ca_file: Path) -> Site:
    return Site(serve(ca.issue_cert("localhost")), ca_file)


def names(loaded: Loaded) -> list[str]:
    return [candidate.certificate.name for candidate in loaded.candidates]


SECOND, EVERY = ["Corp Root 2"], ["Corp Root", "Corp Root 2"]


@cases(
    ("body", "pin", "expected"),
    [
        (ONE.pem, "", EVERY[:1]),
        (ONE.der, "", EVERY[:1]),
        (BOTH, "", EVERY),
        # A pin of the file gives all of it.
        (BOTH, sha256(BOTH), EVERY),
        (BOTH, sha256(BOTH).upper(), EVERY),
        (BOTH, ":".join(sha256(BOTH)[at : at + 2] for at in range(0, 64, 2)), EVERY),
        # One of a certificate gives only that one, and says nothing of the others.
        (BOTH, sha256(TWO.der), SECOND),
        (BOTH + TWO.pem, sha256(TWO.der), SECOND),
        (BOTH + b"-----BEGIN CERTIFICATE-----\n", sha256(TWO.der), SECOND),
        (ONE.der, sha256(ONE.der), EVERY[:1]),
    ],
)
def test_of_a_file_in_either_form_is_read_what_is_pinned(
    site: Site, body: bytes, pin: str, expected: list[str]
) -> None:
    loaded = site.load(body, pin)
    assert (names(loaded), loaded.rejections) == (expected, ())
    assert {(candidate.source, candidate.detail) for candidate in loaded.candidates} == {("added", site.url)}


def test_a_pin_that_fits_nothing_is_named_with_what_was_found(site: Site) -> None:
    message = site.refused(ONE.pem, sha256(TWO.der))
    assert message.startswith(f"neither the file, which has {sha256(ONE.pem)}, nor any certificate in it has")


@cases("pin", ["abc", "z" * 64, "a" * 65, ":", "\x1b[1m"])
def test_a_pin_that_is_none_is_refused_before_anything_is_fetched(pin: str) -> None:
    with pytest.raises(SourceError, match="not a SHA-256 of 64 hexadecimal digits: "):
        url.read("https://localhost:1/", pin=pin, verify=Path("none"), now=NOW).parse()


@cases(
    ("body", "message"),
    [
        (b"<!DOCTYPE html><title>Log in</title>", "a web page, not a certificate: "),
        (ONE.key_pem, "a private key, not a certificate: "),
        (OLD.pem, "'Old Root' cannot be trusted as a CA, it expired on "),
        (b"", "an empty file: "),
        (b"hello", "no readable certificate, "),
        (b"-----BEGIN CERTIFICATE-----\n", "no readable certificate, the block in line 1: no END line: "),
        (b"-----BEGIN X-----\n-----END X-----\n", "no certificate in it: "),
    ],
)
def test_what_holds_no_usable_ca_is_refused(site: Site, body: bytes, message: str) -> None:
    assert site.refused(body).startswith(message)


def test_a_pinned_certificate_must_be_usable_too(site: Site) -> None:
    assert site.refused(ONE.pem + OLD.pem, sha256(OLD.der)).startswith("'Old Root' cannot be trusted as a CA, ")
    assert names(site.load(ONE.pem + OLD.pem)) == ["Corp Root", "Old Root"]  # one is good; the policy sorts them


def test_what_is_pinned_and_distrusted_is_refused(site: Site, tmp_path: Path, openssl: Callable[..., str]) -> None:
    (tmp_path / "one.pem").write_bytes(ONE.pem)
    marked = openssl("x509", "-in", tmp_path / "one.pem", "-addreject", "serverAuth", "-trustout").encode()
    message = site.refused(marked + BOTH, sha256(ONE.der))
    assert message.startswith("CN=Corp Root cannot be trusted as a CA, the block in line 1 says that it is not")
    assert names(site.load(marked + BOTH, sha256(TWO.der))) == names(site.load(marked + BOTH)) == ["Corp Root 2"]


def test_pkcs12_from_an_address_is_refused(site: Site) -> None:
    """Whoever answers there could make it take hours to open; as a file it is the user's own decision."""
    data = pkcs12.serialize_key_and_certificates(None, None, None, [ONE.certificate], serialization.NoEncryption())
    assert site.refused(data).startswith("a PKCS#12 file, which can be made to take hours to open: ")
    (site.verify.parent / "ca.p12").write_bytes(data)
    assert names(added.load(site.verify.parent / "ca.p12", NOW)) == ["Corp Root"]


def test_a_server_that_is_not_trusted_is_not_asked_whatever_the_pin(site: Site, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="only https:// is fetched: http://localhost"):
        url.read(site.url.replace("https", "http"), pin="", verify=site.verify, now=NOW).parse()
    site.verify = tmp_path / "other.pem"
    site.verify.write_bytes(ONE.pem)
    assert "is refused, unable to get local issuer certificate" in site.refused(ONE.pem, sha256(ONE.pem))


def block(number: int) -> bytes:
    """A block of well-formed DER that is no certificate, each another one."""
    data = b"\x30\x04" + number.to_bytes(4, "big")
    return b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(data) + b"\n-----END CERTIFICATE-----\n"


@cases(
    ("body", "message"),
    [
        (ONE.pem * 70_000, "over 1,048,576 bytes, the most that is read: "),  # some 50 MB
        (b"".join(map(block, range(15_000))), "15,000 blocks of PEM, over 2,000: "),
        (b"-----BEGIN " * 90_000, "90,000 blocks of PEM, over 2,000: "),
        (b"\n" * 1024 * 1024, "an empty file: "),
        (b"".join(map(block, range(2_000))), "no readable certificate, "),
    ],
    ids=["50-MB", "junk-below-the-cap", "no-ends", "empty-lines", "most-junk"],
)
def test_a_hostile_file_ends_within_its_limits(site: Site, body: bytes, message: str) -> None:
    assert site.refused(body).startswith(message)
    loaded = site.load(b"".join(map(block, range(20))) + ONE.pem)  # around a good one junk is only counted
    assert (names(loaded), len(loaded.rejections)) == (["Corp Root"], 20)
