"""What is found in the clients' own files, by the names of the table and without what is nobody's business."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support.environments import SYSTEM_PATH
from support.here import put
from support.table import cases

from certboot.clients import settings
from certboot.clients.settings import find_settings
from certboot.clients.settings_places import Surroundings
from certboot.clients.table import CLIENTS, KEYS, looked_up

OWN = "/own.pem"
EVERY = tuple(client.name for client in CLIENTS)


@pytest.fixture
def around(clean: Path, tmp_path: Path) -> Surroundings:
    return Surroundings({"HOME": str(clean), "PATH": "/nowhere"}, clean, tmp_path / "root")


def found(home: Path, **environ: str) -> dict[str, dict[str, str]]:
    """Return client -> setting -> value; those of this machine are left out where the user has none."""
    environ = {"HOME": str(home), "PATH": SYSTEM_PATH, "GIT_CONFIG_SYSTEM": "/dev/null", **environ}
    own = {
        client: {name: held.value for name, held in named.items() if Path(held.file).is_relative_to(home)}
        for client, named in settings.client_settings(environ, EVERY, home).items()
    }
    return {client: named for client, named in own.items() if named}


# Tokens and passwords stand in these files too.
FILES = {
    "pip": (
        ".config/pip/pip.conf", "[global]\nindex-url = https://me:hush@i.example/\ncert = ~/own.pem\n",
        {"pip": {"cert": "{home}/own.pem"}},
    ),
    "curl": (
        ".curlrc", 'user = me:hush\nproxy = http://me:hush@p.example\ncacert = "/own.pem"\n--capath /own\n-uhush\n',
        {"curl": {"cacert": OWN, "capath": "/own"}},
    ),
    "npm": (
        ".npmrc", "//r.example/:_authToken=hush\n_password=hush\ncafile=${WHERE}/own.pem\nca=null\n",
        {"npm": {"cafile": "/there/own.pem"}},
    ),
    "wget": (".wgetrc", "password = hush\nca-certificate = /own.pem\n", {"wget": {"ca_certificate": OWN}}),
    "cargo": (
        ".cargo/config.toml", '[http]\nproxy = "me:hush@p"\ncainfo = "own.pem"\n',
        {"cargo": {"http.cainfo": "{home}/own.pem"}},
    ),
    "uv": (
        ".config/uv/uv.toml", 'index-url = "https://me:hush@i.example/"\nsystem-certs = true\n',
        {"uv": {"system-certs": "true"}},
    ),
    "AWS": (
        ".aws/config",
        "[default]\naws_secret_access_key = hush\nca_bundle = /own.pem\n[profile other]\nca_bundle = /other.pem\n",
        {"botocore": {"ca_bundle": OWN}, "AWS CLI": {"ca_bundle": OWN}},
    ),
    "conda": (".condarc", "proxy_servers: hush\nchannel_alias: https://hush@c.example\nssl_verify: /a\n", {}),
}  # fmt: skip


@cases("owner", FILES)
def test_a_users_setting_is_found_by_the_names_of_the_table_and_nothing_else(
    clean: Path, around: Surroundings, owner: str
) -> None:
    path, text, expected = FILES[owner]
    assert (found(clean), find_settings(around)) == ({}, ((), ()))
    put(clean / path, text)
    every = find_settings(around)
    assert ({setting.client for setting in every.settings}, every.wrong) == ({owner}, ())
    assert "hush" not in repr(every)
    assert found(clean, WHERE="/there") == {
        client: {name: value.replace("{home}", str(clean)) for name, value in named.items()}
        for client, named in expected.items()
    }


def test_every_setting_that_decides_whom_a_client_trusts_is_in_some_file() -> None:
    deciding = {name for client in CLIENTS for name in ((client.files.owner, key.last) for key in looked_up(client))}
    assert deciding <= KEYS.keys()
    assert {owner for owner, _ in deciding} == {"pip", "AWS", "uv", "curl", "git", "npm", "wget", "cargo"}


@cases(
    ("owner", "value", "expected"),
    [
        *((owner, "~/own.pem", "{home}/own.pem") for owner in ("pip", "conda", "git")),
        *((owner, "~/own.pem", "~/own.pem") for owner in ("curl", "wget", "AWS")),
        ("npm", "~/${NAME}.pem", "{home}/own.pem"),
        ("cargo", "own.pem", "/there/own.pem"),
        ("cargo", OWN, OWN),
    ],
)
def test_a_path_is_read_as_its_client_reads_it_wherever_it_is_told(
    clean: Path, owner: str, value: str, expected: str
) -> None:
    setting = settings.Setting(owner, "cert", value, "/there/folder/file", 1)
    assert settings.as_path(setting, {"NAME": "own"}) == expected.replace("{home}", str(clean))


def test_another_profile_of_aws_counts_when_it_is_chosen(clean: Path) -> None:
    put(clean / ".aws/config", FILES["AWS"][1])
    assert found(clean, AWS_PROFILE="other")["botocore"] == {"ca_bundle": "/other.pem"}
    assert found(clean, AWS_PROFILE="none") == {}


def test_git_is_asked_for_its_settings_for_all_addresses_where_it_is_there(clean: Path, tmp_path: Path) -> None:
    environ = {"HOME": str(clean), "PATH": SYSTEM_PATH}
    for name, value in (("http.sslCAInfo", "~/own.pem"), ("http.https://a.example/.sslCAInfo", "/other.pem")):
        subprocess.run(["git", "config", "--global", name, value], env=environ, check=True, cwd=tmp_path)
    assert found(clean) == {"git": {"http.sslCAInfo": f"{clean}/own.pem"}}
    assert found(clean, GIT_SSL_CAINFO="/x", GIT_SSL_CAPATH="/x") == {}
    assert "git" not in settings.client_settings(environ, ("pip",), clean)


def test_a_broken_file_is_named_with_its_line_and_the_others_are_read(around: Surroundings) -> None:
    put(around.home / ".pip/pip.conf", "[global]\nhush\n")
    put(around.home / ".curlrc", "insecure\n")
    every = find_settings(around)
    assert every.wrong == (("pip", f"{around.home}/.pip/pip.conf", 2, "neither a section nor a setting", True),)
    assert [setting.client for setting in every.settings] == ["curl"]


@pytest.mark.timeout(10)
def test_what_is_no_file_is_named_and_not_waited_for(around: Surroundings) -> None:
    os.mkfifo(around.home / ".npmrc")
    (around.home / ".wgetrc").mkdir()
    assert find_settings(around).wrong == (
        ("npm", f"{around.home}/.npmrc", 0, "a pipe, not a regular file", False),
        ("wget", f"{around.home}/.wgetrc", 0, "a folder, not a file", False),
    )
