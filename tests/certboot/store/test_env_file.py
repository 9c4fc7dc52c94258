from __future__ import annotations

import os
from pathlib import Path

import pytest

from certboot.clients import BY_NAME
from certboot.store import env_file


def test_only_a_directory_client_is_given_the_directory() -> None:
    variables = (BY_NAME["SSL_CERT_FILE"], BY_NAME["SSL_CERT_DIR"])
    assert env_file.values(variables, Path("/s/current")) == {
        "SSL_CERT_FILE": "/s/current/bundle.pem",
        "SSL_CERT_DIR": "/s/current/crts",
    }


@pytest.mark.parametrize("folder", ["/s/current", "/a = b/ö", os.fsdecode(b"/s\xff")])
def test_what_is_written_is_read_back(tmp_path: Path, folder: str) -> None:
    settings = env_file.values(BY_NAME.values(), Path(folder))
    (tmp_path / "env").write_bytes(env_file.render(settings))
    assert env_file.read(tmp_path / "env") == settings
    assert env_file.render(settings).count(b"\n") == len(BY_NAME)


def test_lines_without_a_value_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "env").write_bytes(b"\n# words\nSSL_CERT_FILE=/s/bundle.pem\nSSL_CERT_DIR")
    assert env_file.read(tmp_path / "env") == {"SSL_CERT_FILE": "/s/bundle.pem"}


def test_no_file_sets_nothing(tmp_path: Path) -> None:
    assert env_file.read(tmp_path / "env") is env_file.read(tmp_path) is None
    (tmp_path / "env").write_bytes(env_file.render({}))
    assert env_file.read(tmp_path / "env") == {}
