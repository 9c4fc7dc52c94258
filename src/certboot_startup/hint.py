"""The hint on a failed verification: what it means, and what to run, in words that nobody else has chosen."""
# Loaded by guards.py when the first verification has failed, and by nothing else: so no other program pays for it. The
# same rules hold as there, and who calls this lets none of its exceptions pass.

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # for the comments that hold the types
    from typing import Any  # noqa: F401

# X509_V_ERR_* -> what it means to who reads a traceback, in words that repr() leaves as they are.
_MEANINGS = (
    ((2, 20, 21), "the server did not send all of its chain, or its CA is not trusted here"),
    ((7,), "a signature in the chain of the server is wrong"),
    ((9,), "a certificate in the chain of the server is not valid yet, or the clock here is wrong"),
    ((10,), "a certificate in the chain of the server has expired, or the clock here is wrong"),
    ((18,), "the server has a self-signed certificate, which is not trusted here"),
    ((19,), "the chain of the server ends at a root that is not trusted here"),
    ((25, 47, 48), "the certificate of the server is outside of what its CA may sign"),
    ((26,), "a certificate in the chain of the server is not meant for this use"),
    ((28,), "a certificate in the chain of the server is distrusted here"),
    ((62, 64), "the certificate of the server is for other names than the one asked for"),
    ((66, 67, 68), "a key or a signature in the chain of the server is too weak"),
    ((79,), "an issuer in the chain of the server is not a proper CA"),
    (
        (*range(80, 90), 92, 93),
        "a certificate in the chain of the server breaks a rule that Python 3.13 and newer insist on",
    ),
)  # type: tuple[tuple[tuple[int, ...], str], ...]
_HINT = "; certboot: "
_IN_A_NAME = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_")
_IN_AN_ADDRESS = frozenset("abcdef0123456789.:")
_LONGEST_NAME = 253
# Where the other side is more likely a proxy than the server.
_PROXY_PORTS = (1080, 3128, 8080, 8118, 8888, 9050)


def add(connection, error):
    # type: (Any, Any) -> None
    """Add to the words of a failed verification what they mean and what to run.

    They stand in ``args`` and ``strerror``: requests shows the one, httpx the other, and neither of them a note (PEP
    678). The certificate is a stranger's, and what it says is not repeated here.
    """
    meaning = next((words for codes, words in _MEANINGS if error.verify_code in codes), "")
    number, message = error.args
    if meaning and _HINT not in message and not _is_tried_again():
        message += f"{_HINT}{meaning}; run: certboot doctor {_target_of(connection)}"
        error.strerror = message
        error.args = number, message


def _is_tried_again():
    # type: () -> bool
    """Return whether urllib3, or pip's copy of it, tries once more after this: its log has all but the last failure."""
    frame = sys._getframe()  # type: Any  # noqa: SLF001 - nothing else tells who asks
    while frame and not (frame.f_code.co_name == "urlopen" and hasattr(frame.f_locals.get("retries"), "increment")):
        frame = frame.f_back
    retries = frame and frame.f_locals["retries"]
    try:
        return bool(frame) and all(count is None or count > 0 for count in (retries.total, retries.other))
    except (AttributeError, TypeError):  # another library's
        return False


def _target_of(connection):
    # type: (Any) -> str
    """Return the server as certboot doctor takes it: what a shell could take for more than a name is left out."""
    host = (connection.server_hostname or "").lower()
    if ":" in host and _IN_AN_ADDRESS.issuperset(host) and len(host) <= _LONGEST_NAME:
        host = f"[{host}]"
    elif not host or host[0] == "-" or not _IN_A_NAME.issuperset(host) or len(host) > _LONGEST_NAME:
        return "HOST:PORT"
    port = _port_of(connection)
    return f"{host}:{port}" if port else f"{host} (and its port, if not 443)"


def _port_of(connection):
    # type: (Any) -> int
    """Return the port of the server; 0 where nobody knows: for an SSLObject, and where a proxy may be in between."""
    try:
        port = int(connection.getpeername()[1])
    except (AttributeError, OSError, IndexError, TypeError, ValueError):
        return 0
    proxies = [value for name, value in os.environ.items() if name.lower().endswith("_proxy")]
    behind = port in _PROXY_PORTS or any(value.rstrip("/").endswith(f":{port}") for value in proxies)
    return 0 if behind else port
