"""The group ``server``: one real handshake with a host that the user named, with the trust that is active now."""

from __future__ import annotations

from datetime import datetime, timezone

from certboot.diagnosis import diagnose
from certboot.model import Finding
from certboot.tls import handshake


def check(host: str, port: int) -> list[Finding]:
    """Return the one finding on this server."""
    return [diagnose(handshake(host, port), datetime.now(timezone.utc))]
