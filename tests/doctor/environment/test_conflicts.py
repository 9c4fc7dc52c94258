"""What else on this machine changes which certificates Python trusts: rivals, and a certifi that was touched."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
from support.environments import SYSTEM_PATH
from support.here import put
from support.snapshot import roots
from support.table import cases
from support.virtualenvs import packages, python_of, virtualenv

from certboot.doctor.environment import conflicts
from certboot.doctor.finding import Finding


def only(folder: Path) -> Finding:
    (finding,) = conflicts.check([str(folder)])
    return finding


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Site-packages with an untouched certifi in it, which nobody has imported yet."""
    monkeypatch.delitem(sys.modules, "certifi.core", raising=False)
    data = roots()[0].pem + roots()[1].pem
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    put(tmp_path / "site/certifi/__init__.py", "")
    put(tmp_path / "site/certifi/cacert.pem", data)
    record = f"certifi/__init__.py,,\ncertifi/cacert.pem,sha256={digest},{len(data)}\n"
    put(tmp_path / "site/certifi-2026.10.19.dist-info/RECORD", record)
    return tmp_path / "site"


def test_an_untouched_certifi_and_no_rival_is_no_conflict(folder: Path) -> None:
    assert conflicts.check([str(folder)]) == []
    put(folder / "truststore-0.10.4.dist-info/METADATA", "")  # a library; whoever uses it says so
    assert conflicts.check([str(folder)]) == []


@cases(("name", "kind"), [
    ("pip_system_certs-5.3", "conflict-pip-system-certs"),
    ("python_certifi_win32-1.6.1", "conflict-certifi-win32"),
    ("certifi_win32-1.0", "conflict-certifi-win32"),
    ("certifi_linux-0.2", "certifi-replaced"),
    ("certifi_system_store-2022.4.1", "certifi-replaced"),
])  # fmt: skip
def test_a_rival_that_is_installed_is_named_with_its_version(folder: Path, name: str, kind: str) -> None:
    put(folder / f"{name}.dist-info/METADATA", "")
    finding = only(folder)
    shown, version = name.replace("_", "-").rsplit("-", 1)
    assert (finding.id, finding.status, finding.subject, finding.group) == (kind, "warn", shown, "environment")
    assert finding.evidence == {"distribution": shown, "version": version}
    assert finding.fix == ((sys.executable, "-m", "pip", "uninstall", "--yes", shown),)


@pytest.mark.slow
def test_the_remedy_for_a_rival_runs_and_mends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv = virtualenv(tmp_path / "venv", "--system-site-packages")
    site = packages(venv)
    info = site / "pip_system_certs-5.3.dist-info"
    put(info / "METADATA", "Metadata-Version: 2.1\nName: pip-system-certs\nVersion: 5.3\n")
    put(info / "INSTALLER", "pip\n")
    put(site / "pip_system_certs.pth", "\n")
    names = ("METADATA", "INSTALLER", "RECORD")
    put(info / "RECORD", "pip_system_certs.pth,,\n" + "".join(f"{info.name}/{name},,\n" for name in names))
    monkeypatch.setattr(sys, "executable", str(python_of(venv)))
    finding = only(site)
    for argv in finding.fix:
        subprocess.run(argv, env={"PATH": SYSTEM_PATH, "HOME": str(tmp_path)}, check=True, capture_output=True)
    assert conflicts.check([str(site)]) == []


def test_an_addition_to_certifis_file_is_seen(folder: Path) -> None:
    """Many put their company's CA there."""
    path = folder / "certifi/cacert.pem"
    good = path.read_bytes()
    path.write_bytes(good + roots()[2].pem)
    finding = only(folder)
    assert (finding.id, finding.status, finding.subject) == ("certifi-altered", "warn", "certifi")
    assert finding.evidence == {"file": str(path), "certificates": 3}
    path.write_bytes(good)
    assert conflicts.check([str(folder)]) == []


@cases("record", [None, "", "certifi/cacert.pem\n", "certifi/cacert.pem,,\n", '"'])
def test_without_a_record_nobody_knows_what_was_installed(folder: Path, record: str | None) -> None:
    path = folder / "certifi-2026.10.19.dist-info/RECORD"
    path.unlink()
    if record is not None:
        path.write_text(record)
    (folder / "certifi/cacert.pem").write_bytes(b"other")
    assert conflicts.check([str(folder)]) == []


