"""Expiry, strict defects, and Mozilla's dates of distrust."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from support import report
from support.commands import Run
from support.environments import SYSTEM_PATH, find_python
from support.issuers import Send, intermediate
from support.pki import DAY, NOW, Issued, ca_extensions, issue
from support.snapshot import roots, unparsed

from certboot.doctor.finding import Finding
from certboot.doctor.store import check as check_store
from certboot.pki.certificate import load_certificate
from certboot.sources import certifi, repaired
from certboot.sources.candidates import Unparsed
from certboot.store.paths import StorePaths
from certboot.store.request import Request, Selection
from certboot.store.update import apply


def of(paths: StorePaths, kind: str, days: float = 0) -> list[Finding]:
    return [each for each in check_store.check(paths, NOW + days * DAY) if each.id == kind]


def offered(monkeypatch: pytest.MonkeyPatch, *more: Issued, distrust_after: str = "") -> None:
    """Let certifi offer these beside the usual three."""
    pem = b"".join(each.pem for each in (*roots(), *more))
    plain = unparsed(pem, "certifi", "2026.1")
    own = {each.der for each in more}

    def parse() -> object:
        loaded = plain.parse()
        candidates = (
            dataclasses.replace(each, distrust_after=distrust_after) if each.certificate.der in own else each
            for each in loaded.candidates
        )
        return dataclasses.replace(loaded, candidates=tuple(candidates))

    monkeypatch.setattr(certifi, "read", lambda: Unparsed(plain.pieces, parse))  # type: ignore[arg-type]


def test_intermediates_that_expire_are_taken_out_and_only_what_a_server_does_not_send_is_named_before(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One from the CCADB's report that ends after 50 days, and one of ``certboot repair`` that does after 100."""
    root = issue("Root")
    offered(monkeypatch, root)
    listed = report.intermediate(intermediate("Listed", root, valid=(NOW - DAY, NOW + 50 * DAY)))
    reports = report.Reports((report.root(root),), (listed,), (report.revoked(issue("Revoked")),))
    folder = report.save(reports.bodies(), tmp_path / "reports")
    need = repaired.Need("a.example:443", "2026-11-25", "http://ca.example/", "Root")
    found = load_certificate(intermediate("Found", root, valid=(NOW - DAY, NOW + 100 * DAY)).der)
    repair = repaired.Repair(found, (need,))
    apply(paths, Request("init", Selection(intermediates=True, reports=str(folder)), repairs=(repair,)))

    assert of(paths, "intermediate-expired", 49) == []
    (finding,) = of(paths, "intermediate-expired", 51)
    assert (finding.status, finding.subject, finding.fix) == ("warn", "intermediates", (("certboot", "update"),))
    assert finding.summary == (
        f"Listed expired on {NOW + 50 * DAY:%Y-%m-%d}: until an update takes it out, clients refuse also servers "
        "that send its successor"
    )
    (finding,) = of(paths, "intermediate-expired", 101)
    assert (finding.evidence["count"], len(finding.evidence["intermediates"])) == (2, 2)  # type: ignore[arg-type]
    assert of(paths, "intermediate-expiring", 45) == of(paths, "intermediate-expiring", 101) == []
    (finding,) = of(paths, "intermediate-expiring", 75)
    assert (finding.status, finding.fix) == ("info", ())
    assert finding.summary.startswith(f"Found expires on {NOW + 100 * DAY:%Y-%m-%d}; certboot update takes it out")


