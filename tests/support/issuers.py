"""A CA whose certificates say where their issuer lies, servers that send what a test wants, and that place itself."""

from __future__ import annotations

import datetime
import json
import socket
import ssl
import subprocess
import tempfile
import typing
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from support.asn1 import explicit, number, oid, sequence
from support.environments import SYSTEM_PATH
from support.pki import CA, DAY, NOW, Extensions, Form, Issued, Validity, changed, extensions_of, issue, new_key
from support.server import TlsServer, page

from certboot.pki import der

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric import ec
    from support.environments import Ran
    from support.server import PlainServer

    from certboot.store.paths import StorePaths


def below(issuer: Issued) -> Extensions:
    """The extension that names the issuer's key."""
    return ((x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False),)


def intermediate(
    subject: str | x509.Name,
    issuer: Issued,
    *addresses: str,
    path_length: int | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
    valid: Validity = (NOW - DAY, NOW + 90 * DAY),
    extensions: Callable[[Extensions], Extensions] = lambda usual: usual,
) -> Issued:
    """A proper CA certificate under ``issuer``, whose own certificate lies at ``addresses``."""
    key = key or new_key()
    form = changed(CA, path_length=path_length, issuer_at=addresses)
    return issue(subject, issuer, extensions=extensions(extensions_of(form, key, issuer)), valid=valid, key=key)


def spelled(text: str, kind: int = 12) -> x509.Name:
    """A common name as this ASN.1 type of string: UTF8String, or 19 for PrintableString, 30 for BMPString."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text, _ASN1Type(kind))])


def respelled(root: Issued, text: str = "Example CA", kind: int = 12) -> tuple[Issued, Issued]:
    """A CA whose name is a PrintableString, as it stands in what the CA issues, and another certificate of it."""
    ca = intermediate(spelled("Example CA", 19), root)
    return ca, intermediate(spelled(text, kind), root, key=ca.key)


def leaf(issuer: Issued, *addresses: str, host: str = "localhost", **options: typing.Any) -> Issued:  # noqa: ANN401
    """A server's certificate for ``host`` and the loopback addresses, whose issuer lies at ``addresses``."""
    key = new_key()
    form = Form(names=(host, "127.0.0.1", "::1"), issuer_at=addresses)
    own = extensions_of(form, key, issuer)
    return issue(host, issuer, extensions=own, key=key, **{"valid": (NOW - DAY, NOW + 30 * DAY), **options})


def as_pkcs7(*certificates: Issued, encoding: Encoding = Encoding.DER) -> bytes:
    return pkcs7.serialize_certificates([issued.certificate for issued in certificates], encoding)


ChainServer = TlsServer
Send = Callable[..., ChainServer]
"""The fixture ``send``."""


def openssl_path(chain: Sequence[bytes], root: Issued, *, at: datetime.datetime | None = None) -> str:
    """What ``openssl verify`` says of a leaf with intermediates (PEM, leaf first) under ``root``."""
    with tempfile.TemporaryDirectory() as folder:
        files = {"root": root.pem, "leaf": chain[0], "rest": b"".join(chain[1:])}
        for name, data in files.items():
            Path(folder, name).write_bytes(data)
        rest = ["-untrusted", f"{folder}/rest"] if files["rest"] else []
        moment = ["-attime", str(int(at.timestamp()))] if at else []
        done = subprocess.run(
            ["openssl", "verify", *moment, "-CAfile", f"{folder}/root", *rest, f"{folder}/leaf"],
            env={"PATH": SYSTEM_PATH}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr


def pkcs7_of(certificates: bytes) -> bytes:
    """PKCS#7 (RFC 2315, 9.1) with anything in the place of its certificates."""
    data, signed_data = (oid(f"2a864886f70d01070{last}") for last in (1, 2))
    none = der.encode(der.SET, b"")
    fields = sequence(number("01"), none, sequence(data), explicit(certificates), none)
    return sequence(signed_data, explicit(fields))


def trusted_root(folder: Path, certboot: Callable[..., Ran]) -> Issued:
    """A CA in a new store, by way of a file in ``folder``."""
    made = issue("Example Root")
    (folder / "root.pem").write_bytes(made.pem)
    assert certboot("init", "--add", folder / "root.pem").status == 0
    return made


def without_its_issuer(root: Issued, place: PlainServer, send: Callable[..., ChainServer]) -> ChainServer:
    """A server that does not send its issuer, Example CA, which lies where its certificate says."""
    ca = intermediate("Example CA", root)
    place.pages["/ca"] = page(ca.der)
    return send(leaf(ca, f"{place.url}/ca"))


def _verifies(server: ChainServer, cafile: str | None = None, capath: str | None = None) -> bool:
    """Whether a client with this trust accepts the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile, capath)
    with socket.create_connection(("127.0.0.1", server.port), 5) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="localhost"):
                return True
        except ssl.SSLCertVerificationError:
            return False


def accepted(paths: StorePaths, server: ChainServer) -> list[bool]:
    """Whether a client accepts the server with the store's file, and with its directory."""
    file, folder = str(paths.current / "bundle.pem"), str(paths.current / "crts")
    return [_verifies(server, cafile=file), _verifies(server, capath=folder)]


def repaired_in(paths: StorePaths) -> dict[str, str]:
    """Name -> role of everything that repair has stored and is in force."""
    entries = json.loads((paths.current / "manifest.json").read_bytes())["certificates"]
    return {
        entry["name"]: entry["role"]
        for entry in entries
        if any(reason["source"] == "repaired" for reason in entry["provenance"])
    }
