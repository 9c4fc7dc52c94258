from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import tempfile
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.pki import issue
from support.snapshot import roots
from support.table import cases

from certboot.clients.variables import Adoption
from certboot.errors import StoreError
from certboot.pki.certificate import Certificate, file_name, load_certificate
from certboot.sources.candidates import Rejection
from certboot.store import manifest
from certboot.store.manifest import Descent, Intermediate, Provenance, TrustAnchor

CERTIFICATE = load_certificate(roots()[0].der)
BELOW = load_certificate(issue("Below", roots()[0]).der)
WHY = (Provenance("certifi", "2026.1", "2026-11-24"), Provenance("added", "/ä/\udcff.pem", "2026-11-25"))
HELD = (
    manifest.entry(TrustAnchor(CERTIFICATE, WHY, "2026-05-01")),
    manifest.entry(Intermediate(BELOW, WHY[:1], CERTIFICATE.fingerprint, CERTIFICATE.fingerprint)),
)
RECORD = manifest.Manifest(
    7, "2026-11-24T12:00:00+00:00", "init", manifest.Choices(("certifi", "ccadb"), True, "/reports"), HELD,  # noqa: FBT003
    (Rejection("expired", "system", "/etc/ssl", "it expired", "ab", "CN=Ö"),),
    (Adoption("REQUESTS_CA_BUNDLE", "/ä/\udcff.pem"),),
)  # fmt: skip


def changed(old: bytes, new: bytes) -> bytes:
    """The manifest on one line, with one thing in it changed."""
    text = json.dumps(json.loads(manifest.render(RECORD))).encode()
    assert old in text
    return text.replace(old, new, 1)


def read(folder: Path, text: bytes) -> manifest.Manifest:
    own = folder / str(RECORD.generation)
    own.mkdir(exist_ok=True)
    (own / manifest.NAME).write_bytes(text)
    return manifest.read(own)


def told(certificate: Certificate, role: str, name: str) -> dict[str, object]:
    return {
        "sha256": certificate.fingerprint, "role": role, "file": file_name(certificate), "name": name,
        "subject": f"CN={name}", "not_before": certificate.validity.not_before.isoformat(),
        "not_after": certificate.validity.not_after.isoformat(),
    }  # fmt: skip


def test_the_file_is_ascii_says_all_there_is_to_say_and_is_read_back(tmp_path: Path) -> None:
    assert read(tmp_path, manifest.render(RECORD)) == RECORD
    assert manifest.render(RECORD).isascii()
    document = json.loads(manifest.render(RECORD))
    assert list(document) == [
        "schema", "generation", "created", "command", "choices", "certificates", "rejected", "adopted",
    ]  # fmt: skip
    assert document["adopted"] == [["REQUESTS_CA_BUNDLE", "/ä/\udcff.pem"]]
    assert document["schema"] == 1
    assert document["choices"] == {"sources": ["certifi", "ccadb"], "intermediates": True, "reports": "/reports"}
    common = {"provenance": [vars(reason) for reason in WHY], "defects": [], "distrust_after": "2026-05-01"}
    assert document["certificates"] == [
        {**told(CERTIFICATE, "anchor", "Root A"), **common, "issuer": "", "anchor": ""},
        {
            **told(BELOW, "intermediate", "Below"), "provenance": [vars(WHY[0])], "defects": ["strict-missing-aki"],
            "distrust_after": "", "issuer": CERTIFICATE.fingerprint, "anchor": CERTIFICATE.fingerprint,
        },
    ]  # fmt: skip
    assert document["rejected"] == [vars(RECORD.rejected[0])]


def test_what_makes_another_store_and_what_another_digest(tmp_path: Path) -> None:
    document = json.loads(manifest.render(RECORD))
    del document["adopted"]
    without = dataclasses.replace(RECORD, adopted=())
    assert read(tmp_path, json.dumps(document).encode()) == without
    assert (without.content() == RECORD.content(), without.digest() == RECORD.digest()) == (False, True)
    later = read(tmp_path, manifest.render(RECORD).replace(b"T12:00", b"T13:00"))
    assert later != RECORD
    assert (later.content(), later.digest()) == (RECORD.content(), RECORD.digest())
    once = Rejection("expired", "added", "/corp.pem", "it expired")  # of a file that is given once
    for rejection, same in ((once, True), (dataclasses.replace(once, source="company"), False)):
        more = dataclasses.replace(RECORD, rejected=(*RECORD.rejected, rejection))
        assert (more.content() == RECORD.content()) is same


def test_the_digest_is_over_role_and_fingerprint_alone() -> None:
    first, second = RECORD.certificates
    same = (second, dataclasses.replace(first, name="x", provenance=(), distrust_after=""))
    assert dataclasses.replace(RECORD, certificates=same, choices=manifest.Choices()).digest() == RECORD.digest()
    others = [(first,), (), (first, dataclasses.replace(second, descent=Descent("", ""))), (first, first)]
    digests = {dataclasses.replace(RECORD, certificates=held).digest() for held in others}
    assert len(digests - {RECORD.digest()}) == len(others)


