"""Writes the corpus of the fuzz targets: small inputs of the shapes that the world, and who attacks it, has sent.

    python tests/fuzz/seeds.py

The files are committed, so that a run of the tests is the same everywhere; keys are made anew when they are rewritten.
"""

from __future__ import annotations

import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs7, pkcs12
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

sys.path.insert(0, str(Path(__file__).parents[1]))
from support import report
from support.faults import message, server_hello
from support.pki import Issued, ca_extensions, crl, issue

from certboot.pki import der

CORPUS = Path(__file__).parent / "corpus"
ROOT = issue("Root")
BELOW = issue("Below", ROOT)


def main() -> None:
    """Write every file of every target."""
    for target, files in corpus().items():
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)


def corpus() -> dict[str, dict[str, bytes]]:
    """Return target -> file -> bytes."""
    return {
        "pem": _pem(),
        "certificate": _certificates(),
        "names": {"empty": b"\x30\x00", **{name: bytes(data) for name, data in _names().items()}},
        "pkcs7": _pkcs7(),
        "pkcs12": _pkcs12(),
        "source": {"utf-16": ROOT.pem.decode().encode("utf-16"), "page": b"<html>not a certificate</html>"},
        "ccadb": _ccadb(),
        "config": _config(),
        "manifest": _manifest(),
        "env": _env(),
        "handshake": _handshake(),
        "message": _messages(),
        "aia": {"page": b"<html>moved</html>", "both": ROOT.pem + BELOW.pem, "nothing": b""},
        "starttls": _starttls(),
        "hosts": _hosts(),
    }


def _pem() -> dict[str, bytes]:
    text = ROOT.pem
    headers = text.replace(b"-----\n", b"-----\nProc-Type: 4,ENCRYPTED\n\n", 1)
    return {
        "one": text,
        "windows": b"\xef\xbb\xbf# a comment\r\n" + text.replace(b"\n", b"\r\n"),
        "two": text + BELOW.pem,
        "headers": headers,
        "trusted": text.replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"),
        "unended": text.partition(b"-----END")[0] + text,
        "other-end": text.replace(b"END CERTIFICATE", b"END X509 CRL"),
        "key": ROOT.key_pem + text,
        "crl": crl(ROOT),
        "escape": b"-----BEGIN \x1b[2J-----\nAAAA\n-----END \x1b[2J-----\n" + text,
        "blank": text.replace(b"\n", b"\n\n"),
        "nothing": b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
    }


