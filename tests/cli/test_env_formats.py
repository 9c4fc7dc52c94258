"""Each format against the program that reads it, or where this machine has none, against its documented rules."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import dotenv
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.environments import SYSTEM_PATH
from support.faults import Listener
from support.server import page
from support.table import cases

from certboot.cli import env_formats
from certboot.cli.env_formats import FORMATS
from certboot.errors import CertbootError

ODD = {
    "PLAIN": "/home/you/.local/share/certboot/current/bundle.pem",
    "EMPTY": "",
    "SPACES": " /two  spaces/ and ends ",
    "SINGLE": "/it's",
    "DOUBLE": '/so "called"',
    "DOLLAR": "/$HOME/$$/$(id)",
    "BACKSLASH": "C:\\new\\table\\",
    "BACKTICK": "/`id`",
    "BRACES": "/${HOME}/{a,b}",
    "SIGNS": "!!~*?[a]#x #y;|&<>()%^=@:,",
    "UNICODE": "/\u00fc/\u20ac/\u2019/\U0001f600/\u00a0",
    "NEWLINE": "/two\nlines\n",
    "RETURN": "/a\r/\r\n",
    "TAB": "\t/a\tb",
    "DASH": "-n",
    "ALL": "'\"\\$`\n \u2018",
}
SIGNS = "'\"\\$`!{}()#~*?[]|&;<> \t\n\r=%"
CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"]) | st.sampled_from(SIGNS)
TEXTS = st.lists(st.text(CHARACTERS), min_size=1, max_size=20)
BYTES = st.lists(st.binary().map(lambda data: os.fsdecode(data.replace(b"\0", b""))), min_size=1, max_size=20)
NOT_TEXT = os.fsdecode(b"/caf\xe9")
ONCE = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def named(values: list[str]) -> dict[str, str]:
    return {f"VALUE_{number}": value for number, value in enumerate(values)}


def needs(program: str) -> str:
    return shutil.which(program, path=SYSTEM_PATH) or pytest.skip(f"no {program} on this machine")


def environment_of(*argv: str, text: str = "", **environ: str) -> dict[str, str]:
    """Return the environment that a program prints with ``env -0``."""
    environ = {"PATH": SYSTEM_PATH, **environ}
    ran = subprocess.run(argv, input=os.fsencode(text), env=environ, capture_output=True, check=False, timeout=60)
    assert (ran.returncode, ran.stderr) == (0, b"")
    return dict(os.fsdecode(line).split("=", 1) for line in ran.stdout.split(b"\0") if line)


def chosen(read: Mapping[str, str | None], wanted: dict[str, str]) -> dict[str, str | None]:
    return {name: read[name] for name in wanted}


def refused(form: str, value: str) -> bool:
    try:
        FORMATS[form]({"A": value})
    except CertbootError as error:
        return repr(value) in error.message
    return False


def written(form: str, values: dict[str, str]) -> dict[str, str]:
    """Return those of the values that the format does not refuse."""
    return {name: value for name, value in values.items() if not refused(form, value)}


# Shells

SHELLS = {
    "sh": ("sh", "-c", 'eval "$(cat)"; exec env -0'),
    "bash": ("bash", "-c", 'eval "$(cat)"; exec env -0'),
    "zsh": ("zsh", "-f", "-c", 'eval "$(cat)"; exec env -0'),
    "fish": ("fish", "--no-config", "-c", "source -; exec env -0"),
}


@cases("locale", ["C", "C.UTF-8"])
@cases("shell", SHELLS)
def test_a_shell_reads_every_value_as_it_is(shell: str, locale: str, tmp_path: Path) -> None:
    needs(shell)
    values = ODD | {"BYTES": NOT_TEXT}
    form = "fish" if shell == "fish" else "sh"
    assert written(form, values) == values
    read = environment_of(*SHELLS[shell], text=FORMATS[form](values), LC_ALL=locale, HOME=str(tmp_path))
    assert chosen(read, values) == values


@pytest.mark.parametrize("shell", ["sh", "fish"])
@given(values=TEXTS | BYTES)
@ONCE
def test_sh_and_fish_read_any_value_as_it_is(shell: str, tmp_path: Path, values: list[str]) -> None:
    needs(shell)
    wanted = named(values)
    read = environment_of(*SHELLS[shell], text=FORMATS[shell](wanted), LC_ALL="C.UTF-8", HOME=str(tmp_path))
    assert chosen(read, wanted) == wanted


QUOTES = "'\u2018\u2019\u201a\u201b"  # about_Quoting_Rules: a single quote in any of these forms ends a string


def powershell_value(expression: str) -> str:
    """Return the value of a sum of verbatim strings and characters, as about_Quoting_Rules has them."""
    terms = re.findall(
        rf"(?:^| \+ )(?:[{QUOTES}]((?:[^{QUOTES}]|[{QUOTES}]{{2}})*)[{QUOTES}]|\[char\](\d+))", expression
    )
    assert expression.startswith("'")
    units = b"".join(
        int(number).to_bytes(2, "little") if number else text.replace("''", "'").encode("utf-16-le")
        for text, number in terms
    )
    return units.decode("utf-16-le")


@given(TEXTS)
def test_powershell_reads_any_value_as_it_is_from_plain_ascii(values: list[str]) -> None:
    text = env_formats.powershell(named(values))
    assert text.isascii()
    lines = text.splitlines()
    assert [line.split(" = ", 1)[0] for line in lines] == [f"$env:VALUE_{number}" for number in range(len(values))]
    assert [powershell_value(line.split(" = ", 1)[1]) for line in lines] == values


def test_powershell_text_is_readable_where_it_can_be_and_no_settings_are_no_text() -> None:
    assert env_formats.powershell({"A": "C:\\it's"}) == "$env:A = 'C:\\it''s'\n"
    assert env_formats.powershell({"A": "\u00fc", "B": ""}) == "$env:A = '' + [char]252\n$env:B = ''\n"
    assert {form: text({}) for form, text in FORMATS.items()} == dict.fromkeys(FORMATS, "") | {"json": "{}\n"}


# Files


def test_dotenv_refuses_what_its_readers_read_differently() -> None:
    assert ODD.keys() - written("dotenv", ODD).keys() == {"BRACES", "RETURN", "ALL"}
    with pytest.raises(CertbootError, match="no spelling in common"):
        env_formats.dotenv({"A": "/it's $5"})


def read_by_python_dotenv(text: str, _: Path) -> dict[str, str | None]:
    return dict(dotenv.dotenv_values(stream=io.StringIO(text, newline="")))


def sourced(text: str, folder: Path) -> dict[str, str | None]:
    file = folder / "sourced.env"
    file.write_bytes(text.encode())
    return dict(environment_of("sh", "-c", 'set -a; . "$1"; exec env -0', "sh", str(file)))


# Nothing changes between single quotes, where some versions take a backslash and a quote for a quote.
COMPOSE = r"""(\w+)=(?:'([^'\\]*)'|"((?:[^"\\$]|\\["\\])*)")\n"""


