"""Run certboot's tests in a chroot of Debian's newest suite: the newest Pythons there, the newest OpenSSL and clients.

    sudo python3 scripts/other_pythons.py                  all of it; the table goes into docs/platforms.md
    sudo python3 scripts/other_pythons.py --folder DIR     the chroot is kept in DIR, and a second run goes on with it
    sudo python3 scripts/other_pythons.py --python 3.15    on one of the Pythons; docs/ stays as it is
    sudo python3 scripts/other_pythons.py -- -k rehash     some tests, by pytest's options after --; docs/ stays

For each Python: the fast tests, and of the slow ones those of an installed wheel: the main job, the hook, repair,
packaging, and what a start and `--help` cost there. Needs root, debootstrap and unshare (util-linux), and apt's and
pip's access to their mirrors. What is mounted lies in a mount namespace of its own and ends with it; what is written
lies in the folder, but for docs/. Exit status: 0 if every test passed, 1 if one failed, 2 if they could not be run.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import typing
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import check
from generated import filled

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
PLATFORMS = ROOT / "docs" / "platforms.md"
SUITE = "sid"
OLDEST = (3, 13)
"""Older Pythons of the suite are not looked at: scripts/test.py runs on them."""
PACKAGES = (
    "ca-certificates", "curl", "default-jre-headless", "faketime", "fish", "gcc", "git", "gnutls-bin", "golang-go",
    "libc6-dev", "libnss3-tools", "nodejs", "openssl", "procps", "pypy3", "pypy3-venv", "systemd", "valgrind", "wget",
    "zsh",
)  # fmt: skip
PROGRAMS = {
    "OpenSSL": ("openssl", "version"),
    "curl": ("curl", "--version"),
    "git": ("git", "--version"),
    "Node": ("node", "--version"),
    "Go": ("go", "version"),
    "Java": ("java", "--version"),
    "GnuTLS": ("gnutls-cli", "--version"),
    "PyPy of Python": ("pypy3", "--version"),
}
"""What the table's heading names -> what tells its version."""
MARK = "made-by-other_pythons"
"""The file by which a folder is known as one of this script's."""
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
INSIDE = "/certboot"
"""Where the sources lie in the chroot."""
# A PID namespace too: whatever a test has left running ends with the command. The first process of one reaps. The
# folder becomes the namespace's root, and not only the process's: tests that make a mount namespace do so from there.
ENTER = """\
mount --bind "$0" "$0" && cd "$0" && mount -t proc proc proc && mount --rbind /dev dev &&
mount -t tmpfs tmpfs dev/shm && mount --move . / || exit 125
chroot . "$@"
exit $?
"""
# The machine's settings for its mirrors; that of a CA is given anew, because its file lies elsewhere inside.
PASSED_ON = ("PIP_INDEX_URL", "UV_DEFAULT_INDEX")


class NotRunError(Exception):
    """A step before the tests failed."""


@dataclass(frozen=True)
class Group:
    """A row of the table: which tests those are, by how their ids begin."""

    name: str
    slow: bool
    beginnings: tuple[str, ...]


GROUPS = (
    Group("fast tests", slow=False, beginnings=("",)),
    Group("the main job", slow=True, beginnings=("tests.installed.test_main_job",)),
    Group("the hook and its guards, every way in which Python starts", slow=True, beginnings=(
        "tests.installed.test_start_up", "tests.installed.test_guarded_clients", "tests.installed.test_hints")),
    Group("`hook install` and `uninstall`, also with `--base`", slow=True, beginnings=(
        "tests.installed.test_hook_install", "tests.installed.test_hook_base")),
    Group("of these on PyPy: the hook alone", slow=True, beginnings=(
        "tests.installed.test_hook_install::test_a_virtualenv_of_any_version_trusts_the_private_ca_with_the_hook_alone[pypy3",)),
    Group("wheel, sdist, and what pip takes away again", slow=True, beginnings=("tests.installed.test_packaging",)),
    Group("repair", slow=True, beginnings=("tests.installed.test_repair",)),
    Group("exports, of the fast tests", slow=False, beginnings=("tests.store.export",)),
)  # fmt: skip
SLOW = tuple(
    dict.fromkeys(
        f"{beginning.partition('::')[0].replace('.', '/')}.py"
        for group in GROUPS
        if group.slow
        for beginning in group.beginnings
    )
)

