"""The least that a client of each protocol needs to hear to know that it is connected."""

from __future__ import annotations

import itertools
import struct
import typing

if typing.TYPE_CHECKING:
    from io import BufferedIOBase

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013  # MongoDB wire protocol
_DATA, _HEADERS, _SETTINGS = 0, 1, 4  # HTTP/2: RFC 9113 section 6
_ACK, _END_STREAM, _END_HEADERS = 1, 1, 4


def http2(reader: BufferedIOBase, writer: BufferedIOBase) -> None:
    """Answer every gRPC call with one empty message, once the settings are exchanged (RFC 9113, section 3.4)."""
    reader.read(len(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    writer.write(_frame(_SETTINGS))
    while header := reader.read(9):
        reader.read(int.from_bytes(header[:3], "big"))
        kind, flags, stream = header[3], header[4], int.from_bytes(header[5:], "big")
        if kind == _SETTINGS and not flags & _ACK:
            writer.write(_frame(_SETTINGS, _ACK))
        elif kind in (_HEADERS, _DATA) and flags & _END_STREAM:
            status_200 = b"\x88"  # number 8 of HPACK's static table (RFC 7541, appendix A)
            content_type = _literal(b"content-type", b"application/grpc")
            writer.write(
                _frame(_HEADERS, _END_HEADERS, stream, status_200 + content_type)
                + _frame(_DATA, 0, stream, bytes(5))  # an uncompressed message of no bytes
                + _frame(_HEADERS, _END_HEADERS | _END_STREAM, stream, _literal(b"grpc-status", b"0"))
            )


def _frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _literal(name: bytes, value: bytes) -> bytes:
    return b"\0%c%s%c%s" % (len(name), name, len(value), value)  # RFC 7541, section 6.2.2, without Huffman's code


def websocket(reader: BufferedIOBase, writer: BufferedIOBase) -> None:
    """Answer the client's close frame with the same (RFC 6455, section 5.5.1). Its frames are short and masked."""
    while head := reader.read(2):
        mask = reader.read(4)
        payload = bytes(
            byte ^ key for byte, key in zip(reader.read(head[1] & 0x7F), itertools.cycle(mask), strict=False)
        )
        if head[0] & 0x0F == 8:
            writer.write(bytes((head[0], len(payload))) + payload)
            return


def redis(reader: BufferedIOBase, writer: BufferedIOBase) -> None:
    """Answer PING with PONG, HELLO with a protocol of version 3, and the rest with OK (RESP)."""
    while line := reader.readline():
        words = []
        for _ in range(int(line[1:])):
            words.append(reader.read(int(reader.readline()[1:])))
            reader.readline()
        command = words[0].upper()
        hello = b"%3\r\n+server\r\n+redis\r\n+version\r\n+7.0.0\r\n+proto\r\n:3\r\n"
        writer.write({b"PING": b"+PONG\r\n", b"HELLO": hello}.get(command, b"+OK\r\n"))


def mongodb(reader: BufferedIOBase, writer: BufferedIOBase) -> None:
    """Say to every command that this is a writable server, and that it went well."""
    document = _bson({"ok": 1, "ismaster": True, "isWritablePrimary": True, "minWireVersion": 0, "maxWireVersion": 25})
    while head := reader.read(16):
        length, request, _, operation = struct.unpack("<iiii", head)
        reader.read(length - 16)
        if operation == OP_QUERY:
            body, answer = struct.pack("<iqii", 8, 0, 0, 1) + document, OP_REPLY
        else:
            body, answer = struct.pack("<ib", 0, 0) + document, OP_MSG
        writer.write(struct.pack("<iiii", 16 + len(body), 1, request, answer) + body)


def _bson(values: dict[str, int]) -> bytes:
    fields = b"".join(
        (b"\x08%s\0%c" if isinstance(value, bool) else b"\x10%s\0%s")
        % (name.encode(), value if isinstance(value, bool) else struct.pack("<i", value))
        for name, value in values.items()
    )
    return struct.pack("<i", len(fields) + 5) + fields + b"\0"
