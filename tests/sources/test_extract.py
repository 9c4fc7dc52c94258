"""Every format that a company's CA comes in, made by the real openssl, and what hostile bytes of each lead to."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pki import Issued, crl, issue, resigned
from support.snapshot import roots

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
MAKE: dict[str, tuple[str, ...]] = {
    "p7b-der": ("crl2pkcs7", "-nocrl", "-certfile", "two.pem", "-outform", "DER"),
    "p7b-pem": ("crl2pkcs7", "-nocrl", "-certfile", "two.pem"),
    "p7b-crl": ("crl2pkcs7", "-in", "crl.pem", "-certfile", "two.pem", "-outform", "DER"),
    "p12": ("pkcs12", "-export", "-in", "two.pem", "-inkey", "key.pem", "-passout", "file:password"),
    "p12-careful": (
        "pkcs12",
        "-export",
        "-in",
        "two.pem",
        "-inkey",
        "key.pem",
        "-iter",
        "70000",
        "-passout",
        "file:password",
    ),
    "p12-legacy": ("pkcs12", "-export", "-in", "two.pem", "-nokeys", "-legacy", "-passout", "file:password"),
    "p12-no-mac": ("pkcs12", "-export", "-in", "two.pem", "-inkey", "key.pem", "-nomac", "-passout", "file:password"),
    "p12-empty": ("pkcs12", "-export", "-in", "two.pem", "-inkey", "key.pem", "-passout", "pass:"),
    "p12-open": ("pkcs12", "-export", "-in", "two.pem", "-nokeys", "-certpbe", "NONE", "-nomac", "-passout", "pass:"),
    "p12-curve": ("pkcs12", "-export", "-in", "own.pem", "-inkey", "own.pem", "-passout", "file:password"),
    "trusted": ("x509", "-in", "a.pem", "-addtrust", "serverAuth", "-setalias", "ours", "-trustout"),
    "rejected": ("x509", "-in", "a.pem", "-addreject", "serverAuth", "-trustout"),
}
NEED_PASSWORD = ("p12", "p12-legacy", "p12-no-mac")


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
    for kind, (command, *arguments) in MAKE.items():
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


# PEM and DER


@pytest.mark.parametrize(
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


def test_der_is_read() -> None:
    assert names(read(A.der)) == ["Root A"]
    assert read(A.der).rejections == ()


def test_pem_in_a_comment_inside_a_der_certificate_is_not_a_certificate() -> None:
    """What a viewer shows is what is trusted."""
    comment = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.16.840.1.113730.1.13"), B.pem)
    outer = issue("Outer", extensions=((x509.BasicConstraints(ca=True, path_length=None), True), (comment, False)))
    assert b"-----BEGIN CERTIFICATE-----" in outer.der
    assert names(read(outer.der)) == ["Outer"]


@pytest.mark.parametrize("bad", [BROKEN, EMPTY], ids=["not-base64", "no-certificate"])
@pytest.mark.parametrize("reader", [from_bytes, from_pem])
def test_a_broken_block_is_a_rejection_with_its_line_and_the_others_count(
    bad: bytes, reader: Callable[[bytes, str, str], Loaded]
) -> None:
    loaded = reader(A.pem + bad + B.pem, "added", "given")
    assert names(loaded) == ["Root A", "Root B"]
    (rejection,) = loaded.rejections
    assert (rejection.rule, rejection.source, rejection.detail) == ("unreadable", "added", "given")
    line = A.pem.count(b"\n") + 1
    assert rejection.reason.startswith(f"the block in line {line}: ")


def test_der_bytes_are_read_or_rejected_one_by_one() -> None:
    loaded = from_ders((A.der, b"junk", B.der), "system", "store")
    assert [candidate.certificate.name for candidate in loaded.candidates] == ["Root A", "Root B"]
    assert [(r.rule, r.source, r.detail) for r in loaded.rejections] == [("unreadable", "system", "store")]


# PKCS#7


@pytest.mark.parametrize("kind", ["p7b-der", "p7b-pem", "p7b-crl"])
def test_pkcs7_is_read(made: dict[str, bytes], kind: str) -> None:
    loaded = read(made[kind])
    assert [candidate.certificate.der for candidate in loaded.candidates] == [A.der, B.der]
    assert loaded.rejections == ()


@pytest.mark.parametrize("label", ["PKCS7", "CMS", "PKCS #7 SIGNED DATA"])
def test_pkcs7_stands_in_pem_among_certificates(made: dict[str, bytes], label: str) -> None:
    text = C.pem + relabelled(made["p7b-der"], label).replace(b"\n", b"\r\n")
    assert names(read(text)) == ["Root C", "Root A", "Root B"]


def test_pkcs7_in_pem_is_nothing_that_openssl_finds_in_a_ca_file(made: dict[str, bytes]) -> None:
    """The system's bundle must not be read for more than it is."""
    assert names(from_pem(made["p7b-pem"] + C.pem, "added", "given")) == ["Root C"]


