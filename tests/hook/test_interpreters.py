from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from support.environments import STRICT_VERSIONS, find_python, versions_here
from support.table import cases
from support.virtualenvs import packages, python_of, start, virtualenv

from certboot.errors import CertbootError
from certboot.hook import interpreters

if typing.TYPE_CHECKING:
    from support.environments import Ran

SYSTEM = Path("/usr/bin/python3")
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def test_an_interpreter_tells_where_its_packages_are(venv: Path) -> None:
    found = interpreters.ask(python_of(venv))
    assert found.python == python_of(venv)  # the link itself: resolved, it would be the interpreter below
    assert found.version == sys.version_info[:3]
    assert (found.virtual, found.managed, found.user_site) == (True, False, None)
    assert found.site_packages == packages(venv)
    # Debian's Python names folders of its own besides, which a virtualenv does not have.
    assert [folder for folder in found.site_folders if folder.exists()] == [packages(venv)]


def on_path(python: Path) -> list[str]:
    """Return the folders of packages on sys.path, in order, as an interpreter of its own has them."""
    code = "import sys; print([each for each in sys.path if each.endswith(('site-packages', 'dist-packages'))])"
    return list(ast.literal_eval(start(python, code).out))


@cases("version", versions_here("3.8", *STRICT_VERSIONS))
def test_the_folders_of_packages_are_those_of_sys_path_in_its_order(tmp_path: Path, clean: Path, version: str) -> None:
    """With the system's packages a virtualenv also has the user's own folder, after its own."""
    python = python_of(virtualenv(tmp_path / "venv", "--system-site-packages", python=find_python(version)))
    found = interpreters.ask(python)
    assert found.user_site
    assert found.user_site.is_relative_to(clean)
    found.user_site.mkdir(parents=True)  # site leaves out what is not there
    assert [str(folder) for folder in found.site_folders if folder.exists()] == on_path(python)
    assert found.user_site in found.site_folders[1:]


@pytest.mark.skipif(not SYSTEM.exists(), reason="no /usr/bin/python3")
def test_the_system_s_interpreter_tells_where_its_distribution_has_packages_and_whether_it_is_managed() -> None:
    found = interpreters.ask(SYSTEM)
    assert found.site_packages in found.site_folders
    stdlib = start(SYSTEM, "import sysconfig; print(sysconfig.get_path('stdlib'))").out.strip()
    assert found.managed == Path(stdlib, "EXTERNALLY-MANAGED").exists()
    assert not found.virtual


@cases("version", ["2.7", "3.6", "3.7"])
def test_an_interpreter_that_is_too_old_is_refused(version: str) -> None:
    with pytest.raises(CertbootError, match=rf"Python 3\.8 or newer, and this is {version}\."):
        interpreters.ask(Path(find_python(version)))


