from __future__ import annotations

from pathlib import Path

import pytest

from certboot.clients import VARIABLES
from certboot.config import Config, load_config
from certboot.errors import CertbootError

DEFAULTS = [variable.name for variable in VARIABLES if variable.default]


def loaded(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def names(config: Config) -> list[str]:
    return [variable.name for variable in config.variables()]


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert load_config(tmp_path / "config.toml") == Config()
    assert names(Config()) == DEFAULTS


@pytest.mark.parametrize("text", ["", "# nothing\n", "[variables]\n", "[variables]\nadd = []\nremove = []\n"])
def test_a_file_that_says_nothing_means_the_defaults(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text) == Config()


def test_variables_are_added_and_removed(tmp_path: Path) -> None:
    config = loaded(tmp_path, '[variables]\nadd = ["AWS_CA_BUNDLE", "PIP_CERT"]\nremove = ["HTTPLIB2_CA_CERTS"]\n')
    assert config == Config(("AWS_CA_BUNDLE", "PIP_CERT"), ("HTTPLIB2_CA_CERTS",))
    assert set(names(config)) == {*DEFAULTS, "AWS_CA_BUNDLE", "PIP_CERT"} - {"HTTPLIB2_CA_CERTS"}


@pytest.mark.parametrize("remove", [("SSL_CERT_FILE",), ("SSL_CERT_FILE", "SSL_CERT_DIR")])
def test_ssl_cert_dir_never_stands_without_ssl_cert_file(remove: tuple[str, ...]) -> None:
    assert set(DEFAULTS) - set(names(Config(("SSL_CERT_DIR",), remove))) == {"SSL_CERT_FILE", "SSL_CERT_DIR"}
    assert set(DEFAULTS) - set(names(Config((), ("SSL_CERT_DIR",)))) == {"SSL_CERT_DIR"}


def test_what_is_both_added_and_removed_is_removed() -> None:
    assert "PIP_CERT" not in names(Config(("PIP_CERT",), ("PIP_CERT",)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[sources]\n", "has [sources], which certboot does not know"),
        ("variables = 3\n", "has [variables], which certboot does not know"),
        ("[variables]\nset = []\n", "has variables.set, which"),
        ('[variables]\nadd = "PIP_CERT"\n', "has variables.add, which"),
        ('[variables]\nadd = ["SSL_CERT"]\n', "has 'SSL_CERT' in variables.add, which"),
        ("[variables]\nremove = [1]\n", "has 1 in variables.remove, which"),
        ('[variables]\nadd = [["PIP_CERT"]]\n', "has ['PIP_CERT'] in variables.add, which"),
        ("[variables]\nadd = [{}]\n", "has {} in variables.add, which"),
        ("variables", "cannot read "),
    ],
)
def test_what_certboot_does_not_know_is_an_error(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(CertbootError) as refused:
        loaded(tmp_path, text)
    assert words in refused.value.message
    assert str(tmp_path / "config.toml") in refused.value.message
    assert refused.value.hint


def test_a_file_that_is_not_utf_8_or_no_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"# \xe9\n")
    for path in (tmp_path / "latin", tmp_path):
        with pytest.raises(CertbootError, match="cannot read "):
            load_config(path)
