"""What a stranger's bytes must not do to certboot: one function a parser, from bytes to nothing, that states it.

A target returns for bytes that are accepted and for bytes that are refused as they should be, with the error that the
parser's docstring names. Whatever else it raises is a bug. pytest runs the targets over the corpus and mutations of it;
scripts/fuzz.py runs them for as long as one likes. Nothing here needs a clock or a network.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import datetime
import functools
import io
import os
import re
import ssl
import sys
import tempfile
import typing
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.hook_store import Store, unstarted

import certboot_startup
from certboot.cli import targets as host_arguments
from certboot.clients.variables import VARIABLES
from certboot.errors import CertbootError, CertificateError, SourceError, StoreError
from certboot.net import address_policy, handshake_messages, http, starttls
from certboot.net.connection import ConnectionFault, Deadline, Stream
from certboot.net.handshake import _date, _described
from certboot.pki import certificate as certificates
from certboot.pki import containers, der, pem
from certboot.pki.parsed import parsed_certificate
from certboot.pki.rules import broken_rule
from certboot.pki.stand_in import Declined, stand_in
from certboot.pki.subject_hash import canonical, comparable, subject_hash
from certboot.scan import entries
from certboot.sources import aia, ccadb, extract
from certboot.sources.candidates import Offer
from certboot.store import manifest
from certboot.store.config import parse_config, rebased

if typing.TYPE_CHECKING:
    from collections.abc import Callable

    from certboot.pki.certificate import Certificate
    from certboot.sources.candidates import Loaded

CORPUS = Path(__file__).parent / "corpus"
LONGEST = 64 * 1024
"""Bytes of an input."""
_DAY = datetime.datetime(2026, 11, 24, tzinfo=datetime.timezone.utc)
_NAME = re.compile(r"[A-Za-z0-9_]+-[0-9a-f]{8}\.pem")


def _one_line(text: str) -> None:
    """A text for people drives no terminal."""
    assert text.isprintable(), ascii(text)


# PEM, DER and what holds certificates


def pem_blocks(data: bytes) -> None:
    """Nothing is raised; every block has either bytes or what is wrong with it; what is written can be read back."""
    line = 0
    for block in pem.blocks(data):
        assert (block.data is None) == bool(block.defect)
        assert line < block.line <= data.count(b"\n") + 1
        line = block.line
        assert not (pem.is_key(block) and block.data)
        if block.data:
            again = list(pem.blocks(pem.encode(block.data).encode("ascii")))
            assert [(each.label, each.data) for each in again] == [("CERTIFICATE", block.data)]


def certificate(data: bytes) -> None:
    """Only CertificateError is raised; of one that is loaded every part can be asked for, and shown."""
    try:
        loaded = certificates.load_certificate(data)
    except CertificateError as error:
        _one_line(error.message)
        return
    assert loaded.der == data
    for text in (loaded.name, loaded.subject, loaded.issuer):
        _one_line(text)
    assert _NAME.fullmatch(certificates.file_name(loaded))
    (block,) = pem.blocks(certificates.annotated_pem(loaded).encode("ascii"))
    assert block.data == data
    assert subject_hash(loaded.link.subject_name) == loaded.link.subject_hash
    assert der.names_and_key(data)[:2] == (loaded.link.issuer_name, loaded.link.subject_name)
    certificates.is_signed_by(loaded, loaded)
    broken_rule(loaded, _DAY)
    _detailed(loaded)


def _detailed(loaded: Certificate) -> None:
    try:
        found = parsed_certificate(loaded.der)
    except CertificateError as error:
        _one_line(error.message)
        return
    for text in (*found.names, *found.issuers_at, *found.addresses, found.key[0], found.signature[0]):
        _one_line(text)
    assert found.key[1] >= 0
    assert found.signature[1] >= 0
    _ = found.common_names, found.organisation, found.issuer_organisation, found.is_self_signed
    made = stand_in(loaded.der)
    assert isinstance(made, Declined) or certificates.load_certificate(made).identity == loaded.identity


def names(data: bytes) -> None:
    """Only DerError is raised, by the comparison nothing; what the hash is made of stands for the same name."""
    same = comparable(data)
    try:
        assert canonical(data) == same
        assert re.fullmatch("[0-9a-f]{8}", subject_hash(data))
    except der.DerError:
        assert same == data
    with contextlib.suppress(der.DerError):
        list(der.children(data))
    for cut in (der.subject_name, der.issuer_and_serial, der.crl_issuer, der.names_and_key):
        with contextlib.suppress(der.DerError):
            cut(data)
    with contextlib.suppress(der.DerError):
        assert der.subject_name(der.with_subject(data, b"\x30\x00")) == b"\x30\x00"


def pkcs7(data: bytes) -> None:
    """Only DerError is raised, and what is yielded stands in the data."""
    with contextlib.suppress(der.DerError):
        for found in containers.in_pkcs7(data):
            assert found in data


def pkcs12(data: bytes) -> None:
    """The recognisers raise nothing, the walker only DerError; one file in 256 that looks like PKCS#12 is opened."""
    assert not (containers.is_pkcs12(data) and containers.is_pkcs7(data))
    with contextlib.suppress(der.DerError):
        end = 0
        for _, begin, content, after in der.ber_children(data, 0, len(data)):
            assert end <= begin < content <= after <= len(data)
            end = after
    if containers.is_pkcs12(data) and sum(data) % 256 == 0:
        _from_bytes(data, pkcs12=True)


