"""Try clients at a server whose root strict verification refuses: before ``certboot trust --stand-in``, and after.

    .venv-test/bin/python scripts/stand_ins.py                 a table, of the Pythons and programs of this machine
    .venv-test/bin/python scripts/stand_ins.py --no-openssl    without the OpenSSLs in wheels of cryptography

scripts/other_pythons.py runs it here and in the chroot, and writes both tables into docs/platforms.md. Each client is
started as its user starts it, who has set nothing but HOME and PATH. The exit status is 0 if all is as it must be: who
verifies strictly refuses before, all accept after, and all refuse a stranger with a root of the same name throughout.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import typing
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from support.environments import (
    ROOT,
    STRICT_VERSIONS,
    SYSTEM_PATH,
    VERSIONS,
    Environment,
    find_python,
    installer,
    make_environment,
    versions_here,
)
from support.openssls import WHEELS, Question, judge, wheel
from support.pages import QUIET, pages
from support.pki import CA, LEAF, changed, make, on_server
from support.programs import outcome, present
from support.server import TlsServer

from certboot.pki import pem

OLDEST = "3.10"
"""The oldest Python that certboot runs on."""
LIBRARIES = ("requests", "httpx", "urllib", "aiohttp")
FAULTY = changed(CA, critical=False, usage=False, ski=False)
HOSTS = changed(LEAF, names=("localhost",))
REFUSED, OK = "refused", "ok"
Ask = typing.Callable[[TlsServer], str]
"""Asks a server, and returns in a word what came of it."""
GO = """\
package main
import ("fmt"; "net/http"; "os")
func main() {
    answer, err := http.Get(os.Args[1])
    if err != nil { fmt.Fprintln(os.Stderr, err); os.Exit(1) }
    fmt.Println(answer.Status)
}
"""
JAVA = """\
public class Get {
    public static void main(String[] args) throws Exception {
        System.out.println(new String(new java.net.URI(args[0]).toURL().openStream().readAllBytes()));
    }
}
"""
VERSION = re.compile(r"\d+(\.\d+)+")


class Client(typing.NamedTuple):
    """A client of one version, and how to ask a server with it."""

    name: str
    strict: bool
    """Whether it verifies by strict rules."""
    ask: Ask


class Row(typing.NamedTuple):
    """What came of a client: at the server before and after, and at the stranger's after."""

    name: str
    strict: bool
    before: str
    after: str
    stranger: str

    @property
    def right(self) -> bool:
        """Whether it refused before if it is strict, accepted after, and refused the stranger."""
        return self[2:] == (REFUSED if self.strict else OK, OK, REFUSED)


class Place(typing.NamedTuple):
    """Where all is made."""

    folder: Path
    environment: Environment
    """That in which certboot is run."""

    @property
    def home(self) -> Path:
        """The HOME of the user with the store."""
        return self.folder / "home"

    @property
    def current(self) -> Path:
        """The generation in force."""
        return self.home / ".local/share/certboot/current"

    def certboot(self, *argv: str | Path) -> None:
        """Run a command of certboot's; its output is shown when it fails."""
        ran = self.environment.run("certboot", *argv, home=self.home, **QUIET)
        if ran.status:
            raise SystemExit(f"stand_ins: error: certboot {argv[0]} failed\n{ran.out}{ran.err}")


def main() -> int:
    """Print the table; return 1 where a client does not do what it must."""
    parser = argparse.ArgumentParser(description="Clients before and after certboot trust --stand-in.")
    parser.add_argument("--no-openssl", action="store_true", help="leave out the OpenSSLs in wheels of cryptography")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="certboot-stand-ins-") as folder:
        Path(folder).chmod(0o755)  # in a folder of root's that nobody else may enter, the guard reads the bundle
        rows = tried(Path(folder), openssl=not arguments.no_openssl)
    print(json.dumps(rows) if arguments.json else "\n".join(markdown(rows)))
    for row in rows:
        if not row.right:
            sys.stderr.write(f"stand_ins: error: {row}\n")
    return 0 if all(row.right for row in rows) else 1


def markdown(rows: typing.Iterable[Row]) -> typing.Iterator[str]:
    """Yield the lines of the table."""
    yield "| client | before | after |"
    yield "|---|---|---|"
    for row in rows:
        yield f"| {row.name} | {row.before} | {row.after} |"


def tried(folder: Path, *, openssl: bool) -> list[Row]:
    """Make the store and the servers, ask with every client, make the stand-in, and ask again."""
    root, other = (make("Old Root", form=FAULTY) for _ in range(2))
    below, stranger = (make("localhost", above, HOSTS) for above in (root, other))
    pythons = environments(folder)
    place = Place(folder, next(iter(pythons.values())))
    place.home.mkdir(0o755)
    (place.home / "old.pem").write_bytes(root.pem)
    place.certboot("init", "--add", "old.pem")
    servers = (TlsServer(on_server(leaf), pages=pages()) for leaf in (below, stranger))
    with contextlib.closing(next(servers)) as server, contextlib.closing(next(servers)) as strange:
        clients = [*libraries(pythons, place), *programs(place)]
        before = [client.ask(server) for client in clients]
        place.certboot("trust", f"localhost:{server.port}", "--stand-in", "--yes")
        rows = [
            Row(client.name, client.strict, was, client.ask(server), client.ask(strange))
            for client, was in zip(clients, before, strict=True)
        ]
    if openssl:
        anchors = [block.data or b"" for block in pem.blocks((place.current / "bundle.pem").read_bytes())]
        (stand_in,) = (anchor for anchor in anchors if root.certificate.subject.public_bytes() in anchor)
        rows += by_wheels(root.der, stand_in, below.der, stranger.der)
    return rows


