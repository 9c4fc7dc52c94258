"""What is distrusted stays out by its name and key; where clients accept it all the same, the doctor fails."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.asking import Answer
from support.commands import Run
from support.issuers import ChainServer, accepted, intermediate, leaf, repaired_in
from support.pki import Issued, compressed, issue, with_key_as
from support.server import PlainServer, page
from support.snapshot import snapshot

from certboot.pki import der
from certboot.pki.certificate import load_certificate
from certboot.pki.subject_hash import canonical
from certboot.store.paths import StorePaths

Ask = Callable[..., Answer]
Send = Callable[..., ChainServer]


def sha(issued: Issued) -> str:
    return load_certificate(issued.der).fingerprint


def crossed(ca: Issued, by: Issued, *, short: bool = False) -> Issued:
    """Another certificate of the CA's name and key, by another CA."""
    made = intermediate(ca.certificate.subject, by, key=ca.key)
    return with_key_as(made, by, compressed(ca.key)) if short else made


def former_identity(issued: Issued) -> str:
    """What certboot 0.1.0 wrote into the file ``distrusted``: over the key as it is encoded."""
    name = der.encode(der.SEQUENCE, canonical(issued.certificate.subject.public_bytes()))
    key = issued.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(name + key).hexdigest()


@dataclass(frozen=True)
class Two:
    """Two CAs of the store, of which one is going to be distrusted."""

    good: Issued
    bad: Issued


