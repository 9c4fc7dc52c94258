"""Measure what certboot costs and saves, as ratios within one run against not having certboot at all.

    python3 scripts/bench.py              print the table
    python3 scripts/bench.py --write      and put it into docs/benchmarks.md

Needs valgrind, for instruction counts that repeat to the last digit. Makes its virtualenvs in a temporary folder.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MARKS = ("<!-- bench: begin -->", "<!-- bench: end -->")
PACKAGES = ("requests", "httpx", "aiohttp")
STARTS, GETS, ROUNDS, REHASHES = 40, 40, 3, 5
CERTIFICATES = 10_000
HOSTS, SAMPLE, TIMEOUT = 2000, 100, 5

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
    "aiohttp with a context of its own": """
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
print(statistics.median(timed() for _ in range({GETS})))
"""
CONTEXT = """
import ssl, statistics, time
def timed():
    begin = time.perf_counter()
    ssl.create_default_context()
    return time.perf_counter() - begin
timed()
print(statistics.median(timed() for _ in range(400)))
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


def main() -> int:
    """Print the table, and with --write replace the one in docs/benchmarks.md."""
    parser = argparse.ArgumentParser(description="Measure what certboot costs and saves.")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    parser.add_argument("--reports", metavar="DIR", help="also measure with the CCADB's reports, saved here")
    parser.add_argument("--also", metavar="PYTHON", type=Path, action="append", default=[], help="GETs on this one too")
    arguments = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.stderr.write("bench: error: valgrind is missing\n\nhint: apt-get install valgrind\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # into root's own nobody else may look, and there contexts load the whole bundle
        table = "\n".join(
            measure(Path(folder), arguments.reports and Path(arguments.reports).absolute(), arguments.also)
        )
    print(table)
    if arguments.write:
        page = ROOT / "docs" / "benchmarks.md"
        before, rest = page.read_text("utf-8").split(MARKS[0])
        after = rest.split(MARKS[1])[1]
        page.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", "utf-8")
    return 0


def measure(folder: Path, reports: Path | None, also: Sequence[Path]) -> list[str]:
    """Return the lines of the table, in Markdown."""
    home = folder / "home"
    home.mkdir()
    stock, hooked = folder / "bare", folder / "hook"  # names of one length, so that paths cost the same
    for venv in (stock, hooked):
        tool(sys.executable, "-m", "venv", venv)
    tool(hooked / "bin/python", "-m", "pip", "install", "-q", "--no-deps", ROOT)
    store = folder / "store"
    tool(sys.executable, "-m", "venv", store)
    tool(store / "bin/python", "-m", "pip", "install", "-q", ROOT)

    python = f"Python {sys.version.split()[0]}"
    pairs = (stock / "bin/python", hooked / "bin/python")
    version = subprocess.run([store / "bin/certboot", "--version"], capture_output=True, text=True, check=True).stdout
    title = f"{version.strip()}, {python}, one machine, one run"
    lines = [f"| {title} | without certboot | with certboot | ratio |", "|---|---:|---:|---:|"]
    clean(store / "bin/certboot", "init", home=home)
    counts = [instructions(one, "-c", "pass", home=home) for one in pairs]
    lines.append(row("instructions of a bare start (`python -c pass`)", counts, "{:,.0f}"))
    lines.append(row("wall time of the same, ms", rounds(lambda one: start(one, home), pairs), "{:.1f}"))
    lines += starting(store / "bin/certboot", folder, home)
    lines += starting_from_bases(store / "bin/certboot", folder, home)
    lines += getting(store / "bin", folder, home, (stock, hooked), "")
    for interpreter in also:
        others = (folder / f"{interpreter.name}-bare", folder / f"{interpreter.name}-hook")
        for venv in others:
            tool(interpreter, "-m", "venv", venv)
        tool(others[1] / "bin/python", "-m", "pip", "install", "-q", "--no-deps", ROOT)
        version = clean(interpreter, "-c", "import platform; print(platform.python_version())", home=home).strip()
        lines += getting(store / "bin", folder, home, others, f", Python {version}")
    lines += rehashing(store / "bin", folder, home)
    lines.append(growing(store / "bin", folder, hooked / "bin/python", home))
    lines += initialising(store / "bin", folder, reports)
    return lines + scanning(store / "bin", folder / "scanning")


def starting(certboot: Path, folder: Path, home: Path) -> list[str]:
    """Return the lines on a start of each Python that is here, with a copy of the hook and with another .pth file."""
    lines = []
    for version, python in pythons():
        pair = (folder / f"bare-{version}", folder / f"hook-{version}")
        for venv in pair:
            tool(python, "-m", "venv", venv)
        (packages,) = pair[0].glob("lib/python*/site-packages")
        (packages / "certboot_startup.pth").write_text("# nothing\n")
        clean(certboot, "hook", "install", "--python", pair[1], home=home)
        counts = [instructions(venv / "bin/python", "-c", "pass", home=home) for venv in pair]
        lines.append(row(f"instructions, Python {version} (without: a .pth file of one comment)", counts, "{:,.0f}"))
    return lines


def starting_from_bases(certboot: Path, folder: Path, home: Path) -> list[str]:
    """Return the lines on a start of a virtualenv whose interpreter has the hook for all, and before it had."""
    lines = []
    for version, python in pythons():
        base = own(Path(python), folder / f"base-{version}", version, home)
        venv = folder / f"of-{version}"
        tool(base, "-m", "venv", venv)
        counts = [instructions(venv / "bin/python", "-c", "pass", home=home)]
        clean(certboot, "hook", "install", "--base", "--python", base, home=home)
        counts.append(instructions(venv / "bin/python", "-c", "pass", home=home))
        what = f"instructions, Python {version}, in a virtualenv of an interpreter with `--base`"
        lines.append(row(f"{what} (without: the same before)", counts, "{:,.0f}"))
    return lines


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


def getting(programs: Path, folder: Path, home: Path, venvs: tuple[Path, Path], where: str) -> list[str]:
    """Return the lines on fresh verified connections. What stock clients read is certifi's file, with the CA in it."""
    with Served(folder, venvs) as (url, ca_file, bundle):
        clean(programs / "certboot", "init", "--add", ca_file, home=home)

        def get(source: str, venv: Path) -> float:
            stock = {"SSL_CERT_FILE": str(bundle)} if venv == venvs[0] else {}
            return 1000 * float(clean(venv / "bin/python", "-c", source + TIMED, url, home=home, variables=stock))

        def shake(hints: str) -> float:
            """Return the instructions of a handshake: what is the same for few and for many cancels out."""
            command = (venvs[1] / "bin/python", "-c", SHAKE, folder / "leaf.pem")
            few, many = (instructions(*command, str(n), home=home, variables={"CERTBOOT_HINTS": hints}) for n in SHAKES)
            return (many - few) / (SHAKES[1] - SHAKES[0])

        what = "instructions of a good handshake, both ends (without: `CERTBOOT_HINTS=0`)"
        return [
            row(f"{what}{where}", [shake(hints) for hints in "01"], "{:,.0f}"),
            *(
                row(
                    f"fresh verified `{name}` on loopback{where}, ms",
                    rounds(functools.partial(get, source), venvs),
                    "{:.1f}",
                )
                for name, source in CLIENTS.items()
            ),
        ]


def growing(programs: Path, folder: Path, python: Path, home: Path) -> str:
    """Return the line on a context's cost in a store of some hundred certificates, and of some ten thousand."""
    large = folder / "large"
    large.mkdir()
    clean(programs / "certboot", "init", "--add", folder / "certificates", home=large)
    costs = rounds(lambda one: 1e6 * float(clean(python, "-c", CONTEXT, home=one)), (home, large))
    return row(
        f"`ssl.create_default_context()`, µs, {CERTIFICATES:,} certificates more (without: as `init` has it)",
        costs,
        "{:.0f}",
    )


def rehashing(programs: Path, folder: Path, home: Path) -> list[str]:
    """Return the lines on ``rehash``, beside ``openssl rehash`` on equal copies."""
    # All copies first, and none removed before the end: for minutes ext4 does not use the inodes of removed files
    # again, and takes seconds to look for others (recently_deleted in fs/ext4/ialloc.c), whoever makes links. What
    # else was removed on the machine does the same, so the least time counts where links are made.
    source, copies = folder / "certificates", [folder / f"copy{number}" for number in range(2 * REHASHES)]
    source.mkdir()
    clean(programs / "python", "-c", MAKER, source, home=home)
    for copy in copies:
        shutil.copytree(source, copy)
    commands: tuple[tuple[str | Path, str], ...] = (("openssl", "rehash"), (programs / "certboot", "rehash"))
    pairs = list(zip(copies[::2], copies[1::2], strict=True))
    fresh = [[ran(*command, copy, home=home) for command, copy in zip(commands, pair, strict=True)] for pair in pairs]
    what = f"`certboot rehash`, {CERTIFICATES:,} certificates"
    beside = "(without: `openssl rehash`)"
    return [
        row(f"{what}, s, least of {REHASHES} {beside}", middle(fresh, 0, min), "{:.2f}"),
        row("peak memory of the first, MB", middle(fresh, 1), "{:.0f}"),
    ]


def initialising(programs: Path, folder: Path, reports: Path | None) -> list[str]:
    """Return the lines on ``init`` and ``update``, beside a bare start: no other program does the same."""
    homes = [folder / f"home{number}" for number in range(ROUNDS)]
    for each in homes:
        each.mkdir()
    bare, init = (programs / "python", "-c", "pass"), (programs / "certboot", "init")
    update = (programs / "certboot", "update")

    def rounds(command: tuple[str | Path, ...]) -> list[float]:
        return middle([[ran(*bare, home=each), ran(*command, home=each)] for each in homes], 0)

    beside = "(without: `python -c pass`)"
    lines = [
        row(f"`certboot init` where there is no store, s {beside}", rounds(init), "{:.3f}"),
        row("`certboot update` with nothing new, s", rounds(update), "{:.3f}"),
    ]
    if reports:
        whole = (*init, "--source", "certifi,system,ccadb", "--intermediates", "--from", reports)
        lines += [
            row("`certboot init` with the CCADB's roots and intermediates from disk, s", rounds(whole), "{:.3f}"),
            row("`certboot update` of these with nothing new, s", rounds(update), "{:.3f}"),
        ]
    return lines


def scanning(programs: Path, home: Path) -> list[str]:
    """Return the lines on ``scan``, beside a shell loop over ``openssl s_client`` for a sample of the same hosts.

    Both shake hands with the same servers, verify by the same store and wait as long for those that hang; that waiting
    is most of what the loop takes where there are any, so there are lines without them too. The servers share the
    machine with their client.
    """
    home.mkdir()
    command = (programs / "python", ROOT / "scripts/scan_servers.py", home, str(HOSTS))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout  # noqa: S101 - for the type checker
        server.stdout.readline()
        clean(programs / "certboot", "init", "--add", home / "ca.pem", home=home)
        hosts = (home / "hosts").read_text().splitlines()
        step = HOSTS // SAMPLE
        sample = [host for kind in json.loads((home / "kinds.json").read_text()) for host in of(kind, hosts)[::step]]
        lists = {"all": hosts, "sample": sample}
        for name, chosen in list(lists.items()):
            lists[f"answering {name}"] = [host for host in chosen if ".hangs." not in host]
        for name, chosen in lists.items():
            (home / name).write_text("".join(f"{host}\n" for host in chosen))

        def looped(name: str, trust: str = "") -> float:
            argv = ("sh", "-c", LOOP.replace("$3", trust), "loop", programs / "certboot", str(TIMEOUT), "", home / name)
            return 1000 * ran(*argv, home=home)[0] / len(lists[name])

        def scanned(name: str) -> tuple[float, float]:
            results = home / f"{name}.jsonl"
            argv = (
                programs / "certboot",
                "scan",
                "--file",
                home / name,
                "--timeout",
                str(TIMEOUT),
                "--output",
                results,
            )
            seconds, memory = ran(*argv, home=home, status=1)
            good = [json.loads(line)["primary"] is None for line in results.read_text().splitlines()]
            if (len(good), sum(good)) != (len(lists[name]), len(of("good", hosts))):
                message = f"a scan of {len(lists[name])} hosts has {len(good)} results, of which {sum(good)} are good"
                raise RuntimeError(message)
            return 1000 * seconds / len(lists[name]), memory

        whole, memory = scanned("all")
        answering, _ = scanned("answering all")
        hanging = f"{len(of('hangs', hosts))} hang for {TIMEOUT} s"
        what = f"`certboot scan`, {HOSTS:,} loopback hosts, half with faults, {hanging}; ms a host"
        beside = f"(without: a shell loop over `openssl s_client`, {SAMPLE} of them)"
        pairs = {
            f"{what} {beside}": (looped("sample"), whole),
            "the same without those that hang": (looped("answering sample"), answering),
            "the same, `s_client` with only the hashed directory": (
                looped("answering sample", ONLY_DIRECTORY),
                answering,
            ),
        }
        lines = [row(name, pair, "{:.1f}") for name, pair in pairs.items()]
        lines.append(f"| peak memory of the first, MB | - | {memory:.0f} | - |")
        server.communicate()
    return lines


def of(kind: str, hosts: list[str]) -> list[str]:
    """Return the hosts of one kind."""
    return [host for host in hosts if f".{kind}." in host]


def middle(
    taken: Sequence[Sequence[tuple[float, float]]],
    which: int,
    pick: Callable[[list[float]], float] = statistics.median,
) -> list[float]:
    """Return the median of one of the figures of ``ran``, or another pick, for each program that ran in turns."""
    return [pick([one[which] for one in column]) for column in zip(*taken, strict=True)]


def ran(*command: str | Path, home: Path, status: int = 0) -> tuple[float, float]:
    """Run a program as ``clean`` does, and return its seconds and its peak memory in MB.

    Linux counts this script's own memory as the least: the child starts with it.
    """
    begin = time.perf_counter()
    # What is to fail says why, which is of no interest.
    errors = subprocess.DEVNULL if status else None
    process = subprocess.Popen(command, env=environment(home), cwd=home, stdout=subprocess.DEVNULL, stderr=errors)
    _, ended, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(ended)
    if process.returncode != status:
        raise subprocess.CalledProcessError(process.returncode, command)
    return seconds, usage.ru_maxrss / 1024


class Served:
    """A TLS server of a private CA; in ``with``, its URL, its CA file, and certifi's file in the stock virtualenv."""

    def __init__(self, folder: Path, venvs: tuple[Path, Path]) -> None:
        self.ca_file = folder / "ca.pem"
        serving = folder / "serving"
        tool(sys.executable, "-m", "venv", "--clear", serving)
        tool(
            serving / "bin/python", "-m", "pip", "install", "-q", "-c", ROOT / "scripts" / "constraints.txt", "trustme"
        )
        for venv in venvs:
            tool(
                venv / "bin/python", "-m", "pip", "install", "-q", "-c", ROOT / "scripts" / "constraints.txt", *PACKAGES
            )
        self.process = subprocess.Popen(
            [serving / "bin/python", "-c", SERVER, self.ca_file, folder / "leaf.pem"], stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        self.port = self.process.stdout.readline().strip() if self.process.stdout else ""
        (self.bundle,) = venvs[0].glob("lib/python*/site-packages/certifi/cacert.pem")
        self.bundle.write_bytes(self.bundle.read_bytes() + b"\n" + self.ca_file.read_bytes())

    def __enter__(self) -> tuple[str, Path, Path]:
        return f"https://localhost:{self.port}/", self.ca_file, self.bundle

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def row(what: str, pair: Sequence[float], form: str) -> str:
    """Return one line of the table."""
    without, having = pair
    return f"| {what} | {form.format(without)} | {form.format(having)} | {having / without:.4f} |"


def rounds(sample: Callable[[Path], float], pair: tuple[Path, Path]) -> list[float]:
    """Return the median of samples taken in turns, so that what else the machine does falls on both."""
    taken = [[sample(one) for one in pair] for _ in range(ROUNDS)]
    return [statistics.median(samples) for samples in zip(*taken, strict=True)]


def instructions(*command: str | Path, home: Path, variables: Mapping[str, str] | None = None) -> int:
    """Return the instructions of a program, as callgrind counts them."""
    clean(*command, home=home, variables=variables)  # writes the .pyc files
    counted = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *command)
    return int(re.findall(r"Collected : (\d+)", clean(*counted, home=home, errors=True, variables=variables))[0])


def start(python: Path, home: Path) -> float:
    """Return the median milliseconds of ``python -c pass``."""
    taken = []
    for _ in range(STARTS):
        begin = time.perf_counter()
        clean(python, "-c", "pass", home=home)
        taken.append(1000 * (time.perf_counter() - begin))
    return statistics.median(taken)


def clean(*command: str | Path, home: Path, errors: bool = False, variables: Mapping[str, str] | None = None) -> str:
    """Run a program with HOME, PATH and ``variables`` only, and return its standard output, or standard error."""
    environ = {**environment(home), **(variables or {})}
    done = subprocess.run(command, env=environ, cwd=home, check=True, capture_output=True, text=True)
    return done.stderr if errors else done.stdout


def environment(home: Path) -> dict[str, str]:
    """Return an environment with nothing of this machine in it."""
    return {"HOME": str(home), "PATH": os.defpath, "PYTHONHASHSEED": "0"}


def tool(*command: str | Path) -> None:
    """Run a package tool with this machine's settings."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
