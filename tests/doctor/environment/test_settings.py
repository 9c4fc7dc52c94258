"""Settings files that go before a variable: each client's, with the fault and without."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.environments import SYSTEM_PATH
from support.here import alone, found, put
from support.snapshot import roots
from support.table import cases

from certboot.doctor.environment import check
from certboot.doctor.finding import Finding
from certboot.store.paths import StorePaths
from certboot.store.request import Request
from certboot.store.update import apply


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return alone(monkeypatch, tmp_path)


@pytest.fixture
def store(paths: StorePaths) -> StorePaths:
    apply(paths, Request("init"))
    return paths


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A file with one of the store's three anchors."""
    return str(put(tmp_path / "own.pem", roots()[0].pem))


# Client, file below HOME, its text, the name of the setting, its line, what it goes before.
SETTINGS = [
    ("pip", ".config/pip/pip.conf", "[global]\ncert = {}\n", "global.cert", 2, "REQUESTS_CA_BUNDLE"),
    ("curl", ".curlrc", "# words\ncacert = {}\n", "cacert", 2, "SSL_CERT_FILE, CURL_CA_BUNDLE"),
    ("npm", ".npmrc", "cafile={}\n", "cafile", 1, "NODE_EXTRA_CA_CERTS"),
    ("conda", ".condarc", "ssl_verify: {}\n", "ssl_verify", 1, "REQUESTS_CA_BUNDLE"),
    ("cargo", ".cargo/config.toml", "[http]\ncainfo = '{}'\n", "cainfo", 2, "SSL_CERT_FILE"),
    ("AWS", ".aws/config", "[default]\nca_bundle = {}\n", "default.ca-bundle", 2, "REQUESTS_CA_BUNDLE"),
    ("git", ".gitconfig", "[http]\n\tsslCAInfo = {}\n", "http.sslCAInfo", 2, "what certboot sets"),
]
EACH = pytest.mark.parametrize(
    ("client", "file", "text", "name", "line", "before"), SETTINGS, ids=[row[0] for row in SETTINGS]
)


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), "PATH": SYSTEM_PATH, **more}


@EACH
def test_a_setting_that_wins_is_told_with_its_line_and_what_it_lacks(  # noqa: PLR0913, PLR0917 - a table
    store: StorePaths, clean: Path, own: str, client: str, file: str, text: str, name: str, line: int, before: str
) -> None:
    put(clean / file, text.format(own))
    (finding,) = found(store, environ(clean))
    assert (finding.id, finding.status, finding.subject) == ("setting-overrides-certboot", "warn", client)
    assert finding.summary == (
        f"{name} in {clean / file}:{line} goes before {before}: {own}, 1 certificates; "
        "it lacks 2 of the store's 3 anchors, such as Root B"
    )
    expected = {"client": client, "setting": name, "file": str(clean / file), "line": line, "value": own}
    assert expected.items() <= finding.evidence.items()
    assert finding.evidence["anchors_missing"] == 2


@EACH
def test_a_setting_that_names_the_store_is_as_it_should_be(  # noqa: PLR0913, PLR0917 - a table
    store: StorePaths, clean: Path, own: str, client: str, file: str, text: str, name: str, line: int, before: str
) -> None:
    assert before
    value = str(store.current / "bundle.pem")
    put(clean / file, text.format(value))
    assert found(store, environ(clean)) == []
    (finding,) = (each for each in check.check(store, environ(clean)) if each.id.startswith("setting-"))
    assert (finding.id, finding.status, finding.subject) == ("setting-names-store", "ok", client)
    assert finding.summary == f"{clean / file}:{line} names certboot's store"
    assert (finding.evidence["setting"], finding.evidence["value"], finding.fix) == (name, value, ())
    put(clean / file, text.format(own))
    assert only(store, environ(clean)) == ("setting-overrides-certboot", "warn")


@EACH
def test_a_setting_that_wins_and_lacks_nothing_is_for_information(  # noqa: PLR0913, PLR0917
    store: StorePaths, clean: Path, tmp_path: Path, client: str, file: str, text: str, name: str, line: int, before: str
) -> None:
    del name, line, before
    put(clean / file, text.format(put(tmp_path / "all.pem", b"".join(root.pem for root in roots()))))
    (finding,) = found(store, environ(clean))
    assert (finding.id, finding.status, finding.subject) == ("setting-overrides-certboot", "info", client)


