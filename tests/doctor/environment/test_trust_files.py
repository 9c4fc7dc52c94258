"""What a variable names: files and directories of certificates, and what keeps the store out of ssl's trust."""

from __future__ import annotations

import hashlib
import os
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from support.here import put
from support.snapshot import roots
from support.table import cases

from certboot.doctor.environment import trust_files
from certboot.doctor.environment.trust_files import Contents, Override, TrustFiles, fingerprints, overrides
from certboot.store.paths import StorePaths


def seen(contents: Contents) -> tuple[str, str, frozenset[str]]:
    return contents.problem, contents.words, contents.fingerprints


def digests(*numbers: int) -> frozenset[str]:
    return frozenset(hashlib.sha256(roots()[number].der).hexdigest() for number in numbers)


def test_each_certificate_is_counted_once_whatever_stands_around_it(openssl: Callable[..., str]) -> None:
    def block(label: str, body: str) -> bytes:
        return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode()

    pem = roots()[0].pem
    crlf, other = pem.replace(b"\n", b"\r\n"), pem.replace(b"CERTIFICATE", b"X509 CERTIFICATE")
    assert fingerprints([pem + b"words\n" + roots()[1].pem, crlf, other]) == digests(0, 1)
    assert fingerprints([b"", roots()[2].key_pem, pem[:-40]]) == frozenset()
    assert fingerprints([block("CERTIFICATE", "a") + block("TRUSTED CERTIFICATE", "MIIB") + pem]) == digests(0)
    trusted = openssl("x509", "-trustout", "-addtrust", "serverAuth", data=pem.decode())
    assert "BEGIN TRUSTED CERTIFICATE" in trusted
    assert fingerprints([trusted.encode()]) == digests(0)


def test_a_file_of_certificates(tmp_path: Path) -> None:
    path = str(put(tmp_path / "a.pem", roots()[0].pem + roots()[1].pem))
    assert seen(TrustFiles().file(path)) == ("", f"{path}, 2 certificates", digests(0, 1))


@cases(("make", "problem", "words"), [
    (lambda _: "", "empty", "empty, which some clients take"),
    (str, "directory-for-file-client", "a directory, where clients need a file"),
    (lambda folder: f"{folder}/none", "points-nowhere", "no such file"),
    (lambda folder: str(put(folder / "t", "words")), "not-certificates", "OpenSSL cannot load it, no certificate"),
    (lambda folder: str(put(folder / "k", roots()[0].key_pem)), "not-certificates", "OpenSSL cannot load it"),
])  # fmt: skip
def test_what_is_no_file_of_certificates(tmp_path: Path, make: object, problem: str, words: str) -> None:
    contents = TrustFiles().file(make(tmp_path))  # type: ignore[operator]
    assert contents.problem == problem
    assert contents.words.startswith(words)


@pytest.mark.timeout(10)
def test_nobody_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "01234567.0").symlink_to("pipe")
    files = TrustFiles()
    assert seen(files.file(f"{tmp_path}/pipe")) == (
        "not-certificates",
        f"it cannot be read, a pipe, not a regular file: {tmp_path}/pipe",
        frozenset(),
    )
    assert seen(files.directories(str(tmp_path))) == ("", f"{tmp_path}, 1 hash link", frozenset())
    assert files.file("/dev/zero").problem == "not-certificates"


def test_what_cannot_be_loaded_is_said(tmp_path: Path, unreadable: Callable[[Path], None]) -> None:
    bad = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    path = put(tmp_path / "a.pem", roots()[0].pem + bad)
    assert TrustFiles().file(str(path)).problem == "not-certificates"  # one bad block spoils a whole file for OpenSSL
    os.truncate(path, 1 << 40)
    assert TrustFiles().file(str(path)).words == f"it cannot be read, over 64 MiB, which no such file has: {path}"
    unreadable(path)
    assert TrustFiles().file(str(path)).words == f"it cannot be read, Permission denied: {path}"


