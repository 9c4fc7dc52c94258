from __future__ import annotations

import subprocess
from pathlib import Path

from support.environments import SYSTEM_PATH
from support.table import cases

from certboot.clients import settings
from certboot.clients.table import CLIENTS, KEYS, looked_up

OWN = "/own.pem"
EVERY = tuple(client.name for client in CLIENTS)


def found(home: Path, **environ: str) -> dict[str, dict[str, str]]:
    """Return client -> setting -> value; those of this machine are left out where the user has none."""
    environ = {"HOME": str(home), "PATH": SYSTEM_PATH, "GIT_CONFIG_SYSTEM": "/dev/null", **environ}
    every = settings.client_settings(environ, EVERY, home)
    return {
        client: {name: each.value for name, each in named.items() if Path(each.file).is_relative_to(home)}
        for client, named in every.items()
        if any(Path(each.file).is_relative_to(home) for each in named.values())
    }


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


FILES = {
    "pip": (".config/pip/pip.conf", "[global]\ncert = ~/own.pem\n", {"pip": {"cert": "{home}/own.pem"}}),
    "curl": (".curlrc", 'cacert = "/own.pem"\n--capath /own\n', {"curl": {"cacert": OWN, "capath": "/own"}}),
    "npm": (".npmrc", "cafile=${WHERE}/own.pem\nca=null\n", {"npm": {"cafile": "/there/own.pem"}}),
    "wget": (".wgetrc", "ca-certificate = /own.pem\n", {"wget": {"ca_certificate": OWN}}),
    "cargo": (".cargo/config.toml", '[http]\ncainfo = "own.pem"\n', {"cargo": {"http.cainfo": "{home}/own.pem"}}),
    "uv": (".config/uv/uv.toml", "system-certs = true\n", {"uv": {"system-certs": "true"}}),
    "aws": (
        ".aws/config",
        "[default]\nca_bundle = /own.pem\n[profile other]\nca_bundle = /other.pem\n",
        {"botocore": {"ca_bundle": OWN}, "AWS CLI": {"ca_bundle": OWN}},
    ),
}


@cases("file", FILES)
def test_a_users_setting_is_found_by_the_names_of_the_table(clean: Path, file: str) -> None:
    path, text, expected = FILES[file]
    assert found(clean) == {}
    write(clean / path, text)
    assert found(clean, WHERE="/there") == {
        client: {name: value.replace("{home}", str(clean)) for name, value in named.items()}
        for client, named in expected.items()
    }


def test_every_setting_that_decides_whom_a_client_trusts_is_in_some_file() -> None:
    deciding = {name for client in CLIENTS for name in ((client.files.owner, key.last) for key in looked_up(client))}
    assert deciding <= KEYS.keys()
    assert {owner for owner, _ in deciding} == {"pip", "AWS", "uv", "curl", "git", "npm", "wget", "cargo"}


PATHS = {
    "pip": ("~/own.pem", "{home}/own.pem"),
    "npm": ("~/${NAME}.pem", "{home}/own.pem"),
    "conda": ("~/own.pem", "{home}/own.pem"),
    "git": ("~/own.pem", "{home}/own.pem"),
    "curl": ("~/own.pem", "~/own.pem"),
    "wget": ("~/own.pem", "~/own.pem"),
    "AWS": ("~/own.pem", "~/own.pem"),
    "cargo": ("own.pem", "/there/own.pem"),
}


@cases("owner", PATHS)
def test_a_path_is_read_as_its_client_reads_it_wherever_it_is_told(clean: Path, owner: str) -> None:
    value, expected = PATHS[owner]
    setting = settings.Setting(owner, "cert", value, "/there/folder/file", 1)
    assert settings.as_path(setting, {"NAME": "own"}) == expected.replace("{home}", str(clean))
    plain = setting._replace(value="/own.pem")  # the control
    assert settings.as_path(plain, {}) == OWN


def test_another_profile_of_aws_counts_when_it_is_chosen(clean: Path) -> None:
    write(clean / ".aws/config", FILES["aws"][1])
    assert found(clean, AWS_PROFILE="other")["botocore"] == {"ca_bundle": "/other.pem"}
    assert found(clean, AWS_PROFILE="none") == {}


def test_git_is_asked_for_its_settings_for_all_addresses(clean: Path, tmp_path: Path) -> None:
    environ = {"HOME": str(clean), "PATH": SYSTEM_PATH}
    for name, value in (("http.sslCAInfo", "~/own.pem"), ("http.https://a.example/.sslCAInfo", "/other.pem")):
        subprocess.run(["git", "config", "--global", name, value], env=environ, check=True, cwd=tmp_path)
    assert found(clean) == {"git": {"http.sslCAInfo": f"{clean}/own.pem"}}
    outranked = {"GIT_SSL_CAINFO": "/x", "GIT_SSL_CAPATH": "/x"}
    assert found(clean, **outranked) == {}


def test_git_is_not_asked_where_it_is_not_there(clean: Path) -> None:
    subprocess.run(
        ["git", "config", "--global", "http.sslCAInfo", OWN], env={"HOME": str(clean), "PATH": SYSTEM_PATH}, check=True
    )
    environ = {"HOME": str(clean), "PATH": SYSTEM_PATH}
    assert "git" not in settings.client_settings(environ, ("pip",), clean)