def environments(folder: Path) -> dict[str, Environment]:
    """Make a virtualenv of each Python of this machine that certboot runs on, with certboot and the libraries."""
    installer(sys.executable, "-m", "build", "--no-isolation", "--wheel", "-o", folder, ROOT)
    (wheel_of_certboot,) = folder.glob("*.whl")
    packages = (wheel_of_certboot, "requests", "httpx", "aiohttp", "uv")
    found = versions_here(*VERSIONS[VERSIONS.index(OLDEST) :])
    return {name: make_environment(folder / name, *packages, python=find_python(name)) for name in found}


def libraries(pythons: typing.Mapping[str, Environment], place: Place) -> typing.Iterator[Client]:
    """Yield the libraries of each Python, all of which are to say the same."""
    for version, environment in pythons.items():
        about = "import platform, ssl; print(platform.python_version(), ssl.OPENSSL_VERSION.split()[1])"
        python, openssl = environment.run("python", "-c", about, home=place.home).out.split()
        name = f"Python {python} with OpenSSL {openssl}: {', '.join(LIBRARIES)}"
        yield Client(name, version in STRICT_VERSIONS, by_libraries(environment, place.home))


def by_libraries(environment: Environment, home: Path) -> Ask:
    """Return what asks with all of the libraries."""
    return lambda server: " and ".join(
        sorted({outcome(environment, library, server.url, home) for library in LIBRARIES})
    )


def programs(place: Place) -> typing.Iterator[Client]:
    """Yield the programs of this machine, as a Python or ``certboot run`` starts them."""
    for name in present("curl", "git", "node", "uv"):
        yield Client(versioned(name, place), strict=False, ask=by_hook(name, place))
    if present_here("gnutls-cli"):
        command = ["gnutls-cli", "--x509cafile={bundle}", "--port={port}", "localhost"]
        yield Client(versioned("gnutls-cli", place), strict=False, ask=by_command(command, place))
    if present_here("go"):
        (place.folder / "get.go").write_text(GO)
        building = {"HOME": str(place.folder), "PATH": SYSTEM_PATH, "GOCACHE": str(place.folder / "go")}
        build = ["go", "build", "-o", "get", "get.go"]
        subprocess.run(build, env=building, cwd=place.folder, check=True, capture_output=True)
        yield Client(versioned("go", place), strict=False, ask=by_command(["{folder}/get", "{url}/page"], place))
    if present_here("java"):
        (place.folder / "Get.java").write_text(JAVA)
        yield Client(versioned("java", place), strict=False, ask=by_java(place))
    strict = ["openssl", "s_client", "-x509_strict", "-partial_chain", "-verify_return_error", "-brief",
              "-CAfile", "{bundle}", "-connect", "localhost:{port}"]  # fmt: skip
    yield Client(f"{versioned('openssl', place)} s_client -x509_strict", strict=True, ask=by_command(strict, place))


def versioned(program: str, place: Place) -> str:
    """Return the name of a program with its version."""
    option = "version" if program in ("go", "openssl") else "--version"
    ran = place.environment.run(program, option, home=place.home)
    found = VERSION.search(ran.out + ran.err)
    return f"{program} {found[0] if found else '?'}"


def present_here(program: str) -> bool:
    """Return whether this machine has a program."""
    return shutil.which(program, path=SYSTEM_PATH) is not None


def by_hook(name: str, place: Place) -> Ask:
    """Return what asks with a program that a Python with the hook starts."""
    return lambda server: outcome(place.environment, name, server.url, place.home)


def by_command(command: typing.Sequence[str], place: Place) -> Ask:
    """Return what asks with a command below ``certboot run``."""

    def ask(server: TlsServer) -> str:
        values = {
            "folder": place.folder,
            "bundle": place.current / "bundle.pem",
            "url": server.url,
            "port": server.port,
        }
        argv = [part.format_map(values) for part in command]
        ran = place.environment.run("certboot", "run", "--", *argv, home=place.home)
        said = ran.out + ran.err
        return OK if ran.status == 0 else REFUSED if re.search("certificat|PKIX|verif", said) else said

    return ask


def by_java(place: Place) -> Ask:
    """Return what asks with Java, which is given what the store exports."""
    store = place.folder / "cacerts"
    options = [f"-Djavax.net.ssl.trustStore={store}", "-Djavax.net.ssl.trustStorePassword=changeit"]
    asking = by_command(["java", *options, "{folder}/Get.java", "{url}/page"], place)

    def ask(server: TlsServer) -> str:
        place.certboot("export", "--format", "java-cacerts", "--stand-ins", "--force", store)
        return asking(server)

    return ask


def by_wheels(root: bytes, stand_in: bytes, leaf: bytes, stranger: bytes) -> list[Row]:
    """Return what the OpenSSLs in the wheels of cryptography say, by strict rules, of the root and of its stand-in."""
    questions = [
        Question((sent,), (trusted,), "localhost", strict=True, partial=True)
        for sent, trusted in ((leaf, root), (leaf, stand_in), (stranger, stand_in))
    ]
    rows = []
    for version in WHEELS:
        judged = judge(wheel(version), questions)
        before, after, other = (REFUSED if code else OK for code in judged.answers)
        name = f"OpenSSL {'.'.join(map(str, judged.version))} in cryptography {version}, strict"
        rows.append(Row(name, strict=True, before=before, after=after, stranger=other))
    return rows


if __name__ == "__main__":
    sys.exit(main())
