"""``certboot export`` from end to end: what it writes, where, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from support import report
from support.environments import Ran
from support.exported import der_of, fingerprints, java_store, keytool
from support.pki import issue
from support.snapshot import assert_refused, contents, roots, snapshot
from support.table import cases

from certboot.pki.certificate import load_certificate
from certboot.store import generations
from certboot.store.export.formats import FORMATS
from certboot.store.paths import BUNDLE, CRTS, StorePaths, in_force

Run = Callable[..., Ran]
ROOT = issue("CCADB Root")
BELOW, GONE = issue("CCADB Below", ROOT), issue("CCADB Gone", ROOT)
FILES = [name for name, chosen in FORMATS.items() if not chosen.directory]


@pytest.fixture(autouse=True)
def store(certboot: Run, tmp_path: Path) -> None:
    """Four anchors, and one intermediate."""
    known = (report.intermediate(BELOW),), (report.revoked(GONE),)
    reports = report.Reports((report.root(ROOT),), *known)
    folder = report.save(reports.bodies(), tmp_path / "reports")
    assert certboot("init", "--source", "certifi,ccadb", "--intermediates", "--from", folder).status == 0


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


def anchors(paths: StorePaths) -> list[str]:
    found = sorted(entry.sha256 for entry in generations.current(paths).certificates if entry.role == "anchor")
    assert found == sorted(load_certificate(each.der).fingerprint for each in (*roots(), ROOT))
    return found


def read(name: str, path: Path) -> list[str]:
    """The fingerprints of what an export holds, as another program sees it."""
    match name:
        case "pem-bundle":
            return fingerprints(path.read_bytes())
        case "pem-directory-hash":
            return fingerprints(b"".join(file.read_bytes() for file in path.glob("*.pem")))
        case "pkcs12":
            found = load_pkcs12(path.read_bytes(), b"changeit").additional_certs
            assert java_store(path, "changeit").kind == "PKCS12"
            return sorted(load_certificate(der_of(each.certificate)).fingerprint for each in found)
        case "java-cacerts":
            return java_store(path, "changeit").fingerprints
        case "configmap":
            return fingerprints(yaml.safe_load(path.read_bytes())["data"]["ca-bundle.crt"])
        case _:
            return fingerprints(yaml.safe_load(path.read_bytes())["spec"]["sources"][1]["inLine"])


@cases("name", FORMATS)
def test_each_format_holds_exactly_the_anchors_of_the_store(
    name: str, certboot: Run, paths: StorePaths, out: Path
) -> None:
    ran = certboot("export", "--format", name, out)
    assert ran == Ran(0, f"{name} with 4 trust anchors: {out}\n", "")
    assert read(name, out) == anchors(paths)
    assert [path.name for path in out.parent.iterdir()] == ["path"]


@cases("name", FORMATS)
def test_the_same_store_gives_the_same_bytes_and_another_one_replaces_them_by_force(
    name: str, certboot: Run, out: Path, ca_file: Path
) -> None:
    def state() -> object:
        return contents(out) if out.is_dir() else out.read_bytes()

    certboot("export", "--format", name, out)
    first = state()
    assert certboot("export", "--format", name, "--force", out).status == 0
    assert state() == first
    certboot("init", "--add", ca_file)
    before = snapshot(out.parent)
    assert_refused(certboot("export", "--format", name, out))
    assert snapshot(out.parent) == before
    assert "5 trust anchors" in certboot("export", "--format", name, "--force", out).out
    assert state() != first


def test_the_pem_formats_are_those_of_the_store_itself(certboot: Run, paths: StorePaths, out: Path) -> None:
    generation = in_force(paths)
    assert generation
    certboot("export", "--format", "pem-bundle", out)
    assert out.read_bytes() == (generation / BUNDLE).read_bytes()
    ran = certboot("export", "--format", "pem-directory-hash", "--intermediates", out.with_name("whole"))
    assert ran.out == f"pem-directory-hash with 4 trust anchors, 1 intermediates: {out.with_name('whole')}\n"
    assert contents(out.with_name("whole")) == contents(generation / CRTS)


def test_openssl_verifies_by_what_was_exported(certboot: Run, out: Path, openssl: Callable[..., str]) -> None:
    leaf = out.with_name("leaf.pem")
    leaf.write_bytes(issue("Leaf", BELOW, extensions=()).pem)
    below = out.with_name("below.pem")
    below.write_bytes(BELOW.pem)
    certboot("export", "--format", "pem-bundle", out)
    openssl("verify", "-CAfile", out, "-no-CApath", "-untrusted", below, leaf)
    openssl("verify", "-CAfile", out, "-no-CApath", leaf, status=2)
    certboot("export", "--format", "pem-directory-hash", "--force", "--intermediates", out.with_name("crts"))
    openssl("verify", "-CApath", out.with_name("crts"), "-no-CAfile", leaf)


@cases("name", FILES)
def test_a_dash_stands_for_standard_output_which_then_has_nothing_else(name: str, certboot: Run, out: Path) -> None:
    certboot("export", "--format", name, out)
    command = [sys.executable, "-m", "certboot", "export", "--format", name, "-"]
    ran = subprocess.run(command, capture_output=True, check=False, cwd=out.parent)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, out.read_bytes(), b"")
    assert [path.name for path in out.parent.iterdir()] == ["path"]


def test_a_file_named_dash_can_be_written_too(certboot: Run, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(out.parent)
    assert certboot("export", "--format", "pem-bundle", "./-").out == "pem-bundle with 4 trust anchors: ./-\n"
    assert (out.parent / "-").is_file()


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


def test_without_standard_output_there_is_a_message(certboot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert "no standard output" in certboot("export", "--format", "pem-bundle", "-").err


@cases("name", FILES)
def test_intermediates_are_not_made_anchors(name: str, certboot: Run, out: Path) -> None:
    ran = certboot("export", "--format", name, "--intermediates", out)
    assert_refused(ran)
    assert f"in {name} the intermediates would become trust anchors" in ran.err
    assert not out.exists()


@cases("name", ["pkcs12", "java-cacerts"])
def test_the_password_is_that_of_the_file(name: str, certboot: Run, paths: StorePaths, out: Path, secret: Path) -> None:
    assert certboot("export", "--format", name, "--password-file", secret, out).status == 0
    assert java_store(out, "open sesame").fingerprints == anchors(paths)
    assert keytool("-list", "-keystore", out, "-storepass", "changeit").returncode == 1


@cases(
    ("content", "said"),
    [(b"\n", "the password is empty"), (b"d\xc3\xb6r\n", "Java does not take"), (None, "cannot read the password")],
)
def test_a_password_that_cannot_be_used_is_refused(
    content: bytes | None, said: str, certboot: Run, out: Path, secret: Path
) -> None:
    secret.unlink()
    if content is not None:
        secret.write_bytes(content)
    ran = certboot("export", "--format", "pkcs12", "--password-file", secret, out)
    assert_refused(ran)
    assert said in ran.err
    assert not out.exists()


def test_an_object_of_kubernetes_has_the_name_and_namespace_that_were_given(certboot: Run, out: Path) -> None:
    found = {}
    for name in ("configmap", "trust-manager"):
        certboot("export", "--format", name, "--force", out)
        assert yaml.safe_load(out.read_bytes())["metadata"] == {"name": "certboot-ca-bundle"}
        certboot("export", "--format", name, "--name", "1", "--namespace", "2", "--force", out)
        found[name] = yaml.safe_load(out.read_bytes())
        assert_refused(certboot("export", "--format", name, "--name", "A", "--force", out))
        assert yaml.safe_load(out.read_bytes()) == found[name]
    assert found["configmap"]["metadata"] == {"name": "1", "namespace": "2"}
    assert found["trust-manager"]["metadata"] == {"name": "1"}
    selector = found["trust-manager"]["spec"]["target"]["namespaceSelector"]
    assert selector == {"matchLabels": {"kubernetes.io/metadata.name": "2"}}


@cases("name", FORMATS)
@cases("option", ["name", "namespace", "password-file"])
def test_an_option_without_a_value_is_not_taken_for_none(name: str, option: str, certboot: Run, out: Path) -> None:
    assert_refused(certboot("export", "--format", name, f"--{option}", "", out))
    assert not out.exists()


@cases("name", FORMATS)
@cases("option", ["password-file", "name", "namespace"])
def test_an_option_without_meaning_is_refused(name: str, option: str, certboot: Run, out: Path, secret: Path) -> None:
    value = secret if option == "password-file" else "some"
    ran = certboot("export", "--format", name, f"--{option}", value, out)
    if option in FORMATS[name].takes:
        assert ran.status == 0
    else:
        assert_refused(ran)
        assert f"{name} has no use for --{option}" in ran.err
        assert not out.exists()


def test_there_must_be_a_store(certboot: Run, out: Path) -> None:
    certboot("purge", "--yes")
    ran = certboot("export", "--format", "pem-bundle", out)
    assert_refused(ran)
    assert "there is no store yet" in ran.err


@cases("harm", ["altered", "exposed"])
def test_a_store_that_cannot_be_relied_on_is_not_passed_on(
    harm: str, certboot: Run, paths: StorePaths, out: Path
) -> None:
    generation = in_force(paths)
    assert generation
    file = next((generation / CRTS).glob("*.pem"))
    if harm == "altered":
        file.write_bytes(issue("Intruder").pem)
    else:
        file.chmod(0o666)
    ran = certboot("export", "--format", "pem-bundle", out)
    assert_refused(ran)
    assert "not fit to be exported" in ran.err
    assert "hint: certboot doctor store" in ran.err
    assert not out.exists()


@cases("name", ["pem-bundle", "pem-directory-hash"])
def test_the_store_itself_is_no_place_for_an_export(
    name: str, certboot: Run, paths: StorePaths, tmp_path: Path
) -> None:
    (tmp_path / "way").symlink_to(paths.current)
    before = snapshot(paths.home)
    for path in (paths.current / CRTS, paths.current / BUNDLE, paths.home / "new", paths.home, tmp_path / "way" / CRTS):
        ran = certboot("export", "--format", name, "--force", path)
        assert_refused(ran)
        assert "inside the store" in ran.err
    assert snapshot(paths.home) == before


def test_a_reader_that_goes_away_is_no_error(certboot: Run, out: Path) -> None:
    assert certboot("export", "--format", "pem-bundle", out).status == 0
    command = f"{sys.executable} -m certboot export --format pem-bundle - | head -c 10"
    ran = subprocess.run(["sh", "-c", command], capture_output=True, check=False, text=True)
    assert (ran.stdout, ran.stderr) == (out.read_text()[:10], "")


@cases("argv", [["export", "x"], ["export", "--format", "pem"], ["export", "--format", "der", "x"]])
def test_a_format_and_a_path_are_needed(argv: list[str], certboot: Run) -> None:
    ran = certboot(*argv)
    assert ran.status == 2
    assert ran.err.startswith("usage: certboot export ")


def test_the_help_names_every_format(certboot: Run) -> None:
    shown = certboot("export", "--help").out
    assert all(f"  {name} " in shown for name in FORMATS)