def source(data: bytes) -> None:
    """A file of unknown format: only CertbootError is raised, and every reason can be shown."""
    _from_bytes(data, pkcs12=False)
    _shown(extract.from_pem(data, "system", "a file", for_everybody=True))


def _from_bytes(data: bytes, *, pkcs12: bool) -> None:
    try:
        _shown(extract.from_bytes(data, "added", "a file", pkcs12=pkcs12))
    except CertbootError as error:
        _one_line(error.message)


def _shown(loaded: Loaded) -> None:
    for rejection in loaded.rejections:
        for text in (rejection.reason, rejection.subject, rejection.fingerprint):
            _one_line(text)
    for candidate in loaded.candidates:
        assert certificates.load_certificate(candidate.certificate.der) == candidate.certificate


def ccadb_report(data: bytes) -> None:
    """The three reports: only SourceError is raised, every rejection can be shown; the quick ways raise nothing."""
    try:
        _shown(ccadb.read(lambda _: data, intermediates=True).parse())
    except SourceError as error:
        _one_line(error.message)
    assert all(ccadb.certificates(data))
    ccadb.revoked_serials(data)


# Files of the user, of a stranger's project, and of the store


def config(data: bytes) -> None:
    """Only CertbootError; moved to another folder the settings are the same, or it is said that it cannot be."""
    path = Path("/store/config.toml")
    try:
        found = parse_config(data, path)
        text = data.decode()
        moved = rebased(text, path.parent)
    except CertbootError:
        return
    assert parse_config(moved.encode(), Path("/elsewhere/config.toml")) == found


def manifest_json(data: bytes) -> None:
    """Only StoreError is raised; what is read is written as what reads the same. The corpus has generation 7."""
    place = _folder() / "7" / manifest.NAME
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(data)
    try:
        found = manifest.read(place.parent)
    except StoreError:
        return
    written = manifest.render(found)
    place.write_bytes(written)
    assert manifest.render(manifest.read(place.parent)) == written
    assert re.fullmatch("[0-9a-f]{64}", found.digest())


