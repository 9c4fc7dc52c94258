"""Reading a file of somebody else's settings, whatever it turns out to be."""

from __future__ import annotations

import typing

from certboot import files

if typing.TYPE_CHECKING:
    from pathlib import Path

_BYTE_ORDER_MARK = "\ufeff"


class UnreadableError(Exception):
    """Why a file is not read, in words."""


def read_text(path: Path) -> str | None:
    r"""Return the text of a file, its lines ended by \n; None where there is none, or a device such as /dev/null.

    Raises UnreadableError.
    """
    try:
        data = files.read_regular(path, files.SMALL)
    except (FileNotFoundError, NotADirectoryError, files.DeviceError):
        return None
    except OSError as error:
        raise UnreadableError(error.strerror or str(error)) from error
    text = data.decode("utf-8", "replace").removeprefix(_BYTE_ORDER_MARK)
    return text.replace("\r\n", "\n").replace("\r", "\n")
