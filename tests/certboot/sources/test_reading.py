from __future__ import annotations

import pytest
from pki import crl
from snapshot import roots

from certboot.sources.reading import from_ders, from_pem

BROKEN = b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"
EMPTY = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"


def names(text: bytes) -> list[str]:
    return [candidate.certificate.name for candidate in from_pem(text, "added", "a.pem").candidates]


def test_certificates_come_in_the_order_of_the_file_whatever_stands_around_them() -> None:
    one, two, _ = roots()
    text = b"\xef\xbb\xbf" + two.pem + b"words\n" + one.key_pem + crl(one) + one.pem
    assert names(text) == ["Root B", "Root A"]
    assert from_pem(text, "added", "a.pem").rejections == ()


def test_a_byte_order_mark_does_not_hide_the_first_certificate() -> None:
    assert names(b"\xef\xbb\xbf" + roots()[0].pem) == names(roots()[0].pem) == ["Root A"]


@pytest.mark.parametrize("bad", [BROKEN, EMPTY], ids=["not-base64", "no-certificate"])
def test_a_broken_block_is_a_rejection_with_its_line_and_the_others_count(bad: bytes) -> None:
    one, two, _ = roots()
    loaded = from_pem(one.pem + bad + two.pem, "added", "a.pem")
    assert [candidate.certificate.name for candidate in loaded.candidates] == ["Root A", "Root B"]
    (rejection,) = loaded.rejections
    assert (rejection.rule, rejection.source, rejection.detail) == ("unreadable", "added", "a.pem")
    line = one.pem.count(b"\n") + 1
    assert rejection.reason.startswith(f"the block in line {line}: ")


def test_der_bytes_are_read_or_rejected_one_by_one() -> None:
    loaded = from_ders((roots()[0].der, b"junk", roots()[1].der), "system", "store")
    assert [candidate.certificate.name for candidate in loaded.candidates] == ["Root A", "Root B"]
    assert [(r.rule, r.source, r.detail) for r in loaded.rejections] == [("unreadable", "system", "store")]