def test_pkcs7_with_indefinite_lengths_is_read(made: dict[str, bytes]) -> None:
    assert in_ber(made["p7b-der"]).startswith(b"\x30\x80")
    assert names(read(in_ber(made["p7b-der"]))) == ["Root A", "Root B"]


def test_one_bad_certificate_in_pkcs7_does_not_hide_the_others(made: dict[str, bytes]) -> None:
    bad = A.der.replace(b"\x02\x01\x02", b"\x02\x01\x09", 1)  # a version that there is not
    assert bad != A.der
    loaded = read(made["p7b-der"].replace(A.der, bad))
    assert names(loaded) == ["Root B"]
    assert [rejection.rule for rejection in loaded.rejections] == ["unreadable"]


def test_pkcs7_of_another_shape_is_a_rejection(made: dict[str, bytes]) -> None:
    changed = made["p7b-der"].replace(SIGNED_DATA + b"\xa0", SIGNED_DATA + b"\x30")
    (rejection,) = read(changed).rejections
    assert rejection.reason == "broken PKCS#7: tag 0x30 where 0xa0 belongs"


@pytest.mark.parametrize("form", ["der", "pem"])
def test_broken_pkcs7_is_a_rejection(made: dict[str, bytes], form: str) -> None:
    half = made["p7b-der"][:-20]
    loaded = read(half if form == "der" else relabelled(half, "PKCS7"))
    assert loaded.candidates == ()
    (rejection,) = loaded.rejections
    assert (rejection.rule, "broken PKCS#7: " in rejection.reason) == ("unreadable", True)


def test_a_pem_block_that_only_says_pkcs7_is_a_rejection() -> None:
    text = A.pem + relabelled(B.der, "PKCS7") + BROKEN.replace(b"CERTIFICATE", b"PKCS7")
    loaded = read(text)
    assert names(loaded) == ["Root A"]
    assert [rejection.reason.partition(": ")[2] for rejection in loaded.rejections] == [
        "broken PKCS#7: not PKCS#7 signed data",
        "not base64",
    ]


# PKCS#12


@pytest.mark.parametrize("kind", NEED_PASSWORD)
def test_pkcs12_is_opened_with_its_password(made: dict[str, bytes], kind: str) -> None:
    loaded = read(made[kind], PASSWORD)
    assert sorted(candidate.certificate.der for candidate in loaded.candidates) == sorted([A.der, B.der])
    assert loaded.rejections == ()


@pytest.mark.parametrize("kind", ["p12-empty", "p12-open"])
def test_the_password_is_not_asked_where_none_is_needed(made: dict[str, bytes], kind: str) -> None:
    def asked() -> bytes:
        raise AssertionError

    assert len(from_bytes(made[kind], "added", "given", asked).candidates) == 2


@pytest.mark.parametrize("kind", ["p12", "p12-open"])
def test_pkcs12_with_indefinite_lengths_is_read_without_a_warning(made: dict[str, bytes], kind: str) -> None:
    data = in_ber(made[kind])
    assert data.startswith(b"\x30\x80")
    assert sorted(names(read(data, PASSWORD))) == ["Root A", "Root B"]


@pytest.mark.parametrize("password", [b"wrong", b"", b"s\xe9cret", PASSWORD + b"\0", b"x" * 100_000])
def test_a_wrong_password_is_an_error_that_names_the_option(made: dict[str, bytes], password: bytes) -> None:
    with pytest.raises(CertificateError, match=r"^the password is wrong, or the file is damaged: given$") as refused:
        read(made["p12"], password)
    assert "--password-file" in refused.value.hint


