from __future__ import annotations

import os
from pathlib import Path

import pytest

from certboot.clients.settings import find_settings
from certboot.clients.settings_places import Surroundings


@pytest.fixture
def around(clean: Path, tmp_path: Path) -> Surroundings:
    return Surroundings({"HOME": str(clean), "PATH": "/nowhere"}, clean, tmp_path / "root")


def test_where_there_is_nothing_nothing_is_found(around: Surroundings) -> None:
    assert find_settings(around) == ((), ())


def test_what_is_not_wanted_stays_in_the_file(around: Surroundings) -> None:
    """Tokens and passwords stand in these files."""
    texts = {
        ".npmrc": "//r.example/:_authToken=hush\n_password=hush\nstrict-ssl=true\ncafile=/a\n",
        ".pip/pip.conf": "[global]\nindex-url = https://me:hush@i.example/\ncert = /a\n",
        ".curlrc": "user = me:hush\nproxy = http://me:hush@p.example\ncacert = /a\n-uhush\n",
        ".condarc": "proxy_servers: hush\nchannel_alias: https://hush@c.example\nssl_verify: /a\n",
        ".config/uv/uv.toml": 'index-url = "https://me:hush@i.example/"\nsystem-certs = true\n',
        ".wgetrc": "password = hush\nca_certificate = /a\n",
        ".cargo/config.toml": '[http]\nproxy = "me:hush@p"\ncainfo = "/a"\n',
        ".aws/config": "[default]\naws_secret_access_key = hush\nca_bundle = /a\n",
    }
    for name, text in texts.items():
        path = around.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = find_settings(around)
    assert {each.client for each in found.settings} == {"npm", "pip", "curl", "conda", "uv", "wget", "cargo", "AWS"}
    assert "hush" not in repr(found)
    assert found.wrong == ()


def test_a_broken_file_is_named_with_its_line_and_the_others_are_read(around: Surroundings) -> None:
    (around.home / ".pip").mkdir()
    (around.home / ".pip/pip.conf").write_text("[global]\nhush\n")
    (around.home / ".curlrc").write_text("insecure\n")
    found = find_settings(around)
    assert found.wrong == (("pip", f"{around.home}/.pip/pip.conf", 2, "neither a section nor a setting", True),)
    assert [each.client for each in found.settings] == ["curl"]


@pytest.mark.timeout(10)
def test_what_is_no_file_is_named_and_not_waited_for(around: Surroundings) -> None:
    os.mkfifo(around.home / ".npmrc")
    (around.home / ".wgetrc").mkdir()
    assert find_settings(around).wrong == (
        ("npm", f"{around.home}/.npmrc", 0, "a pipe, not a regular file", False),
        ("wget", f"{around.home}/.wgetrc", 0, "a folder, not a file", False),
    )
