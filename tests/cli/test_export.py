"""``certboot export`` from end to end: what it writes, where, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from support.commands import Run
from support.environments import Ran
from support.exported import der_of, fingerprints, java_store
from support.pki import issue
from support.small_ccadb import BELOW
from support.snapshot import assert_refused, contents, snapshot
from support.table import cases

from certboot.pki.certificate import load_certificate
from certboot.store import generations
from certboot.store.export.formats import FORMATS
from certboot.store.paths import BUNDLE, CRTS, StorePaths, in_force

pytestmark = pytest.mark.usefixtures("full")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where an export goes. Nothing is there yet."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "path"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file with a password, as an editor saves it."""
    path = tmp_path / "secret"
    path.write_text("open sesame\n")
    return path


def certificates_of(path: Path, password: str) -> list[str]:
    held = load_pkcs12(path.read_bytes(), password.encode()).additional_certs
    return sorted(load_certificate(der_of(entry.certificate)).fingerprint for entry in held)


def read(name: str, path: Path) -> list[str]:
    """The fingerprints of what an export holds, as another program sees it."""
    match name:
        case "pem-bundle":
            return fingerprints(path.read_bytes())
        case "pem-directory-hash":
            return fingerprints(b"".join(file.read_bytes() for file in path.glob("*.pem")))
        case "pkcs12":
            return certificates_of(path, "changeit")
        case "java-cacerts":
            return java_store(path, "changeit").fingerprints
        case "configmap":
            return fingerprints(yaml.safe_load(path.read_bytes())["data"]["ca-bundle.crt"])
        case _:
            return fingerprints(yaml.safe_load(path.read_bytes())["spec"]["sources"][1]["inLine"])


def anchors(paths: StorePaths) -> list[str]:
    return sorted(entry.sha256 for entry in generations.current(paths).certificates if entry.role == "anchor")


@cases("name", FORMATS)
def test_each_format_holds_exactly_the_anchors_of_the_store(
    name: str, certboot: Run, paths: StorePaths, out: Path, ca_file: Path
) -> None:
    """The same store gives the same bytes, and another one replaces them by force alone."""

    def state() -> object:
        return contents(out) if out.is_dir() else out.read_bytes()

    assert certboot("export", "--format", name, out) == Ran(0, f"{name} with 6 trust anchors: {out}\n", "")
    assert read(name, out) == anchors(paths)
    assert [path.name for path in out.parent.iterdir()] == ["path"]
    first, before = state(), snapshot(out.parent)
    assert_refused(certboot("export", "--format", name, out))
    assert snapshot(out.parent) == before
    assert certboot("export", "--format", name, "--force", out).status == 0
    assert state() == first
    certboot("init", "--add", ca_file)
    assert "7 trust anchors" in certboot("export", "--format", name, "--force", out).out
    assert state() != first


def test_the_pem_formats_are_those_of_the_store_itself_and_openssl_verifies_by_them(
    certboot: Run, paths: StorePaths, out: Path, openssl: Callable[..., str]
) -> None:
    generation, crts, below, leaf = in_force(paths), *(out.with_name(name) for name in ("crts", "below", "leaf"))
    assert generation
    certboot("export", "--format", "pem-bundle", out)
    assert out.read_bytes() == (generation / BUNDLE).read_bytes()
    ran = certboot("export", "--format", "pem-directory-hash", "--intermediates", crts)
    assert ran.out == f"pem-directory-hash with 6 trust anchors, 3 intermediates: {crts}\n"
    assert contents(crts) == contents(generation / CRTS)
    below.write_bytes(BELOW.pem)
    leaf.write_bytes(issue("Leaf", BELOW, extensions=()).pem)
    openssl("verify", "-CAfile", out, "-no-CApath", "-untrusted", below, leaf)
    openssl("verify", "-CAfile", out, "-no-CApath", leaf, status=2)
    openssl("verify", "-CApath", crts, "-no-CAfile", leaf)


def test_a_dash_stands_for_standard_output_which_then_has_nothing_else(
    certboot: Run, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-m", "certboot", "export", "-", "--format"]
    for name in ("pkcs12", "pem-bundle"):
        certboot("export", "--format", name, "--force", out)
        ran = subprocess.run([*command, name], capture_output=True, check=False, cwd=out.parent)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, out.read_bytes(), b"")
        assert [path.name for path in out.parent.iterdir()] == ["path"]
    ended = subprocess.run(
        ["sh", "-c", f"{' '.join(command)} pem-bundle | head -c 10"], capture_output=True, check=False
    )
    assert (ended.stdout, ended.stderr) == (out.read_bytes()[:10], b"")  # a reader that goes away is no error
    monkeypatch.chdir(out.parent)
    assert certboot("export", "--format", "pem-bundle", "./-").out == "pem-bundle with 6 trust anchors: ./-\n"
    assert (out.parent / "-").is_file()
    monkeypatch.setattr(sys, "stdout", None)
    assert "no standard output" in certboot("export", "--format", "pem-bundle", "-").err


