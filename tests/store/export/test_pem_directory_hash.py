from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from support.exported import hostile, loaded, of
from support.pki import Issued, issue

from certboot.store.export.destination import write_directory
from certboot.store.export.pem import pem_directory_hash


@pytest.fixture(scope="module")
def chain() -> tuple[Issued, Issued, Issued]:
    """A root, an intermediate and a leaf."""
    root = issue("Root")
    below = issue("Below", root)
    names = x509.SubjectAlternativeName([x509.DNSName("host.example")])
    return root, below, issue("Leaf", below, extensions=((names, False),))


def test_openssl_would_make_the_same_links(openssl: Callable[..., str], tmp_path: Path) -> None:
    made = pem_directory_hash(hostile())
    write_directory(tmp_path / "ours", made, force=False)
    (tmp_path / "theirs").mkdir()
    for name, text in made.files.items():
        (tmp_path / "theirs" / name).write_bytes(text)
    openssl("rehash", tmp_path / "theirs")
    theirs = {path.name: path.readlink().name for path in (tmp_path / "theirs").iterdir() if path.is_symlink()}
    assert made.links.keys() == theirs.keys()
    assert made.links == {
        path.name: path.readlink().name for path in (tmp_path / "ours").iterdir() if path.is_symlink()
    }
    assert sorted(made.links.values()) == sorted(made.files)
    assert len(made.files) == len(of(hostile()))


def test_openssl_verifies_a_chain_with_the_intermediate_of_the_directory_and_not_without(
    openssl: Callable[..., str], chain: tuple[Issued, Issued, Issued], tmp_path: Path
) -> None:
    root, below, leaf = chain
    (tmp_path / "leaf.pem").write_bytes(leaf.pem)
    for name, issued, status in (("whole", (root, below), 0), ("anchors", (root,), 2), ("orphan", (below,), 2)):
        write_directory(tmp_path / name, pem_directory_hash(loaded(*issued)), force=False)
        openssl("verify", "-CApath", tmp_path / name, "-no-CAfile", tmp_path / "leaf.pem", status=status)


def test_two_with_the_same_name_are_both_found(openssl: Callable[..., str], tmp_path: Path) -> None:
    twins = [issue("Twin"), issue("Twin")]
    made = pem_directory_hash(loaded(*twins))
    assert {name.partition(".")[2] for name in made.links} == {"0", "1"}
    write_directory(tmp_path / "twins", made, force=False)
    for number, twin in enumerate(twins):
        leaf = tmp_path / f"{number}.pem"
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(twin.key.public_key())
        leaf.write_bytes(issue("Leaf", twin, extensions=((issuer, False),)).pem)
        openssl("verify", "-CApath", tmp_path / "twins", "-no-CAfile", leaf)
