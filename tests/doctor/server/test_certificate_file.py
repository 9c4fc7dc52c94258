"""What is damaged in a chain file, or among the anchors, is said, and is no reason for advice on something else."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from support.asking import Ask
from support.commands import Run
from support.pki import CA, make
from support.table import cases

Written = Callable[..., Path]
Argv = Callable[..., tuple[str | Path, ...]]
Damage = Callable[[bytes], bytes]
ROOT = make("Corp Root", form=CA)
MIDDLE = make("Middle", ROOT, CA)
SERVER = make("localhost", MIDDLE)
ID = "certificate-file-damaged"

# What OpenSSL refuses the whole file for.
REFUSED: dict[str, Damage] = {
    "a lost line": lambda pem: pem.replace(pem.split(b"\n")[3] + b"\n", b""),
    "a changed letter": lambda pem: pem[:100] + b"*" + pem[101:],
    "a cut end": lambda pem: pem[:-60] + b"\n",
    "nothing inside": lambda _: b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    "an END line of another kind": lambda pem: pem.replace(b"END CERTIFICATE", b"END CRL"),
    "a hyphen too many": lambda pem: pem.replace(b"BEGIN CERTIFICATE", b"BEGIN CERTIFICATE-"),
}
# What OpenSSL does not see as a block.
UNSEEN: dict[str, Damage] = {
    "a hyphen too few": lambda pem: pem[1:],
    "no hyphens before": lambda pem: pem[5:],
    "long dashes": lambda pem: pem.replace(b"-----BEGIN", "\u2014\u2013BEGIN".encode()),
    "a byte order mark": lambda pem: b"\xef\xbb\xbf" + pem,
    "spaces before it": lambda pem: b"".join(b"  " + line for line in pem.splitlines(keepends=True)),
}
DAMAGE = {**REFUSED, **UNSEEN}
kinds = cases("damage", DAMAGE.values(), ids=list(DAMAGE))


@pytest.fixture
def written(tmp_path: Path) -> Written:
    def write(*parts: bytes, name: str = "chain.pem") -> Path:
        (tmp_path / name).write_bytes(b"".join(parts))
        return tmp_path / name

    return write


@pytest.fixture
def argv(written: Written) -> Argv:
    """The arguments for a chain file of these parts, with the root as the one anchor."""

    def made(*parts: bytes) -> tuple[str | Path, ...]:
        anchors = written(ROOT.pem, name="root.pem")
        return ("hook", "--chain", written(*parts), "--host", "localhost", "--anchors", anchors)

    return made


def behind(*before: bytes) -> str:
    return f"the block in line {b''.join(before).count(10) + 1}"


@kinds
def test_a_damaged_intermediate_is_the_cause_where_it_is_missing(ask: Ask, argv: Argv, damage: Damage) -> None:
    assert ask(*argv(SERVER.pem)).primary == "untrusted-root"
    assert ask(*argv(SERVER.pem, MIDDLE.pem)).primary is None
    bad = damage(MIDDLE.pem)
    answer = ask(*argv(SERVER.pem, bad))
    first = answer.first
    assert (answer.primary, answer.status, first["fix"], first["evidence"]["verify_code"]) == (ID, 1, [], 20)
    assert answer.ids.count(ID) == 1
    assert behind(SERVER.pem) in first["summary"]
    assert "CN=Middle" in first["summary"].split("\n")[-1]
    assert first["summary"].startswith("Verify return code: 20")
    assert [link["fault"] for link in first["evidence"]["path"]] == ["", ID]


@kinds
def test_damage_behind_a_good_chain_is_said_after_the_verdict(ask: Ask, argv: Argv, damage: Damage) -> None:
    bad = damage(ROOT.pem)
    answer = ask(*argv(SERVER.pem, MIDDLE.pem, bad))
    assert (answer.primary, answer.ids[:2], answer.status) == (None, ["handshake-ok", ID], 1)
    assert behind(SERVER.pem, MIDDLE.pem) in answer.findings[1]["summary"]
    assert len(answer.findings[1]["evidence"]["damage"]) == 1


@kinds
def test_a_damaged_first_certificate_ends_the_check(certboot: Run, argv: Argv, damage: Damage) -> None:
    """Otherwise the intermediate would be taken for the server's certificate."""
    for before in (SERVER.key_pem, b"# the server's\n"):
        ran = certboot("doctor", *argv(before, damage(SERVER.pem), MIDDLE.pem))
        assert (ran.status, behind(before) in ran.err, "chain.pem" in ran.err) == (2, True, True)
        assert "the first certificate, which is the server's, cannot be used" in ran.err
        assert certboot("doctor", *argv(before, damage(SERVER.pem))).status == 2


def test_a_first_certificate_without_use_ends_it_too(certboot: Run, argv: Argv, openssl: Callable[..., str]) -> None:
    bad = SERVER.pem[:100] + b"*" + SERVER.pem[101:] + MIDDLE.pem
    rejected = openssl("x509", "-trustout", "-addreject", "serverAuth", data=SERVER.pem.decode()).encode()
    for parts, words in (
        ([SERVER.pem[1:]], "no certificate that can be read, the block in line 1: its BEGIN line"),
        ([bad.decode().encode("utf-16")], "the block in line 1: not base64"),
        ([rejected, MIDDLE.pem], "is not to be trusted for TLS servers"),
        ([rejected, MIDDLE.pem], "the first certificate"),
    ):
        ran = certboot("doctor", *argv(*parts))
        assert (ran.status, words in ran.err) == (2, True)