@pytest.fixture
def two(certboot: Run, paths: StorePaths, clean: Path, monkeypatch: pytest.MonkeyPatch) -> Two:
    made = Two(issue("Good Root"), issue("Bad Root"))
    (clean / "cas.pem").write_bytes(made.good.pem + made.bad.pem)
    assert certboot("init", "--add", clean / "cas.pem").status == 0
    monkeypatch.setenv("SSL_CERT_FILE", str(paths.current / "bundle.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(paths.current / "crts"))
    return made


def names(paths: StorePaths) -> list[str]:
    """What is in the store beside the sources of every test."""
    entries = json.loads((paths.current / "manifest.json").read_bytes())["certificates"]
    return sorted(entry["name"] for entry in entries if not entry["name"].startswith("Root "))


# What clients accept all the same


@pytest.mark.parametrize("short", [False, True], ids=["as usual", "compressed"])
def test_a_distrusted_ca_that_a_trusted_one_has_signed_is_accepted_and_the_doctor_fails(
    certboot: Run, ask: Ask, paths: StorePaths, send: Send, two: Two, *, short: bool
) -> None:
    server = send(leaf(two.bad), crossed(two.bad, two.good, short=short))
    alone = send(leaf(two.bad))
    control = send(leaf(two.good))
    assert [ask("hook", each.shown).primary for each in (server, alone, control)] == [None] * 3
    assert certboot("distrust", "Bad Root").status == 0
    # What distrust does, and what it cannot do.
    assert [accepted(paths, each)[0] for each in (server, alone, control)] == [True, False, True]
    answer = ask("hook", server.shown)
    assert (answer.status, answer.primary, answer.first["status"]) == (1, "distrusted-by-user", "fail")
    assert answer.first["evidence"]["verify_code"] == 0
    assert answer.first["evidence"]["trusted"] == sha(two.good)
    faults = [link["fault"] for link in answer.first["evidence"]["path"]]
    assert faults == ["", "distrusted-by-user", ""]
    for text in ("clients accept it all the same: CN=Bad Root", "a CA that is still trusted: CN=Good Root"):
        assert text in answer.first["summary"]
    assert (ask("hook", alone.shown).primary, ask("hook", control.shown).primary) == ("distrusted-by-user", None)
    # With the CA that vouches for it gone as well, clients refuse, as the finding says.
    assert certboot("distrust", "Good Root").status == 0
    assert [accepted(paths, each)[0] for each in (server, control)] == [False, False]


def test_a_scan_and_a_chain_file_are_judged_like_a_server(certboot: Run, send: Send, two: Two, clean: Path) -> None:
    chain = (leaf(two.bad), crossed(two.bad, two.good))
    server, control = send(*chain), send(leaf(two.good))
    (clean / "chain.pem").write_bytes(b"".join(each.pem for each in chain))

    def judged() -> list[str | None]:
        of_file = certboot("doctor", "hook", "--chain", clean / "chain.pem", "--host", "localhost", "--json")
        scanned = certboot("scan", server.shown, control.shown)
        primaries = [json.loads(line)["primary"] for line in (of_file.out, *scanned.out.splitlines())]
        assert (of_file.status, scanned.status) == (int(primaries[0] is not None), int(primaries[1] is not None))
        return primaries

    assert judged() == [None] * 3
    assert certboot("distrust", "Bad Root").status == 0
    assert judged() == ["distrusted-by-user", "distrusted-by-user", None]


def test_a_distrusted_intermediate_that_a_server_sends_is_accepted_and_the_doctor_fails(
    certboot: Run, ask: Ask, paths: StorePaths, place: PlainServer, send: Send, two: Two
) -> None:
    """It was stored by repair, and distrusted then; a twin of it is no better, and its sibling is as good as before."""
    ca, sibling = intermediate("Issuing CA", two.good), intermediate("Another CA", two.good)
    place.pages["/ca"] = page(ca.der)
    forgetful = send(leaf(ca, f"{place.url}/ca"))
    sent, twin = send(leaf(ca), ca), send(leaf(ca), intermediate("Issuing CA", two.good, key=ca.key))
    control = send(leaf(sibling), sibling)
    assert certboot("repair", "--yes", forgetful.shown).status == 0
    assert repaired_in(paths) == {"Issuing CA": "intermediate"}
    assert [ask("hook", each.shown).primary for each in (forgetful, sent, twin, control)] == [None] * 4
    assert certboot("distrust", "Issuing CA").status == 0
    assert repaired_in(paths) == {}
    assert [accepted(paths, each)[0] for each in (forgetful, sent, twin, control)] == [False, True, True, True]
    found = [(answer.status, answer.primary) for answer in (ask("hook", each.shown) for each in (sent, twin, control))]
    assert found == [(1, "distrusted-by-user")] * 2 + [(0, None)]


def test_what_config_toml_distrusts_is_known_by_its_key_too_and_distrust_says_what_it_is_not(
    certboot: Run, ask: Ask, paths: StorePaths, send: Send, two: Two
) -> None:
    server = send(leaf(two.bad), crossed(two.bad, two.good))
    paths.config.write_text(f'[rules]\ndistrust = ["{sha(two.bad)}"]\n')
    assert certboot("update").status == 0
    answer = ask("hook", server.shown)
    assert (answer.status, answer.primary, accepted(paths, server)[0]) == (1, "distrusted-by-user", True)
    paths.config.unlink()
    assert certboot("update").status == 0
    is_, is_not, undo = certboot("distrust", "Bad Root").out.splitlines()[-3:]
    said = "kept out from now on, with every certificate of its name and key: clients refuse chains that"
    assert is_.startswith(said)
    assert is_not.startswith("no block: a server that sends it signed by a CA that is still trusted is accepted")
    assert "--undo" in undo
    assert "no block" not in certboot("distrust", "Bad Root", "--undo").out


# What stays out of the store


@pytest.mark.parametrize("short", [False, True], ids=["as usual", "compressed"])
def test_nobody_stores_another_certificate_of_what_is_distrusted(  # noqa: PLR0913
    certboot: Run, paths: StorePaths, place: PlainServer, send: Send, two: Two, clean: Path, *, short: bool
) -> None:
    """Neither repair, nor trust with a file or a server; the same certificate is let in again, as trust says."""
    assert certboot("distrust", "Bad Root").status == 0
    twin = crossed(two.bad, two.good, short=short)
    place.pages["/ca"] = page(twin.der)
    server = send(leaf(two.bad, f"{place.url}/ca"))
    (clean / "twin.pem").write_bytes(twin.pem)
    (clean / "bad.pem").write_bytes(two.bad.pem)
    kept = snapshot(paths.home)
    ran = certboot("repair", "--yes", server.shown)
    assert (ran.status, snapshot(paths.home)) == (1, kept)
    assert "(distrusted)" in ran.out
    for argv in (("trust", "--yes", clean / "twin.pem"), ("trust", "--yes", server.shown, "--sha256", sha(twin))):
        ran = certboot(*argv)
        assert ran.status == 2
        assert "it has the name and key of one that you distrusted" in ran.err
        assert "hint: certboot distrust ID --undo" in ran.err
        assert names(paths) == ["Good Root"]
    assert certboot("update").status == 0
    assert names(paths) == ["Good Root"]
    assert certboot("trust", "--yes", clean / "bad.pem").status == 0
    assert names(paths) == ["Bad Root", "Good Root"]
    assert certboot("trust", "--yes", clean / "twin.pem").status == 0
    assert names(paths) == ["Bad Root", "Bad Root", "Good Root"]


def test_what_a_store_of_0_1_0_distrusts_stays_out_and_is_known_by_its_key_from_the_first_update_on(
    certboot: Run, paths: StorePaths, two: Two, clean: Path
) -> None:
    """Also where nobody offers the very certificate any more: its former identity is all that is left of it."""
    lines = {sha(two.bad): "Bad Root", former_identity(two.bad): f"the name and key of {sha(two.bad)}"}
    paths.distrusted.write_text("".join(f"{digits}  {name}\n" for digits, name in lines.items()))
    for file in paths.trusted.glob("Bad_Root*"):
        file.unlink()
    twin = crossed(two.bad, two.good)
    assert former_identity(twin) == former_identity(two.bad)
    (clean / "twin.pem").write_bytes(twin.pem)
    (clean / "short.pem").write_bytes(crossed(two.bad, two.good, short=True).pem)
    assert certboot("trust", "--yes", clean / "twin.pem").status == 2
    assert certboot("update").status == 0
    assert names(paths) == ["Good Root"]
    # What 0.1.0 took for another key is out now as well, with the other and then without it.
    assert certboot("init", "--add", clean / "twin.pem", "--add", clean / "short.pem").status == 0
    assert names(paths) == ["Good Root"]
    assert load_certificate(two.bad.der).identity in paths.distrusted.read_text()
    assert certboot("init", "--add", clean / "short.pem").status == 0
    assert names(paths) == ["Good Root"]
    assert certboot("distrust", "Bad Root", "--undo").status == 0
    assert not paths.distrusted.read_text()
    assert certboot("trust", "--yes", clean / "twin.pem").status == 0
    assert names(paths) == ["Bad Root", "Good Root"]
