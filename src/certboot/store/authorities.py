"""What is known here of CAs: of the generation in force, of the CCADB's reports, and by the word of the user.

Names are compared as OpenSSL does, and what is not asked for is not read. Nothing is fetched.
"""

from __future__ import annotations

import functools
import typing

from certboot.pki.by_subject import BySubject
from certboot.sources import ccadb, repaired
from certboot.store import choices
from certboot.store.config import load_config
from certboot.store.generations import named
from certboot.store.inputs import report_folders
from certboot.store.manifest import Choices

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

    from certboot.pki.certificate import Certificate
    from certboot.sources.candidates import Rejection
    from certboot.store.generations import Generation
    from certboot.store.manifest import Entry
    from certboot.store.paths import StorePaths


class Authorities:
    """What a store of this generation knows, at the moment when it is asked for the first time."""

    def __init__(self, paths: StorePaths, generation: Generation | None) -> None:
        self.generation = generation
        self.paths = paths

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What the manifest says of the certificates in the store."""
        return self.generation.record.certificates if self.generation else ()

    @property
    def sources(self) -> tuple[str, ...]:
        """What the store is made from, or would be."""
        return (self.generation.record.choices if self.generation else Choices()).sources

    def rejected(self, rule: str) -> Iterator[Rejection]:
        """Yield what the last update has kept out by this rule."""
        for rejection in self.generation.record.rejected if self.generation else ():
            if rejection.rule == rule and rejection.fingerprint:
                yield rejection

    def anchors(self, name: bytes) -> Iterator[Certificate]:
        """Yield the anchors of the store with this subject."""
        return (certificate for certificate, entry in self.stored(name) if entry.role == "anchor")

    def intermediates(self, name: bytes) -> Iterator[Certificate]:
        """Yield the intermediates of the store with this subject."""
        return (certificate for certificate, entry in self.stored(name) if entry.role == "intermediate")

    def stored(self, name: bytes) -> Iterator[tuple[Certificate, Entry]]:
        """Yield what the store has with this subject."""
        return named(self.generation, name) if self.generation else iter(())

    def reported(self, name: bytes) -> Iterator[Certificate]:
        """Yield the intermediates of the CCADB's report with this subject."""
        return self._reported.named(name)

    @functools.cached_property
    def _reported(self) -> BySubject:
        return BySubject(ccadb.certificates(self._report(ccadb.INTERMEDIATES)))

    def _report(self, report: str) -> bytes:
        folders = report_folders(self.paths, self.generation.record.choices) if self.generation else (self.paths.cache,)
        return ccadb.cached_report(folders, report)

    @functools.cached_property
    def revoked(self) -> Revoked:
        """What the CCADB lists as revoked."""
        kept_out = frozenset(rejection.fingerprint for rejection in self.rejected("revoked"))
        return Revoked(kept_out, self._report(ccadb.REVOKED))

    @functools.cached_property
    def distrusted(self) -> dict[str, str]:
        """What is distrusted, for ``Certificate.is_among``, by the user or by who administers the system.

        Beside it stands the fingerprint that ``certboot distrust --undo`` takes; nothing where config.toml or the
        administrator says it. Raises OSError or CertbootError.
        """
        config = load_config(self.paths.config)
        user = dict.fromkeys(config.distrust, "") | choices.undone_by(self.paths.distrusted)
        distrusted = self.kept_out(user) | user
        for candidate in repaired.read(self.paths.repaired).parse().candidates:
            # Who distrusts one that repair stored distrusts the others of its name and key, as the next update does.
            certificate = candidate.certificate
            if certificate.is_among(distrusted):
                distrusted.setdefault(certificate.identity, distrusted.get(certificate.fingerprint, ""))
        return distrusted

    def kept_out(self, user: dict[str, str]) -> dict[str, str]:
        """Return the same of what the last update left out for it, with what the ``user`` can undo."""
        # A file that marks a certificate as rejected speaks for itself alone, as long as it is not the administrator's.
        held = {entry.sha256 for entry in self.entries}
        out = (rejection for rejection in self.rejected("distrusted") if rejection.fingerprint not in held)
        return {
            name: user.get(rejection.fingerprint, "")
            for rejection in out
            for name in (rejection.fingerprint, rejection.identity)
            if name
        }

    @property
    def distrust_after(self) -> dict[str, str]:
        """Anchor -> the day (ISO 8601) after which a leaf below it must not begin.

        Also the intermediates below an anchor, where Python 3.13 and newer end a chain.
        """
        dates = {entry.sha256: entry.distrust_after for entry in self.entries if entry.distrust_after}
        anchors = ((entry.sha256, entry.descent.anchor) for entry in self.entries)
        return dates | {fingerprint: dates[anchor] for fingerprint, anchor in anchors if anchor in dates}


class Revoked:
    """Fingerprints, and ``Link.issuer_and_serial`` where a copy may be signed anew."""

    def __init__(self, fingerprints: frozenset[str], report: bytes) -> None:
        self._fingerprints = fingerprints
        self._report = report

    def __contains__(self, name: object) -> bool:
        if isinstance(name, bytes):
            return name in self._serials
        return name in self._fingerprints or bool(ccadb.listed_in(self._report, (str(name),)))

    @functools.cached_property
    def _serials(self) -> frozenset[bytes]:
        return ccadb.revoked_serials(self._report) if self._report else frozenset()
