"""``config.toml`` in the store's folder: the few things that certboot lets a user choose.

[variables]
add = ["AWS_CA_BUNDLE"]         # set these too
remove = ["GIT_SSL_CAINFO"]     # leave these alone
"""

from __future__ import annotations

import sys
import typing
from dataclasses import dataclass

from certboot.clients import BY_NAME, VARIABLES
from certboot.errors import CertbootError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if typing.TYPE_CHECKING:
    from pathlib import Path

    from certboot.clients import Variable

_KEYS = ("add", "remove")


@dataclass(frozen=True)
class Config:
    """The user's choices; the defaults are those of an absent file."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def variables(self) -> tuple[Variable, ...]:
        """Return the variables that the hook is to set. SSL_CERT_DIR never stands without SSL_CERT_FILE.

        Alone it would take the public roots from httpx, uv and others, and break opensearch-py.
        """
        removed = {*self.remove, "SSL_CERT_DIR"} if "SSL_CERT_FILE" in self.remove else set(self.remove)
        return tuple(v for v in VARIABLES if (v.default or v.name in self.add) and v.name not in removed)


def load_config(path: Path) -> Config:
    """Return the settings in ``path``, or the defaults where there is no such file; raises CertbootError."""
    try:
        text = path.read_bytes().decode()
        document = tomllib.loads(text)
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        message = f"cannot read {path}: {error}"
        raise CertbootError(message, "mend the file, or remove it to go back to the defaults") from error
    lists: dict[str, tuple[str, ...]] = {}
    for section, content in document.items():
        if section != "variables" or not isinstance(content, dict):
            raise _unknown(path, f"[{section}]", "[variables]")
        for key, names in content.items():
            if key not in _KEYS or not isinstance(names, list):
                raise _unknown(path, f"variables.{key}", "lists named add and remove")
            for name in names:
                if not isinstance(name, str) or name not in BY_NAME:
                    raise _unknown(path, f"{name!r} in variables.{key}", ", ".join(BY_NAME))
            lists[key] = tuple(names)
    return Config(**lists)


def _unknown(path: Path, what: str, known: str) -> CertbootError:
    return CertbootError(f"{path} has {what}, which certboot does not know", f"it knows {known}")
