"""What of a SubjectPublicKeyInfo is the key itself, however it is written down (RFC 5280, 4.1.2.7)."""

from __future__ import annotations

from certboot.pki import der

# Of RSA, whatever it is to be used for: rsaEncryption first, then with OAEP and with PSS (RFC 4055), and that of X.509.
_RSA = tuple(map(bytes.fromhex, ("2a864886f70d010101", "2a864886f70d010107", "2a864886f70d01010a", "55080101")))
_EC = bytes.fromhex("2a8648ce3d0201")
_COMPRESSED, _WHOLE = (b"\2", b"\3"), (b"\4", b"\6", b"\7")  # how a point begins (X9.62, 4.3.6)


def canonical(info: bytes) -> bytes:
    """Return bytes that are equal for two SubjectPublicKeyInfos if who has the private key of one has that of both.

    Of RSA that is the modulus, for which anybody may choose an exponent; of an elliptic curve the first coordinate of
    the point, for the sign of the second is that of the private key. Of all other kinds it is the key without its
    parameters. What cannot be read is taken as it stands.
    """
    try:
        algorithm, bits = der.children(der.read(info, der.SEQUENCE)[0].content)
        kind, _ = der.read(algorithm.content, der.OBJECT_IDENTIFIER)
        name, key = _named(kind.content, bits.content[1:])
    except ValueError:
        return info
    return der.encode(der.SEQUENCE, der.encode(der.OBJECT_IDENTIFIER, name) + der.encode(der.BIT_STRING, key))


def _named(kind: bytes, key: bytes) -> tuple[bytes, bytes]:
    """Return one object identifier for all that mean the same, and one form of the key; raises ValueError."""
    if kind in _RSA:
        modulus, _ = der.children(der.read(key, der.SEQUENCE)[0].content)
        return _RSA[0], modulus.content.lstrip(b"\0")
    if kind == _EC and key.startswith(_COMPRESSED):
        return kind, key[1:]
    if kind == _EC and key.startswith(_WHOLE):
        return kind, key[1 : (len(key) + 1) // 2]
    return kind, key
