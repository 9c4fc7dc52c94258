"""Record what certboot shows on a terminal of 80 columns, from real runs against servers on loopback.

    python3 scripts/terminals.py            writes docs/terminals/*.txt anew
    python3 scripts/terminals.py --check    writes nothing, and fails where something would have changed

Runs certboot with the Python that runs this: that of the virtualenv of scripts/check.py. What differs from run to run
is made alike, column for column: the machine's paths, ports, dates, fingerprints, and how many CAs certifi has.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.faults import ProxyTalk
from support.pki import CA, DAY, LEAF, NOW, Form, Issued, changed, make, on_server
from support.pseudo_terminal import shown
from support.server import Listener, PlainServer, TlsServer, page

FOLDER = ROOT / "docs" / "terminals"
MOST_LINES = 25
COLUMNS = 80
_FIRST = 3  # lines in which the cause stands
# As long as the names that tempfile makes up in /tmp, so that lines are broken where they were.
_HOME = "/home/someone"
_WRITTEN_OVER = re.compile(r"\r[^\r\n\x1b]*\x1b\[K")
_ALIKE = (
    (re.compile(r"(localhost|127\.0\.0\.1):\d{5}"), r"\1:44300"),
    (re.compile(r"\d{4}-\d{2}-\d{2}"), "2027-01-31"),
    (re.compile(r"\d{2}:\d{2} UTC"), "12:00 UTC"),
    (re.compile(r"\b\d{2,3} CAs"), "165 CAs"),
    (re.compile(r"certifi \(\d{2,3}\)"), "certifi (164)"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "0123456789abcdef" * 4),
    (re.compile(r"\b[0-9a-f]{16}\b"), "0123456789abcdef"),
)

_COMPANY = make("Example Company Root", form=CA)
_ISSUING = make("Example Company Issuing CA", _COMPANY, CA)
_UNKNOWN = make("Another Company Root", form=changed(CA, organisation="Another Company"))
_INSPECTING = make("Zscaler Root CA", form=changed(CA, organisation="Zscaler Inc."))
_OLD_FORM = make("Example Company Old Root", form=changed(CA, ski=False))


class Served(NamedTuple):
    """A server, and the hosts that lead to it."""

    hosts: tuple[str, ...]
    form: Form
    sent: tuple[Issued, ...] = ()
    issuer: Issued | None = None
    """Of its certificate; without one nothing listens there."""


@dataclass(frozen=True)
class Scene:
    """One command on one terminal."""

    cause: str
    """The id that is to stand in the first lines, or their words where all is well."""
    issuer: Issued | None = None
    """Who has issued the server's certificate; without one there is no server."""
    form: Form = LEAF
    sent: tuple[Issued, ...] = ()
    proxy: bool = False
    trusted: Issued | None = _COMPANY
    """What is added to the store; None: there is no store."""
    inits: int = 1
    """How often the store is filled before."""
    argv: tuple[str, ...] = ("doctor",)
    fleet: tuple[Served, ...] = ()
    """The servers of hosts.txt."""
    variables: dict[str, str] = field(default_factory=dict)
    fetched: bool = False
    """The server's certificate says where its issuer's lies, and there it is."""
    before: tuple[str, ...] = ()
    """What certboot is told to do with the server before."""
    answer: str = ""
    """What somebody types when asked."""


