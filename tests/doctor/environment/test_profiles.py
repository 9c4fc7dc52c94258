from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.here import put
from support.table import cases

from certboot.clients.settings_places import Surroundings
from certboot.doctor.environment.variables import lines_that_set


@pytest.fixture
def around(clean: Path, tmp_path: Path) -> Surroundings:
    return Surroundings({"HOME": str(clean)}, tmp_path, tmp_path / "root")


@cases(
    ("line", "sets"),
    [
        ("SSL_CERT_FILE=/a", True),
        ("export SSL_CERT_FILE=/a", True),
        ("\texport  SSL_CERT_FILE='/a'", True),
        ("declare -x SSL_CERT_FILE=/a", True),
        ("set -gx SSL_CERT_FILE /a", True),
        ("set -g -x SSL_CERT_FILE /a", True),
        ("# export SSL_CERT_FILE=/a", False),
        ("export SSL_CERT_FILE", False),
        ("unset SSL_CERT_FILE", False),
        ("export MY_SSL_CERT_FILE=/a", False),
        ("SSL_CERT_FILES=/a", False),
        ("echo SSL_CERT_FILE=/a", False),
    ],
)
def test_a_line_that_sets_a_variable_is_known(around: Surroundings, line: str, *, sets: bool) -> None:
    path = put(around.home / ".bashrc", f"# words\n{line}\n")
    assert lines_that_set("SSL_CERT_FILE", around) == ((f"{path}:2",) if sets else ())


@cases(
    "name",
    [
        "home/.profile",
        "home/.zshrc",
        "home/.config/fish/config.fish",
        "home/.config/fish/conf.d/a.fish",
        "home/.config/environment.d/a.conf",
        "root/etc/environment",
        "root/etc/profile.d/a.sh",
    ],
)
def test_each_file_that_is_read_at_a_start_is_looked_at(around: Surroundings, tmp_path: Path, name: str) -> None:
    path = put(tmp_path / name, "SSL_CERT_FILE=/a\n")
    put(path.parent / "notes.txt", "SSL_CERT_FILE=/a\n")
    assert lines_that_set("SSL_CERT_FILE", around) == (f"{path}:1",)


@pytest.mark.timeout(10)
def test_nobody_is_waited_for(around: Surroundings) -> None:
    os.mkfifo(around.home / ".bashrc")
    assert lines_that_set("SSL_CERT_FILE", around) == ()


def test_windows_has_no_such_files(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    put(around.home / ".profile", "SSL_CERT_FILE=/a\n")
    monkeypatch.setattr(os, "name", "nt")
    found = lines_that_set("SSL_CERT_FILE", around)
    monkeypatch.undo()
    assert found == ()
