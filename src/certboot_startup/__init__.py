"""The start-up hook: at interpreter start, point unset CA variables at the user's certboot store.

``certboot_startup.pth`` (Python up to 3.14) or ``certboot_startup.start`` (PEP 829, Python 3.15) calls ``activate()``.
Standard library only, no network, no subprocess, no writes, no output, and never an exception: whatever is wrong, the
interpreter starts as if the hook were not there. This file is also copied into other interpreters, so it imports
nothing of certboot and keeps to the syntax of Python 3.8. It is written for few instructions: every start pays them.
"""

import os
import sys

# The first of a pair also stays unset while the second has a value that is not ours: one client reads both, and the
# first would overrule or widen what the user chose with the second. requests takes REQUESTS_CA_BUNDLE before
# CURL_CA_BUNDLE and, inside pip, before PIP_CERT; httpx ignores SSL_CERT_DIR once SSL_CERT_FILE is set.
YIELDS = (
    ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    ("REQUESTS_CA_BUNDLE", "PIP_CERT"),
    ("SSL_CERT_FILE", "SSL_CERT_DIR"),
    ("SSL_CERT_DIR", "SSL_CERT_FILE"),
)

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
    """Return the absolute folder of the store, by the rules of ``platformdirs.user_data_dir("certboot")``, or ""."""
    if "CERTBOOT_HOME" in names and environ["CERTBOOT_HOME"]:
        home = environ["CERTBOOT_HOME"]
        return home if os.path.isabs(home) else ""
    if os.name == "nt":
        return environ["LOCALAPPDATA"] + "\\certboot\\certboot" if "LOCALAPPDATA" in names else ""
    home = environ["XDG_DATA_HOME"] if "XDG_DATA_HOME" in names else ""
    if home[:1] != "/":
        home = environ["HOME"] if "HOME" in names else ""
        if home[:1] != "/":
            import pwd

            home = pwd.getpwuid(os.getuid()).pw_dir
        home += "/Library/Application Support" if sys.platform == "darwin" else "/.local/share"
    return home + "/certboot"


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
    folder = lines[0].partition("=")[2].rpartition(sep)[0]
    bundle = folder + sep + "bundle.pem"
    crts = folder + sep + "crts"
    if not folder.startswith(home + sep):
        return "bad-env"
    # Whoever can write one of these decides what this user trusts. (On Windows the profile's own rights protect it.)
    parts = (found, stat(home), stat(home + sep + "generations"), stat(folder), stat(crts), stat(bundle))
    if os.name == "posix":
        for found in parts:
            if found.st_mode & 0o022 or (found.st_uid and found.st_uid != os.geteuid()):
                return "unsafe"
    # An empty bundle or directory would tell most clients to trust nobody.
    with os.scandir(crts) as entries:
        if not (parts[-1].st_size and next(entries, None)):
            return "incomplete"

    ours = (bundle, crts)
    for variable, other in YIELDS:
        if other in names and environ[other] not in ours:
            names.add(variable)
    for line in lines:
        variable, _, value = line.partition("=")
        if variable not in names and value in ours:
            environ[variable] = applied[variable] = value
    return "active"
