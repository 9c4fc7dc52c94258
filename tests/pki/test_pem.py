"""Whatever stands in a file, its PEM blocks come out, or what is wrong with each."""

from __future__ import annotations

import ssl

from hypothesis import given
from hypothesis import strategies as st
from support import pki
from support.table import cases

from certboot.pki import pem
from certboot.pki.pem import PemBlock

DER = pki.issue("Example Root").der
TEXT = pem.encode(DER).encode()
BEGIN, *BODY, END = TEXT.splitlines()
LABEL = "CERTIFICATE"


def lines(*parts: bytes) -> bytes:
    return b"".join(part + b"\n" for part in parts)


@given(st.binary(min_size=1, max_size=300))
def test_encoding_is_that_of_the_ssl_module_and_reads_back(data: bytes) -> None:
    text = pem.encode(data)
    assert text == ssl.DER_cert_to_PEM_cert(data)
    assert list(pem.blocks(text.encode())) == [PemBlock(LABEL, 1, data)]


@cases(
    ("text", "line"),
    [
        (TEXT, 1),
        (TEXT.rstrip(b"\n"), 1),
        (TEXT.replace(b"\n", b"\r\n"), 1),
        (TEXT.replace(b"\n", b" \t\n"), 1),
        (lines(b"Example Root", b"============") + TEXT + b"the end", 3),
        (b"\xff\xfe\0\n" + TEXT, 2),
        (b"-----END CERTIFICATE-----\n" + TEXT, 2),
        (lines(BEGIN, b"".join(BODY), END), 1),
        (lines(BEGIN, b"", *BODY, END), 1),
        (lines(BEGIN, *(line[:20] + b" " + line[20:] for line in BODY), END), 1),  # RFC 7468, 2
        (lines(BEGIN, *(b"\t" + line for line in BODY), END), 1),
        (b"\xef\xbb\xbf" + TEXT, 1),
    ],
)
def test_a_certificate_is_found_in_any_dress(text: bytes, line: int) -> None:
    assert list(pem.blocks(text)) == [PemBlock(LABEL, line, DER)]


@cases(
    ("block", "defect"),
    [
        (lines(BEGIN, *BODY), "no END line"),
        (lines(BEGIN, *BODY, b"-----END X509 CRL-----"), "an END line of another kind"),
        (lines(BEGIN, *BODY[:-1], b"!!!!", END), "not base64"),
        (lines(BEGIN, b"MII", END), "not base64"),
        (lines(BEGIN, "MÜ==".encode(), END), "not base64"),
        (lines(BEGIN, END), "nothing between BEGIN and END"),
        (lines(BEGIN, b"Comment: x", b"", *BODY, END), "an empty line inside"),  # as RFC 1421 headers have it
    ],
)
def test_a_broken_block_says_what_is_wrong_and_hides_no_other(block: bytes, defect: str) -> None:
    assert list(pem.blocks(TEXT + block + TEXT)) == [
        PemBlock(LABEL, 1, DER),
        PemBlock(LABEL, 1 + TEXT.count(b"\n"), None, defect),
        PemBlock(LABEL, 1 + TEXT.count(b"\n") + block.count(b"\n"), DER),
    ]


def test_labels_come_as_they_stand() -> None:
    text = TEXT.replace(b" CERT", b" TRUSTED CERT") + pki.crl(pki.issue("x")) + lines(b"-----BEGIN \xff-----")
    assert [block.label for block in pem.blocks(text)] == ["TRUSTED CERTIFICATE", pem.CRL_LABEL, "\ufffd"]


@cases(
    "text", [b" " + BEGIN, b"-----BEGIN CERTIFICATE", b"-----BEGIN CERTIFICATE----- x", b"----BEGIN CERTIFICATE----"]
)
def test_what_only_resembles_a_begin_line_opens_no_block(text: bytes) -> None:
    assert list(pem.blocks(lines(text, *BODY, END))) == []


def test_200_000_blocks_without_an_end_are_200_000_defects() -> None:
    defects = list(pem.blocks(lines(BEGIN) * 200_000))
    assert [block.line for block in defects] == list(range(1, 200_001))
    assert {block.defect for block in defects} == {"no END line"}


@given(
    st.lists(
        st.sampled_from([b"# text\n", b"\n", b" ", b"-----", b"\r", b"=", b"\xef\xbb\xbf", TEXT, *BODY]), max_size=3
    ),
    st.integers(0, len(TEXT)),
    st.booleans(),
)
def test_the_quick_way_for_one_certificate_is_the_long_way(extra: list[bytes], at: int, whole: bool) -> None:  # noqa: FBT001
    at = at if not whole else (0, len(TEXT), len(BEGIN) + 1, len(TEXT) - len(END) - 1)[at % 4]
    text = TEXT[:at] + b"".join(extra) + TEXT[at:]
    assert list(pem.blocks(text)) == list(pem._any(text))