@pytest.mark.parametrize("kind", NEED_PASSWORD)
def test_a_missing_password_is_an_error_that_names_the_option(made: dict[str, bytes], kind: str) -> None:
    with pytest.raises(CertificateError, match=r"^it needs a password, or is damaged: given$") as refused:
        read(made[kind])
    assert "--password-file" in refused.value.hint


def test_a_key_that_cryptography_does_not_know_is_an_error(made: dict[str, bytes]) -> None:
    """It reads the key together with the certificates, whoever asks."""
    with pytest.raises(CertificateError, match=r"^it holds a key of a kind that is not supported: given$") as refused:
        read(made["p12-curve"], PASSWORD)
    assert refused.value.hint == "ask for the certificate by itself, in PEM"


def test_a_certificate_that_cryptography_does_not_read_is_an_error(made: dict[str, bytes]) -> None:
    version = b"\xa0\x03\x02\x01"
    data = made["p12-open"]
    assert data.count(version + b"\x02") == 2
    with pytest.raises(CertificateError, match=r"^the password is wrong, or the file is damaged: given$"):
        read(data.replace(version + b"\x02", version + b"\x30"), PASSWORD)


def test_whoever_declines_to_give_the_password_ends_it(made: dict[str, bytes]) -> None:
    def declined() -> bytes:
        message = "no password"
        raise CertbootError(message)

    with pytest.raises(CertbootError, match=r"^no password$"):
        from_bytes(made["p12"], "added", "given", declined)


# Keys


def private_parts(issued: Issued) -> tuple[bytes, ...]:
    """Return how the private number may stand in something: raw, base64 of the PEM, hexadecimal, decimal."""
    number = issued.key.private_numbers().private_value
    raw = number.to_bytes(32, "big")
    return raw, *issued.key_pem.splitlines()[1:-1], raw.hex().encode(), str(number).encode()


@pytest.mark.parametrize("kind", ["p12", "p12-empty", "pem"])
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


@pytest.mark.parametrize("form", [serialization.Encoding.PEM, serialization.Encoding.DER], ids=["pem", "der"])
@pytest.mark.parametrize("kind", ENCODINGS)
def test_a_private_key_alone_is_an_error(form: serialization.Encoding, kind: str) -> None:
    data = A.key.private_bytes(form, *ENCODINGS[kind])
    with pytest.raises(SourceError, match=r"^a private key, not a certificate: given$") as refused:
        read(data)
    assert refused.value.hint.startswith("give the CA's certificate")
    if form is serialization.Encoding.PEM:
        assert names(read(data + A.pem)) == ["Root A"]


# OpenSSL's trust settings


@pytest.mark.parametrize("copies", [b"", A.pem, resigned(A).pem], ids=["alone", "plain too", "a copy signed anew"])
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


def test_what_openssl_was_told_to_trust_is_a_candidate(made: dict[str, bytes]) -> None:
    loaded = read(made["trusted"])
    assert [candidate.certificate.der for candidate in loaded.candidates] == [A.der]
    assert (loaded.rejections, loaded.distrusted) == ((), frozenset())


def test_broken_settings_are_a_rejection() -> None:
    loaded = read(B.pem + relabelled(A.der + b"\x30\x05\x30", "TRUSTED CERTIFICATE"))
    assert (names(loaded), loaded.distrusted) == (["Root B"], frozenset())
    assert [rejection.rule for rejection in loaded.rejections] == ["unreadable"]


def test_settings_behind_a_plain_certificate_are_not_read() -> None:
    """OpenSSL does not read them there either; so it is no certificate."""
    assert read(relabelled(A.der + b"\x30\x00", "CERTIFICATE")).candidates == ()
    assert names(read(relabelled(A.der + b"\x30\x00", "TRUSTED CERTIFICATE"))) == ["Root A"]


def test_several_files_become_one(made: dict[str, bytes]) -> None:
    loaded = merged((read(made["rejected"]), read(C.der), read(EMPTY + B.pem)))
    assert names(loaded) == ["Root C", "Root B"]
    assert [rejection.rule for rejection in loaded.rejections] == ["distrusted", "unreadable"]
    assert merged(()) == Loaded(())
    first, second = (
        Loaded((), revoked=frozenset({each}), revoked_serials=frozenset({each.encode()}), distrusted=frozenset({each}))
        for each in ("a", "b")
    )
    both = merged((first, second))
    assert both.revoked == both.distrusted == {"a", "b"}
    assert both.revoked_serials == {b"a", b"b"}


# Hostile bytes