_GOOD = tuple(
    f"{name}.example"
    for name in ["www", "mail", "api", "git", "ci", "docs", "chat", "ldap", "proxy", "db", "auth", "status"]
)
_FLEET = (
    Served((*_GOOD, "shop.example"), changed(LEAF, names=_GOOD), (_ISSUING,), _ISSUING),
    Served(
        ("wiki.intranet.example", "printer-3.second-floor.headquarters.example"),
        changed(
            LEAF, names=("*.intranet.example", "*.second-floor.headquarters.example"), issuer_at="http://pki.example/"
        ),
        (),
        _ISSUING,
    ),
    Served(("nas.intranet.example",), changed(LEAF, names=("nas.intranet.example",)), (_UNKNOWN,), _UNKNOWN),
    Served(
        ("old.example",),
        changed(LEAF, names=("old.example",), valid=(NOW - 90 * DAY, NOW - 3 * DAY)),
        (_ISSUING,),
        _ISSUING,
    ),
    Served(
        ("vpn.example",),
        changed(LEAF, names=("vpn.example",), valid=(NOW - 81 * DAY, NOW + 9.5 * DAY)),
        (_ISSUING,),
        _ISSUING,
    ),
    Served(
        ("edge.example",),
        changed(LEAF, names=("edge.example",), valid=(NOW - 5 * DAY, NOW + 1.2 * DAY)),
        (_ISSUING,),
        _ISSUING,
    ),
    Served(("gone.example",), LEAF),
)
_INIT = ("init", "--source", "certifi", "--add", "company.pem")
_REPAIR = ("repair", "--allow-private")
SCENES = {
    "init": Scene("CAs in generation 1", inits=0, argv=_INIT),
    "init-again": Scene("nothing new", argv=_INIT),
    "doctor": Scene("CAs, read today"),
    "doctor-before-init": Scene("store-missing", trusted=None),
    "doctor-one-problem": Scene("variable-points-nowhere", variables={"REQUESTS_CA_BUNDLE": "/opt/company/ca.pem"}),
    "host": Scene("handshake-ok", _ISSUING, sent=(_ISSUING,)),
    "host-missing-intermediate": Scene(
        "missing-intermediate", _ISSUING, changed(LEAF, issuer_at="http://pki.example.com/issuing.cer")
    ),
    "host-unknown-issuer": Scene("missing-intermediate", _ISSUING),
    "host-untrusted-root": Scene("untrusted-root", _UNKNOWN, sent=(_UNKNOWN,)),
    "host-expired": Scene("expired-leaf", _ISSUING, changed(LEAF, valid=(NOW - 90 * DAY, NOW - DAY)), (_ISSUING,)),
    "host-wrong-name": Scene(
        "hostname-mismatch", _ISSUING, changed(LEAF, names=("intranet.example", "www.intranet.example")), (_ISSUING,)
    ),
    "host-inspected": Scene("untrusted-root", _INSPECTING, sent=(_INSPECTING,), proxy=True),
    "host-strict": Scene("strict-missing-ski", _OLD_FORM, trusted=_OLD_FORM),
    "scan": Scene("missing-intermediate", fleet=_FLEET, argv=("scan", "--file", "hosts.txt")),
}
SCENES |= {
    "repair": Scene("does not send", _ISSUING, fetched=True, argv=_REPAIR, answer="y"),
    "repair-again": Scene("repaired already", _ISSUING, fetched=True, argv=_REPAIR, before=(*_REPAIR, "--yes")),
    "repair-not-possible": Scene("does not send all certificates", _ISSUING, argv=_REPAIR),
    "trust-file": Scene("not trusted here", argv=("trust", "partner.pem"), answer="y"),
    "trust-host": Scene("not trusted here", _UNKNOWN, sent=(_UNKNOWN,), argv=("trust",), answer="y"),
}
if sys.version_info < (3, 13):
    SCENES["host-strict-3.12"] = SCENES.pop("host-strict")


def recorded() -> dict[str, str]:
    """Return what each scene shows, by the name of its file."""
    with tempfile.TemporaryDirectory(prefix="", dir="/tmp") as folder:  # its length counts
        home = Path(folder)
        home.chmod(0o755)
        (home / "venv").symlink_to(sys.prefix)
        python = home / "venv" / "bin" / "python"
        environ = {
            "HOME": folder,
            "PATH": str(python.parent),
            "TERM": "xterm",
            "NO_COLOR": "1",
            "LANG": "C.UTF-8",
            "PIP_CONFIG_FILE": os.devnull,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(_published_certifi(home / "packages")),
        }
        return {f"{name}.txt": _played(scene, home, environ) for name, scene in SCENES.items()}


def _published_certifi(folder: Path) -> Path:
    """Make a folder with certifi as it was published: some machines append a CA to the file of the one installed."""
    installed = metadata.distribution("certifi")
    for file in installed.files or ():
        size = file.size if file.name == "cacert.pem" else None
        if file.suffix != ".pyc" and ".." not in file.parts:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(file.read_binary()[:size])
    return folder


