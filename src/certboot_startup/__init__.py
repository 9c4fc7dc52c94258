"""The start-up hook: at interpreter start, point unset CA variables at the user's certboot store."""
# certboot_startup.pth calls activate(), or where Python runs no import lines (3.18) a .start file (PEP 829). Standard
# library only, no network, no subprocess, no writes, no output, and never an exception: whatever is wrong, the
# interpreter starts as if the hook were not there. This package is also copied into other interpreters, so it imports
# nothing of certboot and keeps to the syntax of Python 3.8. Every start of Python pays for this file, so it is written
# for few instructions: what is said in comments, not in docstrings, need not be loaded. guards.py is loaded only by a
# program that imports one of GUARDED.

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # for the comments that hold the types
    from typing import Any  # noqa: F401

# What the env file may name: certboot.clients has what each of them is. A variable outside of this list could make a
# shell or a loader run the file that it names.
VARIABLES = (
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "GIT_SSL_CAINFO",
    "HTTPLIB2_CA_CERTS",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "GIT_SSL_CAPATH",
    "CURL_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "PIP_CERT",
    "CARGO_HTTP_CAINFO",
    "WEBSOCKET_CLIENT_CA_BUNDLE",
)

# While the variable on the left has a value that is not ours, the one on the right stays unset: one client reads both,
# and the second would overrule or widen what the user chose with the first. requests takes REQUESTS_CA_BUNDLE before
# CURL_CA_BUNDLE and, inside pip, before PIP_CERT: our guard mends that, but not in a child whose Python has no hook.
# httpx ignores SSL_CERT_DIR once SSL_CERT_FILE is set.
HOLDS_BACK = {
    "CURL_CA_BUNDLE": "REQUESTS_CA_BUNDLE",
    "PIP_CERT": "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR": "SSL_CERT_FILE",
    "SSL_CERT_FILE": "SSL_CERT_DIR",
    "GIT_SSL_CAPATH": "GIT_SSL_CAINFO",
}

DIRECTORIES = ("SSL_CERT_DIR", "GIT_SSL_CAPATH")

# requests lets these overrule session.verify. The guard undoes that for a value of certboot's, but not for one that the
# user had exported, and an adopted value was: what replaces it is spelled with ADOPTED, by which all who inherit it can
# tell. (A mark beside it could be lost on the way, and session.verify = False would then turn verification off.)
OVERRULING = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
ADOPTED = os.sep + "." + os.sep + "bundle.pem"

# Module -> the guard that is set on it, once it is imported: a name that CERTBOOT_GUARDS knows.
GUARDED = {
    "ssl": "ssl",
    "requests.sessions": "requests",
    "pip._vendor.requests.sessions": "requests",
    "niquests.sessions": "requests",
    "certifi.core": "certifi",
    "pip._vendor.certifi.core": "certifi",
    "botocore.httpsession": "certifi",
}

if "status" not in globals():  # or it is loaded once more (importlib.reload), and goes on as it was
    applied = {}  # type: dict[str, str]  # what activate() set in this process: variable -> value
    status = ""  # in a word, what activate() did or why it did nothing, for certboot doctor; empty: it has not run
    home = ""  # the store's folder as it is recorded beside a hook that serves a store of its own; empty: none is
    generation = ""  # the folder of the generation in force, as the env file names it; empty: the hook is not active
    switches = ""  # the guards that are on, as CERTBOOT_GUARDS has them; empty: none is
    hints = ""  # "0" where config.toml turns off the hints on failed verifications; CERTBOOT_HINTS goes before it
    guarded = {}  # type: dict[str, str]  # module -> "waiting", "applied" or "stepped aside: why"; guards.py writes it
    _loaded = None  # type: Any  # guards.py, once it was needed


def activate(recorded=""):
    # type: (str) -> None
    """Set what the store's ``env`` file lists and nobody has set yet. Called more than once, acts once.

    ``recorded`` is the store's absolute folder; $CERTBOOT_HOME goes before it, the user's data folder after it.
    """
    global status, home
    if not status:
        home = recorded
        try:
            status = _activate(os.environ, set(os.environ))
        except Exception as error:  # the interpreter must start, whatever happens here
            status = type(error).__name__