FIGURES = {
    "instructions of a start with the hook, against one with a `.pth` file of one comment": "slow tests.installed."
    "test_start_up::test_the_hook_adds_few_instructions_to_a_start_with_another_pth_file[{}]",
    "of a start in a virtualenv of an interpreter with `--base`, against before": "slow tests.installed."
    "test_hook_base::test_a_start_in_a_virtualenv_of_the_base_costs_what_a_hook_of_its_own_would",
    "of `certboot --help`, against `python -c pass`": "slow tests.installed."
    "test_packaging::test_help_takes_at_most_three_times_the_instructions_of_python_itself",
}
"""A row of the table -> the test that measures it, with a place for the Python where it has one in its id."""

Outcomes = list[tuple[str, str, str]]
"""Of each test its id, how it ended, and why it was skipped or failed; of one that passed the ratio it has measured."""


@dataclass(frozen=True)
class Chroot:
    """A folder with a system of its own."""

    root: Path

    def run(self, command: Sequence[str], *, check: bool = True, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside; raises NotRunError with its output if it fails and ``check`` is set."""
        environ = {
            "PATH": PATH,
            "HOME": "/root",
            "LANG": "C.UTF-8",
            **mirrors(),
            **variables,
        }
        isolated = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
        inside = [*isolated, "sh", "-c", ENTER, str(self.root), *command]
        return ran(inside, environ, check=check)


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description="Run the tests on Debian's newest Pythons, in a chroot.")
    parser.add_argument("--folder", type=Path, help="where the chroot is made, and kept")
    parser.add_argument("--mirror", help="where its packages come from (by default apt's first mirror of Debian)")
    parser.add_argument("--python", action="append", metavar="3.N", help="only this one")
    parser.add_argument("pytest", nargs="*", metavar="-- PYTEST ARGUMENTS", help="which tests")
    arguments = parser.parse_args()
    missing = [program for program in ("debootstrap", "unshare") if not shutil.which(program)]
    if missing:
        need, hint = f"{' and '.join(missing)} missing", "sudo apt-get install debootstrap util-linux"
    else:
        need, hint = "only root can make a chroot", "sudo python3 scripts/other_pythons.py"
    if os.geteuid() or missing:
        sys.stderr.write(f"other_pythons: error: {need}\n\nhint: {hint}\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="certboot-pythons-") as temporary:
        try:
            folder = (arguments.folder or Path(temporary)).resolve()
            chroot = made(folder, arguments.mirror)
            pythons = arguments.python or versions(chroot)
            copy_sources(chroot)
            results = {python: tested(chroot, python, arguments.pytest) for python in pythons}
            whole = not arguments.python and not arguments.pytest
            tables = [report(chroot, results), *([stand_ins(chroot, pythons[-1])] if whole else [])]
        except (NotRunError, OSError) as error:
            sys.stderr.write(f"other_pythons: error: {error}\n")
            return 2
    text = "\n\n".join(tables)
    print(text)
    if whole:
        write(text)
    else:
        print("\nsome of the tests: docs/platforms.md stays as it is")
    return 1 if any(outcome == "failed" for found in results.values() for _, outcome, _ in found) else 0


def made(folder: Path, mirror: str | None) -> Chroot:
    """Make the chroot, unless an earlier run has, and bring its packages up to date."""
    chroot = Chroot(folder / "root")
    folder.mkdir(parents=True, exist_ok=True)
    if os.listdir(folder) and not (folder / MARK).exists():  # what lies in it would be removed, or written to, as root
        raise NotRunError(f"the folder has other things in it: {folder}\n\nhint: --folder takes a new one")
    (folder / MARK).touch()
    if not (folder / "ready").exists():
        shutil.rmtree(chroot.root, ignore_errors=True)
        print(f"a chroot of Debian {SUITE} in {chroot.root}", flush=True)
        bootstrap = ["debootstrap", "--variant=minbase", SUITE, str(chroot.root), mirror or mirror_of_apt()]
        # In a mount namespace, too: it mounts /proc and /sys while it works.
        ran(["unshare", "--mount", "--propagation", "private", *bootstrap], {**os.environ, "LANG": "C"})
        (folder / "ready").touch()
    for name in ("resolv.conf", "hosts"):
        (chroot.root / "etc" / name).unlink(missing_ok=True)  # a link would lead out of the chroot
        shutil.copyfile(Path("/etc") / name, chroot.root / "etc" / name)
    if trusted := trusted_here():
        shutil.copyfile(trusted, chroot.root / "mirrors.pem")
    # Of a mirror that is a snapshot the dates are old; its signatures are verified all the same.
    apt = ["apt-get", "-q", "-y", "-o", "Acquire::Check-Valid-Until=false"]
    chroot.run([*apt, "update"])
    pythons = [f"python{version}-venv" for version in versions(chroot)]
    install = [*apt, "--no-install-recommends", "install", *PACKAGES, *pythons]
    chroot.run(install, DEBIAN_FRONTEND="noninteractive")
    return chroot


def versions(chroot: Chroot) -> list[str]:
    """Return the Pythons of the suite, from OLDEST on."""
    names = chroot.run(["apt-cache", "pkgnames", "python3."]).stdout.split()
    found = {tuple(map(int, match[1].split("."))) for name in names if (match := re.fullmatch(r"python(3\.\d+)", name))}
    return [".".join(map(str, version)) for version in sorted(found) if version >= OLDEST]


def mirror_of_apt() -> str:
    """Return the mirror of Debian that this machine's apt uses."""
    asked = ["apt-get", "indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages"]
    for label, uri in (line.split() for line in ran(asked, os.environ).stdout.splitlines() if line.count(" ") == 1):
        if label == "Debian":
            return uri
    raise NotRunError("apt knows no mirror of Debian\n\nhint: name one with --mirror")


def trusted_here() -> str:
    """Return the CAs by which this machine reaches its mirrors, where a variable or OpenSSL's defaults name a file."""
    return os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile or ""


def mirrors() -> dict[str, str]:
    """Return the variables by which apt, pip and uv reach their mirrors inside."""
    found = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.lower().endswith("_proxy")}
    if trusted_here():
        found |= dict.fromkeys(("SSL_CERT_FILE", "PIP_CERT"), "/mirrors.pem")
    return found


