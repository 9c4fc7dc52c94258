"""What the source distribution and the wheel of certboot hold: asked by scripts/release.py and by the tests.

Every file is stated, by its name or by the form of its name: what comes into the repository besides is in neither until
it is stated here. What they hold must be the bytes of the sources, but for the metadata, which the build writes.
"""

from __future__ import annotations

import itertools
import re
import stat
import tarfile
import typing
import zipfile
from pathlib import Path

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("docs", "scripts", "src", "tests")
SOURCES = (
    r"src/certboot(_startup)?/([a-z0-9_]+/)*[a-z0-9_]+\.py",
    r"src/certboot/py\.typed",
    r"src/certboot/cli/completions/(certboot\.bash|certboot\.fish|_certboot)",
    r"src/certboot/cli/report/(page\.css|page\.html|doctor\.schema\.json)",
    r"src/certboot/clients/trials\.toml",
    r"src/certboot/doctor/(owners\.toml|findings/[a-z]+\.md|server/classical\.cnf)",
    r"src/certboot/hook/pyinstaller/(hook-os\.py|rthooks\.dat)",
    r"src/certboot/scan/scan\.schema\.json",
    r"src/certboot_startup\.pth",
)
"""What is installed, by how its path in the repository reads."""
BESIDE = (
    r"\.gitignore|CHANGELOG\.md|LICENSE|README\.md|pyproject\.toml",
    r"docs/([a-z]+/)?[A-Za-z0-9.-]+\.(1|json|md|svg|txt)",
    r"scripts/([a-z]+/)?[a-z_-]+\.(py|txt)",
    r"tests/([a-z0-9_]+/)*[a-z0-9_]+\.(py|pem)",
    r"tests/interop/(constraints|requirements-[a-z]+)\.txt",
    r"tests/fuzz/corpus/[a-z0-9]+/[a-z0-9.-]+",
)
"""What else the source distribution holds."""
NEEDED = (
    "LICENSE",
    "README.md",
    "docs/certboot.1",
    "src/certboot/cli/completions/_certboot",
    "src/certboot/cli/completions/certboot.bash",
    "src/certboot/cli/completions/certboot.fish",
    "src/certboot/cli/report/doctor.schema.json",
    "src/certboot/py.typed",
    "src/certboot/scan/scan.schema.json",
    "src/certboot_startup.pth",
)
"""Without these it is not certboot: a pattern above says only what may be there."""
SHARED = {
    "bash-completion/completions/certboot": "src/certboot/cli/completions/certboot.bash",
    "fish/vendor_completions.d/certboot.fish": "src/certboot/cli/completions/certboot.fish",
    "man/man1/certboot.1": "docs/certboot.1",
    "zsh/site-functions/_certboot": "src/certboot/cli/completions/_certboot",
}
"""What the wheel has below share/ -> its path in the repository."""
METADATA = ("METADATA", "RECORD", "WHEEL", "entry_points.txt")
HOOK_LINE = b"import certboot_startup; certboot_startup.activate()\n"
"""One line of ASCII without a byte order mark: anything else can stop an interpreter from starting."""


def faults(sdist: Path, wheel: Path, source: Path) -> list[str]:
    """Return what is wrong with the two that were built from the repository in ``source``: nothing if all is well."""
    sources = {path: path for path in _paths(source, SOURCES)}
    beside = {path: path for path in _paths(source, BESIDE)}
    version = sdist.name.removeprefix("certboot-").removesuffix(".tar.gz")
    info, share = f"certboot-{version}.dist-info", f"certboot-{version}.data/data/share"
    installed = {path.removeprefix("src/"): path for path in sources}
    installed |= {f"{share}/{name}": path for name, path in SHARED.items()}
    installed |= {f"{info}/licenses/LICENSE": "LICENSE", **{f"{info}/{name}": "" for name in METADATA}}
    found = [f"not in the sources: {path}" for path in NEEDED if path not in sources | beside]
    found += _compared(f"{sdist.name}: ", _unpacked(sdist), {"PKG-INFO": "", **sources, **beside}, source)
    found += _compared(f"{wheel.name}: ", _unzipped(wheel), installed, source)
    return found


def _paths(source: Path, patterns: tuple[str, ...]) -> Iterator[str]:
    places = (source.glob("*"), *((source / folder).rglob("*") for folder in FOLDERS))
    names = (path.relative_to(source).as_posix() for path in itertools.chain(*places) if path.is_file())
    return (name for name in names if any(re.fullmatch(pattern, name) for pattern in patterns))


def _compared(archive: str, held: Mapping[str, bytes | None], stated: Mapping[str, str], source: Path) -> Iterator[str]:
    yield from (f"{archive}not stated in scripts/contents.py: {name}" for name in sorted(held.keys() - stated.keys()))
    yield from (f"{archive}missing: {name}" for name in sorted(stated.keys() - held.keys()))
    for name in sorted(held.keys() & stated.keys()):
        data, path = held[name], stated[name]
        if data is None:
            yield f"{archive}no single regular file that root owns and all may read: {name}"
        elif path and data != (source / path).read_bytes():
            yield f"{archive}not as in the sources: {name}"
        elif name.endswith(".pth") and data != HOOK_LINE:
            yield f"{archive}more than the one line of the hook: {name}"
        # A path such as /certboot, of one folder, is a part of others, and tells nothing of a machine.
        elif any(str(folder).encode() in data for folder in {source, ROOT} if len(folder.parts) > 2):  # noqa: PLR2004
            yield f"{archive}names a folder of this machine: {name}"


def _unpacked(sdist: Path) -> dict[str, bytes | None]:
    folder = sdist.name.removesuffix(".tar.gz") + "/"
    held: dict[str, bytes | None] = {}
    with tarfile.open(sdist) as archive:
        for member in archive:
            data = archive.extractfile(member) if member.isreg() else None
            proper = (member.mode, member.uid, member.gid) == (0o644, 0, 0) and member.name.startswith(folder)
            name = member.name.removeprefix(folder)
            held[name] = data.read() if data and proper and name not in held else None
    return held


def _unzipped(wheel: Path) -> dict[str, bytes | None]:
    held: dict[str, bytes | None] = {}
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            proper = entry.external_attr >> 16 in (0o644, stat.S_IFREG | 0o644)
            held[entry.filename] = archive.read(entry) if proper and entry.filename not in held else None
    return held
