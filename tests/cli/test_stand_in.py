"""``certboot trust --stand-in``: in the place of a CA whose form newer Pythons refuse, and gone when that goes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from support.commands import FEW, Run, entry, names, saved
from support.issuers import Send, intermediate, leaf
from support.pki import CA, DAY, LEAF, NOW, Form, Issued, changed, make
from support.snapshot import roots, snapshot, unparsed
from support.table import cases
from support.terminal import answers

from certboot.pki import pem
from certboot.pki.certificate import load_certificate
from certboot.pki.stand_in import Declined, stand_in
from certboot.pki.verdict import openssl_verdict, verifying_context
from certboot.sources import certifi, system
from certboot.store import generations
from certboot.store.paths import StorePaths

FORM = changed(CA, critical=False, usage=False, ski=False)
OLD = make("Old Root", form=FORM)
HOSTS = changed(LEAF, names=("localhost",))
BELOW = make("localhost", OLD, HOSTS)
MADE = stand_in(OLD.der)
assert isinstance(MADE, bytes)
STANDING = load_certificate(MADE).fingerprint


def accepted(store: StorePaths, chain: tuple[Issued, ...], *, strict: bool) -> bool:
    """What a client says that has the store's directory."""
    context = verifying_context(strict=strict, anchors=str(store.current / "crts"))
    verdict = openssl_verdict(context, tuple(member.der for member in chain), "localhost")
    assert verdict is not None
    return verdict.code == 0


def both(store: StorePaths, *chain: Issued) -> tuple[bool, bool]:
    return accepted(store, chain, strict=False), accepted(store, chain, strict=True)


def held(store: StorePaths) -> set[bytes]:
    """Everything that bundle and directory hold, which is the same."""
    bundle = {block.data or b"" for block in pem.blocks((store.current / "bundle.pem").read_bytes())}
    files = (path.read_bytes() for path in (store.current / "crts").glob("*.pem"))
    assert bundle == {block.data for text in files for block in pem.blocks(text)}
    return bundle


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return saved(tmp_path / "old.pem", OLD)


