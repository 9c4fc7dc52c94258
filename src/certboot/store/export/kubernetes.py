"""Kubernetes objects with the bundle: ``configmap``, which pods mount, and ``trust-manager``.

The latter is a Bundle from which cert-manager's trust-manager makes a ConfigMap in every namespace
(https://cert-manager.io/docs/trust/trust-manager/api-reference). Its webhook wants exactly one kind of source in each
item, so that ``useDefaultCAs: false`` has an item of its own: what the store says is all that is trusted.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Sequence

from certboot.errors import CertbootError
from certboot.store.export.pem import pem_bundle

if typing.TYPE_CHECKING:
    from certboot.pki.certificate import Certificate

KEY = "ca-bundle.crt"
HEAD = "# kubectl apply --server-side -f FILE; without --server-side, what has over 256 KiB is refused\n"
_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_OBJECT = (253, rf"{_LABEL}(\.{_LABEL})*", "an object", "digits, - and .")
_NAMESPACE = (63, _LABEL, "a namespace", "digits and -")
_MOST = 1024 * 1024  # bytes of a ConfigMap's values (ValidateConfigMap in Kubernetes' validation.go)


def bundle(certificates: Sequence[Certificate], indent: int) -> str:
    """Return the PEM bundle as a YAML literal block, indented by this many spaces; raises CertbootError if too large.

    The bundle is printable ASCII and starts with a comment line, so that no character in it means anything to YAML.
    """
    text = pem_bundle(certificates).decode("ascii")
    if len(text) > _MOST:
        message = f"a ConfigMap holds 1 MiB, and this bundle has {len(text):,} bytes"
        raise CertbootError(message, "certboot init --source certifi keeps fewer; or build a pem-bundle into the image")
    lines = text.removesuffix("\n").split("\n")
    return "|\n" + "".join(f"{' ' * indent}{line}\n" if line else "\n" for line in lines)


def checked_name(name: str, form: tuple[int, str, str, str] = _OBJECT) -> str:
    """Return a name in quotes, if it is of this form (RFC 1123, 2.1); raises CertbootError."""
    most, pattern, kind, inside = form
    if len(name) > most or not re.fullmatch(pattern, name):
        message = f"not a name for {kind} of Kubernetes: {name!r}"
        raise CertbootError(message, f"lower-case letters, {inside} inside, at most {most} (RFC 1123)")
    return f'"{name}"'  # a number or a word such as true would be no text to YAML


def configmap(certificates: Sequence[Certificate], name: str, namespace: str | None = None) -> bytes:
    """Return the YAML document, in ASCII; raises CertbootError. Without ``namespace``, kubectl's own is meant."""
    where = f"  namespace: {checked_name(namespace, _NAMESPACE)}\n" if namespace is not None else ""
    text = (
        f"{HEAD}apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {checked_name(name)}\n{where}"
        f"data:\n  {KEY}: {bundle(certificates, 4)}"
    )
    return text.encode("ascii")


def trust_manager(certificates: Sequence[Certificate], name: str, namespace: str | None = None) -> bytes:
    """Return the YAML document, in ASCII; raises CertbootError.

    A Bundle is of the whole cluster and gives the ConfigMaps its own name. With ``namespace`` only that one has it.
    """
    where = ""
    if namespace is not None:
        # Every namespace carries its name in this label (Kubernetes, "well-known labels").
        label = f"kubernetes.io/metadata.name: {checked_name(namespace, _NAMESPACE)}"
        where = f"    namespaceSelector:\n      matchLabels:\n        {label}\n"
    text = (
        f"{HEAD}apiVersion: trust.cert-manager.io/v1alpha1\nkind: Bundle\nmetadata:\n  name: {checked_name(name)}\n"
        f"spec:\n  sources:\n    - useDefaultCAs: false\n    - inLine: {bundle(certificates, 8)}"
        f"  target:\n    configMap:\n      key: {KEY}\n{where}"
    )
    return text.encode("ascii")
