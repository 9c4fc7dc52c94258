"""By what a certificate is known to be distrusted here: fingerprints and identities, and who can take that back."""

from __future__ import annotations

import typing

from certboot.store import choices
from certboot.store.config import load_config

if typing.TYPE_CHECKING:
    from collections.abc import Mapping

    from certboot.store.manifest import Manifest
    from certboot.store.paths import StorePaths

RULE = "distrusted"


def by_user(paths: StorePaths) -> dict[str, str]:
    """Return what the user has said, for ``Certificate.is_among``; raises OSError or CertbootError.

    Beside it stands the fingerprint that ``certboot distrust --undo`` takes; nothing where config.toml says it.
    """
    return dict.fromkeys(load_config(paths.config).distrust, "") | choices.undone_by(paths.distrusted)


def by_record(record: Manifest | None, user: Mapping[str, str]) -> dict[str, str]:
    """Return the same of what the last update left out for it, by the word of the ``user`` or the administrator."""
    if record is None:
        return {}
    # A file that marks a certificate as rejected speaks for itself alone, as long as it is not the administrator's.
    held = {entry.sha256 for entry in record.certificates}
    out = (each for each in record.rejected if each.rule == RULE and each.fingerprint not in held)
    return {name: user.get(each.fingerprint, "") for each in out for name in (each.fingerprint, each.identity) if name}
