from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from certboot.clients.variables import BY_NAME, Adoption
from certboot.store import env_file
from certboot.store.env_file import EnvFile

# What an environment variable can hold, but for line ends: any byte but NUL.
VALUE = st.binary(min_size=1, max_size=30).map(lambda data: os.fsdecode(data.translate(None, b"\0\n\r")))
ADOPTED = st.lists(st.builds(Adoption, st.sampled_from(sorted(BY_NAME)), VALUE), max_size=9).map(tuple)
FOLDERS = ["/s/current", "/a = b/ö", os.fsdecode(b"/s\xff"), '/"quoted" $HOME/-x']


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "env"


def test_only_a_directory_client_is_given_the_directory() -> None:
    variables = (BY_NAME["SSL_CERT_FILE"], BY_NAME["SSL_CERT_DIR"])
    assert env_file.values(variables, Path("/s/current")) == {
        "SSL_CERT_FILE": "/s/current/bundle.pem",
        "SSL_CERT_DIR": "/s/current/crts",
    }


@example(
    "/s", "", (Adoption("PIP_CERT", "-/a = '\" b"), Adoption("PIP_CERT", "PIP_CERT=/x"), Adoption("PIP_CERT", "="))
)
@example("/s", None, (Adoption("SSL_CERT_DIR", os.fsdecode(b"/\xff:/\xc3\x28 \t\x85\x0b")),))
@given(st.sampled_from(FOLDERS), st.none() | st.sampled_from(["", "ssl", "ssl,certifi"]), ADOPTED)
def test_what_is_written_is_read_back(
    path: Path, folder: str, guards: str | None, adopted: tuple[Adoption, ...]
) -> None:
    env = EnvFile(env_file.values(BY_NAME.values(), Path(folder)), guards, adopted)
    path.write_bytes(env_file.render(env))
    assert env_file.parse(path) == env
    assert env_file.read(path) == env.variables
    assert env_file.render(env).count(b"\n") == len(BY_NAME) + (guards is not None) + len(adopted)


def test_the_variables_come_first_for_by_them_the_hook_knows_the_generation() -> None:
    env = EnvFile({"SSL_CERT_FILE": "/s/bundle.pem"}, "ssl", (Adoption("PIP_CERT", "/corp.pem"),))
    assert env_file.render(env) == b"SSL_CERT_FILE=/s/bundle.pem\nCERTBOOT_GUARDS=ssl\n-PIP_CERT=/corp.pem\n"


def test_lines_without_a_value_are_passed_over(path: Path) -> None:
    path.write_bytes(b"\n# words\nSSL_CERT_FILE=/s/bundle.pem\nSSL_CERT_DIR\n-PIP_CERT\n-")
    assert env_file.parse(path) == EnvFile({"SSL_CERT_FILE": "/s/bundle.pem"})


@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    assert env_file.parse(path) is not None


def test_no_file_sets_nothing(tmp_path: Path) -> None:
    assert env_file.read(tmp_path / "env") is env_file.read(tmp_path) is None
    assert env_file.parse(tmp_path / "env") is env_file.parse(tmp_path) is None
    assert env_file.render(EnvFile({})) == b""
    (tmp_path / "env").write_bytes(b"")
    assert env_file.parse(tmp_path / "env") == EnvFile({})
