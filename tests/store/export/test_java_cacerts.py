from __future__ import annotations

import hashlib
import re
from datetime import datetime, timezone
from pathlib import Path

from support.exported import hostile, java_store, keytool, loaded, many, of
from support.pki import NOW, issue
from support.table import cases

from certboot.pki.certificate import Certificate
from certboot.store.export.java import by_alias, java_cacerts

PASSWORD = "changeit"  # noqa: S105


def saved(folder: Path, data: bytes) -> Path:
    path = folder / "cacerts"
    path.write_bytes(data)
    return path


@cases("certificates", [hostile(), many()], ids=["hostile", "many"])
def test_keytool_lists_every_one_as_trusted_by_its_alias(certificates: tuple[Certificate, ...], tmp_path: Path) -> None:
    found = java_store(saved(tmp_path, java_cacerts(certificates, PASSWORD)), PASSWORD)
    assert found.kind == "JKS"
    assert sorted(found.aliases) == list(by_alias(certificates))
    assert found.fingerprints == of(certificates)


def test_keytool_refuses_it_with_another_password(tmp_path: Path) -> None:
    path = saved(tmp_path, java_cacerts(hostile(), "another one"))
    assert java_store(path, "another one").fingerprints == of(hostile())
    ran = keytool("-list", "-keystore", path, "-storepass", PASSWORD)
    assert ran.returncode == 1
    assert "password was incorrect" in ran.stdout


def test_keytool_refuses_it_when_a_byte_was_changed(tmp_path: Path) -> None:
    data = java_cacerts(hostile(), PASSWORD)
    alias = next(iter(by_alias(hostile()))).encode()
    ran = keytool(
        "-list", "-keystore", saved(tmp_path, data.replace(alias, b"x" + alias[1:], 1)), "-storepass", PASSWORD
    )
    assert ran.returncode == 1
    assert "tampered" in ran.stdout


@cases("year", [1969, 2004])
def test_the_date_of_an_entry_is_the_first_day_of_the_certificate(year: int, tmp_path: Path) -> None:
    begin = datetime(year, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    made = java_cacerts(loaded(issue("Root", valid=(begin, NOW))), PASSWORD)
    ran = keytool("-list", "-keystore", saved(tmp_path, made), "-storepass", PASSWORD)
    assert re.search(rf"^root-[0-9a-f]{{8}}, Jan 2, {year}, trustedCertEntry, $", ran.stdout, re.MULTILINE), ran.stdout


def test_the_same_certificates_give_the_same_bytes_in_whatever_order_they_come() -> None:
    assert java_cacerts(hostile(), PASSWORD) == java_cacerts(hostile()[::-1], PASSWORD)


def test_an_empty_store_is_what_the_format_says() -> None:
    """Magic, version 2, no entry, and the digest over password, constant and these."""
    body = bytes.fromhex("feedfeed 00000002 00000000")
    digest = hashlib.sha1("changeit".encode("utf-16-be") + b"Mighty Aphrodite" + body, usedforsecurity=False).digest()
    assert java_cacerts([], PASSWORD) == body + digest
