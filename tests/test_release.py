"""What a release is made of, when none is made, and that what makes and publishes it says only what it must."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import typing
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import tomllib
import yaml
from support.environments import ROOT, installer
from support.table import cases

import certboot

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
CHANGES = "# Changelog\n\n## [Unreleased]\n\n## [2.0] - 2026-01-02\n\n- New.\n\n## [1.9] - 2025-01-02\n\n- Old.\n"
Load = Callable[[str], typing.Any]


def test_the_version_stands_in_pyproject_alone() -> None:
    """All else asks the metadata, or is a record: CHANGELOG.md, and in docs/ of what was measured."""
    assert certboot.__version__ == PROJECT["version"]
    pattern = re.compile(rf"(?<![\w.=]){re.escape(certboot.__version__)}(?![\w.])")
    places = (ROOT.glob("*"), *((ROOT / folder).rglob("*") for folder in ("src", "docs", "scripts", ".github")))
    files = [path for place in places for path in place if path.is_file() and path.suffix not in (".pyc", "")]
    files = [path for path in files if not path.name.startswith(".")]  # such as what coverage writes meanwhile
    found = {path.relative_to(ROOT).as_posix() for path in files if pattern.search(path.read_text("utf-8", "replace"))}
    measured = {path for path in found if re.match(r"docs/(benchmarks|reliability)\b", path)}
    assert found - measured == {"CHANGELOG.md", "pyproject.toml"}


def test_the_oldest_dependencies_that_are_tested_are_those_that_pyproject_allows() -> None:
    lines = (ROOT / "scripts" / "constraints-oldest.txt").read_text("utf-8").splitlines()
    allowed = [re.fullmatch(r"(\w+)>=([\d.]+)(,<\d+)?(; .*)?", wanted) for wanted in PROJECT["dependencies"]]
    assert lines[1:] == [f"{wanted[1]}=={wanted[2]}{wanted[4] or ''}" for wanted in allowed if wanted]
    assert all(allowed)


@pytest.fixture
def repository(tmp_path: Path) -> Callable[..., str]:
    """A repository with a commit of version 2.0 and its tag; what git does there."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nversion = "2.0"\n')
    (folder / "CHANGELOG.md").write_text(CHANGES)

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@localhost", "-c", "tag.gpgSign=false")
        command = ["git", "-C", str(folder), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "Two"), ("tag", "v2.0")):
        git(*command)
    return git


@pytest.mark.skipif(not shutil.which("git"), reason="no git here")
def test_a_release_is_of_a_commit_with_the_tag_of_its_version(
    script: Load, repository: Callable[..., str], tmp_path: Path
) -> None:
    release, folder, output = script("release"), tmp_path / "repository", tmp_path / "dist"
    found = release.look(folder, output, tagged=True)
    assert (found.version, found.notes) == ("2.0", "- New.\n")
    assert f"{found.commit} {found.seconds}" == repository("log", "-1", "--format=%H %ct").strip()

    def refused(*words: str, tagged: bool = True) -> None:
        with pytest.raises(release.NotReleasedError) as error:
            release.look(folder, output, tagged=tagged)
        assert all(word in str(error.value) for word in words), error.value
        assert error.value.hint

    (folder / "new").touch()
    refused("changes", "new", tagged=False)
    (folder / "new").unlink()
    repository("tag", "v2.0.1")  # of two the workflow could have been started by the other
    refused("v2.0 v2.0.1")
    repository("tag", "-d", "v2.0", "v2.0.1")
    refused("this commit has none")
    assert release.look(folder, output, tagged=False) == found
    (folder / "CHANGELOG.md").write_text(CHANGES.replace("- New.\n\n", ""))
    repository("commit", "-q", "-a", "-m", "Nothing to say")
    refused("no section on 2.0", tagged=False)
    output.mkdir()
    (output / "old.whl").touch()
    refused("something is there", str(output), tagged=False)
    (folder / ".git").rename(tmp_path / "elsewhere")  # as in a source distribution
    refused("no git repository", str(folder), tagged=False)


def test_what_is_written_is_all_or_nothing(script: Load, tmp_path: Path) -> None:
    release, wheel, output = script("release"), tmp_path / "a.whl", tmp_path / "new" / "dist"
    wheel.write_bytes(b"a")
    with pytest.raises(FileNotFoundError):
        release.write(output, "- New.\n", wheel, tmp_path / "not there")
    assert list(output.parent.iterdir()) == []
    for _ in "12":  # where it is not there, and where it is empty
        release.write(output, "- New.\n", wheel)
        assert sorted(path.name for path in output.iterdir()) == ["SHA256SUMS", "a.whl", "notes.md"]
        assert (output / "SHA256SUMS").read_text() == f"{hashlib.sha256(b'a').hexdigest()}  a.whl\n"
        shutil.rmtree(output)
        output.mkdir()