def _certificates() -> dict[str, bytes]:
    place = x509.UniformResourceIdentifier("http://ca.example/root.cer")
    access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, place)
    own = (
        (x509.SubjectAlternativeName([x509.DNSName("www.example")]), False),
        (x509.AuthorityInformationAccess([access]), False),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
    )
    limits = (*ca_extensions(ROOT.key), (x509.NameConstraints([x509.DNSName(".example")], None), True))
    corp = "Exámple \u202e\x1b[2J"
    pairs = ((NameOID.COUNTRY_NAME, "DE"), (NameOID.ORGANIZATION_NAME, corp), (NameOID.COMMON_NAME, "a\tb\nc"))
    attributes = [x509.NameAttribute(*pair) for pair in pairs]
    return {
        "root": ROOT.der,
        "leaf": issue("www.example", ROOT, extensions=own).der,
        "constrained": issue("Constrained", extensions=limits).der,
        "escape": issue(x509.Name(attributes)).der,
        "nameless": issue(x509.Name([])).der,
        "version-1": _patched(ROOT, b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x00"),
        "version-9": _patched(ROOT, b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x09"),
        "bit-string": _patched(ROOT, b"\x0c\x04Root", b"\x03\x04\x00oot"),
        "bmp-surrogate": _patched(ROOT, b"\x0c\x04Root", b"\x1e\x04\xd8\x00\xdc\x00"),
        "universal": _patched(ROOT, b"\x0c\x04Root", b"\x1c\x04\x00\x11\x00\x00"),
        "zero-byte": _patched(ROOT, b"\x0c\x04Root", b"\x0c\x04R\x00\x00t"),
        "utc-time": _patched(ROOT, b"\x17\x0d", b"\x18\x0d"),
        "no-curve": _patched(ROOT, b"\x2a\x86\x48\xce\x3d\x03\x01\x07", b"\x2a\x86\x48\xce\x3d\x03\x01\x7f"),
        "twice": ROOT.der + BELOW.der,
        "cut": ROOT.der[:-9],
    }


def _patched(issued: Issued, old: bytes, new: bytes) -> bytes:
    """Return the certificate with the same number of other bytes; its signature does not fit any more."""
    assert old in issued.der
    assert len(old) == len(new)
    return issued.der.replace(old, new)


def _names() -> dict[str, bytes]:
    def named(*values: tuple[int, bytes]) -> bytes:
        kind = der.encode(der.OBJECT_IDENTIFIER, b"\x55\x04\x03")
        pairs = (der.encode(der.SEQUENCE, kind + der.encode(tag, value)) for tag, value in values)
        return der.encode(der.SEQUENCE, b"".join(der.encode(der.SET, pair) for pair in pairs))

    return {
        "utf-8": named((12, b"  A \t b  ")),
        "all-kinds": named((12, b"a"), (19, b"b"), (20, b"\xe4"), (22, b"c"), (28, b"\0\0\0d"), (30, b"\0e")),
        "copied": named((3, b"\0a"), (7, b"a"), (14, b"b"), (18, b"1"), (48, b"\x02\x01\x01")),
        "odd-bmp": named((30, b"\0e\0")),
        "long-arc": b"\x30\x0f\x31\x0d\x30\x0b\x06\x06\x55\x84\x84\x84\x84\x03\x0c\x01a",
        "cut": named((12, b"abc"))[:-2],
    }


def _pkcs7() -> dict[str, bytes]:
    certificates = [ROOT.certificate, BELOW.certificate]
    whole = pkcs7.serialize_certificates(certificates, serialization.Encoding.DER)
    text = pkcs7.serialize_certificates(certificates, serialization.Encoding.PEM)
    oid = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
    indefinite = b"\x30\x80" + oid + b"\xa0\x80\x30\x80\x02\x01\x01\x31\x00\x30\x80\x00\x00\xa0\x80"
    return {
        "der": whole,
        "pem": text,
        "indefinite": indefinite + ROOT.der + bytes(8),
        "unended": indefinite + ROOT.der,
        "deep": indefinite + b"\x30\x80" * 200,
        "empty": der.encode(der.SEQUENCE, oid),
        "cut": whole[:60],
    }


def _pkcs12() -> dict[str, bytes]:
    plain = serialization.NoEncryption()
    bare = pkcs12.serialize_key_and_certificates(b"name", None, ROOT.certificate, [BELOW.certificate], plain)
    keyed = pkcs12.serialize_key_and_certificates(None, ROOT.key, ROOT.certificate, None, plain)
    locked = serialization.BestAvailableEncryption(b"secret")
    encrypted = pkcs12.serialize_key_and_certificates(None, ROOT.key, ROOT.certificate, None, locked)
    return {
        "bare": bare,
        "keyed": keyed,
        "encrypted": encrypted,
        "cut": bare[:40],
        "indefinite": b"\x30\x80\x02\x01\x03\x30\x80" + bare[8:200],
        "many-rounds": b"\x30\x1b\x02\x01\x03\x30\x16\x04\x08saltsalt\x02\x04\x7f\xff\xff\xff\x04\x04abcd",
        "strings": b"\x30\x80\x02\x01\x03\x30\x80\x24\x80" + b"\x04\x01\x30" * 20 + bytes(6),
    }


def _ccadb() -> dict[str, bytes]:
    columns = tuple(dict.fromkeys((*report.ROOTS, *report.INTERMEDIATES, *report.REVOKED)))

    def table(*rows: dict[str, str]) -> bytes:
        return report.table(columns, ([row.get(column, "") for column in columns] for row in rows))

    def row(issued: Issued, after: str = "", bits: str = "Websites;Email") -> dict[str, str]:
        printed, text = report.fingerprint(issued).upper(), report.quoted(issued.pem)
        return {
            "Common Name or Certificate Name": "Root", "Subject": "CN=Root", "SHA-256 Fingerprint": printed,
            "SHA256": printed, "PEM": text, "PEM Info": text, "Trust Bits": bits, "Distrust for TLS After Date": after,
        }  # fmt: skip

    whole = table(row(ROOT), row(BELOW, "2024.11.30"))
    return {
        "whole": whole,
        "dates": table(row(ROOT, "2024 Nov 30"), row(BELOW, "30.11.2024 \x1b[2J")),
        "other-fingerprint": table(row(ROOT), {**row(BELOW), "SHA256": "\x1b[31m", "SHA-256 Fingerprint": "00"}),
        "mark": b"\xef\xbb\xbf" + table(row(ROOT)),
        "cut": whole[:-40],
        "quote": whole[:-1] + b'"',
        "zero": whole.replace(b"Websites", b"Web\0ites"),
        "page": b"<html>maintenance</html>",
        "header": whole.partition(b"\n")[0],
    }


def _config() -> dict[str, bytes]:
    whole = (
        'sources = ["certifi", "ccadb"]\nintermediates = true\nbase = "/srv/team"\nguards = ["ssl"]\n'
        'hints = false\nmax-age = "30d"\n'
        '[ccadb]\naddress = "https://mirror.example/"\n[variables]\nadd = ["AWS_CA_BUNDLE"]\n'
        f'remove = ["GIT_SSL_CAINFO"]\n[rules]\ndistrust = ["{"0a" * 32}"]\n[[company]]\npath = "corp.pem"\n'
        f'[[company]]\naddress = "https://pki.example/ca"\nsha256 = "{"0b" * 32}"\n'
    )
    return {
        "whole": whole.encode(),
        "wrong-kinds": b"sources = 3\nbase = []\n[ccadb]\nfolder = 1979-05-27\n",
        "unknown": b'[variables]\nadd = ["LD_PRELOAD", "\\u001b[2J"]\n',
        "dotted": b'ccadb.folder = "a"\n"base" = \'b\'\nrules = {distrust = []}\n',
        "long": b'max-age = "99999999999999d"\n[[company]]\n',
        "deep": b"a = " + b"[" * 300,
        "text": b'base = """\n[ccadb]\nbase = 1\n"""\n',
        "not-utf-8": b'base = "\xff"\n',
    }


def _manifest() -> dict[str, bytes]:
    reason = '{"source": "certifi", "detail": "2026.1", "since": "2026-11-24"}'
    entry = (
        f'{{"sha256": "{"0a" * 32}", "role": "anchor", "file": "Root-0a0a0a0a.pem", "name": "Root", '
        f'"subject": "CN=Root", "not_before": "2026-01-01T00:00:00+00:00", "not_after": "2036-01-01T00:00:00+00:00", '
        f'"provenance": [{reason}], "defects": ["strict-missing-ski"]}}'
    )
    rejected = (
        '{"rule": "expired", "source": "certifi", "detail": "2026.1", "reason": "it expired", "subject": "CN=Old"}'
    )

    def document(*entries: str, schema: str = "1", number: str = "7") -> bytes:
        return (
            f'{{"schema": {schema}, "generation": {number}, "created": "2026-11-24T00:00:00+00:00", '
            '"command": "init", "choices": {"sources": ["certifi"], "intermediates": false, "reports": ""}, '
            f'"certificates": [{", ".join(entries)}], "rejected": [{rejected}], "adopted": [["PIP_CERT", "/old"]]}}'
        ).encode()

    return {
        "whole": document(entry),
        "none": document(),
        "newer": document(entry, schema="2"),
        "escape": document(entry.replace("Root", "\\u001b[2J\\ud800")),
        "path": document(entry.replace("Root-0a0a0a0a.pem", "../../etc/passwd")),
        "odd-number": document(entry, number='"../1"'),
        "infinite": document(entry, number="Infinity"),
        "kinds": document(entry.replace('"Root"', "[1]")),
        "list": b"[[[[]]]]",
        "deep": b"[" * 2000,
    }


def _env() -> dict[str, bytes]:
    names = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "GIT_SSL_CAINFO")
    good = "".join(f"{name}=@/current/bundle.pem\n" for name in names) + "SSL_CERT_DIR=@/current/crts\n"
    return {
        "good": good.encode(),
        "numbered": good.replace("current", "generations/1").encode(),
        "guards": f"{good}CERTBOOT_GUARDS=ssl\n".encode(),
        "hints": f"{good}CERTBOOT_HINTS=0\n".encode(),
        "adopted": f"{good}-REQUESTS_CA_BUNDLE=/old.pem\n".encode(),
        "shell": f"{good}BASH_ENV=@/current/bundle.pem\nLD_PRELOAD=@/current/bundle.pem\n".encode(),
        "adopted-editor": f"{good}-EDITOR=/old\n".encode(),
        "outside": good.replace("@/current/crts", "@/current/../../etc").encode(),
        "no-name": f"{good}=@/current/bundle.pem\n==\n-\n-=\n".encode(),
        "bytes": good.encode() + b"\xff\x00=@/current/bundle.pem\n\x1b[2J\n",
        "up": b"SSL_CERT_FILE=@/generations/../../bundle.pem\n",
        "empty": b"",
    }


def _message(kind: int, body: bytes) -> bytes:
    return message(kind, body)[5:]  # without the head of its record


def _hello(extensions: bytes = b"") -> bytes:
    return server_hello(len(extensions).to_bytes(2, "big") + extensions)


def _chain(*ders: bytes, extended: bool = False) -> bytes:
    more = b"\0\0" if extended else b""
    whole = b"".join(len(data).to_bytes(3, "big") + data + more for data in ders)
    return (b"\0" if extended else b"") + len(whole).to_bytes(3, "big") + whole


def _handshake() -> dict[str, bytes]:
    return {
        "hello": _hello() + message(11, _chain(BELOW.der, ROOT.der)),
        "tls-1.3": _hello(b"\0\x2b\0\2\3\4"),
        "alert": b"\x15\3\3\0\2\2\x28",
        "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
        "mail": b"220 mail.example ESMTP\r\n",
        "cut": _hello()[:20],
        "long": b"\x16\x03\x03\xff\xff" + bytes(40),
        "retry": message(2, b"\3\3" + bytes.fromhex(
            "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c") + b"\0\x13\1\0\0\0"),
    }  # fmt: skip


def _messages() -> dict[str, bytes]:
    hello = _hello(b"\0\x17\0\0\0\x2b\0\2\3\4")
    return {
        "hello": b"\3\x16\2" + hello[5:],
        "chain": b"\3\x16\x0b" + _message(11, _chain(BELOW.der, ROOT.der)),
        "chain-1.3": b"\4\x16\x0b" + _message(11, _chain(BELOW.der, extended=True)),
        "long-lengths": b"\3\x16\x0b" + b"\x0b\0\0\4\xff\xff\xff\xff\xff",
        "alert": b"\3\x15\0\2\x28",
        "cut-alert": b"\3\x15\0\2",
        "date": b"\0\0\0HTTP/1.1 200 OK\r\nDate: Tue, 24 Nov 2026 00:00:00 GMT\r\n\r\n",
        "wild-date": b"\0\0\0HTTP/1.1 200 OK\r\nDate: Tue, 99 Nov 99999 00:00:00 +9999\r\n\r\n",
    }


def _starttls() -> dict[str, bytes]:
    greeting = b"\x0a8.0.36\0\1\0\0\0saltsalt\0\xff\xff" + bytes(16)
    return {
        "smtp": b"\0220-mail.example\r\n220 ESMTP\r\n250-mail.example\r\n250 STARTTLS\r\n220 go ahead\r\n",
        "smtp-refused": b"\0220 \x1b[2J\r\n502 no \xff\r\n",
        "imap": b"\1* OK ready\r\n* CAPABILITY IMAP4rev1\r\na OK begin\r\n",
        "pop3": b"\2+OK ready\r\n+OK begin\r\n",
        "ldap": b"\3\x30\x0c\2\1\1\x78\7\x0a\1\0\4\0\4\0",
        "ldap-long": b"\3\x30\x82\xff\xff" + bytes(20),
        "postgres": b"\4S",
        "mysql": b"\5" + len(greeting).to_bytes(3, "little") + b"\0" + greeting,
        "mysql-empty": b"\5\1\0\0\0\x0a",
        "ftp": b"\6220 ready\r\n234 begin\r\n",
        "endless": b"\0" + b"220-x\n" * 150,
    }


def _hosts() -> dict[str, bytes]:
    return {
        "plain": b"www.example\nwww.example:8443 127.0.0.1\n[::1]:443 # a comment\n\n# none\n",
        "urls": b"https://user:secret@www.example/path\npostgresql+psycopg://db.example\nhttp://www.example\n",
        "windows": b"\xef\xbb\xbfwww.example\r\nb\xc3\xbccher.example\r\n",
        "wild": b"\x1b[2J\nwww.\xff\nwww.example:99999\n::::\n[::1\nxn--\xe2\x80\xae\na\0b\n",
        "long": b"a" * 5000 + b"\nwww.example\n",
        "marks": b"\xe2\x80\x8bwww.example\nwww.example.:443\n%41.example\n1.2.3\n0x7f000001\n",
    }


if __name__ == "__main__":
    main()
