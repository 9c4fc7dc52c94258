"""Loopback servers for a scan: many hosts, of which some are good and the others have faults of several kinds.

    python3 scripts/scan_servers.py FOLDER COUNT

writes FOLDER/ca.pem, FOLDER/hosts (a list for `certboot scan`) and FOLDER/kinds.json (how many there are of each kind),
prints "ready", and serves until its standard input ends. Every host that speaks TLS has a certificate of its own. Needs
the package cryptography.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

MIX = {
    "good": 50, "expired": 10, "self-signed": 10, "missing": 10, "wrong-name": 10, "refused": 5, "http": 3, "hangs": 2,
}  # fmt: skip
"""Of a hundred hosts."""
CAUSES = {
    "good": None,
    "expired": "expired-leaf",
    "self-signed": "self-signed-leaf",
    "missing": "missing-intermediate",
    "wrong-name": "hostname-mismatch",
    "refused": "connection-refused",
    "http": "plain-http",
    "hangs": "timeout",
}
"""What `certboot scan` should say of each kind."""
NOW = datetime.now(timezone.utc)
DAY = timedelta(days=1)
THREADS = 64
WITHOUT_CERTIFICATE = ("refused", "http", "hangs")
Key = ec.EllipticCurvePrivateKey


class Authority:
    """A root and an intermediate, and certificates by it."""

    def __init__(self) -> None:
        self.root_key, self.key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.root = certificate("Scan Root CA", self.root_key, "Scan Root CA", self.root_key)
        self.issuing = certificate("Scan Issuing CA", self.key, "Scan Root CA", self.root_key)
        self.leaf_key = ec.generate_private_key(ec.SECP256R1())

    def context(self, kind: str, name: str, folder: Path) -> ssl.SSLContext:
        """Return what a host of this kind and name presents."""
        begin = NOW - 30 * DAY if kind == "expired" else NOW - DAY
        names = ["other.test" if kind == "wrong-name" else name]
        by = (name, self.leaf_key) if kind == "self-signed" else ("Scan Issuing CA", self.key)
        leaf = certificate(name, self.leaf_key, *by, names=names, valid=(begin, begin + 20 * DAY))
        chain = [leaf] if kind in ("self-signed", "missing") else [leaf, self.issuing]
        plain = serialization.NoEncryption()
        key = self.leaf_key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        path = folder / "presented.pem"
        path.write_bytes(key + b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def certificate(
    subject: str,
    key: Key,
    issuer: str,
    signer: Key,
    *,
    names: list[str] | None = None,
    valid: tuple[datetime, datetime] = (NOW - DAY, NOW + 365 * DAY),
) -> x509.Certificate:
    """Return a certificate for a server with these names, or without names for a CA."""
    is_ca = names is None
    builder = x509.CertificateBuilder(
        named(issuer), named(subject), key.public_key(), x509.random_serial_number(), *valid
    )  # fmt: skip
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
         "decipher_only"), False,
    )  # fmt: skip
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(is_ca, None), True),
        (x509.KeyUsage(digital_signature=True, key_cert_sign=is_ca, crl_sign=is_ca, **usage), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
    ]
    if names is not None:
        extensions.append((x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), False))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256())


def named(common_name: str) -> x509.Name:
    """Return a name of one part."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def serve_tls(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Shake hands with one client after the other, and answer one request."""
    while True:
        connection, _ = listener.accept()
        connection.settimeout(10)
        with connection, contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
            if secure.recv(4096):
                secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def serve_http(listener: socket.socket) -> None:
    """Answer in plain HTTP, as a web server answers what is no request."""
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def hang(listener: socket.socket) -> None:
    """Accept, and say nothing."""
    kept = []
    while True:
        kept.append(listener.accept()[0])


def bound(*, listening: bool) -> socket.socket:
    """Return a socket on loopback; one that does not listen refuses connections, and nobody else gets its port."""
    found = socket.socket()
    found.bind(("127.0.0.1", 0))
    if listening:
        found.listen(1024)
    return found


def start(count: int, action: Callable[..., None], *arguments: object) -> None:
    """Start threads."""
    for _ in range(count):
        threading.Thread(target=action, args=arguments, daemon=True).start()


def main(folder: Path, count: int) -> int:
    """Serve."""
    authority = Authority()
    (folder / "ca.pem").write_bytes(authority.root.public_bytes(serialization.Encoding.PEM))
    kinds = {kind: count * share // 100 for kind, share in MIX.items()}
    sockets = {kind: bound(listening=kind != "refused") for kind in ("tls", *WITHOUT_CERTIFICATE)}
    ports = {kind: each.getsockname()[1] for kind, each in sockets.items()}
    contexts: dict[str, ssl.SSLContext] = {}
    lines = []
    for kind, number in kinds.items():
        for host in range(number):
            name = f"host{host}.{kind}.test"
            if kind not in WITHOUT_CERTIFICATE:
                contexts[name] = authority.context(kind, name, folder)
            lines.append(f"{name} 127.0.0.1:{ports.get(kind, ports['tls'])}")
    random.Random(1).shuffle(lines)  # noqa: S311 - the same order every time
    (folder / "hosts").write_text("".join(f"{line}\n" for line in lines))
    (folder / "kinds.json").write_text(json.dumps(kinds))

    def choose(connection: ssl.SSLSocket | ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        connection.context = contexts.get(name or "", connection.context)

    first = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    first.sni_callback = choose
    start(THREADS, serve_tls, sockets["tls"], first)
    start(THREADS, serve_http, sockets["http"])
    start(1, hang, sockets["hangs"])
    print("ready", flush=True)
    sys.stdin.read()
    os._exit(0)  # the threads wait for clients for ever


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
