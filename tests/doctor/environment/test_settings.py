"""Settings files that go before a variable: each client's, with the fault and without."""

from __future__ import annotations

import os
import subprocess
import sys
import typing
from pathlib import Path

import pytest
from support.commands import Run
from support.environments import SYSTEM_PATH
from support.here import found, put
from support.snapshot import roots
from support.table import cases

from certboot.doctor.environment import check
from certboot.doctor.finding import Finding
from certboot.store.paths import StorePaths

WINS, NOWHERE, USELESS = "setting-overrides-certboot", "setting-points-nowhere", "setting-not-certificates"
IDLE, SYSTEM = "setting-without-effect", "setting-chooses-system"


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A file with one of the store's three anchors."""
    return str(put(tmp_path / "own.pem", roots()[0].pem))


@pytest.fixture
def bundle(store: StorePaths) -> str:
    return str(store.current / "bundle.pem")


class Setting(typing.NamedTuple):
    client: str
    file: str
    """Below HOME."""
    text: str
    name: str
    line: int
    before: str
    """What it goes before."""


SETTINGS = [
    Setting("pip", ".config/pip/pip.conf", "[global]\ncert = {}\n", "global.cert", 2, "REQUESTS_CA_BUNDLE"),
    Setting("curl", ".curlrc", "# words\ncacert = {}\n", "cacert", 2, "SSL_CERT_FILE, CURL_CA_BUNDLE"),
    Setting("npm", ".npmrc", "cafile={}\n", "cafile", 1, "NODE_EXTRA_CA_CERTS"),
    Setting("conda", ".condarc", "ssl_verify: {}\n", "ssl_verify", 1, "REQUESTS_CA_BUNDLE"),
    Setting("cargo", ".cargo/config.toml", "[http]\ncainfo = '{}'\n", "cainfo", 2, "SSL_CERT_FILE"),
    Setting("AWS", ".aws/config", "[default]\nca_bundle = {}\n", "default.ca-bundle", 2, "REQUESTS_CA_BUNDLE"),
    Setting("git", ".gitconfig", "[http]\n\tsslCAInfo = {}\n", "http.sslCAInfo", 2, "what certboot sets"),
]


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), "PATH": SYSTEM_PATH, **more}


def wrong(paths: StorePaths, home: Path, **more: str) -> Finding:
    (finding,) = found(paths, environ(home, **more))
    return finding


def only(paths: StorePaths, home: Path, **more: str) -> tuple[str, str]:
    finding = wrong(paths, home, **more)
    return finding.id, finding.status


@cases("setting", SETTINGS)
def test_a_setting_that_wins_is_told_with_its_line(store: StorePaths, clean: Path, own: str, setting: Setting) -> None:
    client, file, text, name, line, before = setting
    put(clean / file, text.format(own))
    finding = wrong(store, clean)
    assert (finding.id, finding.status, finding.subject) == (WINS, "warn", client)
    assert finding.summary == (
        f"{name} in {clean / file}:{line} goes before {before}: {own}, 1 certificate; "
        "it lacks 2 of the store's 3 anchors, all of them public"
    )
    expected = {"client": client, "setting": name, "file": str(clean / file), "line": line, "value": own}
    assert {**expected, "anchors_missing": 2}.items() <= finding.evidence.items()


@cases("setting", SETTINGS)
def test_a_setting_that_names_the_store_is_good(store: StorePaths, clean: Path, bundle: str, setting: Setting) -> None:
    put(clean / setting.file, setting.text.format(bundle))
    assert found(store, environ(clean)) == []
    (finding,) = (each for each in check.check(store, environ(clean)) if each.id.startswith("setting-"))
    assert (finding.id, finding.status, finding.subject) == ("setting-names-store", "ok", setting.client)
    assert finding.summary == f"{clean / setting.file}:{setting.line} names certboot's store"
    assert (finding.evidence["setting"], finding.evidence["value"], finding.fix) == (setting.name, bundle, ())


@cases("setting", SETTINGS)
def test_what_a_setting_names_decides(
    store: StorePaths, clean: Path, whole: str, tmp_path: Path, setting: Setting
) -> None:
    folder = str(put(tmp_path / "hashed" / "01234567.0", roots()[0].pem).parent)
    takes_folders = setting.client in ("pip", "conda")
    expected = {
        whole: (WINS, "info"),
        "/nowhere.pem": (NOWHERE, "fail"),
        str(put(tmp_path / "notes.txt", "words")): (USELESS, "fail"),
        folder: (WINS, "warn") if takes_folders else ("setting-directory-for-file-client", "fail"),
    }
    for value, kind in expected.items():
        put(clean / setting.file, setting.text.format(value))
        finding = wrong(store, clean)
        assert (finding.id, finding.status, finding.subject) == (*kind, setting.client)
    put(clean / setting.file, setting.text.format("/nowhere.pem"))
    place = f"{setting.name} in {clean / setting.file}:{setting.line}"
    assert wrong(store, clean).summary == f"{place}: no such file: /nowhere.pem"


