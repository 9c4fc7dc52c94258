"""The group ``environment``: what each CA variable is now, who set it, and whether it points at something usable."""

from __future__ import annotations

import os
import re
import typing

import certboot_startup
from certboot import pem
from certboot.clients import DIRECTORY, VARIABLES
from certboot.model import Finding
from certboot.store import env_file

if typing.TYPE_CHECKING:
    from collections.abc import Mapping

    from certboot.clients import Variable
    from certboot.paths import StorePaths

_GROUP = "environment"
_HASH_NAME = re.compile(r"[0-9a-f]{8}\.\d+")
_BY_CERTBOOT = "set by certboot's hook in this interpreter"
_BY_PARENT = "set to certboot's store, inherited from the process that started this one"
_BY_OTHERS = "set by something else, so certboot leaves it alone"


def check(paths: StorePaths, environ: Mapping[str, str]) -> list[Finding]:
    """Return one finding for every variable that is set, and for every one that the hook would set but did not."""
    ours = env_file.read(paths.env)
    counted: dict[str, int | str] = {}
    findings = []
    for variable in VARIABLES:
        value = environ.get(variable.name)
        if value is not None:
            findings.append(_set(variable, value, ours, counted))
        elif variable.name in ours:
            findings.append(_unset(variable.name, environ))
    if not findings:
        findings.append(Finding("variables-unset", _GROUP, "info", "variables", "no CA variable is set"))
    return findings


def _set(variable: Variable, value: str, ours: Mapping[str, str], counted: dict[str, int | str]) -> Finding:
    name = variable.name
    if certboot_startup.applied.get(name) == value:
        origin = _BY_CERTBOOT
    elif ours.get(name) == value:
        origin = _BY_PARENT
    else:
        origin = _BY_OTHERS
    evidence: dict[str, object] = {"value": value, "origin": origin, "readers": variable.readers}
    fix = (("certboot", "init"),) if origin != _BY_OTHERS else ()

    def finding(kind: str, status: str, summary: str) -> Finding:
        return Finding(kind, _GROUP, status, name, f"{summary} ({origin})", evidence, () if status == "ok" else fix)

    if not value:
        return finding("variable-empty", "warn", "empty, which some clients take for an error and others for no trust")
    if variable.form == DIRECTORY:
        return _directories(value, finding)
    if os.path.isdir(value):
        # requests and pip take a directory; botocore and curl_cffi, which read the same variables, fail for every host.
        status = "warn" if name in ("REQUESTS_CA_BUNDLE", "PIP_CERT", "WEBSOCKET_CLIENT_CA_BUNDLE") else "fail"
        return finding("variable-directory-for-file-client", status, f"a directory, where clients need a file: {value}")
    if value not in counted:
        counted[value] = _certificates_in(value)
    count = counted[value]
    if isinstance(count, str):
        return finding("variable-points-nowhere", "fail", f"{count}: {value}")
    if not count:
        return finding("variable-not-certificates", "fail", f"no certificate in it: {value}")
    return finding("variable-usable", "ok", f"{value}, {count} certificates")


def _directories(value: str, finding: typing.Callable[[str, str, str], Finding]) -> Finding:
    total = 0
    for directory in value.split(os.pathsep):
        try:
            total += sum(bool(_HASH_NAME.fullmatch(entry.name)) for entry in os.scandir(directory or "."))
        except OSError as error:
            return finding("variable-points-nowhere", "fail", f"{error.strerror}: {directory}")
    if not total:
        return finding("variable-not-certificates", "fail", f"no hash links in it, so OpenSSL finds nothing: {value}")
    return finding("variable-usable", "ok", f"{value}, {total} hash links")


def _certificates_in(path: str) -> int | str:
    try:
        with open(path, "rb") as file:
            return sum(block.label in pem.CERTIFICATE_LABELS for block in pem.blocks(file.read()))
    except OSError as error:
        return error.strerror or str(error)


def _unset(name: str, environ: Mapping[str, str]) -> Finding:
    for variable, other in certboot_startup.YIELDS:
        if variable == name and other in environ:
            return Finding("variable-yields", _GROUP, "info", name, f"left unset because {other} is set")
    return Finding("variable-not-applied", _GROUP, "info", name, "not set, although certboot would set it")
