"""What a command asks for, and what the store is to be for it. Values; they do no work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from certboot.clients.variables import Adoption, Profile
from certboot.sources.candidates import Loaded, Rejection
from certboot.sources.repaired import Repair
from certboot.store.layout import Content
from certboot.store.manifest import Manifest


@dataclass(frozen=True)
class Selection:
    """What the store is to be made from. None: as config.toml has it, else as it was the last time."""

    sources: tuple[str, ...] | None = None
    intermediates: bool | None = None
    reports: str | None = None
    """The folder to read the CCADB's reports from; empty: the network."""
    settings: bytes | None = None
    """What takes the place of config.toml."""
    profile: Profile | None = None
    """By which the variables of the hook are chosen."""


@dataclass(frozen=True)
class Request:
    """What is to change."""

    command: str
    selection: Selection = Selection()
    additions: tuple[Loaded, ...] = ()
    """CA certificates that the user named, and has confirmed where that was asked."""
    distrust: Mapping[str, str] = field(default_factory=dict)
    """Fingerprint -> name of what is to leave and stay out."""
    trust_again: frozenset[str] = frozenset()
    """Fingerprints that are no longer distrusted."""
    adopt: tuple[Adoption, ...] = ()
    """Values of preset variables that the store takes over."""
    abandon: frozenset[Adoption] = frozenset()
    """Those that it no longer does."""
    repairs: tuple[Repair, ...] = ()
    """Intermediates that servers forgot to send."""
    dry_run: bool = False

    @property
    def _changes_more(self) -> bool:
        lists = (self.additions, self.trust_again, self.adopt, self.abandon, self.repairs)
        return self.selection.settings is not None or any(lists)

    @property
    def only_distrusts(self) -> bool:
        """Whether it takes certificates out and asks for nothing else."""
        return bool(self.distrust) and not self._changes_more

    @property
    def changes_nothing(self) -> bool:
        """Whether it only asks to look at the sources again."""
        return not (self.distrust or self._changes_more)


@dataclass(frozen=True)
class Plan:
    """What the store is to be, before anything is written."""

    content: Content | None
    """The files of a new generation; None: the one in force is already what it should be, whole."""
    record: Manifest
    """The manifest of the new generation, or of the one in force."""
    rejected: tuple[Rejection, ...]
    """What did not enter this time."""
    until: datetime
    """The first moment at which the same inputs may lead to another plan."""
    kept: dict[Path, bytes]
    """Files beside the generation that are to change: path -> content."""
    digest: str = ""
    """The digest of the last run, where this one found nothing new; empty where it is to be computed."""
