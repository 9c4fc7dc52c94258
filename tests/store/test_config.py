from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from support.table import cases

from certboot.clients.variables import VARIABLES
from certboot.errors import CertbootError
from certboot.sources.company import Company
from certboot.store.config import Ccadb, Config, load_config, parse_config, parse_duration, rebased

DEFAULTS = [variable.name for variable in VARIABLES if variable.default]
SHA = "0123456789abcdef" * 4


def loaded(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def names(config: Config) -> list[str]:
    return [variable.name for variable in config.variables()]


OVERRULING = ["REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO"]


@cases(
    ("text", "left_out"),
    [
        ('profile = "full"', []),
        ('profile = "gentle"', OVERRULING),
        ('profile = "gentle"\n[variables]\nadd = ["GIT_SSL_CAINFO"]', OVERRULING[:1]),
        ('profile = "gentle"\n[variables]\nremove = ["SSL_CERT_DIR"]', ["SSL_CERT_DIR", *OVERRULING]),
    ],
)
def test_the_profile_decides_what_is_set_unless_a_variable_is_named(
    tmp_path: Path, text: str, left_out: list[str]
) -> None:
    assert {*DEFAULTS} - {*names(loaded(tmp_path, text))} == {*left_out}


@cases("value", ['"soft"', "true", "[]"])
def test_a_profile_that_there_is_not_is_refused_with_its_line(tmp_path: Path, value: str) -> None:
    with pytest.raises(CertbootError, match=r"config\.toml, line 2: certboot does not know this profile"):
        loaded(tmp_path, f"\nprofile = {value}\n")


@cases(
    "text",
    [
        "", "# nothing\n", "[variables]\n", "[variables]\nadd = []\nremove = []\n",
        "company = []\n[ccadb]\n[rules]\ndistrust = []\n", 'base = "/srv/team"\n',
    ],
)  # fmt: skip
def test_a_file_that_says_nothing_means_the_defaults_as_none_does(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text) == load_config(tmp_path / "none.toml") == Config()
    assert names(Config()) == DEFAULTS


def test_everything_that_the_modules_own_example_shows_is_understood(tmp_path: Path) -> None:
    text = f"""
    sources = ["certifi", "ccadb"]
    intermediates = false
    [ccadb]
    address = "https://mirror.example/"
    folder = "reports"
    [rules]
    distrust = ["{SHA.upper()}", "{":".join(SHA[at : at + 2] for at in range(0, 64, 2))[:-2]}aa"]
    [[company]]
    path = "corp-root.pem"
    [[company]]
    path = "/etc/corp"
    [[company]]
    address = "https://pki.example/root.crt"
    [[company]]
    address = "https://pki.example/root.crt"
    sha256 = "{SHA}"
    """
    address = "https://pki.example/root.crt"
    assert loaded(tmp_path, text) == Config(
        sources=("certifi", "ccadb"),
        intermediates=False,
        ccadb=Ccadb("https://mirror.example/", tmp_path / "reports"),
        distrust=frozenset({SHA, f"{SHA[:-2]}aa"}),
        companies=(
            Company(tmp_path / "corp-root.pem"), Company(Path("/etc/corp")), Company(address=address),
            Company(address=address, sha256=SHA),
        ),
    )  # fmt: skip


@cases(
    ("text", "guards", "sources", "days"),
    [
        ("", None, None, None),
        ("guards = []\nsources = []\n", (), (), None),  # a choice of its own
        ('guards = ["ssl"]\nmax-age = "7d"\n', ("ssl",), None, 7),
        (
            'guards = ["certifi", "requests", "ssl"]\nmax-age = "2w"\n[rules]\n',
            ("certifi", "requests", "ssl"),
            None,
            14,
        ),
    ],
)
def test_guards_sources_and_an_age_are_chosen_and_none_is_a_choice_of_its_own(
    tmp_path: Path, text: str, guards: tuple[str, ...] | None, sources: tuple[str, ...] | None, days: int | None
) -> None:
    config = loaded(tmp_path, text)
    assert (config.hook.guards, config.sources) == (guards, sources)
    assert config.max_age == (None if days is None else timedelta(days=days))


@cases(("text", "expected"), [("", None), ("hints = true\n", True), ("hints = false\n[rules]\n", False)])
def test_hints_are_turned_off_and_on(tmp_path: Path, text: str, *, expected: bool | None) -> None:
    assert loaded(tmp_path, text).hook.hints is expected


@cases(("base", "start"), [("", "{}"), ("team", "{}/team"), ("/srv/team", "/srv/team")])
def test_relative_paths_start_at_base_else_where_the_file_lies(tmp_path: Path, base: str, start: str) -> None:
    text = f'base = "{base}"\nccadb = {{folder = "reports"}}\ncompany = [{{path = "corp.pem"}}]\n'
    config = loaded(tmp_path, text)
    assert config.ccadb.folder == Path(start.format(tmp_path), "reports")
    assert config.companies == (Company(Path(start.format(tmp_path), "corp.pem")),)


@cases(
    ("add", "remove", "come", "gone"),
    [
        (("AWS_CA_BUNDLE", "PIP_CERT"), ("HTTPLIB2_CA_CERTS",), {"AWS_CA_BUNDLE", "PIP_CERT"}, {"HTTPLIB2_CA_CERTS"}),
        (("PIP_CERT",), ("PIP_CERT",), set(), set()),
        # A directory without the file would be all that OpenSSL has.
        (("SSL_CERT_DIR",), ("SSL_CERT_FILE",), set(), {"SSL_CERT_FILE", "SSL_CERT_DIR"}),
        ((), ("SSL_CERT_DIR",), set(), {"SSL_CERT_DIR"}),
    ],
)
def test_variables_are_added_and_removed(
    tmp_path: Path, add: tuple[str, ...], remove: tuple[str, ...], come: set[str], gone: set[str]
) -> None:
    config = loaded(tmp_path, f"[variables]\nadd = {list(add)}\nremove = {list(remove)}\n")
    assert config == Config(add=add, remove=remove)
    assert set(names(config)) == {*DEFAULTS} - gone | come


ONE = "a company CA has either a path or an https address"
MISTAKES = [
    ("[sources]\n", 1, "sources is not a list of texts"),
    ('sources = "certifi"\n', 1, "sources is not a list of texts"),
    ('\nsources = [\n "certifi",\n "mozilla",\n]\n', 4, "certboot does not know 'mozilla' in sources"),
    ('intermediates = "yes"\n', 1, "intermediates is neither true nor false"),
    ("hints = 0\n", 1, "hints is neither true nor false"),
    ("\n\nbase = 3\n", 3, "base is not a text"),
    ('guards = "ssl"\n', 1, "guards is not a list of texts"),
    ('\nguards = [\n "ssl",\n "httpx",\n]\n', 4, "certboot does not know 'httpx' in guards"),
    ('[rules]\nguards = ["ssl"]\n', 2, "certboot does not know rules.guards"),
    ("# colour\ncolour = 1\n", 2, "certboot does not know colour"),
    ("variables = 3\n", 1, "variables is not a section"),
    ("[variables]\nset = []\n", 2, "certboot does not know variables.set"),
    ('[variables]\nadd = "PIP_CERT"\n', 2, "add is not a list of texts"),
    ('[variables]\nadd = ["SSL_CERT"]\n', 2, "certboot does not know 'SSL_CERT' in add"),
    ("[variables]\nremove = [1]\n", 2, "remove is not a list of texts"),
    ('[variables]\nadd = [["PIP_CERT"]]\n', 2, "add is not a list of texts"),
    ("[variables]\nadd = [{}]\n", 2, "add is not a list of texts"),
    ("[ccadb]\nurl = 'x'\n", 2, "certboot does not know ccadb.url"),
    ("[ccadb]\n\nfolder = 3\n", 3, "folder is not a text"),
    ("[rules]\nallow = []\n", 2, "certboot does not know rules.allow"),
    ('[rules]\ndistrust = [\n"ab12"]\n', 3, "not a SHA-256 fingerprint: 'ab12'"),
    ("company = 3\n", 1, "company is not a list of sections"),
    ("[company]\npath = 'a'\n", 1, "company is not a list of sections"),
    ("[[company]]\nfile = 'a'\n", 2, "certboot does not know company.file"),
    ("[[company]]\n", 1, ONE),
    ("[[company]]\npath = 'a'\naddress = 'https://a.example'\n", 3, ONE),
    ("[[company]]\npath = 'a'\npem = '-----BEGIN CERTIFICATE-----'\n", 1, ONE),
    ("[shared]\nurl = 'x'\n", 2, "certboot does not know shared.url"),
    ("[shared]\naddress = 'https://a.example'\n", 1, "not a SHA-256 fingerprint: ''"),
    ("[[company]]\naddress = 'http://a.example'\n", 2, ONE),
    ("[[company]]\naddress = 'https://a.example'\nsha256 = 'ab'\n", 3, "not a SHA-256 fingerprint: 'ab'"),
    (f"[[company]]\npath = 'a'\nsha256 = '{SHA}'\n", 3, "sha256 goes with an address"),
    ('# words\nmax-age = "soon"\n', 2, "max-age is not a span of time: 'soon'"),
    ('max-age = "0d"\n', 1, "max-age is no time at all: '0d'"),
    ("max-age = 30\n", 1, "max-age is not a text"),
    # The words of these stand elsewhere too.
    ('sources = ["certifi"]\nadd = 1\n[variables]\nadd = ["PIP_CERT"]\n', 2, "certboot does not know add"),
    ('[variables]\nadd = ["PIP_CERT"]\nremove = ["PIP"]\n', 3, "certboot does not know 'PIP' in remove"),
    ("[[company]]\npath = 'a'\n[[company]]\npath = 'b'\n[[company]]\n", 5, ONE),
    ('base = "/srv/#team"\n[rules]\nbase = 1\n', 3, "certboot does not know rules.base"),
]


@cases(("text", "line", "words"), MISTAKES)
def test_a_mistake_is_told_with_its_file_and_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(CertbootError) as refused:
        loaded(tmp_path, text)
    assert refused.value.message == f"{tmp_path / 'config.toml'}, line {line}: {words}"
    assert refused.value.hint


@cases(
    "data",
    [b"\nvariables = x\n", b"# \xe9\n", b"a = " + b"[" * 100_000, b"a = " + b"1" * 5000, b"max-age = 1" + b"0" * 5000],
    ids=["line 2", "latin", "deep", "number", "age"],
)
def test_what_is_no_toml_or_no_file_is_an_error(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(CertbootError, match=r"cannot read /team\.toml: ") as refused:
        parse_config(data, Path("/team.toml"))
    assert b"variables" not in data or "line 2" in refused.value.message
    with pytest.raises(CertbootError, match="cannot read "):
        load_config(tmp_path)


WHOLE = """
sources = ["certifi"]
{base}
[ccadb]
folder = "reports"

[[company]]
path = "corp.pem"
"""
TEAM = Path('/srv/team settings/\N{LATIN SMALL LETTER E WITH ACUTE}\\"quoted"')


@cases("base", ["", 'base = "x"', '"base" = "x"', "'base' = 'x'  # ours", '  base="x"'])
def test_settings_that_are_moved_mean_the_same_as_where_they_were(base: str) -> None:
    text = WHOLE.format(base=base)
    moved = rebased(text, TEAM)
    assert parse_config(moved.encode(), Path("/store/config.toml")) == parse_config(text.encode(), TEAM / "team.toml")
    assert rebased(moved, Path("/store")) == moved


@cases(
    ("base", "folder"),
    [('base = """\nx"""', "/srv"), ('"b\\u0061se" = "x"', "/srv"), ("", "/srv/\x7f"), ("", "/srv/\udcff")],
    ids=["several lines", "an escape in the key", "DEL", "no UTF-8"],
)
def test_settings_that_cannot_be_moved_are_refused_before_a_run_takes_them_over(base: str, folder: str) -> None:
    assert parse_config(WHOLE.format(base=base).encode(), Path("/srv/team.toml")).sources == ("certifi",)
    said = r"^relative paths in these settings cannot be made to start at /srv"
    with pytest.raises(CertbootError, match=said) as refused:
        rebased(WHOLE.format(base=base), Path(folder))
    assert refused.value.message.isprintable()
    assert refused.value.hint.startswith("write base = ")


@cases(
    ("text", "span"),
    [
        ("90m", timedelta(minutes=90)), ("12h", timedelta(hours=12)), ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)), ("0d", timedelta(0)), ("99999w", timedelta(weeks=99999)),
    ],
)  # fmt: skip
def test_a_span_is_a_number_and_a_unit(text: str, span: timedelta) -> None:
    assert parse_duration(text) == span


WRONG_SPANS = [
    "",
    "7",
    "d",
    "7 d",
    "-7d",
    "7.5d",
    "7y",
    "7D",
    "1h30m",
    "7d\n",
    "999999d",
    "\N{ARABIC-INDIC DIGIT SEVEN}d",
]


@cases("text", WRONG_SPANS)
def test_anything_else_is_an_error_that_shows_how(text: str) -> None:
    with pytest.raises(CertbootError) as refused:
        parse_duration(text)
    assert refused.value.message == f"not a span of time: {text!r}"
    assert "7d" in refused.value.hint
