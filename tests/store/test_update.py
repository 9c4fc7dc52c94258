"""``certboot init``: what it writes, what it refuses, and that nothing breaks the store that is in force."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
import typing
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from support import failing
from support.pki import DAY, NOW, Issued, issue, key_usage
from support.snapshot import assert_refused, contents, roots, snapshot, unparsed
from support.table import cases

import certboot_startup
from certboot.doctor.store import check as store_check
from certboot.pki import rules
from certboot.sources import certifi, system
from certboot.store import env_file, manifest
from certboot.store.paths import StorePaths, in_force, store_paths

if typing.TYPE_CHECKING:
    import trustme
    from support.environments import Ran

    Run = Callable[..., Ran]
    Make = Callable[[Path], Path]

DER = serialization.Encoding.DER


def recorded(paths: StorePaths) -> manifest.Manifest:
    generation = in_force(paths)
    assert generation
    return manifest.read(generation)


def names(paths: StorePaths) -> set[str]:
    """The common names in force (the test's own CAs have nothing else in their subjects)."""
    return {entry.subject.removeprefix("CN=") for entry in recorded(paths).certificates}


def written(folder: Path, file: str, *data: bytes) -> Path:
    path = folder / file
    path.write_bytes(b"".join(data))
    return path


# What a run writes


@pytest.mark.real_sources
def test_init_accounts_for_every_certificate_of_certifi_and_the_system(
    certboot: Callable[..., Ran], paths: StorePaths
) -> None:
    ran = certboot("init")
    now = datetime.now(timezone.utc)
    offered = {c.certificate for c in (*certifi.read().parse().candidates, *system.read().parse().candidates)}
    good = {certificate.fingerprint for certificate in offered if not rules.broken_rule(certificate, now)}
    record = recorded(paths)
    assert {entry.sha256 for entry in record.certificates} == good
    assert {r.fingerprint for r in record.rejected} == {certificate.fingerprint for certificate in offered} - good
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith(f"{len(good)} trust anchors in generation 1\n")
    assert sorted(path.name for path in paths.home.iterdir()) == ["checked", "current", "env", "generations", "lock"]
    assert sorted(path.name for path in paths.current.iterdir()) == ["bundle.pem", "crts", "manifest.json"]


@pytest.mark.real_sources
def test_bundle_and_directory_hold_the_certificates_of_the_manifest(
    certboot: Callable[..., Ran], paths: StorePaths, openssl: Callable[..., str], tmp_path: Path
) -> None:
    """Python's ssl reads the bundle; the openssl program finds each certificate in either form, and no other."""
    certboot("init")
    bundle, crts = paths.current / "bundle.pem", paths.current / "crts"
    certificates = [crts / entry.file for entry in recorded(paths).certificates]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    read = {ssl.PEM_cert_to_DER_cert(path.read_text()[path.read_text().index("-----BEGIN") :]) for path in certificates}
    assert set(context.get_ca_certs(binary_form=True)) == read
    for form in (("-CApath", crts, "-no-CAfile"), ("-CAfile", bundle, "-no-CApath")):
        trust = (*form, "-no-CAstore", "-partial_chain")
        assert openssl("verify", *trust, *certificates) == "".join(f"{path}: OK\n" for path in certificates)
        stranger = written(tmp_path, "stranger.pem", issue("Nobody's").pem)
        assert openssl("verify", *trust, stranger, status=2) == ""


@pytest.mark.real_sources
def test_the_links_are_those_that_openssl_rehash_makes(
    certboot: Callable[..., Ran], paths: StorePaths, openssl: Callable[..., str], tmp_path: Path
) -> None:
    certboot("init")
    crts, copy = paths.current / "crts", tmp_path / "copy"
    copy.mkdir()
    for path in crts.glob("*.pem"):
        shutil.copy(path, copy)
    openssl("rehash", copy)
    assert contents(crts) == contents(copy)
    assert any(path.is_symlink() for path in crts.iterdir())


def test_running_again_changes_nothing(certboot: Callable[..., Ran], paths: StorePaths) -> None:
    certboot("init")
    before = snapshot(paths.home)
    ran = certboot("init")
    assert snapshot(paths.home) == before
    assert ran.out.splitlines()[0].endswith(" trust anchors in generation 1: nothing new, nothing changed")


def test_the_two_forms_let_a_client_trust_an_added_ca(
    certboot: Callable[..., Ran], paths: StorePaths, ca: trustme.CA, ca_file: Path, openssl: Callable[..., str]
) -> None:
    leaf = written(ca_file.parent, "leaf.pem", ca.issue_cert("localhost").cert_chain_pems[0].bytes())
    for added, status in (((), 2), (("--add", ca_file), 0)):
        certboot("init", *added)
        openssl("verify", "-no-CAfile", "-no-CAstore", "-CApath", paths.current / "crts", leaf, status=status)
        openssl("verify", "-no-CApath", "-no-CAstore", "-CAfile", paths.current / "bundle.pem", leaf, status=status)


def test_additions_in_pem_and_der_are_kept_for_later_runs(
    certboot: Callable[..., Ran], paths: StorePaths, tmp_path: Path
) -> None:
    one, two, three = issue("One"), issue("Two"), issue("Three")
    both = written(tmp_path, "both.pem", b"two CAs:\n", one.pem, two.pem)
    ran = certboot("init", "--add", both, "--add", written(tmp_path, "three.der", three.der))
    assert "added 3 (" in ran.out
    assert names(paths) == {"Root A", "Root B", "Root C", "One", "Two", "Three"}
    assert sorted(path.name.split("-")[0] for path in paths.trusted.iterdir()) == ["One", "Three", "Two"]
    both.unlink()
    before = snapshot(paths.home)
    assert "nothing new, nothing changed" in certboot("init").out
    assert "nothing new, nothing changed" in certboot("init", "--add", tmp_path / "three.der").out
    assert snapshot(paths.home) == before


def test_provenance_says_from_where_and_since_when(
    certboot: Callable[..., Ran], paths: StorePaths, tmp_path: Path, clock: Callable[[datetime], None]
) -> None:
    """A later run, another path for the same CA and a new CA beside it leave the first day and path as they were."""
    mine = issue("Mine")
    first, second = written(tmp_path, "first.pem", mine.pem), written(tmp_path, "second.pem", mine.pem)
    certboot("init", "--add", first)

    clock(NOW + timedelta(days=40))
    fresh = written(tmp_path, "fresh.pem", issue("Fresh").pem)
    certboot("init", "--add", second, "--add", fresh)
    today, later = f"{NOW:%Y-%m-%d}", f"{NOW + timedelta(days=40):%Y-%m-%d}"
    assert {
        entry.subject: [(r.source, r.detail, r.since) for r in entry.provenance]
        for entry in recorded(paths).certificates
    } == {
        "CN=Root A": [("certifi", "2026.1", today), ("system", "/etc/ssl/certs", today)],
        "CN=Root B": [("certifi", "2026.1", today)],
        "CN=Root C": [("certifi", "2026.1", today)],
        "CN=Mine": [("added", str(first), today)],
        "CN=Fresh": [("added", str(fresh), later)],
    }


def test_what_a_source_no_longer_gives_leaves_the_store(
    certboot: Callable[..., Ran], paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    certboot("init")
    monkeypatch.setattr(certifi, "read", system.read)
    ran = certboot("init")
    assert ran.out.startswith("1 trust anchor in generation 2 (0 new, 2 gone)\n")
    assert names(paths) == {"Root A"}


@cases("umask", [0o077, 0o000])
def test_folders_are_0755_and_files_0644_whatever_the_umask(
    certboot: Callable[..., Ran], paths: StorePaths, ca_file: Path, umask: int
) -> None:
    before = os.umask(umask)
    try:
        assert certboot("init", "--add", ca_file).status == 0
    finally:
        os.umask(before)
    found = [path for path in (paths.home, *paths.home.rglob("*")) if not path.is_symlink()]
    assert {oct(path.stat().st_mode & 0o7777) for path in found if path.is_dir()} == {"0o755"}
    assert {oct(path.stat().st_mode & 0o7777) for path in found if path.is_file()} == {"0o644"}


@cases("umask", [0o022, 0o000])
def test_a_store_made_under_any_umask_is_accepted_by_the_next_run(certboot: Callable[..., Ran], umask: int) -> None:
    before = os.umask(umask)
    try:
        assert certboot("init").status == 0
        assert certboot("init").err == ""
    finally:
        os.umask(before)


def test_of_what_points_anywhere_the_env_file_is_written_last(
    certboot: Callable[..., Ran], paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    for call in (os.rename, os.replace):

        def noted(source: str, target: str, call: Callable[[str, str], None] = call) -> None:
            order.append(str(Path(target).relative_to(paths.home)))
            call(source, target)

        monkeypatch.setattr(os, call.__name__, noted)
    certboot("init")
    assert order == ["generations/1", "current", "env", "checked"]


def test_five_generations_are_kept(certboot: Callable[..., Ran], paths: StorePaths, tmp_path: Path) -> None:
    for number in range(7):
        certboot("init", "--add", written(tmp_path, f"{number}.pem", issue(f"CA {number}").pem))
    assert sorted(path.name for path in paths.generations.iterdir()) == ["3", "4", "5", "6", "7"]
    assert os.readlink(paths.current) == "generations/7"


def test_what_a_killed_run_left_behind_the_next_one_takes_away(
    certboot: Callable[..., Ran], paths: StorePaths, ca_file: Path
) -> None:
    certboot("init", "--add", ca_file)
    before = set(contents(paths.home))
    (paths.generations / "2.partial" / "crts").mkdir(parents=True)
    half = paths.trusted / ".Example-1234abcd.pem.a1b2c3d4"
    for leftover in (paths.home / ".env.a1b2c3d4", paths.home / ".current.77", half):
        leftover.write_bytes(b"half")
    certboot("init")
    assert set(contents(paths.home)) == before


# Variables


def test_the_env_file_lists_the_default_variables(certboot: Callable[..., Ran], paths: StorePaths) -> None:
    certboot("init")
    bundle, crts = str(paths.current / "bundle.pem"), str(paths.current / "crts")
    assert env_file.read(paths.env) == {
        "REQUESTS_CA_BUNDLE": bundle,
        "SSL_CERT_FILE": bundle,
        "SSL_CERT_DIR": crts,
        "NODE_EXTRA_CA_CERTS": bundle,
        "GIT_SSL_CAINFO": bundle,
        "HTTPLIB2_CA_CERTS": bundle,
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": bundle,
    }


def test_the_settings_change_the_env_file_and_nothing_else(certboot: Callable[..., Ran], paths: StorePaths) -> None:
    certboot("init")
    before = {*(env_file.read(paths.env) or ())}
    paths.config.write_text('[variables]\nadd = ["AWS_CA_BUNDLE"]\nremove = ["GIT_SSL_CAINFO", "SSL_CERT_FILE"]\n')
    ran = certboot("init")
    assert ran.out.startswith("3 trust anchors in generation 1; env file rewritten\n")
    after = {*(env_file.read(paths.env) or ())}
    assert after - before == {"AWS_CA_BUNDLE"}
    assert before - after == {"GIT_SSL_CAINFO", "SSL_CERT_FILE", "SSL_CERT_DIR"}


def test_a_broken_settings_file_is_an_error_and_changes_nothing(
    certboot: Callable[..., Ran], paths: StorePaths
) -> None:
    certboot("init")
    paths.config.write_text("variables =")
    before = snapshot(paths.home)
    assert_refused(certboot("init"))
    assert snapshot(paths.home) == before


def test_removing_every_variable_leaves_the_hook_nothing_to_set(
    certboot: Callable[..., Ran], paths: StorePaths
) -> None:
    certboot("init")
    paths.config.write_text(f"[variables]\nremove = {json.dumps(list(env_file.read(paths.env) or ()))}\n")
    assert "hook      has nothing to set\n" in certboot("init").out
    assert paths.env.read_bytes() == b""


@cases("key", ["http.sslCAInfo", "http.sslCAPath", "http.https://git.example/.sslCAInfo"])
@cases("scope", ["--global", "--system"])
def test_git_keeps_the_trust_that_its_own_settings_name(
    certboot: Callable[..., Ran],
    paths: StorePaths,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    key: str,
    scope: str,
) -> None:
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / "gitconfig"))
    certboot("init")
    assert "GIT_SSL_CAINFO" in (env_file.read(paths.env) or ())
    subprocess.run(["git", "config", scope, key, "/own.pem"], check=True)
    ran = certboot("init")
    assert "GIT_SSL_CAINFO" not in (env_file.read(paths.env) or ())
    assert f"git has a setting of its own: {key}\n".casefold() in ran.out.casefold()
    subprocess.run(["git", "config", scope, "--unset", key], check=True)
    certboot("init")
    assert "GIT_SSL_CAINFO" in (env_file.read(paths.env) or ())


def test_preset_variables_are_named_and_left_alone(
    certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", "/own/certs")
    ran = certboot("init")
    assert [line.strip() for line in ran.out.splitlines() if "left out" in line] == [
        "left out  SSL_CERT_FILE stays unset because SSL_CERT_DIR is set by something else: SSL_CERT_DIR=/own/certs",
        "left out  SSL_CERT_DIR is set by something else: SSL_CERT_DIR=/own/certs",
    ]
    (hook,) = [line for line in ran.out.splitlines() if line.startswith("  hook")]
    assert "SSL_CERT" not in hook
    assert "REQUESTS_CA_BUNDLE" in hook


# The path of the store


@cases("spelling", ["{}/store", "{}/store/", "{}//store", "{}/./store", "{}/x/../store"])
def test_the_hook_takes_a_store_however_its_path_is_spelled(
    certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spelling: str
) -> None:
    (tmp_path / "x").mkdir()
    monkeypatch.setenv("CERTBOOT_HOME", spelling.format(tmp_path))
    assert certboot("init").status == 0
    assert started(store_paths()) == "active"


def test_the_hook_takes_the_store_of_a_home_that_ends_in_a_slash(
    certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, clean: Path
) -> None:
    monkeypatch.setenv("HOME", f"{clean}/")
    assert certboot("init").status == 0
    assert started(store_paths()) == "active"


def started(paths: StorePaths) -> str:
    """What the hook makes of the store, in an environment that has nothing preset."""
    assert paths.home.is_absolute()
    keep = {key: os.environ[key] for key in ("HOME", "CERTBOOT_HOME") if key in os.environ}
    keep["CERTBOOT_GUARDS"] = "none"  # the hook must not guard the modules of this process
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certboot_startup, "applied", {})
        return certboot_startup._activate(keep, set(keep))  # type: ignore[arg-type]  # a dict will do


def test_a_folder_that_holds_other_things_is_refused(
    certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    monkeypatch.setenv("CERTBOOT_HOME", str(folder))
    before = snapshot(folder)
    ran = certboot("init")
    assert_refused(ran)
    assert "(notes.txt)" in ran.err
    assert snapshot(folder) == before
    (folder / "notes.txt").unlink()
    assert certboot("init").status == 0


def test_a_place_where_others_may_write_is_refused(
    certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    parent = tmp_path / "open"
    parent.mkdir()
    monkeypatch.setenv("CERTBOOT_HOME", str(parent / "store"))
    parent.chmod(0o777)
    ran = certboot("init")
    assert_refused(ran)
    assert f"others may write to it: {parent}\n" in ran.err
    assert list(parent.iterdir()) == []
    parent.chmod(0o755)
    assert certboot("init").status == 0


def test_a_run_that_starts_while_another_makes_the_store_does_not_take_it_for_a_strangers(
    certboot: Callable[..., Ran], paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths.home.mkdir(parents=True)
    listed = Path.iterdir

    def after_the_other(self: Path) -> typing.Any:  # noqa: ANN401 - a generator up to Python 3.12, an iterator since
        if self == paths.home:
            paths.generations.mkdir(exist_ok=True)
        return listed(self)

    monkeypatch.setattr(Path, "iterdir", after_the_other)
    assert certboot("init").err == ""


# What it refuses


def key_der(made: Issued) -> bytes:
    return made.key.private_bytes(DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def leaf() -> Issued:
    plain = ((x509.BasicConstraints(ca=False, path_length=None), True), (key_usage(key_cert_sign=False), True))
    return issue("www.example.org", roots()[0], extensions=plain)


def mail_only() -> Issued:
    purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    authority = x509.BasicConstraints(ca=True, path_length=None)
    return issue("Mail", extensions=((authority, True), (key_usage(key_cert_sign=True), True), (purpose, False)))


BROKEN = b"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"
WRONG: dict[str, tuple[Make, str]] = {
    "missing": (lambda folder: folder / "none.pem", "cannot read "),
    "directory": (lambda folder: folder, "no certificate files in the folder: "),
    "key": (lambda folder: written(folder, "key.pem", issue("K").key_pem), "a private key, not a certificate: "),
    "key-der": (lambda folder: written(folder, "key.der", key_der(issue("K"))), "a private key, not a certificate: "),
    "leaf": (lambda folder: written(folder, "leaf.pem", leaf().pem), "'www.example.org' cannot be trusted as a CA, "),
    "leaf-der": (lambda folder: written(folder, "leaf.der", leaf().der), "'www.example.org' cannot be trusted "),
    "expired": (
        lambda folder: written(folder, "old.pem", issue("Old", valid=(NOW - 9 * DAY, NOW - DAY)).pem),
        "'Old' cannot be trusted as a CA, it expired on ",
    ),
    "not-yet-valid": (
        lambda folder: written(folder, "new.pem", issue("New", valid=(NOW + DAY, NOW + 9 * DAY)).pem),
        "'New' cannot be trusted as a CA, it is valid from ",
    ),
    "mail-only": (
        lambda folder: written(folder, "mail.pem", mail_only().pem),
        "'Mail' cannot be trusted as a CA, its extended key usage leaves out TLS servers",
    ),
    "text": (lambda folder: written(folder, "notes.txt", b"-----\nnothing\n" * 9), "no readable certificate, "),
    "other-pem": (
        lambda folder: written(folder, "other.pem", b"-----BEGIN X-----\nAAAA\n-----END X-----\n"),
        "no certificate in it: ",
    ),
    "empty": (lambda folder: written(folder, "empty.pem"), "an empty file: "),
    "blank": (lambda folder: written(folder, "blank.pem", b" \n\n"), "an empty file: "),
    "large": (lambda folder: written(folder, "large.pem", bytes(17 << 20)), "cannot read "),
    "random": (lambda folder: written(folder, "random.der", bytes(range(255, 0, -1)) * 9), "no readable certificate, "),
    "broken": (lambda folder: written(folder, "broken.pem", BROKEN), "no readable certificate, the block in line 1: "),
}


@cases("store", [False, True], ids=["no-store", "store"])
@cases("kind", WRONG)
def test_a_wrong_file_to_add_is_refused_and_the_store_stays_as_it_was(
    certboot: Callable[..., Ran], clean: Path, tmp_path: Path, ca_file: Path, kind: str, *, store: bool
) -> None:
    make, words = WRONG[kind]
    folder = tmp_path / "given"
    folder.mkdir()
    if store:
        certboot("init")
    before = snapshot(clean)
    ran = certboot("init", "--add", ca_file, "--add", make(folder))
    assert_refused(ran)
    assert ran.err.startswith(f"certboot: error: {words}")
    assert ran.out == ""
    assert snapshot(clean) == before
    assert certboot("init", "--add", ca_file).status == 0


def test_a_broken_block_among_good_ones_is_a_counted_rejection(
    certboot: Callable[..., Ran], paths: StorePaths, tmp_path: Path
) -> None:
    old = issue("Old", valid=(NOW - 9 * DAY, NOW - DAY))
    mixed = written(tmp_path, "mixed.pem", issue("Good").pem, BROKEN, old.pem, issue("Fine").pem)
    ran = certboot("init", "--add", mixed)
    assert ran.status == 0
    assert "\n  rejected  1 expired, 1 unreadable\n" in ran.out
    assert f"\n            {mixed}: it expired on " in ran.out
    assert names(paths) == {"Root A", "Root B", "Root C", "Good", "Fine"}
    assert sorted(path.name.split("-")[0] for path in paths.trusted.iterdir()) == ["Fine", "Good"]
    before = snapshot(paths.home)
    assert "nothing new, nothing changed" in certboot("init", "--add", mixed).out
    assert snapshot(paths.home) == before


def test_with_no_certificate_left_the_store_stays_as_it_was(
    certboot: Callable[..., Ran], paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    certboot("init")
    before = snapshot(paths.home)
    for source in (certifi, system):
        monkeypatch.setattr(source, "read", lambda: unparsed(b"", "", ""))
    assert_refused(certboot("init"))
    assert snapshot(paths.home) == before


# Failures while it writes


def trusted_now(paths: StorePaths) -> dict[str, object]:
    """What decides which certificates are trusted now and by the next run, without what is not in force."""
    generation = in_force(paths)
    return {
        "current": os.readlink(paths.current) if paths.current.is_symlink() else None,
        "generation": contents(generation) if generation else None,
        "env": paths.env.read_bytes() if paths.env.exists() else None,
        "trusted": contents(paths.trusted) if paths.trusted.exists() else {},
    }


CALLS: list[tuple[object, str]] = [
    *failing.CALLS.values(), (os, "chmod"), (os, "scandir"), (os, "symlink"), (Path, "iterdir"), (shutil, "rmtree"),
]  # fmt: skip


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("store", [False, True], ids=["no-store", "store"])
def test_whichever_call_fails_what_was_in_force_still_is(
    certboot: Callable[..., Ran],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    call: tuple[object, str],
    *,
    store: bool,
) -> None:
    """Each time in a store of its own. The control: the same command where no call fails, whose calls are counted."""
    wrong: list[object] = []
    extra = written(tmp_path, "extra.pem", issue("Extra").pem)

    def added(at: int, code: int = 0) -> tuple[Ran, int, list[str]]:
        """Add the CA in a new store, and return what changed of what is in force."""
        monkeypatch.setenv("CERTBOOT_HOME", str(tmp_path / f"store-{at}"))
        if store:
            certboot("init")
        before = trusted_now(store_paths())
        with pytest.MonkeyPatch.context() as patch:
            counted = failing.Failing(patch, call, at, code)
            ran = certboot("init", "--add", extra)
        return ran, counted.times, [key for key, value in trusted_now(store_paths()).items() if value != before[key]]

    ran, times, changed = added(at=0)
    assert (ran.status, bool(changed)) == (0, True)
    for at, code in failing.moments(call, times):
        ran, _, changed = added(at, code)
        paths = store_paths()
        after = trusted_now(paths)
        if ran.status:
            assert_refused(ran)
            # Without an env file nobody uses a first store; but what is in it must be kept for the next run.
            started_well = not store and after["env"] is None and (after["current"] is None or after["trusted"])
            if changed and not started_well:
                wrong.append((at, errno.errorcode[code], "changed", changed))
        # Some failures have a way round: no symbolic link, then a hard link.
        if (store or ran.status == 0) and not is_well(paths):
            wrong.append((at, errno.errorcode[code], "damaged"))
        if certboot("init", "--add", extra).status != 0 or started(paths) != "active":
            wrong.append((at, errno.errorcode[code], "the next run failed"))
    assert wrong == []


def test_two_names_that_collide_are_refused(certboot: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certboot.pki.certificate.file_name", lambda _: "same-12345678.pem")
    ran = certboot("init")
    assert_refused(ran)
    assert "two certificates with the same name" in ran.err


@pytest.mark.slow
@pytest.mark.real_sources
def test_a_kill_at_any_moment_leaves_a_whole_store(
    certboot: Callable[..., Ran], paths: StorePaths, tmp_path: Path
) -> None:
    certboot("init")
    kills, killed = 10, 0
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "certboot", "init"], check=True, capture_output=True)
    lasted = (time.perf_counter() - began) * 1.3  # a run with something to write takes longer
    for number in range(kills):
        new = written(tmp_path, f"{number}.pem", issue(f"CA {number}").pem)
        command = [sys.executable, "-m", "certboot", "init", "--add", str(new)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            try:
                process.wait(lasted * (number + 1) / kills)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        assert is_well(paths)
        assert started(paths) == "active"
        in_store, kept = f"CA {number}" in names(paths), bool(list(paths.trusted.glob(f"CA_{number}-*.pem")))
        assert kept or not in_store  # else the next run would take it away again
        assert certboot("init").status == 0
        assert [path for path in paths.home.rglob("*") if path.name.startswith(".") or path.suffix == ".partial"] == []
    assert killed > 2


@pytest.mark.slow
@pytest.mark.real_sources
def test_four_runs_at_once_end_in_one_store_with_all_their_cas(paths: StorePaths, tmp_path: Path) -> None:
    commands = [
        [sys.executable, "-m", "certboot", "init", "--add", str(written(tmp_path, f"{n}.pem", issue(f"CA {n}").pem))]
        for n in range(4)
    ]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for command in commands]
    assert [(run.communicate()[1], run.returncode) for run in runs] == [(b"", 0)] * 4
    assert {f"CA {n}" for n in range(4)} <= names(paths)
    assert is_well(paths)
    assert len(list(paths.trusted.iterdir())) == 4


# Damage


def is_well(paths: StorePaths) -> bool:
    return {finding.status for finding in store_check.check(paths)} <= {"ok", "info"}


def one(paths: StorePaths) -> Path:
    return min((paths.current / "crts").glob("Root_A-*.pem"))


def a_link(paths: StorePaths) -> Path:
    return next(path for path in sorted((paths.current / "crts").iterdir()) if path.is_symlink())


def another(link: Path) -> Path:
    return next(path for path in sorted(link.parent.glob("*.pem")) if path.name != os.readlink(link))


def relink(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


def shortened(path: Path, left: int = 100) -> None:
    os.truncate(path, left)


def emptied(link: Path) -> None:
    link.unlink()
    link.touch()


def edited(paths: StorePaths, **changes: object) -> None:
    path = paths.current / manifest.NAME
    document = json.loads(path.read_bytes())
    for key, value in changes.items():
        (document if key in document else document["certificates"][0])[key] = value
    path.write_text(json.dumps(document))


DAMAGE: dict[str, Callable[[StorePaths], object]] = {
    "file-missing": lambda paths: one(paths).unlink(),
    "file-altered": lambda paths: one(paths).write_bytes(issue("Root A").pem),
    "file-shortened": lambda paths: shortened(one(paths)),
    "file-empty": lambda paths: shortened(one(paths), 0),
    "file-more": lambda paths: one(paths).write_bytes(one(paths).read_bytes() + issue("Evil").pem),
    "link-missing": lambda paths: a_link(paths).unlink(),
    "link-altered": lambda paths: relink(a_link(paths), another(a_link(paths)).name),
    "link-dangling": lambda paths: relink(a_link(paths), "nothing.pem"),
    "link-to-itself": lambda paths: relink(a_link(paths), a_link(paths).name),
    "link-more": lambda paths: (paths.current / "crts" / "01234567.0").symlink_to(one(paths).name),
    "stranger": lambda paths: written(paths.current / "crts", "evil.pem", issue("Evil").pem),
    "crts-missing": lambda paths: shutil.rmtree(paths.current / "crts"),
    "bundle-missing": lambda paths: (paths.current / "bundle.pem").unlink(),
    "bundle-altered": lambda paths: (paths.current / "bundle.pem").write_bytes(issue("Evil").pem),
    "bundle-shortened": lambda paths: shortened(paths.current / "bundle.pem"),
    "bundle-empty": lambda paths: shortened(paths.current / "bundle.pem", 0),
    "manifest-missing": lambda paths: (paths.current / manifest.NAME).unlink(),
    "manifest-shortened": lambda paths: shortened(paths.current / manifest.NAME),
    "manifest-of-a-later-version": lambda paths: edited(paths, schema=99),
    "manifest-other-digest": lambda paths: edited(paths, sha256="0" * 64),
    "manifest-file-no-text": lambda paths: edited(paths, file=7),
    "current-missing": lambda paths: paths.current.unlink(),
    "current-dangling": lambda paths: relink(paths.current, "generations/99"),
    "current-empty-file": lambda paths: emptied(paths.current),
    "generation-missing": lambda paths: shutil.rmtree(paths.current.resolve()),
    "generations-missing": lambda paths: shutil.rmtree(paths.generations),
}


@cases("kind", DAMAGE)
def test_the_doctor_sees_damage_and_init_mends_it(
    certboot: Callable[..., Ran], paths: StorePaths, ca_file: Path, kind: str
) -> None:
    certboot("init", "--add", ca_file)
    good = contents(paths.current / "crts")
    assert certboot("doctor", "store").status == 0
    DAMAGE[kind](paths)
    ran = certboot("doctor", "store", "--json")
    (finding,) = json.loads(ran.out)["findings"]
    assert finding["status"] == "fail"
    assert finding["fix"] == [["certboot", "init"]]
    assert ran.status == 1
    ran = certboot("init")
    assert (ran.status, ran.err) == (0, "")
    assert certboot("doctor", "store").status == 0
    assert contents(paths.current / "crts") == good
    assert started(paths) == "active"


def test_the_doctor_sees_a_damaged_env_file_and_init_mends_it(certboot: Callable[..., Ran], paths: StorePaths) -> None:
    """In a new interpreter, whose hook has met the damage."""

    def doctor() -> int:
        return subprocess.run([sys.executable, "-m", "certboot", "doctor"], capture_output=True, check=False).returncode

    certboot("init")
    good = paths.env.read_bytes()
    assert doctor() == 0
    for damaged in (None, b"", good[:30], good.replace(os.fsencode(paths.home), b"/elsewhere")):
        paths.env.unlink()
        if damaged is not None:
            paths.env.write_bytes(damaged)
        assert doctor() == 1, damaged
        assert certboot("init").status == 0
        assert paths.env.read_bytes() == good
    assert doctor() == 0


def test_a_switch_without_symbolic_links_is_understood(certboot: Callable[..., Ran], paths: StorePaths) -> None:
    """As Windows, or a file system without links, has it: ``current`` is a file that names the generation."""
    certboot("init")
    paths.current.unlink()
    paths.current.write_text("generations/1\n")
    ran = certboot("init")
    assert ran.out.startswith("3 trust anchors in generation 1; env file rewritten\n")
    assert set((env_file.read(paths.env) or {}).values()) == {
        str(paths.generations / "1" / "bundle.pem"),
        str(paths.generations / "1" / "crts"),
    }
    assert started(paths) == "active"


PARTS = [".", "env", "config.toml", "generations", "current/.", "current/crts", "current/bundle.pem"]


@cases("part", PARTS)
def test_the_doctor_knows_how_to_mend_a_part_that_others_may_write(
    certboot: Callable[..., Ran], paths: StorePaths, part: str
) -> None:
    certboot("init")
    paths.config.touch()
    (paths.home / part).chmod(0o777)
    assert started(paths) == ("active" if part == "config.toml" else "unsafe")
    findings = json.loads(certboot("doctor", "store", "--json").out)["findings"]
    assert {finding["id"] for finding in findings} == {"store-unsafe"}
    for finding in findings:
        for command in finding["fix"]:
            subprocess.run(command, check=True)
    assert certboot("doctor", "store").status == 0
    assert started(paths) == "active"


@cases("part", [".", "env", "config.toml", "generations", "trusted", "lock"])
def test_a_store_in_which_others_may_write_is_not_relied_on(
    certboot: Callable[..., Ran], paths: StorePaths, ca_file: Path, part: str
) -> None:
    certboot("init", "--add", ca_file)
    paths.config.touch()
    path = paths.home / part
    mode = path.stat().st_mode
    path.chmod(0o777)
    before = snapshot(paths.home)
    ran = certboot("init")
    assert_refused(ran)
    assert f"others may write to it: {path}\n" in ran.err
    assert snapshot(paths.home) == before
    path.chmod(mode)
    assert certboot("init").status == 0


def test_a_file_in_the_place_of_the_store_is_refused(certboot: Callable[..., Ran], paths: StorePaths) -> None:
    paths.home.parent.mkdir(parents=True)
    paths.home.write_text("mine")
    ran = certboot("init")
    assert_refused(ran)
    assert f"the store's folder is a file: {paths.home}\n" in ran.err
    assert paths.home.read_text() == "mine"


def test_an_unreadable_kept_file_is_a_rejection_and_the_others_count(
    certboot: Callable[..., Ran], paths: StorePaths, ca_file: Path
) -> None:
    certboot("init", "--add", ca_file)
    before = {entry.sha256 for entry in recorded(paths).certificates}
    (paths.trusted / "broken.pem").write_bytes(b"")
    ran = certboot("init")
    assert (ran.status, ran.err) == (0, "")
    assert {entry.sha256 for entry in recorded(paths).certificates} == before