@pytest.mark.skipif(os.name == "nt", reason="no umask")
def test_certboot_is_tried_in_a_home_of_nobody_else_s(
    script: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, folder = script("release"), tmp_path / "folder"
    folder.mkdir()
    monkeypatch.setattr(release, "TRIED", (("--version",), ("init",)))
    before = os.umask(0)
    try:
        release.tried(Path(sys.executable), release.Release(certboot.__version__, "", 0, ""), folder)
    finally:
        os.umask(before)
    assert (folder / "home").stat().st_mode & 0o777 == 0o700


def test_what_the_system_refuses_is_one_message(
    script: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    release, output = script("release"), tmp_path / "file"
    (tmp_path / ".git").mkdir()
    output.touch()
    release.ROOT = tmp_path
    monkeypatch.setattr(sys, "argv", ["release.py", "--output", str(output)])
    assert release.main() == 1
    assert re.fullmatch("release: error: .*\n\nhint: .*\n", capsys.readouterr().err)


def test_what_differs_and_what_fails_is_told(script: Load, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    release = script("release")
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
        (folder / "a.whl").write_bytes(b"a")
    release.compare([folders[0] / "a.whl"], [folders[1] / "a.whl"])
    (folders[1] / "a.whl").write_bytes(b"b")
    with pytest.raises(release.NotReleasedError, match=r"two builds of one commit differ: a\.whl"):
        release.compare([folders[0] / "a.whl"], [folders[1] / "a.whl"])
    program = "import sys; print('why'); sys.exit(3)"
    with pytest.raises(release.NotReleasedError, match="failed with status 3: -c"):
        release.ran([sys.executable, "-c", program], tmp_path)
    assert capsys.readouterr().err == "why\n"


class Packed:
    """A small repository, and what is built of it as it should be, until a file is replaced or taken out."""

    def __init__(self, folder: Path, contents: typing.Any) -> None:  # noqa: ANN401 - a module
        self.folder, self.contents, self.source = folder, contents, folder / "repository"
        files = {name: name.encode() for name in contents.NEEDED} | {"src/certboot_startup.pth": contents.HOOK_LINE}
        for name, data in files.items():
            self.write(name, data)
        info, share = "certboot-2.0.dist-info", "certboot-2.0.data/data/share"
        self.wheel = {name.removeprefix("src/"): data for name, data in files.items() if name.startswith("src/")}
        self.wheel |= {f"{share}/{name}": path.encode() for name, path in contents.SHARED.items()}
        self.wheel |= {f"{info}/{name}": b"" for name in contents.METADATA} | {f"{info}/licenses/LICENSE": b"LICENSE"}
        self.sdist: dict[str, bytes | None] = {"PKG-INFO": b"", **files}

    def write(self, name: str, data: bytes) -> None:
        (self.source / name).parent.mkdir(parents=True, exist_ok=True)
        (self.source / name).write_bytes(data)

    def faults(self) -> list[str]:
        sdist, wheel = self.folder / "certboot-2.0.tar.gz", self.folder / "certboot-2.0-py3-none-any.whl"
        with tarfile.open(sdist, "w:gz") as archive:
            for name, data in self.sdist.items():
                member = tarfile.TarInfo(f"certboot-2.0/{name}")
                member.type, member.linkname = (
                    (tarfile.SYMTYPE, "/etc/passwd") if data is None else (tarfile.REGTYPE, "")
                )
                member.size = len(data or b"")
                archive.addfile(member, io.BytesIO(data or b""))
        with zipfile.ZipFile(wheel, "w") as archived:
            for name, data in self.wheel.items():
                entry = zipfile.ZipInfo(name)
                entry.external_attr = 0o644 << 16
                archived.writestr(entry, data)
        found: list[str] = self.contents.faults(sdist, wheel, self.source)
        return [fault.partition(": ")[2] if fault.startswith("certboot-2.0") else fault for fault in found]


@pytest.fixture
def packed(script: Load, tmp_path: Path) -> Packed:
    return Packed(tmp_path, script("contents"))


def test_whatever_is_put_into_a_package_left_out_or_changed_is_named(packed: Packed) -> None:
    sound, lines = dict(packed.wheel), packed.wheel["certboot_startup.pth"]
    assert packed.faults() == []
    for name, data, fault in (
        ("certboot_startup.start", b"", "not stated in scripts/contents.py"),
        ("certboot/__pycache__/files.cpython-311.pyc", b"", "not stated in scripts/contents.py"),
        ("certboot/py.typed", b"partial", "not as in the sources"),
        ("certboot_startup.pth", b"\xef\xbb\xbf" + lines, "not as in the sources"),
        ("certboot-2.0.dist-info/METADATA", f"{packed.source}/x".encode(), "names a folder of this machine"),
        ("certboot-2.0.dist-info/METADATA", str(ROOT).encode(), "names a folder of this machine"),
    ):
        if data == str(ROOT).encode() and len(ROOT.parts) <= 2:
            continue  # a checkout in a folder such as /certboot, which is a part of other paths
        packed.wheel = {**sound, name: data}
        assert packed.faults() == [f"{fault}: {name}"]
    packed.wheel = {name: data for name, data in sound.items() if name != "certboot/py.typed"}
    assert packed.faults() == ["missing: certboot/py.typed"]
    packed.wheel = sound
    packed.sdist |= {"LICENSE": None, ".venv-test/pyvenv.cfg": b""}
    assert packed.faults() == [
        "not stated in scripts/contents.py: .venv-test/pyvenv.cfg",
        "no single regular file that root owns and all may read: LICENSE",
    ]


def test_what_is_there_twice_is_named_since_who_unpacks_it_may_take_either(packed: Packed) -> None:
    assert packed.faults() == []
    sdist, wheel = packed.folder / "certboot-2.0.tar.gz", packed.folder / "certboot-2.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "a") as archived, pytest.warns(UserWarning, match="Duplicate name"):
        archived.writestr(archived.getinfo("certboot/py.typed"), packed.wheel["certboot/py.typed"])
    with tarfile.open(sdist, "w:gz") as archive:
        for name, data in (*packed.sdist.items(), ("LICENSE", b"LICENSE")):
            member = tarfile.TarInfo(f"certboot-2.0/{name}")
            member.size = len(data or b"")
            archive.addfile(member, io.BytesIO(data or b""))
    words = "no single regular file that root owns and all may read"
    assert packed.contents.faults(sdist, wheel, packed.source) == [
        f"{sdist.name}: {words}: LICENSE",
        f"{wheel.name}: {words}: certboot/py.typed",
    ]


def test_what_the_sources_lack_or_add_to_the_hook_is_named_though_the_packages_agree(packed: Packed) -> None:
    more = packed.wheel["certboot_startup.pth"] + b"import more\n"
    packed.write("src/certboot_startup.pth", more)
    packed.wheel["certboot_startup.pth"] = packed.sdist["src/certboot_startup.pth"] = more
    (packed.source / "src/certboot/py.typed").unlink()
    del packed.wheel["certboot/py.typed"], packed.sdist["src/certboot/py.typed"]
    assert packed.faults() == [
        "not in the sources: src/certboot/py.typed",
        "more than the one line of the hook: src/certboot_startup.pth",
        "more than the one line of the hook: certboot_startup.pth",
    ]


@pytest.mark.skipif(not WORKFLOWS, reason="a source distribution has no workflows")
def test_workflows_are_such_by_github_s_schema() -> None:
    installer(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)


@cases("path", WORKFLOWS)
def test_a_workflow_names_each_action_by_its_commit_and_keeps_no_token(path: Path) -> None:
    text = path.read_text("utf-8")
    used = re.findall(r"uses: (.*)", text)
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", action)] == []
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")
    assert all("timeout-minutes" in job for job in yaml.safe_load(text)["jobs"].values())


@pytest.mark.skipif(not WORKFLOWS, reason="a source distribution has no workflows")
def test_who_may_publish_runs_nothing_of_the_repository_and_nobody_may_more_than_he_must() -> None:
    """The job that builds may write nothing, and those that may write only take what it has built."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8"))
    jobs = workflow["jobs"]
    assert workflow["permissions"] == {}
    assert {name: job["permissions"] for name, job in jobs.items()} == {
        "build": {"contents": "read"},
        "publish": {"id-token": "write"},
        "attest": {"id-token": "write", "attestations": "write"},
        "announce": {"contents": "write"},
    }
    assert [job.get("needs") for job in jobs.values()] == [None, "build", "publish", "attest"]
    assert [name for name, job in jobs.items() if "environment" in job] == ["publish"]
    of_each = {name: [step.get("uses", "run").partition("@")[0] for step in job["steps"]] for name, job in jobs.items()}
    assert of_each["publish"] == ["actions/download-artifact", "pypa/gh-action-pypi-publish"]
    assert [name for name, steps in of_each.items() if "actions/checkout" in steps] == ["build"]
    assert [name for name, steps in of_each.items() if "run" in steps] == ["build", "announce"]
