"""``trust-manager``: a Bundle from which cert-manager's trust-manager makes a ConfigMap in every namespace.

https://cert-manager.io/docs/trust/trust-manager/api-reference. Its webhook wants exactly one kind of source in each
item, so that ``useDefaultCAs: false`` has an item of its own: what the store says is all that is trusted.
"""

from __future__ import annotations

import typing

from certboot.store.export.kubernetes import HEAD, KEY, bundle, checked_name, checked_namespace

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.model import Certificate


def trust_manager(certificates: Sequence[Certificate], name: str, namespace: str | None = None) -> bytes:
    """Return the YAML document, in ASCII; raises CertbootError.

    A Bundle is of the whole cluster and gives the ConfigMaps its own name. With ``namespace`` only that one has it.
    """
    # Every namespace carries its name in this label (Kubernetes, "well-known labels").
    where = (
        "    namespaceSelector:\n      matchLabels:\n"
        f"        kubernetes.io/metadata.name: {checked_namespace(namespace)}\n"
        if namespace is not None
        else ""
    )
    text = (
        f"{HEAD}apiVersion: trust.cert-manager.io/v1alpha1\nkind: Bundle\nmetadata:\n  name: {checked_name(name)}\n"
        f"spec:\n  sources:\n    - useDefaultCAs: false\n    - inLine: {bundle(certificates, 8)}"
        f"  target:\n    configMap:\n      key: {KEY}\n{where}"
    )
    return text.encode("ascii")