@EACH
def test_a_setting_that_names_the_store_is_right(  # noqa: PLR0913, PLR0917
    store: StorePaths, clean: Path, client: str, file: str, text: str, name: str, line: int, before: str
) -> None:
    del client, name, line, before
    put(clean / file, text.format(store.current / "bundle.pem"))
    assert found(store, environ(clean)) == []


@EACH
def test_a_setting_that_leads_nowhere_is_a_failure(  # noqa: PLR0913, PLR0917
    store: StorePaths, clean: Path, client: str, file: str, text: str, name: str, line: int, before: str
) -> None:
    del before
    put(clean / file, text.format("/nowhere.pem"))
    (finding,) = found(store, environ(clean))
    assert (finding.id, finding.status, finding.subject) == ("setting-points-nowhere", "fail", client)
    assert finding.summary == f"{name} in {clean / file}:{line}: no such file: /nowhere.pem"


@EACH
def test_a_setting_that_names_no_certificates_is_a_failure(  # noqa: PLR0913, PLR0917
    store: StorePaths, clean: Path, tmp_path: Path, client: str, file: str, text: str, name: str, line: int, before: str
) -> None:
    del name, line, before
    put(clean / file, text.format(put(tmp_path / "notes.txt", "words")))
    (finding,) = found(store, environ(clean))
    assert (finding.id, finding.status, finding.subject) == ("setting-not-certificates", "fail", client)


@EACH
def test_a_directory_is_right_for_some_and_wrong_for_others(  # noqa: PLR0913, PLR0917
    store: StorePaths, clean: Path, tmp_path: Path, client: str, file: str, text: str, name: str, line: int, before: str
) -> None:
    del name, line, before
    put(tmp_path / "hashed" / "01234567.0", roots()[0].pem)
    put(clean / file, text.format(tmp_path / "hashed"))
    (finding,) = found(store, environ(clean))
    kind = "setting-overrides-certboot" if client in ("pip", "conda") else "setting-directory-for-file-client"
    assert (finding.id, finding.subject) == (kind, client)


@cases(("file", "text"), [(".curlrc", "capath = {}\n"), (".gitconfig", "[http]\n\tsslCAPath = {}\n")])
def test_settings_for_directories(store: StorePaths, clean: Path, tmp_path: Path, file: str, text: str) -> None:
    put(clean / file, text.format(put(tmp_path / "plain" / "a.pem", roots()[0].pem).parent))
    assert [each.id for each in found(store, environ(clean))] == ["setting-not-certificates"]
    put(tmp_path / "plain" / "01234567.0", roots()[0].pem)
    assert [each.id for each in found(store, environ(clean))] == ["setting-overrides-certboot"]


def only(paths: StorePaths, environment: dict[str, str]) -> tuple[str, str]:
    (finding,) = found(paths, environment)
    return finding.id, finding.status


def test_what_pip_is_told_counts_beside_the_store_where_a_variable_names_that(
    store: StorePaths, clean: Path, own: str
) -> None:
    put(clean / ".pip/pip.conf", f"[global]\ncert = {own}\n")
    assert only(store, environ(clean)) == ("setting-overrides-certboot", "warn")
    value = str(store.current / "bundle.pem")
    assert only(store, environ(clean, SSL_CERT_FILE=value)) == ("setting-overrides-certboot", "info")


@cases("value", ["true", "false", "<True>", "null", ""])
def test_a_switch_is_no_path(store: StorePaths, clean: Path, value: str) -> None:
    put(clean / ".condarc", f"ssl_verify: {value}\n")
    put(clean / ".npmrc", "cafile = null\nca = null\n")
    assert "setting" not in str([each.id for each in found(store, environ(clean))])


def test_certificates_inside_an_npmrc_go_before_everything(store: StorePaths, clean: Path) -> None:
    put(clean / ".npmrc", 'ca[]="-----BEGIN CERTIFICATE-----\\nMII\\n-----END CERTIFICATE-----"\n')
    assert only(store, environ(clean)) == ("setting-overrides-certboot", "warn")


