"""What servers with one fault each say, and the programs on the way, a proxy and mail servers."""

from __future__ import annotations

import base64
import contextlib
import email.utils
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from support.server import Listener, Talk, head, in_tls, page, server_context

from certboot.pki import der

__all__ = [
    "STARTTLS", "Listener", "ProxyTalk", "Talk", "after_hello", "echo", "ftp", "imap", "ldap", "message", "mysql",
    "patient_http", "plain_http", "pop3", "postgres", "relay", "reset", "server_context", "server_hello", "silent",
    "small_dh_parameters", "smtp", "taking_small_hellos", "tls", "without_secure_renegotiation",
]  # fmt: skip

# Oakley group 2 (RFC 2409, 6.2), 1024 bits.
_OAKLEY_2 = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B"
    "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"
    "49286651ECE65381FFFFFFFFFFFFFFFF",
    16,
)


def tls(context: ssl.SSLContext, date: float | None = None) -> Talk:
    """Shake hands, and answer one HTTP request, with this date."""

    def talk(secure: socket.socket) -> None:
        if secure.recv(4096):
            now = email.utils.formatdate(time.time() if date is None else date, usegmt=True)
            secure.sendall(page(Date=now))

    return in_tls(context, talk)


@contextlib.contextmanager
def small_dh_parameters() -> Iterator[str]:
    prime = _OAKLEY_2.to_bytes(129, "big")  # with the zero that makes it positive
    body = der.encode(der.INTEGER, prime) + der.encode(der.INTEGER, b"\x02")
    coded = base64.encodebytes(der.encode(der.SEQUENCE, body))
    pem = b"-----BEGIN DH PARAMETERS-----\n" + coded + b"-----END DH PARAMETERS-----\n"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dh.pem"
        path.write_bytes(pem)
        yield str(path)


def message(kind: int, body: bytes) -> bytes:
    """A handshake message in a record of its own."""
    data = bytes((kind,)) + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x03" + len(data).to_bytes(2, "big") + data


def server_hello(extensions: bytes = b"\x00\x05\xff\x01\x00\x01\x00", version: bytes = b"\x03\x03") -> bytes:
    return message(2, version + bytes(32) + b"\x00" + b"\xc0\x2b" + b"\x00" + extensions)


def after_hello(*pieces: bytes, pause: float = 0.0, hang: bool = False) -> Talk:
    """Read the client's first message and say this."""

    def talk(connection: socket.socket) -> None:
        connection.recv(4096)
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)
        if hang:
            connection.recv(4096)

    return talk


def relay(port: int, changed: Callable[[bytes], bytes]) -> Talk:
    """Pass everything on to the server on this port and back, its first record (its hello) changed like this."""

    def talk(connection: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as far:
            far.sendall(connection.recv(65536))
            head = _exactly(far, 5)
            record = head + _exactly(far, int.from_bytes(head[3:], "big"))
            connection.sendall(changed(record))
            _both_ways(connection, far)

    return talk


def without_secure_renegotiation(record: bytes) -> bytes:
    """A ServerHello of TLS 1.2 in a record of its own, without the extension of RFC 5746."""
    body = record[9:]
    at = 35 + body[34] + 3
    kept, extensions = b"", body[at + 2 :]
    while extensions:
        end = 4 + int.from_bytes(extensions[2:4], "big")
        kept += extensions[:end] if extensions[:2] != b"\xff\x01" else b""
        extensions = extensions[end:]
    return message(2, body[:at] + len(kept).to_bytes(2, "big") + kept)


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := connection.recv(count - len(data))):
        data += more
    return data


def echo(connection: socket.socket) -> None:
    while data := connection.recv(4096):
        connection.sendall(data)


