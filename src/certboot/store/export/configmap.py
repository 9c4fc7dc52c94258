"""``configmap``: a Kubernetes ConfigMap that pods mount, with the bundle under the key ``ca-bundle.crt``."""

from __future__ import annotations

import typing

from certboot.store.export.kubernetes import HEAD, KEY, bundle, checked_name, checked_namespace

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.model import Certificate


def configmap(certificates: Sequence[Certificate], name: str, namespace: str | None = None) -> bytes:
    """Return the YAML document, in ASCII; raises CertbootError. Without ``namespace``, kubectl's own is meant."""
    where = f"  namespace: {checked_namespace(namespace)}\n" if namespace is not None else ""
    text = (
        f"{HEAD}apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {checked_name(name)}\n{where}"
        f"data:\n  {KEY}: {bundle(certificates, 4)}"
    )
    return text.encode("ascii")