def test_of_several_files_the_one_that_counts_most_is_told(store: StorePaths, clean: Path, own: str) -> None:
    put(clean / ".pip/pip.conf", "[global]\ncert = /nowhere\n")
    put(clean / ".config/pip/pip.conf", f"[global]\ncert = {own}\n")
    assert only(store, environ(clean)) == ("setting-overrides-certboot", "warn")


def test_the_home_folder_is_known_where_the_client_knows_it(store: StorePaths, clean: Path, own: str) -> None:
    put(clean / "own.pem", Path(own).read_bytes())
    put(clean / ".config/pip/pip.conf", "[global]\ncert = ~/own.pem\n")
    assert only(store, environ(clean)) == ("setting-overrides-certboot", "warn")
    put(clean / ".config/pip/pip.conf", "")
    put(clean / ".curlrc", "cacert = ~/own.pem\n")  # curl takes it as it stands
    assert only(store, environ(clean)) == ("setting-points-nowhere", "fail")


def test_a_reference_of_npm_and_a_relative_path_of_cargo_are_followed(store: StorePaths, clean: Path, own: str) -> None:
    put(clean / ".npmrc", "cafile=${CORP}/own.pem\n")
    assert only(store, environ(clean, CORP=str(Path(own).parent))) == ("setting-overrides-certboot", "warn")
    put(clean / ".npmrc", "")
    put(clean / ".cargo/config.toml", "[http]\ncainfo = 'own.pem'\n")
    put(clean / "own.pem", Path(own).read_bytes())
    assert only(store, environ(clean)) == ("setting-overrides-certboot", "warn")


def test_only_the_profile_of_aws_that_is_used_counts(store: StorePaths, clean: Path, own: str) -> None:
    put(clean / ".aws/config", f"[profile dev]\nca_bundle = {own}\n")
    assert found(store, environ(clean)) == []
    assert only(store, environ(clean, AWS_PROFILE="dev")) == ("setting-overrides-certboot", "warn")


@cases("name", ["npm_config_cafile", "NPM_CONFIG_CAFILE", "CONDA_SSL_VERIFY"])
def test_variables_of_the_clients_own_count_like_settings(store: StorePaths, clean: Path, own: str, name: str) -> None:
    put(clean / ".npmrc", "cafile=/nowhere\n")
    put(clean / ".condarc", "ssl_verify: /nowhere\n")
    findings = {each.subject: each for each in found(store, environ(clean, **{name: own}))}
    finding = findings["conda" if "CONDA" in name else "npm"]
    assert (finding.id, finding.evidence["file"]) == ("setting-overrides-certboot", "")
    assert " in a variable goes before " in finding.summary


# The other way round


def test_git_goes_by_the_variable_and_init_gives_way_to_the_setting(
    store: StorePaths, clean: Path, own: str, certboot: Callable[..., object]
) -> None:
    """Without this the hook would overrule what the user chose for git."""
    value = str(store.current / "bundle.pem")
    put(clean / ".gitconfig", f"[http]\n\tsslCAInfo = {own}\n")
    (finding,) = found(store, environ(clean, GIT_SSL_CAINFO=value))
    assert (finding.id, finding.status, finding.subject) == ("setting-without-effect", "warn", "git")
    assert finding.fix == (("certboot", "init"),)
    assert "GIT_SSL_CAINFO" in store.env.read_text()
    certboot(*finding.fix[0][1:])
    assert "GIT_SSL_CAINFO" not in store.env.read_text()
    assert only(store, environ(clean)) == ("setting-overrides-certboot", "warn")


@cases(
    ("file", "text", "variable"),
    [
        (".gitconfig", "[http]\n\tsslCAInfo = {}\n", "GIT_SSL_CAINFO"),
        (".cargo/config.toml", "[http]\ncainfo = '{}'\n", "CARGO_HTTP_CAINFO"),
        (".aws/config", "[default]\nca_bundle = {}\n", "AWS_CA_BUNDLE"),
    ],
)
def test_a_setting_behind_a_variable_has_no_effect(
    store: StorePaths, clean: Path, own: str, file: str, text: str, variable: str
) -> None:
    put(clean / file, text.format("/nowhere.pem"))
    assert only(store, environ(clean)) == ("setting-points-nowhere", "fail")
    kinds = {each.id: each.status for each in found(store, environ(clean, **{variable: own}))}
    assert kinds == {"setting-without-effect": "info", "variable-overrides-certboot": "warn"}


