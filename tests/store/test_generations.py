"""The parts of a switch by themselves; what a whole run does with them is in test_update.py."""

from __future__ import annotations

import os
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.issuers import spelled
from support.pki import Issued, issue
from support.snapshot import contents, roots
from support.table import cases

from certboot import files
from certboot.errors import StoreError
from certboot.pki.certificate import load_certificate
from certboot.store import generations, layout, manifest
from certboot.store.manifest import Provenance, TrustAnchor
from certboot.store.paths import CRTS, StorePaths, in_force


def held(*issued: Issued) -> list[TrustAnchor]:
    why = (Provenance("added", "a.pem", "2026-11-24"),)
    return [TrustAnchor(load_certificate(anchor.der), why) for anchor in issued]


def anchors(*numbers: int) -> list[TrustAnchor]:
    return held(*(roots()[number] for number in numbers))


def write(paths: StorePaths, content: layout.Content) -> Path:
    files.make_folder(paths.home)
    number = generations.next_number(paths)
    record = manifest.Manifest(number, "2026-11-24T12:00:00+00:00", "init", manifest.Choices(), content.entries, ())
    return layout.write(paths, content, record)


def made(paths: StorePaths, *names: str) -> None:
    """Make folders of generations by these names."""
    for name in names:
        (paths.generations / name).mkdir(parents=True)


def test_the_same_anchors_give_the_same_files_in_whatever_order_they_come() -> None:
    one, other = layout.content(anchors(0, 1, 2)), layout.content(anchors(2, 0, 1))
    assert (one, one.bundle) == (other, other.bundle)
    assert {*one.crts.links.values()} == {*one.crts.files}
    with pytest.raises(StoreError, match="no certificate is left"):
        layout.content([])


def test_a_generation_is_whole_only_with_exactly_its_files(paths: StorePaths) -> None:
    content = layout.content(anchors(0, 1))
    generation = write(paths, content)
    assert layout.is_whole(generation, content)
    assert not layout.is_whole(generation, layout.content(anchors(0)))
    assert not layout.is_whole(paths.home / "nothing", content)
    (generation / "crts" / "more").touch()
    assert not layout.is_whole(generation, content)


def test_numbers_go_on_after_the_highest_and_the_one_in_force_is_kept_whatever_its_number(paths: StorePaths) -> None:
    assert generations.next_number(paths) == 1
    made(paths, *map(str, range(1, 9)))
    assert generations.next_number(paths) == 9
    generations.switch(paths, paths.generations / "1")
    generations.prune(paths)
    assert sorted(path.name for path in paths.generations.iterdir()) == ["1", "4", "5", "6", "7", "8"]
    made(paths, "10", "x", "11.partial", "\N{SUPERSCRIPT TWO}")
    assert generations.next_number(paths) == 11


@cases(("days", "kept"), [(20, True), (40, False)])
def test_without_links_an_old_generation_stays_for_a_month(paths: StorePaths, days: int, *, kept: bool) -> None:
    """Programs that still run have it in their variables."""
    made(paths, *map(str, range(1, 8)))
    paths.current.write_text("generations/7\n")
    then = time.time() - days * 86400
    os.utime(paths.generations / "1", (then, then))
    generations.prune(paths)
    assert ((paths.generations / "1").exists(), (paths.generations / "2").exists()) == (kept, True)


@cases("bad", [b"nothing", roots()[0].pem], ids=["unreadable", "one short"])
def test_a_bundle_that_openssl_does_not_read_whole_never_becomes_a_generation(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch, bad: bytes
) -> None:
    content = layout.content(anchors(0, 1))
    monkeypatch.setattr(layout.Content, "bundle", bad)
    with pytest.raises(StoreError, match=r"OpenSSL (cannot read|does not find every certificate in) the new bundle"):
        write(paths, content)
    assert contents(paths.home) == {"generations": b""}


def test_nothing_is_in_force_in_an_empty_store_nor_by_a_switch_file_that_is_no_text(paths: StorePaths) -> None:
    assert in_force(paths) is None
    with pytest.raises(StoreError, match="no generation is in force: "):
        generations.visible_folder(paths)
    generations.switch(paths, write(paths, layout.content(anchors(0))))
    assert in_force(paths) == paths.generations / "1"
    assert generations.visible_folder(paths) == paths.current
    paths.current.unlink()
    paths.current.write_bytes(b"\xff\xfe")
    assert in_force(paths) is None