def store_home(environ, names):
    # type: (os._Environ[str] | dict[str, str], set[str]) -> str
    """Return the absolute folder of the store, or ""; ``names`` are those set in ``environ``."""
    # The rules of platformdirs.user_data_dir("certboot"), and one more: a HOME of another user's, which sudo has kept
    # or a CI service has given to a container's root, does not count. certboot itself asks here too: there is one rule.
    folder = (environ["CERTBOOT_HOME"] if "CERTBOOT_HOME" in names else "") or home
    if folder:
        return os.path.normpath(folder) if os.path.isabs(folder) else ""
    if os.name == "nt":
        return os.path.normpath(environ["LOCALAPPDATA"] + "/certboot/certboot") if "LOCALAPPDATA" in names else ""
    folder = environ["XDG_DATA_HOME"] if "XDG_DATA_HOME" in names else ""
    if folder[:1] != "/":
        folder = environ["HOME"] if "HOME" in names else ""
        if folder[:1] != "/" or is_foreign(folder):
            import pwd

            folder = pwd.getpwuid(os.geteuid()).pw_dir
        folder += "/Library/Application Support" if sys.platform == "darwin" else "/.local/share"
    folder += "/certboot"
    # normpath costs as much as the rest of this function, and is hardly ever needed.
    return os.path.normpath(folder) if "//" in folder or "/./" in folder or "/../" in folder else folder


def is_foreign(folder):
    # type: (str) -> bool
    """Return whether a folder is there that belongs neither to root nor to the effective user."""
    try:
        owner = os.stat(folder).st_uid
    except (OSError, ValueError):
        return False
    return owner != 0 and owner != os.geteuid()


def unsafe_part(path, writers=0o022):
    # type: (str, int) -> str
    """Return the first part of the way to an absolute path, itself included, by which others could lead it elsewhere.

    "" where there is none; raises OSError where the way ends before that.
    """
    # What a path leads to says nothing: a link of somebody else may lead to what is root's, and elsewhere the moment
    # after. So every part is looked at as it stands there:
    # - It belongs to root or to the effective user, and others may not write to it.
    # - A sticky folder of root's, such as /tmp, may be written to by everybody. It is passed by a folder or a file of
    #   the user's own, not by a link, nor by a file that has other names: a hard link to one of his, made by somebody
    #   else, would be his as well.
    # - A group may write to a folder if it is root's, or the user's private one: on many systems ~/.local/share is
    #   0775. Without the database of groups, a private one is known by its number, which useradd (USERGROUPS_ENAB)
    #   makes that of the user where it is free. Whoever adds others to such a group, or gives a common group the number
    #   of a user, gives them this user's store. Inside the store no group may write.
    # - A link leads to a path that is looked at likewise. One below /proc is not passed: it leads where a process is at
    #   the time, and where one of root's is, such as su, who started it decides. Nor is what the kernel leads elsewhere
    #   than the link says.
    # ``writers`` of 0o002 lets any group write, for places that an administrator has given to one.
    if os.name != "posix":
        return ""
    lstat = os.lstat
    user = os.geteuid()
    whole = path
    links = end = 0
    shared = False
    part = "/"
    while True:
        entry = lstat(part)
        mode = entry.st_mode
        owner = entry.st_uid
        if owner and owner != user:
            return part
        if shared and (owner != user or (mode & 0o170000 != 0o040000 and entry.st_nlink > 1) or mode & 0o020000):
            return part
        shared = False
        if mode & 0o170000 == 0o120000:
            links += 1
            if links > 40 or os.path.normpath(part).lstrip("/")[:5] == "proc/":  # Linux follows no more
                return part
            path = os.path.join(part[: part.rindex("/") + 1], os.readlink(part)) + path[len(part) :]
            end = 0
            part = "/"
            continue
        if mode & writers:
            if mode & 0o1000 and not owner:
                shared = True
            elif mode & 0o002 or (entry.st_gid and not entry.st_gid == owner == user):
                return part
        if end < 0:
            break
        end = path.find("/", end + 1)
        part = path if end < 0 else path[:end]
    if links and not os.path.samestat(entry, os.stat(whole)):
        return whole
    return ""


def adopted(variable, folder):
    # type: (str, str) -> str
    """Return what an adopted value of a variable is replaced by, where ``folder`` is how the generation is named."""
    if variable in DIRECTORIES:
        return folder + os.sep + "crts"
    return folder + ADOPTED if variable in OVERRULING else folder + os.sep + "bundle.pem"


def find_spec(name, path=None, target=None):
    # type: (str, object, object) -> object
    """Find a module of GUARDED, so that it is guarded once it is executed: this module is a finder on sys.meta_path."""
    return _guards("find_spec", {name}, name, path, target) if name in GUARDED else None