def _played(scene: Scene, home: Path, environ: dict[str, str]) -> str:
    python, store = home / "venv" / "bin" / "python", home / "store"
    environ = {**environ, "CERTBOOT_HOME": str(store)}
    if scene.trusted:
        (home / "company.pem").write_bytes(scene.trusted.pem)
        (home / "partner.pem").write_bytes(_UNKNOWN.pem)
        for _ in range(scene.inits):
            subprocess.run(
                (python, "-m", "certboot", *_INIT), env=environ, cwd=home, check=True, stdout=subprocess.DEVNULL
            )
    words = [*(f"{name}={value}" for name, value in scene.variables.items()), "certboot", *scene.argv]
    with _served(scene, home) as (target, proxy):
        environ |= {**scene.variables, **({"HTTPS_PROXY": proxy} if proxy else {})}
        if scene.before:
            subprocess.run(
                (python, "-m", "certboot", *scene.before, *target), env=environ, check=True, stdout=subprocess.DEVNULL
            )
        text = shown((python, "-m", "certboot", *scene.argv, *target), environ, COLUMNS, home, scene.answer)
    shutil.rmtree(store, ignore_errors=True)
    text = _WRITTEN_OVER.sub("", f"$ {' '.join([*words, *target])}\n{text}").replace(str(home), _HOME)
    for pattern, alike in _ALIKE:
        text = pattern.sub(alike, text)
    return text


@contextlib.contextmanager
def _served(scene: Scene, home: Path) -> Iterator[tuple[list[str], str]]:
    """Yield what names the scene's server, and the address of the proxy on the way to it."""
    with contextlib.ExitStack() as stack:
        lines = []
        for served in scene.fleet:
            port = 1
            if served.issuer:
                leaf = make(served.form.names[0], served.issuer, served.form)
                port = stack.enter_context(contextlib.closing(TlsServer(on_server(leaf, *served.sent)))).port
            lines += [f"{host} 127.0.0.1:{port}\n" for host in served.hosts]
        (home / "hosts.txt").write_text("".join(lines))
        if not scene.issuer:
            yield [], ""
            return
        form = scene.form
        if scene.fetched:
            pages = PlainServer({"/issuing.cer": page(scene.issuer.der)})
            form = changed(form, issuer_at=f"{stack.enter_context(contextlib.closing(pages)).url}/issuing.cer")
        leaf = make(form.names[0], scene.issuer, form)
        server = stack.enter_context(contextlib.closing(TlsServer(on_server(leaf, *scene.sent))))
        proxy = stack.enter_context(contextlib.closing(Listener(ProxyTalk()))) if scene.proxy else None
        yield [server.shown], f"http://127.0.0.1:{proxy.port}" if proxy else ""


def faults(texts: dict[str, str]) -> Iterator[str]:
    """Yield what is not as people are promised: too long, too wide, or its cause too far down."""
    for name, text in texts.items():
        prompt, *lines = text.splitlines()
        if len([prompt, *lines]) > MOST_LINES:
            yield f"{name}: {1 + len(lines)} lines"
        if SCENES[name.removesuffix(".txt")].cause not in "\n".join(lines[:_FIRST]):
            yield f"{name}: the cause is not in the first {_FIRST} lines"
        yield from (f"{name}: too wide: {line}" for line in lines if len(line) > COLUMNS and not _is_command(line))


def _is_command(line: str) -> bool:
    return line.startswith(("fix here: certboot ", "hint: certboot ", f"{' ' * 12}certboot "))


def changes(texts: dict[str, str]) -> Iterator[str]:
    """Yield the names of the files that do not hold what was shown."""
    for name, text in texts.items():
        path = FOLDER / name
        if not path.exists() or path.read_text("utf-8") != text:
            yield name


def main() -> int:
    """Write the files, or with ``--check`` return 1 where they are not current; 1 too for what is not as promised."""
    texts = recorded()
    for fault in faults(texts):
        sys.stderr.write(f"terminals: error: {fault}\n")
    stale = list(changes(texts))
    if sys.argv[1:] == ["--check"]:
        for name in stale:
            sys.stderr.write(f"terminals: error: not what is shown now: {FOLDER / name}\n{texts[name]}\n")
        return int(bool(stale) or any(faults(texts)))
    FOLDER.mkdir(exist_ok=True)
    for name in stale:
        (FOLDER / name).write_text(texts[name], "utf-8")
    return int(any(faults(texts)))


if __name__ == "__main__":
    sys.exit(main())