@pytest.mark.parametrize("data", [b"", b" \r\n\n", b"\xff\xfe", b"\xff\xfe \x00"])
def test_an_empty_file_is_an_error(data: bytes) -> None:
    with pytest.raises(SourceError, match=r"^an empty file: given$"):
        read(data)


def test_the_size_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extract, "SIZE_LIMIT", len(A.der))
    assert names(read(A.der)) == ["Root A"]
    with pytest.raises(SourceError, match=r"^over 0 MiB, which no certificate is: given$"):
        read(A.der + b"\n")


@pytest.mark.parametrize("kind", ["pem", "p7b-der", "p7b-pem", "p12", "ders"])
def test_the_number_of_certificates_has_a_limit(
    made: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def run() -> Loaded:
        if kind == "ders":
            return from_ders((A.der, B.der), "added", "given")
        return read({**made, "pem": A.pem + B.pem}[kind], PASSWORD)

    monkeypatch.setattr(extract, "COUNT_LIMIT", 2)
    assert len(run().candidates) == 2
    monkeypatch.setattr(extract, "COUNT_LIMIT", 1)
    with pytest.raises(SourceError, match=r"^over 1 blocks or certificates in one file: given$"):
        run()


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


@pytest.mark.parametrize("kind", HOSTILE)
def test_large_junk_ends_quickly(kind: str) -> None:
    start, unit = HOSTILE[kind]
    result = outcome(start + unit * ((15 << 20) // len(unit)))
    assert isinstance(result, CertbootError) or (result.candidates, len(result.rejections)) == ((), 1)


def with_key(made: dict[str, bytes], key: bytes) -> bytes:
    """Return the open file with an encrypted key in one more bag (RFC 7292, 4.2.2)."""
    data_type, bag_type = bytes.fromhex("06092a864886f70d010701"), bytes.fromhex("060b2a864886f70d010c0a0102")

    def sequence(*parts: bytes) -> bytes:
        return der.encode(der.SEQUENCE, b"".join(parts))

    def content(kind: bytes, data: bytes) -> bytes:
        return sequence(kind, der.encode(der.CONTEXT_0, data))

    version, outer = der.children(der.read(made["p12-open"])[0].content)
    (safe,) = der.children(_in_octets(_in_octets(outer.content)))
    bags = der.read(_in_octets(safe.content))[0].content
    inner = content(data_type, der.encode(4, sequence(bags, content(bag_type, key))))
    return sequence(version.encoded, content(data_type, der.encode(4, sequence(inner))))


def _in_octets(data: bytes) -> bytes:
    """Return what is in the OCTET STRING of a ContentInfo, or the elements of a SEQUENCE."""
    *_, last = der.children(data)
    return der.read(last.content)[0].content if last.tag == der.CONTEXT_0 else last.content


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


@pytest.mark.parametrize("form", [bytes, in_ber, in_pieces], ids=["der", "ber", "pieces"])
@pytest.mark.parametrize("way", ["-v2prf hmacWithSHA256", "-scrypt"])
def test_a_key_in_a_pkcs12_may_be_encrypted_in_any_way(
    made: dict[str, bytes], openssl: Callable[..., str], tmp_path: Path, form: Callable[[bytes], bytes], way: str
) -> None:
    for name, content in (("key", A.key_pem), ("password", PASSWORD)):
        (tmp_path / name).write_bytes(content)
    pkcs8 = ("pkcs8", "-topk8", "-in", tmp_path / "key", "-passout", f"file:{tmp_path}/password", "-outform", "DER")
    openssl(*pkcs8, *way.split(), "-out", tmp_path / "encrypted")
    data = form(with_key(made, (tmp_path / "encrypted").read_bytes()))
    assert sorted(names(read(data, PASSWORD))) == ["Root A", "Root B"]


def test_where_pkcs12_is_not_asked_for_it_is_refused_unopened(made: dict[str, bytes]) -> None:
    with pytest.raises(SourceError, match=r"^a PKCS#12 file, which can be made to take hours to open: given$"):
        from_bytes(made["p12-open"], "added", "given", pkcs12=False)
    assert len(from_bytes(made["p12-open"], "added", "given").candidates) == 2
    for other in ("p7b-der", "p7b-pem", "trusted"):
        assert from_bytes(made[other], "added", "given", pkcs12=False).candidates


@settings(max_examples=400, deadline=None)
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
