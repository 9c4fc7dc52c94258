"""Reading that always ends, and writing that is whole or not at all, for its owner only to change.

A link falls back to a copy where there are no links.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import re
import stat
import sys
import typing
from pathlib import Path

FILE_MODE = 0o644
PRIVATE_MODE = 0o600
FOLDER_MODE = 0o755
SMALL = 1024 * 1024
"""More bytes than settings, a list or a file with one certificate have."""
LARGE = 64 * 1024 * 1024
"""More bytes than a store, a bundle or anybody's list of hosts has."""
_CHUNK = 1024 * 1024
_READ = os.O_RDONLY
# Opening a pipe would wait for its writer, and opening a terminal could make it this process's own.
for _flag in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"):
    _READ |= getattr(os, _flag, 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_KINDS = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISLNK, "a link"))
# What `replace` and `replace_link` write beside a file: it ends with tempfile's eight characters, or the process id.
_TEMPORARY = re.compile(r"\.(.+)\.(?:[a-z0-9_]{8}|[0-9]{1,7})")
_HASHED = re.compile(r"[0-9a-f]{8}\.r?[0-9]+")

_BYTE_ORDER_MARK = "\ufeff"


class NotRegularError(OSError):
    """What is there is no regular file, but a pipe, a socket, a device or, where none is followed, a link."""


class DeviceError(NotRegularError):
    """What is there is a device, such as /dev/null."""


def toml(text: str) -> dict[str, typing.Any]:
    """Return what a text in TOML says; raises ValueError, RecursionError."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def read_regular(path: str | os.PathLike[str], most: int, *, follow: bool = True) -> bytes:
    """Return the content of a regular file of no more than ``most`` bytes; raises OSError, with the reason in words.

    Whatever reads a file in certboot reads it here, but for ``store/rehash.py``, which reads thousands.
    """
    name = os.fspath(path)
    descriptor = open_regular(name, follow=follow)
    try:
        size = os.fstat(descriptor).st_size
        _refuse_large(name, size, most)
        parts, length = [], 0
        # The size is what the system says of it, and 0 for what it makes up, as in /proc.
        while part := os.read(descriptor, min((size or _CHUNK) + 1, most + 1 - length)):
            parts.append(part)
            length += len(part)
            _refuse_large(name, length, most)
        return b"".join(parts)
    except BlockingIOError as error:  # /proc/kmsg, for one, looks like a regular file
        raise NotRegularError(errno.EAGAIN, "something that waits for more, not a regular file", name) from error
    except OSError as error:
        error.filename = name
        raise
    finally:
        os.close(descriptor)


def open_regular(path: str | os.PathLike[str], *, follow: bool = True) -> int:
    """Return a descriptor of a regular file, to read from; raises OSError, with the reason in words.

    Nothing else is opened, because to open a device may be to do something, and nothing is waited for.
    """
    name = os.fspath(path)
    try:
        _refuse_irregular(name, os.stat(name, follow_symlinks=follow))
        descriptor = os.open(name, _READ if follow else _READ | _NO_FOLLOW)
    except ValueError as error:  # a zero byte, or what the file system's encoding has not
        raise OSError(errno.EINVAL, "no path that a file can have", name) from error
    try:
        _refuse_irregular(name, os.fstat(descriptor))  # it may be another one by now
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_if_there(path: Path, most: int) -> bytes | None:
    """Return the same, or None where there is no such file."""
    try:
        return read_regular(path, most)
    except FileNotFoundError:
        return None


def refuse_endless(path: str | os.PathLike[str]) -> None:
    """Raise NotRegularError where who reads to the end of this may wait for ever, and not for /dev/null.

    Of a folder that is what OpenSSL opens in it (by_dir.c): names that are a hash and a number.
    """
    try:
        read_regular(path, LARGE)
    except IsADirectoryError:
        with contextlib.suppress(FileNotFoundError, PermissionError):
            _refuse_endless_in(os.fspath(path), os.stat(path).st_mtime_ns)
    except DeviceError:
        if not os.path.samefile(path, os.devnull):
            raise
    except NotRegularError:
        raise
    except OSError:  # nothing is there, or nothing that can be read: there is an end to that
        return


@functools.lru_cache(maxsize=16)  # each of a scan's hosts asks, and a store may have thousands
def _refuse_endless_in(folder: str, _changed: int) -> None:
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if _HASHED.fullmatch(name) and not os.path.isdir(path):
            refuse_endless(path)


def refuse_endless_trust() -> None:
    """Do the same for what OpenSSL's own variables name: it opens that whatever it is."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        value = os.environ.get(name, "")
        for path in (value, *value.split(os.pathsep)):
            try:
                refuse_endless(path)
            except NotRegularError as error:
                message = f"{name} names {error.strerror}: {error.filename or path}"
                raise NotRegularError(message) from error


