"""Make all of a release but its upload: what lies in ./dist afterwards can be published as it is.

    python3 scripts/release.py              of a commit that has the tag of its version
    python3 scripts/release.py --rehearse   the same without a tag, as CI does for every change

Refuses a tree with changes, a tag that is not the version's, and a version of which CHANGELOG.md has no section.
Builds source distribution and wheel, the wheel from the source distribution, twice from clones of the commit, with the
versions of scripts/constraints.txt, and compares the bytes. Holds what is in them against scripts/contents.py, has
twine check them, installs the wheel into a new virtualenv, and runs certboot there as a user who has set nothing.
Writes an SBOM of that virtualenv (CycloneDX: of the same versions it is the same, but it is made once and not
compared), the section of CHANGELOG.md, and SHA256SUMS. Needs git, and pip's access to an index. The status is 0, or 1
where anything is not as it should be: then nothing is written.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import typing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import check
import contents

if typing.TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "scripts" / "constraints.txt"
SBOM_FORMAT = "1.6"
"""The newest version of CycloneDX that most readers know."""
TRIED = (("--version",), ("init",), ("doctor",))


class NotReleasedError(Exception):
    """Something is not as it should be; with what to do about it."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Release:
    """What is released."""

    version: str
    commit: str
    seconds: int
    """When the commit was made, since 1970."""
    notes: str
    """Its section of CHANGELOG.md, without the heading."""


@dataclass(frozen=True)
class Surroundings:
    """What must make no difference to a build."""

    folder: str
    umask: int
    zone: str


FIRST = Surroundings("first", 0o022, "UTC")
SECOND = Surroundings("second/in a folder of another name", 0o077, "Pacific/Kiritimati")


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description="Make all of a release of certboot but its upload.")
    parser.add_argument("--rehearse", action="store_true", help="of a commit without a tag")
    parser.add_argument("--output", metavar="DIR", type=Path, default=ROOT / "dist", help="where it goes (./dist)")
    arguments = parser.parse_args()
    try:
        output = arguments.output.resolve()
        release = look(ROOT, output, tagged=not arguments.rehearse)
        moment = datetime.fromtimestamp(release.seconds, timezone.utc)
        print(f"certboot {release.version} of commit {release.commit[:12]}, {moment:%Y-%m-%d %H:%M:%S} UTC", flush=True)
        with tempfile.TemporaryDirectory(prefix="certboot-release-") as folder:
            make(release, Path(folder).resolve(), output)
    except NotReleasedError as error:
        sys.stderr.write(f"release: error: {error}\n\nhint: {error.hint}\n")
        return 1
    except OSError as error:
        hint = "that must be there, with the right to write and enough room where files are made"
        sys.stderr.write(f"release: error: {error}\n\nhint: {hint}\n")
        return 1
    print(f"\n{output}")
    print((output / "SHA256SUMS").read_text(), end="")
    tag = f"v{release.version}"
    print(f"\nnext: {f'git tag -s {tag}, then scripts/release.py' if arguments.rehearse else f'git push origin {tag}'}")
    return 0


