"""``pem-bundle``: the certificates in one PEM file, each under comment lines that say what it is."""

from __future__ import annotations

import typing

from certboot.pki.certificate import annotated_pem

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.model import Certificate


def pem_bundle(certificates: Sequence[Certificate]) -> bytes:
    """Return the bundle, the same bytes as the store's ``bundle.pem`` for its anchors. ASCII, printable, LF."""
    return "\n".join(map(annotated_pem, certificates)).encode("ascii")