def program(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "python"
    path.write_text(text)
    path.chmod(0o755)
    return path


@cases(
    ("text", "words"),
    [
        ("#!/bin/sh\nexit 0\n", "does not answer as an interpreter does, its status is 0"),
        ("#!/bin/sh\necho so it is >&2\nexit 3\n", "its status is 3: so it is"),
        ("#!/bin/sh\nprintf '\\033[31mred\\n' >&2\nexit 3\n", "its status is 3: \N{REPLACEMENT CHARACTER}\\[31mred"),
        (f"#!/bin/sh\necho '{interpreters.MARK}[]'\n", "an answer that no interpreter gives"),
        (f"#!/bin/sh\necho '{interpreters.MARK}{{\"version\": [3, 9]}}'\n", "an answer that no interpreter gives"),
        (f"#!/bin/sh\necho '{interpreters.MARK}nothing'\n", "an answer that no interpreter gives"),
        ("\x7fELF", "cannot run "),
    ],
)
def test_what_is_no_interpreter_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(CertbootError, match=words):
        interpreters.ask(program(tmp_path, text))


HONEST = {
    "version": [3, 12, 1], "no_site": False, "python": "/usr/bin/python3", "virtual": False,
    "user_site": "/dev/null/user", "site_packages": "/dev/null/site", "site_folders": ["/dev/null/site"],
    "managed": False, "base_prefix": "/usr", "stdlib": "/usr/lib/python3.12",
}  # fmt: skip
LIES = {
    "version": ("[Infinity, 1, 1]", "[3.5, 1, 1]", "[3, 12]", '["3", "12", "1"]', "[" + "9" * 5000 + ", 1, 1]", "null"),
    "site_packages": ('"lib"', '""', '"/a\\u0000b"', '"/a\\nimport os"', '"/\\ud800"', "7", "null", "[]"),
    "user_site": ('"lib"', '"/a\\u0000b"', "7", "[1]"),
    "site_folders": ('["lib"]', '["/usr", "."]', '["/a\\u0000"]', "7", "[7]", "[[]]", "null"),
    "python": ('"python"', '"/a\\u0000"', "7"),
    "stdlib": ('"lib"', "null"),
    "base_prefix": ('"."', "7"),
}  # fmt: skip


def telling(tmp_path: Path, answer: str) -> Path:
    """A program that gives this for the answer of an interpreter."""
    (tmp_path / "answer").write_text(f"{interpreters.MARK}{answer}\n")
    return program(tmp_path, f"#!/bin/sh\ncat '{tmp_path}/answer'\n")


def test_an_interpreter_that_lies_is_refused_and_nothing_is_done_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, certboot: Callable[..., Ran]
) -> None:
    found = interpreters.ask(telling(tmp_path, json.dumps(HONEST)))  # the control
    assert (found.version, found.site_packages) == ((3, 12, 1), Path("/dev/null/site"))
    here = tmp_path / "here"
    (here / "lib").mkdir(parents=True)
    monkeypatch.chdir(here)
    lies = [json.dumps({**HONEST, field: "LIE"}).replace('"LIE"', lie) for field in LIES for lie in LIES[field]]
    shapeless = ["[" * 100_000, '{"version":' * 50_000, "\x00", '"\\ud800"', "9" * 5000, "null"]
    for answer in (*lies, *shapeless):
        ran = certboot("hook", "install", "--python", telling(tmp_path, answer))
        assert (ran.status, "an answer that no interpreter gives" in ran.err) == (2, True), (answer[:200], ran)
    assert sorted(here.rglob("*")) == [here / "lib"]


def test_an_interpreter_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreters, "_SECONDS", 0.2)
    with pytest.raises(CertbootError, match="no answer within"):
        interpreters.ask(program(tmp_path, "#!/bin/sh\nexec sleep 60\n"))


def test_one_that_reads_no_start_up_files_is_refused(tmp_path: Path, venv: Path) -> None:
    """As the embedded Python of Windows, whose ._pth file leaves site out."""
    without_site = program(tmp_path, f'#!/bin/sh\nexec "{python_of(venv)}" -S "$@"\n')
    with pytest.raises(CertbootError, match="reads no start-up files"):
        interpreters.ask(without_site)


