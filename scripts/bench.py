"""Measure what certboot costs and saves, beside its peers and beside not having it at all, all in one run.

    python3 scripts/bench.py              print the figures
    python3 scripts/bench.py --write      and put them into docs/benchmarks/results.json and the pages made of it
    python3 scripts/bench.py --draw       make those pages anew without measuring, see scripts/bench_page.py

Needs valgrind, for instruction counts that repeat to the last digit. Makes its virtualenvs in a temporary folder. Those
that are compared take turns, and the median counts, so that what else the machine does falls on all of them.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import bench_page
from bench_page import BARE, CERTBOOT, PTH, STOCK, Goal, Results, Row

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "scripts" / "constraints.txt"
PACKAGES = ("requests", "httpx", "aiohttp")
TRUSTSTORE, PIP_SYSTEM_CERTS, SSLYZE, OPENSSL = "truststore", "pip-system-certs", "sslyze", "openssl"
STARTS, GETS, PROCESSES, RUNS, ROUNDS, REHASHES = 30, 20, 15, 7, 3, 5
SIZES = (100, 1_000, 3_000, 10_000)
CERTIFICATES = SIZES[-1]
HOSTS, TIMEOUT = 2000, 5
Key = typing.TypeVar("Key", bound=typing.Hashable)

SERVER = """
import http.server, ssl, sys, trustme
ca = trustme.CA()
ca.cert_pem.write_to_path(sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
server.RequestHandlerClass.do_GET = lambda self: (
    self.send_response(200), self.send_header("Content-Length", "2"), self.end_headers(), self.wfile.write(b"ok"))
server.RequestHandlerClass.log_message = lambda *_: None
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
leaf = ca.issue_cert("localhost")
leaf.configure_cert(context)
leaf.private_key_and_cert_chain_pem.write_to_path(sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
server.serve_forever()
"""
# How each client gets a page with a connection of its own. aiohttp makes its context when it is imported; a program
# that wants a fresh one makes it so.
CLIENTS = {
    "requests.get": "import requests\ndef get(url): return requests.get(url).text",
    "httpx.get": "import httpx\ndef get(url): return httpx.get(url).text",
    "urllib.request.urlopen": """
import ssl, urllib.request
def get(url):
    handler = urllib.request.HTTPSHandler(context=ssl.create_default_context())
    return urllib.request.build_opener(handler).open(url).read().decode()
""",
    "aiohttp, its own context": """
import aiohttp, asyncio, ssl
async def got(url):
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=ssl.create_default_context())) as session:
        async with session.get(url) as response:
            return await response.text()
loop = asyncio.new_event_loop()
def get(url): return loop.run_until_complete(got(url))
""",
}
TIMED = f"""
import statistics, sys, time
def timed():
    begin = time.perf_counter()
    assert get(sys.argv[1]) == "ok"
    return time.perf_counter() - begin
timed()
print(1000 * statistics.median(timed() for _ in range({GETS})))
"""
ONCE = """
import sys
assert get(sys.argv[1]) == "ok"
"""
INJECT = "import truststore\ntruststore.inject_into_ssl()\n"
CONTEXT = """
import ssl, statistics, sys, time
def timed():
    begin = time.perf_counter()
    ssl.create_default_context(**dict(zip(["cafile"], sys.argv[2:])))
    return time.perf_counter() - begin
timed()
print(1000 * statistics.median(timed() for _ in range(int(sys.argv[1]))))
"""
# Both ends in one process, over memory: every handshake has the same instructions.
SHAKE = """
import ssl, sys
client, server = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(sys.argv[1])
for _ in range(int(sys.argv[2])):
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    there = server.wrap_bio(to_server, to_client, server_side=True)
    for end in (here, there, here, there):
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pass
    assert here.version() == there.version()
