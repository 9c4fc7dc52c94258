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
from certboot.pki.certificate import file_name, load_certificate
from certboot.sources.candidates import Rejection
from certboot.store import manifest
from certboot.store.manifest import Descent, Intermediate, Provenance, TrustAnchor

CERTIFICATE = load_certificate(roots()[0].der)
BELOW = load_certificate(issue("Below", roots()[0]).der)
WHY = (Provenance("certifi", "2026.1", "2026-11-24"), Provenance("added", "/ä/\udcff.pem", "2026-11-25"))
RECORD = manifest.Manifest(
    generation=7,
    created="2026-11-24T12:00:00+00:00",
    command="init",
    choices=manifest.Choices(("certifi", "ccadb"), intermediates=True, reports="/reports"),
    certificates=(
        manifest.entry(file_name(CERTIFICATE), TrustAnchor(CERTIFICATE, WHY, "2026-05-01")),
        manifest.entry(
            file_name(BELOW), Intermediate(BELOW, WHY[:1], CERTIFICATE.fingerprint, CERTIFICATE.fingerprint)
        ),
    ),
    rejected=(Rejection("expired", "system", "/etc/ssl", "it expired", "ab", "CN=Ö"),),
    adopted=(Adoption("REQUESTS_CA_BUNDLE", "/ä/\udcff.pem"),),
)


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


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    assert read(tmp_path, manifest.render(RECORD)) == RECORD


def test_the_file_is_ascii_and_says_all_there_is_to_say() -> None:
    assert manifest.render(RECORD).isascii()
    document = json.loads(manifest.render(RECORD))
    assert list(document) == [
        "schema", "generation", "created", "command", "choices", "certificates", "rejected", "adopted",
    ]  # fmt: skip
    assert document["adopted"] == [["REQUESTS_CA_BUNDLE", "/ä/\udcff.pem"]]
    assert document["schema"] == 1
    assert document["choices"] == {"sources": ["certifi", "ccadb"], "intermediates": True, "reports": "/reports"}
    assert document["certificates"] == [
        {
            "sha256": CERTIFICATE.fingerprint,
            "role": "anchor",
            "file": file_name(CERTIFICATE),
            "name": "Root A",
            "subject": "CN=Root A",
            "not_before": CERTIFICATE.validity.not_before.isoformat(),
            "not_after": CERTIFICATE.validity.not_after.isoformat(),
            "provenance": [vars(reason) for reason in WHY],
            "defects": [],
            "distrust_after": "2026-05-01",
            "issuer": "",
            "anchor": "",
        },
        {
            "sha256": BELOW.fingerprint,
            "role": "intermediate",
            "file": file_name(BELOW),
            "name": "Below",
            "subject": "CN=Below",
            "not_before": BELOW.validity.not_before.isoformat(),
            "not_after": BELOW.validity.not_after.isoformat(),
            "provenance": [vars(WHY[0])],
            "defects": ["strict-missing-aki"],
            "distrust_after": "",
            "issuer": CERTIFICATE.fingerprint,
            "anchor": CERTIFICATE.fingerprint,
        },
    ]
    assert document["rejected"] == [vars(RECORD.rejected[0])]


def test_one_that_does_not_speak_of_adopted_values_has_none(tmp_path: Path) -> None:
    document = json.loads(manifest.render(RECORD))
    del document["adopted"]
    assert read(tmp_path, json.dumps(document).encode()) == dataclasses.replace(RECORD, adopted=())


def test_with_other_adopted_values_it_is_another_store() -> None:
    assert dataclasses.replace(RECORD, adopted=()).content() != RECORD.content()
    assert dataclasses.replace(RECORD, adopted=()).digest() == RECORD.digest()


def test_two_are_the_same_store_whenever_they_were_made(tmp_path: Path) -> None:
    text = manifest.render(RECORD).replace(b"T12:00", b"T13:00")
    other = read(tmp_path, text)
    assert other != RECORD
    assert other.content() == RECORD.content()
    assert other.digest() == RECORD.digest()


def test_what_was_wrong_with_a_file_given_once_makes_no_other_store() -> None:
    once = Rejection("expired", "added", "/corp.pem", "it expired")
    lasting = dataclasses.replace(once, source="company")
    assert dataclasses.replace(RECORD, rejected=(*RECORD.rejected, once)).content() == RECORD.content()
    assert dataclasses.replace(RECORD, rejected=(*RECORD.rejected, lasting)).content() != RECORD.content()


