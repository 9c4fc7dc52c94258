"""The files ``adopted`` and ``distrusted``: what is written is read back, and what a hand wrote counts or is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.table import cases

from certboot.clients.variables import BY_NAME, Adoption
from certboot.errors import StoreError
from certboot.store.choices import (
    find_distrusted,
    read_adoptions,
    read_distrusted,
    render_adoptions,
    render_distrusted,
)

PATH = st.binary(max_size=30).map(lambda data: os.fsdecode(b"/" + data.translate(None, b"\0\n\r:")))
ADOPTED = st.lists(st.builds(Adoption, st.sampled_from(sorted(BY_NAME)), PATH), max_size=9, unique=True).map(tuple)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "file"


def test_where_there_is_no_file_nothing_is_adopted_and_nobody_distrusted(tmp_path: Path) -> None:
    assert (read_adoptions(tmp_path / "none"), read_distrusted(tmp_path / "none")) == ((), {})


# Adopted

ODD = (Adoption("PIP_CERT", "/a = '\" b"), Adoption("PIP_CERT", "/PIP_CERT=/x"), Adoption("SSL_CERT_FILE", "/-\x85"))


@example(ODD)
@given(ADOPTED)
def test_the_adoptions_that_are_written_are_read_back(path: Path, adopted: tuple[Adoption, ...]) -> None:
    path.write_bytes(render_adoptions(adopted))
    assert read_adoptions(path) == adopted


def test_a_variable_and_its_value_stand_on_a_line() -> None:
    adopted = [Adoption("PIP_CERT", "/ä"), Adoption("SSL_CERT_DIR", "/a:/b")]
    assert render_adoptions(adopted) == "PIP_CERT=/ä\nSSL_CERT_DIR=/a:/b\n".encode()


@cases(
    "line",
    [
        b"PATH=/usr/bin", b"LD_PRELOAD=/x", b"CERTBOOT_HOME=/x", b"=/x", b"-PIP_CERT=/x", b" PIP_CERT=/x",  # unknown
        b"PIP_CERT=", b"PIP_CERT=corp.pem", b"PIP_CERT=/a\r", b"PIP_CERT=/a\0b", b"SSL_CERT_DIR=/a:b",
        b"SSL_CERT_DIR=:", b"PIP_CERT", b"# words", b"", b"\xff\xfe",
    ],
)  # fmt: skip
def test_a_line_that_adopt_cannot_have_written_is_passed_over(path: Path, line: bytes) -> None:
    path.write_bytes(b"PIP_CERT=/corp.pem\n" + line + b"\nPIP_CERT=/corp.pem\n")
    assert read_adoptions(path) == (Adoption("PIP_CERT", "/corp.pem"),)


PIECES = [*(f"\n{name}=/".encode() for name in BY_NAME), b":", b"\0", b"\r"]


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=9)))
def test_no_bytes_whatever_raise_or_make_an_adoption_of_what_cannot_be_one(path: Path, pieces: list[bytes]) -> None:
    path.write_bytes(b"".join(pieces))
    assert [adoption for adoption in read_adoptions(path) if adoption.variable not in BY_NAME or adoption.unfit] == []


RELATIVE = "it is a relative path, which means another place in every folder"


@cases(
    ("variable", "value", "unfit", "places"),
    [
        ("SSL_CERT_FILE", "/a", "", ("/a",)),
        ("SSL_CERT_FILE", "/a:/b = \udcff", "", ("/a:/b = \udcff",)),  # no client takes a list of files
        ("SSL_CERT_DIR", "/a:/b", "", ("/a", "/b")),
        ("GIT_SSL_CAPATH", ":/a::/a:/b:", "", ("/a", "/b")),
        ("SSL_CERT_FILE", "", "it is empty", ()),
        ("SSL_CERT_DIR", "::", "it is empty", ()),
        ("SSL_CERT_FILE", "a.pem", RELATIVE, ("a.pem",)),
        ("SSL_CERT_FILE", "~/a.pem", RELATIVE, ("~/a.pem",)),
        ("SSL_CERT_DIR", "/a:b", RELATIVE, ("/a", "b")),
        ("SSL_CERT_FILE", "/a\n-PATH=/b", "it has a line end in it", ("/a\n-PATH=/b",)),
        ("SSL_CERT_FILE", "/a\r", "it has a line end in it", ("/a\r",)),
    ],
)
def test_what_a_value_names_and_why_it_is_unfit(variable: str, value: str, unfit: str, places: tuple[str, ...]) -> None:
    """Only where OpenSSL takes a list of directories is a value one."""
    assert (Adoption(variable, value).unfit, Adoption(variable, value).places) == (unfit, places)


# Distrusted

ONE, TWO = "ab12" + "0" * 60, "ab34" + "0" * 60
BOTH = {ONE: "Root  One", TWO: "Zürich"}
NAME = st.text(st.characters(min_codepoint=33, exclude_categories=["Cs"]), max_size=9)


@given(st.dictionaries(st.sampled_from([ONE, TWO, "0" * 64]), NAME))
def test_what_is_distrusted_is_read_back(path: Path, distrusted: dict[str, str]) -> None:
    path.write_bytes(render_distrusted(distrusted))
    assert read_distrusted(path) == distrusted


def test_a_fingerprint_and_a_name_stand_on_a_line_in_order() -> None:
    expected = f"{ONE}  Root  One\n{TWO}  Zürich\n".encode()
    assert render_distrusted(BOTH) == render_distrusted(dict(reversed(BOTH.items()))) == expected


@cases(
    ("line", "name"),
    [
        (ONE, ""), (f"{ONE}  Name", "Name"), (f"{ONE.upper()}\tName", "Name"), (f" {ONE} Name", "Name"),
        (f"{ONE} Name\r", "Name"), (":".join(ONE[at : at + 2] for at in range(0, 64, 2)) + "  Name", "Name"),
        (f"{ONE}  \udcff", "\N{REPLACEMENT CHARACTER}"),
    ],
)  # fmt: skip
def test_a_line_that_was_written_by_hand_counts(path: Path, line: str, name: str) -> None:
    path.write_bytes(os.fsencode(f"\n{line}\n\n"))
    assert read_distrusted(path) == {ONE: name}


@cases("line", ["Evil CA", "# a comment", ONE[:63], f"{ONE}0", "g" * 64])
def test_a_line_that_cannot_be_understood_is_an_error_with_its_number(path: Path, line: str) -> None:
    path.write_text(f"{ONE}\n{line}\n")
    with pytest.raises(StoreError, match="file, line 2: it does not begin with a SHA-256"):
        read_distrusted(path)


@cases("text", [ONE, "ab12", "AB:12", "ROOT  ONE", " root  one ", "corp", "t  O"])
def test_one_is_found_by_what_distrust_takes(text: str) -> None:
    assert find_distrusted(BOTH, text, {ONE: "CN=Root  One,O=Corp"}) == ONE


@cases(("text", "count"), [("ab", 0), ("ab12ab", 0), ("ffff", 0), ("O=C", 2)])
def test_none_and_several_are_errors_that_list_what_there_is(text: str, count: int) -> None:
    with pytest.raises(StoreError) as refused:
        find_distrusted(BOTH, text, dict.fromkeys(BOTH, "CN=X,O=Corp"))
    assert refused.value.message == f"{text!r} names {count} of 2 distrusted certificates"
    assert refused.value.hint == f"say which: {ONE[:16]} Root  One, {TWO[:16]} Zürich"


@cases(("distrusted", "text"), [({ONE: "Root  One"}, ""), ({}, "ab12")])
def test_nothing_names_nobody_even_if_there_is_only_one(distrusted: dict[str, str], text: str) -> None:
    """``certboot distrust --undo "$ID"`` with ID unset; where nobody is distrusted there is still a hint."""
    with pytest.raises(StoreError) as refused:
        find_distrusted(distrusted, text)
    assert refused.value.hint
