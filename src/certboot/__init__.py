"""certboot makes TLS certificates work for every program that a Python user starts."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    __version__: str


def __getattr__(name: str) -> str:
    # Reading the metadata costs more than the rest of `certboot --help`, so it waits until somebody asks.
    if name == "__version__":
        from importlib.metadata import version

        return version("certboot")
    raise AttributeError(name)
