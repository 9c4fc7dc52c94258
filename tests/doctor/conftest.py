"""What the tests of the doctor start from."""

from __future__ import annotations

import pytest

from certboot.store.paths import StorePaths
from certboot.store.request import Request
from certboot.store.update import apply


@pytest.fixture
def store(paths: StorePaths) -> StorePaths:
    """A store with the CAs of certifi and the system, as ``certboot init`` makes it."""
    apply(paths, Request("init"))
    return paths