@cases("system", ["posix", "nt"])
def test_without_symbolic_links_windows_switches_by_a_file_and_others_fail(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    """Recorded: a Windows without the right to make links, which is how it comes."""

    def refuse(*_: object) -> None:
        raise OSError(1314, "A required privilege is not held by the client")

    generation = write(paths, layout.content(anchors(0)))
    monkeypatch.setattr(files, "replace_link", refuse)
    monkeypatch.setattr(generations, "os", SimpleNamespace(name=system, scandir=os.scandir, rename=os.rename))
    if system == "posix":
        with pytest.raises(OSError, match="privilege"):
            generations.switch(paths, generation)
        assert in_force(paths) is None
    else:
        generations.switch(paths, generation)
        assert paths.current.read_text() == "generations/1\n"
        assert generations.visible_folder(paths) == in_force(paths) == generation


def test_cleaning_takes_what_is_half_done_and_nothing_else(paths: StorePaths, tmp_path: Path) -> None:
    """Notes and folders of others must not be lost, and must not keep any run from its end."""
    generation = write(paths, layout.content(anchors(0)))
    paths.env.write_bytes(b"")
    (paths.home / ".environment").write_bytes(b"")
    for folder in (paths.home, paths.trusted, paths.cache):
        folder.mkdir(exist_ok=True)
        for name in (".DS_Store", ".config.toml.swp", ".notes.original"):
            (folder / name).write_bytes(b"")
        (folder / ".git").mkdir()
    for folder in (paths.home / ".env.b1b2c3d4", paths.trusted / ".Root-1234abcd.pem.a1b2c3d4"):
        folder.mkdir()
    (paths.generations / "2.partial").write_bytes(b"")
    (paths.generations / "3.partial").symlink_to(generation)
    made(paths, "notes.partial")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "1-2.json").write_text("")
    paths.rehash.symlink_to(tmp_path / "mine")  # not followed
    before = contents(tmp_path)
    made(paths, "4.partial/crts")
    (paths.home / ".env.a1b2c3d4").write_bytes(b"")
    (paths.home / ".current.1").symlink_to("nothing")
    (paths.trusted / ".Root_A-1234abcd.pem.a1b2c3d4").write_bytes(b"")
    for name in (".PublicReport.a1b2c3d4", ".PublicReport.json.a1b2c3d4"):
        (paths.cache / name).write_bytes(b"")
    generations.clean(paths)
    assert contents(tmp_path) == before


@cases("other", [None, "README", "1-2.json.mine"])
def test_what_0_1_0_remembered_of_directories_goes_and_nothing_else(paths: StorePaths, other: str | None) -> None:
    paths.rehash.mkdir(parents=True)
    for name in ("12-345.json", "12-345.9", *([other] if other else [])):
        (paths.rehash / name).write_text("")
    generations.clean(paths)
    assert [path.name for path in paths.home.rglob("*")] == (["rehash", other] if other else [])


# What a generation holds


def test_the_certificates_are_those_of_the_entries_in_their_order_or_an_error(paths: StorePaths) -> None:
    generation = write(paths, layout.content(anchors(0, 1, 2)))
    entries = manifest.read(generation).certificates
    found = generations.certificates(generation, entries)
    assert found == tuple(load_certificate(root.der) for root in roots())
    assert generations.certificates(generation, entries[1:2]) == found[1:2]
    file, other = (generation / CRTS / entry.file for entry in entries[:2])
    for text in (other.read_bytes(), b"", file.read_bytes() + other.read_bytes()):
        file.write_bytes(text)
        with pytest.raises(StoreError, match="not the certificate that the manifest names"):
            generations.certificates(generation, entries[:1])
    file.unlink()
    with pytest.raises(StoreError, match="cannot read a certificate"):
        generations.certificates(generation, entries[:1])


def test_certificates_are_found_by_their_name_as_openssl_finds_them(paths: StorePaths) -> None:
    stranger, *same, other = (issue(name) for name in ("Same", "Same", "Same", "Other"))
    generation = write(paths, layout.content(held(*same, other)))
    held_here = generations.Generation(generation, manifest.read(generation))
    first = load_certificate(same[0].der)

    def named(name: bytes) -> dict[bytes, str]:
        return {found.der: entry.sha256 for found, entry in generations.named(held_here, name)}

    found = named(first.link.subject_name)
    assert found == {issued.der: load_certificate(issued.der).fingerprint for issued in same}
    assert named(spelled("sAME ", 19).public_bytes()) == found
    assert named(b"0\0") == named(b"not DER") == {}
    # A file that is broken, or that the manifest does not name, hides nothing behind it.
    link = generation / CRTS / first.link.subject_hash
    link.with_suffix(".0").unlink()
    link.with_suffix(".0").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    link.with_suffix(".2").write_bytes(stranger.pem)
    assert len(named(first.link.subject_name)) == 1
