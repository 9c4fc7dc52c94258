"""The start-up hook: at interpreter start, point unset CA variables at the user's certboot store."""
# certboot_startup.pth (Python up to 3.14) or certboot_startup.start (PEP 829, Python 3.15) calls activate(). Standard
# library only, no network, no subprocess, no writes, no output, and never an exception: whatever is wrong, the
# interpreter starts as if the hook were not there. This file is also copied into other interpreters, so it imports
# nothing of certboot and keeps to the syntax of Python 3.8. Every start of Python pays for it, so it is written for few
# instructions: what is said in comments, not in docstrings, need not be loaded.

import os
import sys

# While the variable on the left has a value that is not ours, the one on the right stays unset: one client reads both,
# and the second would overrule or widen what the user chose with the first. requests takes REQUESTS_CA_BUNDLE before
# CURL_CA_BUNDLE and, inside pip, before PIP_CERT; httpx ignores SSL_CERT_DIR once SSL_CERT_FILE is set.
HOLDS_BACK = {
    "CURL_CA_BUNDLE": "REQUESTS_CA_BUNDLE",
    "PIP_CERT": "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR": "SSL_CERT_FILE",
    "SSL_CERT_FILE": "SSL_CERT_DIR",
    "GIT_SSL_CAPATH": "GIT_SSL_CAINFO",
}

applied = {}  # type: dict[str, str]  # what activate() set in this process: variable -> value
status = ""  # in a word, what activate() did or why it did nothing (certboot doctor reads it); empty: it has not run


def activate():
    # type: () -> None
    """Set what the store's ``env`` file lists and nobody has set yet. Called more than once, acts once."""
    global status
    if not status:
        try:
            status = _activate(os.environ, set(os.environ))
        except Exception as error:  # the interpreter must start, whatever happens here
            status = type(error).__name__


def store_home(environ, names):
    # type: (os._Environ[str] | dict[str, str], set[str]) -> str
    """Return the absolute folder of the store, or ""; ``names`` are those set in ``environ``."""
    # The rules of platformdirs.user_data_dir("certboot"). certboot itself asks here too, so that there is one rule.
    if "CERTBOOT_HOME" in names and environ["CERTBOOT_HOME"]:
        home = environ["CERTBOOT_HOME"]
        return os.path.normpath(home) if os.path.isabs(home) else ""
    if os.name == "nt":
        return os.path.normpath(environ["LOCALAPPDATA"] + "/certboot/certboot") if "LOCALAPPDATA" in names else ""
    home = environ["XDG_DATA_HOME"] if "XDG_DATA_HOME" in names else ""
    if home[:1] != "/":
        home = environ["HOME"] if "HOME" in names else ""
        if home[:1] != "/":
            import pwd

            home = pwd.getpwuid(os.getuid()).pw_dir
        home += "/Library/Application Support" if sys.platform == "darwin" else "/.local/share"
    home += "/certboot"
    # normpath costs as much as the rest of this function, and is hardly ever needed.
    return os.path.normpath(home) if "//" in home or "/./" in home or "/../" in home else home


def _activate(environ, names):
    # type: (os._Environ[str], set[str]) -> str
    sep = os.sep
    stat = os.stat
    if "CERTBOOT_DISABLE" in names and environ["CERTBOOT_DISABLE"] not in ("0", ""):
        return "disabled"
    home = store_home(environ, names)
    if not home:
        return "homeless"
    env = home + sep + "env"
    try:
        # A regular file (opening a FIFO would block for ever), and a small one: certboot's own is under 2 KiB.
        found = stat(env)
        if found.st_mode & 0o170000 != 0o100000 or found.st_size > 65536:
            return "bad-env"
        descriptor = os.open(env, os.O_RDONLY)
    except OSError:
        return "no-store"
    lines = os.fsdecode(os.read(descriptor, 65536)).split("\n")
    os.close(descriptor)

    # Every value is the bundle or the directory of one generation inside the store: nothing else is ever set.
    generations = home + sep + "generations"
    folder = lines[0].partition("=")[2].rpartition(sep)[0]
    bundle = folder + sep + "bundle.pem"
    crts = folder + sep + "crts"
    if folder != home + sep + "current" and folder.rpartition(sep)[0] != generations:
        return "nothing-to-set" if lines == [""] else "bad-env"
    # Whoever can write one of these decides what this user trusts. (On Windows the profile's own rights protect it.)
    parts = (found, stat(home), stat(generations), stat(folder), stat(crts), stat(bundle))
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

    for other in names.intersection(HOLDS_BACK):
        value = environ[other]
        if not value.startswith(home + sep) or os.pathsep in value:
            names.add(HOLDS_BACK[other])
    for line in lines:
        variable, _, value = line.partition("=")
        if variable not in names and (value == bundle or value == crts):
            environ[variable] = applied[variable] = value
    return "active"
