"""The start-up hook: at interpreter start, point unset CA variables at the user's certboot store."""
# certboot_startup.pth (Python up to 3.14) or certboot_startup.start (PEP 829, Python 3.15) calls activate(). Standard
# library only, no network, no subprocess, no writes, no output, and never an exception: whatever is wrong, the
# interpreter starts as if the hook were not there. This package is also copied into other interpreters, so it imports
# nothing of certboot and keeps to the syntax of Python 3.8. Every start of Python pays for this file, so it is written
# for few instructions: what is said in comments, not in docstrings, need not be loaded. guards.py is loaded only by a
# program that imports one of GUARDED.

import os
import sys

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

# Module -> the guard that is set on it, once it is imported: a name that CERTBOOT_GUARDS knows.
GUARDED = {
    "ssl": "ssl",
    "requests.sessions": "requests",
    "pip._vendor.requests.sessions": "requests",
    "certifi.core": "certifi",
    "pip._vendor.certifi.core": "certifi",
}

applied = {}  # type: dict[str, str]  # what activate() set in this process: variable -> value
status = ""  # in a word, what activate() did or why it did nothing (certboot doctor reads it); empty: it has not run
home = ""  # the store's folder as it is recorded beside a hook that serves a store of its own; empty: none is
generation = ""  # the folder of the generation in force, as the env file names it; empty: the hook is not active
switches = ""  # the guards that are on, as CERTBOOT_GUARDS has them; empty: none is
guarded = {}  # type: dict[str, str]  # module -> "waiting", "applied" or "stepped aside: why"; guards.py writes it


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
    # The rules of platformdirs.user_data_dir("certboot"). certboot itself asks here too, so that there is one rule.
    folder = (environ["CERTBOOT_HOME"] if "CERTBOOT_HOME" in names else "") or home
    if folder:
        return os.path.normpath(folder) if os.path.isabs(folder) else ""
    if os.name == "nt":
        return os.path.normpath(environ["LOCALAPPDATA"] + "/certboot/certboot") if "LOCALAPPDATA" in names else ""
    folder = environ["XDG_DATA_HOME"] if "XDG_DATA_HOME" in names else ""
    if folder[:1] != "/":
        folder = environ["HOME"] if "HOME" in names else ""
        if folder[:1] != "/":
            import pwd

            folder = pwd.getpwuid(os.getuid()).pw_dir
        folder += "/Library/Application Support" if sys.platform == "darwin" else "/.local/share"
    folder += "/certboot"
    # normpath costs as much as the rest of this function, and is hardly ever needed.
    return os.path.normpath(folder) if "//" in folder or "/./" in folder or "/../" in folder else folder


def find_spec(name, path=None, target=None):
    # type: (str, object, object) -> object
    """Find a module of GUARDED, so that it is guarded once it is executed: this module is a finder on sys.meta_path."""
    if name in GUARDED:
        try:
            from certboot_startup import guards

            return guards.find_spec(name, path, target)
        except Exception as error:
            guarded[name] = "stepped aside: " + type(error).__name__
    return None


def _activate(environ, names):
    # type: (os._Environ[str], set[str]) -> str
    global generation, switches
    sep = os.sep
    stat = os.stat
    if "CERTBOOT_DISABLE" in names and environ["CERTBOOT_DISABLE"] not in ("0", ""):
        return "disabled"
    store = store_home(environ, names)
    if not store:
        return "homeless"
    env = store + sep + "env"
    try:
        # A regular file (opening a FIFO would block for ever), and a small one: certboot's own is under 2 KiB.
        found = stat(env)
        if found.st_mode & 0o170000 != 0o100000 or found.st_size > 65536:
            return "bad-env"
        descriptor = os.open(env, os.O_RDONLY)
    except OSError:
        return "no-store"
    text = os.fsdecode(os.read(descriptor, 65536))
    lines = text.split("\n")
    os.close(descriptor)

    # Every value is the bundle or the directory of one generation inside the store: nothing else is ever set.
    generations = store + sep + "generations"
    folder = lines[0].partition("=")[2].rpartition(sep)[0]
    bundle = folder + sep + "bundle.pem"
    crts = folder + sep + "crts"
    if folder != store + sep + "current" and folder.rpartition(sep)[0] != generations:
        return "nothing-to-set" if lines == [""] else "bad-env"
    # Whoever can write one of these decides what this user trusts. (On Windows the profile's own rights protect it.)
    parts = (found, stat(store), stat(generations), stat(folder), stat(crts), stat(bundle))
    if os.name == "posix":
        for found in parts:
            if found.st_mode & 0o022 or (found.st_uid and found.st_uid != os.geteuid()):
                return "unsafe"
    # An empty bundle or directory would tell most clients to trust nobody. A generation is written once, its directory
    # before its other files, so only one that is younger than the generation can have lost anything.
    found = parts[-1]
    if found.st_mode & 0o170000 != 0o100000 or not found.st_size:
        return "incomplete"
    if parts[-2].st_mtime > parts[-3].st_mtime and not os.listdir(crts):
        return "incomplete"

    if "\n-" in text:  # values that the user has adopted: they are replaced, wherever they stand
        for line in lines:
            variable, _, value = line[1:].partition("=")
            if line[:1] == "-" and variable in names and environ[variable] == value:
                environ[variable] = applied[variable] = crts if variable in DIRECTORIES else bundle
    for other in names.intersection(HOLDS_BACK):
        value = environ[other]
        if not value.startswith(store + sep) or os.pathsep in value:
            names.add(HOLDS_BACK[other])
    chosen = "ssl,requests,certifi"
    for line in lines:
        variable, _, value = line.partition("=")
        if variable == "CERTBOOT_GUARDS":
            chosen = value
        elif variable not in names and (value == bundle or value == crts):
            environ[variable] = applied[variable] = value

    generation = folder
    if "CERTBOOT_GUARDS" in names:
        chosen = environ["CERTBOOT_GUARDS"]
    module = sys.modules[__name__]
    if chosen and chosen != "none" and module not in sys.meta_path:
        switches = chosen
        sys.meta_path.insert(0, module)
        if GUARDED.keys() & sys.modules.keys():  # another .pth file was first
            _guard_imported()
    return "active"


def _guard_imported():
    # type: () -> None
    try:
        from certboot_startup import guards

        guards.guard_imported()
    except Exception as error:
        guarded.update(dict.fromkeys(GUARDED.keys() & sys.modules.keys(), "stepped aside: " + type(error).__name__))