@cases("kind", DAMAGE)
def test_openssl_as_a_server_refuses_the_same_files_or_leaves_the_certificate_out(written: Written, kind: str) -> None:
    key = written(SERVER.key_pem, name="key.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(written(SERVER.pem, MIDDLE.pem), key)
    bad = written(SERVER.pem, DAMAGE[kind](MIDDLE.pem))
    with pytest.raises(ssl.SSLError) if kind in REFUSED else contextlib.nullcontext():
        context.load_cert_chain(bad, key)


@cases("beside", [
    SERVER.key_pem,
    b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
    b"-----BEGIN X509 CRL-----\nnot even base64\n-----END X509 CRL-----\n",
    b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n****\n-----END RSA PRIVATE KEY-----\n",
    b"subject=CN = localhost\nissuer=CN = Middle\n",
    b"# -----BEGIN CERTIFICATE-----\n# MIIB\n# -----END CERTIFICATE-----\n",
    b"what follows is BEGIN CERTIFICATE and more\n",
    b"\x00\x01\xff\n\n \t\r\n",
])  # fmt: skip
def test_what_else_stands_in_such_files_is_no_damage(ask: Ask, argv: Argv, written: Written, beside: bytes) -> None:
    for parts in (
        (beside, SERVER.pem, MIDDLE.pem), (SERVER.pem, beside, MIDDLE.pem), (SERVER.pem, MIDDLE.pem, beside),
    ):  # fmt: skip
        file = b"".join(parts)
        for content in (file, b"\xef\xbb\xbf" + file, file.replace(b"\n", b"\r\n"), file.rstrip(b"\n")):
            assert ask(*argv(content)).ids == ["handshake-ok"]
    whole = argv(SERVER.pem, MIDDLE.pem)
    written(ROOT.pem, beside, name="root.pem")
    assert ask(*whole).ids == ["handshake-ok"]


def test_other_forms_are_read_as_before(ask: Ask, argv: Argv, openssl: Callable[..., str], written: Written) -> None:
    leaf, both = written(SERVER.pem, name="l.pem"), written(SERVER.pem, MIDDLE.pem, name="b.pem")
    trusted = openssl("x509", "-in", leaf, "-trustout").encode()
    assert b"TRUSTED" in trusted
    pkcs7 = openssl("crl2pkcs7", "-nocrl", "-certfile", both).encode()
    utf16 = (SERVER.pem + MIDDLE.pem).decode().encode("utf-16")
    for parts in ((trusted, MIDDLE.pem), (pkcs7,), (utf16,), (SERVER.pem, pkcs7)):
        answer = ask(*argv(*parts))
        assert (answer.primary, ID in answer.ids) == (None, False)
    assert ask(*argv(ROOT.der)).primary == "hostname-mismatch"


def test_what_is_known_for_certain_stays_the_cause(ask: Ask, written: Written) -> None:
    damaged = ROOT.pem[:-60]
    chain = written(SERVER.pem, MIDDLE.pem, damaged)
    anchors = written(make("Other", form=CA).pem, name="other.pem")
    answer = ask("hook", "--chain", chain, "--host", "a.example", "--anchors", written(ROOT.pem, name="root.pem"))
    assert (answer.primary, answer.ids[1]) == ("hostname-mismatch", ID)
    chain = written(SERVER.pem, MIDDLE.pem, ROOT.pem, damaged)
    answer = ask("hook", "--chain", chain, "--host", "localhost", "--anchors", anchors)
    assert (answer.primary, answer.ids[1]) == ("untrusted-root", ID)


def test_only_the_first_of_much_damage_is_shown(ask: Ask, argv: Argv) -> None:
    answer = ask(*argv(SERVER.pem, MIDDLE.pem, *[MIDDLE.pem[:-60] + b"\n"] * 200))
    found = answer.findings[1]
    assert (len(found["evidence"]["damage"]), found["summary"].count("the block in line")) == (100, 5)
    assert found["summary"].endswith("and 195 more")


@kinds
def test_damage_among_the_anchors_is_said(ask: Ask, written: Written, tmp_path: Path, damage: Damage) -> None:
    chain = ("hook", "--chain", written(SERVER.pem, MIDDLE.pem), "--host", "localhost", "--anchors")
    bad = damage(make("Another", form=CA).pem)
    for before, after in (((ROOT.pem,), ()), ((b"#\n",), (b"\n", ROOT.pem))):
        line = behind(*before)
        answer = ask(*chain, written(*before, bad, *after, name="anchors.pem"))
        assert (answer.primary, answer.status, answer.ids) == (None, 0, ["handshake-ok", ID])
        assert (answer.findings[1]["status"], line in answer.findings[1]["summary"]) == ("warn", True)
        assert "anchors.pem" in answer.findings[1]["summary"]
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "root.pem").write_bytes(ROOT.pem)
    (folder / "bad.pem").write_bytes(b"#\n" + bad)
    (folder / "readme.txt").write_text("not a certificate")
    (folder / "key.pem").write_bytes(SERVER.key_pem)
    answer = ask(*chain, folder)
    assert (answer.primary, answer.ids) == (None, ["handshake-ok", ID])
    assert "bad.pem, the block in line 2: " in answer.findings[1]["summary"]
    (folder / "bad.pem").unlink()
    assert ask(*chain, folder).ids == ["handshake-ok"]


def test_a_rejected_anchor_is_no_damage(ask: Ask, argv: Argv, written: Written, openssl: Callable[..., str]) -> None:
    another = make("Another", form=CA).pem.decode()
    marked = openssl("x509", "-trustout", "-addreject", "serverAuth", data=another).encode()
    whole = argv(SERVER.pem, MIDDLE.pem)
    written(ROOT.pem, marked, name="root.pem")
    assert ask(*whole).ids == ["handshake-ok"]
