from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support.exported import fingerprints, hostile, of

from certboot.store.export.pem import pem_bundle


def test_openssl_reads_every_certificate_whatever_it_is_called(openssl: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "bundle.pem"
    path.write_bytes(pem_bundle(hostile()))
    read = openssl("storeutl", "-certs", path)
    assert f"Total found: {len(hostile())}" in read
    assert fingerprints("\n".join(line for line in read.splitlines() if ":" not in line)) == of(hostile())


def test_the_text_is_printable_ascii() -> None:
    text = pem_bundle(hostile()).decode("ascii")
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.count("-----BEGIN CERTIFICATE-----") == len(hostile())
    assert text.endswith("-----END CERTIFICATE-----\n")
