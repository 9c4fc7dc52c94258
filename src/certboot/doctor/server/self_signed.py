"""A server whose certificate signs itself: whether it can be trusted as a CA, and what to do where it is none."""

from __future__ import annotations

import contextlib
import shlex
import typing

from certboot.doctor.examination import Instruction
from certboot.doctor.server import remedies
from certboot.doctor.server.case import Cause
from certboot.net.connection import ConnectionFault, ascii_name
from certboot.pki import names

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

    from certboot.doctor.server.case import Case

_LONGEST_NAME = 58  # with "CA of " the 64 characters of a common name (RFC 5280, A.1)
_WIDTH = 72
_FILE = "own.pem"
_NO_CA = """\
it is no CA, so the store does not take it: its key could then vouch for
every host in clients with rustls (uv and others), which check less"""
_PROPERLY = "have it issued properly, by a small CA that is good for this host only:"
_THEN = "server.pem and server.key are for the server; then: certboot trust ca.pem"
_ALONE = "or let single programs believe it, if its owner says the same SHA-256:"
_WAYS = f"""\
  requests               verify="{_FILE}"
  httpx, urllib, aiohttp ssl.create_default_context(cafile="{_FILE}")
  curl                   --cacert {_FILE}
  wget                   --ca-certificate={_FILE}
  pip, twine             --cert {_FILE}
  git                    GIT_SSL_CAINFO={_FILE}
  node                   NODE_EXTRA_CA_CERTS={_FILE}"""


def self_signed(case: Case) -> Cause:
    """Return the cause for X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT."""
    certificate = case.leaf.certificate
    meaning = f"the server's certificate signs itself, no CA vouches for it: {certificate.subject}"
    expired = certificate.validity.not_after < case.now
    if not certificate.constraints.is_ca:
        commands = issued_by_a_small_ca(_host(case))
        lines = [meaning, _NO_CA, _PROPERLY, *(line for argv in commands for line in _wrapped(argv)), _THEN]
        lines += [] if expired else _in_single_programs(case)
        return Cause("self-signed-leaf", "\n".join(lines), depth=0, operator=Instruction(commands=commands))
    if expired:
        return Cause("self-signed-leaf", f"{meaning}\nit has expired as well, so nobody can trust it", depth=0)
    meaning += "\nit may act as a CA, so it can be trusted as one: whoever has its key could then pose as any server"
    fix = remedies.through_store(remedies.certboot("trust", case.target), case.known.overrides, case.target)
    return Cause("self-signed-leaf", meaning, fix, depth=0)


def issued_by_a_small_ca(host: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the commands of OpenSSL 3 that make a CA for one host, an address or a name, and the host's certificate.

    The CA's name constraints (RFC 5280, 4.2.1.10) keep its key from vouching for any other host.
    """
    address = names.ip_address(host)
    name = f"IP:{address}" if address else f"DNS:{host}"
    mask = "/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" if ":" in address else "/255.255.255.255" if address else ""
    called = host if len(host) <= _LONGEST_NAME else "my server"
    new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes")
    own = ("-days", "3650", "-subj", f"/CN=CA of {called}")
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    limit = ("-addext", f"nameConstraints=critical,permitted;{name}{mask}")
    below = ("-CA", "ca.pem", "-CAkey", "ca.key", "-days", "365", "-subj", f"/CN={called}")
    usual = ("-extensions", "usr_cert", "-addext", f"subjectAltName={name}")  # of OpenSSL's own configuration
    return (
        (*new, *own, *usage, *limit, "-keyout", "ca.key", "-out", "ca.pem"),
        (*new, *below, *usual, "-keyout", "server.key", "-out", "server.pem"),
    )


def _in_single_programs(case: Case) -> list[str]:
    if not names.is_for(case.leaf, _host(case), common_name=False):
        return []  # which would refuse it for its names
    ((*argv,),) = remedies.certboot("chain", case.target, "--output", _FILE)
    return [_ALONE, *([f"  {shlex.join(argv)}"] if case.target.port else []), _WAYS]


def _host(case: Case) -> str:
    with contextlib.suppress(ConnectionFault):
        return ascii_name(case.target.name)
    return "HOST"


def _wrapped(argv: tuple[str, ...]) -> Iterator[str]:
    """Yield a command in lines that a shell takes as they are, broken before options."""
    line = " "
    for number, word in enumerate(argv):
        quoted = shlex.quote(word)
        following = shlex.quote(argv[number + 1]) if word.startswith("-") and number + 1 < len(argv) else ""
        if len(line) + len(quoted) + len(following) + 2 > _WIDTH and word.startswith("-"):
            yield f"{line} \\"
            line = "   "
        line += f" {quoted}"
    yield line