def hook_env(data: bytes) -> None:
    """Nothing is raised or printed; only variables of the table are set, each to the store's bundle or directory.

    ``@`` in the data stands for the store's folder. The user has exported two variables, one of them adopted.
    """
    store = _store()
    (store / "env").write_bytes(data.replace(b"@", bytes(store)))
    before = {
        "CERTBOOT_HOME": str(store), "CERTBOOT_GUARDS": "none", "REQUESTS_CA_BUNDLE": "/old.pem", "EDITOR": "/old",
    }  # fmt: skip
    environ = dict(before)
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as out:
        unstarted(patch)
        patch.setattr(os, "environ", environ)
        with contextlib.redirect_stderr(out):
            certboot_startup.activate()
        status = certboot_startup.status
    assert out.getvalue() == ""
    assert re.fullmatch("[a-z-]+", status), status  # else it is the name of an exception
    changed = {name: value for name, value in environ.items() if before.get(name) != value}
    assert changed.keys() <= {variable.name for variable in VARIABLES}, changed.keys()
    allowed = {str(store / folder / name) for folder in ("current", "generations/1") for name in ("bundle.pem", "crts")}
    assert {os.path.normpath(value) for value in changed.values()} <= allowed, changed
    assert status == "active" or not changed


_PLACE = tempfile.TemporaryDirectory(prefix="certboot-fuzz-")
atexit.register(_PLACE.cleanup)


def _folder() -> Path:
    """A folder that lives as long as this process."""
    return Path(_PLACE.name).resolve()


@functools.cache
def _store() -> Path:
    """What the hook needs of a store."""
    store = Store(_folder() / "store")
    store.manifest.chmod(0o644)
    return store.home


# What comes over the network


def handshake(data: bytes) -> None:
    """Bytes in the place of a TLS server's: only SSLError is raised, and little is kept."""
    record = handshake_messages.HandshakeTrace()
    begun = handshake_messages.begin(_context(), "localhost", record)
    with contextlib.suppress(ssl.SSLError):
        for at in range(0, len(data), 1000):
            record.received(data[at : at + 1000])
            with contextlib.suppress(ssl.SSLWantReadError):
                begun.do_handshake()
    assert record.count <= len(data)
    assert data.startswith(record.first)
    assert len(record.first) <= handshake_messages._FIRST_BYTES
    _one_line(_described(record, "failed").protocol)


@functools.cache
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def handshake_message(data: bytes) -> None:
    """A message as OpenSSL shows it: nothing is raised, what is kept stands in it, and ends of it are no certificates.

    The first three bytes choose version, content and kind.
    """
    version, content, kind = (data + bytes(3))[:3]
    body = data[3:]
    record = handshake_messages.HandshakeTrace()
    record.message("read", 0x0300 + version % 8, content, kind, body)
    record.message("write", 0x0300 + version % 8, content, kind, body)
    assert record.hello.size in (0, len(body) + 5)
    assert all(each in body for each in record.certificates)
    assert sum(len(each) for each in record.certificates) <= len(body)
    assert 0 <= record.version <= 0xFFFF
    assert record.alert is None or 0 <= record.alert <= 0xFF
    _described(record, "failed")
    _date(body)


def aia_body(data: bytes) -> None:
    """What lies where an issuer should: nothing is raised, every failure can be shown, every offer has the name."""
    leaf, address = _leaf()
    reach = address_policy.AddressPolicy()
    issuers = aia.Issuers(reach, {(address, reach): http.Fetched(data)})
    offers: list[Offer] = list(issuers.fetched(leaf))
    assert offers or issuers.failures
    for offer in offers:
        assert comparable(offer.certificate.link.subject_name) == comparable(leaf.link.issuer_name)
    for failure in issuers.failures:
        for text in failure:
            _one_line(text)


@functools.cache
def _leaf() -> tuple[Certificate, str]:
    """A certificate that names the address of its issuer, and that address."""
    leaf = certificates.load_certificate((CORPUS / "certificate" / "leaf").read_bytes())
    (address,) = parsed_certificate(leaf.der).issuers_at
    return leaf, address


