from __future__ import annotations

import json
from pathlib import Path

import pytest
from snapshot import roots

from certboot.certs import load_certificate
from certboot.errors import StoreError
from certboot.model import Provenance, Rejection, TrustAnchor
from certboot.store import manifest

CERTIFICATE = load_certificate(roots()[0].der)
WHY = (Provenance("certifi", "2026.1", "2026-11-24"), Provenance("added", "/ä/\udcff.pem", "2026-11-25"))
RECORD = manifest.Manifest(
    generation=7,
    created="2026-11-24T12:00:00+00:00",
    command="init",
    certificates=manifest.entries([("Root_A.pem", TrustAnchor(CERTIFICATE, WHY))]),
    rejected=(Rejection("expired", "system", "/etc/ssl", "it expired", "ab", "CN=Ö"),),
)


def read(folder: Path, text: bytes) -> manifest.Manifest:
    (folder / manifest.NAME).write_bytes(text)
    return manifest.read(folder)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    assert read(tmp_path, manifest.render(RECORD)) == RECORD


def test_the_file_is_ascii_and_says_all_there_is_to_say() -> None:
    assert manifest.render(RECORD).isascii()
    document = json.loads(manifest.render(RECORD))
    assert set(document) == {"schema", "generation", "created", "command", "certificates", "rejected"}
    assert document["schema"] == 1
    assert document["certificates"] == [
        {
            "sha256": CERTIFICATE.fingerprint,
            "role": "anchor",
            "file": "Root_A.pem",
            "subject": "CN=Root A",
            "not_before": CERTIFICATE.not_before.isoformat(),
            "not_after": CERTIFICATE.not_after.isoformat(),
            "provenance": [vars(reason) for reason in WHY],
        }
    ]
    assert document["rejected"] == [vars(RECORD.rejected[0])]


def test_two_are_the_same_store_whenever_they_were_made(tmp_path: Path) -> None:
    text = manifest.render(RECORD).replace(b'"generation": 7', b'"generation": 8')
    other = read(tmp_path, text)
    assert other != RECORD
    assert other.content() == RECORD.content()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "the manifest is damaged"),
        (b"\xff", "the manifest is damaged"),
        (b"[]", "the manifest is damaged"),
        (b"{}", "the manifest is damaged"),
        (b"[" * 100_000, "the manifest is damaged"),
        (b'{"schema": 1}', "the manifest is damaged"),
        (b'{"schema": 1, "certificates": [], "rejected": []}', "the manifest is damaged"),
        (b'{"schema": 1, "certificates": [{}], "rejected": []}', "the manifest is damaged"),
        (b'{"schema": 2}', "the manifest is of another version of certboot"),
    ],
)
def test_a_damaged_manifest_is_an_error(tmp_path: Path, text: bytes, words: str) -> None:
    with pytest.raises(StoreError) as refused:
        read(tmp_path, text)
    assert refused.value.message == f"{words}: {tmp_path / manifest.NAME}"
    assert refused.value.hint == "certboot init writes the store anew"


def test_a_missing_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot read the manifest: "):
        manifest.read(tmp_path)