def test_it_replaces_the_ca_and_strict_clients_accept_what_they_refused(
    certboot: Run, store: StorePaths, old: Path, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    certboot("trust", "--yes", old)
    assert both(store, BELOW) == (True, False)
    host = send(BELOW).shown
    before = snapshot(store.home)
    answers(monkeypatch, "n\n")
    ran = certboot("-q", "trust", old, "--stand-in", "--for", host)
    assert (ran.status, "  better " in ran.out) == (1, True)  # nobody is asked about what is not shown
    assert snapshot(store.home) == before
    answers(monkeypatch, "y\n")
    ran = certboot("trust", old, "--stand-in", "--for", host)
    assert ran.status == 0, ran.err
    lines = [line[:11].strip() for line in ran.out.splitlines()]
    assert lines.index("better") < lines.index("stand-in") < lines.index("tried")
    assert f"the chain of {host}: accepted as by Python up to 3.12, and as by 3.13" in " ".join(ran.out.split())
    assert both(store, BELOW) == both(store, BELOW, OLD) == (True, True)
    assert MADE in held(store)
    assert OLD.der not in held(store)
    assert both(store, make("localhost", make("Old Root", form=FORM), HOSTS)) == (False, False)
    again = certboot("trust", host, "--stand-in", "--yes")
    assert (again.status, again.out.splitlines()[-1]) == (0, "it is in the store already: nothing to do")


@pytest.fixture
def standing(certboot: Run, store: StorePaths, old: Path) -> StorePaths:
    """A store with the stand-in: generation 2."""
    ran = certboot("trust", old, "--stand-in", "--yes")
    assert ran.status == 0, ran.err
    assert "--for HOST" in ran.out
    return store


def test_every_command_says_for_which_certificate_it_stands(
    certboot: Run, standing: StorePaths, tmp_path: Path
) -> None:
    words = f"stand-in for {OLD.sha256[:16]}"
    assert f"Old Root ({words})" in certboot("list").out
    assert f"stand-in  for {OLD.sha256}: strict-missing-ski" in certboot("show", OLD.sha256).out
    assert "+1 -0, stand-in for Old Root" in certboot("history").out
    assert f"Old Root ({words})" in certboot("diff", "1", "2").out
    assert f"Old Root is a {words}: strict-missing-ski, " in certboot("doctor", "-v", "store").out
    assert "4 CAs, 1 stand-in among them" in certboot("doctor", "store").out
    document = json.loads((standing.current / "manifest.json").read_bytes())
    (told,) = (entry for entry in document["certificates"] if entry["name"] == "Old Root")
    assert (told["sha256"], told["defects"]) == (STANDING, [])
    assert told["stand_in_for"] == {
        "sha256": OLD.sha256, "defects": ["strict-missing-ski", "strict-basic-constraints", "strict-key-usage"],
        "der": base64.b64encode(OLD.der).decode(),
    }  # fmt: skip
    for options, given in (((), OLD.der), (("--stand-ins",), MADE)):
        path = tmp_path / f"export{len(options)}.pem"
        assert certboot("export", "--format", "pem-bundle", path, *options).status == 0
        exported = {block.data for block in pem.blocks(path.read_bytes())}
        assert exported & {OLD.der, MADE} == {given}


def test_an_update_makes_it_anew_from_the_certificate_that_the_user_gave(
    certboot: Run, standing: StorePaths, old: Path
) -> None:
    old.unlink()
    (kept,) = standing.trusted.iterdir()
    assert [block.data for block in pem.blocks(kept.read_bytes())] == [OLD.der]
    assert certboot("update").status == 0
    assert generations.current(standing).generation == 2  # nothing is new
    for path in (standing.current / "crts").glob("*.pem"):
        path.chmod(0o644)
        path.write_bytes(b"")
    assert certboot("update").status == 0
    assert MADE in held(standing)
    kept.unlink()
    assert certboot("update").status == 0
    assert names(standing) == FEW


@cases("named", [OLD.sha256, STANDING, "Old Root"])
def test_distrust_of_either_takes_it_out_and_undo_brings_it_back(
    certboot: Run, standing: StorePaths, named: str
) -> None:
    ran = certboot("distrust", named)
    assert ran.status == 0, ran.err
    assert names(standing) == FEW
    certboot("update")
    assert names(standing) == FEW
    assert both(standing, BELOW) == (False, False)
    assert certboot("distrust", "--undo", "Old Root").status == 0
    assert entry(standing, "Old Root").fingerprints == (STANDING, OLD.sha256)


@cases("digits", [OLD.sha256, STANDING])
def test_the_settings_keep_either_out(certboot: Run, standing: StorePaths, digits: str) -> None:
    standing.config.write_text(f'[rules]\ndistrust = ["{digits}"]\n')
    assert certboot("update").status == 0
    assert names(standing) == FEW
    certboot("update")
    assert names(standing) == FEW
    standing.config.unlink()
    assert certboot("update").status == 0
    assert entry(standing, "Old Root").sha256 == STANDING


def test_the_ca_itself_comes_back_where_the_user_trusts_it_without(certboot: Run, standing: StorePaths) -> None:
    (kept,) = standing.trusted.iterdir()
    ran = certboot("trust", "--yes", kept)
    assert (ran.status, "in the store by a stand-in, not as it is" in ran.out) == (0, True)
    assert entry(standing, "Old Root").fingerprints == (OLD.sha256,)
    assert both(standing, BELOW) == (True, False)
    certboot("update")
    assert entry(standing, "Old Root").fingerprints == (OLD.sha256,)


def test_naming_the_ca_once_more_changes_nothing(certboot: Run, standing: StorePaths, old: Path) -> None:
    """As the scripts do that set a machine up; only trust asks, and is a word for the CA as it is."""
    assert certboot("init", "--add", old).status == 0
    assert entry(standing, "Old Root").fingerprints == (STANDING, OLD.sha256)
    assert generations.current(standing).generation == 2
    certboot("update")
    assert entry(standing, "Old Root").fingerprints == (STANDING, OLD.sha256)


def test_it_leaves_when_the_ca_is_issued_anew(certboot: Run, standing: StorePaths, tmp_path: Path) -> None:
    """And comes back with its reason, where the new certificate goes."""
    new = make("Old Root", form=CA, key=OLD.key)
    assert certboot("trust", "--yes", saved(tmp_path / "new.pem", new)).status == 0
    assert entry(standing, "Old Root").fingerprints == (new.sha256,)
    assert both(standing, BELOW) == (True, True)
    assert f"{OLD.sha256[:16]}  issued-anew" in certboot("list", "--rejected").out
    ran = certboot("trust", tmp_path / "old.pem", "--stand-in", "--yes")
    assert ran.status == 2
    assert "the store has no stand-in: its CA has a certificate without these faults" in ran.err
    (standing.trusted / f"Old_Root-{new.sha256[:8]}.pem").unlink()
    certboot("update")
    assert entry(standing, "Old Root").fingerprints == (STANDING, OLD.sha256)


def test_what_is_below_it_hangs_from_it_and_goes_with_it(
    certboot: Run, standing: StorePaths, tmp_path: Path, send: Send
) -> None:
    middle = intermediate("Middle", OLD)
    assert certboot("trust", "--yes", saved(tmp_path / "middle.pem", middle)).status == 0
    assert entry(standing, "Middle").descent == (STANDING, STANDING)
    # A chain that the server does not send whole is tried with what the store has of it.
    host = send(leaf(middle)).shown
    (kept,) = standing.trusted.iterdir()
    certboot("trust", "--yes", kept)
    assert entry(standing, "Middle").descent == (OLD.sha256, OLD.sha256)
    ran = certboot("trust", host, "--stand-in", "--yes")
    assert ran.status == 0, ran.err
    assert entry(standing, "Middle").descent == (STANDING, STANDING)
    certboot("distrust", OLD.sha256)
    assert names(standing) == FEW


ODD = b"odd"
NAMED_ODDLY = changed(HOSTS, aki=False, extra=((x509.AuthorityKeyIdentifier(ODD, None, None), False),))


def test_it_has_the_key_identifier_by_which_the_chain_names_its_root(
    certboot: Run, store: StorePaths, old: Path, send: Send
) -> None:
    """For good; the other chain's is that of the key, which is what it has where nothing else is known."""
    oddly = make("localhost", OLD, NAMED_ODDLY)
    assert certboot("trust", old, "--stand-in", "--for", send(oddly).shown, "--yes").status == 0
    for _ in range(2):
        assert both(store, oddly) == (True, True)
        (store.current / "bundle.pem").unlink()
        assert certboot("update").status == 0
    stranger = make("localhost", make("Old Root", form=FORM), NAMED_ODDLY)
    ran = certboot("trust", old, "--stand-in", "--for", send(stranger).shown, "--yes")
    assert ran.status == 2
    assert "does not lead to Old Root" in ran.err
    assert both(store, oddly) == (True, True)


def served(form: Form) -> Callable[[], tuple[Issued, Issued]]:
    """A root and what a server below it has."""
    return lambda: (OLD, make("localhost", OLD, form))


REFUSED: dict[str, tuple[Callable[[], tuple[Issued, Issued]], str]] = {
    "without AKI": (served(changed(HOSTS, aki=False)), "Python 3.13 and newer refuse its chain with it too, 85"),
    "expired": (served(changed(HOSTS, valid=(NOW - 9 * DAY, NOW - DAY))), "without strictness too, 10"),
    "of another CA": (lambda: (OLD, make("localhost", make("Other", form=CA), HOSTS)), "does not lead to Old Root"),
    "its own": (lambda: (OLD, OLD), "is the certificate of localhost"),
    "well-formed": (lambda: ((root := make("Root", form=CA)), make("localhost", root)), "verification finds nothing"),
    "without constraints": (
        lambda: ((root := make("Root", form=changed(FORM, constraints=False, usage=True))), make("localhost", root)),
        Declined.NO_BASIC_CONSTRAINTS.value,
    ),
}  # fmt: skip


@cases(("made", "words"), REFUSED.values(), ids=tuple(REFUSED))
def test_what_it_would_not_help_or_may_not_have_one_is_refused(
    certboot: Run, store: StorePaths, tmp_path: Path, send: Send,
    made: Callable[[], tuple[Issued, Issued]], words: str,
) -> None:  # fmt: skip
    root, server = made()
    before = snapshot(store.home)
    ran = certboot("trust", saved(tmp_path / "root.pem", root), "--stand-in", "--yes", "--for", send(server).shown)
    assert ran.status == 2
    assert words in " ".join(ran.err.split())
    assert snapshot(store.home) == before


def test_what_else_is_in_the_file_is_left_out_and_that_is_said(
    certboot: Run, store: StorePaths, tmp_path: Path
) -> None:
    several = saved(tmp_path / "several.pem", OLD, make("Sound", form=CA), intermediate("Middle", OLD))
    ran = certboot("trust", several, "--stand-in", "--yes")
    assert (ran.status, "left out  2 other certificates" in ran.out) == (0, True)
    assert names(store) == {*FEW, "Old Root"}


def test_a_public_ca_gets_none(
    certboot: Run, store: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = unparsed(b"".join(issued.pem for issued in (*roots(), OLD)), "certifi", "2026.1")
    old = saved(tmp_path / "old.pem", OLD)
    with monkeypatch.context() as patched:
        patched.setattr(certifi, "read", lambda: public)
        assert "it is a public CA" in certboot("trust", old, "--stand-in", "--yes").err
    assert certboot("trust", old, "--stand-in", "--yes").status == 0
    assert entry(store, "Old Root").sha256 == STANDING
    # It was none when it came to the store, and became one since.
    monkeypatch.setattr(certifi, "read", lambda: public)
    certboot("update")
    assert entry(store, "Old Root").fingerprints == (OLD.sha256,)
    assert "no stand-in for it, it is a public CA" in certboot("list", "--rejected").out


def test_where_the_system_has_the_ca_too_that_is_no_drift(
    certboot: Run, paths: StorePaths, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "read", lambda: unparsed(roots()[0].pem + OLD.pem, "system", "/etc/ssl/certs"))
    certboot("init")
    before = certboot("doctor", "-v", "store").out
    assert certboot("trust", old, "--stand-in", "--yes").status == 0
    assert [reason.source for reason in entry(paths, "Old Root").provenance] == ["system", "added"]
    (drift,) = (line for line in before.splitlines() if line.split()[1:2] == ["system"])
    assert drift in certboot("doctor", "-v", "store").out
    assert OLD.der not in held(paths)
    certboot("rollback")
    assert OLD.der in held(paths)


@cases("beside", [
    make("Old Root", form=CA, key=OLD.key),  # issued anew: the old one does not enter
    make("Old Root", form=changed(FORM, constraints=False, usage=True), key=OLD.key),  # enters as it is
    Issued(x509.load_der_x509_certificate(MADE), OLD.key),  # what export --stand-ins writes
])  # fmt: skip
def test_nothing_is_lost_of_a_variable_that_names_it_and_another_certificate_of_the_ca(
    certboot: Run, standing: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beside: Issued
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(saved(tmp_path / "image.pem", OLD, beside)))
    ran = certboot("adopt", "--yes")
    assert (ran.status, ran.err) == (0, "")
    assert both(standing, BELOW)[0]
    certboot("adopt", "--undo")
    assert entry(standing, "Old Root").fingerprints == (STANDING, OLD.sha256)


def test_an_intermediate_without_its_root_enters_with_a_ca_that_has_a_stand_in_by_settings(
    certboot: Run, store: StorePaths, old: Path, tmp_path: Path
) -> None:
    """It stays out, but the file is no error for that: the CA beside it entered, as ever."""
    store.config.write_text(f'[[company]]\npath = "{old}"\nstand-in = true\n')
    both_of = saved(tmp_path / "both.pem", OLD, intermediate("Middle", make("Elsewhere", form=CA)))
    ran = certboot("trust", "--yes", both_of)
    assert (ran.status, names(store)) == (0, {*FEW, "Old Root"}), ran.err


def test_trust_settings_would_be_lost_in_it(certboot: Run, store: StorePaths, tmp_path: Path) -> None:
    path = tmp_path / "trusted.pem"
    # trusted for servers
    text = base64.encodebytes(OLD.der + bytes.fromhex("300c300a06082b06010505070301")).decode()
    path.write_text(f"-----BEGIN TRUSTED CERTIFICATE-----\n{text}-----END TRUSTED CERTIFICATE-----\n")
    ran = certboot("trust", path, "--stand-in", "--yes")
    assert (ran.status, "TRUSTED CERTIFICATE" in ran.err) == (2, True)
    assert names(store) == FEW
    assert certboot("trust", path, "--yes").status == 0


def test_a_company_has_it_by_its_settings(certboot: Run, store: StorePaths, old: Path) -> None:
    for value, fingerprints in (("true", (STANDING, OLD.sha256)), ("false", (OLD.sha256,))):
        store.config.write_text(f'[[company]]\npath = "{old}"\nstand-in = {value}\n')
        assert certboot("update").status == 0
        assert entry(store, "Old Root").fingerprints == fingerprints
    store.config.write_text(f'[[company]]\npath = "{old}"\nstand-in = "yes"\n')
    assert "stand-in is neither true nor false" in certboot("update").err
    old.write_bytes(make("Odd", form=changed(FORM, constraints=False, usage=True)).pem)
    store.config.write_text(f'[[company]]\npath = "{old}"\nstand-in = true\n')
    ran = certboot("update")
    assert (ran.status, names(store)) == (0, {*FEW, "Odd"})
    assert "note CN=Odd: no stand-in for it, it has no basic constraints" in " ".join(ran.out.split())
    assert "left out" not in ran.out


def test_for_goes_with_a_file_and_a_server_with_a_ca_that_is_trusted(
    certboot: Run, store: StorePaths, old: Path, send: Send
) -> None:
    host = send(BELOW, OLD).shown
    for arguments in ((old, "--for", host), (host, "--stand-in", "--for", host)):
        assert "--for goes with --stand-in and a file" in certboot("trust", *arguments).err
    ran = certboot("trust", host, "--stand-in", "--yes")
    assert (ran.status, "no root in the store is above the chain" in " ".join(ran.err.split())) == (2, True)
    assert f"certboot doctor {host}" in ran.err
    assert names(store) == FEW