def starttls_answer(data: bytes) -> None:
    """A server's part of a conversation before TLS: only ConnectionFault is raised, with words that can be shown.

    The first byte chooses the protocol.
    """
    protocol = tuple(starttls.PROTOCOLS)[data[0] % len(starttls.PROTOCOLS)] if data else "smtp"
    stream = _Scripted(data[1:])
    try:
        starttls.PROTOCOLS[protocol].begin(stream)
    except ConnectionFault as fault:
        outcome, words = fault.outcome, fault.words
    else:
        outcome, words = "begun", ""
    _one_line(words)
    assert re.fullmatch("[a-z-]+", outcome)
    assert b"\n" not in stream.sent.replace(b"\r\n", b"") or protocol in ("ldap", "postgres", "mysql")


class _Scripted(Stream):
    """A connection whose other side has said all that it will say."""

    def __init__(self, said: bytes) -> None:
        self._said = io.BytesIO(said)
        self.deadline, self.patience, self.first, self.sent = Deadline(60), None, b"", b""

    def receive(self, most: int = 16 * 1024) -> bytes:
        return self._said.read(most)

    def send(self, data: bytes) -> None:
        self.sent += data


def host_list(data: bytes) -> None:
    """A list for scan, whatever its pieces: nothing is raised, each entry can be shown. For repair: CertbootError."""
    way = entries.Way()
    whole = list(entries.entries(entries.lines(io.BytesIO(data).read), way))
    for number, entry in enumerate(whole, start=1):
        _one_line(entry.text)
        _one_line(entry.problem)
        assert entry.number == number
        assert (entry.target is None) == bool(entry.problem)
        assert entry.target is None or 0 < entry.target.port <= 0xFFFF
    file = _folder() / "hosts"
    file.write_bytes(data)
    options = {"command": "repair", "connect": None, "servername": None, "starttls": None, "timeout": 10.0}
    with contextlib.suppress(CertbootError):
        assert host_arguments.targets([], file, argparse.Namespace(**options))


TARGETS: dict[str, Callable[[bytes], None]] = {
    "pem": pem_blocks,
    "certificate": certificate,
    "names": names,
    "pkcs7": pkcs7,
    "pkcs12": pkcs12,
    "source": source,
    "ccadb": ccadb_report,
    "config": config,
    "manifest": manifest_json,
    "env": hook_env,
    "handshake": handshake,
    "message": handshake_message,
    "aia": aia_body,
    "starttls": starttls_answer,
    "hosts": host_list,
}


def seeds(target: str) -> list[bytes]:
    """Return the corpus of a target, and what other targets have of the same kind."""
    folders = [target, *_ALSO.get(target, ())]
    return [file.read_bytes() for folder in folders for file in sorted((CORPUS / folder).iterdir())]


_ALSO = {
    "names": ("certificate",),
    "source": ("pem", "certificate", "pkcs7", "pkcs12"),
    "aia": ("certificate", "pem", "pkcs7"),
}

# Mutations: for hypothesis, and for where there is no atheris

Step = tuple[str, int, bytes]
"""What is done, where, and with what."""
KINDS = ("put", "insert", "delete", "repeat", "turn", "flip")
_TELLING = (
    b"\x00", b"\xff", b"\x80", b"\x30\x80", b"\x84\xff\xff\xff\xff", b"\n", b"=", b"'", b'"', b"\\", b"\x1b[2J",
    b"\xe2\x80\xae",
)  # fmt: skip


def mutated(data: bytes, steps: list[Step]) -> bytes:
    """Return the bytes after these steps, the same for the same steps."""
    for kind, place, given in steps:
        at = place % (len(data) + 1)
        piece = given or _TELLING[place % len(_TELLING)]
        if kind == "put":
            data = data[:at] + piece + data[at + len(piece) :]
        elif kind == "insert":
            data = data[:at] + piece + data[at:]
        elif kind == "delete":
            data = data[:at] + data[at + 1 + piece[0] % 32 :]
        elif kind == "repeat":
            data = data[:at] + data[max(0, at - 1 - piece[0]) : at] * 2 + data[at:]
        elif kind == "turn":
            data = data[at:] + data[:at]
        elif at < len(data):
            data = data[:at] + bytes((data[at] ^ 1 << place % 8,)) + data[at + 1 :]
    return data[:LONGEST]
