"""The group ``clients``: what is found on this machine, and how it is told."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.environments import SYSTEM_PATH
from support.hook_store import Store
from support.server import TlsServer

import certboot_startup
from certboot.clients.table import CLIENTS
from certboot.clients.trials import Trial
from certboot.doctor.clients import check, trials
from certboot.doctor.finding import Finding
from certboot.store.paths import StorePaths

BY_NAME = {client.name: client for client in CLIENTS}


@pytest.fixture
def present(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let these clients be the ones that are here."""

    def let(*names: str) -> None:
        found = {BY_NAME[name]: "1.0" for name in names}
        monkeypatch.setattr(check, "present_clients", lambda _: found)
        monkeypatch.setattr(trials, "present_clients", lambda _: found)

    return let


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


def found(paths: StorePaths, **environ: str) -> dict[str, tuple[str, str, str]]:
    return {f.subject: (f.id, f.status, f.summary) for f in check.check(paths, {"PATH": SYSTEM_PATH, **environ})}


def test_a_client_that_the_hook_reaches_uses_the_store(
    present: Callable[..., None], paths: StorePaths, hook: dict[str, str]
) -> None:
    present("requests", "urllib", "google-auth on urllib3", "Node.js")
    node = "certboot's store (NODE_EXTRA_CA_CERTS: certboot's hook, for what this Python starts), a list of its own"
    assert found(paths, **hook) == {
        "requests": ("client-uses-store", "ok", "certboot's store (REQUESTS_CA_BUNDLE: certboot's hook)"),
        "urllib": ("client-uses-store", "ok", "certboot's store (SSL_CERT_FILE, SSL_CERT_DIR: certboot's hook)"),
        "google-auth on urllib3": ("client-uses-store", "ok", "certboot's store (certboot's guard of certifi)"),
        "Node.js": ("client-uses-store", "ok", f"{node} (default)"),
    }


def test_a_client_that_inherited_the_variables_uses_the_store(
    present: Callable[..., None], paths: StorePaths, store: Store
) -> None:
    present("git")
    assert found(paths, **store.settings)["git"][2] == (
        "certboot's store (GIT_SSL_CAINFO: certboot, in the process that started this one), "
        "the system's certificates (default)"
    )


def test_what_somebody_else_decided_is_told_with_what_decided_it(
    present: Callable[..., None], paths: StorePaths, hook: dict[str, str], tmp_path: Path, clean: Path
) -> None:
    own = tmp_path / "own.pem"
    own.touch()
    (clean / ".wgetrc").write_text(f"ca_certificate = {own}\n")
    present("requests", "wget")
    told = found(paths, **{**hook, "REQUESTS_CA_BUNDLE": str(own)}, HOME=str(clean))
    assert told["requests"] == (
        "client-told-otherwise", "info", f"{own} (REQUESTS_CA_BUNDLE: set by something else)"
    )  # fmt: skip
    assert told["wget"] == (
        "client-told-otherwise",
        "info",
        f"{own} (ca_certificate in {clean}/.wgetrc), the system's certificates (default)",
    )


def test_where_nothing_is_set_the_default_is_told(present: Callable[..., None], paths: StorePaths, clean: Path) -> None:
    present("requests", "wget", "google-auth on urllib3", "rnet")
    assert found(paths, HOME=str(clean)) == {
        "requests": ("client-uses-default", "info", "certifi (default)"),
        "google-auth on urllib3": ("client-uses-default", "info", "certifi (default)"),
        "wget": (
            "client-unreached",
            "info",
            "the system's certificates (default); it looks at nothing that certboot sets",
        ),
        "rnet": ("client-unreached", "info", "a list of its own (default); it looks at nothing that certboot sets"),
    }