def test_the_digest_is_over_role_and_fingerprint_alone() -> None:
    first, second = RECORD.certificates
    same = (second, dataclasses.replace(first, file="x", name="x", provenance=(), distrust_after=""))
    assert dataclasses.replace(RECORD, certificates=same, choices=manifest.Choices()).digest() == RECORD.digest()
    others = [(first,), (), (first, dataclasses.replace(second, descent=Descent("", ""))), (first, first)]
    digests = {dataclasses.replace(RECORD, certificates=held).digest() for held in others}
    assert len(digests - {RECORD.digest()}) == len(others)


@cases(
    ("text", "words"),
    [
        (b"", "the manifest is damaged"),
        (b"\xff", "the manifest is damaged"),
        (b"[]", "the manifest is damaged"),
        (b"{}", "the manifest is damaged"),
        (b"[" * 100_000, "the manifest is damaged"),
        (b'{"schema": 1}', "the manifest is damaged"),
        (b'{"schema": 1, "certificates": [], "rejected": []}', "the manifest is damaged"),
        (changed(b'"sources": ["certifi", "ccadb"]', b'"sources": [1]'), "the manifest is damaged"),
        (changed(b'"sources": ["certifi", "ccadb"]', b'"sources": 1'), "the manifest is damaged"),
        (changed(b'"intermediates": true', b'"intermediates": "yes"'), "the manifest is damaged"),
        (changed(b'"reports": "/reports"', b'"reports": null'), "the manifest is damaged"),
        (changed(b'"choices"', b'"chosen"'), "the manifest is damaged"),
        (changed(b'"file": "Root_A', b'"file": "../Root_A'), "the manifest is damaged"),
        (changed(b'"role"', b'"rank"'), "the manifest is damaged"),
        (changed(b'"rule": "expired"', b'"rule": 7'), "the manifest is damaged"),
        (changed(b'["REQUESTS_CA_BUNDLE", ', b"[7, "), "the manifest is damaged"),
        (changed(b'["REQUESTS_CA_BUNDLE", ', b"["), "the manifest is damaged"),
        (changed(b'"adopted": [', b'"adopted": [7, '), "the manifest is damaged"),
        *(
            (changed(old, new), "the manifest is damaged")
            for old, new in (
                (b'"generation": 7', b'"generation": 8'),
                (b'"generation": 7', b'"generation": "../7"'),
                (b'"generation": 7', b'"generation": true'),
                (b'"generation": 7', b'"generation": ' + b"7" * 5000),
                (b'"created": "2026', b'"created": "not 2026'),
                (b'"created": "2026-11-24T12:00:00+00:00"', b'"created": "2026-11-24"'),
                (b'"command": "init"', b'"command": "\\ud800"'),
                (b'"role": "anchor"', b'"role": "root"'),
                (b'"role": "anchor"', b'"role": "intermediate"'),
                (b'"role": "intermediate"', b'"role": "anchor"'),
                (CERTIFICATE.fingerprint.encode(), b"z" * 64),
                (CERTIFICATE.fingerprint.encode(), b"ab"),
                (f'"file": "{file_name(CERTIFICATE)}'.encode(), b'"file": "/etc/passwd'),
                (f'"file": "{file_name(CERTIFICATE)}'.encode(), f'"file": "{file_name(BELOW)}'.encode()),
                (b'"not_after": "20', b'"not_after": "20x'),
                (b'"not_before": "', b'"not_before": "\\u0000'),
                (b'"distrust_after": "2026-05-01"', b'"distrust_after": "soon"'),
                (b'"defects": []', b'"defects": [7]'),
                (b'"reports": "/reports"', b'"reports": "/a\\u0000"'),
                (b'["REQUESTS_CA_BUNDLE", "/', b'["REQUESTS_CA_BUNDLE", "'),
                (b'["REQUESTS_CA_BUNDLE", ', b'["LD_PRELOAD", '),
            )
        ),
        (changed(b'"schema": 1', b'"schema": 2'), "the manifest is of another version of certboot"),
    ],
)
def test_a_damaged_manifest_is_an_error(tmp_path: Path, text: bytes, words: str) -> None:
    with pytest.raises(StoreError) as refused:
        read(tmp_path, text)
    assert refused.value.message == f"{words}: {tmp_path / '7' / manifest.NAME}"
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


@settings(max_examples=300, deadline=None)
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