def test_a_certifi_that_leads_to_the_systems_file_is_for_information(folder: Path, tmp_path: Path) -> None:
    path = folder / "certifi/cacert.pem"
    path.unlink()
    finding = only(folder)
    assert (finding.id, finding.status) == ("certifi-replaced", "info")
    assert "its file of certificates is not there" in finding.summary
    path.symlink_to("/etc/ssl/certs/ca-certificates.crt")
    assert only(folder).summary.startswith("its file of certificates is a link to /etc/ssl/certs/ca-certificates.crt")
    assert conflicts.check([str(tmp_path)]) == []  # without any certifi


def test_a_file_that_cannot_be_read_is_left_alone(folder: Path, unreadable: Callable[[Path], None]) -> None:
    path = folder / "certifi/cacert.pem"
    path.write_bytes(b"other")
    os.truncate(path, 1 << 40)
    assert conflicts.check([str(folder)]) == []
    path.write_bytes(b"other")
    assert [each.id for each in conflicts.check([str(folder)])] == ["certifi-altered"]
    unreadable(path)
    assert conflicts.check([str(folder)]) == []


@cases(("owner", "guarded"), [
    ("certifi_win32.wrapt_certifi", False), ("certifi.core", False), ("certifi.core", True),
])  # fmt: skip
def test_a_redirected_certifi_is_seen(
    folder: Path, monkeypatch: pytest.MonkeyPatch, owner: str, *, guarded: bool
) -> None:
    def where() -> str:
        return "/elsewhere"

    where.__module__ = owner
    if guarded:
        where.certboot_guard = True  # type: ignore[attr-defined]
    core = ModuleType("certifi.core")
    core.where = where  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "certifi.core", core)
    found = [(finding.id, finding.status, finding.evidence) for finding in conflicts.check([str(folder)])]
    assert found == ([("certifi-replaced", "warn", {"module": owner})] if owner != "certifi.core" else [])


# pip has it from 24.2 on; the one that comes with an older Python does not.
needs_truststore = pytest.mark.skipif(not find_spec("pip._vendor.truststore"), reason="there is no truststore in pip")
INJECTED = """
import sys
if {inject}:
    import pip._vendor.truststore as truststore
    truststore.inject_into_ssl()
from certboot.cli import main
main.main(["doctor", "environment", "--json"])
"""


@needs_truststore
@cases("inject", [True, False])
def test_truststore_at_work_in_this_process_is_seen(clean: Path, *, inject: bool) -> None:
    environ = {"HOME": str(clean), "PATH": SYSTEM_PATH}
    argv = [sys.executable, "-c", INJECTED.format(inject=inject)]
    ran = subprocess.run(argv, env=environ, capture_output=True, text=True, check=True)
    findings = [each for each in json.loads(ran.stdout)["findings"] if each["id"] == "conflict-truststore"]
    assert len(findings) == inject
    for finding in findings:
        assert (finding["status"], finding["subject"]) == ("warn", "truststore")
        assert finding["evidence"]["module"] == "pip._vendor.truststore._api"


@pytest.mark.slow
@needs_truststore
def test_a_start_up_hook_that_injects_truststore_is_seen(tmp_path: Path, clean: Path) -> None:
    """As pip-system-certs does it: certboot itself is run with it, from the folder where it lies."""
    import certboot

    venv = virtualenv(tmp_path / "venv", "--system-site-packages")
    site = packages(venv)
    source = str(Path(str(certboot.__file__)).parents[1])
    put(site / "injects.py", "import pip._vendor.truststore as t\nt.inject_into_ssl()\n")
    put(site / "pip_system_certs.pth", "import injects\n")
    put(site / "pip_system_certs-5.3.dist-info/METADATA", "")
    here = [path for path in sys.path if path.endswith("site-packages")]
    environ = {"HOME": str(clean), "PATH": SYSTEM_PATH, "PYTHONPATH": ":".join([source, *here])}
    argv = [str(python_of(venv)), "-m", "certboot", "doctor", "environment", "--json"]
    ran = subprocess.run(argv, env=environ, capture_output=True, text=True, check=True)
    kinds = {each["id"]: each["summary"] for each in json.loads(ran.stdout)["findings"]}
    assert "pip-system-certs, most likely" in kinds["conflict-truststore"]
    assert "conflict-pip-system-certs" in kinds