@cases(("value", "named", "kind"), [
    ("/variable.pem", "/variable.pem", "setting-without-effect"),
    ("", "/setting.pem", "setting-points-nowhere"),
    (None, "/setting.pem", "setting-points-nowhere"),
])  # fmt: skip
def test_pip_goes_by_its_variable_unless_that_is_empty(
    store: StorePaths, clean: Path, value: str | None, named: str, kind: str
) -> None:
    import sys

    put(clean / ".config/pip/pip.conf", "[global]\ncert = /setting.pem\n")
    variables = {} if value is None else {"PIP_CERT": value}
    argv = [sys.executable, "-m", "pip", "download", "--retries", "0", "--index-url", "https://localhost:1/", "x"]
    ran = subprocess.run(argv, env=environ(clean, **variables), capture_output=True, text=True, check=False, cwd=clean)
    assert f"invalid path: {named}" in ran.stderr
    (finding,) = (each for each in found(store, environ(clean, **variables)) if each.id.startswith("setting-"))
    assert finding.id == kind


def test_uv_asks_the_system_only_while_nothing_names_a_file(store: StorePaths, clean: Path, project: Path) -> None:
    put(project / "pyproject.toml", "[tool.uv]\nsystem-certs = true\n")
    assert only(store, environ(clean)) == ("setting-chooses-system", "info")
    value = str(store.current / "bundle.pem")
    assert only(store, environ(clean, SSL_CERT_FILE=value)) == ("setting-without-effect", "info")
    put(project / "pyproject.toml", "[tool.uv]\nsystem-certs = false\n")
    assert found(store, environ(clean)) == []
    assert only(store, environ(clean, UV_SYSTEM_CERTS="1")) == ("setting-chooses-system", "info")


def test_conda_may_ask_the_system(store: StorePaths, clean: Path) -> None:
    put(clean / ".condarc", "ssl_verify: truststore\n")
    assert only(store, environ(clean)) == ("setting-chooses-system", "info")


# Files that are wrong


def wrong(paths: StorePaths, home: Path) -> Finding:
    (finding,) = found(paths, environ(home))
    return finding


@cases(
    ("client", "file", "text", "line", "status"),
    [
        ("pip", ".pip/pip.conf", "[global]\nhush\n", 2, "fail"),
        ("uv", ".config/uv/uv.toml", 'a = "hush\n', 1, "fail"),
        ("wget", ".wgetrc", "# words\nhush\n", 2, "fail"),
        ("conda", ".condarc", "a:\n\thush: 1\n", 2, "fail"),
    ],
)
def test_a_broken_file_is_a_finding_with_its_line(  # noqa: PLR0913, PLR0917
    store: StorePaths, clean: Path, client: str, file: str, text: str, line: int, status: str
) -> None:
    put(clean / file, text)
    finding = wrong(store, clean)
    assert (finding.id, finding.status, finding.subject) == ("settings-file-broken", status, client)
    assert (finding.evidence["file"], finding.evidence["line"]) == (str(clean / file), line)
    assert finding.summary.endswith(f": {clean / file}:{line}")
    assert "hush" not in repr(finding)


@pytest.mark.timeout(20)
def test_a_pipe_is_a_finding_and_not_waited_for(store: StorePaths, clean: Path) -> None:
    import os

    os.mkfifo(clean / ".npmrc")
    finding = wrong(store, clean)
    assert (finding.id, finding.status, finding.subject) == ("settings-file-unread", "warn", "npm")
    assert finding.summary == f"not looked at, a pipe, not a regular file: {clean}/.npmrc"


def test_the_program_pip_refuses_what_is_called_broken(clean: Path) -> None:
    import sys

    put(clean / ".pip/pip.conf", "[global]\nhush\n")
    argv = [sys.executable, "-m", "pip", "config", "list"]
    ran = subprocess.run(argv, env=environ(clean), capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode != 0
    put(clean / ".pip/pip.conf", "[global]\n")
    assert subprocess.run(argv, env=environ(clean), capture_output=True, check=False, timeout=60).returncode == 0