def copy_sources(chroot: Chroot) -> None:
    """Lay what git knows of the work tree into the chroot, anew."""
    target = chroot.root / INSIDE.lstrip("/")
    shutil.rmtree(target, ignore_errors=True)
    for name in filter(
        None, ran(["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"], os.environ).stdout.split("\0")
    ):
        if (ROOT / name).is_file():  # not yet taken out of git's list
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def tested(chroot: Chroot, version: str, arguments: Sequence[str]) -> Outcomes:
    """Run the tests on a Python, and return what came of each."""
    print(f"Python {version}", flush=True)
    venv = f"/venv-{version}"
    chroot.run([f"python{version}", "-m", "venv", "--clear", venv])
    pip = [f"{venv}/bin/python", "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    pinned = ["-c", f"{INSIDE}/scripts/constraints.txt"]
    chroot.run([*pip, *pinned, "pip"])
    groups = [part for name in ("clients", "test") for part in ("--group", f"{INSIDE}/pyproject.toml:{name}")]
    chroot.run([*pip, *pinned, *groups, "--editable", INSIDE])
    found: Outcomes = []
    for marker, paths in (("not slow", ["tests"]), ("slow", SLOW)):
        # Outside of the virtualenv: what lies below it is taken for a part of it.
        report, base = f"{venv}/report.xml", f"/tests-{version}"
        some = ["-m", marker, "-n0", "--basetemp", base, f"--junitxml={report}", *arguments]
        pytest = [f"{venv}/bin/python", "-m", "pytest", "-q", *some, *paths]
        inside = ["env", "-C", INSIDE, *pytest]
        done = chroot.run(inside, check=False, CERTBOOT_DISABLE="1")
        shutil.rmtree(chroot.root / base.lstrip("/"), ignore_errors=True)
        if done.returncode not in (0, 1, 5):  # passed, failed, none of them was asked for
            raise NotRunError(done.stdout[-4000:] + done.stderr[-4000:])
        slow = marker == "slow"
        outcomes = read(ET.parse(chroot.root / report.lstrip("/")).iter("testcase"), slow=slow)  # noqa: S314 - pytest's
        for name, outcome, why in outcomes:
            if outcome == "failed":
                print(f"  failed   {name}: {why}", flush=True)
        for why, count in Counter(why for _, outcome, why in outcomes if outcome == "skipped").most_common():
            print(f"  skipped  {count}: {why}", flush=True)
        found += outcomes
    return found


def stand_ins(chroot: Chroot, version: str) -> str:
    """Return what scripts/stand_ins.py says here, where the older Pythons are, and in the chroot, as one table."""
    check.prepare()
    here = ran([str(check.PYTHON), "scripts/stand_ins.py"], os.environ).stdout
    script = [f"/venv-{version}/bin/python", f"{INSIDE}/scripts/stand_ins.py", "--no-openssl"]
    there = chroot.run(script, PATH=f"/venv-{version}/bin:{PATH}").stdout
    rows = [*here.splitlines(), *there.splitlines()[2:]]  # without the heading
    told = "`scripts/stand_ins.py`: a root without a key usage and key identifier, its basic constraints not critical."
    return "\n".join(
        (f"{told} After `trust --stand-in` all accept it; a stranger's of the same name all refuse.", "", *rows)
    )


def read(cases: Iterable[ET.Element], *, slow: bool) -> Outcomes:
    """Return what the test cases of a report say; the id of a slow test begins with "slow "."""
    found = []
    for case in cases:
        said = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        outcome = "passed" if said is None else "skipped" if said.tag == "skipped" else "failed"
        told = said.get("message") if said is not None else next((p.get("value") for p in case.iter("property")), "")
        why = " ".join((told or "").split())[:200]
        found.append((f"{'slow ' * slow}{case.get('classname')}::{case.get('name')}", outcome, why))
    return found


def report(chroot: Chroot, results: Mapping[str, Outcomes]) -> str:
    """Return what ran and what came of it, as Markdown."""
    told = []
    for name, command in PROGRAMS.items():
        version = re.search(r"\d+(\.\d+)+", chroot.run(command).stdout)
        told.append(f"{name} {version[0] if version else '?'}")
    names = [chroot.run([f"python{version}", "--version"]).stdout.split()[1] for version in results]
    lines = [
        f"`scripts/other_pythons.py` ran on {datetime.now(UTC):%Y-%m-%d} in Debian {SUITE}, with {', '.join(told)}:",
        "",
        f"| tests | {' | '.join(names)} |",
        "|---|" + "---|" * len(names),
    ]
    for group in GROUPS:
        counts = [counted(group, found) for found in results.values()]
        lines.append(f"| {group.name} | {' | '.join(counts)} |")
    for what, test in FIGURES.items():
        ratios = (
            next((why for name, _, why in found if name == test.format(python)), "-")
            for python, found in results.items()
        )
        lines.append(f"| {what} | {' | '.join(ratios)} |")
    return "\n".join(lines)


def counted(group: Group, found: Outcomes) -> str:
    """Return how many tests of a group had each outcome."""
    beginnings = tuple(f"{'slow ' * group.slow}{beginning}" for beginning in group.beginnings)
    counts = Counter(
        outcome for name, outcome, _ in found if name.startswith(beginnings) and name.startswith("slow ") == group.slow
    )
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("passed", "failed", "skipped") if counts[outcome])


def write(table: str) -> None:
    """Put the table into docs/platforms.md."""
    PLATFORMS.write_text(filled(PLATFORMS.read_text("utf-8"), {"other pythons": table}), "utf-8")


def ran(command: Sequence[str], environ: Mapping[str, str], *, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program; raises NotRunError with what it printed if it fails and ``check`` is set."""
    done = subprocess.run(
        command, env=environ, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if check and done.returncode:
        raise NotRunError(f"{' '.join(command)}\n{(done.stdout + done.stderr)[-4000:]}")
    return done


if __name__ == "__main__":
    sys.exit(main())
