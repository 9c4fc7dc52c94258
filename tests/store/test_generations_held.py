from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.environments import Ran
from support.issuers import spelled
from support.pki import issue
from support.snapshot import roots

from certboot.errors import StoreError
from certboot.pki.certificate import load_certificate
from certboot.store import generations
from certboot.store.generations import Generation, certificates, content, named
from certboot.store.manifest import Choices, Manifest, TrustAnchor
from certboot.store.paths import CRTS, StorePaths, in_force


@pytest.fixture(autouse=True)
def store(certboot: Callable[..., Ran]) -> None:
    """Three roots."""
    assert certboot("init").status == 0


def test_the_certificates_are_those_of_the_entries_in_their_order(paths: StorePaths) -> None:
    generation = in_force(paths)
    assert generation
    entries = generations.current(paths).certificates
    assert certificates(generation, entries) == tuple(load_certificate(root.der) for root in roots())
    assert certificates(generation, entries[1:2]) == (load_certificate(roots()[1].der),)


def test_a_file_with_another_certificate_or_none_or_more_is_refused(paths: StorePaths) -> None:
    generation = in_force(paths)
    assert generation
    entry, other, _ = generations.current(paths).certificates
    file = generation / CRTS / entry.file
    whole, another = file.read_bytes(), (generation / CRTS / other.file).read_bytes()
    for text in (another, b"", whole + another):
        file.write_bytes(text)
        with pytest.raises(StoreError, match="not the certificate that the manifest names"):
            certificates(generation, [entry])
    file.unlink()
    with pytest.raises(StoreError, match="cannot read a certificate"):
        certificates(generation, [entry])


def test_certificates_are_found_by_their_name_as_openssl_finds_them(tmp_path: Path) -> None:
    key = issue("key").key
    first, second, stranger = issue("Same"), issue("Same"), issue("Same", key=key)
    other = issue("Other")
    anchors = [TrustAnchor(load_certificate(each.der), ()) for each in (first, second, other)]
    whole = content(anchors)
    crts = tmp_path / CRTS
    crts.mkdir()
    for name, text in whole.pems.items():
        (crts / name).write_text(text)
    for name, target in whole.links.items():
        (crts / name).symlink_to(target)
    record = Manifest(1, "", "init", Choices(), whole.entries, ())
    subject = load_certificate(first.der).link.subject_name
    generation = Generation(tmp_path, record)
    found = {certificate.der: entry.sha256 for certificate, entry in named(generation, subject)}
    assert found == {each.der: load_certificate(each.der).fingerprint for each in (first, second)}
    assert [each.der for each, _ in named(generation, spelled("sAME ", 19).public_bytes())] == list(found)
    assert list(named(generation, b"0\0")) == list(named(generation, b"not DER")) == []
    # A file that is broken, or that the manifest does not name, hides nothing behind it.
    hash_ = load_certificate(first.der).link.subject_hash
    (crts / f"{hash_}.0").unlink()
    (crts / f"{hash_}.0").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (crts / f"{hash_}.2").write_bytes(stranger.pem)
    assert len(list(named(generation, subject))) == 1
