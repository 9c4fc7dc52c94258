"""Every format that a company's CA comes in, made by the real openssl, and what hostile bytes of each lead to."""

from __future__ import annotations

import base64
import functools
import pickle
from collections.abc import Callable

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pki import Issued, crl, issue, resigned
from support.snapshot import roots
from support.table import cases

from certboot.errors import CertbootError, CertificateError, SourceError
from certboot.pki import der
from certboot.sources import extract
from certboot.sources.candidates import Loaded
from certboot.sources.extract import from_bytes, from_ders, from_pem, merged

BROKEN = b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"
EMPTY = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
SIGNED_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
PASSWORD = b"s\xc3\xa9cret"
A, B, C = roots()
MAKE = {
    "p7b-der": "crl2pkcs7 -nocrl -certfile two.pem -outform DER",
    "p7b-pem": "crl2pkcs7 -nocrl -certfile two.pem",
    "p7b-crl": "crl2pkcs7 -in crl.pem -certfile two.pem -outform DER",
    "p12": "pkcs12 -export -in two.pem -inkey key.pem -passout file:password",
    "p12-careful": "pkcs12 -export -in two.pem -inkey key.pem -iter 70000 -passout file:password",
    "p12-legacy": "pkcs12 -export -in two.pem -nokeys -legacy -passout file:password",
    "p12-no-mac": "pkcs12 -export -in two.pem -inkey key.pem -nomac -passout file:password",
    "p12-empty": "pkcs12 -export -in two.pem -inkey key.pem -passout pass:",
    "p12-open": "pkcs12 -export -in two.pem -nokeys -certpbe NONE -nomac -passout pass:",
    "p12-curve": "pkcs12 -export -in own.pem -inkey own.pem -passout file:password",
    "trusted": "x509 -in a.pem -addtrust serverAuth -setalias ours -trustout",
    "rejected": "x509 -in a.pem -addreject serverAuth -trustout",
}
NEED_PASSWORD = ("p12", "p12-careful", "p12-legacy", "p12-no-mac")


