"""A program for openssls.judge: reads chains from its input, and writes what its OpenSSL says of each.

Where there is pyOpenSSL, that is the OpenSSL in cryptography's wheel, else that of ``ssl``. It is shown a chain as by a
server of TLS 1.2, whose messages certboot.pki.verdict makes. For Python 3.10 and newer.
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import ipaddress
import json
import ssl
import sys
import typing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from certboot.pki import verdict  # needs nothing but Python itself

_NOTHING_SAID, _CANNOT_LOAD = -1, -2
_NO_PARTIAL_WILDCARDS = 4  # X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, which Python's Modules/_ssl.c sets
_CIPHERS = (verdict._ECDSA, verdict._RSA)


def by_ssl(sent: list[bytes], trusted: list[bytes], host: str, *, strict: bool, partial: bool) -> int:
    """What the ssl module says."""
    try:
        context = verdict.verifying_context(anchors=tuple(trusted))
    except ssl.SSLError:
        return _CANNOT_LOAD
    verdict.verifying(context, strict=strict, partial=partial)
    said = verdict.openssl_verdict(context, tuple(sent), host)
    return said.code if said else _NOTHING_SAID


def by_pyopenssl(sent: list[bytes], trusted: list[bytes], host: str, *, strict: bool, partial: bool) -> int:
    """What pyOpenSSL says, with the settings that Python's ssl module has."""
    from OpenSSL import SSL, crypto  # type: ignore[import-not-found]

    flags = crypto.X509StoreFlags.X509_STRICT * strict | crypto.X509StoreFlags.PARTIAL_CHAIN * partial
    for cipher in _CIPHERS:
        context = SSL.Context(SSL.TLS_METHOD)
        codes: list[int] = []
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        context.set_cipher_list(b"DEFAULT:@SECLEVEL=2")
        context.set_verify(SSL.VERIFY_PEER, lambda *said, codes=codes: codes.append(said[2]) or bool(said[4]))
        context.get_cert_store().set_flags(flags)
        try:
            for data in trusted:
                context.get_cert_store().add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, data))
        except crypto.Error:
            return _CANNOT_LOAD
        _shake(SSL.Connection(context, None), host, cipher, sent)
        if codes:
            return next((code for code in codes if code), 0)
    return _NOTHING_SAID


def _shake(client: typing.Any, host: str, cipher: bytes, sent: list[bytes]) -> None:  # noqa: ANN401 - pyOpenSSL has no types
    from OpenSSL import SSL
    from OpenSSL._util import ffi, lib  # type: ignore[import-not-found]

    client.set_connect_state()
    parameters = lib.SSL_get0_param(client._ssl)
    try:
        address = ipaddress.ip_address(host).packed
        lib.X509_VERIFY_PARAM_set1_ip(parameters, address, len(address))
    except ValueError:
        lib.X509_VERIFY_PARAM_set_hostflags(parameters, _NO_PARTIAL_WILDCARDS)
        lib.X509_VERIFY_PARAM_set1_host(parameters, ffi.from_buffer(host.encode()), len(host))
    with contextlib.suppress(SSL.WantReadError):
        client.do_handshake()
    client.bio_write(verdict._records(verdict._server_hello(cipher) + verdict._certificate_message(tuple(sent))))
    with contextlib.suppress(SSL.Error):
        client.do_handshake()


def main() -> None:
    """Answer."""
    judge: typing.Callable[..., int] = by_ssl
    number = ssl.OPENSSL_VERSION_NUMBER
    if importlib.util.find_spec("OpenSSL"):
        from OpenSSL import SSL

        judge, number = by_pyopenssl, SSL.OPENSSL_VERSION_NUMBER
    answers = []
    for encoded, host, strict, partial in json.load(sys.stdin):
        sent, trusted = ([base64.b64decode(data) for data in ders] for ders in encoded)
        answers.append(judge(sent, trusted, host, strict=strict, partial=partial))
    json.dump([number, answers], sys.stdout)


if __name__ == "__main__":
    main()
