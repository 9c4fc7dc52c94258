"""No certificate of a stranger ends a command, and none ends the work on another host."""

from __future__ import annotations

import json
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support import nasty
from support.issuers import intermediate, leaf, repaired_in, trusted_root
from support.nasty import KINDS
from support.server import PlainServer, TlsServer, page
from support.table import cases

from certboot.errors import CertificateError
from certboot.pki.certificate import is_signed_by, load_certificate
from certboot.pki.parse_errors import parsing
from certboot.pki.parsed import parsed_certificate
from certboot.store.paths import store_paths

if typing.TYPE_CHECKING:
    from support.environments import Ran
    from support.pki import Issued

STATUSES = (0, 1, 2)
ODD = ("PSS without parameters", "key on an unknown curve", "extensions twice", "subject in bits", "dates to 9999")


def whole(ran: Ran) -> str:
    """Return what was said, if the command came to its end."""
    assert ran.status in STATUSES
    assert "Traceback" not in ran.out + ran.err
    return ran.out + ran.err


@pytest.fixture
def root(tmp_path: Path, certboot: Callable[..., Ran]) -> Issued:
    return trusted_root(tmp_path, certboot)


@cases("kind", KINDS)
def test_every_part_of_it_is_looked_at_or_it_is_no_certificate(kind: str) -> None:
    assert is_signed_by(load_certificate(nasty.LEAF.der), load_certificate(nasty.CA.der))  # the control
    if not nasty.parsed(nasty.ca(kind)):
        with pytest.raises(CertificateError, match=r"not a certificate|a certificate of a kind|OpenSSL reads this"):
            parsed_certificate(nasty.ca(kind).der)
        return
    found = parsed_certificate(nasty.ca(kind).der)
    child, above = load_certificate(nasty.LEAF.der), load_certificate(nasty.ROOT.der)
    assert isinstance(is_signed_by(child, found.certificate), bool)
    assert not is_signed_by(found.certificate, above)
    assert found.key[0]
    assert found.signature[0]


@cases("kind", KINDS)
def test_the_doctor_and_trust_come_to_their_end_with_a_file_of_it(
    kind: str, root: Issued, certboot: Callable[..., Ran], tmp_path: Path
) -> None:
    chain, own = tmp_path / "chain.pem", tmp_path / "own.pem"
    chain.write_bytes(nasty.leaf_below(kind).pem + nasty.ca(kind).pem)
    own.write_bytes(nasty.leaf_with(kind).pem + nasty.CA.pem + nasty.ROOT.pem)
    for file in (chain, own):
        ran = certboot("doctor", "hook", "--chain", file, "--anchors", own, "--host", "localhost", "--json")
        whole(ran)
        # A file that cannot be used ends the command, with a hint; what ends a check in its midst is a finding.
        findings = [] if "\nhint: " in ran.err else json.loads(ran.out)["findings"]
        assert "error" not in {finding["status"] for finding in findings}, findings
    (tmp_path / "ca.pem").write_bytes(nasty.ca(kind).pem)
    whole(certboot("trust", "--yes", tmp_path / "ca.pem"))
    whole(certboot("rehash", tmp_path))
    assert root.pem  # which the fixture has had trusted


@cases("kind", sorted({*ODD, *(kind for kind in KINDS if nasty.parsed(nasty.ca(kind)))}))
def test_every_command_comes_to_its_end_with_a_server_that_sends_it(
    kind: str, root: Issued, certboot: Callable[..., Ran], place: PlainServer, send: Callable[..., TlsServer]
) -> None:
    place.pages["/ca"] = page(nasty.ca(kind).der)
    sends = send(nasty.leaf_below(kind), nasty.ca(kind))
    lies = send(nasty.leaf_below(kind, f"{place.url}/ca"))
    commands = [("chain", sends.shown), ("repair", "--yes", lies.shown)]
    if kind in ODD:
        trust = ("--yes", "--fingerprint", "0" * 64)
        for server in (sends.shown, lies.shown):
            commands += [
                ("repair", "--yes", server),
                ("doctor", "hook", server),
                ("scan", server),
                ("trust", server, *trust),
            ]
    for words in commands:
        said = whole(certboot(*words))
        assert "check-not-finished" not in said, said
    assert root.pem  # which the fixture has had trusted


@cases("kind", ODD)
def test_one_host_never_ends_the_work_on_another(
    kind: str, certboot: Callable[..., Ran], place: PlainServer, send: Callable[..., TlsServer], tmp_path: Path
) -> None:
    ca = intermediate("Example CA", trusted_root(tmp_path, certboot))
    place.pages["/ca"], place.pages["/odd"] = page(ca.der), page(nasty.ca(kind).der)
    odd = send(nasty.leaf_below(kind), nasty.ca(kind)), send(nasty.leaf_below(kind, f"{place.url}/odd"))
    good = send(leaf(ca, f"{place.url}/ca"))
    hosts = tmp_path / "hosts"
    hosts.write_text("".join(f"{server.shown}\n" for server in (*odd, good)))
    lines = [json.loads(line) for line in certboot("scan", "--file", hosts).out.splitlines() if line[:1] == "{"]
    assert len(lines) == 3
    ran = certboot("repair", "--yes", "--file", hosts)
    assert ran.status == 1
    whole(ran)
    assert repaired_in(store_paths()) == {"Example CA": "intermediate"}
    assert certboot("chain", good.shown).status == 0


class PanicException(BaseException):
    """What a panic in the Rust of cryptography becomes; it is no Exception."""


@cases("error", [ValueError, KeyError, OverflowError, MemoryError, RecursionError, PanicException])
def test_whatever_a_parser_raises_is_a_certificate_error(error: type[BaseException]) -> None:
    with pytest.raises(CertificateError, match="not a certificate that the cryptography package can read: "), parsing():
        raise error


@cases("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_ends_the_program_is_none(error: type[BaseException]) -> None:
    with pytest.raises(error), parsing():
        raise error