@cases("name", FORMATS)
def test_no_binary_goes_to_a_terminal_and_no_directory_to_a_pipe(
    name: str, certboot: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    capsys.readouterr()
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    ran = certboot("export", "--format", name, "-")
    if FORMATS[name].binary or FORMATS[name].directory:
        assert_refused(ran)
        assert ran.out == ""
    else:
        assert ran.status == 0
        assert "-----BEGIN CERTIFICATE-----" in ran.out


@cases("name", FORMATS)
def test_an_option_without_meaning_or_value_is_refused(name: str, certboot: Run, out: Path, secret: Path) -> None:
    if not FORMATS[name].directory:
        ran = certboot("export", "--format", name, "--intermediates", out)
        assert_refused(ran, f"in {name} the intermediates would become trust anchors")
    for option in ("password-file", "name", "namespace"):
        ran = certboot("export", "--format", name, f"--{option}", "", out)
        assert (ran.status, ran.out, "error: " in ran.err) == (2, "", True)
        if option not in FORMATS[name].takes:
            ran = certboot("export", "--format", name, f"--{option}", secret, out)
            assert_refused(ran, f"{name} has no use for --{option}")
    assert not out.exists()


def test_the_password_is_that_of_the_file(certboot: Run, paths: StorePaths, out: Path, secret: Path) -> None:
    assert certboot("export", "--format", "pkcs12", "--password-file", secret, out).status == 0
    assert certificates_of(out, "open sesame") == anchors(paths)
    out.unlink()
    for content, words in (
        (b"\n", "the password is empty"),
        (b"d\xc3\xb6r\n", "Java does not take"),
        (None, "cannot read the password"),
    ):
        secret.unlink()
        if content is not None:
            secret.write_bytes(content)
        assert_refused(certboot("export", "--format", "pkcs12", "--password-file", secret, out), words)
        assert not out.exists()


def test_an_object_of_kubernetes_has_the_name_and_namespace_that_were_given(certboot: Run, out: Path) -> None:
    made = {}
    for name in ("configmap", "trust-manager"):
        certboot("export", "--format", name, "--name", "1", "--namespace", "2", "--force", out)
        made[name] = yaml.safe_load(out.read_bytes())
        assert_refused(certboot("export", "--format", name, "--name", "A", "--force", out))
        assert yaml.safe_load(out.read_bytes()) == made[name]
    assert made["configmap"]["metadata"] == {"name": "1", "namespace": "2"}
    assert made["trust-manager"]["metadata"] == {"name": "1"}
    selector = made["trust-manager"]["spec"]["target"]["namespaceSelector"]
    assert selector == {"matchLabels": {"kubernetes.io/metadata.name": "2"}}


@cases("harm", ["altered", "exposed"])
def test_a_store_that_cannot_be_relied_on_is_not_passed_on(
    harm: str, certboot: Run, paths: StorePaths, out: Path
) -> None:
    file = next((paths.current / CRTS).glob("*.pem"))
    if harm == "altered":
        file.write_bytes(issue("Intruder").pem)
    else:
        file.chmod(0o666)
    ran = certboot("export", "--format", "pem-bundle", out)
    assert_refused(ran, "not fit to be exported", "hint: certboot doctor store")
    assert not out.exists()


@cases("name", ["pem-bundle", "pem-directory-hash"])
def test_the_store_itself_is_no_place_for_an_export(
    name: str, certboot: Run, paths: StorePaths, tmp_path: Path
) -> None:
    (tmp_path / "way").symlink_to(paths.current)
    before = snapshot(paths.home)
    for path in (paths.current / CRTS, paths.current / BUNDLE, paths.home / "new", paths.home, tmp_path / "way" / CRTS):
        assert_refused(certboot("export", "--format", name, "--force", path), "inside the store")
    assert snapshot(paths.home) == before


def test_the_help_names_every_format(certboot: Run) -> None:
    shown = certboot("export", "--help").out
    assert all(f"  {name} " in shown for name in FORMATS)
