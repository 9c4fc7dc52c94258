"""Each format beside the program, or the library, that reads it."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from support.environments import SYSTEM_PATH
from support.table import cases

from certboot.clients import settings_formats
from certboot.clients.settings_formats import Line, Parsed


def values(parsed: Parsed) -> dict[str, str]:
    return {line.name: line.value for line in parsed.lines}


# pip.conf and AWS: configparser


class PipParser(configparser.RawConfigParser):
    def optionxform(self, optionstr: str) -> str:
        return optionstr.lower().replace("_", "-").removeprefix("--")


def configparsed(text: str) -> dict[str, str] | None:
    parser = PipParser()
    try:
        parser.read_string(text)
    except configparser.Error:
        return None
    own = {(name, key): value for name in parser.sections() for key, value in parser._sections[name].items()}  # type: ignore[attr-defined]
    own |= {("DEFAULT", key): value for key, value in parser.defaults().items()}
    return {".".join(key): value for key, value in own.items()}


# fmt: off
PIECES = st.sampled_from([
    "[global]", "[install]", "[DEFAULT]", "cert = /a", "cert: /b", "CERT=/c", "trusted-host =", "trusted_host = x",
    "  x.example", "\ty", "# words", "; words", "", " ", "words", "= 1", "[", "[]", "a = b = c", "[x] y", "--cert = d",
])
# fmt: on


@given(st.lists(PIECES, max_size=12).map("\n".join))
@example("[global]\ntrusted-host =\n    a.example\n\n    b.example\n")
@example("[global]\n cert = /a\n  goes on\n")
def test_ini_is_what_configparser_reads(text: str) -> None:
    parsed = settings_formats.ini(text)
    expected = configparsed(text)
    assert (values(parsed) if parsed.broken is None else None) == expected


def test_a_setting_of_ini_has_the_line_on_which_it_begins() -> None:
    text = "# pip\n[global]\ntrusted-host =\n  a.example\n  b.example\n[install]\ncert = /c.pem\n"
    assert settings_formats.ini(text).lines == (
        Line("global.trusted-host", "\na.example\nb.example", 3),
        Line("install.cert", "/c.pem", 7),
    )


@cases(
    ("text", "number", "reason"),
    [
        ("cert = /a\n", 1, "a line before the first section"),
        ("[global]\nwords\n", 2, "neither a section nor a setting"),
        ("[global]\n= 1\n", 2, "neither a section nor a setting"),
        ("[global]\ncert = 1\nCERT = 2\n", 3, "a second cert in [global]"),
        ("[global]\n[a]\n[global]\n", 3, "a second section [global]"),
    ],
)
def test_where_ini_is_broken_is_said(text: str, number: int, reason: str) -> None:
    parsed = settings_formats.ini(text)
    assert (parsed.lines, parsed.broken) == ((), (number, reason))


# .curlrc


def by_curl(text: str, folder: Path) -> tuple[str, bool] | None:
    """Return the file of certificates that curl takes by these options, and whether it verifies; None: it refuses."""
    (folder / "curlrc").write_text(text)
    for name in ("empty", "a.pem", "b.pem", "a b.pem", 'a"b.pem'):  # newer curls take no file that is not there
        (folder / name).touch()
    argv = ["curl", "-q", "-K", f"{folder}/curlrc", "--libcurl", f"{folder}/code.c", f"file://{folder}/empty"]
    subprocess.run(argv, env={"PATH": SYSTEM_PATH, "HOME": str(folder)}, check=False, capture_output=True, timeout=60)
    if not (folder / "code.c").exists():
        return None
    code = (folder / "code.c").read_text()
    named = re.search(r'CURLOPT_CAINFO, "(.*)"', code)
    return (named[1] if named else ""), "CURLOPT_SSL_VERIFYPEER, 0L" not in code


CURLRC = [
    "cacert = /a.pem", "cacert=/a.pem", "cacert: /a.pem", "cacert /a.pem", "--cacert /a.pem", "  --cacert  /a.pem",
    "--cacert=/a.pem",
    'cacert = "/a b.pem"', 'cacert "/a\\"b.pem" # words', "cacert = /a.pem # words", "# cacert = /a.pem",
    "cacert = /a.pem\ncacert = /b.pem", "insecure", "--insecure", "-k", "-sk", "-ks", "insecure\nno-insecure",
    "-uk",  # the user "k"
    "no-insecure\n-k", "silent",
]  # fmt: skip
# A newer curl takes no line that is indented; before 8.16 an option with dashes ended only at a space.
OTHER_CURLS = {"  --cacert  /a.pem": None, "--cacert=/a.pem": ("", True)}


@pytest.mark.skipif(not shutil.which("curl", path=SYSTEM_PATH), reason="there is no curl")
@cases("text", CURLRC)
def test_curlrc_is_what_curl_reads(text: str, tmp_path: Path) -> None:
    asked = by_curl(placed := text.replace("/", f"{tmp_path}/"), tmp_path)
    cacert, verifies = "", True
    for line in settings_formats.curl(placed).lines:
        if line.name == "cacert":
            cacert = line.value.replace('"', '\\"')
        if line.name in ("insecure", "no-insecure"):
            verifies = line.name == "no-insecure"
        elif line.name == "-k":
            verifies = False
    assert (cacert, verifies) == asked or (text in OTHER_CURLS and asked == OTHER_CURLS[text])


def test_escapes_of_curl_are_undone_and_lines_counted() -> None:
    text = '/ words\n\n* words\ncacert = "/a\\tb\\\\c\\n\\r\\v\\x"\ncapath "open\n'
    assert settings_formats.curl(text).lines == (Line("cacert", "/a\tb\\c\n\r\vx", 4), Line("capath", "open", 5))


# .npmrc


@cases(
    ("text", "expected"),
    [
        ("cafile=/a.pem\n", "/a.pem"),
        ("cafile = /a.pem ; words\n", "/a.pem"),
        ("cafile = /a.pem # words\n", "/a.pem"),
        ('cafile = "/a b.pem"\n', "/a b.pem"),
        ("cafile = '/a;b.pem'\n", "/a;b.pem"),
        ("cafile = /a\\;b.pem\n", "/a;b.pem"),
        ("; cafile=/a.pem\n# cafile=/a.pem\n", None),
        ("[section]\ncafile=/a.pem\n", None),
        ("cafile\n", "true"),
    ],
)
def test_npmrc(text: str, expected: str | None) -> None:
    parsed = settings_formats.npm(text)
    assert (values(parsed).get("cafile"), parsed.broken) == (expected, None)


# .wgetrc


def test_commands_of_wget_are_known_in_every_spelling() -> None:
    text = "# words\n\ncheck_certificate = off\nCheck-Certificate=on\nca_certificate = '/a b.pem'\n"
    assert settings_formats.wget(text) == (
        (Line("checkcertificate", "off", 3), Line("checkcertificate", "on", 4), Line("cacertificate", "/a b.pem", 5)),
        None,
    )


def test_a_line_of_wget_without_a_value_is_broken() -> None:
    parsed = settings_formats.wget("words\ncheck_certificate = off\nmore words\n")
    assert (values(parsed), parsed.broken) == ({"checkcertificate": "off"}, (1, "no command with a value"))


# .condarc


@cases("value", ["false", "False", "/a.pem", "'/a b.pem'", '"/a.pem"', "/a.pem  # words", "truststore", "/a#b.pem"])
def test_condarc_is_what_a_yaml_library_reads(value: str) -> None:
    text = f"# words\nchannels:\n  - defaults\n  - ssl_verify: not this\nssl_verify: {value}\n"
    assert values(settings_formats.yaml(text))["ssl_verify"].lower() == str(yaml.safe_load(text)["ssl_verify"]).lower()


def test_what_yaml_says_on_other_lines_is_left_alone_but_a_tab_is_broken() -> None:
    text = 'channels: [a]\nssl_verify:\n"quoted": 1\nproxy_servers:\n  http: x\n'
    assert settings_formats.yaml(text) == ((Line("channels", "[a]", 1), Line("quoted", "1", 3)), None)
    broken = (3, "a tab before the text, which YAML does not allow")
    assert settings_formats.yaml("ssl_verify: true\nproxy_servers:\n\thttp: x\n").broken == broken


# uv and cargo

UV = ("system-certs", "allow-insecure-host")


def test_keys_of_toml_have_their_lines_and_lists_their_entries() -> None:
    text = '[project]\nname = "x"\n\n[tool.uv]\n# words\nsystem-certs = true\n"allow-insecure-host" = ["a", "b"]\n'
    assert settings_formats.toml(text, "tool.uv", UV).lines == (
        Line("system-certs", "true", 6),
        Line("allow-insecure-host", "a", 7),
        Line("allow-insecure-host", "b", 7),
    )


def test_the_top_of_toml_ends_at_the_first_table_and_a_key_whose_line_is_not_found_has_none() -> None:
    top = 'allow-insecure-host = "a"\n[pip]\nsystem-certs = true\n'
    assert settings_formats.toml(top, "", UV).lines == (Line("allow-insecure-host", "a", 1),)
    inline = 'tool = {uv = {allow-insecure-host = ["a"]}}\n'
    assert settings_formats.toml(inline, "tool.uv", UV).lines == (Line("allow-insecure-host", "a", 0),)


@cases("text", ["", "[tool]\nuv = 1\n", "tool = 1\n", "[tool.uv.pip]\nsystem-certs = true\n"])
def test_a_table_that_is_not_there_has_no_keys(text: str) -> None:
    assert settings_formats.toml(text, "tool.uv", UV) == ((), None)


def test_where_toml_is_broken_is_said() -> None:
    assert settings_formats.toml("a = 1\nb = \n", "", UV).broken == (2, "it is not TOML")
    assert settings_formats.toml("a = " + "[" * 20_000, "", UV).broken == (0, "it is not TOML")


@cases("table", ["", "tool.uv"])
def test_a_number_that_python_does_not_read_or_show_is_no_obstacle(table: str) -> None:
    """In decimal it does not read one of over 4,300 digits; in hexadecimal it does, and does not show it."""
    head = f"[{table}]\n" if table else ""
    assert settings_formats.toml(f"{head}other = {'9' * 5000}\n", table, UV).broken == (0, "it is not TOML")
    found = settings_formats.toml(f"{head}system-certs = 0x{'f' * 5000}\n", table, UV)
    assert (found.broken, [line.value for line in found.lines]) == (None, ["a value that cannot be shown"])


@given(st.text(max_size=200))
@example("[")
@example("-")
@example('"')
@example('cacert = "\\')
def test_no_text_breaks_a_reader(text: str) -> None:
    for read in (
        settings_formats.ini, settings_formats.curl, settings_formats.npm, settings_formats.wget, settings_formats.yaml,
    ):  # fmt: skip
        lines = text.count("\n") + 1
        parsed = read(text)
        assert all(1 <= line.number <= lines for line in parsed.lines)
    settings_formats.toml(text, "tool.uv", UV)
