"""Settings that ``init --config`` is given, by a file or by an address under a pin, as they are kept in config.toml."""

from __future__ import annotations

import hashlib
from pathlib import Path, PureWindowsPath

from certboot import files, moment
from certboot.errors import CertbootError, printable
from certboot.sources import system
from certboot.sources.url import expected
from certboot.store.config import Shared, load_config, parse_config, rebased, unreadable, with_origin
from certboot.store.inputs import believed
from certboot.store.paths import StorePaths, in_force


def from_file(path: Path) -> bytes:
    """Return what config.toml is to hold: its relative paths start where they did. Raises CertbootError."""
    try:
        data = files.read_regular(path, files.SMALL)
    except OSError as error:
        raise unreadable(path, error) from error
    parse_config(data, path.absolute())
    return rebased(data.decode(), path.absolute().parent).encode()


def from_address(paths: StorePaths, address: str, pin: str) -> bytes:
    """Return what config.toml is to hold, with where it is from; raises CertbootError.

    ``pin`` is the SHA-256 of the whole file. Settings that come so may not name addresses: who follows one address has
    not agreed to others.
    """
    wanted = expected(pin)
    body = _fetched(paths, address)
    digest = hashlib.sha256(body).hexdigest()
    if digest != wanted:
        message = f"the settings have the SHA-256 {digest}, not {wanted}: {printable(address)}"
        raise CertbootError(message, "ask whoever keeps them which is right, by another way than that address")
    config = parse_config(body, paths.config, where=printable(address))
    named = [*(company.address for company in config.companies), config.ccadb.address]
    folders = filter(None, [config.ccadb.folder, *(company.path for company in config.companies)])
    # On Windows //HOST/SHARE is an address too, and asking there tells who the user is.
    drives = {PureWindowsPath(str(folder)).drive for folder in folders} - {PureWindowsPath(str(paths.home)).drive}
    if config.shared or any(named) or any(drive.startswith("\\\\") for drive in drives):
        message = f"settings from an address may not name others: {printable(address)}"
        raise CertbootError(message, 'a CA may stand in them whole, as pem = "…"; or give them as a file')
    return with_origin(body.decode(), Shared(address, wanted)).encode()


def changed(paths: StorePaths) -> str:
    """Return what is to be said of the settings that lie at an address now; never raises. The store keeps its own."""
    try:
        shared = load_config(paths.config).shared
        if not shared or hashlib.sha256(_fetched(paths, shared.address)).hexdigest() == shared.sha256:
            return ""
    except CertbootError as error:
        return f"the company's settings could not be looked at: {error.message}"
    command = f"certboot init --config {shared.address} --sha256 HEX"
    return f"the company's settings have changed; ask the company for the new SHA-256, then {command}"


def _fetched(paths: StorePaths, address: str) -> bytes:
    from certboot.net import http  # it brings requests along, which only this way of reading needs

    # Before there is a store, it may be the operating system that knows the company's CA.
    given = () if in_force(paths) else (system.read().parse(),)
    with believed(paths, given, moment.now()) as verify:
        return http.fetch(address, limit=files.SMALL, verify=verify).body