def _activate(environ, names):
    # type: (os._Environ[str], set[str]) -> str
    global generation, switches, hints
    sep = os.sep
    posix = os.name == "posix"
    if "CERTBOOT_DISABLE" in names and environ["CERTBOOT_DISABLE"] not in ("0", ""):
        return "disabled"
    store = store_home(environ, names)
    if not store:
        return "homeless"
    env = store + sep + "env"
    lstat = os.lstat
    flags = os.O_RDONLY
    if posix:
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        if unsafe_part(store):
            return "unsafe"
        # Looked at before it is opened, since to open a device may do something, and again once it is open, since it
        # may be another one by then. Opening and reading wait for nobody.
        if lstat(env).st_mode & 0o170000 != 0o100000:
            return "bad-env"
        descriptor = os.open(env, flags)
    except OSError:
        return "no-store"
    opened = os.fstat(descriptor)
    # A regular file, and a small one: certboot's own is under 2 KiB.
    fit = opened.st_mode & 0o170000 == 0o100000 and opened.st_size <= 65536
    text = os.fsdecode(os.read(descriptor, 65536)) if fit else "="
    os.close(descriptor)
    lines = text.split("\n")

    # Every value is the bundle or the directory of one generation inside the store: nothing else is ever set.
    folder = numbered = lines[0].partition("=")[2].rpartition(sep)[0]
    bundle = folder + sep + "bundle.pem"
    crts = folder + sep + "crts"
    current = store + sep + "current"
    if posix and folder == current:
        # Only the user and root can put a link into the store, and what a link says nobody can change.
        numbered = store + sep + os.readlink(folder)
    generations, _, number = numbered.rpartition(sep)
    if (generations != store + sep + "generations" or not number.isdigit()) and (posix or folder != current):
        if numbered is not folder:
            return "bad-link"
        return "nothing-to-set" if lines == [""] else "bad-env"
    # Whoever can write one of these decides what this user trusts. (On Windows the profile's own rights protect it.)
    # There are too many files in the directory to look at each start: certboot init, update and doctor look at them.
    bundled = lstat(numbered + sep + "bundle.pem")
    directory = lstat(numbered + sep + "crts")
    around = lstat(numbered)
    if posix:
        user = os.geteuid()
        for part in (opened, os.stat(store), lstat(generations), around, directory, bundled):
            # None of them may be a link, a device or a pipe either.
            if part.st_mode & 0o030022 or (part.st_uid and part.st_uid != user):
                return "unsafe"
    # An empty bundle or directory would tell most clients to trust nobody. A generation is written once, its directory
    # before its other files, so only one that is as young as the generation can have lost anything, or be a new one.
    if bundled.st_mode & 0o170000 != 0o100000 or not bundled.st_size or directory.st_mode & 0o170000 != 0o040000:
        return "incomplete"
    if directory.st_mtime >= around.st_mtime and not os.listdir(crts):
        return "incomplete"

    if "\n-" in text:  # values that the user has adopted: they are replaced, wherever they stand
        for line in lines:
            variable, _, value = line[1:].partition("=")
            if line[:1] == "-" and variable in VARIABLES and variable in names and environ[variable] == value:
                environ[variable] = applied[variable] = adopted(variable, folder)
    for other in names.intersection(HOLDS_BACK):
        value = environ[other]
        if not value.startswith(store + sep) or os.pathsep in value:
            names.add(HOLDS_BACK[other])
    chosen = "ssl,requests,certifi"
    for line in lines:
        variable, _, value = line.partition("=")
        if variable == "CERTBOOT_GUARDS":
            chosen = value
        elif variable == "CERTBOOT_HINTS":
            hints = value
        elif variable not in names and variable in VARIABLES and (value == bundle or value == crts):
            environ[variable] = applied[variable] = value

    generation = folder
    if "CERTBOOT_GUARDS" in names:
        chosen = environ["CERTBOOT_GUARDS"]
    if chosen and chosen != "none" and _this not in sys.meta_path:
        switches = chosen
        sys.meta_path.insert(0, _this)
        imported = GUARDED.keys() & sys.modules.keys()
        if imported:  # another .pth file was first
            _guards("guard_imported", imported)
    return "active"


def _guards(function, names, *arguments):
    # type: (str, set[str], *object) -> object
    # Calls a function of guards.py for these modules.
    global _loaded
    try:
        if _loaded is None:
            _loaded = part("guards")
        return getattr(_loaded, function)(*arguments)
    except Exception as error:
        guarded.update(dict.fromkeys(names, "stepped aside: " + type(error).__name__))
    return None


def part(name):
    # type: (str) -> Any
    """Return another module of this package, loaded for this very one, which it knows as ``hook``."""
    # It is not imported by its name: a program may have taken this one out of sys.modules, as PEX does with all that
    # its interpreter has found in site-packages, and would get another.
    kind = type(__spec__.loader)  # type: Any
    if kind.__name__ != "SourceFileLoader":  # in an archive; what freezes programs looks for imports by these names
        from certboot_startup import guards, hint

        return guards if name == "guards" else hint
    module = type(sys)(__name__ + "." + name)
    vars(module)["hook"] = _this
    kind(module.__name__, __path__[0] + os.sep + name + ".py").exec_module(module)
    sys.modules[module.__name__] = module
    return module


# There is one hook in a process: who imports it once more, after it was taken out of sys.modules, gets that at work.
_this = sys.modules[__name__]  # type: Any
for _finder in sys.meta_path:
    if getattr(_finder, "__name__", "") == __name__:
        sys.modules[__name__] = _finder  # type: ignore[assignment]
