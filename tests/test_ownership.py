"""A place that is remembered is read only where nobody else decides what is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.table import cases

from certboot.errors import SourceError
from certboot.ownership import refuse_exposed


def test_what_only_the_user_can_change_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refuse_exposed(tmp_path / "file")
    refuse_exposed(tmp_path)


@cases("mode", [0o664, 0o646])
def test_what_a_group_or_everybody_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.touch()
    path.chmod(mode)
    with pytest.raises(SourceError, match="others may write to it") as error:
        refuse_exposed(path)
    assert error.value.hint.startswith(f"chmod go-w {path}, ")


def test_what_is_not_there_is_not_safe(tmp_path: Path) -> None:
    """Between the look and the reading somebody else could put it there, in a folder like /tmp."""
    with pytest.raises(FileNotFoundError):
        refuse_exposed(tmp_path / "file")
