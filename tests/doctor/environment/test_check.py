"""The group ``environment`` as a whole: what it is made of, and that it changes and contacts nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

import pytest
from support.commands import Run
from support.environments import SYSTEM_PATH
from support.here import found, put
from support.snapshot import snapshot

from certboot.clients import settings_places
from certboot.doctor.environment import check
from certboot.store.paths import StorePaths

WRONG = {
    "variable-points-nowhere": {"SSL_CERT_FILE": "/nowhere.pem"},
    "verification-disabled": {"GIT_SSL_NO_VERIFY": "1"},
    "proxy-malformed": {"HTTPS_PROXY": "http://"},
}


def test_each_part_has_its_word_and_where_nothing_is_wrong_it_is_quiet(store: StorePaths, clean: Path) -> None:
    environ = {"HOME": str(clean), "PATH": SYSTEM_PATH}
    assert found(store, environ) == []
    for kind, fault in WRONG.items():
        assert kind in {each.id for each in found(store, environ | fault)}
    put(clean / ".curlrc", "cacert = /nowhere.pem\n")
    findings = check.check(store, {"HOME": str(clean)}, now=datetime(2020, 1, 1, tzinfo=timezone.utc))
    assert {"setting-points-nowhere", "clock-behind"} <= {each.id for each in findings}
    assert {each.group for each in findings} == {"environment"}


def test_without_a_store_there_is_nothing_to_lack(paths: StorePaths, clean: Path, ca_file: Path) -> None:
    put(clean / ".curlrc", f"cacert = {ca_file}\n")
    (finding,) = found(paths, {"HOME": str(clean)})
    assert (finding.id, finding.status) == ("setting-overrides-certboot", "info")
    assert "anchors" not in finding.summary


def test_a_damaged_manifest_is_the_business_of_the_group_store(store: StorePaths, clean: Path, ca_file: Path) -> None:
    environ = {"HOME": str(clean), "SSL_CERT_FILE": str(ca_file)}
    assert "lacks 3 of the store's 3 anchors" in found(store, environ)[0].summary
    (store.current / "manifest.json").write_text("{")
    finding = found(store, environ)[0]
    assert (finding.id, finding.status) == ("variable-overrides-certboot", "warn")
    assert "anchors" not in finding.summary


@pytest.mark.usefixtures("store")
def test_nothing_changes_nobody_is_asked(
    clean: Path, project: Path, monkeypatch: pytest.MonkeyPatch, certboot: Run
) -> None:
    """With something to say of everything there is."""
    put(clean / ".npmrc", "strict-ssl=false\ncafile=/a\n")
    put(clean / ".pip/pip.conf", "words")
    put(clean / ".gitconfig", "[http]\n\tsslVerify = false\n")
    put(clean / ".condarc", "ssl_verify: false\n")
    put(project / "uv.toml", 'allow-insecure-host = ["x"]\n')
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hush@proxy.invalid:3128")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")

    monkeypatch.setattr(socket.socket, "connect", None)  # nobody is to be contacted
    monkeypatch.setattr(socket, "getaddrinfo", None)
    before = snapshot(clean), snapshot(project)
    for form in ((), ("--json",)):
        ran = certboot("doctor", "environment", "hook", "store", *form)
        assert "hush" not in ran.out
        assert "check-not-finished" not in ran.out
    assert (snapshot(clean), snapshot(project)) == before


def test_a_folder_that_was_removed_is_no_reason_to_give_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    assert settings_places.surroundings({}).folder == tmp_path
    folder = tmp_path / "removed"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    assert settings_places.surroundings({}).folder == Path("/")


@pytest.mark.slow
def test_all_groups_together_take_no_more_than_their_time(clean: Path, certboot: Run, tmp_path: Path) -> None:
    """With the store that a user has: 0.4 s of this program's own time, and no more for the programs that it asks."""
    certboot("init")
    environ = {"HOME": str(clean), "PATH": SYSTEM_PATH}
    taken = []
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-m", "certboot", "doctor"], env=environ, cwd=tmp_path, stdout=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        taken.append(usage.ru_utime + usage.ru_stime)
    assert min(taken) <= 0.4


@pytest.mark.slow
def test_no_certificate_library_is_loaded(store: StorePaths, clean: Path) -> None:
    code = "import sys; from certboot.cli import main; main.main(['doctor']); print('cryptography' in sys.modules)"
    environ = {"HOME": str(clean), "PATH": SYSTEM_PATH, "CERTBOOT_HOME": str(store.home)}
    ran = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "False"
