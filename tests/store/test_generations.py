"""The parts of a switch by themselves; what a whole run does with them is in test_update.py."""

from __future__ import annotations

import os
import ssl
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.snapshot import contents, roots
from support.table import cases

from certboot import files
from certboot.errors import StoreError
from certboot.pki.certificate import load_certificate
from certboot.store import generations, manifest
from certboot.store.manifest import Provenance, TrustAnchor
from certboot.store.paths import StorePaths, in_force


def anchors(*numbers: int) -> list[TrustAnchor]:
    why = (Provenance("added", "a.pem", "2026-11-24"),)
    return [TrustAnchor(load_certificate(roots()[number].der), why) for number in numbers]


def write(paths: StorePaths, content: generations.Content) -> Path:
    files.make_folder(paths.home)
    number = generations.next_number(paths)
    record = manifest.Manifest(number, "2026", "init", manifest.Choices(), content.entries, ())
    return generations.write(paths, content, record)


def test_the_same_anchors_give_the_same_files_in_whatever_order_they_come() -> None:
    one, other = generations.content(anchors(0, 1, 2)), generations.content(anchors(2, 0, 1))
    assert one == other
    assert one.bundle == other.bundle
    assert set(one.links.values()) == set(one.pems)


def test_a_store_that_would_trust_nobody_is_refused() -> None:
    with pytest.raises(StoreError, match="no certificate is left"):
        generations.content([])


def test_a_generation_is_whole_only_with_exactly_its_files(paths: StorePaths) -> None:
    content = generations.content(anchors(0, 1))
    generation = write(paths, content)
    assert generations.is_whole(generation, content)
    assert not generations.is_whole(generation, generations.content(anchors(0)))
    assert not generations.is_whole(paths.home / "nothing", content)
    (generation / "crts" / "more").touch()
    assert not generations.is_whole(generation, content)


def test_numbers_go_on_after_the_highest(paths: StorePaths) -> None:
    assert generations.next_number(paths) == 1
    for name in ("2", "10", "x", "11.partial", "\N{SUPERSCRIPT TWO}"):
        (paths.generations / name).mkdir(parents=True)
    assert generations.next_number(paths) == 11


def test_the_one_in_force_is_kept_whatever_its_number(paths: StorePaths) -> None:
    for number in range(1, 9):
        (paths.generations / str(number)).mkdir(parents=True)
    generations.switch(paths, paths.generations / "1")
    generations.prune(paths)
    assert sorted(path.name for path in paths.generations.iterdir()) == ["1", "4", "5", "6", "7", "8"]


@cases(("days", "kept"), [(20, True), (40, False)])
def test_without_symbolic_links_an_old_generation_stays_for_a_month(
    paths: StorePaths, days: int, *, kept: bool
) -> None:
    """Programs that still run have it in their variables."""
    for number in range(1, 8):
        (paths.generations / str(number)).mkdir(parents=True)
    paths.current.write_text("generations/7\n")
    then = time.time() - days * 86400
    os.utime(paths.generations / "1", (then, then))
    generations.prune(paths)
    assert (paths.generations / "1").exists() is kept
    assert (paths.generations / "2").exists()


@cases("defect", ["unreadable", "one short"])
def test_a_bundle_that_openssl_does_not_read_whole_never_becomes_a_generation(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch, defect: str
) -> None:
    content = generations.content(anchors(0, 1))
    bad = b"nothing" if defect == "unreadable" else roots()[0].pem
    monkeypatch.setattr(generations.Content, "bundle", bad)
    with pytest.raises(StoreError, match=r"OpenSSL (cannot read|does not find every certificate in) the new bundle"):
        write(paths, content)
    assert contents(paths.home) == {"generations": b""}
    monkeypatch.undo()


