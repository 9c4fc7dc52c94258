"""The source ``company``: CAs of one's own that config.toml names, read again at every update."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from certboot.sources.candidates import Loaded, Unparsed

NAME = "company"


@dataclass(frozen=True)
class Company:
    """A company CA: a file or folder, an https address with the SHA-256 that is to lie there, if any, or PEM."""

    path: Path | None = None
    address: str = ""
    sha256: str = ""
    pem: str = ""
    stand_in: bool = False
    """What strict verification refuses for its form is to have a stand-in."""


def read(company: Company, verify: Callable[[], Path], now: datetime) -> Unparsed:
    """Return what lies there; raises SourceError."""
    from certboot.sources import added, url

    if company.path:
        unparsed = added.read(company.path, now, remembered=True)
    elif company.pem:
        unparsed = added.read_bytes(company.pem.encode(), "config.toml", now)
    else:
        unparsed = url.read(company.address, pin=company.sha256, verify=verify(), now=now)
    wish = b"" if company.stand_in else None
    return Unparsed(unparsed.pieces, lambda: _named(unparsed.parse().with_stand_ins(wish)))


def _named(loaded: Loaded) -> Loaded:
    candidates = tuple(dataclasses.replace(candidate, source=NAME) for candidate in loaded.candidates)
    rejections = tuple(dataclasses.replace(rejection, source=NAME) for rejection in loaded.rejections)
    return dataclasses.replace(loaded, candidates=candidates, rejections=rejections)