"""
SHAKES = (2, 22)
# Distinct certificates under one key. One in ten has the subject of its neighbour.
MAKER = f"""
import datetime, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
key = ec.generate_private_key(ec.SECP256R1())
begin = datetime.datetime(2026, 1, 1)
key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
for number in range({CERTIFICATES}):
    country, organisation = ("US", "DE", "JP", "ES")[number % 4], f"Example Trust Services {{number // 20}}"
    common = f"Example Root CA {{number - (number % 20 in (1, 2))}}"
    kinds = (NameOID.COUNTRY_NAME, NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
    values = zip(kinds, (country, organisation, common))
    name = x509.Name([x509.NameAttribute(kind, value) for kind, value in values])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1 + number, begin, begin.replace(year=2046))
    builder = builder.add_extension(x509.BasicConstraints(True, None), True).add_extension(key_id, False)
    encoded = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    pathlib.Path(sys.argv[1], f"example_root_ca_{{number:05d}}.pem").write_bytes(encoded)
"""
# With the trust of the variables, or of the hashed directory alone, which saves the program from reading the bundle.
LOOP = """
eval "$($1 env)"
while read -r name address; do
  timeout $2 openssl s_client -connect $address -servername $name -verify_hostname $name -verify_return_error $3 \\
    </dev/null >/dev/null 2>&1