def look(root: Path, output: Path, *, tagged: bool) -> Release:
    """Return what the commit that is checked out is a release of; raises NotReleasedError where there can be none."""
    if sys.version_info < (3, 11):
        raise NotReleasedError("a release is made by Python 3.11 or newer", "python3.11 scripts/release.py")
    import tomllib

    if not (root / ".git").exists():
        raise NotReleasedError(f"this is no git repository: {root}", "a release is made of a clone of the repository")
    if output.exists() and any(output.iterdir()):
        raise NotReleasedError(f"something is there already: {output}", f"rm -r {output}")
    changed = git(root, "status", "--porcelain").splitlines()
    if changed:
        raise NotReleasedError(f"the tree has changes: {changed[0][3:]}", "git status; a release is made of a commit")
    version = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    tags = git(root, "tag", "--points-at", "HEAD", "v*").split()
    if tagged and tags != [f"v{version}"]:
        hint = f"git tag -s v{version}; or without a tag: scripts/release.py --rehearse"
        raise NotReleasedError(
            f"the tag of version {version} is v{version}, this commit has {' '.join(tags) or 'none'}", hint
        )
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |\Z)"
    section = re.search(heading, (root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    if not section or not section[1].strip():
        raise NotReleasedError(f"CHANGELOG.md has no section on {version}", f"write one: ## [{version}] - YYYY-MM-DD")
    commit, seconds = git(root, "log", "-1", "--format=%H %ct").split()
    return Release(version, commit, int(seconds), section[1].strip() + "\n")


def make(release: Release, folder: Path, output: Path) -> None:
    """Build, check, and write what is to be published into ``output``; raises NotReleasedError."""
    try:
        tools = check.install(folder / "tools", "release")
    except subprocess.CalledProcessError as error:
        raise NotReleasedError("pip could not install what a release is built with", "see what it said") from error
    first, second = (
        built(tools, cloned(release, folder, surroundings), folder, surroundings, release.seconds)
        for surroundings in (FIRST, SECOND)
    )
    compare(first, second)
    report("built twice", "the same bytes from another folder, HOME, umask and time zone")
    sdist, wheel = first
    faults = contents.faults(sdist, wheel, folder / FIRST.folder / "certboot")
    if faults:
        raise NotReleasedError("; ".join(faults[:3]), "scripts/contents.py states what belongs there")
    report("contents", "as scripts/contents.py states")
    ran([tools, "-m", "twine", "check", "--strict", sdist, wheel], folder)
    report("twine", "check --strict")
    user = installed(tools, wheel, release, folder)
    tried(user, release, folder)
    report("installed", ", ".join(f"certboot {' '.join(command)}" for command in TRIED))
    sbom = described(tools, user, release, folder)
    report("SBOM", f"CycloneDX {SBOM_FORMAT}, valid, of the wheel and what was installed with it")
    write(output, release.notes, sdist, wheel, sbom)


def cloned(release: Release, folder: Path, surroundings: Surroundings) -> Path:
    """Return a clone of the repository with the commit checked out: no file is in it that git does not know."""
    source = folder / surroundings.folder / "certboot"
    environ, umask = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}, surroundings.umask
    ran(["git", "clone", "--quiet", "--no-checkout", ROOT, source], folder, environ, umask)
    ran(["git", "-C", source, "checkout", "--quiet", "--detach", release.commit], folder, environ, umask)
    return source


def built(python: Path, source: Path, folder: Path, surroundings: Surroundings, seconds: int) -> tuple[Path, Path]:
    """Build ``source`` in these surroundings; return the source distribution, and the wheel that was built from it."""
    out, home = folder / surroundings.folder / "out", folder / surroundings.folder / "home"
    home.mkdir(parents=True)
    environ = {
        "HOME": str(home),
        "PATH": os.defpath,
        "SOURCE_DATE_EPOCH": str(seconds),
        "TZ": surroundings.zone,
    }
    ran([python, "-I", "-m", "build", "--no-isolation", "--outdir", out, source], folder, environ, surroundings.umask)
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return sdist, wheel


def compare(first: Sequence[Path], second: Sequence[Path]) -> None:
    """Raise NotReleasedError where two builds are not the same, byte for byte."""
    for one, other in zip(first, second, strict=True):
        if (one.name, one.read_bytes()) != (other.name, other.read_bytes()):
            hint = "diffoscope tells the difference of two builds that are kept, of python -m build"
            raise NotReleasedError(f"two builds of one commit differ: {one.name}", hint)


def installed(tools: Path, wheel: Path, release: Release, folder: Path) -> Path:
    """Install the wheel and what it needs into a new virtualenv, and return its interpreter."""
    user = folder / "user"
    ran([sys.executable, "-m", "venv", "--without-pip", user], folder)
    python = user / check.PROGRAM
    pip = [str(tools), "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    named = f"certboot=={release.version}"
    # By its name, from the one folder: what is installed by a path is remembered, and told in the SBOM, with that path.
    ran([*pip, "--isolated", "install", "--no-index", "--no-deps", "--find-links", wheel.parent, named], folder)
    ran([*pip, "install", "-c", CONSTRAINTS, named], folder)
    return python


def tried(python: Path, release: Release, folder: Path) -> None:
    """Run certboot as a user who has set nothing but HOME and PATH; raises NotReleasedError where it fails."""
    home = folder / "home"
    home.mkdir(0o700)  # with a umask of 0 or 002 certboot would rightly refuse it
    environ = {"HOME": str(home), "PATH": f"{python.parent}{os.pathsep}{os.defpath}"}
    said = [ran([python.with_name("certboot"), *command], home, environ) for command in TRIED]
    if said[0] != f"certboot {release.version}\n":
        raise NotReleasedError(f"the wheel's version is not {release.version}: {said[0].strip()}", "see pyproject.toml")


def described(tools: Path, python: Path, release: Release, folder: Path) -> Path:
    """Write an SBOM of the virtualenv, and return its path; raises NotReleasedError where it is not of all of it."""
    path = folder / "sbom.cdx.json"
    environ = {"HOME": str(folder), "PATH": os.defpath, "SOURCE_DATE_EPOCH": str(release.seconds)}
    ran([
        tools, "-m", "cyclonedx_py", "environment", "--pyproject", ROOT / "pyproject.toml",
        "--mc-type", "application", "--spec-version", SBOM_FORMAT, "--output-format", "JSON", "--output-reproducible",
        "--validate", "--output-file", path, python,
    ], folder, environ)  # fmt: skip
    told = json.loads(path.read_text("utf-8"))
    components = [told["metadata"]["component"], *told["components"]]
    listed = json.loads(ran([tools, "-m", "pip", "--python", python, "list", "--format=json"], folder))
    ours, theirs = ({(part["name"].lower(), part["version"]) for part in parts} for parts in (components, listed))
    if ours != theirs:
        differing = " ".join(f"{name} {version}" for name, version in sorted(ours ^ theirs))
        raise NotReleasedError(f"the SBOM is not of what is installed: {differing}", "see the options of cyclonedx-py")
    return path


def write(output: Path, notes: str, *paths: Path) -> None:
    """Write what is to be published into ``output``, which is not there or empty: all of it or nothing."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="certboot-release-", dir=output.parent) as beside:
        whole = Path(beside, "whole")
        whole.mkdir()
        for path in paths:
            shutil.copyfile(path, whole / path.name)
        sums = "".join(f"{digest(path)}  {path.name}\n" for path in paths)
        (whole / "SHA256SUMS").write_text(sums, "utf-8")
        (whole / "notes.md").write_text(notes, "utf-8")
        whole.replace(output)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def report(step: str, words: str) -> None:
    """Tell that a step succeeded."""
    print(f"  {step:<12} {words}", flush=True)


def git(root: Path, *arguments: str) -> str:
    """Return what git says of the repository."""
    return ran(["git", *arguments], root)


def ran(command: Sequence[str | Path], cwd: Path, environ: Mapping[str, str] | None = None, umask: int = 0o022) -> str:
    """Run a program and return what it said; raises NotReleasedError, after its output, where it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environ,
        umask=umask,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout[-4000:] + done.stderr[-4000:])
        words = " ".join(str(word) for word in command if not str(word).startswith("/"))
        raise NotReleasedError(f"failed with status {done.returncode}: {words}", "what it said stands above")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