def reset(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")


def taking_small_hellos(then: Talk, refuse: Talk) -> Talk:
    """Refuse a hello of more than 1400 bytes like this, and go on with all else."""

    def talk(connection: socket.socket) -> None:
        head = connection.recv(5, socket.MSG_PEEK)
        large = head[:1] == b"\x16" and int.from_bytes(head[3:], "big") > 1400
        (refuse if large else then)(connection)

    return talk


def silent(connection: socket.socket) -> None:
    while connection.recv(4096):
        pass


def plain_http(connection: socket.socket) -> None:
    """As most web servers: what is no request line is answered with 400."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def patient_http(connection: socket.socket) -> None:
    """As simple ones: they wait for the end of the line, and answer only what is a request."""
    if head(connection).startswith(b"HEAD "):
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")


def _lines(connection: socket.socket) -> Iterator[bytes]:
    data = b""
    while True:
        while b"\n" not in data:
            more = connection.recv(4096)
            if not more:
                return
            data += more
        line, _, data = data.partition(b"\n")
        yield line.strip()


def smtp(then: Talk, *, offers: bool = True) -> Talk:
    def talk(connection: socket.socket) -> None:
        connection.sendall(b"220-mail.example ESMTP\r\n220 ready\r\n")
        for line in _lines(connection):
            if line.startswith(b"EHLO"):
                connection.sendall(b"250-mail.example\r\n250-STARTTLS\r\n250 OK\r\n" if offers else b"250 OK\r\n")
            elif line == b"STARTTLS":
                connection.sendall(b"220 go ahead\r\n")
                then(connection)
                return
            else:
                connection.sendall(b"500 what?\r\n")

    return talk


def _dialogue(greeting: bytes, asked: bytes, yes: bytes, no: bytes) -> Callable[..., Talk]:
    def make(then: Talk, *, offers: bool = True) -> Talk:
        def talk(connection: socket.socket) -> None:
            connection.sendall(greeting)
            for line in _lines(connection):
                if line == asked and offers:
                    connection.sendall(yes)
                    then(connection)
                    return
                connection.sendall(no)

        return talk

    return make


imap = _dialogue(b"* OK ready\r\n", b"a STARTTLS", b"* a remark\r\na OK begin\r\n", b"a BAD no\r\n")
pop3 = _dialogue(b"+OK ready\r\n", b"STLS", b"+OK begin\r\n", b"-ERR no\r\n")
ftp = _dialogue(b"220 FTP server ready\r\n", b"AUTH TLS", b"234 begin\r\n", b"502 no\r\n")


def ldap(then: Talk, *, offers: bool = True) -> Talk:
    def talk(connection: socket.socket) -> None:
        if b"1.3.6.1.4.1.1466.20037" in connection.recv(4096):
            result = b"\x0a\x01" + (b"\x00" if offers else b"\x02") + b"\x04\x00\x04\x00"
            answer = b"\x02\x01\x01\x78" + bytes((len(result),)) + result
            connection.sendall(b"\x30\x81" + bytes((len(answer),)) + answer)  # a long length, as OpenLDAP may write it
            if offers:
                then(connection)

    return talk


def postgres(then: Talk, *, offers: bool = True) -> Talk:
    def talk(connection: socket.socket) -> None:
        if connection.recv(8) == b"\x00\x00\x00\x08\x04\xd2\x16\x2f":
            connection.sendall(b"S" if offers else b"N")
            if offers:
                then(connection)

    return talk


def mysql(then: Talk, *, offers: bool = True) -> Talk:
    def talk(connection: socket.socket) -> None:
        capabilities = b"\xff\xff" if offers else b"\xff\xf7"
        greeting = b"\x0a8.0.36\x00" + bytes(4) + b"saltsalt\x00" + capabilities + b"\x21\x02\x00" + bytes(15)
        connection.sendall(len(greeting).to_bytes(3, "little") + b"\x00" + greeting)
        request = connection.recv(36)
        if len(request) == 36 and request[3] == 1 and offers:
            then(connection)

    return talk


STARTTLS: dict[str, Callable[..., Talk]] = {
    "smtp": smtp, "imap": imap, "pop3": pop3, "ldap": ldap, "postgres": postgres, "mysql": mysql, "ftp": ftp,
}  # fmt: skip


class ProxyTalk:
    """An HTTP proxy that connects, or answers with this status; it remembers what it was asked."""

    def __init__(self, status: int = 200, credentials: str = "", answer: bytes | None = None) -> None:
        self.status = status
        self.credentials = credentials
        self.answer = answer
        self.asked: list[str] = []

    def __call__(self, connection: socket.socket) -> None:
        lines = head(connection).decode().split("\r\n")
        if not lines[0]:
            return
        self.asked.append(lines[0])
        status = self.status
        if self.credentials:
            wanted = f"Proxy-Authorization: Basic {base64.b64encode(self.credentials.encode()).decode()}"
            status = status if wanted in lines else 407
        if self.answer is not None:
            connection.sendall(self.answer)
            return
        if status != 200:
            connection.sendall(f"HTTP/1.1 {status} no\r\n\r\n".encode())
            return
        host, _, port = lines[0].split()[1].rpartition(":")
        with socket.create_connection((host.strip("[]"), int(port))) as far:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _both_ways(connection, far)


def _both_ways(connection: socket.socket, far: socket.socket) -> None:
    back = threading.Thread(target=_pump, args=(far, connection))
    back.start()
    _pump(connection, far)
    back.join()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
