"""How ``--add`` reads files and folders."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID
from support.pki import DAY, NOW, Issued, issue, key_usage
from support.snapshot import roots
from support.table import cases

from certboot.errors import CertbootError, SourceError
from certboot.sources import added
from certboot.sources.candidates import Loaded

A, B, C = roots()
BROKEN = b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"
OLD = issue("Old", valid=(NOW - 9 * DAY, NOW - DAY))


def leaf() -> Issued:
    plain = ((x509.BasicConstraints(ca=False, path_length=None), True), (key_usage(key_cert_sign=False), True))
    return issue("www.example.org", A, extensions=plain)


def mail_only() -> Issued:
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    authority = x509.BasicConstraints(ca=True, path_length=None)
    return issue("Mail", extensions=((authority, True), (key_usage(key_cert_sign=True), True), (purpose, False)))


def in_pkcs12(password: bytes) -> bytes:
    encryption = serialization.BestAvailableEncryption(password)
    return pkcs12.serialize_key_and_certificates(None, None, None, [A.certificate], encryption)


def folder(tmp_path: Path, **files: bytes) -> Path:
    """Return a folder of these files; ``_`` stands for the dot in their names."""
    path = tmp_path / "given"
    path.mkdir()
    for name, content in files.items():
        (path / name.replace("_", ".")).write_bytes(content)
    return path


def names(loaded: Loaded) -> list[str]:
    return [candidate.certificate.name for candidate in loaded.candidates]


@cases(
    "content",
    [
        A.pem, A.der, A.pem.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + A.pem, A.pem.decode().encode("utf-16"),
        A.key_pem + A.pem, in_pkcs12(b"secret"),
    ],
    ids=["pem", "der", "crlf", "bom", "utf-16", "key-and-certificate", "p12"],
)  # fmt: skip
def test_a_ca_is_read_in_every_form(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ca"
    path.write_bytes(content)
    loaded = added.load(path, NOW, lambda: b"secret")
    assert [candidate.certificate.der for candidate in loaded.candidates] == [A.der]
    assert ({(c.source, c.detail) for c in loaded.candidates}, loaded.rejections) == ({("added", str(path))}, ())


def test_a_file_with_one_good_ca_is_taken_with_what_the_policy_will_reject(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(OLD.pem + A.pem)
    assert names(added.load(path, NOW)) == ["Old", "Root A"]


@cases(
    ("content", "words"),
    [
        (issue("K").key_pem, "a private key, not a certificate: "),
        (leaf().pem, "'www.example.org' cannot be trusted as a CA, it may not issue certificates "),
        (leaf().der, "'www.example.org' cannot be trusted as a CA, "),
        (OLD.pem, "'Old' cannot be trusted as a CA, it expired on "),
        (issue("New", valid=(NOW + DAY, NOW + 9 * DAY)).pem, "'New' cannot be trusted as a CA, it is valid from "),
        (mail_only().pem, "'Mail' cannot be trusted as a CA, its extended key usage leaves out TLS servers"),
        (b"-----\nnothing\n" * 9, "no readable certificate, "),
        (b"-----BEGIN X-----\nAAAA\n-----END X-----\n", "no certificate in it: "),
        (b" \n\n", "an empty file: "),
        (bytes(range(255, 0, -1)) * 9, "no readable certificate, "),
        (BROKEN, "no readable certificate, the block in line 1: "),
    ],
)
def test_a_file_without_a_usable_ca_is_an_error(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "ca"
    path.write_bytes(content)
    with pytest.raises(SourceError) as refused:
        added.load(path, NOW)
    assert refused.value.message.startswith(words)
    assert refused.value.hint


def test_a_missing_file_or_one_over_the_limit_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ca.pem"
    with pytest.raises(SourceError, match=r"cannot read .*/ca.pem: No such file or directory"):
        added.load(path, NOW)
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(SourceError, match=f"cannot read {path}: over 16 MiB"):
        added.load(path, NOW)
    path.write_bytes(A.pem)
    monkeypatch.setattr(added, "SIZE_LIMIT", len(A.pem))
    assert len(added.load(path, NOW).candidates) == 1
    monkeypatch.setattr(added, "SIZE_LIMIT", len(A.pem) - 1)
    with pytest.raises(SourceError, match=f"cannot read {path}: over "):
        added.load(path, NOW)


# A folder


def test_the_certificate_files_of_a_folder_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    path = folder(tmp_path, z_PEM=A.pem, a_der=B.der, notes_txt=C.pem, ca=C.pem, key_key=A.key_pem)
    (path / "below").mkdir()
    (path / "below" / "c.pem").write_bytes(C.pem)
    (path / "folder.pem").mkdir()
    (path / "gone.pem").symlink_to("nothing.pem")
    os.mkfifo(path / "pipe.pem")
    loaded = added.load(path, NOW)
    assert [(candidate.certificate.name, candidate.detail) for candidate in loaded.candidates] == [
        ("Root B", str(path / "a.der")),
        ("Root A", str(path / "z.PEM")),
    ]
    assert loaded.rejections == ()


@cases("extension", added.EXTENSIONS)
def test_every_extension_is_looked_at(tmp_path: Path, extension: str) -> None:
    path = folder(tmp_path)
    (path / f"ca{extension}").write_bytes(A.pem)
    assert names(added.load(path, NOW)) == ["Root A"]


def test_a_file_of_a_folder_that_cannot_be_used_does_not_hide_the_others(tmp_path: Path) -> None:
    path = folder(tmp_path, a_pem=A.key_pem, b_pem=b"", c_p12=in_pkcs12(b"secret"), d_pem=BROKEN, e_pem=B.pem)
    loaded = added.load(path, NOW, lambda: b"wrong")
    assert names(loaded) == ["Root B"]
    assert [(Path(r.detail).name, r.rule, r.reason) for r in loaded.rejections] == [
        ("a.pem", "unreadable", "a private key, not a certificate"),
        ("b.pem", "unreadable", "an empty file"),
        ("c.p12", "unreadable", "the password is wrong, or the file is damaged"),
        ("d.pem", "unreadable", "the block in line 1: not base64"),
    ]
    assert names(added.load(path, NOW, lambda: b"secret")) == ["Root A", "Root B"]

    def declined() -> bytes:
        message = "no password"
        raise CertbootError(message)

    with pytest.raises(CertbootError, match="no password"):  # whoever declines to give it ends it
        added.load(path, NOW, declined)


@cases(
    ("files", "words"),
    [
        ({}, "no certificate files in the folder: "),
        ({"ca_txt": A.pem}, "no certificate files in the folder: "),
        ({"ca_pem": leaf().pem}, "'www.example.org' cannot be trusted as a CA, it may not issue certificates "),
        ({"ca_pem": BROKEN}, "no readable certificate, the block in line 1: not base64: "),
        ({"ca_pem": A.key_pem}, "no readable certificate, a private key, not a certificate: "),
    ],
    ids=["empty", "other-files", "leaf", "broken", "key"],
)
def test_a_folder_without_a_ca_is_an_error(tmp_path: Path, files: dict[str, bytes], words: str) -> None:
    path = folder(tmp_path, **files)
    with pytest.raises(SourceError) as refused:
        added.load(path, NOW)
    assert (refused.value.message.startswith(words), refused.value.message.endswith(f": {path}")) == (True, True)
    assert refused.value.hint != ""
    (path / "good.pem").write_bytes(B.pem)
    assert "Root B" in names(added.load(path, NOW))


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> list[Path]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(SourceError, match=r"cannot read .*: Permission denied"):
        added.load(folder(tmp_path), NOW)


def test_a_file_that_only_distrusts_is_an_error(tmp_path: Path, openssl: Callable[..., str]) -> None:
    plain, path = tmp_path / "a.pem", tmp_path / "rejected.pem"
    plain.write_bytes(A.pem)
    rejected = openssl("x509", "-in", plain, "-addreject", "serverAuth", "-trustout").encode()
    said = r"CN=Root A cannot be trusted as a CA, the block in line 1 says "
    for text in (rejected, rejected + A.pem):  # distrust wins
        path.write_bytes(text)
        with pytest.raises(SourceError, match=said) as error:
            added.load(path, NOW)
        assert error.value.hint.endswith("certboot distrust FINGERPRINT")
    path.write_bytes(rejected + B.pem)
    loaded = added.load(path, NOW)
    assert (names(loaded), loaded.distrusted) == (["Root B"], frozenset())


# A place that is remembered, and what was kept


@cases("place", ["above", "folder", "file", "linked"])
def test_a_remembered_place_that_others_could_change_is_refused(tmp_path: Path, place: str) -> None:
    """What the user names once he sees, and it is not read again."""
    path = folder(tmp_path, a_pem=A.pem, b_pem=B.pem)
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "c.pem").write_bytes(C.pem)
    (path / "c.pem").symlink_to(tmp_path / "open" / "c.pem")
    exposed = {"above": tmp_path, "folder": path, "file": path / "b.pem", "linked": tmp_path / "open"}[place]
    safe = exposed.stat().st_mode
    exposed.chmod(0o777 if exposed.is_dir() else 0o666)
    with pytest.raises(SourceError) as error:
        added.read(path, NOW, remembered=True)
    how = "not a safe place to read CA certificates from at every update, others may write to it"
    assert error.value.message == f"{how}: {exposed}"
    assert f"chmod go-w {exposed}" in error.value.hint
    assert len(added.read(path, NOW).parse().candidates) == 3
    exposed.chmod(safe)
    assert len(added.read(path, NOW, remembered=True).parse().candidates) == 3
    with pytest.raises(SourceError, match=r"cannot read .*none\.pem: No such file or directory"):
        added.read(path / "none.pem", NOW, remembered=True)  # whoever could put one there


def test_what_was_kept_is_read_in_the_order_of_the_names(tmp_path: Path) -> None:
    trusted = tmp_path / "trusted"
    assert added.read_kept(trusted).parse().candidates == ()
    trusted.mkdir()
    (trusted / ".Root_C.pem.a1b2").write_bytes(C.pem)  # left half written by a killed run
    (trusted / "b.pem").write_bytes(A.pem)
    (trusted / "a.pem").write_bytes(B.pem + b"-----BEGIN CERTIFICATE-----\n")
    (trusted / "c.pem").write_bytes(b"")
    loaded = added.read_kept(trusted).parse()
    assert names(loaded) == ["Root B", "Root A"]
    assert [(r.rule, r.detail) for r in loaded.rejections] == [
        ("unreadable", str(trusted / "a.pem")),
        ("unreadable", str(trusted / "c.pem")),
    ]