@cases(("file", "text"), [(".curlrc", "capath = {}\n"), (".gitconfig", "[http]\n\tsslCAPath = {}\n")])
def test_settings_for_directories(store: StorePaths, clean: Path, tmp_path: Path, file: str, text: str) -> None:
    put(clean / file, text.format(put(tmp_path / "plain" / "a.pem", roots()[0].pem).parent))
    assert wrong(store, clean).id == USELESS
    put(tmp_path / "plain" / "01234567.0", roots()[0].pem)
    assert wrong(store, clean).id == WINS


@cases("value", ["true", "false", "<True>", "null", ""])
def test_a_switch_is_no_path(store: StorePaths, clean: Path, value: str) -> None:
    put(clean / ".condarc", f"ssl_verify: {value}\n")
    put(clean / ".npmrc", "cafile = null\nca = null\n")
    assert "setting" not in str([each.id for each in found(store, environ(clean))])


# Files, variables of the environment beside them, and what comes of it.
@cases(("files", "more", "expected"), [
    ({".pip/pip.conf": "[global]\ncert = {own}\n"}, {}, (WINS, "warn")),
    ({".pip/pip.conf": "[global]\ncert = {own}\n"}, {"SSL_CERT_FILE": "{bundle}"}, (WINS, "info")),
    ({".npmrc": 'ca[]="-----BEGIN CERTIFICATE-----\\nMII\\n-----END CERTIFICATE-----"\n'}, {}, (WINS, "warn")),
    # Of several files the one that counts most.
    ({".pip/pip.conf": "[global]\ncert = /no\n", ".config/pip/pip.conf": "[global]\ncert = {own}\n"}, {},
     (WINS, "warn")),
    # The home folder is known where the client knows it, and a relative path, and a reference.
    ({".config/pip/pip.conf": "[global]\ncert = ~/own.pem\n"}, {}, (WINS, "warn")),
    ({".curlrc": "cacert = ~/own.pem\n"}, {}, (NOWHERE, "fail")),
    ({".npmrc": "cafile=${{CORP}}/own.pem\n"}, {"CORP": "{home}"}, (WINS, "warn")),
    ({".cargo/config.toml": "[http]\ncainfo = 'own.pem'\n"}, {}, (WINS, "warn")),
    ({".aws/config": "[profile dev]\nca_bundle = {own}\n"}, {}, None),
    ({".aws/config": "[profile dev]\nca_bundle = {own}\n"}, {"AWS_PROFILE": "dev"}, (WINS, "warn")),
    ({".condarc": "ssl_verify: truststore\n"}, {}, (SYSTEM, "info")),
    # uv asks the system only while nothing names a file.
    ({"../project/pyproject.toml": "[tool.uv]\nsystem-certs = true\n"}, {}, (SYSTEM, "info")),
    ({"../project/pyproject.toml": "[tool.uv]\nsystem-certs = true\n"}, {"SSL_CERT_FILE": "{bundle}"}, (IDLE, "info")),
    ({"../project/pyproject.toml": "[tool.uv]\nsystem-certs = false\n"}, {}, None),
    ({"../project/pyproject.toml": "[tool.uv]\nsystem-certs = false\n"}, {"UV_SYSTEM_CERTS": "1"}, (SYSTEM, "info")),
])  # fmt: skip
def test_what_counts_is_what_the_client_goes_by(  # noqa: PLR0913, PLR0917 - a table
    store: StorePaths, clean: Path, own: str, bundle: str, files: dict[str, str], more: dict[str, str],
    expected: tuple[str, str] | None,
) -> None:  # fmt: skip
    put(clean / "own.pem", Path(own).read_bytes())
    values = {"own": own, "bundle": bundle, "home": clean}
    for name, text in files.items():
        put(clean / name, text.format(**values))
    findings = found(store, environ(clean, **{name: value.format(**values) for name, value in more.items()}))
    assert [(each.id, each.status) for each in findings] == ([expected] if expected else [])


