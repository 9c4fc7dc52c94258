from __future__ import annotations

import json
from dataclasses import asdict

from certboot.cli.listing import list_json
from certboot.sources.candidates import Rejection
from certboot.store.manifest import Choices, Entry, Manifest, Provenance

WHY = (Provenance("certifi", "2026.1", "2026-01-01"),)
ONE = Entry("ab", "anchor", "a.pem", "Zürich", "CN=Zürich", "2020", "2030", WHY)
TWO = Entry("cd", "intermediate", "b.pem", "Two", "CN=Two", "2020", "2030", WHY, (), "", "ab", "ab")
RECORD = Manifest(7, "2026", "init", Choices(), (ONE, TWO), (Rejection("expired", "certifi", "1", "it expired"),))


def document(*entries: Entry, rejected: bool = False) -> dict[str, object]:
    text = list_json(RECORD, entries, rejected=rejected)
    assert text.isascii()
    found: dict[str, object] = json.loads(text)
    return found


def plain(entry: Entry) -> object:
    return json.loads(json.dumps(asdict(entry)))


def test_the_object_holds_what_was_chosen_and_the_digest_of_the_whole_store() -> None:
    head = {"schema": 1, "generation": 7, "digest": RECORD.digest()}
    assert document(ONE, TWO) == {**head, "certificates": [plain(ONE), plain(TWO)]}
    assert document(TWO) == {**head, "certificates": [plain(TWO)]}
    assert document() == {**head, "certificates": []}


def test_the_rejected_are_asked_for() -> None:
    assert document(ONE, rejected=True) == {
        "schema": 1,
        "generation": 7,
        "digest": RECORD.digest(),
        "rejected": [asdict(RECORD.rejected[0])],
    }
