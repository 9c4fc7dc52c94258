"""What a text for an issue says of this machine: versions, Pythons, OpenSSLs, variables, settings and the store.

By the same rule as of the findings: words of certboot's own tables and numbers, and nothing else.
"""

from __future__ import annotations

import os
import platform
import re
import ssl
import struct
import sys
import typing

import certboot
import certboot_startup
from certboot.cli.report.issue import FAULTS, LEFT_OUT, among, lines_on_findings, numbers
from certboot.clients.installed import installed_versions
from certboot.clients.table import CLIENTS
from certboot.clients.variables import BY_NAME
from certboot.doctor.environment.proxies import READERS, SCHEMES
from certboot.doctor.hook.check import REASONS
from certboot.errors import CertbootError, counted
from certboot.hook.copies import copies, outdated_copies
from certboot.sources.table import SHOWN
from certboot.store.config import load_config
from certboot.store.generations import known_in_force
from certboot.store.generations import numbers as generation_numbers
from certboot.store.paths import is_of_store

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from certboot.doctor.finding import Finding
    from certboot.store.paths import StorePaths

_HEAD = """\
certboot doctor --report: to be attached to an issue. Plain text: read it before you send it.
Left out: names of users, hosts, CAs and files, addresses, and all values but those that certboot itself knows.
"""
_OPENSSL = re.compile(r"(OpenSSL|LibreSSL|BoringSSL|AWS-LC) ?([0-9]+\.[0-9]+\.[0-9]+[a-z]?)?")
_IMPLEMENTATIONS = ("CPython", "PyPy", "GraalVM")
_SYSTEMS = ("Linux", "Darwin", "Windows", "FreeBSD", "OpenBSD", "NetBSD")
_MACHINES = (
    "x86_64", "AMD64", "amd64", "i386", "i686", "aarch64", "arm64", "ARM64", "armv6l", "armv7l", "ppc64le", "riscv64",
    "s390x",
)  # fmt: skip
_DISTRIBUTIONS = (
    "almalinux", "alpine", "amzn", "arch", "azurelinux", "centos", "debian", "fedora", "gentoo", "kali", "linuxmint",
    "manjaro", "mariner", "nixos", "ol", "opensuse-leap", "opensuse-tumbleweed", "photon", "pop", "raspbian", "rhel",
    "rocky", "sles", "ubuntu", "void", "wolfi",
)  # fmt: skip
_PACKAGES = (
    "certifi", "cryptography", "pyopenssl", "truststore", "pip_system_certs", "certifi_win32", "python_certifi_win32",
    "certifi_system_store", "wassima", "niquests", "requests", "urllib3", "pip", "uv",
)  # fmt: skip
_SWITCHES = ("CERTBOOT_HOME", "CERTBOOT_DISABLE", "CERTBOOT_GUARDS", "CERTBOOT_HINTS", "PYTHONHTTPSVERIFY")
_PYTHON = re.compile(r"python(3\.[0-9]{1,2})(?:\.exe)?")


def text_for_issue(
    findings: Iterable[Finding], paths: StorePaths, environ: Mapping[str, str], now: datetime
) -> str:  # fmt: skip
    """Return the whole text."""
    sections: dict[str, Iterable[str]] = {
        "versions": _versions(environ),
        "hook": _hook(paths),
        "variables": _variables(environ),
        "config.toml": _settings(paths),
        "store": _store(paths),
        "findings": lines_on_findings(findings, now),
    }
    return _HEAD + "".join("\n".join(["", name, *lines, ""]) for name, lines in sections.items())


def _row(name: str, *words: str) -> str:
    return f"  {name:<12} {' '.join(filter(None, words))}".rstrip()


def _versions(environ: Mapping[str, str]) -> Iterator[str]:
    from cryptography.hazmat.backends.openssl.backend import backend

    yield _row("certboot", numbers(certboot.__version__))
    bits = f"{struct.calcsize('P') * 8} bit"
    virtual = "virtualenv" if sys.prefix != sys.base_prefix else ""
    implementation = among(platform.python_implementation(), _IMPLEMENTATIONS)
    yield _row("Python", numbers(platform.python_version()), implementation, bits, virtual)
    yield _row("on PATH", ", ".join(_pythons(environ.get("PATH", os.defpath).split(os.pathsep))) or "none")
    yield _row("ssl", _openssl(ssl.OPENSSL_VERSION))
    yield _row("cryptography", _openssl(backend.openssl_version_text()))
    machine = among(platform.machine(), _MACHINES)
    yield _row("system", among(platform.system(), _SYSTEMS), numbers(platform.release()), machine, *_distribution())
    versions = installed_versions(sys.path)
    wanted = dict.fromkeys((*_PACKAGES, *(name for client in CLIENTS for name in client.needs)))
    for name in wanted:
        if name in versions:
            yield _row(name, numbers(versions[name]))