@cases("name", ["npm_config_cafile", "NPM_CONFIG_CAFILE", "CONDA_SSL_VERIFY"])
def test_variables_of_the_clients_own_count_like_settings(store: StorePaths, clean: Path, own: str, name: str) -> None:
    put(clean / ".npmrc", "cafile=/nowhere\n")
    put(clean / ".condarc", "ssl_verify: /nowhere\n")
    findings = {each.subject: each for each in found(store, environ(clean, **{name: own}))}
    finding = findings["conda" if "CONDA" in name else "npm"]
    assert (finding.id, finding.evidence["file"]) == (WINS, "")
    assert " in a variable goes before " in finding.summary


# The other way round


def test_git_goes_by_the_variable_init_gives(
    store: StorePaths, clean: Path, own: str, bundle: str, certboot: Run
) -> None:
    """Without this the hook would overrule what the user chose for git."""
    put(clean / ".gitconfig", f"[http]\n\tsslCAInfo = {own}\n")
    finding = wrong(store, clean, GIT_SSL_CAINFO=bundle)
    assert (finding.id, finding.status, finding.subject) == (IDLE, "warn", "git")
    assert finding.fix == (("certboot", "init"),)
    assert "GIT_SSL_CAINFO" in store.env.read_text()
    certboot(*finding.fix[0][1:])
    assert "GIT_SSL_CAINFO" not in store.env.read_text()
    assert only(store, clean) == (WINS, "warn")


@cases(("client", "variable"), [("git", "GIT_SSL_CAINFO"), ("cargo", "CARGO_HTTP_CAINFO"), ("AWS", "AWS_CA_BUNDLE")])
def test_a_setting_behind_a_variable_is_idle(
    store: StorePaths, clean: Path, own: str, client: str, variable: str
) -> None:
    (setting,) = (each for each in SETTINGS if each.client == client)
    put(clean / setting.file, setting.text.format("/nowhere.pem"))
    kinds = {each.id: each.status for each in found(store, environ(clean, **{variable: own}))}
    assert kinds == {IDLE: "info", "variable-overrides-certboot": "warn"}


def pip(home: Path, *argv: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", *argv]
    return subprocess.run(
        command, env=environ(home, **variables), capture_output=True, text=True, check=False, cwd=home, timeout=60
    )


@cases(("value", "named", "kind"), [
    ("/variable.pem", "/variable.pem", IDLE), ("", "/setting.pem", NOWHERE), (None, "/setting.pem", NOWHERE),
])  # fmt: skip
def test_pip_goes_by_its_variable_if_set(
    store: StorePaths, clean: Path, value: str | None, named: str, kind: str
) -> None:
    put(clean / ".config/pip/pip.conf", "[global]\ncert = /setting.pem\n")
    variables = {} if value is None else {"PIP_CERT": value}
    ran = pip(clean, "download", "--retries", "0", "--index-url", "https://localhost:1/", "x", **variables)
    assert f"invalid path: {named}" in ran.stderr
    (finding,) = (each for each in found(store, environ(clean, **variables)) if each.id.startswith("setting-"))
    assert finding.id == kind


# Files that are wrong


@cases(("client", "file", "text", "line"), [
    ("pip", ".pip/pip.conf", "[global]\nhush\n", 2),
    ("uv", ".config/uv/uv.toml", 'a = "hush\n', 1),
    ("wget", ".wgetrc", "# words\nhush\n", 2),
    ("conda", ".condarc", "a:\n\thush: 1\n", 2),
])  # fmt: skip
def test_a_broken_file_is_a_failure_with_its_line(
    store: StorePaths, clean: Path, client: str, file: str, text: str, line: int
) -> None:
    put(clean / file, text)
    finding = wrong(store, clean)
    assert (finding.id, finding.status, finding.subject) == ("settings-file-broken", "fail", client)
    assert (finding.evidence["file"], finding.evidence["line"]) == (str(clean / file), line)
    assert finding.summary.endswith(f": {clean / file}:{line}")
    assert "hush" not in repr(finding)


@pytest.mark.timeout(20)
def test_a_pipe_is_a_finding_and_not_waited_for(store: StorePaths, clean: Path) -> None:
    os.mkfifo(clean / ".npmrc")
    finding = wrong(store, clean)
    assert (finding.id, finding.status, finding.subject) == ("settings-file-unread", "warn", "npm")
    assert finding.summary == f"not looked at, a pipe, not a regular file: {clean}/.npmrc"


def test_the_program_pip_refuses_what_is_called_broken(clean: Path) -> None:
    for text, refused in (("[global]\nhush\n", True), ("[global]\n", False)):
        put(clean / ".pip/pip.conf", text)
        assert bool(pip(clean, "config", "list").returncode) == refused
