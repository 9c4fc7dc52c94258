from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.table import cases

from certboot.clients.variables import BY_NAME, Adoption
from certboot.store.choices import read_adoptions, render_adoptions

PATH = st.binary(max_size=30).map(lambda data: os.fsdecode(b"/" + data.translate(None, b"\0\n\r:")))
ADOPTED = st.lists(st.builds(Adoption, st.sampled_from(sorted(BY_NAME)), PATH), max_size=9, unique=True).map(tuple)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "adopted"


def test_where_there_is_no_file_nothing_is_adopted(tmp_path: Path) -> None:
    assert read_adoptions(tmp_path / "adopted") == ()


@example(
    (Adoption("PIP_CERT", "/a = '\" b"), Adoption("PIP_CERT", "/PIP_CERT=/x"), Adoption("SSL_CERT_FILE", "/-\x85"))
)
@given(ADOPTED)
def test_what_is_written_is_read_back(path: Path, adopted: tuple[Adoption, ...]) -> None:
    path.write_bytes(render_adoptions(adopted))
    assert read_adoptions(path) == adopted


def test_a_variable_and_its_value_stand_on_a_line() -> None:
    assert (
        render_adoptions([Adoption("PIP_CERT", "/ä"), Adoption("SSL_CERT_DIR", "/a:/b")])
        == "PIP_CERT=/ä\nSSL_CERT_DIR=/a:/b\n".encode()
    )


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


@given(
    st.lists(
        st.sampled_from([*(f"\n{name}=/".encode() for name in BY_NAME), b":", b"\0", b"\r"]) | st.binary(max_size=9)
    )
)
def test_no_bytes_whatever_raise_or_make_an_adoption_of_what_cannot_be_one(path: Path, pieces: list[bytes]) -> None:
    path.write_bytes(b"".join(pieces))
    for each in read_adoptions(path):
        assert each.variable in BY_NAME
        assert each.unfit == ""


@cases(
    ("variable", "value", "places"),
    [
        ("SSL_CERT_FILE", "/a", ("/a",)),
        ("SSL_CERT_FILE", "/a:/b", ("/a:/b",)),  # no client takes a list of files
        ("SSL_CERT_DIR", "/a:/b", ("/a", "/b")),
        ("GIT_SSL_CAPATH", ":/a::/a:/b:", ("/a", "/b")),
        ("SSL_CERT_DIR", "::", ()),
        ("SSL_CERT_FILE", "", ()),
    ],
)
def test_only_where_openssl_takes_a_list_of_directories_is_a_value_one(
    variable: str, value: str, places: tuple[str, ...]
) -> None:
    assert Adoption(variable, value).places == places


@cases(
    ("variable", "value", "why"),
    [
        ("SSL_CERT_FILE", "/a", ""),
        ("SSL_CERT_FILE", "/a:b = \udcff", ""),
        ("SSL_CERT_DIR", "/a:/b", ""),
        ("SSL_CERT_FILE", "", "it is empty"),
        ("SSL_CERT_DIR", ":", "it is empty"),
        ("SSL_CERT_FILE", "a.pem", "it is a relative path, which means another place in every folder"),
        ("SSL_CERT_FILE", "~/a.pem", "it is a relative path, which means another place in every folder"),
        ("SSL_CERT_DIR", "/a:b", "it is a relative path, which means another place in every folder"),
        ("SSL_CERT_FILE", "/a\n-PATH=/b", "it has a line end in it"),
        ("SSL_CERT_FILE", "/a\r", "it has a line end in it"),
    ],
)
def test_why_a_value_is_not_adopted(variable: str, value: str, why: str) -> None:
    assert Adoption(variable, value).unfit == why