def read_by_compose(text: str, _folder: Path) -> dict[str, str | None]:
    """Read what Docker Compose documents: in double quotes both signs are escaped, and a $ would be expanded."""
    assert re.fullmatch(f"(?:{COMPOSE})*", text)
    quoted = re.findall(COMPOSE, text)
    return {name: single or re.sub(r"\\(.)", r"\1", double, flags=re.DOTALL) for name, single, double in quoted}


def read_by_systemd(text: str, folder: Path) -> dict[str, str | None]:
    """Read with systemd's own parser of such files, by way of os-release and systemd-tmpfiles' specifier for it."""
    needs("systemd-tmpfiles")
    held: dict[str, str | None] = {}
    for name, _, rest in (part.partition("=") for part in re.split(r"(?<=[\"'])\n(?=[A-Z_0-9]+=)", text)):
        root = folder / name
        (root / "etc").mkdir(parents=True, exist_ok=True)
        (root / "etc" / "os-release").write_bytes(f"BUILD_ID={rest}".encode())
        (root / "file.conf").write_text("f+ /out - - - - <%B>\n")
        argv = ["systemd-tmpfiles", "--root", str(root), "--create", str(root / "file.conf")]
        ran = subprocess.run(argv, env={"PATH": SYSTEM_PATH}, capture_output=True, text=True, check=False, timeout=60)
        assert ran.returncode == 0, ran.stderr
        held[name] = (root / "out").read_bytes().decode()[1:-1]
    return held


READERS = {
    "python-dotenv": read_by_python_dotenv, "sh": sourced, "compose": read_by_compose, "systemd": read_by_systemd,
}  # fmt: skip


@cases("reader", READERS)
def test_all_readers_of_a_dotenv_file_find_the_same_in_it(reader: str, tmp_path: Path) -> None:
    values = written("dotenv", ODD)
    held = READERS[reader](env_formats.dotenv(values), tmp_path)
    assert chosen(held, values) == values


@pytest.mark.parametrize("reader", ["python-dotenv", "sh", "compose"])
@given(values=TEXTS)
@ONCE
def test_a_dotenv_reader_finds_any_value_that_is_not_refused(reader: str, tmp_path: Path, values: list[str]) -> None:
    accepted = written("dotenv", named(values))
    held = READERS[reader](env_formats.dotenv(accepted), tmp_path)
    assert chosen(held, accepted) == accepted


