"""What the tests of the exporters share: certificates with names that mean harm, and Java's keytool to read them."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import shutil
import subprocess
import typing

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID
from support.environments import SYSTEM_PATH
from support.pki import Issued, issue

from certboot.pki import pem
from certboot.pki.certificate import load_certificate

if typing.TYPE_CHECKING:
    from pathlib import Path

    from certboot.pki.certificate import Certificate

HOSTILE_NAMES = (
    "\"double\" 'single' `back` \\n \\",
    "two\nlines\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    "\r\n---\nkind: Secret\n...",
    "yaml: {a: [b, c]}  # &anchor *alias !tag | > % @",
    "- true",
    "~",
    "tab\there, DEL\x7f, bell\x07, ESC\x1b[31m",
    "lines\x85of\u2028Unicode\u2029and\x0bold",
    "\N{RIGHT-TO-LEFT OVERRIDE}gnirtS",
    "D\N{LATIN SMALL LETTER U WITH DIAERESIS}sseldorf \N{CJK UNIFIED IDEOGRAPH-8A3C} \N{LOCK}",
    " spaces  at  the  ends ",
    "../../etc/passwd",
    "${HOME} $(id) %PATH%",
    "Twin",
    "Twin",
    "TWIN",
)


@functools.cache
def hostile() -> tuple[Certificate, ...]:
    """Return a CA certificate for each of the names."""
    return loaded(*(issue(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])) for name in HOSTILE_NAMES))


@functools.cache
def many() -> tuple[Certificate, ...]:
    """Return so many CA certificates that no format can state their size in two bytes."""
    first = issue("Root 0")
    return loaded(first, *(issue(f"Root {number}", key=first.key) for number in range(1, 160)))


def loaded(*issued: Issued) -> tuple[Certificate, ...]:
    """Return what certboot makes of these certificates."""
    return tuple(load_certificate(each.der) for each in issued)


def fingerprints(text: bytes | str) -> list[str]:
    """Return the SHA-256 of every certificate in a PEM text, sorted."""
    data = text.encode() if isinstance(text, str) else text
    return sorted(hashlib.sha256(block.data or b"").hexdigest() for block in pem.blocks(data))


def of(certificates: typing.Iterable[Certificate]) -> list[str]:
    """Return their fingerprints, sorted."""
    return sorted(certificate.fingerprint for certificate in certificates)


def der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.DER)


def keytool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run Java's keytool, in English and UTC. Where it is missing the test is skipped, in CI it fails."""
    if not shutil.which("keytool", path=SYSTEM_PATH):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("keytool is missing: .ci/run installs it")
    settings = ("-J-Duser.language=en", "-J-Duser.timezone=UTC", "-J-XX:TieredStopAtLevel=1")
    return subprocess.run(
        ["keytool", *map(str, arguments), *settings],
        env={"PATH": SYSTEM_PATH},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


class JavaStore(typing.NamedTuple):
    """What keytool says of a key store."""

    kind: str
    aliases: list[str]
    fingerprints: list[str]


def java_store(path: Path, password: str, *arguments: str) -> JavaStore:
    """Return what keytool reads, every entry a trusted certificate and nothing else."""
    ran = keytool("-list", "-rfc", "-keystore", path, "-storepass", password, *arguments)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    aliases = re.findall(r"^Alias name: (.*)$", ran.stdout, re.MULTILINE)
    kinds = re.findall(r"^Entry type: (.*)$", ran.stdout, re.MULTILINE)
    assert kinds == ["trustedCertEntry"] * len(aliases)
    (kind,) = re.findall(r"^Keystore type: (.*)$", ran.stdout, re.MULTILINE)
    return JavaStore(kind, aliases, fingerprints(ran.stdout))
