"""The group ``clients``: what is found on this machine, and how it is told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.environments import SYSTEM_PATH
from support.hook_store import Store
from support.snapshot import roots

import certboot_startup
from certboot.clients.table import CLIENTS
from certboot.doctor.clients import check
from certboot.store.paths import StorePaths

Told = Callable[..., dict[str, tuple[str, str, str]]]
USES, OTHERWISE, DEFAULT, UNREACHED = (
    "client-uses-store", "client-told-otherwise", "client-uses-default", "client-unreached",
)  # fmt: skip
GOOGLE = "google-auth on urllib3"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, paths: StorePaths, clean: Path) -> Told:
    """What is told of these clients, which are here, in this environment."""

    def run(*names: str, **environ: str) -> dict[str, tuple[str, str, str]]:
        present = {client: "1.0" for client in CLIENTS if client.name in names}
        monkeypatch.setattr(check, "present_clients", lambda _: present)
        findings = check.check(paths, {"PATH": SYSTEM_PATH, "HOME": str(clean), **environ})
        return {finding.subject: (finding.id, finding.status, finding.summary) for finding in findings}

    return run


@pytest.fixture
def store(paths: StorePaths) -> Store:
    return Store(paths.home)


@pytest.fixture
def hook(store: Store, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The hook has set its variables in this process, and its guards are on."""
    monkeypatch.setattr(certboot_startup, "applied", store.settings)
    monkeypatch.setattr(certboot_startup, "generation", str(store.home / "current"))
    monkeypatch.setattr(certboot_startup, "switches", "ssl, requests,certifi")
    monkeypatch.setattr(certboot_startup, "guarded", {})
    return store.settings


def test_a_client_that_the_hook_reaches_uses_the_store(told: Told, hook: dict[str, str]) -> None:
    node = "certboot's store (NODE_EXTRA_CA_CERTS: certboot's hook, for what this Python starts), a list of its own"
    assert told("requests", "urllib", GOOGLE, "Node.js", **hook) == {
        "requests": (USES, "ok", "certboot's store (REQUESTS_CA_BUNDLE: certboot's hook)"),
        "urllib": (USES, "ok", "certboot's store (SSL_CERT_FILE, SSL_CERT_DIR: certboot's hook)"),
        GOOGLE: (USES, "ok", "certboot's store (certboot's guard of certifi)"),
        "Node.js": (USES, "ok", f"{node} (default)"),
    }


def test_a_client_that_inherited_the_variables_uses_the_store(told: Told, store: Store) -> None:
    assert told("git", **store.settings)["git"][2] == (
        "certboot's store (GIT_SSL_CAINFO: certboot, in the process that started this one), "
        "the system's certificates (default)"
    )


def test_what_others_decided_is_told_with_where(told: Told, hook: dict[str, str], tmp_path: Path, clean: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(roots()[0].pem)
    (clean / ".wgetrc").write_text(f"ca_certificate = {own}\n")
    system = f"{own} (ca_certificate in {clean}/.wgetrc), the system's certificates (default)"
    assert told("requests", "wget", **{**hook, "REQUESTS_CA_BUNDLE": str(own)}) == {
        "requests": (OTHERWISE, "info", f"{own} (REQUESTS_CA_BUNDLE: set by something else)"),
        "wget": (OTHERWISE, "info", system),
    }


def test_where_nothing_is_set_the_default_is_told(told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = "(default); it looks at nothing that certboot sets, and what helps is"
    way = {client.name: client.notes.way for client in CLIENTS}
    assert told("requests", "wget", GOOGLE, "rnet") == {
        "requests": (DEFAULT, "info", "certifi (default)"),
        GOOGLE: (DEFAULT, "info", "certifi (default)"),
        "wget": (UNREACHED, "info", f"the system's certificates {nothing} {way['wget']}"),
        "rnet": (UNREACHED, "info", f"a list of its own {nothing} {way['rnet']}"),
    }
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert told("git")["git"][0] == DEFAULT


def test_a_variable_that_is_left_out_is_named(told: Told, store: Store) -> None:
    assert "leaves out" not in told("git")["git"][2]
    store.write(*(f"{name}={value}" for name, value in store.settings.items() if name != "GIT_SSL_CAINFO"))
    findings = told("git", "curl")
    assert findings["git"][0] == DEFAULT
    assert findings["git"][2].endswith("; certboot leaves out GIT_SSL_CAINFO")
    assert "leaves out" not in findings["curl"][2]


def test_what_cannot_be_loaded_is_a_warning(told: Told, tmp_path: Path) -> None:
    lost = {"REQUESTS_CA_BUNDLE": str(tmp_path), "NODE_EXTRA_CA_CERTS": "/gone\x1b"}
    findings = told("requests", "botocore", "Node.js", **lost)
    assert findings["requests"][:2] == (OTHERWISE, "info")  # the control: it takes a directory
    why = f"cannot load {tmp_path} (REQUESTS_CA_BUNDLE: set by something else), and fails for every host"
    assert findings["botocore"] == ("client-cannot-load", "warn", why)
    why = "cannot load /gone\x1b (NODE_EXTRA_CA_CERTS: set by something else), and trusts a list of its own (default)"
    assert findings["Node.js"] == ("client-cannot-load", "warn", why)


@pytest.mark.timeout(20)
def test_a_file_without_certificates_cannot_be_loaded_and_none_that_never_ends_is_waited_for(
    told: Told, tmp_path: Path
) -> None:
    (tmp_path / "words").write_text("words")
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "words"), str(tmp_path / "pipe"), "/dev/zero", "/proc/kmsg"):
        why = f"cannot load {path} (REQUESTS_CA_BUNDLE: set by something else), and fails for every host"
        assert told("requests", REQUESTS_CA_BUNDLE=path)["requests"] == ("client-cannot-load", "warn", why)


def test_a_guard_that_is_off_does_not_count(told: Told, hook: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value, expected in (
        ("guarded", {"certifi.core": "stepped aside: its loader has no exec_module"}, DEFAULT),
        ("guarded", {"certifi.core": "applied"}, USES),
        ("switches", "ssl", DEFAULT),
    ):
        monkeypatch.setattr(certboot_startup, name, value)
        assert told(GOOGLE, **hook)[GOOGLE][0] == expected


def test_the_evidence_has_paths_and_origins(told: Told, paths: StorePaths, hook: dict[str, str]) -> None:
    told("httpx")
    (finding,) = check.check(paths, hook)
    assert finding.group == "clients"
    assert finding.evidence == {
        "trusts": [{"what": hook["SSL_CERT_FILE"], "place": "SSL_CERT_FILE", "decided_by": "certboot's hook"}],
        "unusable": [], "read_at": "session", "version": "1.0",
    }  # fmt: skip


def test_only_git_is_started_and_only_to_say_its_settings(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    start = subprocess.Popen.__init__

    def recorded(process: subprocess.Popen[bytes], args: list[str], **options: object) -> None:
        started.append(args[:2])
        start(process, args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess.Popen, "__init__", recorded)
    assert check.check(paths, {"PATH": SYSTEM_PATH, "HOME": str(paths.home)})
    assert started in ([], [["git", "config"]])