def hint(error: OSError) -> str:
    """Return what helps where a file that the user names cannot be read."""
    if isinstance(error, NotRegularError):
        return "write into a file what comes through it, and give that"
    return "check the path, and that you may read it"


def _refuse_irregular(name: str, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "a folder, not a file", name)
    if stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        raise DeviceError(errno.EINVAL, "a device, not a regular file", name)
    if not stat.S_ISREG(status.st_mode):
        kind = next((words for is_kind, words in _KINDS if is_kind(status.st_mode)), "something else")
        raise NotRegularError(errno.EINVAL, f"{kind}, not a regular file", name)


def _refuse_large(name: str, size: int, most: int) -> None:
    if size > most:
        words = f"{most // 1024 // 1024} MiB" if most >= _CHUNK else f"{most // 1024} KiB"
        raise OSError(errno.EFBIG, f"over {words}, which no such file has", name)


def write_new(path: Path, data: bytes, mode: int = FILE_MODE) -> None:
    """Write a file that must not exist yet, whole or not at all; raises OSError. The caller makes it durable."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            if os.name == "posix":
                os.fchmod(descriptor, mode)  # whatever the umask: what matters is who can write
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise


def replace(path: Path, data: bytes) -> None:
    """Put a whole file in the place of ``path`` in one step: a reader sees the old one or the new one."""
    import tempfile  # it and filelock cost more than a `certboot rehash` with nothing to do, which needs neither

    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if os.name == "posix":
                os.fchmod(descriptor, FILE_MODE)
            os.fsync(descriptor)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    # The new one is in its place whatever the disk says now; a failure reported here would be a false one.
    with contextlib.suppress(OSError):
        sync(path.parent)


def replace_link(path: Path, target: str) -> None:
    """Make ``path`` a symbolic link to ``target`` in one step; raises OSError where links cannot be made."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        temporary.unlink()
    temporary.symlink_to(target)
    try:
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink()
        raise
    with contextlib.suppress(OSError):
        sync(path.parent)


def temporary_for(name: str) -> str:
    """Return the name of the file that one of the name ``name`` was to become, or "" where it is none of ours."""
    match = _TEMPORARY.fullmatch(name)
    return match[1] if match else ""


def make_folder(path: Path) -> None:
    """Make the folder, and those above it that are missing, whatever the umask: writable for the owner only."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(FOLDER_MODE, exist_ok=True)
    if os.name == "posix":
        path.chmod(FOLDER_MODE)


def kind(path: Path, *, follow: bool = True) -> int:
    """Return the kind of file that is there (``stat.S_IFMT``), 0 for none; raises OSError where we may not look.

    Of what we may not look at pathlib says since Python 3.14 that it is not there.
    """
    try:
        status = path.stat() if follow else path.lstat()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            return 0
        raise
    return stat.S_IFMT(status.st_mode)


def is_folder(path: Path) -> bool:
    """Return whether this is a folder itself, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def is_leaf(path: Path) -> bool:
    """Return whether this is a file or a link, wherever that leads: no folder, and nothing to wait at."""
    return path.is_symlink() or path.is_file()


def sync(path: Path) -> None:
    """Wait until the file or folder is on the disk. Windows has no such call for folders."""
    if os.name != "posix" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class UnreadableError(Exception):
    """Why a file is not read, in words."""


def read_text(path: Path) -> str | None:
    r"""Return the text of a file, its lines ended by \n; None where there is none, or a device such as /dev/null.

    Raises UnreadableError.
    """
    try:
        data = read_regular(path, SMALL)
    except (FileNotFoundError, NotADirectoryError, DeviceError):
        return None
    except OSError as error:
        raise UnreadableError(error.strerror or str(error)) from error
    text = data.decode("utf-8", "replace").removeprefix(_BYTE_ORDER_MARK)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def link(path: Path, target: str) -> None:
    """Make ``path`` stand for its neighbour ``target``: a relative symbolic link, else a hard link, else a copy.

    An older link at ``path`` is replaced; raises OSError.
    """
    link_named(os.path.join(path.parent, ""), path.name, target)


def link_named(prefix: str, name: str, target: str) -> None:
    """Do the same in the folder whose path, with a separator at the end, is ``prefix``."""
    path = prefix + name
    try:
        os.symlink(target, path)
    except FileExistsError:
        os.unlink(path)
        link_named(prefix, name, target)
    except (OSError, NotImplementedError):
        _stand_in(prefix + target, path)


def _stand_in(source: str, path: str) -> None:
    import shutil

    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)