def test_an_anchor_that_has_expired_is_taken_out_by_update(paths: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    short = issue("Short", valid=(NOW - DAY, NOW + 100 * DAY))
    offered(monkeypatch, short)
    apply(paths, Request("init"))
    assert [each for each in check_store.check(paths) if each.id.startswith("anchor")] == []
    assert of(paths, "anchor-expired", 99) == []
    (finding,) = of(paths, "anchor-expired", 101)
    assert (finding.status, finding.subject, finding.fix) == ("warn", "anchors", (("certboot", "update"),))
    assert finding.summary == f"Short expired on {NOW + 100 * DAY:%Y-%m-%d}; an update takes out what has expired"
    assert finding.evidence["count"] == 1


def test_the_remedy_of_an_expired_anchor_mends_it(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch, certboot: Run
) -> None:
    """No clock is set here: the certificate is one that was let in, and nothing is known of a last run."""
    old = issue("Old", valid=(NOW - 9 * DAY, NOW - DAY))
    offered(monkeypatch, old)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("certboot.store.policy.broken_rule", lambda *_: None)
        apply(paths, Request("init"))
    paths.checked.unlink()
    (finding,) = of(paths, "anchor-expired")
    ((program, *arguments),) = finding.fix
    assert program == "certboot"
    certboot(*arguments)
    assert of(paths, "anchor-expired") == []


def test_a_public_anchor_that_expires_soon_is_for_information_and_ones_own_a_warning(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certboot: Run
) -> None:
    offered(monkeypatch, issue("Public", valid=(NOW - 60 * DAY, NOW + 40 * DAY)))
    (tmp_path / "own.pem").write_bytes(issue("Own", valid=(NOW - 60 * DAY, NOW + 41 * DAY)).pem)
    certboot("init", "--add", tmp_path / "own.pem")
    assert of(paths, "anchor-expiring", 9) == []
    assert [(each.status, each.summary.split()[0]) for each in of(paths, "anchor-expiring", 12)] == [
        ("warn", "Own"), ("info", "Public"),
    ]  # fmt: skip
    assert "certboot trust" in of(paths, "anchor-expiring", 12)[0].summary
    assert of(paths, "anchor-expiring", 42) == []  # by then they have


ALL_OF_A_CA = "subjectKeyIdentifier=hash basicConstraints=critical,CA:TRUE keyUsage=critical,keyCertSign,cRLSign"


def without_key_id(common_name: str) -> Issued:
    made = issue(common_name)
    kept = tuple(each for each in ca_extensions(made.key) if not isinstance(each[0], x509.SubjectKeyIdentifier))
    return issue(common_name, key=made.key, extensions=kept)


def test_a_defect_of_an_added_ca_is_a_warning_and_of_a_public_one_no_word(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certboot: Run
) -> None:
    offered(monkeypatch, without_key_id("Public"))
    certboot("init")
    assert of(paths, "anchor-strict-defects") == []
    (tmp_path / "own.pem").write_bytes(without_key_id("Own").pem)
    certboot("init", "--add", tmp_path / "own.pem")
    (finding,) = of(paths, "anchor-strict-defects")
    assert (finding.status, finding.summary.splitlines()) == (
        "warn",
        [
            "Python 3.13 and newer refuse what Own issues: strict-missing-ski",
            f"Own: its issuer can issue it anew with the same key and name, and {ALL_OF_A_CA}",
            (
                "certboot trust HOST --stand-in stores a copy with its name and key in the form that they ask for, "
                "tried with this host's chain"
            ),
            "certboot repair HOST stores an intermediate without a defect, if there is one, which is enough for them",
            "or use a Python up to 3.12, which does not mind",
        ],
    )
    assert finding.evidence["anchors"][0]["defects"] == ["strict-missing-ski"]  # type: ignore[index]
    (tmp_path / "own.pem").write_bytes(issue("Own").pem)
    certboot("purge", "--yes")
    certboot("init", "--add", tmp_path / "own.pem")
    assert of(paths, "anchor-strict-defects") == []


GET = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"


def test_a_servers_own_certificate_is_no_warning_for_newer_pythons_accept_it(
    paths: StorePaths, tmp_path: Path, certboot: Run, send: Send
) -> None:
    """``openssl req -x509`` makes a certificate that may act as a CA and has no key usage."""
    own = made_by_openssl(tmp_path)
    (tmp_path / "own.pem").write_bytes(own.pem)
    assert certboot("trust", "--yes", tmp_path / "own.pem").status == 0
    assert of(paths, "anchor-strict-defects") == []
    variables = {"SSL_CERT_FILE": str(paths.current / "bundle.pem"), "SSL_CERT_DIR": str(tmp_path)}
    ran = subprocess.run(
        [find_python("3.13"), "-I", "-c", GET, send(own).url],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout.strip(), ran.returncode) == ("ok", 0), ran.stderr
    certboot("purge", "--yes")
    (tmp_path / "ca.pem").write_bytes(made_by_openssl(tmp_path, "-batch").pem)
    assert certboot("trust", "--yes", tmp_path / "ca.pem").status == 0
    assert len(of(paths, "anchor-strict-defects")) == 1


def made_by_openssl(folder: Path, *options: str) -> Issued:
    """A self-signed certificate as ``openssl req -x509`` makes them."""
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-days", "30")
    names = options or ("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    subprocess.run(
        ["openssl", "req", "-x509", *new, *names, "-keyout", "key.pem", "-out", "made.pem"],
        cwd=folder, env={"PATH": SYSTEM_PATH}, capture_output=True, check=True,
    )  # fmt: skip
    key = serialization.load_pem_private_key((folder / "key.pem").read_bytes(), None)
    return Issued(x509.load_pem_x509_certificate((folder / "made.pem").read_bytes()), key)  # type: ignore[arg-type]


def test_a_date_of_distrust_is_for_information_from_a_month_before(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered(monkeypatch, issue("Partly"), distrust_after=f"{NOW + 40 * DAY:%Y-%m-%d}")
    apply(paths, Request("init"))
    assert of(paths, "anchor-distrust-after", 8) == []
    for days in (12, 42):
        (finding,) = of(paths, "anchor-distrust-after", days)
        assert (finding.status, finding.fix) == ("info", ())
        assert finding.summary.startswith("Mozilla trusts Partly only for what is issued until ")
        assert of(paths, "anchor-distrusted", days) == []


KINDS = {"expired": "expired", "expires": "expiring", "distrusted": "distrusted", "distrust-after": "distrust-after"}


def test_the_list_of_what_ends_soon_says_what_the_doctor_does(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, certboot: Run, clock: Callable[[datetime], None]
) -> None:
    own = [issue(f"Own {days}", valid=(NOW - 100 * DAY, NOW + days * DAY)) for days in (3, 25, 60)]
    (tmp_path / "own.pem").write_bytes(b"".join(issued.pem for issued in own))
    offered(monkeypatch, issue("Partly"), distrust_after=f"{NOW + 20 * DAY:%Y-%m-%d}")
    certboot("init", "--add", tmp_path / "own.pem")
    for days, expected in ((0, 3), (10, 3), (40, 4)):
        clock(NOW + days * DAY)
        listed = json.loads(certboot("list", "--expiring", "--json").out)["due"]
        said = {
            (certificate["sha256"], finding["id"].partition("-")[2])
            for finding in json.loads(certboot("doctor", "store", "--json").out)["findings"]
            if finding["id"].startswith("anchor-")
            for certificate in finding["evidence"]["anchors"]
        }
        assert {(item["sha256"], KINDS[item["what"]]) for item in listed} == said
        assert len(said) == expected
    told = certboot("list", "--expiring").out.splitlines()
    (old,) = [finding for finding in check_store.check(paths, NOW + 40 * DAY) if finding.id == "store-old"]
    assert told[-1] == f"the store: {old.summary}: certboot update"
    assert certboot("list", "--expiring", "--role", "intermediate").out.splitlines()[0] == "nothing ends soon"


def test_a_long_past_date_is_a_warning_to_distrust(
    paths: StorePaths, monkeypatch: pytest.MonkeyPatch, certboot: Run
) -> None:
    date = NOW - timedelta(days=400)
    offered(monkeypatch, issue("Gone"), issue("Gone too"), distrust_after=f"{date:%Y-%m-%d}")
    apply(paths, Request("init"))
    (finding,) = of(paths, "anchor-distrusted")
    assert (finding.status, finding.evidence["count"]) == ("warn", 2)
    assert "Gone and 1 more" in finding.summary
    assert of(paths, "anchor-distrust-after") == []
    assert of(paths, "anchor-distrusted", -10) == []
    for program, *arguments in finding.fix:
        assert program == "certboot"
        assert certboot(*arguments).status == 0
    assert of(paths, "anchor-distrusted") == []