CHANGES = [
    (b'"sources": ["certifi", "ccadb"]', b'"sources": [1]'),
    (b'"sources": ["certifi", "ccadb"]', b'"sources": 1'),
    (b'"intermediates": true', b'"intermediates": "yes"'),
    (b'"reports": "/reports"', b'"reports": null'),
    (b'"reports": "/reports"', b'"reports": "/a\\u0000"'),
    (b'"choices"', b'"chosen"'),
    (b'"file": "Root_A', b'"file": "../Root_A'),
    (f'"file": "{file_name(CERTIFICATE)}'.encode(), b'"file": "/etc/passwd'),
    (f'"file": "{file_name(CERTIFICATE)}'.encode(), f'"file": "{file_name(BELOW)}'.encode()),
    (b'"role"', b'"rank"'),
    (b'"role": "anchor"', b'"role": "root"'),
    (b'"role": "anchor"', b'"role": "intermediate"'),
    (b'"role": "intermediate"', b'"role": "anchor"'),
    (b'"rule": "expired"', b'"rule": 7'),
    (b'["REQUESTS_CA_BUNDLE", ', b"[7, "),
    (b'["REQUESTS_CA_BUNDLE", ', b"["),
    (b'["REQUESTS_CA_BUNDLE", ', b'["LD_PRELOAD", '),
    (b'["REQUESTS_CA_BUNDLE", "/', b'["REQUESTS_CA_BUNDLE", "'),
    (b'"adopted": [', b'"adopted": [7, '),
    *((b'"generation": 7', b'"generation": ' + other) for other in (b"8", b'"../7"', b"true", b"7" * 5000)),
    (b'"created": "2026', b'"created": "not 2026'),
    (b'"created": "2026-11-24T12:00:00+00:00"', b'"created": "2026-11-24"'),
    (b'"command": "init"', b'"command": "\\ud800"'),
    (CERTIFICATE.fingerprint.encode(), b"z" * 64),
    (CERTIFICATE.fingerprint.encode(), b"ab"),
    (b'"not_after": "20', b'"not_after": "20x'),
    (b'"not_before": "', b'"not_before": "\\u0000'),
    (b'"distrust_after": "2026-05-01"', b'"distrust_after": "soon"'),
    (b'"defects": []', b'"defects": [7]'),
]
OTHERS = (
    b"",
    b"\xff",
    b"[]",
    b"{}",
    b"[" * 100_000,
    b'{"schema": 1}',
    b'{"schema": 1, "certificates": [], "rejected": []}',
)


@cases("text", [*OTHERS, *(changed(*change) for change in CHANGES), changed(b'"schema": 1', b'"schema": 2')])
def test_a_damaged_manifest_is_an_error(tmp_path: Path, text: bytes) -> None:
    with pytest.raises(StoreError) as refused:
        read(tmp_path, text)
    why = "of another version of certboot" if b'"schema": 2' in text else "damaged"
    assert refused.value.message == f"the manifest is {why}: {tmp_path / '7' / manifest.NAME}"
    assert refused.value.hint == "certboot init writes the store anew"


def test_a_missing_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot read the manifest: "):
        manifest.read(tmp_path)


PLACES = st.sampled_from(
    [
        *[(name,) for name in json.loads(manifest.render(RECORD))],
        *[("certificates", 0, name) for name in vars(RECORD.certificates[0])],
        *[("certificates", 0, "provenance", 0, name) for name in vars(WHY[0])],
        *[("rejected", 0, name) for name in vars(RECORD.rejected[0])],
        ("choices", "sources"), ("choices", "reports"), ("adopted", 0), ("adopted", 0, 0), ("adopted", 0, 1),
    ]
)  # fmt: skip
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(PLACES, ANYTHING)
def test_whatever_stands_in_its_fields_it_is_a_manifest_or_damaged(place: tuple[str | int, ...], value: object) -> None:
    """What is read can be listed: every text has its form."""
    document = json.loads(manifest.render(RECORD))
    *way, last = place
    functools.reduce(lambda at, step: at[step], way, document)[last] = value
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(StoreError):
        found = read(Path(folder), json.dumps(document).encode())
        assert manifest.render(found).isascii()
        assert found.digest()
        for each in found.certificates:
            assert datetime.fromisoformat(each.not_after) > datetime(1, 1, 1, tzinfo=timezone.utc)
            assert Path(each.file).name == each.file


ODD = load_certificate(issue("Odd").der)
STANDING = manifest.entry(TrustAnchor(load_certificate(issue("Odd").der), WHY[1:], original=ODD))
WITH_STAND_IN = dataclasses.replace(RECORD, certificates=(STANDING,))


@cases(("old", "new"), [
    (f'"stand_in_for": {{"sha256": "{ODD.fingerprint}', f'"stand_in_for": {{"sha256": "{"0" * 64}'),
    ('"stand_in_for": {', '"stand_in_for": {"more": "", '),
    ('"stand_in_for": {', '"stand_in_for": {}, "x": {'),
    ('"der": "', '"der": "*'),
    ('"der": "', '"der": "AAAA'),
    ('"defects": [], "der"', '"defects": [7], "der"'),
    ('"issuer": "", "anchor": ""', f'"issuer": "{"0" * 64}", "anchor": "{"0" * 64}"'),
])  # fmt: skip
def test_a_stand_in_is_read_back_with_its_original_which_is_the_one_that_its_digest_says(
    tmp_path: Path, old: str, new: str
) -> None:
    text = manifest.render(WITH_STAND_IN)
    assert read(tmp_path, text) == WITH_STAND_IN
    assert WITH_STAND_IN.fingerprints == {STANDING.sha256, ODD.fingerprint}
    line = json.dumps(json.loads(text))
    assert old in line
    if "issuer" in new:
        line = line.replace('"role": "anchor"', '"role": "intermediate"')
    with pytest.raises(StoreError, match="damaged"):
        read(tmp_path, line.replace(old, new).encode())
