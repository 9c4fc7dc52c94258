"""A bundle and a directory in PEM, as openssl reads them; and what all formats have in common."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from support.exported import fingerprints, hostile, loaded, of
from support.pki import issue
from support.table import cases

from certboot.store.export.destination import write_directory
from certboot.store.export.formats import FORMATS, Format, Options
from certboot.store.export.pem import pem_bundle, pem_directory_hash


@cases("chosen", FORMATS.values())
def test_each_format_gives_the_same_each_time_and_is_ascii_unless_it_is_binary(chosen: Format) -> None:
    made = chosen.render(hostile(), Options())
    assert made == chosen.render(hostile(), Options())
    assert isinstance(made, bytes) is not chosen.directory
    assert not isinstance(made, bytes) or made.isascii() is not chosen.binary


@cases("option", ["password", "name", "namespace"])
def test_an_option_changes_those_formats_that_take_it_and_no_other(option: str) -> None:
    plain, other = Options(), Options()._replace(**{option: "another"})
    changed = {
        name for name, chosen in FORMATS.items() if chosen.render(hostile(), plain) != chosen.render(hostile(), other)
    }  # fmt: skip
    takes = "password-file" if option == "password" else option
    assert changed == {name for name, chosen in FORMATS.items() if takes in chosen.takes}


def test_the_list_of_formats_costs_the_command_line_no_library() -> None:
    script = "import sys, certboot.store.export.formats; print('cryptography' in sys.modules, 'ssl' in sys.modules)"
    ran = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "False False\n"


def test_openssl_reads_every_certificate_of_a_bundle(openssl: Callable[..., str], tmp_path: Path) -> None:
    data = pem_bundle(hostile())
    (tmp_path / "bundle.pem").write_bytes(data)
    read = openssl("storeutl", "-certs", tmp_path / "bundle.pem")
    assert f"Total found: {len(hostile())}" in read
    assert fingerprints("\n".join(line for line in read.splitlines() if ":" not in line)) == of(hostile())
    text = data.decode("ascii")
    assert all(line.isprintable() for line in text.split("\n"))
    assert text.count("-----BEGIN CERTIFICATE-----") == len(hostile())
    assert text.endswith("-----END CERTIFICATE-----\n")


def test_openssl_would_make_the_same_links(openssl: Callable[..., str], tmp_path: Path) -> None:
    made = pem_directory_hash(hostile())
    write_directory(tmp_path / "ours", made, force=False)
    (tmp_path / "theirs").mkdir()
    for name, text in made.files.items():
        (tmp_path / "theirs" / name).write_bytes(text)
    openssl("rehash", tmp_path / "theirs")
    ours, theirs = (
        {path.name: path.readlink().name for path in (tmp_path / whose).iterdir() if path.is_symlink()}
        for whose in ("ours", "theirs")
    )
    assert made.links == ours
    assert made.links.keys() == theirs.keys()
    assert sorted(made.links.values()) == sorted(made.files)
    assert len(made.files) == len(hostile())


def test_openssl_verifies_a_chain_by_the_directory_and_not_without(openssl: Callable[..., str], tmp_path: Path) -> None:
    root = issue("Root")
    below = issue("Below", root)
    names = x509.SubjectAlternativeName([x509.DNSName("host.example")])
    (tmp_path / "leaf.pem").write_bytes(issue("Leaf", below, extensions=((names, False),)).pem)
    for name, issued, status in (("whole", (root, below), 0), ("anchors", (root,), 2), ("orphan", (below,), 2)):
        write_directory(tmp_path / name, pem_directory_hash(loaded(*issued)), force=False)
        openssl("verify", "-CApath", tmp_path / name, "-no-CAfile", tmp_path / "leaf.pem", status=status)


def test_two_with_the_same_name_are_both_found(openssl: Callable[..., str], tmp_path: Path) -> None:
    twins = [issue("Twin"), issue("Twin")]
    made = pem_directory_hash(loaded(*twins))
    assert {name.partition(".")[2] for name in made.links} == {"0", "1"}
    write_directory(tmp_path / "twins", made, force=False)
    for twin in twins:
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(twin.key.public_key())
        (tmp_path / "leaf.pem").write_bytes(issue("Leaf", twin, extensions=((issuer, False),)).pem)
        openssl("verify", "-CApath", tmp_path / "twins", "-no-CAfile", tmp_path / "leaf.pem")