@pytest.fixture(scope="module")
def made(openssl: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """One file of each kind in MAKE, by the openssl program."""
    folder = tmp_path_factory.mktemp("made")
    given_to_openssl = {"a.pem": A.pem, "two.pem": A.pem + B.pem, "key.pem": A.key_pem, "password": PASSWORD}
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp112r1", "-noenc", "-subj", "/CN=Curve")
    openssl("req", "-x509", *curve, "-keyout", folder / "own.key", "-out", folder / "own.crt")
    given_to_openssl["own.pem"] = (folder / "own.key").read_bytes() + (folder / "own.crt").read_bytes()
    for name, content in (given_to_openssl | {"crl.pem": crl(A)}).items():
        (folder / name).write_bytes(content)
    for kind, line in MAKE.items():
        command, *arguments = line.split()
        paths = [argument.replace("file:", f"file:{folder}/") for argument in arguments]
        paths = [str(folder / argument) if argument.endswith(".pem") else argument for argument in paths]
        openssl(command, *paths, "-out", folder / kind)
    return {kind: (folder / kind).read_bytes() for kind in MAKE}


def read(data: bytes, password: bytes | None = None) -> Loaded:
    return from_bytes(data, "added", "given", None if password is None else lambda: password)


def names(loaded: Loaded) -> list[str]:
    assert {(candidate.source, candidate.detail) for candidate in loaded.candidates} <= {("added", "given")}
    return [candidate.certificate.name for candidate in loaded.candidates]


def relabelled(data: bytes, label: str) -> bytes:
    body = base64.encodebytes(data).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


def in_ber(data: bytes) -> bytes:
    """Return DER with every length around the certificates indefinite, and its OCTET STRINGs in pieces."""
    out = b""
    for element in der.children(data):
        if element.tag & 0x20 and element.encoded not in (A.der, B.der):
            out += bytes((element.tag, 0x80)) + in_ber(element.content) + b"\0\0"
        elif element.tag == 4 and len(element.content) > 99 and element.content not in (A.der, B.der):
            halves = element.content[:99], element.content[99:]
            out += b"\x24\x80" + b"".join(der.encode(4, half) for half in halves) + b"\0\0"
        else:
            out += element.encoded
    return out


def in_pieces(data: bytes) -> bytes:
    """Return DER with its OCTET STRINGs, and those in them, cut into pieces of seven bytes: shorter than the OID."""
    out = b""
    for element in der.children(data):
        if element.tag == 4:
            inner = in_pieces(element.content) if element.content[:1] == b"0" and len(element.content) > 99 else b""
            whole = inner if inner and element.content not in (A.der, B.der) else element.content
            pieces = (der.encode(4, whole[at : at + 7]) for at in range(0, len(whole), 7))
            out += b"\x24\x80" + b"".join(pieces) + b"\0\0"
        elif element.tag & 0x20:
            out += bytes((element.tag, 0x80)) + in_pieces(element.content) + b"\0\0"
        else:
            out += element.encoded
    return out


# PEM and DER


@cases(
    "change",
    [
        lambda text: text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.rstrip(b"\n"),
        lambda text: text.decode().encode("utf-16"),
        lambda text: ("\ufeff" + text.decode()).encode("utf-16-be"),
        lambda text: ("\ufeff" + text.decode().replace("\n", "\r\n")).encode("utf-16-le"),
        lambda text: b"Bag Attributes\n  friendlyName: \xe9\n" + text + b"0\x82\n",
        lambda text: text.replace(b"CERTIFICATE", b"X509 CERTIFICATE"),
        lambda text: text.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"),
        lambda text: A.key_pem + text + crl(A),
    ],
    ids=["plain", "crlf", "bom", "no-newline", "utf-16", "utf-16-be", "notepad", "text", "x509", "trusted", "key-crl"],
)
def test_pem_is_read_however_an_editor_or_a_program_left_it(change: Callable[[bytes], bytes]) -> None:
    loaded = read(change(B.pem + A.pem))
    assert names(loaded) == ["Root B", "Root A"]
    assert (loaded.rejections, loaded.distrusted) == ((), frozenset())


def test_pem_in_a_comment_inside_a_der_certificate_is_not_a_certificate() -> None:
    """What a viewer shows is what is trusted."""
    comment = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.16.840.1.113730.1.13"), B.pem)
    outer = issue("Outer", extensions=((x509.BasicConstraints(ca=True, path_length=None), True), (comment, False)))
    assert b"-----BEGIN CERTIFICATE-----" in outer.der
    assert (names(read(outer.der)), read(outer.der).rejections) == (["Outer"], ())


@cases("bad", [BROKEN, EMPTY], ids=["not-base64", "no-certificate"])
@cases("reader", [from_bytes, from_pem])
def test_a_broken_block_is_a_rejection_with_its_line(bad: bytes, reader: Callable[[bytes, str, str], Loaded]) -> None:
    loaded = reader(A.pem + bad + B.pem, "added", "given")
    assert names(loaded) == ["Root A", "Root B"]
    (rejection,) = loaded.rejections
    assert (rejection.rule, rejection.source, rejection.detail) == ("unreadable", "added", "given")
    assert rejection.reason.startswith(f"the block in line {len(A.pem.splitlines()) + 1}: ")


def test_der_bytes_are_read_or_rejected_one_by_one() -> None:
    loaded = from_ders((A.der, b"junk", B.der), "system", "store")
    assert [candidate.certificate.name for candidate in loaded.candidates] == ["Root A", "Root B"]
    assert [(r.rule, r.source, r.detail) for r in loaded.rejections] == [("unreadable", "system", "store")]


# PKCS#7


def test_pkcs7_is_read_in_der_in_ber_and_in_pem_among_certificates(made: dict[str, bytes]) -> None:
    for kind in ("p7b-der", "p7b-pem", "p7b-crl"):
        loaded = read(made[kind])
        assert [candidate.certificate.der for candidate in loaded.candidates] == [A.der, B.der]
        assert loaded.rejections == ()
    assert in_ber(made["p7b-der"]).startswith(b"\x30\x80")
    assert names(read(in_ber(made["p7b-der"]))) == ["Root A", "Root B"]
    for label in ("PKCS7", "CMS", "PKCS #7 SIGNED DATA"):
        text = C.pem + relabelled(made["p7b-der"], label).replace(b"\n", b"\r\n")
        assert names(read(text)) == ["Root C", "Root A", "Root B"]
    # OpenSSL finds none of them in a CA file: the system's bundle must not be read for more than it is.
    assert names(from_pem(made["p7b-pem"] + C.pem, "added", "given")) == ["Root C"]


def test_broken_pkcs7_is_a_rejection_and_a_bad_certificate_in_it_hides_no_other(made: dict[str, bytes]) -> None:
    good = made["p7b-der"]
    bad = A.der.replace(b"\x02\x01\x02", b"\x02\x01\x09", 1)  # a version that there is not
    loaded = read(good.replace(A.der, bad))
    assert (names(loaded), [rejection.rule for rejection in loaded.rejections]) == (["Root B"], ["unreadable"])
    text = A.pem + relabelled(B.der, "PKCS7") + BROKEN.replace(b"CERTIFICATE", b"PKCS7")
    for data, held, reasons in (
        (good.replace(SIGNED_DATA + b"\xa0", SIGNED_DATA + b"\x30"), [], ["tag 0x30 where 0xa0 belongs"]),
        (good[:-20], [], ["the data ends inside an element"]),
        (relabelled(good[:-20], "PKCS7"), [], ["the data ends inside an element"]),
        (text, ["Root A"], ["not PKCS#7 signed data", "not base64"]),
    ):
        loaded = read(data)
        assert names(loaded) == held
        assert [rejection.rule for rejection in loaded.rejections] == ["unreadable"] * len(reasons)
        assert [rejection.reason.rpartition(": ")[2] for rejection in loaded.rejections] == reasons


# PKCS#12


def asked() -> bytes:
    raise AssertionError


def test_pkcs12_is_opened_with_its_password_which_is_asked_only_where_one_is_needed(made: dict[str, bytes]) -> None:
    for kind in NEED_PASSWORD:
        loaded = read(made[kind], PASSWORD)
        assert sorted(candidate.certificate.der for candidate in loaded.candidates) == sorted([A.der, B.der])
        assert loaded.rejections == ()
    for kind in ("p12-empty", "p12-open"):
        assert len(from_bytes(made[kind], "added", "given", asked).candidates) == 2
    # With indefinite lengths, and without a warning; what a MAC is over cannot be cut into pieces.
    for data in (in_ber(made["p12"]), in_ber(made["p12-open"]), in_pieces(made["p12-open"])):
        assert data.startswith(b"\x30\x80")
        assert sorted(names(read(data, PASSWORD))) == ["Root A", "Root B"]


VERSION = b"\xa0\x03\x02\x01"
WRONG, NEEDED = "the password is wrong, or the file is damaged", "it needs a password, or is damaged"


@cases(
    ("kind", "password", "words", "hint"),
    [
        *(("p12", wrong, WRONG, "--password-file") for wrong in (b"", b"s\xe9cret", PASSWORD + b"\0", b"x" * 100_000)),
        *((kind, None, NEEDED, "--password-file") for kind in NEED_PASSWORD),
        # cryptography reads the key together with the certificates, whoever asks.
        ("p12-curve", PASSWORD, "it holds a key of a kind that is not supported", "ask for the certificate by itself"),
        ("a version", PASSWORD, WRONG, ""),
    ],
)
def test_pkcs12_that_cannot_be_opened_is_an_error_that_names_the_option(
    made: dict[str, bytes], kind: str, password: bytes | None, words: str, hint: str
) -> None:
    assert made["p12-open"].count(VERSION + b"\x02") == 2
    data = {**made, "a version": made["p12-open"].replace(VERSION + b"\x02", VERSION + b"\x30")}[kind]
    with pytest.raises(CertificateError, match=f"^{words}: given$") as refused:
        read(data, password)
    assert hint in refused.value.hint


# Keys


def private_parts(issued: Issued) -> tuple[bytes, ...]:
    """Return how the private number may stand in something: raw, base64 of the PEM, hexadecimal, decimal."""
    number = issued.key.private_numbers().private_value
    raw = number.to_bytes(32, "big")
    return raw, *issued.key_pem.splitlines()[1:-1], raw.hex().encode(), str(number).encode()


@cases("kind", ["p12", "p12-empty", "pem"])
def test_a_key_beside_the_certificate_is_in_nothing_that_is_returned(made: dict[str, bytes], kind: str) -> None:
    control = A.key_pem + A.key.private_numbers().private_value.to_bytes(32, "big")
    assert any(part in control for part in private_parts(A))
    loaded = read({**made, "pem": A.key_pem + A.pem + BROKEN + A.key_pem}[kind], PASSWORD)
    assert "Root A" in names(loaded)
    everything = pickle.dumps(loaded) + repr(loaded).encode()
    assert [part for part in private_parts(A) if part in everything] == []


ENCODINGS = {
    "pkcs8": (serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    "sec1": (serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()),
    "pkcs8-encrypted": (serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")),
}


@cases("form", [serialization.Encoding.PEM, serialization.Encoding.DER], ids=["pem", "der"])
@cases("kind", ENCODINGS)
def test_a_private_key_alone_is_an_error(form: serialization.Encoding, kind: str) -> None:
    data = A.key.private_bytes(form, *ENCODINGS[kind])
    with pytest.raises(SourceError, match=r"^a private key, not a certificate: given$") as refused:
        read(data)
    assert refused.value.hint.startswith("give the CA's certificate")
    if form is serialization.Encoding.PEM:
        assert names(read(data + A.pem)) == ["Root A"]


# OpenSSL's trust settings


@cases("copies", [b"", A.pem, resigned(A).pem], ids=["alone", "plain too", "a copy signed anew"])
def test_what_openssl_was_told_to_reject_is_no_candidate_of_that_file(made: dict[str, bytes], copies: bytes) -> None:
    loaded = read(made["rejected"] + copies + B.pem)
    assert names(loaded) == ["Root B"]
    reason = "the block in line 1 says that it is not to be trusted for TLS servers"
    assert {(r.rule, r.subject, r.reason) for r in loaded.rejections} == {("distrusted", "CN=Root A", reason)}
    assert len(loaded.rejections) == (2 if copies else 1)
    assert names(read(copies + B.pem)) == (["Root A", "Root B"] if copies else ["Root B"])


def test_a_file_speaks_only_for_itself_unless_it_is_read_for_everybody(made: dict[str, bytes]) -> None:
    """Else who may write one file could take every public root out of the store."""
    text = made["rejected"] + B.pem
    certificate = read(A.der).candidates[0].certificate
    assert read(text).distrusted == from_pem(text, "certifi", "given").distrusted == frozenset()
    system = from_pem(text, "system", "given", for_everybody=True)
    assert system.distrusted == {certificate.fingerprint, certificate.identity}


def test_what_openssl_was_told_to_trust_is_a_candidate_unless_the_settings_are_broken(made: dict[str, bytes]) -> None:
    """Behind a plain certificate OpenSSL reads none; so it is no certificate."""
    loaded = read(made["trusted"])
    assert [candidate.certificate.der for candidate in loaded.candidates] == [A.der]
    assert (loaded.rejections, loaded.distrusted) == ((), frozenset())
    loaded = read(B.pem + relabelled(A.der + b"\x30\x05\x30", "TRUSTED CERTIFICATE"))
    assert (names(loaded), loaded.distrusted) == (["Root B"], frozenset())
    assert [rejection.rule for rejection in loaded.rejections] == ["unreadable"]
    assert read(relabelled(A.der + b"\x30\x00", "CERTIFICATE")).candidates == ()
    assert names(read(relabelled(A.der + b"\x30\x00", "TRUSTED CERTIFICATE"))) == ["Root A"]


def test_several_files_become_one(made: dict[str, bytes]) -> None:
    loaded = merged((read(made["rejected"]), read(C.der), read(EMPTY + B.pem)))
    assert names(loaded) == ["Root C", "Root B"]
    assert [rejection.rule for rejection in loaded.rejections] == ["distrusted", "unreadable"]
    assert merged(()) == Loaded(())
    first, second = (
        Loaded((), revoked=frozenset({each, each.encode()}), distrusted=frozenset({each})) for each in ("a", "b")
    )
    both = merged((first, second))
    assert both.distrusted == {"a", "b"}
    assert both.revoked == {"a", "b", b"a", b"b"}


# Hostile bytes


def test_nothing_is_an_error_and_all_has_a_limit(made: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (b"", b" \r\n\n", b"\xff\xfe", b"\xff\xfe \x00"):
        with pytest.raises(SourceError, match=r"^an empty file: given$"):
            read(data)
    several = (A.pem + B.pem, made["p7b-der"], made["p7b-pem"], made["p12"])
    ways: list[Callable[[], Loaded]] = [functools.partial(read, data, PASSWORD) for data in several]
    ways.append(functools.partial(from_ders, (A.der, B.der), "added", "given"))
    for way in ways:
        monkeypatch.setattr(extract, "COUNT_LIMIT", 2)
        assert len(way().candidates) == 2
        monkeypatch.setattr(extract, "COUNT_LIMIT", 1)
        with pytest.raises(SourceError, match=r"^over 1 blocks or certificates in one file: given$"):
            way()
    monkeypatch.setattr(extract, "SIZE_LIMIT", len(A.der))
    assert names(read(A.der)) == ["Root A"]
    with pytest.raises(SourceError, match=r"^over 0 MiB, which no certificate is: given$"):
        read(A.der + b"\n")


# A beginning, and what follows it up to 15 MiB.
HOSTILE = {
    "junk-blocks": (b"", EMPTY),
    "blocks-without-end": (b"", b"-----BEGIN CERTIFICATE-----\n"),
    "keys": (b"", b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"),
    "p7-nested": (b"\x30\x80" + SIGNED_DATA + b"\xa0\x80\x30\x80", b"\xa0\x80"),
    "p7-certificates": (b"\x30\x80" + SIGNED_DATA + b"\xa0\x80\x30\x80\xa0\x80", b"\x30\x00"),
    "p12-elements": (b"\x30\x80\x02\x01\x03\x30\x80", b"\x04\x02\x30\x00\x05\x00"),
    "zeros": (b"", b"\0"),
    "one-block": (b"-----BEGIN CERTIFICATE-----\n", b"A"),
}


@cases("kind", HOSTILE)
def test_large_junk_ends_quickly(kind: str) -> None:
    start, unit = HOSTILE[kind]
    result = outcome(start + unit * ((15 << 20) // len(unit)))
    assert isinstance(result, CertbootError) or (result.candidates, len(result.rejections)) == ((), 1)


def test_where_pkcs12_is_not_asked_for_it_is_refused_unopened(made: dict[str, bytes]) -> None:
    with pytest.raises(SourceError, match=r"^a PKCS#12 file, which can be made to take hours to open: given$"):
        from_bytes(made["p12-open"], "added", "given", pkcs12=False)
    assert len(from_bytes(made["p12-open"], "added", "given").candidates) == 2
    for other in ("p7b-der", "p7b-pem", "trusted"):
        assert from_bytes(made[other], "added", "given", pkcs12=False).candidates


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_bytes_lead_to_anything_but_certificates_or_an_error(made: dict[str, bytes], data: st.DataObject) -> None:
    # PKCS#12 goes to a process of its own: test_pkcs12.py.
    made = {kind: content for kind, content in made.items() if not kind.startswith("p12")}
    seeds = {**made, "pem": A.pem + B.pem, "der": A.der, "key": A.key_pem, "utf-16": A.pem.decode().encode("utf-16")}
    mutated = bytearray(seeds[data.draw(st.sampled_from(sorted(seeds)))])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        stop = min(len(mutated), at + data.draw(st.integers(0, 3)))
        mutated[at:stop] = data.draw(st.binary(max_size=4))
        if not mutated:
            break
    result = outcome(bytes(mutated))
    assert isinstance(result, Loaded) or (result.hint != "" and "given" in result.message)


def outcome(data: bytes) -> Loaded | CertbootError:
    """Return what reading gives or raises. Nothing else may come out."""
    try:
        return read(data, PASSWORD)
    except CertbootError as error:
        return error