def test_the_check_is_made_with_this_pythons_openssl(paths: StorePaths) -> None:
    generation = write(paths, generations.content(anchors(0, 1)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(generation / "bundle.pem")
    assert context.cert_store_stats()["x509"] == 2


def test_nothing_is_in_force_in_an_empty_store(paths: StorePaths) -> None:
    assert in_force(paths) is None
    with pytest.raises(StoreError, match="no generation is in force: "):
        generations.visible_folder(paths)
    generations.switch(paths, write(paths, generations.content(anchors(0))))
    assert in_force(paths) == paths.generations / "1"
    assert generations.visible_folder(paths) == paths.current


def test_a_switch_file_that_is_no_text_puts_nothing_in_force(paths: StorePaths) -> None:
    paths.home.mkdir(parents=True)
    paths.current.write_bytes(b"\xff\xfe")
    assert in_force(paths) is None


@cases("system", ["posix", "nt"])
def test_without_symbolic_links_windows_switches_by_a_file_and_others_fail(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch, system: str
) -> None:
    """Recorded: a Windows without the right to make links, which is how it comes."""

    def refuse(*_: object) -> None:
        raise OSError(1314, "A required privilege is not held by the client")

    generation = write(paths, generations.content(anchors(0)))
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


def test_cleaning_takes_what_is_half_done_and_nothing_else(paths: StorePaths) -> None:
    write(paths, generations.content(anchors(0)))
    (paths.home / "env").write_bytes(b"")
    (paths.home / ".environment").write_bytes(b"")
    for folder in (paths.trusted, paths.cache):
        folder.mkdir()
    before = contents(paths.home)
    (paths.generations / "2.partial" / "crts").mkdir(parents=True)
    (paths.home / ".env.a1b2c3d4").write_bytes(b"")
    (paths.home / ".current.1").symlink_to("nothing")
    (paths.trusted / ".Root_A-1234abcd.pem.a1b2c3d4").write_bytes(b"")
    for name in (".PublicReport.a1b2c3d4", ".PublicReport.json.a1b2c3d4"):
        (paths.cache / name).write_bytes(b"")
    generations.clean(paths)
    assert contents(paths.home) == before


def test_cleaning_leaves_alone_what_is_not_certboots(paths: StorePaths) -> None:
    """Notes and folders of others: they must not be lost, and must not keep any run from its end."""
    generation = write(paths, generations.content(anchors(0)))
    for folder in (paths.home, paths.trusted, paths.cache):
        folder.mkdir(exist_ok=True)
        (folder / ".DS_Store").write_bytes(b"")
        (folder / ".config.toml.swp").write_bytes(b"")
        (folder / ".git").mkdir()
    for folder in (paths.home / ".env.a1b2c3d4", paths.trusted / ".Root-1234abcd.pem.a1b2c3d4"):
        folder.mkdir()
    (paths.trusted / ".notes.original").write_bytes(b"")
    (paths.home / ".notes.original").write_bytes(b"")
    (paths.generations / "2.partial").write_bytes(b"")
    (paths.generations / "3.partial").symlink_to(generation)
    (paths.generations / "notes.partial").mkdir()
    before = contents(paths.home)
    generations.clean(paths)
    assert contents(paths.home) == before


@pytest.mark.parametrize("other", [None, "README", "1-2.json.mine"])
def test_what_0_1_0_remembered_of_rehashed_directories_goes_and_nothing_else(
    paths: StorePaths, other: str | None
) -> None:
    paths.rehash.mkdir(parents=True)
    for name in ("12-345.json", "12-345.9", *([other] if other else [])):
        (paths.rehash / name).write_text("")
    generations.clean(paths)
    assert [path.name for path in paths.home.rglob("*")] == (["rehash", other] if other else [])


def test_a_link_in_the_place_of_that_folder_is_not_followed(paths: StorePaths, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "1-2.json").write_text("")
    paths.home.mkdir(parents=True)
    paths.rehash.symlink_to(tmp_path / "mine")
    generations.clean(paths)
    assert (tmp_path / "mine" / "1-2.json").exists()
