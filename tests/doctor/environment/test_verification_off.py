"""Verification that is switched off: every way, with the fault and without, and the remedies of other programs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.environments import SYSTEM_PATH
from support.here import found, put
from support.table import cases

from certboot.doctor.finding import Finding
from certboot.store.paths import StorePaths


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), "PATH": SYSTEM_PATH, **more}


def off(paths: StorePaths, home: Path, **more: str) -> list[Finding]:
    return [each for each in found(paths, environ(home, **more)) if each.id == "verification-disabled"]


# Variables


@cases(("name", "value", "status"), [
    ("GIT_SSL_NO_VERIFY", "1", "fail"),
    ("GIT_SSL_NO_VERIFY", "false", "fail"),
    ("GIT_SSL_NO_VERIFY", "", "fail"),
    ("NODE_TLS_REJECT_UNAUTHORIZED", "0", "fail"),
    ("NODE_TLS_REJECT_UNAUTHORIZED", "1", ""),
    ("NODE_TLS_REJECT_UNAUTHORIZED", "", ""),
    ("npm_config_strict_ssl", "false", "fail"),
    ("npm_config_strict_ssl", "true", ""),
    ("NPM_CONFIG_STRICT_SSL", "false", "fail"),
    ("CONDA_SSL_VERIFY", "False", "fail"),
    ("CONDA_SSL_VERIFY", "no", "fail"),
    ("CONDA_SSL_VERIFY", "true", ""),
    ("PIP_TRUSTED_HOST", "pypi.example", "warn"),
    ("PIP_TRUSTED_HOST", "", ""),
    ("UV_INSECURE_HOST", "*", "fail"),
    ("UV_INSECURE_HOST", " ", ""),
    ("PYTHONHTTPSVERIFY", "0", "info"),
    ("PYTHONHTTPSVERIFY", "1", ""),
])  # fmt: skip
def test_a_variable_that_switches_off(paths: StorePaths, clean: Path, name: str, value: str, status: str) -> None:
    findings = off(paths, clean, **{name: value})
    told = [(each.status, each.subject, each.evidence["variable"]) for each in findings]
    assert told == [(status, name, name)] * bool(status)
    assert not any(each.fix for each in findings)


def test_that_git_heeds_any_value_is_said(paths: StorePaths, clean: Path) -> None:
    (finding,) = off(paths, clean, GIT_SSL_NO_VERIFY="false")
    assert finding.summary == (
        "no certificate is checked by git while it is set, which it is by any value, 'false' too"
    )
    assert off(paths, clean, GIT_SSL_NO_VERIFY="1")[0].summary == "no certificate is checked by git while it is set"


def test_hosts_are_listed_without_credentials(paths: StorePaths, clean: Path) -> None:
    (finding,) = off(paths, clean, PIP_TRUSTED_HOST="a.example https://me:hush@b.example:8443")
    assert finding.summary == "pip checks no certificate of a.example, https://b.example:8443"
    assert finding.evidence["hosts"] == ["a.example", "https://b.example:8443"]


# Settings files

PIP, UV = ".config/pip/pip.conf", ".config/uv/uv.toml"
GIT = '[http "https://git.example/"]\n\tsslVerify'


@cases(("client", "file", "text", "control", "line", "status"), [
    ("pip", PIP, "[global]\ntrusted-host = a.example\n", "[global]\ntrusted-host =\n", 2, "warn"),
    ("pip", PIP, "[install]\ntrusted_host =\n  a.example\n  b.example\n", "[install]\n", 2, "warn"),
    ("curl", ".curlrc", "silent\ninsecure\n", "insecure\nno-insecure\n", 2, "fail"),
    ("curl", ".curlrc", "-sk\n", "-s\n", 1, "fail"),
    ("git", ".gitconfig", "[http]\n\tsslVerify = false\n", "[http]\n\tsslVerify = true\n", 2, "fail"),
    ("git", ".gitconfig", f"{GIT} = no\n", f"{GIT}\n", 2, "warn"),
    ("wget", ".wgetrc", "check_certificate = off\n", "check_certificate = on\n", 1, "fail"),
    ("npm", ".npmrc", "strict-ssl=false\n", "strict-ssl=true\n", 1, "fail"),
    ("conda", ".condarc", "ssl_verify: false\n", "ssl_verify: true\n", 1, "fail"),
    ("uv", UV, 'allow-insecure-host = ["a.example"]\n', "allow-insecure-host = []\n", 1, "warn"),
])  # fmt: skip
def test_a_setting_that_switches_off(  # noqa: PLR0913, PLR0917 - a table
    paths: StorePaths, clean: Path, client: str, file: str, text: str, control: str, line: int, status: str
) -> None:
    put(clean / file, text)
    (finding,) = off(paths, clean)
    assert (finding.status, finding.subject) == (status, client)
    assert (finding.evidence["file"], finding.evidence["line"]) == (str(clean / file), line)
    assert finding.summary.endswith(f": {clean / file}:{line}")
    put(clean / file, control)
    assert off(paths, clean) == []


def test_a_pyproject_counts_too(paths: StorePaths, clean: Path, project: Path) -> None:
    put(project / "pyproject.toml", '[tool.uv]\nallow-insecure-host = ["a.example", "https://me:hush@b.example"]\n')
    findings = off(paths, clean)
    assert [each.evidence["hosts"] for each in findings] == [["a.example"], ["https://b.example"]]
    assert "hush" not in repr(findings)


def test_the_later_setting_decides(paths: StorePaths, clean: Path, project: Path) -> None:
    put(clean / ".npmrc", "strict-ssl=false\n")
    assert len(off(paths, clean)) == 1
    put(project / ".npmrc", "strict-ssl=true\n")
    assert off(paths, clean) == []


def run(fix: tuple[tuple[str, ...], ...], environment: dict[str, str]) -> None:
    for argv in fix:
        subprocess.run(argv, env=environment, check=True, capture_output=True, timeout=120)


@cases("text", ["[http]\n\tsslVerify = false\n", '[http "https://git.example/"]\n\tsslVerify = no\n'])
def test_the_remedy_for_git_runs_and_mends_it(paths: StorePaths, clean: Path, text: str) -> None:
    put(clean / ".gitconfig", f"[user]\n\tname = me\n{text}")
    (finding,) = off(paths, clean)
    run(finding.fix, environ(clean))
    assert off(paths, clean) == []
    assert "name = me" in (clean / ".gitconfig").read_text()


def test_an_address_with_a_password_in_it_is_neither_shown_nor_in_a_command(paths: StorePaths, clean: Path) -> None:
    put(clean / ".gitconfig", '[http "https://me:hush@git.example/"]\n\tsslVerify = false\n')
    (finding,) = off(paths, clean)
    assert (finding.fix, finding.evidence["setting"]) == ((), "http.https://git.example/.sslVerify")
    assert "hush" not in repr(finding)


def test_what_a_variable_says_to_git_has_no_remedy(paths: StorePaths, clean: Path) -> None:
    more = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "http.sslVerify", "GIT_CONFIG_VALUE_0": "false"}
    (finding,) = off(paths, clean, **more)
    assert (finding.status, finding.fix) == ("fail", ())
    assert finding.summary == "no certificate is checked by git: a variable"


def test_the_remedy_for_pip_runs_and_mends_it(paths: StorePaths, clean: Path) -> None:
    text = "[global]\ntrusted-host = a.example\ntimeout = 5\n"
    put(clean / PIP, text)
    (finding,) = off(paths, clean)
    assert finding.fix == ((sys.executable, "-m", "pip", "config", "--user", "unset", "global.trusted-host"),)
    run(finding.fix, environ(clean))
    assert off(paths, clean) == []
    assert "timeout" in (clean / PIP).read_text()
    put(clean / ".pip/pip.conf", text)  # pip config edits only the newer of the user's two files
    assert off(paths, clean)[0].fix == ()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("npm", path=SYSTEM_PATH), reason="there is no npm")
def test_the_remedy_for_npm_runs_and_mends_it(paths: StorePaths, clean: Path, project: Path) -> None:
    put(clean / ".npmrc", "strict-ssl=false\nfund=false\n")
    (finding,) = off(paths, clean)
    run(finding.fix, environ(clean))
    assert off(paths, clean) == []
    assert "fund=false" in (clean / ".npmrc").read_text()
    put(project / ".npmrc", "strict-ssl=false\n")
    assert off(paths, clean)[0].fix == ()


def test_the_remedy_for_conda_names_the_file(paths: StorePaths, clean: Path) -> None:
    put(clean / ".condarc", "ssl_verify: false\n")
    assert off(paths, clean)[0].fix == (
        ("conda", "config", "--file", f"{clean}/.condarc", "--remove-key", "ssl_verify"),
    )  # fmt: skip
