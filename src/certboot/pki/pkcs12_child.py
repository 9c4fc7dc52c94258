"""Opens a PKCS#12 file in a process of its own: how long that takes, and how much memory, the file says itself.

In: a byte that says whether there is a password, its length in four bytes, the password, and the file. Out: OPENED and
each certificate in DER after its length in four bytes, or one of the other words. What is printed otherwise is lost.
"""

from __future__ import annotations

import contextlib
import sys
import warnings

OPENED, REFUSED, UNSUPPORTED = b"opened\n", b"refused\n", b"unsupported\n"
SECONDS = 10
"""Of work. A file with a million iterations, as the most careful writers have it, takes about two."""
_BYTES = 1024 * 1024 * 1024
_LENGTH = 4


def main() -> None:
    """Be the process."""
    _limit()
    whole = sys.stdin.buffer.read()
    end = 1 + _LENGTH + int.from_bytes(whole[1 : 1 + _LENGTH], "big")
    password = whole[1 + _LENGTH : end] if whole[0] else None
    sys.stdout.buffer.write(_answer(whole[end:], password))


def question(data: bytes, password: bytes | None) -> bytes:
    """Return what the process is to read."""
    secret = password or b""
    return bytes((password is not None,)) + len(secret).to_bytes(_LENGTH, "big") + secret + data


def certificates(answer: bytes) -> list[bytes]:
    """Return the certificates in what the process has written after OPENED."""
    ders = []
    while answer:
        end = _LENGTH + int.from_bytes(answer[:_LENGTH], "big")
        ders.append(answer[_LENGTH:end])
        answer = answer[end:]
    return ders


def _answer(data: bytes, password: bytes | None) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of BER or old algorithms, about which the user can do nothing
            container = pkcs12.load_pkcs12(data, password)
            entries = ([container.cert] if container.cert else []) + container.additional_certs
            ders = [entry.certificate.public_bytes(Encoding.DER) for entry in entries]
    except UnsupportedAlgorithm:  # the key's, which cryptography reads in any case
        return UNSUPPORTED
    except MemoryError:
        raise
    except BaseException:  # noqa: BLE001 - of whatever kind, a panic of its Rust among them
        return REFUSED
    return OPENED + b"".join(len(data).to_bytes(_LENGTH, "big") + data for data in ders)


def _limit() -> None:
    try:
        import resource
    except ImportError:  # Windows has none; there the parent's clock is the only limit
        return
    for kind, most in ((resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_AS, _BYTES), (resource.RLIMIT_CORE, 0)):
        with contextlib.suppress(ValueError, OSError):  # macOS takes no limit of memory
            soft, hard = resource.getrlimit(kind)
            lower = [limit for limit in (soft, hard, most) if limit != resource.RLIM_INFINITY]
            resource.setrlimit(kind, (min(lower), hard))
