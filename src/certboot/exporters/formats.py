"""The formats of ``certboot export``, by the names that p11-kit's ``trust extract`` has for those it knows.

Cheap to import: the command line lists them in its help.
"""

from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    from collections.abc import Sequence

    from certboot.exporters.pem_directory_hash import Directory
    from certboot.model import Certificate

PASSWORD = "changeit"  # noqa: S105 - no secret: Java's own default for a store of certificates
NAME = "certboot-ca-bundle"


class Format(typing.NamedTuple):
    """What the command line needs to know of a format."""

    name: str
    summary: str
    takes: tuple[str, ...] = ()
    """The options that mean something to it: ``password-file``, ``name``, ``namespace``, ``intermediates``."""
    directory: bool = False
    binary: bool = False


class Options(typing.NamedTuple):
    """What a user can choose for those formats that take it."""

    password: str = PASSWORD
    name: str = NAME
    namespace: str | None = None


FORMATS = {
    format_.name: format_
    for format_ in (
        Format("pem-bundle", "one PEM file"),
        Format("pem-directory-hash", "PEM files with OpenSSL's hash links", ("intermediates",), directory=True),
        Format("pkcs12", "for Java and others", ("password-file",), binary=True),
        Format("java-cacerts", "JKS, as older Java has it", ("password-file",), binary=True),
        Format("configmap", "of Kubernetes, with the key ca-bundle.crt", ("name", "namespace")),
        Format("trust-manager", "a Bundle of cert-manager's trust-manager", ("name", "namespace")),
    )
}


def render(format_: Format, certificates: Sequence[Certificate], options: Options) -> bytes | Directory:
    """Return the certificates in this format, in their order; the same ones give the same bytes. Raises CertbootError.

    All of them become trust anchors of whoever reads it, but in a directory.
    """
    match format_.name:
        case "pem-bundle":
            from certboot.exporters.pem_bundle import pem_bundle

            return pem_bundle(certificates)
        case "pem-directory-hash":
            from certboot.exporters.pem_directory_hash import pem_directory_hash

            return pem_directory_hash(certificates)
        case "pkcs12":
            from certboot.exporters.pkcs12 import pkcs12

            return pkcs12(certificates, options.password)
        case "java-cacerts":
            from certboot.exporters.java_cacerts import java_cacerts

            return java_cacerts(certificates, options.password)
        case "configmap":
            from certboot.exporters.configmap import configmap

            return configmap(certificates, options.name, options.namespace)
        case _:
            from certboot.exporters.trust_manager import trust_manager

            return trust_manager(certificates, options.name, options.namespace)