def _pythons(folders: Sequence[str]) -> list[str]:
    """Return the versions in the names of the Pythons on PATH; none is started."""
    versions: set[str] = set()
    for folder in folders:
        try:
            matches = map(_PYTHON.fullmatch, os.listdir(folder or "."))
        except OSError:
            continue
        versions.update(match[1] for match in matches if match)
    return sorted(versions, key=lambda version: int(version[2:]))


def _openssl(text: str) -> str:
    match = _OPENSSL.match(text)
    return match[0] if match else LEFT_OUT


def _distribution() -> tuple[str, ...]:
    """Return what more there is to know of the system: its distribution, or the version that its users know."""
    if platform.system() != "Linux":
        return (numbers(platform.mac_ver()[0] or platform.version()),)
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return ()
    return among(release.get("ID"), _DISTRIBUTIONS), numbers(release.get("VERSION_ID", ""))


def _hook(paths: StorePaths) -> Iterator[str]:
    status = certboot_startup.status
    yield _row("here", among(status, ("active", *REASONS, *FAULTS), LEFT_OUT if status else "did not run"))
    yield _row("sets", ", ".join(among(name, BY_NAME) for name in sorted(certboot_startup.applied)) or "nothing")
    try:
        yield _row("copies", f"{len(copies(paths))}, {len(outdated_copies(paths))} of them outdated")
    except (CertbootError, OSError):
        yield _row("copies", "cannot be read")


def _variables(environ: Mapping[str, str]) -> Iterator[str]:
    for name in BY_NAME:
        if name in environ:
            yield f"  {name}: {_kind(environ[name])}"
    for name in READERS:
        if environ.get(name):
            yield f"  {name}: {'set' if name.lower() == 'no_proxy' else _proxy(environ[name])}"
    yield from (f"  {name}: set" for name in _SWITCHES if name in environ)


def _kind(value: str) -> str:
    if not value:
        return "empty"
    if is_of_store(value):
        return "a store of certboot"
    if os.path.isdir(value):
        return "a folder"
    return "a file" if os.path.isfile(value) else "something else" if os.path.exists(value) else "nothing is there"


def _proxy(value: str) -> str:
    scheme, separator, _ = value.partition("://")
    credentials = ", with user or password" if "@" in value else ""
    return (among(scheme.lower(), SCHEMES) if separator else "no scheme") + credentials


def _settings(paths: StorePaths) -> Iterator[str]:
    try:
        config = load_config(paths.config)
    except CertbootError:
        yield "  cannot be read"
        return
    hook = config.hook
    chosen: dict[str, object] = {
        "sources": None if config.sources is None else ", ".join(config.sources) or "none",
        "intermediates": config.intermediates,
        "profile": hook.profile,
        "guards": None if hook.guards is None else ", ".join(hook.guards) or "none",
        "hints": hook.hints,
        "max-age": config.max_age,
        "ccadb": "a mirror or a folder" if any(config.ccadb) else None,
        "add": ", ".join(config.add) or None,
        "remove": ", ".join(config.remove) or None,
        "distrust": len(config.distrust) or None,
        "company": len(config.companies) or None,
    }
    # What the parser lets in are its own words, truth values and numbers.
    rows = [_row(name, str(value)) for name, value in chosen.items() if value is not None]
    yield from rows or ["  nothing is set"]


def _store(paths: StorePaths) -> Iterator[str]:
    current = known_in_force(paths)
    if current is None:
        yield "  none that can be read"
        return
    record = current.record
    yield _row("generation", f"{record.generation} of {len(generation_numbers(paths))} kept")
    for source in SHOWN:
        count = sum(any(reason.source == source for reason in entry.provenance) for entry in record.certificates)
        if count:
            yield _row(source, counted(count, "certificate"))
    yield _row("rejected", str(len(record.rejected)))
    yield _row("adopted", ", ".join(among(adoption.variable, BY_NAME) for adoption in record.adopted) or "none")