done <$4
:
"""
ONLY_DIRECTORY = "-no-CAfile -CApath $SSL_CERT_DIR"
# Linux counts as a program's memory at least what its parent had: a small parent, which takes the time as well.
LAUNCHER = """
import os, sys, time
silent = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
begin = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=silent)
_, status, usage = os.wait4(child, 0)
print(time.perf_counter() - begin, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Lab:
    """Where is measured: a folder, an environment that has certboot and what it needs, a home whose store is full."""

    folder: Path
    programs: Path
    home: Path
    reports: Path | None
    interpreters: Mapping[str, Path]
    """Version -> the interpreters on which GETs are measured."""

    @property
    def certboot(self) -> Path:
        """The command."""
        return self.programs / "certboot"

    def new_home(self, name: str) -> Path:
        """Return a home without a store."""
        (self.folder / name).mkdir()
        return self.folder / name


@dataclass(frozen=True)
class Served:
    """A TLS server of a private CA."""

    port: str
    ca_file: Path
    leaf: Path

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://localhost:{self.port}/"


def main() -> int:
    """Print the figures; with --write replace those in docs/ and README.md, with --draw only make these anew."""
    parser = argparse.ArgumentParser(description="Measure what certboot costs and saves.")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/benchmarks and README.md")
    parser.add_argument("--draw", action="store_true", help="make tables and pictures anew, without measuring")
    parser.add_argument("--only", choices=MEASURES, help="measure this alone, and write nothing")
    parser.add_argument("--reports", metavar="DIR", type=Path, help="also measure with the CCADB's reports, saved here")
    parser.add_argument("--also", metavar="PYTHON", action="append", default=[], help="GETs on this one too, as 3.13")
    arguments = parser.parse_args()
    if arguments.draw:
        return bench_page.main()
    if arguments.write and arguments.only:
        parser.error("what is written is of one whole run")
    if not shutil.which("valgrind"):
        sys.stderr.write("bench: error: valgrind is missing\n\nhint: apt-get install valgrind\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # into root's own nobody else may look, and there contexts load the whole bundle
        results = measured(laboratory(Path(folder), arguments.reports, arguments.also), arguments.only)
    print(bench_page.summary(results))
    if arguments.write:
        bench_page.RESULTS.parent.mkdir(exist_ok=True)
        bench_page.RESULTS.write_text(results.to_json(), "utf-8")
        bench_page.main()
    return 0


def laboratory(folder: Path, reports: Path | None, also: Iterable[str]) -> Lab:
    """Make what all measures need."""
    here = dict(pythons())
    chosen = [Path(sys.executable), *(Path(here.get(name, name)) for name in also)]
    home = folder / "home"
    home.mkdir()
    store = folder / "store"
    tool(sys.executable, "-m", "venv", store)
    tool(store / "bin/python", "-m", "pip", "install", "-q", ROOT)
    clean(store / "bin/certboot", "init", home=home)
    question = "import platform; print(platform.python_version())"
    interpreters = {clean(python, "-c", question, home=home).strip(): python for python in chosen}
    return Lab(folder, store / "bin", home, reports and reports.absolute(), interpreters)


def measured(lab: Lab, only: str | None) -> Results:
    """Run the measures, and tell how long each takes."""
    rows: list[Row] = []
    for name in [only] if only else MEASURES:
        begin, busy = time.perf_counter(), worked()
        rows += MEASURES[name](lab)
        sys.stderr.write(
            f"bench: {name}: {time.perf_counter() - begin:.0f} s, {worked() - busy:.0f} s of a processor\n"
        )
    version = clean(lab.certboot, "--version", home=lab.home).strip()
    openssl = " ".join(clean("openssl", "version", home=lab.home).split()[:2])
    where = f"{platform.system()}, {os.cpu_count()} processors, {openssl}"
    return Results(version, next(iter(lab.interpreters)), where, tuple(rows))


def worked() -> float:
    """Return the seconds of a processor that the programs run so far have had."""
    times = os.times()
    return times.children_user + times.children_system


def starts(lab: Lab) -> Iterator[Row]:
    """Yield the cost of a start of each Python that is here: bare, with a file of one comment, with the hooks."""
    for version, python in pythons():
        folders = {
            name: lab.folder / f"{short}-{version}"  # names of one length, so that paths cost the same
            for name, short in ((BARE, "bare"), (PTH, "note"), (CERTBOOT, "hook"), (PIP_SYSTEM_CERTS, "pips"))
        }
        tool(python, "-m", "venv", folders[BARE])
        for name in (PTH, CERTBOOT, PIP_SYSTEM_CERTS):
            shutil.copytree(folders[BARE], folders[name], symlinks=True)
        (packages,) = folders[PTH].glob("lib/python*/site-packages")
        (packages / "certboot_startup.pth").write_text("# nothing\n")
        clean(lab.certboot, "hook", "install", "--python", folders[CERTBOOT], home=lab.home)
        commands = {name: (folder / "bin/python", "-c", "pass") for name, folder in folders.items()}
        here = dict.fromkeys(commands, True) | {
            PIP_SYSTEM_CERTS: has(folders[PIP_SYSTEM_CERTS] / "bin/python", PIP_SYSTEM_CERTS, "pip")
        }
        counts = {name: instructions(*command, home=lab.home) for name, command in commands.items() if here[name]}
        goal = Goal(CERTBOOT, PTH, most=1.04)
        yield Row("start", f"Python {version}", "million instructions", whole(counts, here), goal)

        def timed(command: tuple[str | Path, ...]) -> float:
            return 1000 * ran(*command, home=lab.home)[0]

        contestants = {name: functools.partial(timed, command) for name, command in commands.items() if here[name]}
        yield Row("start", f"Python {version}", "ms", whole(turns(contestants, STARTS), here))


def starts_of_bases(lab: Lab) -> Iterator[Row]:
    """Yield the cost of a start of a virtualenv whose interpreter has the hook for all, and before it had."""
    for version, python in pythons():
        base = own(Path(python), lab.folder / f"base-{version}", version, lab.home)
        venv = lab.folder / f"of-{version}"
        tool(base, "-m", "venv", venv)
        counts = {"before": instructions(venv / "bin/python", "-c", "pass", home=lab.home)}
        clean(lab.certboot, "hook", "install", "--base", "--python", base, home=lab.home)
        counts[CERTBOOT] = instructions(venv / "bin/python", "-c", "pass", home=lab.home)
        goal = Goal(CERTBOOT, "before", most=1.04)
        yield Row("base", f"Python {version}", "million instructions", whole(counts), goal)


def own(python: Path, folder: Path, version: str, home: Path) -> Path:
    """Return the program of a copy of an interpreter, without what is not its own; its library is linked."""
    places = clean(
        python, "-I", "-c", "import sys, sysconfig as s; print(sys.base_prefix, s.get_path('stdlib'))", home=home
    )
    prefix, library = map(Path, places.split())
    (folder / "bin").mkdir(parents=True)
    program = Path(shutil.copy2(prefix / "bin" / f"python{version}", folder / "bin"))
    ignored = shutil.ignore_patterns("*-packages", "test", "EXTERNALLY-MANAGED", "sitecustomize*")
    try:
        shutil.copytree(library, folder / "lib" / library.name, copy_function=os.link, symlinks=True, ignore=ignored)
    except shutil.Error:  # another disk
        shutil.copytree(library, folder / "lib" / library.name, symlinks=True, ignore=ignored, dirs_exist_ok=True)
    (folder / "lib" / library.name / "site-packages").mkdir()
    return program


def pythons() -> Iterator[tuple[str, Path | str]]:
    """Yield each Python in which the hook can run and that pyenv has, or PATH: version, program."""
    for version in (f"3.{minor}" for minor in range(8, 19)):
        pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
        python = pyenv[-1] if pyenv else shutil.which(f"python{version}")
        if python:
            yield version, python


def gets(lab: Lab) -> Iterator[Row]:
    """Yield the milliseconds of fresh verified connections, of a process with one, and a handshake's instructions.

    What stock clients and the peers read is certifi's file, with the CA in it: requests and httpx of themselves, the
    others by SSL_CERT_FILE.
    """
    with served(lab) as server:
        clean(lab.certboot, "init", "--add", server.ca_file, home=lab.home)
        for version, interpreter in lab.interpreters.items():
            yield from gets_of(lab, version, interpreter, server)


def gets_of(lab: Lab, version: str, interpreter: Path, server: Served) -> Iterator[Row]:
    """Yield the rows of one Python."""
    venvs = {name: lab.folder / f"get-{version}-{name}" for name in (STOCK, TRUSTSTORE, PIP_SYSTEM_CERTS, CERTBOOT)}
    programs = {name: venv / "bin/python" for name, venv in venvs.items()}
    tool(interpreter, "-m", "venv", venvs[STOCK])
    tool(programs[STOCK], "-m", "pip", "install", "-q", "-c", CONSTRAINTS, *PACKAGES)
    (bundle,) = venvs[STOCK].glob("lib/python*/site-packages/certifi/cacert.pem")
    bundle.write_bytes(bundle.read_bytes() + b"\n" + server.ca_file.read_bytes())
    for name in (TRUSTSTORE, PIP_SYSTEM_CERTS, CERTBOOT):
        shutil.copytree(venvs[STOCK], venvs[name], symlinks=True)
    here = dict.fromkeys(venvs, True) | {
        TRUSTSTORE: has(programs[TRUSTSTORE], TRUSTSTORE),
        PIP_SYSTEM_CERTS: has(programs[PIP_SYSTEM_CERTS], PIP_SYSTEM_CERTS, "pip"),
    }
    tool(programs[CERTBOOT], "-m", "pip", "install", "-q", "--no-deps", ROOT)

    def variables(name: str) -> dict[str, str]:
        return {} if name == CERTBOOT else {"SSL_CERT_FILE": str(bundle)}

    def command(name: str, source: str) -> tuple[str | Path, ...]:
        return (programs[name], "-c", INJECT * (name == TRUSTSTORE) + source, server.url)

    def get(source: str, name: str) -> float:
        return float(clean(*command(name, source + TIMED), home=lab.home, variables=variables(name)))

    def process(source: str, name: str) -> float:
        return 1000 * ran(*command(name, source + ONCE), home=lab.home, variables=variables(name))[0]

    def shake(hints: str) -> float:
        """Return the instructions of a handshake: what is the same for few and for many cancels out."""
        argv = (programs[CERTBOOT], "-c", SHAKE, server.leaf)
        few, many = (
            instructions(*argv, str(number), home=lab.home, variables={"CERTBOOT_HINTS": hints}) for number in SHAKES
        )
        return (many - few) / (SHAKES[1] - SHAKES[0])

    store = lab.home / ".local/share/certboot/current/crts"
    urllib = command(STOCK, CLIENTS["urllib.request.urlopen"] + TIMED)
    directory = {"SSL_CERT_FILE": "/nonexistent", "SSL_CERT_DIR": str(store)}
    from_a_directory: dict[str, Callable[[], float]] = {
        "stock, hashed directory": lambda: float(clean(*urllib, home=lab.home, variables=directory)),
        CERTBOOT: functools.partial(get, CLIENTS["urllib.request.urlopen"], CERTBOOT),
    }

    def compared(measure: Callable[[str, str], float], source: str, rounds: int) -> dict[str, float | None]:
        contestants = {name: functools.partial(measure, source, name) for name in venvs if here[name]}
        return whole(turns(contestants, rounds), here)

    for client, source in CLIENTS.items():
        goal = Goal(CERTBOOT, STOCK, least=7)
        yield Row("get", f"{client}, Python {version}", "ms", compared(get, source, ROUNDS), goal)
    yield Row("hashed", f"urllib.request.urlopen, Python {version}", "ms", whole(turns(from_a_directory)))
    client, source = next(iter(CLIENTS.items()))
    figures = compared(process, source, PROCESSES)
    yield Row("process", f"one {client}, Python {version}", "ms", figures, Goal(CERTBOOT, STOCK, most=1))
    counts = {"without hints": shake("0"), CERTBOOT: shake("1")}
    yield Row("handshake", f"both ends, Python {version}", "million instructions", whole(counts))


def contexts(lab: Lab) -> Iterator[Row]:
    """Yield the milliseconds of a context by the number of certificates: from the bundle, and with certboot's hook."""
    hooked = lab.folder / "context"
    tool(sys.executable, "-m", "venv", hooked)
    tool(hooked / "bin/python", "-m", "pip", "install", "-q", "--no-deps", ROOT)
    source, settings = certificates(lab), lab.folder / "nothing-else.toml"
    settings.write_text("sources = []\n")
    contestants: dict[tuple[str, int], Callable[[], float]] = {}
    for size in SIZES:
        home = lab.new_home(f"home-{size}")
        some = lab.new_home(f"certificates-{size}")
        for file in sorted(source.iterdir())[:size]:
            shutil.copy(file, some)
        clean(lab.certboot, "init", "--config", settings, "--add", some, home=home)
        bundle = home / ".local/share/certboot/current/bundle.pem"

        def took(home: Path, *arguments: str | Path) -> float:
            return float(clean(hooked / "bin/python", "-c", CONTEXT, *arguments, home=home))

        # The hook sees to the store's own bundle only, by its own name.
        copy = Path(shutil.copy(bundle, some))
        repeated = str(max(1, 10_000 // size))
        contestants["from a file of them all", size] = functools.partial(took, home, repeated, copy)
        contestants[CERTBOOT, size] = functools.partial(took, home, "400")
    taken = turns(contestants)
    for name in dict.fromkeys(name for name, _ in taken):
        goal = Goal(f"{CERTIFICATES:,}", f"{SIZES[0]:,}", most=1.2) if name == CERTBOOT else None
        yield Row("context", name, "ms", {f"{size:,}": taken[name, size] for size in SIZES}, goal)


def certificates(lab: Lab) -> Path:
    """Return a folder of certificates, made once."""
    folder = lab.folder / "certificates"
    if not folder.exists():
        folder.mkdir()
        clean(lab.programs / "python", "-c", MAKER, folder, home=lab.home)
    return folder


def rehashes(lab: Lab) -> Iterator[Row]:
    """Yield the cost of ``rehash``, beside ``openssl rehash`` on equal copies."""
    # All copies first, and none removed before the end: for minutes ext4 does not use the inodes of removed files
    # again, and takes seconds to look for others (recently_deleted in fs/ext4/ialloc.c), whoever makes links. What
    # else was removed on the machine does the same, so the least time counts where links are made.
    programs: dict[str, str | Path] = {OPENSSL: "openssl", CERTBOOT: lab.certboot}
    copies = {name: [lab.folder / f"copy-{number}-{name}" for number in range(REHASHES)] for name in programs}
    for copy in (copy for equal in copies.values() for copy in equal):
        shutil.copytree(certificates(lab), copy)
    taken = [
        {name: ran(program, "rehash", copies[name][number], home=lab.home) for name, program in programs.items()}
        for number in range(REHASHES)
    ]
    seconds = {name: min(once[name][0] for once in taken) for name in programs}
    goal = Goal(CERTBOOT, OPENSSL, most=0.6)
    yield Row("rehash", f"{CERTIFICATES:,} certificates, least of {REHASHES}", "s", whole(seconds), goal)
    memory = {name: statistics.median(once[name][1] for once in taken) for name in programs}
    yield Row("rehash", "its peak memory", "MB", whole(memory))


def commands(lab: Lab) -> Iterator[Row]:
    """Yield the cost of the common commands, beside a bare start: no other program does the same."""
    homes = [lab.new_home(f"home{number}") for number in range(RUNS)]
    bare = (lab.programs / "python", "-c", "pass")
    init, update, doctor = ((lab.certboot, name) for name in ("init", "update", "doctor"))
    whole_set = (*init, "--source", "certifi,system,ccadb", "--intermediates", "--from", lab.reports or "")
    memory: dict[str, float | None] = {}

    def timed(name: str, command: tuple[str | Path, ...], goal: Goal | None = None, *, status: int = 0) -> Row:
        taken = [(ran(*bare, home=home), ran(*command, home=home, status=status)) for home in homes]
        memory[name] = statistics.median(mine[1] for _, mine in taken)
        figures = {BARE: statistics.median(theirs[0] for theirs, _ in taken)}
        figures[CERTBOOT] = statistics.median(mine[0] for _, mine in taken)
        return Row("commands", name, "s", whole(figures), goal)

    def counted(name: str, command: tuple[str | Path, ...], most: float, home: Path, status: int = 0) -> Row:
        counts = {
            BARE: instructions(*bare, home=home),
            CERTBOOT: instructions(*command, home=home, status=status),
        }
        return Row("commands", name, "million instructions", whole(counts), Goal(CERTBOOT, BARE, most=most))

    with served(lab) as server:
        yield timed("`doctor` without a store", doctor, status=1)
        yield counted("`doctor` without a store", doctor, 20, homes[0], 1)
        yield timed("`init` without a store", init, Goal(CERTBOOT, "", most=0.5))
        yield timed("`update` with nothing new", update)
        for home in homes:
            clean(*init, "--add", server.ca_file, home=home)
        yield timed("`doctor`", doctor)
        yield counted("`doctor`", doctor, 20, homes[0])
        host = f"localhost:{server.port}"
        yield timed("`doctor HOST`, on loopback", (*doctor, host), Goal(CERTBOOT, "", most=0.15))
        if lab.reports:
            yield timed("`init` with the CCADB's roots and intermediates from disk", whole_set)
            yield timed("`update` of these with nothing new", update)
    yield timed("`--help`", (lab.certboot, "--help"))
    yield counted("`--help`", (lab.certboot, "--help"), 3, homes[0])
    for name, megabytes in memory.items():
        yield Row("memory", name, "MB", {CERTBOOT: megabytes})


def scans(lab: Lab) -> Iterator[Row]:
    """Yield the cost of ``scan``, beside sslyze and a shell loop over ``openssl s_client`` for a sample of the hosts.

    All shake hands with the same servers, verify by the same CA and wait for those that hang; that waiting is most of
    what the others take where there are any. The servers share the machine with their client.
    """
    scan = Scan(lab, lab.new_home("scanning"), lab.folder / "sslyze" / "bin")
    tool(sys.executable, "-m", "venv", scan.sslyze.parent)
    here = {SSLYZE: has(scan.sslyze / "python", SSLYZE, constrained=False)}
    argv = (lab.programs / "python", ROOT / "scripts/scan_servers.py", scan.home, str(HOSTS))
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout  # noqa: S101 - for the type checker
        server.stdout.readline()
        clean(lab.certboot, "init", "--add", scan.home / "ca.pem", home=scan.home)
        hosts = (scan.home / "hosts").read_text().splitlines()
        answering = [host for host in hosts if kind_of(host) != "hangs"]
        half, few, sample = evenly(answering, 2), evenly(answering, 20), evenly(hosts, 20)
        yield scan.compared(f"{len(half)} that answer", half, half, few, here, Goal(CERTBOOT, SSLYZE, least=8))
        memory = whole({SSLYZE: scan.memory.get(SSLYZE), CERTBOOT: scan.memory[CERTBOOT]})
        hanging = f"{len(of('hangs', hosts))} hang for {TIMEOUT} s"
        yield scan.compared(f"{len(hosts):,}, of which {hanging}", hosts, sample, sample, here)
        yield Row("scan", f"peak memory, {len(half)} that answer", "MB", memory)
        yield Row("scan", f"peak memory, {len(hosts):,}", "MB", {CERTBOOT: scan.memory[CERTBOOT]})
        server.communicate()


class Scan:
    """Scans of hosts by several programs, each by a list of its own; what they take, and what memory they had."""

    def __init__(self, lab: Lab, home: Path, sslyze: Path) -> None:
        self.certboot, self.home, self.sslyze = lab.certboot, home, sslyze
        self.memory: dict[str, float] = {}

    def compared(self, what: str, ours: list[str], theirs: list[str], looped: list[str], here: Mapping[str, bool],
                 goal: Goal | None = None) -> Row:  # fmt: skip
        """Return the milliseconds a host."""
        contestants = {
            "`openssl s_client`": functools.partial(self.loop, "", looped),
            "`s_client -CApath`": functools.partial(self.loop, ONLY_DIRECTORY, looped),
            SSLYZE: functools.partial(self.analyse, theirs),
            CERTBOOT: functools.partial(self.scan, ours),
        }
        able = {name: contestant for name, contestant in contestants.items() if here.get(name, True)}
        figures = turns(able, ROUNDS if goal else 1)
        return Row("scan", what, "ms a host", whole(figures, contestants), goal)

    def loop(self, trust: str, hosts: list[str]) -> float:
        """Ask each by ``openssl s_client``."""
        script, file = LOOP.replace("$3", trust), self._listed("loop", hosts)
        return self._ran(hosts, "sh", "-c", script, "loop", self.certboot, str(TIMEOUT), "", file)

    def scan(self, hosts: list[str]) -> float:
        """Ask all by ``certboot scan``."""
        results = self.home / "results.jsonl"
        results.unlink(missing_ok=True)
        command = (self.certboot, "scan", "--file", self._listed("list", hosts), "--timeout", str(TIMEOUT))
        taken = self._ran(hosts, *command, "--output", results, name=CERTBOOT, status=1)
        lines = map(json.loads, results.read_text().splitlines())
        agrees(CERTBOOT, hosts, [line["primary"] is None for line in lines])
        return taken

    def analyse(self, hosts: list[str]) -> float:
        """Ask all by ``sslyze --certinfo``."""
        results = self.home / "results.json"
        targets = self._listed("targets", [re.sub(r"^(\S+) (\S+):(\d+)$", r"\1:\3{\2}", host) for host in hosts])
        command = (self.sslyze / "sslyze", "--quiet", "--mozilla_config", "disable", "--targets_in", targets)
        ours = ("--certinfo", "--certinfo_ca_file", self.home / "ca.pem", "--json_out", results)
        taken = self._ran(hosts, *command, *ours, name=SSLYZE)
        agrees(SSLYZE, hosts, [is_good(host) for host in json.loads(results.read_text())["server_scan_results"]])
        return taken

    def _listed(self, name: str, lines: Iterable[str]) -> Path:
        (self.home / name).write_text("".join(f"{line}\n" for line in lines))
        return self.home / name

    def _ran(self, hosts: list[str], *command: str | Path, name: str = "", status: int = 0) -> float:
        seconds, self.memory[name] = ran(*command, home=self.home, status=status)
        return 1000 * seconds / len(hosts)


def evenly(hosts: list[str], step: int) -> list[str]:
    """Return every so manieth host of each kind."""
    return [host for kind in sorted({kind_of(host) for host in hosts}) for host in of(kind, hosts)[::step]]


def kind_of(host: str) -> str:
    """Return what is the matter with a host, from its name."""
    return host.split(".")[1]


def of(kind: str, hosts: list[str]) -> list[str]:
    """Return the hosts of one kind."""
    return [host for host in hosts if kind_of(host) == kind]


def is_good(host: Mapping[str, typing.Any]) -> bool:
    """Return whether sslyze trusts what a host presents, for its name."""
    information = (host["scan_result"] or {}).get("certificate_info", {}).get("result")
    return bool(information) and any(
        path["was_validation_successful"]
        for deployment in information["certificate_deployments"]
        for path in deployment["path_validation_results"]
    )


def agrees(name: str, hosts: list[str], good: list[bool]) -> None:
    """Raise RuntimeError unless a scan has a result for each host, and as many good ones as there are."""
    if (len(good), sum(good)) != (len(hosts), len(of("good", hosts))):
        message = f"{name}'s scan of {len(hosts)} hosts has {len(good)} results, of which {sum(good)} are good"
        raise RuntimeError(message)


MEASURES: Mapping[str, Callable[[Lab], Iterator[Row]]] = {
    "start": starts,
    "base": starts_of_bases,
    "get": gets,
    "context": contexts,
    "rehash": rehashes,
    "scan": scans,
    "commands": commands,
}


def turns(contestants: Mapping[Key, Callable[[], float]], rounds: int = ROUNDS) -> dict[Key, float]:
    """Return the median of what each returns, called in turns so that what else the machine does falls on all."""
    taken = [{name: contestant() for name, contestant in contestants.items()} for _ in range(rounds)]
    return {name: statistics.median(once[name] for once in taken) for name in contestants}


def whole(figures: Mapping[str, float | None], names: Iterable[str] = ()) -> dict[str, float | None]:
    """Return the figures by ``names``, with None for a contestant that is not here."""
    return {name: figures.get(name) for name in names} if names else dict(figures)


def has(python: Path, *packages: str, constrained: bool = True) -> bool:
    """Install packages, if they are to be had, into a virtualenv; else say why not."""
    constraints = ("-c", CONSTRAINTS) if constrained else ()
    try:
        tool(python, "-m", "pip", "install", "-q", *constraints, *packages)
    except subprocess.CalledProcessError as error:
        reason = re.search("ERROR: .*", error.stderr or "")
        sys.stderr.write(f"bench: not here: {' '.join(packages)}: {reason[0] if reason else error}\n")
        return False
    return True


@contextlib.contextmanager
def served(lab: Lab) -> Iterator[Served]:
    """Yield a server while it runs."""
    serving = lab.folder / "serving"
    if not serving.exists():
        tool(sys.executable, "-m", "venv", serving)
        tool(serving / "bin/python", "-m", "pip", "install", "-q", "-c", CONSTRAINTS, "trustme")
    ca_file, leaf = lab.folder / "ca.pem", lab.folder / "leaf.pem"
    command = (serving / "bin/python", "-c", SERVER, ca_file, leaf)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout  # noqa: S101 - for the type checker
        try:
            yield Served(process.stdout.readline().strip(), ca_file, leaf)
        finally:
            process.terminate()


def ran(
    *command: str | Path, home: Path, status: int = 0, variables: Mapping[str, str] | None = None
) -> tuple[float, float]:
    """Run a program as ``clean`` does, and return its seconds and its peak memory in MB."""
    launched = (sys.executable, "-I", "-S", "-c", LAUNCHER, *command)
    environ = environment(home, variables)
    done = subprocess.run(launched, env=environ, cwd=home, check=True, capture_output=True, text=True)
    seconds, megabytes, ended = done.stdout.split()
    if int(ended) != status:
        sys.stderr.write(done.stderr)
        raise subprocess.CalledProcessError(int(ended), command)
    return float(seconds), float(megabytes)


def instructions(
    *command: str | Path, home: Path, status: int = 0, variables: Mapping[str, str] | None = None
) -> float:
    """Return the millions of instructions of a program, as callgrind counts them."""
    ran(*command, home=home, status=status, variables=variables)  # writes the .pyc files
    counted = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command)
    done = subprocess.run(
        counted, env=environment(home, variables), cwd=home, capture_output=True, text=True, check=False
    )
    if done.returncode != status:
        raise subprocess.CalledProcessError(done.returncode, counted, stderr=done.stderr)
    return int(re.findall(r"Collected : (\d+)", done.stderr)[-1]) / 1e6


def clean(*command: str | Path, home: Path, variables: Mapping[str, str] | None = None) -> str:
    """Run a program with HOME, PATH and ``variables`` only, and return its standard output."""
    environ = environment(home, variables)
    return subprocess.run(command, env=environ, cwd=home, check=True, stdout=subprocess.PIPE, text=True).stdout


def environment(home: Path, variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment with nothing of this machine in it: no settings either, of which the doctor would tell."""
    settings = dict.fromkeys(("PIP_CONFIG_FILE", "NPM_CONFIG_GLOBALCONFIG", "GIT_CONFIG_SYSTEM"), os.devnull)
    return {"HOME": str(home), "PATH": os.defpath, "PYTHONHASHSEED": "0", **settings, **(variables or {})}


def tool(*command: str | Path) -> None:
    """Run a package tool with this machine's settings."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, env=environ, check=True, capture_output=True, text=True)


if __name__ == "__main__":
    sys.exit(main())
