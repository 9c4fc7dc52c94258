"""``checked``: when the sources were last read, and by what the next run sees that nothing can be new since.

An update with nothing new is the common one, and parsing two thousand certificates takes most of its time. The decision
depends on the bytes that were read, on the generation in force, on the versions of what parses, and on the time only
where a certificate begins or ends. All of them are compared, none is taken on trust.
"""

from __future__ import annotations

import hashlib
import json
import os
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from certboot import files
from certboot.moment import parsed
from certboot.store.paths import CRTS


@dataclass(frozen=True)
class LastRead:
    """What the last run that read the sources left behind."""

    when: datetime
    digest: str
    """SHA-256 over all that it read, and over the generation that was in force at its end."""
    until: datetime
    """The first moment after ``when`` at which some certificate that it read begins or ends."""

    def covers(self, digest: str, now: datetime) -> bool:
        """Return whether a run with this digest would come to the same decision."""
        return digest == self.digest and self.when <= now < self.until


def read(path: Path) -> LastRead | None:
    """Return what the file holds, or None where there is none, or it is damaged."""
    try:
        document = json.loads(files.read_regular(path, files.SMALL))
        when, until = (datetime.fromisoformat(document[key]) for key in ("when", "until"))
        if when.tzinfo is None or until.tzinfo is None:
            return None
        return LastRead(when, str(document["digest"]), until)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def last_read(path: Path, created: str) -> datetime | None:
    """Return when the sources were last looked at; where that is not noted, when the generation in force was made."""
    last = read(path)
    return last.when if last else parsed(created)


def render(last: LastRead) -> bytes:
    """Return the bytes of the file."""
    document = {"when": last.when.isoformat(), "digest": last.digest, "until": last.until.isoformat()}
    return (json.dumps(document, indent=1) + "\n").encode("ascii")


def digest_of_inputs(pieces: Iterable[tuple[str, bytes]]) -> str:
    """Return a SHA-256 over names and contents, and the versions of what makes certificates out of them."""
    from certboot.clients.installed import version_of

    versions = {name: version_of(name) for name in ("certboot", "cryptography")}
    whole = hashlib.sha256(f"{versions} {ssl.OPENSSL_VERSION}".encode())
    for name, data in pieces:
        whole.update(f"\0{len(name)} {len(data)} {name}".encode("utf-8", "surrogateescape"))
        whole.update(data)
    return whole.hexdigest()


def digest_of_run(inputs: str, generation: Path) -> str:
    """Return a SHA-256 over a digest of inputs and the files of a generation, names, links and contents.

    Raises OSError, also for what no generation has: other folders, pipes, and links that lead out of the directory.
    """
    whole = hashlib.sha256(f"{inputs} {generation.name}".encode())
    for folder in (generation, generation / CRTS):
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
            if folder == generation and entry.name == CRTS and entry.is_dir(follow_symlinks=False):
                continue
            if entry.is_symlink() and folder != generation:
                target = os.readlink(entry.path)
                if os.path.basename(target) != target:
                    raise OSError(f"a link that leads out of the directory: {entry.path}")
                data = os.fsencode(target)
            else:
                data = files.read_regular(entry.path, files.LARGE, follow=False)
            whole.update(f"\0{entry.is_symlink()} {len(data)} {entry.name}".encode("utf-8", "surrogateescape"))
            whole.update(data)
    return whole.hexdigest()