def test_what_cannot_be_loaded_is_a_warning(present: Callable[..., None], paths: StorePaths, tmp_path: Path) -> None:
    present("requests", "botocore", "Node.js")
    told = found(paths, REQUESTS_CA_BUNDLE=str(tmp_path), NODE_EXTRA_CA_CERTS="/gone\x1b")
    assert told["requests"][:2] == ("client-told-otherwise", "info")  # the control: it takes a directory
    why = f"cannot load {tmp_path} (REQUESTS_CA_BUNDLE: set by something else), and fails for every host"
    assert told["botocore"] == ("client-cannot-load", "warn", why)
    why = "cannot load /gone\x1b (NODE_EXTRA_CA_CERTS: set by something else), and trusts a list of its own (default)"
    assert told["Node.js"] == ("client-cannot-load", "warn", why)


def test_a_guard_that_is_off_or_stepped_aside_does_not_count(
    present: Callable[..., None], paths: StorePaths, hook: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    present("google-auth on urllib3")
    monkeypatch.setattr(certboot_startup, "guarded", {"certifi.core": "stepped aside: its loader has no exec_module"})
    assert found(paths, **hook)["google-auth on urllib3"][0] == "client-uses-default"
    monkeypatch.setattr(certboot_startup, "guarded", {"certifi.core": "applied"})
    assert found(paths, **hook)["google-auth on urllib3"][0] == "client-uses-store"
    monkeypatch.setattr(certboot_startup, "switches", "ssl")
    assert found(paths, **hook)["google-auth on urllib3"][0] == "client-uses-default"


def test_the_evidence_has_paths_and_origins(
    present: Callable[..., None], paths: StorePaths, hook: dict[str, str]
) -> None:
    present("httpx")
    (finding,) = check.check(paths, hook)
    assert finding.group == "clients"
    assert finding.evidence == {
        "trusts": [{"what": hook["SSL_CERT_FILE"], "place": "SSL_CERT_FILE", "decided_by": "certboot's hook"}],
        "unusable": [],
        "read_at": "session",
        "version": "1.0",
    }


def test_only_git_is_started_and_only_to_say_its_settings(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    start = subprocess.Popen.__init__

    def recorded(process: subprocess.Popen[bytes], args: list[str], **options: object) -> None:
        started.append(args[:2])
        start(process, args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess.Popen, "__init__", recorded)
    assert check.check(paths, {"PATH": SYSTEM_PATH, "HOME": str(paths.home)})
    assert started in ([], [["git", "config"]])


def test_a_folder_that_is_gone_is_no_hindrance(
    present: Callable[..., None], paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    present("git")
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert found(paths, HOME=str(tmp_path))["git"][0] == "client-uses-default"


# Trials


def tried(server: TlsServer, **environ: str) -> dict[str, Finding]:
    environ = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "CERTBOOT_DISABLE": "1", **environ}
    return {finding.subject: finding for finding in trials.check("localhost", server.port, environ)}


def test_a_client_is_tried_for_real(
    present: Callable[..., None], serve: Callable[..., TlsServer], ca: trustme.CA, ca_file: Path
) -> None:
    present("urllib", "openssl", "pymongo")
    server = serve(ca.issue_cert("localhost"))
    refused = tried(server)
    assert {name: (finding.id, finding.status) for name, finding in refused.items()} == {
        "urllib": ("client-refuses-host", "fail"),
        "openssl": ("client-refuses-host", "fail"),
        "pymongo": ("client-untried", "skip"),
    }
    assert "certificate verify failed" in refused["urllib"].summary
    accepted = tried(server, SSL_CERT_FILE=str(ca_file))
    assert [accepted[name].id for name in ("urllib", "openssl")] == ["client-accepts-host"] * 2
    server.close()
    assert tried(server, SSL_CERT_FILE=str(ca_file))["urllib"].id == "client-trial-failed"


def test_a_client_that_hangs_or_cannot_be_started_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(trials, "_SECONDS", 0.5)
    slow = Trial(("sleep", "20"))
    client = BY_NAME["urllib"]
    verdict, said = trials.attempt(client, slow, {"PATH": SYSTEM_PATH}, str(tmp_path))
    assert verdict == "unknown"
    assert "timed out" in said
    assert trials.attempt(client, Trial(("/nosuch",)), {}, str(tmp_path))[0] == "unknown"
