"""The formats of ``certboot export``, by the names that p11-kit's ``trust extract`` has for those it knows.

Cheap to import: the command line lists them in its help.
"""

from __future__ import annotations

import typing

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from certboot.pki.certificate import Certificate
    from certboot.store.export.pem import Directory

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


def _pem_bundle(certificates: Sequence[Certificate], _: Options) -> bytes:
    from certboot.store.export.pem import pem_bundle

    return pem_bundle(certificates)


def _pem_directory_hash(certificates: Sequence[Certificate], _: Options) -> Directory:
    from certboot.store.export.pem import pem_directory_hash

    return pem_directory_hash(certificates)


def _pkcs12(certificates: Sequence[Certificate], options: Options) -> bytes:
    from certboot.store.export.java import pkcs12

    return pkcs12(certificates, options.password)


def _java_cacerts(certificates: Sequence[Certificate], options: Options) -> bytes:
    from certboot.store.export.java import java_cacerts

    return java_cacerts(certificates, options.password)


def _configmap(certificates: Sequence[Certificate], options: Options) -> bytes:
    from certboot.store.export.kubernetes import configmap

    return configmap(certificates, options.name, options.namespace)


def _trust_manager(certificates: Sequence[Certificate], options: Options) -> bytes:
    from certboot.store.export.kubernetes import trust_manager

    return trust_manager(certificates, options.name, options.namespace)


_OBJECT = ("name", "namespace")
FORMATS = {
    format_.name: format_
    for format_ in (
        Format("pem-bundle", "one PEM file", _pem_bundle),
        Format(
            "pem-directory-hash", "PEM files with OpenSSL's hash links", _pem_directory_hash, ("intermediates",),
            directory=True,
        ),
        Format("pkcs12", "for Java and others", _pkcs12, ("password-file",), binary=True),
        Format("java-cacerts", "JKS, as older Java has it", _java_cacerts, ("password-file",), binary=True),
        Format("configmap", "of Kubernetes, with the key ca-bundle.crt", _configmap, _OBJECT),
        Format("trust-manager", "a Bundle of cert-manager's trust-manager", _trust_manager, _OBJECT),
    )
}  # fmt: skip
