"""The protocols that begin in plain text and go over to TLS when asked: a row each, and what is said in it.

Nothing here sends credentials or mail.
"""

from __future__ import annotations

import typing
from collections.abc import Callable

from certboot.errors import printable

if typing.TYPE_CHECKING:
    from certboot.net.connection import ConnectionFault, Stream

_MOST_LINES = 100
_LDAP_START_TLS = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"  # RFC 4511, 4.14
_LDAP_SEQUENCE = 0x30
_LDAP_RESULT = 0x0A
_LDAP_LONGEST = 2  # octets of a length
_POSTGRES_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")
_MYSQL_PROTOCOL, _MYSQL_CLIENT_SSL, _MYSQL_PROTOCOL_41 = 10, 0x800, 0x200
_MYSQL_LONGEST = 4096
_MYSQL_GREETING = b"\x00\x00\x0a"  # the end of the packet's length, its number 0, protocol 10


class Protocol(typing.NamedTuple):
    """One of these protocols."""

    begin: Callable[[Stream], None]
    """Brings the connection to where TLS begins; raises ConnectionFault, OSError."""
    ports: tuple[int, ...]
    """Where it is mostly spoken, the usual one first."""
    greets: Callable[[bytes], bool] = lambda _: False
    """Whether a server that speaks first begins with these bytes."""


def usual_port(protocol: str) -> int | None:
    """Return where the protocol is mostly spoken; None for what is none of these."""
    return PROTOCOLS[protocol].ports[0] if protocol in PROTOCOLS else None


def spoken_on(port: int) -> str:
    """Return the protocol that is mostly spoken on ``port``, or ""."""
    return next((name for name, protocol in PROTOCOLS.items() if port in protocol.ports), "")


def greeting_of(banner: bytes, port: int) -> str:
    """Return the protocol of a server that greets with ``banner`` on ``port``, or "".

    SMTP and FTP greet alike; one that says neither is FTP on FTP's port only.
    """
    greeting = [name for name, protocol in PROTOCOLS.items() if protocol.greets(banner)]
    if greeting == ["smtp", "ftp"]:
        return "ftp" if b"ftp" in banner.lower() or port in PROTOCOLS["ftp"].ports else "smtp"
    return greeting[0] if greeting else ""


def _fault(words: str) -> ConnectionFault:
    from certboot.net.connection import ConnectionFault  # which brings in ssl, that the names of protocols do without

    return ConnectionFault("starttls-refused", words)


def _refused(said: bytes) -> ConnectionFault:
    words = printable(said.decode("ascii", "replace").strip())[:200]
    return _fault(f"the server said: {words}" if words else "the server said nothing")


def _line(stream: Stream) -> bytes:
    return stream.until(b"\n")


def _until(stream: Stream, is_last: Callable[[bytes], bool]) -> list[bytes]:
    """Return the lines of an answer up to the last."""
    lines = [_line(stream)]
    while not is_last(lines[-1]):
        if len(lines) == _MOST_LINES:
            raise _refused(lines[0])
        lines.append(_line(stream))
    return lines


def _reply(stream: Stream, expected: bytes) -> bytes:
    """Return a reply of SMTP or FTP, which ends with a line that has no hyphen after the number."""
    lines = _until(stream, lambda line: line[:3].isdigit() and line[3:4] != b"-")
    if not lines[-1].startswith(expected):
        raise _refused(lines[-1])
    return b"".join(lines)


def _smtp(stream: Stream) -> None:  # RFC 3207
    _reply(stream, b"220")
    stream.send(b"EHLO certboot.invalid\r\n")
    if b"STARTTLS" not in _reply(stream, b"250").upper():
        raise _fault("the server does not offer STARTTLS")
    stream.send(b"STARTTLS\r\n")
    _reply(stream, b"220")


def _ftp(stream: Stream) -> None:  # RFC 4217
    _reply(stream, b"220")
    stream.send(b"AUTH TLS\r\n")
    _reply(stream, b"234")


def _imap(stream: Stream) -> None:  # RFC 9051, 6.2.1
    greeting = _line(stream)
    if not greeting.startswith(b"* OK"):
        raise _refused(greeting)
    stream.send(b"a STARTTLS\r\n")
    answer = _until(stream, lambda line: line.startswith(b"a "))[-1]
    if not answer.upper().startswith(b"A OK"):
        raise _refused(answer)


def _pop3(stream: Stream) -> None:  # RFC 2595, 4
    for request in (b"", b"STLS\r\n"):
        if request:
            stream.send(request)
        line = _line(stream)
        if not line.startswith(b"+OK"):
            raise _refused(line)


def _ldap(stream: Stream) -> None:
    stream.send(_LDAP_START_TLS)
    head = stream.exactly(2)
    long = max(0, head[1] - 0x80)  # octets of a long length (X.690, 8.1.3)
    if head[0] != _LDAP_SEQUENCE or long > _LDAP_LONGEST:
        raise _refused(head)
    length = int.from_bytes(stream.exactly(long), "big") if long else head[1]
    answer = stream.exactly(length)
    at = answer.find(bytes((_LDAP_RESULT, 1)))
    if at < 0 or answer[at + 2 : at + 3] != b"\0":
        raise _fault("the directory does not begin TLS")


def _postgres(stream: Stream) -> None:
    stream.send(_POSTGRES_REQUEST)
    if stream.exactly(1) != b"S":
        raise _fault("the database does not offer TLS")


def _mysql(stream: Stream) -> None:
    head = stream.exactly(4)
    length = int.from_bytes(head[:3], "little")
    if not 0 < length <= _MYSQL_LONGEST:
        raise _refused(head)
    greeting = stream.exactly(length)
    # Protocol, version to a zero byte, connection number, eight bytes of salt, a zero byte, the lower capabilities.
    rest = greeting[1:].partition(b"\0")[2]
    capabilities = int.from_bytes(rest[13:15], "little")
    if greeting[0] != _MYSQL_PROTOCOL or not capabilities & _MYSQL_CLIENT_SSL:
        raise _fault("the database does not offer TLS")
    flags = (_MYSQL_CLIENT_SSL | _MYSQL_PROTOCOL_41).to_bytes(4, "little")
    request = flags + (1 << 24).to_bytes(4, "little") + b"\x21" + bytes(23)
    stream.send(len(request).to_bytes(3, "little") + b"\x01" + request)


def _greets_with_220(banner: bytes) -> bool:
    return banner.startswith((b"220 ", b"220-"))


PROTOCOLS: dict[str, Protocol] = {
    "smtp": Protocol(_smtp, (25, 587, 2525), _greets_with_220),
    "imap": Protocol(_imap, (143,), lambda banner: banner.startswith((b"* OK", b"* PREAUTH"))),
    "pop3": Protocol(_pop3, (110,), lambda banner: banner.startswith(b"+OK")),
    "ldap": Protocol(_ldap, (389,)),
    "postgres": Protocol(_postgres, (5432,)),
    "mysql": Protocol(_mysql, (3306,), lambda banner: banner[2:5] == _MYSQL_GREETING),
    "ftp": Protocol(_ftp, (21,), _greets_with_220),
}
"""By the name that ``--starttls`` takes."""
