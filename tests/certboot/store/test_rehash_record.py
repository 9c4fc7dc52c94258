"""A rehash that remembers the last one gives what one without memory gives, whatever happened in between."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pki
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table import cases

import certboot_startup
from certboot import pem
from certboot.paths import store_paths
from certboot.store import hashed, rehash_record
from certboot.store.rehash import RehashResult, rehash

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no time of change, so it has no records")

A, A2, A3, B = (pki.issue(name) for name in ("Example Root", "Example Root", "Example Root", "Other Root"))
# Dates that are none: neither cryptography nor OpenSSL reads it.
DAMAGED = pem.encode(A.der.replace(b"\x17\x0d", b"\x05\x0d", 1)).encode()
SIZE = max(len(data) for data in (A.pem, A2.pem, A3.pem, B.pem, DAMAGED))
CONTENTS = [data.ljust(SIZE, b"\n") for data in (A.pem, A2.pem, A3.pem, B.pem, DAMAGED, b"words")]
ONE, TWO, THREE, OTHER, *_ = CONTENTS
TICK = 0.012
"""Seconds after which the clock of a file system has moved on; Linux's moves every 1 to 10 milliseconds."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A store's folder; the records are beside it in no test."""
    path = tmp_path / "store"
    path.mkdir(0o755)
    return path


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Believe what is older than a tick, so that tests need not wait for two seconds."""
    monkeypatch.setattr(rehash_record, "_SETTLED_NS", 0)
    return iter([None])


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read."""
    names: list[str] = []
    content = hashed._content

    def counted(entry: os.DirEntry[str]) -> tuple[bytes, os.stat_result]:
        names.append(entry.name)
        return content(entry)

    monkeypatch.setattr(hashed, "_content", counted)
    return names


def filled(tmp_path: Path) -> Path:
    folder = tmp_path / "d"
    folder.mkdir()
    for name, content in (("a.pem", ONE), ("b.pem", TWO), ("c.crt", OTHER), ("words.pem", b"words"), ("README", b"")):
        (folder / name).write_bytes(content)
    (folder / "e.pem").symlink_to("c.crt")
    return folder


def remembered(folder: Path, home: Path) -> RehashResult:
    """Rehash with the record, and show that the next run without it finds nothing to do and says the same."""
    time.sleep(TICK)
    result = rehash(folder, home / "rehash")
    time.sleep(TICK)
    assert rehash(folder) == result._replace(made=(), removed=())
    return result


def record(home: Path) -> Path:
    (path,) = (home / "rehash").iterdir()
    return path


@pytest.mark.usefixtures("at_once")
def test_what_has_not_changed_is_not_read_again(tmp_path: Path, home: Path, reads: list[str]) -> None:
    folder = filled(tmp_path)
    first = remembered(folder, home)
    assert len(first.made) == 3
    assert len(first.warnings) == 2
    for _ in range(3):
        reads.clear()
        time.sleep(TICK)
        assert rehash(folder, home / "rehash") == first._replace(made=(), removed=())
        assert reads == []
    # By now the directory itself may be believed: its list of names is not read either.
    assert json.loads(record(home).read_bytes().split(b"\n")[0])["folder"] == list(rehash_record.key(folder.stat()))


def replaced(folder: Path) -> None:
    (folder / "new").write_bytes(THREE)
    os.replace(folder / "new", folder / "a.pem")


def in_place(folder: Path) -> None:
    """Change the bytes, and put the time of modification back, as `cp -p` and tar do."""
    before = (folder / "a.pem").stat()
    (folder / "a.pem").write_bytes(THREE)
    os.utime(folder / "a.pem", ns=(before.st_atime_ns, before.st_mtime_ns))


def target_replaced(folder: Path) -> None:
    (folder / "e.pem").unlink()
    (folder / "e.pem").symlink_to("a.pem")


def one_link(folder: Path) -> Path:
    return next(path for path in sorted(folder.iterdir()) if path.is_symlink() and os.readlink(path) == "a.pem")


def link_removed(folder: Path) -> None:
    one_link(folder).unlink()


def link_redirected(folder: Path) -> None:
    link = one_link(folder)
    link.unlink()
    link.symlink_to("README")


def link_made_a_file(folder: Path) -> None:
    link = one_link(folder)
    link.unlink()
    link.write_bytes(ONE)


EDITS: list[tuple[Callable[[Path], object], list[str]]] = [
    (replaced, ["a.pem"]),
    (in_place, ["a.pem"]),
    (target_replaced, ["e.pem"]),
    (lambda folder: (folder / "a.pem").touch(), ["a.pem"]),
    (lambda folder: (folder / "a.pem").unlink(), []),
    (lambda folder: (folder / "a.pem").rename(folder / "z.pem"), ["z.pem"]),
    (lambda folder: (folder / "z.pem").write_bytes(THREE), ["z.pem"]),
    (lambda folder: (folder / "z.txt").write_bytes(THREE), []),
    (link_removed, []),
    (link_redirected, []),
    (link_made_a_file, [".0"]),
]


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("rested", [False, True], ids=["at once", "once the directory is believed"])
@pytest.mark.parametrize(("edit", "read"), EDITS)
def test_only_what_has_changed_is_read_again(
    tmp_path: Path, home: Path, reads: list[str], edit: Callable[[Path], object], read: list[str], *, rested: bool
) -> None:
    folder = filled(tmp_path)
    for _ in range(3 if rested else 1):
        remembered(folder, home)
    edit(folder)
    time.sleep(TICK)
    shutil.copytree(folder, tmp_path / "copy", symlinks=True)
    reads.clear()
    result = rehash(folder, home / "rehash")
    assert [name[-len(expected) :] for name, expected in zip(reads, read, strict=True)] == read
    assert result == rehash(tmp_path / "copy")
    remembered(folder, home)


def test_what_changed_in_the_last_two_seconds_is_read_again(tmp_path: Path, home: Path, reads: list[str]) -> None:
    folder = filled(tmp_path)
    for _ in range(2):
        reads.clear()
        remembered(folder, home)
        assert set(reads) == {"a.pem", "b.pem", "c.crt", "e.pem", "words.pem"}
    assert json.loads(record(home).read_bytes().split(b"\n")[1])["names"] == []
    state = rehash_record.Key(1, 10**18, 10**18, 1, 1)
    assert not state.settled(10**18 + 2 * 10**9)
    assert state.settled(10**18 + 2 * 10**9 + 1)
    assert not state._replace(modified=10**18 + 1).settled(10**18 + 2 * 10**9 + 1)


@pytest.mark.usefixtures("at_once")
def test_what_depends_on_the_openssl_of_the_day_is_not_remembered(tmp_path: Path, home: Path, reads: list[str]) -> None:
    folder = filled(tmp_path)
    (folder / "damaged.pem").write_bytes(DAMAGED)
    remembered(folder, home)
    reads.clear()
    time.sleep(TICK)
    rehash(folder, home / "rehash")
    assert reads == ["damaged.pem"]


@pytest.mark.usefixtures("at_once")
@cases(
    "spoil",
    [
        lambda _: b"",
        lambda _: b"\n\n",
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b'"', b"", 1),
        lambda data: b"[]\n" + data.split(b"\n", 1)[1],
        lambda data: b"{}\n" + data.split(b"\n", 1)[1],
        lambda data: data.replace(b'"by": [1', b'"by": [0'),
        lambda data: data.replace(b'"links"', b'"left"'),
        lambda data: data.replace(b'"names": [', b'"names": [7, '),
        lambda data: data.replace(b'"names": [', b'"names": ["x.pem", '),
        lambda data: data.replace(b'"keys": [', b'"keys": ["1", '),
        lambda data: data.replace(b'"keys": [', b'"keys": [1, '),
        lambda data: data.replace(b'"whole": true', b'"whole": 1'),
        lambda data: data.replace(b'"links": {', b'"links": {"x": null, '),
        lambda data: data.rpartition(b"\n")[0] + b"\n" + b"[" * 100_000,
        lambda data: data.rpartition(b"\n")[0] + b'\n["../../x", "", "00"]',
        lambda data: data.rpartition(b"\n")[0] + b"\n[1, 2, 3]",
        lambda data: data.replace(b'"keys": [', b'"keys": [1' + b"0" * 5000 + b", "),
        lambda data: b"\0" * len(data),
    ],
)
@cases("changed", [False, True])
def test_a_spoiled_record_does_no_harm(
    tmp_path: Path, home: Path, spoil: Callable[[bytes], bytes], *, changed: bool
) -> None:
    folder = filled(tmp_path)
    first = remembered(folder, home)
    record(home).write_bytes(spoil(record(home).read_bytes()))
    if changed:
        (folder / "README").unlink()
    assert remembered(folder, home) == first._replace(made=(), removed=())


@pytest.mark.usefixtures("at_once")
def test_a_record_beyond_all_measure_is_not_read(
    tmp_path: Path, home: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = filled(tmp_path)
    remembered(folder, home)
    monkeypatch.setattr(rehash_record, "_LARGEST", record(home).stat().st_size - 1)
    reads.clear()
    remembered(folder, home)
    assert "a.pem" in reads


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("where", ["home", "folder", "record"])
def test_a_record_that_others_could_have_written_is_not_believed(
    tmp_path: Path, home: Path, reads: list[str], where: str
) -> None:
    folder = filled(tmp_path)
    remembered(folder, home)
    {"home": home, "folder": home / "rehash", "record": record(home)}[where].chmod(0o777)
    before = record(home).stat()
    reads.clear()
    time.sleep(TICK)
    rehash(folder, home / "rehash")
    assert "a.pem" in reads
    # A record that others may write to is replaced by one of ours; in a folder where they may, nothing is written.
    after = record(home).stat()
    assert (after.st_mtime_ns == before.st_mtime_ns) == (where != "record")
    assert after.st_mode & 0o777 == 0o600


def test_the_record_is_the_users_alone(tmp_path: Path, home: Path) -> None:
    old = os.umask(0)
    try:
        remembered(filled(tmp_path), home)
    finally:
        os.umask(old)
    assert ((home / "rehash").stat().st_mode & 0o777, record(home).stat().st_mode & 0o777) == (0o755, 0o600)


def test_without_a_store_there_is_no_record_and_no_store_is_made(tmp_path: Path) -> None:
    assert remembered(filled(tmp_path), tmp_path / "store").made
    assert not (tmp_path / "store").exists()


@cases("blocked", ["rehash", "rehash/record"])
def test_where_no_record_can_be_written_the_work_is_done(tmp_path: Path, home: Path, blocked: str) -> None:
    folder = filled(tmp_path)
    status = folder.stat()
    (home / blocked.replace("record", f"{status.st_dev}-{status.st_ino}.json")).mkdir(parents=True)
    if blocked == "rehash":
        (home / "rehash").rmdir()
        (home / "rehash").write_bytes(b"")
    assert remembered(folder, home).made
    assert [path.suffix for path in home.rglob("*")].count(f".{os.getpid()}") == 0


def test_only_the_newest_records_are_kept(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehash_record, "_MOST_RECORDS", 2)
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
        remembered(folder, home)
    kept = {path.name for path in (home / "rehash").iterdir()}
    assert kept == {f"{path.stat().st_dev}-{path.stat().st_ino}.json" for path in folders[1:]}


def test_the_records_lie_in_the_users_store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def begun(home: Path) -> Path:
        (home / "generations" / "1" / "crts").mkdir(parents=True)
        (home / "generations" / "1" / "manifest.json").touch()
        (home / "current").symlink_to("generations/1")
        return home / "rehash"

    assert rehash_record.default_folder() is None
    assert begun(store_paths().home) == rehash_record.default_folder()
    monkeypatch.setenv("CERTBOOT_HOME", str(tmp_path / "elsewhere"))
    assert rehash_record.default_folder() is None
    assert begun(tmp_path / "elsewhere") == rehash_record.default_folder()
    monkeypatch.setenv("CERTBOOT_HOME", "relative")
    assert rehash_record.default_folder() is None

    def unknown(*_: object) -> str:
        raise KeyError(65534)

    monkeypatch.setattr(certboot_startup, "store_home", unknown)
    assert rehash_record.default_folder() is None


names = st.sampled_from(["a.pem", "b.crt", "c.cer", "README", "s.pem"])
contents = st.sampled_from(CONTENTS)
numbers = st.integers(0, 3)
edits = st.one_of(
    st.tuples(st.just("write"), names, contents),
    st.tuples(st.just("replace"), names, contents),
    st.tuples(st.just("link"), names, names),
    st.tuples(st.just("rename"), names, names),
    st.tuples(st.just("remove"), names, st.just("")),
    st.tuples(st.sampled_from(["unlink", "redirect", "fill", "chmod"]), numbers, names),
)


def apply(folder: Path, edit: tuple[str, object, object]) -> None:
    """Do one thing to a directory; to the directories of one test it always does the same."""
    what, first, second = edit
    path = folder / str(first)
    hash_links = sorted(each for each in folder.iterdir() if each.suffix[1:].isdigit())
    if what == "write" and isinstance(second, bytes):
        path.write_bytes(second) if path.exists() or not path.is_symlink() else path.unlink()
    elif what == "replace" and isinstance(second, bytes):
        (folder / "new").write_bytes(second)
        os.replace(folder / "new", path)
    elif what in ("link", "remove"):
        path.unlink(missing_ok=True)
        if what == "link":
            path.symlink_to(str(second))
    elif what == "rename" and os.path.lexists(path):
        path.rename(folder / str(second))
    elif isinstance(first, int) and first < len(hash_links):
        link = hash_links[first]
        if what == "chmod":
            os.chmod(link, 0o600) if link.exists() else None
        else:
            link.unlink()
        if what == "redirect":
            link.symlink_to(str(second))
        elif what == "fill":
            link.write_bytes(ONE)


@settings(max_examples=25, deadline=None)
@given(st.lists(edits, min_size=1, max_size=12))
def test_with_and_without_memory_every_run_gives_the_same(sequence: list[tuple[str, object, object]]) -> None:
    with tempfile.TemporaryDirectory() as temporary, pytest.MonkeyPatch.context() as patch:
        patch.setattr(rehash_record, "_SETTLED_NS", 0)
        base = Path(temporary)
        (base / "store").mkdir(0o755)
        folders = base / "with", base / "without"
        for folder in folders:
            folder.mkdir()
        for edit in sequence:
            for folder in folders:
                apply(folder, edit)
            time.sleep(TICK)
            assert rehash(folders[0], base / "store" / "rehash") == rehash(folders[1])
            time.sleep(TICK)
            assert rehash(folders[0], base / "store" / "rehash") == rehash(folders[1])
