"""How ``--add`` reads a file. The wrong files themselves are in test_update.py, with what the store makes of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from pki import DAY, NOW, issue
from snapshot import roots

from certboot.errors import SourceError
from certboot.sources import added


@pytest.mark.parametrize("form", ["pem", "der", "crlf", "bom", "key-and-certificate"])
def test_a_ca_is_read_in_either_form(tmp_path: Path, form: str) -> None:
    root = roots()[0]
    path = tmp_path / "ca"
    path.write_bytes(
        {
            "pem": root.pem,
            "der": root.der,
            "crlf": root.pem.replace(b"\n", b"\r\n"),
            "bom": b"\xef\xbb\xbf" + root.pem,
            "key-and-certificate": root.key_pem + root.pem,
        }[form]
    )
    loaded = added.load_file(path, NOW)
    assert [candidate.certificate.der for candidate in loaded.candidates] == [root.der]
    assert ({(c.source, c.detail) for c in loaded.candidates}, loaded.rejections) == ({("added", str(path))}, ())


def test_a_file_with_one_good_ca_is_taken_with_what_the_policy_will_reject(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_bytes(issue("Old", valid=(NOW - 9 * DAY, NOW - DAY)).pem + roots()[0].pem)
    assert [candidate.certificate.name for candidate in added.load_file(path, NOW).candidates] == ["Old", "Root A"]


def test_a_file_of_exactly_the_limit_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = roots()[0]
    path = tmp_path / "ca.pem"
    path.write_bytes(root.pem)
    monkeypatch.setattr(added, "_LIMIT", len(root.pem))
    assert len(added.load_file(path, NOW).candidates) == 1
    monkeypatch.setattr(added, "_LIMIT", len(root.pem) - 1)
    with pytest.raises(SourceError, match="MiB, which no certificate is: "):
        added.load_file(path, NOW)


def test_what_was_kept_is_read_in_the_order_of_the_names(tmp_path: Path) -> None:
    one, two, _ = roots()
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    (trusted / "b.pem").write_bytes(one.pem)
    (trusted / "a.pem").write_bytes(two.pem + b"-----BEGIN CERTIFICATE-----\n")
    (trusted / "c.pem").write_bytes(b"")
    loaded = added.load_kept(trusted)
    assert [candidate.certificate.name for candidate in loaded.candidates] == ["Root B", "Root A"]
    assert [(r.rule, r.detail) for r in loaded.rejections] == [
        ("unreadable", str(trusted / "a.pem")),
        ("unreadable", str(trusted / "c.pem")),
    ]


def test_a_file_that_a_killed_run_left_half_written_is_not_trusted(tmp_path: Path) -> None:
    (tmp_path / "trusted").mkdir()
    (tmp_path / "trusted" / ".Root_A.pem.a1b2").write_bytes(roots()[0].pem)
    assert added.load_kept(tmp_path / "trusted").candidates == ()


def test_nothing_was_kept_where_there_is_no_folder(tmp_path: Path) -> None:
    assert added.load_kept(tmp_path / "trusted").candidates == ()
