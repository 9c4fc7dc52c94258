"""The formats of ``certboot export``, by the names that p11-kit's ``trust extract`` has for those it knows.

Cheap to import: the command line lists them in its help.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence

from certboot.store.export.java import java_cacerts, pkcs12
from certboot.store.export.kubernetes import configmap, trust_manager
from certboot.store.export.pem import Directory, pem_bundle, pem_directory_hash

if typing.TYPE_CHECKING:
    from certboot.pki.certificate import Certificate

PASSWORD = "changeit"  # noqa: S105 - no secret: Java's own default for a store of certificates
NAME = "certboot-ca-bundle"


class Options(typing.NamedTuple):
    """What a user can choose for those formats that take it."""

    password: str = PASSWORD
    name: str = NAME
    namespace: str | None = None


class Format(typing.NamedTuple):
    """One format."""

    name: str
    summary: str
    render: Callable[[Sequence[Certificate], Options], bytes | Directory]
    """Gives the certificates in this format, in their order; the same ones give the same bytes. Raises CertbootError.

    All of them become trust anchors of whoever reads it, but in a directory.
    """
    takes: tuple[str, ...] = ()
    """The options that mean something to it: ``password-file``, ``name``, ``namespace``, ``intermediates``."""
    directory: bool = False
    binary: bool = False


_PASSWORD, _OBJECT = ("password-file",), ("name", "namespace")
FORMATS = {
    format_.name: format_
    for format_ in (
        Format("pem-bundle", "one PEM file", lambda anchors, _: pem_bundle(anchors)),
        Format(
            "pem-directory-hash", "PEM files with OpenSSL's hash links", lambda held, _: pem_directory_hash(held),
            ("intermediates",), directory=True,
        ),
        Format(
            "pkcs12", "for Java and others", lambda anchors, chosen: pkcs12(anchors, chosen.password),
            _PASSWORD, binary=True,
        ),
        Format(
            "java-cacerts", "JKS, as older Java has it", lambda anchors, chosen: java_cacerts(anchors, chosen.password),
            _PASSWORD, binary=True,
        ),
        Format(
            "configmap", "of Kubernetes, with the key ca-bundle.crt",
            lambda anchors, chosen: configmap(anchors, chosen.name, chosen.namespace), _OBJECT,
        ),
        Format(
            "trust-manager", "a Bundle of cert-manager's trust-manager",
            lambda anchors, chosen: trust_manager(anchors, chosen.name, chosen.namespace), _OBJECT,
        ),
    )
}  # fmt: skip
