"""Hostile stores, env files and variables, and what the hook makes of them: run by a Python that has the hook.

    PYTHON hostile.py FOLDER COUNT STARTS SEED

COUNT variants, each in a fork of this process that has the rights of root, or of a user; STARTS of those of root also
in an interpreter of its own. What somebody else could change is worked out anew here, without the hook's code.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import typing
from pathlib import Path

import certboot_startup as hook

EVE, USER = 65534, 1234
"""Somebody else, and a user whose store is the victim."""
SECONDS = 10
"""No start takes as long: a hook that waits for something is ended, and found."""
LARGE = 1 << 24
"""Bytes of an env file that nothing is written into any more."""
BUNDLED = (
    "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO", "HTTPLIB2_CA_CERTS",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
)  # fmt: skip
STRANGE = (
    "BASH_ENV=@/current/bundle.pem", "LD_PRELOAD=@/current/bundle.pem", "PATH=@/current/crts", "PYTHONPATH=@/current",
    "SSL_CERT_FILE=/etc/passwd", "SSL_CERT_FILE=@/current/../../evil.pem", "SSL_CERT_DIR=@/current/crts/../../..",
    "SSL_CERT_FILE=@/current/bundle.pem:/tmp", "SSL_CERT_FILE=", "=@/current/bundle.pem", "SSL_CERT_FILE",
    "AWS_CA_BUNDLE=@/generations/1/bundle.pem", "AWS_CA_BUNDLE=@/current/manifest.json", "-EDITOR=/old.pem",
    "-REQUESTS_CA_BUNDLE=/old.pem", "-SSL_CERT_FILE=/old.pem", "-=", "-", "CERTBOOT_GUARDS=\x01\n=", "CERTBOOT_HINTS=9",
    "CERTBOOT_GUARDS=" + "ssl," * 9000, "SSL_CERT_FILE=@/current/bundle.pem\r", " SSL_CERT_FILE=@/current/bundle.pem",
    "SSL_CERT_FILE=@/current/\0bundle.pem", "SSL_CERT_FILE=@/current/\udcff", "PIP_CERT=\u202e@/current/bundle.pem",
)  # fmt: skip
"""Lines for an env file, with ``@`` for the store."""
FOLDERS = (
    "@",
    "@/generations",
    "@/generations/2",
    "@/generations/1/../1",
    "@/generations/x",
    "/",
    "",
    ".",
    "@/../store",
)
"""What stands in the place of ``@/current`` on the first line."""
MODES = (0o777, 0o775, 0o757, 0o666, 0o664, 0o646, 0o000, 0o1777, 0o2775, 0o4755, 0o700, 0o600, 0o200)
EXPORTED = {
    "SSL_CERT_FILE": ("/old.pem", "", "@/current/bundle.pem", "@/else.pem:/x"), "REQUESTS_CA_BUNDLE": ("/old.pem",),
    "SSL_CERT_DIR": ("/etc/ssl/certs", "@/current/crts:/x"), "EDITOR": ("/old.pem",),
    "CERTBOOT_GUARDS": ("none", "ssl", "\x1b[2J", "requests," * 99), "CERTBOOT_HINTS": ("0", "x"), "HOME": ("/", "x"),
    "CERTBOOT_HOME": ("@/", "@/.", "@/../store", "//@", "@/current", "store", "~", "/proc/self/cwd", "/dev/null"),
    "XDG_DATA_HOME": ("/nowhere", "x"),
}  # fmt: skip
PROBE = "import json, os; print(json.dumps(dict(os.environ)))"


class Store(typing.NamedTuple):
    """A store in a folder of the user's, the victim's."""

    above: str
    home: str
    user: int


def main() -> int:
    """Print what came of it as JSON."""
    folder, count, starts, seed = Path(sys.argv[1]), *map(int, sys.argv[2:])
    folder.mkdir(exist_ok=True)
    chance = random.Random(seed)  # noqa: S311 - the same hostile things for the same seed
    statuses: collections.Counter[str] = collections.Counter()
    wrong: list[str] = []
    for number in range(count):
        store = made(folder / str(number), chance.choice((0, USER)))
        environ = {"CERTBOOT_HOME": store.home, "PATH": "/usr/bin:/bin"}
        done = [] if number % 20 == 0 else [hostile(chance, store, environ) for _ in range(chance.choice((1, 1, 2, 3)))]
        environ = {name: value.replace("@", store.home) for name, value in environ.items()}
        found = forked(store.user, environ)
        problems = judged(store, environ, found)
        problems += [f"a good store is {found.status}"] * (not done and found.status != "active")
        if store.user == 0 and starts and chance.random() < 2 * starts / count:
            statuses["(real starts)"] += 1
            problems += judged(store, environ, really(environ))
        statuses[found.status] += 1
        if problems:
            wrong.append(f"variant {number} of seed {seed}, user {store.user}, {done}, {environ}: {problems}")
        else:
            shutil.rmtree(folder / str(number))
    print(json.dumps({"statuses": statuses, "wrong": wrong}))
    return 0


def made(top: Path, user: int) -> Store:
    """Make a good store of the user's."""
    above, home = top / "above", top / "above" / "store"
    generation = home / "generations" / "1"
    (generation / "crts").mkdir(parents=True)
    (home / "current").symlink_to("generations/1")
    (generation / "crts" / "9d66eef0.0").write_text("a certificate")
    (generation / "bundle.pem").write_text("certificates")
    (generation / "manifest.json").write_text("{}")
    lines = [*(f"{name}={home}/current/bundle.pem\n" for name in BUNDLED), f"SSL_CERT_DIR={home}/current/crts\n"]
    (home / "env").write_text("".join(lines))
    for path in (above, *above.rglob("*")):
        os.chown(path, user, user, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    return Store(str(above), str(home), user)


# What is done to it


def hostile(chance: random.Random, store: Store, environ: dict[str, str]) -> str:
    """Change one thing; return what it was."""
    kind = chance.choice(("env", "env", "env", "object", "object", "mode", "owner", "variable"))
    if kind == "variable":
        name = chance.choice(list(EXPORTED))
        environ[name] = chance.choice(EXPORTED[name])
        return f"{name}={environ[name][:40]}"
    if kind == "env":
        return in_env(chance, store)
    paths = own_paths(store)
    return on_path(chance, store, kind, chance.choice(paths)) if paths else "nothing is left"


def on_path(chance: random.Random, store: Store, kind: str, path: str) -> str:
    """Change the mode, the owner or the kind of what is there."""
    with contextlib.suppress(OSError, ValueError):
        if kind == "mode" and not os.path.islink(path):
            mode = chance.choice(MODES)
            os.chmod(path, mode)
            return f"{path} {mode:o}"
        if kind == "owner":
            owner, group = chance.choice((0, EVE, USER, -1)), chance.choice((0, EVE, USER, -1))
            os.chown(path, owner, group, follow_symlinks=False)
            return f"{path} of {owner}:{group}"
        if kind == "object":
            return f"{path}: {chance.choice(OBJECTS)(path, store)}"
    return f"{kind} {path}: could not be done"


def own_paths(store: Store) -> list[str]:
    """Return what may be changed: this store, and nothing that a link leads to."""
    top = os.path.dirname(store.above)
    walked = (os.path.join(folder, name) for folder, *names in os.walk(top) for name in (*names[0], *names[1]))
    return sorted(walked)


def in_env(chance: random.Random, store: Store) -> str:
    """Write another env file."""
    env = Path(store.home, "env")
    status = os.lstat(env) if os.path.realpath(env) == str(env) and env.exists() else None
    if not status or not stat.S_ISREG(status.st_mode) or status.st_size > LARGE:
        return "no env file any more"
    text = env.read_bytes()
    lines = text.splitlines(keepends=True)
    kind = chance.choice(("line", "line", "line", "first", "byte", "byte", "cut", "long", "shuffled", "empty"))
    if kind == "line":
        line = chance.choice(STRANGE).replace("@", store.home).encode("utf-8", "surrogateescape") + b"\n"
        lines.insert(chance.randrange(len(lines) + 1), line)
    elif kind == "first":
        named = chance.choice(FOLDERS).replace("@", store.home)
        lines = [line.replace(os.fsencode(store.home + "/current"), os.fsencode(named)) for line in lines]
    elif kind == "byte":
        data = bytearray(text or b"=")
        for _ in range(chance.randrange(1, 9)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        lines = [bytes(data)]
    elif kind == "cut":
        lines = [text[: chance.randrange(len(text) + 1)]]
    elif kind == "long":
        lines *= chance.choice((2, 1000))
    elif kind == "shuffled":
        chance.shuffle(lines)
    else:
        lines = []
    env.write_bytes(b"".join(lines))
    return f"env: {kind}"


def away(path: str) -> None:
    """Take away what is there."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)


def gone(path: str, _: Store) -> str:
    """Nothing, or a folder without anything in it."""
    away(path)
    return "gone"


def emptied(path: str, _: Store) -> str:
    """A file or a folder with nothing in it."""
    folder = os.path.isdir(path)
    away(path)
    Path(path).mkdir() if folder else Path(path).touch()
    return "empty"


def other_kind(path: str, _: Store) -> str:
    """A folder in the place of a file, and the other way round."""
    folder = os.path.isdir(path)
    away(path)
    Path(path).touch() if folder else Path(path).mkdir()
    return "another kind"


def pipe(path: str, _: Store) -> str:
    """A pipe that nobody writes to."""
    away(path)
    os.mkfifo(path)
    return "pipe"


def listening(path: str, _: Store) -> str:
    """A socket."""
    away(path)
    with socket.socket(socket.AF_UNIX) as made_there, tempfile.TemporaryDirectory(dir="/tmp") as short:
        made_there.bind(f"{short}/s")
        os.rename(f"{short}/s", path)
    return "socket"


def device(path: str, _: Store) -> str:
    """A device without end, or one that waits."""
    away(path)
    minor = ord(path[-1]) % 2
    os.mknod(path, 0o644 | stat.S_IFCHR, os.makedev(1, 5) if minor else os.makedev(5, 0))
    return "/dev/zero" if minor else "/dev/tty"


def huge(path: str, _: Store) -> str:
    """A file of a terabyte, with nothing in it."""
    away(path)
    with open(path, "wb") as file:
        file.truncate(1 << 40)
    return "a terabyte"


def led(path: str, target: str, owner: int) -> str:
    """Put a link there."""
    away(path)
    os.symlink(target, path)
    os.chown(path, owner, owner, follow_symlinks=False)
    return f"a link of {owner} to {target}"


def looped(path: str, store: Store) -> str:
    """A link to itself."""
    return led(path, path, store.user)


def dangling(path: str, store: Store) -> str:
    """A link to nothing."""
    return led(path, "/nowhere/at/all", store.user)


def elsewhere(path: str, store: Store) -> str:
    """A link to the same, moved to where it is the user's too."""
    moved = f"{os.path.dirname(store.above)}/moved"
    os.rename(path, moved)
    os.symlink(moved, path)
    return f"moved to {moved}"


def to_eve(path: str, store: Store) -> str:
    """A link of the user's to what is the same, but somebody else's."""
    done = elsewhere(path, store)
    os.chown(os.readlink(path), EVE, EVE, follow_symlinks=False)
    return f"{done} of {EVE}"


def of_eve(path: str, store: Store) -> str:
    """A link of somebody else's to what is the user's."""
    done = elsewhere(path, store)
    os.chown(path, EVE, EVE, follow_symlinks=False)
    return f"{done} by {EVE}"


def system_file(path: str, store: Store) -> str:
    """A link to a file of the system's."""
    return led(path, ("/etc/passwd", "/dev/zero", "/proc/kmsg", "/proc/self/mem", "/")[len(path) % 5], store.user)


def hard_link(path: str, store: Store) -> str:
    """Another name of a file that somebody else may write."""
    other = Path(os.path.dirname(store.above), "other")
    with open(other, "x", encoding="ascii") as file:  # never what something else has put there
        file.write("certificates")
        os.fchown(file.fileno(), EVE, EVE)
    away(path)
    os.link(other, path)
    return f"hard link to a file of {EVE}"


OBJECTS: tuple[typing.Callable[[str, Store], str], ...] = (
    gone, emptied, other_kind, pipe, listening, device, huge, looped, dangling, elsewhere, to_eve, of_eve, system_file,
    hard_link,
)  # fmt: skip

# What the hook makes of it


class Found(typing.NamedTuple):
    """What came of a start."""

    status: str
    environ: dict[str, str]
    said: str
    ended: int


def forked(user: int, environ: dict[str, str]) -> Found:
    """Run the hook in a fork of this process, as this user."""
    told, said = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(SECONDS)
            os.dup2(said[1], 1)
            os.dup2(said[1], 2)
            if user:
                os.setgroups([])
                os.setgid(user)
                os.setuid(user)
            os.environ.clear()
            os.environ.update(environ)
            hook.status = ""
            hook.activate()
            os.write(told[1], json.dumps([hook.status, dict(os.environ)]).encode())
            os._exit(0)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the hook should not have raised it
            os.write(2, repr(error).encode())
            os._exit(1)
    texts = []
    for read, write in (told, said):
        os.close(write)
        with open(read, "rb") as file:
            texts.append(file.read())
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status, after = json.loads(texts[0] or b'["", {}]')
    return Found(status, after, texts[1].decode(errors="replace"), ended)


def really(environ: dict[str, str]) -> Found:
    """Start an interpreter with the hook."""
    try:
        ran = subprocess.run([sys.executable, "-c", PROBE], env=environ, capture_output=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return Found("waits", {}, "", -signal.SIGALRM)
    after = json.loads(ran.stdout or b"{}")
    after.pop("LC_CTYPE", None)  # Python's own, in the C locale (PEP 538)
    return Found("started", after, ran.stderr.decode(errors="replace"), ran.returncode)


def judged(store: Store, environ: dict[str, str], found: Found) -> list[str]:
    """Return what of it must not be."""
    before = {name: os.fsencode(value).decode(errors="surrogateescape") for name, value in environ.items()}
    changed = {name: value for name, value in found.environ.items() if before.get(name) != value}
    wrong = [f"it ended with {found.ended}"] * (found.ended != 0) + [f"it said {found.said!r}"] * bool(found.said)
    wrong += [f"{found.status!r} is no status"] * (not re.fullmatch(r"[A-Za-z-]+", found.status))
    wrong += [f"{name} is set, which is not in the table" for name in changed if name not in hook.VARIABLES]
    wrong += [f"{name} is gone" for name in before.keys() - found.environ.keys() if found.ended == 0]
    home = os.path.normpath(environ["CERTBOOT_HOME"])
    files = [os.path.join(home, folder, name) for folder in ("current", "generations/1") for name in hook_files()]
    for name, value in changed.items():
        if os.path.normpath(value) not in files:
            wrong.append(f"{name}={value}: not the store's")
        elif emptied_last(value) if os.path.isdir(value) else not os.path.getsize(value):
            wrong.append(f"{name}={value}: there is nothing")
    attackers = {EVE, USER} - {store.user}
    for path in (*changed.values(), os.path.join(home, "env")) if changed else ():
        with contextlib.suppress(FileNotFoundError):  # of what is not there it was said already
            if part := alterable(path, attackers):
                wrong.append(f"active, though somebody else can change {part}")
    return wrong


def hook_files() -> tuple[str, ...]:
    """Return what a variable may name in a generation."""
    return ("bundle.pem", "crts")


def emptied_last(folder: str) -> bool:
    """Return whether a directory is empty, and nothing was written beside it since: what the hook can see at once."""
    return not os.listdir(folder) and os.path.getmtime(folder) >= os.path.getmtime(os.path.dirname(folder))


def alterable(path: str, attackers: set[int], links: int = 0) -> str:
    """Return the first part of a way that one of these users can change, or put another in the place of.

    What a link says nobody can change, its owner neither, who can only take it out of a folder that he may write to.
    """

    def writes(status: os.stat_result) -> bool:
        return bool(status.st_mode & 0o002 or (status.st_mode & 0o020 and status.st_gid in attackers))

    part, names = "/", [name for name in path.split("/") if name]
    for number, name in enumerate(names):
        folder, at = os.lstat(part), os.path.join(part, name)
        status = os.lstat(at)
        theirs = status.st_uid in attackers
        if writes(folder) and (theirs or not folder.st_mode & stat.S_ISVTX):
            return at
        if theirs and not stat.S_ISLNK(status.st_mode):
            return at
        if stat.S_ISLNK(status.st_mode):
            rest = "/".join(names[number + 1 :])
            target = os.path.join(part, os.readlink(at), rest) if rest else os.path.join(part, os.readlink(at))
            return alterable(target, attackers, links + 1) if links < 40 else at
        part = at
    return part if writes(os.lstat(part)) else ""


if __name__ == "__main__":
    sys.exit(main())