def test_nothing_from_the_folder_of_the_caller_or_from_pythonpath_is_imported(
    venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("json", "os", "site", "sysconfig"):
        (tmp_path / f"{module}.py").write_text("raise SystemExit('not ours')\n")
    monkeypatch.chdir(tmp_path)
    control = subprocess.run([python_of(venv), "-c", "import json"], capture_output=True, check=False)
    assert control.stderr == b"not ours\n"
    assert interpreters.ask(python_of(venv)).virtual
    monkeypatch.chdir("/")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    assert interpreters.ask(python_of(venv)).virtual


def test_what_other_start_up_files_print_does_not_matter_but_a_start_that_fails_is_told_with_its_last_words(
    venv: Path,
) -> None:
    (packages(venv) / "loud.pth").write_text("import sys; print('loud'); print('{}', file=sys.stderr)\n")
    assert interpreters.ask(python_of(venv)).virtual
    (packages(venv) / "broken.pth").write_text("import sys; sys.exit('no start today')\n")
    with pytest.raises(CertbootError, match="status is 1: SystemExit: no start today"):
        interpreters.ask(python_of(venv))


@AS_ROOT
@cases("part", ["venv", "venv/bin", "venv/pyvenv.cfg"])
def test_what_belongs_to_another_user_is_not_run(venv: Path, part: str) -> None:
    """Else `sudo certboot hook install --all-venvs /home` would run whatever a user calls bin/python."""
    assert interpreters.ask(python_of(venv)).virtual
    os.chown(venv.parent / part, 1234, 1234)
    with pytest.raises(CertbootError, match=r"not run when it belongs to another user \(uid 1234\): .*" + part):
        interpreters.ask(python_of(venv))


@cases("part", ["venv/bin", "venv/bin/python"])
def test_what_everybody_may_write_to_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    python = python_of(virtualenv(tmp_path / "venv", "--copies"))
    assert interpreters.ask(python).virtual
    (tmp_path / part).chmod(0o777)
    with pytest.raises(CertbootError, match="not run when"):
        interpreters.ask(python)
    with monkeypatch.context() as patch:  # which guards programs by other means
        patch.setattr("certboot.hook.interpreters.os.name", "nt")
        stranger = interpreters._stranger(python)
    assert stranger is None


def test_an_interpreter_is_named_by_path_by_virtualenv_or_by_name(
    venv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    python = python_of(venv)
    assert interpreters.named(str(python)) == python
    assert interpreters.named(str(venv)) == python
    monkeypatch.chdir(tmp_path)
    assert interpreters.named("venv") == interpreters.named("venv/bin/python") == python
    monkeypatch.setenv("PATH", str(venv / "bin"))
    assert interpreters.named("python") == python
    with pytest.raises(CertbootError, match="there is no such program: python9"):
        interpreters.named("python9")
    with pytest.raises(CertbootError, match="there is no interpreter in bin or Scripts"):
        interpreters.named(str(tmp_path))


@cases(
    "first",
    [
        "#!{python}\n", "#! {python} -I\n", "#!/usr/bin/env python3\n", "#!/usr/bin/env -S python3 -u\n",
        "#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n",
    ],
)  # fmt: skip
def test_the_interpreter_behind_a_script_is_the_one_that_its_first_line_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    python = tmp_path / "python3"
    python.symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    script = tmp_path / "script"
    script.write_text(first.format(python=python))
    assert interpreters.behind(str(script)) == python


@cases("text", ["#!/bin/sh\npython3\n", "#!/no/such/python3\n", "#!/usr/bin/env node\n", "\x7fELF", ""])
def test_another_program_has_none_behind_it(tmp_path: Path, text: str) -> None:
    script = tmp_path / "script"
    script.write_text(text)
    assert interpreters.behind(str(script)) is None
    assert interpreters.behind(str(tmp_path)) is None
    assert interpreters.behind(sys.executable) == Path(sys.executable)


def test_virtualenvs_are_found_some_levels_deep_and_by_their_own_name_only(tmp_path: Path) -> None:
    places = ["b/.venv", "a", "a/inside/another", "c/1/2/3/4/5", "c/1/2/3/4/5/6", "node_modules/d", "d/e"]
    for place in places:
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        if place != "c/1/2/3/4/5":
            (tmp_path / place / "pyvenv.cfg").touch()
    (tmp_path / "d" / "round").symlink_to(tmp_path)
    (tmp_path / "d" / "f").symlink_to(tmp_path / "a")
    found = [str(path.relative_to(tmp_path)) for path in interpreters.virtualenvs(tmp_path)]
    assert found == ["a", "b/.venv", "d/e"]
    (tmp_path / "c/1/2/3/4/5/pyvenv.cfg").touch()
    assert tmp_path / "c/1/2/3/4/5" in interpreters.virtualenvs(tmp_path)
    assert list(interpreters.virtualenvs(tmp_path / "a")) == [tmp_path / "a"]
    assert list(interpreters.virtualenvs(tmp_path / "none")) == []


def test_the_variables_that_our_own_hook_has_set_are_not_the_caller_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certboot_startup.applied", {"SSL_CERT_FILE": "/ours", "GIT_SSL_CAINFO": "/ours"})
    monkeypatch.setenv("SSL_CERT_FILE", "/ours")
    monkeypatch.setenv("GIT_SSL_CAINFO", "/set/since")
    found = interpreters.environ()
    assert "SSL_CERT_FILE" not in found
    assert found["GIT_SSL_CAINFO"] == "/set/since"


def test_python_3_8_can_read_the_question() -> None:
    ast.parse(interpreters._QUESTION, feature_version=(3, 8))
