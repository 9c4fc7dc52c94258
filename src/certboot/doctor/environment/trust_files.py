"""What a path leads to that a client is told to take its CA certificates from, and which of them are there.

And the variables that keep certboot's store out of what the ssl module of this process trusts.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import os
import re
import ssl
import types
import typing
from _ssl import _SSLContext

from certboot import files
from certboot.clients.variables import BY_NAME, DIRECTORY, Adoption
from certboot.errors import CertbootError, counted, printable
from certboot.pki import der
from certboot.pki.subject_hash import FILE_NAME
from certboot.sources import certifi

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from certboot.clients.settings_places import Surroundings
    from certboot.store.generations import Generation
    from certboot.store.manifest import Entry
    from certboot.store.paths import StorePaths

_MOST_LINKS = 20_000
_BLOCK = re.compile(
    rb"-----BEGIN ((?:X509 |TRUSTED )?CERTIFICATE)-----([^-]*)-----END \1-----",
)

Problem: typing.TypeAlias = typing.Literal["empty", "points-nowhere", "not-certificates", "directory-for-file-client"]
"""What is wrong with a value. "variable-" or "setting-" before it makes the id of a finding."""


class Contents(typing.NamedTuple):
    """What is there."""

    problem: Problem | typing.Literal[""]
    words: str
    certificates: Mapping[str, bytes] = types.MappingProxyType({})
    """By SHA-256, in DER."""

    @property
    def fingerprints(self) -> frozenset[str]:
        """SHA-256 of the certificates."""
        return frozenset(self.certificates)


class TrustFiles:
    """Reads files and directories of certificates, each once."""

    def __init__(
        self, bundles: Iterable[str] = (), bundled: Iterable[str] = (), directories: Iterable[str] = ()
    ) -> None:
        """``bundles`` and ``directories`` are certboot's own, ``bundled`` the fingerprints in the former.

        OpenSSL has loaded a bundle that is unharmed when it was written, and need not take its time for it again; what
        is in the directories, the group ``store`` looks at.
        """
        self._bundles = frozenset(bundles)
        self._bundled = frozenset(bundled)
        self._own_directories = frozenset(directories)
        self.file = functools.lru_cache(maxsize=None)(self._file)
        self.directories = functools.lru_cache(maxsize=None)(self._directories)

    @functools.cached_property
    def of_certifi(self) -> frozenset[str]:
        """SHA-256 of the CAs of the certifi that is installed, none where that cannot be read."""
        try:
            return fingerprints(data for _, data in certifi.read().pieces)
        except CertbootError:
            return frozenset()

    def _file(self, path: str) -> Contents:
        """Return what a client gets that takes a file."""
        if not path:
            return Contents("empty", "empty, which some clients take for an error and others for no trust")
        if os.path.isdir(path):
            return Contents("directory-for-file-client", f"a directory, where clients need a file: {path}")
        if not os.path.exists(path):
            return Contents("points-nowhere", f"no such file: {path}")
        try:
            trusted = certificates([files.read_regular(path, files.LARGE)])
            own = path in self._bundles and trusted.keys() == self._bundled
            count = len(trusted) if own else _loaded(path)
        except ssl.SSLError as error:
            reason = f"{error.reason or error}".lower().replace("_", " ")
            return Contents("not-certificates", f"OpenSSL cannot load it, {reason}: {path}")
        except OSError as error:
            return Contents("not-certificates", f"it cannot be read, {error.strerror or error}: {path}")
        return Contents("", f"{path}, {counted(count, 'certificate')}", trusted)

    def _directories(self, value: str) -> Contents:
        """Return what a client gets that takes a directory, or a list of them, and looks in it by hash."""
        if not value:
            return Contents("empty", "empty")
        links: list[str] = []
        missing: list[str] = []
        for directory in value.split(os.pathsep):
            try:
                names = [name for name in os.listdir(directory) if FILE_NAME.fullmatch(name)]
            except FileNotFoundError:
                missing.append(f"no such directory: {directory}")
                continue
            except (OSError, ValueError) as error:  # ValueError: a zero byte in a path
                missing.append(f"{getattr(error, 'strerror', None) or error}: {directory}")
                continue
            links += [os.path.join(directory, name) for name in names]
        if links and missing:
            return Contents(
                "points-nowhere", f"{counted(len(links), 'hash link')}, but {missing[0]}", self._linked(links)
            )
        if missing:
            return Contents("points-nowhere", missing[0])
        if not links:
            return Contents("not-certificates", f"no hash links in it, so OpenSSL finds nothing: {value}")
        trusted = {} if value in self._own_directories else self._linked(links)
        return Contents("", f"{value}, {counted(len(links), 'hash link')}", trusted)

    def _linked(self, links: list[str]) -> dict[str, bytes]:
        return certificates(_readable(links[:_MOST_LINKS]))


class Here(typing.NamedTuple):
    """What the values of variables and settings are held against."""

    paths: StorePaths
    around: Surroundings
    generation: Generation | None
    """That in force."""
    files: TrustFiles

    @property
    def anchors(self) -> tuple[Entry, ...]:
        """The anchors of the store; none without one."""
        return self.generation.anchors if self.generation else ()

    def contents(self, value: str, *, directory: bool) -> Contents:
        """Return what is where the value leads."""
        return self.files.directories(value) if directory else self.files.file(value)

    def holds(self, name: str) -> bool:
        """Return whether a variable leads to the store."""
        return self.paths.holds(self.around.environ.get(name, ""))


def certificates(texts: Iterable[bytes]) -> dict[str, bytes]:
    """Return the certificates in these PEM texts, by SHA-256. What cannot be decoded is passed over."""
    # Most of a system's certificates stand in a bundle and in a file each: what is the same is decoded once.
    blocks = dict.fromkeys(match.groups() for text in texts for match in _BLOCK.finditer(text))
    return {hashlib.sha256(data).hexdigest(): data for label, body in blocks for data in _decoded(label, body)}


def fingerprints(texts: Iterable[bytes]) -> frozenset[str]:
    """Return the SHA-256 of every certificate in these PEM texts. What cannot be decoded is passed over."""
    return frozenset(certificates(texts))


def _decoded(label: bytes, body: bytes) -> Iterator[bytes]:
    try:
        data = base64.b64decode(body)
        # OpenSSL's own settings may follow the certificate.
        yield data[: der.span(data, 0, len(data))[3]] if label.startswith(b"TRUSTED") else data
    except (binascii.Error, der.DerError):
        return


def _readable(paths: Iterable[str]) -> Iterator[bytes]:
    for path in paths:
        try:
            yield files.read_regular(path, files.SMALL)
        except OSError:
            continue


def _loaded(path: str) -> int:
    """Return how many certificates OpenSSL loads from the file; raises SSLError: one bad one spoils them all."""
    # Not ssl.SSLContext: truststore puts a class of its own in its place, which asks the system and cannot count.
    context = _SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(path)
    return context.cert_store_stats()["x509"]


def overrides(paths: StorePaths, environ: Mapping[str, str], names: Iterable[str]) -> tuple[Override, ...]:
    """Return those of these variables of certboot's that something else has set."""
    ours = (name for name in names if name in BY_NAME)
    return tuple(_override(name, environ[name]) for name in ours if name in environ and not paths.holds(environ[name]))


@functools.lru_cache(maxsize=len(BY_NAME))  # a scan asks for every issuer that is not known
def _override(name: str, value: str) -> Override:
    files = TrustFiles()
    contents = files.directories(value) if BY_NAME[name].form == DIRECTORY else files.file(value)
    problem = printable(contents.words) if contents.problem else ""
    return Override(name, problem, can_be_adopted=not problem and not Adoption(name, value).unfit)


class Override(typing.NamedTuple):
    """A variable that something else than certboot has set, and that decides what is trusted here."""

    name: str
    problem: str
    """Why nobody can use its value; empty if somebody can."""
    can_be_adopted: bool