def test_our_own_file_is_loaded_only_if_it_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "bundle.pem", roots()[0].pem + roots()[1].pem)
    loaded: list[str] = []
    real = trust_files._loaded

    def load(path: str) -> int:
        loaded.append(path)
        return real(path)

    monkeypatch.setattr(trust_files, "_loaded", load)
    for bundled, expected in ((digests(0, 1), 0), (digests(0), 1), (digests(0, 1, 2), 2)):
        assert TrustFiles([str(path)], bundled).file(str(path)).words == f"{path}, 2 certificates"
        assert len(loaded) == expected
    put(path, b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
    assert TrustFiles([str(path)], digests(0, 1)).file(str(path)).problem == "not-certificates"


def test_a_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "a.pem", roots()[0].pem)
    files = TrustFiles()
    first = files.file(str(path))
    monkeypatch.setattr(ssl, "SSLContext", None)
    assert files.file(str(path)) is first


def hashed(folder: Path, *numbers: int) -> str:
    for number in numbers:
        put(folder / f"0123456{number}.0", roots()[number].pem)
    return str(folder)


def test_a_list_of_directories(tmp_path: Path) -> None:
    one, two = hashed(tmp_path / "one", 0), hashed(tmp_path / "two", 1, 2)
    put(tmp_path / "one" / "ca.pem", roots()[2].pem)  # not found by hash
    files = TrustFiles()
    assert seen(files.directories(one)) == ("", f"{one}, 1 hash link", digests(0))
    assert seen(files.directories(f"{one}:{two}")) == ("", f"{one}:{two}, 3 hash links", digests(0, 1, 2))
    assert seen(TrustFiles(directories=[one]).directories(one)) == ("", f"{one}, 1 hash link", frozenset())


def test_what_is_no_directory_of_certificates(tmp_path: Path) -> None:
    good, plain = hashed(tmp_path / "good", 0), str(put(tmp_path / "plain" / "ca.pem", roots()[0].pem).parent)
    files = TrustFiles()
    nowhere = f"{tmp_path}/none"
    assert seen(files.directories("")) == ("empty", "empty", frozenset())
    assert seen(files.directories(nowhere)) == ("points-nowhere", f"no such directory: {nowhere}", frozenset())
    assert files.directories(f"{plain}/ca.pem").words.startswith("Not a directory: ")
    assert files.directories("a\0b").problem == "points-nowhere"
    assert files.directories(plain).problem == "not-certificates"
    assert seen(files.directories(f"{good}:{nowhere}")) == (
        "points-nowhere", f"1 hash link, but no such directory: {nowhere}", digests(0),
    )  # fmt: skip


OPENSSLS = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def test_what_is_not_set_or_is_the_store_overrides_nothing(paths: StorePaths) -> None:
    own = {"SSL_CERT_FILE": f"{paths.current}/bundle.pem", "SSL_CERT_DIR": f"{paths.current}/crts"}
    assert (overrides(paths, {}, OPENSSLS), overrides(paths, own, OPENSSLS)) == ((), ())
    assert overrides(paths, {"REQUESTS_CA_BUNDLE": "/etc/other.pem"}, OPENSSLS) == ()  # the ssl module does not read it


def test_a_bundle_of_somebody_else_can_be_adopted_if_its_path_is_absolute_and_it_can_be_used(
    paths: StorePaths, tmp_path: Path, good: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for value, can_be_adopted in ((good, True), (Path(good).name, False)):
        expected = Override("SSL_CERT_FILE", "", can_be_adopted=can_be_adopted)
        assert overrides(paths, {"SSL_CERT_FILE": value}, OPENSSLS) == (expected,)
    put(tmp_path / "notes.txt", "words")
    for value in ("", "/nowhere.pem", str(tmp_path), f"{tmp_path}/notes.txt"):
        (override,) = overrides(paths, {"SSL_CERT_FILE": value}, OPENSSLS)
        assert (override.name, bool(override.problem), override.can_be_adopted) == ("SSL_CERT_FILE", True, False)
