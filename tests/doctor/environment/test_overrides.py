"""What keeps the store out of the ssl module's trust, and whether certboot can take it over."""

from __future__ import annotations

import typing

import pytest
from support.pki import issue
from support.table import cases

from certboot.doctor.environment.trust_files import Override, overrides

if typing.TYPE_CHECKING:
    from pathlib import Path

    from certboot.store.paths import StorePaths


def test_what_is_not_set_or_is_the_store_overrides_nothing(paths: StorePaths) -> None:
    own = {"SSL_CERT_FILE": f"{paths.current}/bundle.pem", "SSL_CERT_DIR": f"{paths.current}/crts"}
    assert (overrides(paths, {}), overrides(paths, own)) == ((), ())
    assert overrides(paths, {"REQUESTS_CA_BUNDLE": "/etc/other.pem"}) == ()  # the ssl module does not read it


def test_a_bundle_of_somebody_else_can_be_adopted(paths: StorePaths, tmp_path: Path) -> None:
    (tmp_path / "other.pem").write_bytes(issue("Other").pem)
    found = overrides(paths, {"SSL_CERT_FILE": str(tmp_path / "other.pem")})
    assert found == (Override("SSL_CERT_FILE", "", can_be_adopted=True),)


@cases("value", ["", "/nowhere.pem", "{}", "{}/notes.txt"])
def test_what_nobody_can_use_cannot_and_says_why(paths: StorePaths, tmp_path: Path, value: str) -> None:
    (tmp_path / "notes.txt").write_text("words")
    (found,) = overrides(paths, {"SSL_CERT_FILE": value.format(tmp_path)})
    assert (found.name, bool(found.problem), found.can_be_adopted) == ("SSL_CERT_FILE", True, False)


def test_a_relative_path_can_be_used_and_not_adopted(
    paths: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "relative.pem").write_bytes(issue("Other").pem)
    assert overrides(paths, {"SSL_CERT_FILE": "relative.pem"}) == (Override("SSL_CERT_FILE", "", can_be_adopted=False),)
