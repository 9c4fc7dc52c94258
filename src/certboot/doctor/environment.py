"""The group ``environment``: what each CA variable is now, who set it, and whether it points at something usable."""

from __future__ import annotations

import functools
import os
import re
import ssl
import typing

import certboot_startup
from certboot.clients import DIRECTORY, VARIABLES, held_back
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
_BY_OTHERS = "set by something else"


def check(paths: StorePaths, environ: Mapping[str, str]) -> list[Finding]:
    """Return one finding for every variable that is set, and for every one that the hook would set but did not."""
    wanted = env_file.read(paths.env) or {}
    held = held_back(wanted, paths, environ)
    findings = []
    for variable in VARIABLES:
        name = variable.name
        if name in environ:
            findings.append(_set(variable, environ[name], _origin(name, environ[name], paths), wanted))
        elif name in held:
            summary = f"left unset because {held[name][0]} is set"
            findings.append(Finding("variable-yields", _GROUP, "info", name, summary))
        elif name in wanted:
            summary = "not set, although certboot would set it"
            findings.append(Finding("variable-not-applied", _GROUP, "info", name, summary))
    return findings or [Finding("variables-unset", _GROUP, "info", "variables", "no CA variable is set")]


def _origin(name: str, value: str, paths: StorePaths) -> str:
    if certboot_startup.applied.get(name) == value:
        return _BY_CERTBOOT
    return _BY_PARENT if paths.holds(value) else _BY_OTHERS


def _set(variable: Variable, value: str, origin: str, wanted: Mapping[str, str]) -> Finding:
    kind, status, summary = _directories(value) if variable.form == DIRECTORY else _file(variable.name, value)
    if status == "ok" and origin == _BY_OTHERS and variable.name in wanted:
        kind, status, summary = "variable-overrides-certboot", "warn", f"{summary}; certboot leaves it alone"
    evidence: dict[str, object] = {"value": value, "origin": origin, "readers": variable.readers}
    fix = (("certboot", "init"),) if status == "fail" and origin != _BY_OTHERS else ()
    return Finding(kind, _GROUP, status, variable.name, f"{summary} ({origin})", evidence, fix)


def _file(name: str, value: str) -> tuple[str, str, str]:
    if not value:
        return "variable-empty", "warn", "empty, which some clients take for an error and others for no trust"
    if os.path.isdir(value):
        # requests and pip take a directory; botocore and curl_cffi, which read the same variables, fail for every host.
        status = "warn" if name in ("REQUESTS_CA_BUNDLE", "PIP_CERT", "WEBSOCKET_CLIENT_CA_BUNDLE") else "fail"
        return "variable-directory-for-file-client", status, f"a directory, where clients need a file: {value}"
    if not os.path.isfile(value):
        return "variable-points-nowhere", "fail", f"no such file: {value}"
    count, error = _loaded(value)
    if error:
        return "variable-not-certificates", "fail", f"OpenSSL cannot load it, {error}: {value}"
    return "variable-usable", "ok", f"{value}, {count} certificates"


@functools.lru_cache  # several variables mostly name the same file
def _loaded(path: str) -> tuple[int, str]:
    """Return how many certificates OpenSSL loads from the file, and why it loads none. One bad one spoils them all."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        return 0, f"{error.reason or error}".lower().replace("_", " ")
    except OSError as error:
        return 0, error.strerror or str(error)
    return context.cert_store_stats()["x509"], ""


def _directories(value: str) -> tuple[str, str, str]:
    if not value:
        return "variable-empty", "warn", "empty"
    found, missing = 0, []
    for directory in value.split(os.pathsep):
        try:
            found += sum(bool(_HASH_NAME.fullmatch(entry.name)) for entry in os.scandir(directory))
        except OSError as error:
            missing.append(f"{error.strerror}: {directory}")
    if found and missing:
        return "variable-points-nowhere", "warn", f"{found} hash links, but {missing[0]}"
    if missing:
        return "variable-points-nowhere", "fail", missing[0]
    if not found:
        return "variable-not-certificates", "fail", f"no hash links in it, so OpenSSL finds nothing: {value}"
    return "variable-usable", "ok", f"{value}, {found} hash links"