SPELT_WRONG = {
    "python-dotenv": ("A='/${HOME}'\n", "/${HOME}"),
    "sh": ('A="/`echo x`\'"\n', "/`echo x`'"),
    "systemd": ("A='/it\\'s'\n", "/it's"),
}


@cases("reader", SPELT_WRONG)
def test_each_reader_has_its_own_idea_of_some_spelling(reader: str, tmp_path: Path) -> None:
    """The control: these are read, and the other readers' way to write the value is not understood."""
    text, meant = SPELT_WRONG[reader]
    assert READERS[reader](text, tmp_path)["A"] != meant


def github_values(text: str, ends: str) -> dict[str, str]:
    """Read the file as the runner does: lines NAME=VALUE, or NAME<<DELIMITER, the value, and the delimiter alone."""
    lines = re.split(ends, text)
    assert lines.pop() == ""
    held = {}
    while lines:
        line = lines.pop(0)
        name, _, delimiter = line.partition("<<")
        if "=" in name:
            name, _, held[name.partition("=")[0]] = line.partition("=")
            continue
        until = lines.index(delimiter)
        held[name] = "\n".join(lines[:until])
        del lines[: until + 1]
    return held


@pytest.mark.parametrize("ends", ["\n", "\r?\n"], ids=["posix", "windows"])
@given(values=TEXTS | st.lists(st.text("EOF_\n<=A"), min_size=1))
def test_github_reads_any_value_that_is_not_refused(ends: str, values: list[str]) -> None:
    accepted = written("github", named(values))
    assert github_values(env_formats.github(accepted), ends) == accepted
    assert accepted.keys() == {name for name, value in named(values).items() if "\r" not in value}


def test_a_delimiter_of_github_occurs_nowhere_in_its_value() -> None:
    assert env_formats.github({"A": "x\nEOF\nEOF_"}) == "A<<EOF__\nx\nEOF\nEOF_\nEOF__\n"


def test_docker_refuses_what_a_line_cannot_hold() -> None:
    assert ODD.keys() - written("docker", ODD).keys() == {"NEWLINE", "RETURN", "ALL"}
    for value in ("'a'", '"a"', '"'):
        with pytest.raises(CertbootError, match="env-file cannot hold"):
            env_formats.docker({"A": value})


@pytest.fixture
def docker(tmp_path: Path, listen: Callable[..., Listener]) -> Callable[[str], dict[str, str]]:
    """Give docker a file with an environment, and return what it asks the daemon for, of which this is enough."""
    needs("docker")
    asked: list[list[str]] = []

    def daemon(connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            head = list(iter(stream.readline, b"\r\n"))
            length = sum(int(line.split()[1]) for line in head if line.lower().startswith(b"content-length:"))
            asked.extend([json.loads(stream.read(length))["Env"]] if length else [])
        body = b"" if head[0].startswith(b"HEAD") else b'{"Id": "0123456789ab", "Warnings": []}'
        headers = {"Api_Version": "1.45", "Content_Type": "application/json", "Connection": "close"}
        connection.sendall(page(body, "201 Created" if length else "200 OK", **headers))

    port = listen(daemon).port

    def read(text: str) -> dict[str, str]:
        (tmp_path / "ca.env").write_bytes(text.encode())
        environ = {"PATH": SYSTEM_PATH, "HOME": str(tmp_path), "DOCKER_HOST": f"tcp://127.0.0.1:{port}"}
        argv = ["docker", "create", "--pull", "never", "--env-file", str(tmp_path / "ca.env"), "image"]
        ran = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False, timeout=60)
        assert ran.returncode == 0, ran.stderr
        return dict(line.split("=", 1) for line in asked.pop())

    return read


def test_docker_reads_every_value_as_it_is(docker: Callable[[str], dict[str, str]]) -> None:
    values = written("docker", ODD | {"QUOTE": "it's", "ENDS": '/a"', "LINE": "/\u2028/\x85/\x0b"})
    assert docker(env_formats.docker(values)) == values
    # The control: it takes quotes for a part of the value, or takes them away, by its version; newlines end a line.
    assert docker("A=/one\nB=two\n") == {"A": "/one", "B": "two"}


@given(TEXTS)
def test_json_is_one_ascii_object_with_any_value(values: list[str]) -> None:
    text = env_formats.json(named(values))
    assert text.isascii()
    assert json.loads(text) == named(values)


@cases("form", sorted(FORMATS.keys() - {"sh", "fish"}))
def test_a_path_that_is_no_text_is_refused_where_only_text_can_be_written(form: str) -> None:
    with pytest.raises(CertbootError, match=f"--format {form}: it takes Unicode only"):
        FORMATS[form]({"A": NOT_TEXT})
    assert FORMATS["sh"]({"A": NOT_TEXT}) == f"export A='{NOT_TEXT}'\n"
