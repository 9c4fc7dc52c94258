"""Certificates that are like another one but for some fields, wherever in their groups the fields stand."""

from __future__ import annotations

import dataclasses
import typing

if typing.TYPE_CHECKING:
    from certboot.pki.certificate import Certificate

_GROUPS = ("validity", "link", "constraints")


def with_fields(certificate: Certificate, **fields: object) -> Certificate:
    """Return the certificate with other values in these fields; its DER bytes stay what they are."""
    for group in _GROUPS:
        names = getattr(certificate, group)._fields
        inner = {name: fields.pop(name) for name in names if name in fields}
        fields[group] = getattr(certificate, group)._replace(**inner)
    return dataclasses.replace(certificate, **fields)  # type: ignore[arg-type] # they are the caller's
