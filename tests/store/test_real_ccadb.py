"""The CCADB's real reports of 2026, served as the CCADB serves them: every row is accounted for."""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import json
import subprocess
import typing
import warnings
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from support import report, whole
from support.environments import ROOT, SYSTEM_PATH
from support.snapshot import contents

from certboot.sources import ccadb

if typing.TYPE_CHECKING:
    import trustme
    from support.environments import Ran
    from support.server import TlsServer

    from certboot.store.paths import StorePaths

    Run = Callable[..., Ran]
    Serve = Callable[..., TlsServer]

DATA = ROOT.parent / "shared" / "data" / "ccadb"
REPORTS = (ccadb.ROOTS, ccadb.INTERMEDIATES, ccadb.REVOKED)

DAY_OF_THE_REPORTS = datetime(2026, 11, 24, tzinfo=timezone.utc)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real reports of the CCADB do not lie beside the repository"),
]


@pytest.fixture(autouse=True)
def day_of_the_reports(clock: Callable[[datetime], None]) -> None:
    """What has expired is expired on this day, whenever the tests run."""
    clock(DAY_OF_THE_REPORTS)


class Website:
    """What the loopback CCADB has, and what it was asked: (path, If-None-Match, status)."""

    def __init__(self, server: TlsServer) -> None:
        self.pages = {f"/{name}": (DATA / name.rpartition("/")[2]).read_bytes() for name in REPORTS}
        self.asked: list[tuple[str, str | None, int]] = []
        self.address = f"{server.url}/"
        server.handler = _handler(self)


def _handler(website: Website) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20

        def do_GET(self) -> None:
            body = website.pages[self.path]
            etag = f'"{hashlib.sha256(body).hexdigest()}"'
            known: str | None = self.headers.get("If-None-Match")
            status = 304 if known == etag else 200
            website.asked.append((self.path, known, status))
            self.send_response(status)
            self.send_header("ETag", etag)
            if status == 200:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if status == 200:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the test output clean."""

    return Handler


@pytest.fixture
def website(serve: Serve, ca: trustme.CA) -> Website:
    return Website(serve(ca.issue_cert("localhost")))


@pytest.fixture
def store(certboot: Run, paths: StorePaths, website: Website, ca_file: Path) -> StorePaths:
    """A store made from the served reports; the CA of their server was added before, for without it nobody could."""
    assert certboot("init", "--source", "certifi", "--add", ca_file).status == 0
    paths.config.write_text(f'[ccadb]\naddress = "{website.address}"\n')
    ran = certboot("init", "--source", "ccadb", "--intermediates")
    assert (ran.status, ran.err) == (0, "")
    return paths


class Listed(typing.NamedTuple):
    """What ``certboot list --json`` says."""

    certificates: dict[str, dict[str, typing.Any]]
    """Without the one CA that the test added."""
    rejected: list[dict[str, typing.Any]]
    digest: str


def listed(certboot: Run) -> Listed:
    accepted, rejected = (json.loads(certboot("list", "--json", *more).out) for more in ((), ("--rejected",)))
    kept = {one["sha256"]: one for one in accepted["certificates"]}
    added = [sha for sha, one in kept.items() if [reason["source"] for reason in one["provenance"]] == ["added"]]
    assert len(added) == 1
    del kept[added[0]]
    return Listed(kept, rejected["rejected"], accepted["digest"])


# The same reports, read with csv and cryptography, and judged by nothing of certboot's


class Row(typing.NamedTuple):
    sha256: str
    certificate: x509.Certificate
    bits: str
    after: str

    @property
    def expired(self) -> bool:
        return self.certificate.not_valid_after_utc < DAY_OF_THE_REPORTS


@functools.cache
def rows(name: str) -> tuple[dict[str, str], ...]:
    with (DATA / name.rpartition("/")[2]).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def _row(row: dict[str, str], sha256: str, pem: str) -> Row:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a root of 2001 has the serial number 0
        certificate = x509.load_pem_x509_certificate(row[pem].strip("'").encode())
    return Row(row[sha256].lower(), certificate, row.get("Trust Bits", ""), row.get("Distrust for TLS After Date", ""))


@functools.cache
def roots() -> tuple[Row, ...]:
    return tuple(_row(row, "SHA-256 Fingerprint", "PEM Info") for row in rows(ccadb.ROOTS))


@functools.cache
def intermediates() -> tuple[Row, ...]:
    return tuple(_row(row, "SHA256", "PEM") for row in rows(ccadb.INTERMEDIATES))


def for_tls() -> list[Row]:
    return [row for row in roots() if "Websites" in row.bits]


@functools.cache
def signed_by(child: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Whether the names are the same text, in whatever kind of string, and the key signed, with no SHA-1."""
    if text(child.issuer) != text(issuer.subject) or isinstance(child.signature_hash_algorithm, hashes.SHA1):
        return False
    key, by = issuer.public_key(), child.signature_algorithm_parameters
    signed = (child.signature, child.tbs_certificate_bytes)
    try:
        if isinstance(key, rsa.RSAPublicKey) and isinstance(by, padding.PKCS1v15 | padding.PSS):
            key.verify(*signed, by, typing.cast("hashes.HashAlgorithm", child.signature_hash_algorithm))
        elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(by, ec.ECDSA):
            key.verify(*signed, by)
        else:
            return False
    except InvalidSignature:
        return False
    return True


@functools.cache
def text(name: x509.Name) -> str:
    return name.rfc4514_string()


@functools.cache
def self_signed() -> frozenset[str]:
    """Not intermediates at all, though the report has them: other certificates of a root's name and key."""
    return frozenset(row.sha256 for row in intermediates() if signed_by(row.certificate, row.certificate))


@functools.cache
def room(certificate: x509.Certificate) -> float:
    """How many CAs may follow below it."""
    length = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    return float("inf") if length is None else length


def reachable(anchors: list[Row]) -> set[str]:
    """The intermediates, not expired, from which signatures lead to one of these anchors.

    None of them lets more CAs follow than those above do, and none of Mozilla's has an issuer of its own name.
    """
    waiting = {row.sha256: row for row in intermediates() if not row.expired and row.sha256 not in self_signed()}
    found: set[str] = set()
    layer = [row for row in anchors if not row.expired]
    while layer:
        by_name: dict[str, list[x509.Certificate]] = {}
        for row in layer:
            by_name.setdefault(text(row.certificate.subject), []).append(row.certificate)
        layer = [
            row
            for row in waiting.values()
            if any(
                signed_by(row.certificate, issuer) and room(row.certificate) <= room(issuer) - 1
                for issuer in by_name.get(text(row.certificate.issuer), ())
            )
        ]
        for row in layer:
            found.add(row.sha256)
            del waiting[row.sha256]
    return found


def test_the_reports_are_those_whose_numbers_are_explained_here() -> None:
    assert [len(rows(name)) for name in REPORTS] == [165, 1764, 2917]


def test_every_root_is_an_anchor_or_rejected_with_its_reason(certboot: Run, store: StorePaths) -> None:
    """165 rows: 75 with the trust bit Websites, 46 with Email and Websites, 44 with Email alone."""
    del store
    found = listed(certboot)
    assert Counter(row.bits for row in roots()) == {"Websites": 75, "Email;Websites": 46, "Email": 44}
    expired = {row.sha256 for row in for_tls() if row.expired}  # none before 2027
    anchors = {sha for sha, one in found.certificates.items() if one["role"] == "anchor"}
    assert anchors == {row.sha256 for row in for_tls()} - expired
    assert len(anchors) == 121 - len(expired)
    offered = {row.sha256 for row in roots()}
    rejected = [(one["rule"], one["fingerprint"]) for one in found.rejected if one["fingerprint"] in offered]
    assert Counter(rule for rule, _ in rejected) == Counter({"no-tls-trust": 44, "expired": len(expired)})
    assert {sha for rule, sha in rejected if rule == "no-tls-trust"} == offered - {row.sha256 for row in for_tls()}
    assert {sha for rule, sha in rejected if rule == "expired"} == expired


def test_every_intermediate_is_accepted_or_rejected_with_its_reason(certboot: Run, store: StorePaths) -> None:
    """1,764 rows. When they were saved none had expired, and none is listed as revoked.

    Four are self-signed: another certificate each of Microsec's root (two), of SSL.com's EV root and of TunTrust's.
    OpenSSL takes a self-signed certificate in a directory for an anchor, and none of these four is one of Mozilla's.
    One more can never enter: that of FNMT-RCM is signed with SHA-1, which can be forged. 13 of NetLock's let more CAs
    follow, as far as they say themselves, than their root does. Firmaprofesional's CA for
    qualified certificates names its root in another kind of string than the root does; OpenSSL does not mind.
    """
    del store
    found = listed(certboot)
    accepted = {sha for sha, one in found.certificates.items() if one["role"] == "intermediate"}
    assert accepted == reachable(for_tls())
    offered = {row.sha256: row for row in intermediates()}
    rejected = {one["fingerprint"]: one["rule"] for one in found.rejected if one["fingerprint"] in offered}
    assert accepted | rejected.keys() == offered.keys()
    assert len(accepted) + len(rejected) == 1764
    expired = {sha for sha, row in offered.items() if row.expired}
    assert {sha for sha, rule in rejected.items() if rule == "expired"} == expired
    assert len(self_signed()) == 4
    assert {sha for sha, rule in rejected.items() if rule == "self-signed"} == self_signed() - expired
    (never,) = [sha for sha in offered if sha.startswith("db0da16032f1643a")]
    names = {text(row.certificate.subject) for row in (*for_tls(), *intermediates()) if not row.expired}
    assert {sha: rule for sha, rule in rejected.items() if rule not in ("expired", "self-signed")} == {
        sha: {never: "weak-signature"}.get(
            sha, "path-length-limited" if text(row.certificate.issuer) in names else "no-issuer"
        )
        for sha, row in offered.items()
        if sha not in expired | accepted | self_signed()
    }
    assert rejected[never] == ("expired" if offered[never].expired else "weak-signature")
    (odd,) = [sha for sha in offered if sha.startswith("2b75cc4f36759cfc")]
    assert offered[odd].expired or odd in accepted


def test_nothing_else_is_rejected_and_nothing_revoked_is_in_the_store(certboot: Run, store: StorePaths) -> None:
    """The report of the revoked offers nothing: its 2,917 fingerprints only keep out what others offer."""
    del store
    found = listed(certboot)
    offered = {row.sha256 for row in (*roots(), *intermediates())}
    assert len(offered) == 165 + 1764
    assert len(found.certificates) + len(found.rejected) == 165 + 1764
    assert {*found.certificates, *(one["fingerprint"] for one in found.rejected)} == offered
    revoked = {row["SHA-256 Fingerprint"].lower() for row in rows(ccadb.REVOKED)}
    assert len(revoked) == 2917
    assert revoked & found.certificates.keys() == set()


def test_an_intermediate_that_the_ccadb_revokes_leaves_with_what_is_below_it(
    certboot: Run, store: StorePaths, website: Website
) -> None:
    """The control of the test above, where nothing was revoked."""
    del store
    before = listed(certboot)
    issuers = Counter(
        one["issuer"] for one in before.certificates.values() if one["issuer"] and one["issuer"] != one["anchor"]
    )
    (victim, below), *_ = issuers.most_common(1)
    assert below > 1
    table = list(csv.reader(io.StringIO(website.pages[f"/{ccadb.REVOKED}"].decode(), newline="")))
    row = ["" if column != "SHA-256 Fingerprint" else victim.upper() for column in table[0]]
    website.pages[f"/{ccadb.REVOKED}"] = report.table(table[0], [*table[1:], row])
    assert certboot("update").status == 0
    after = listed(certboot)
    # Whoever was signed with the same key by a twin of the victim may stay below that one.
    gone = before.certificates.keys() - after.certificates.keys()
    assert victim in gone
    assert gone <= {victim, *(sha for sha, one in before.certificates.items() if one["issuer"] == victim)}
    assert after.certificates.keys() <= before.certificates.keys()
    rule = {one["fingerprint"]: one["rule"] for one in after.rejected}
    assert {rule[sha] for sha in gone - {victim}} <= {"no-issuer"}
    assert rule[victim] == "revoked"


@pytest.mark.real_data
def test_the_five_dates_of_distrust_are_in_the_manifest(certboot: Run, store: StorePaths) -> None:
    """Two are of anchors. Three roots have lost Mozilla's trust for TLS since: their rejections tell the date."""
    del store
    found = listed(certboot)
    dates = {row.sha256: row.after.replace(".", "-") for row in roots() if row.after}
    assert sorted(dates.values()) == ["2024-11-30"] * 4 + ["2025-04-15"]
    anchors = {sha: one["distrust_after"] for sha, one in found.certificates.items() if one["distrust_after"]}
    assert anchors == {row.sha256: dates[row.sha256] for row in for_tls() if row.after and not row.expired}
    told = {one["fingerprint"]: one["reason"] for one in found.rejected if one["fingerprint"] in dates}
    assert anchors.keys() | told.keys() == dates.keys()
    assert [sha for sha, reason in told.items() if dates[sha] not in reason] == []


def test_a_root_that_somebody_else_still_offers_carries_the_date_that_the_ccadb_knows(
    certboot: Run, store: StorePaths, tmp_path: Path
) -> None:
    """Debian still has the roots of Entrust that Mozilla trusts for mail only: here the user adds them."""
    del store
    dated = [row for row in roots() if row.after and not row.expired]
    more = tmp_path / "more.pem"
    pem = serialization.Encoding.PEM
    more.write_bytes(b"".join(row.certificate.public_bytes(pem) for row in dated if "Websites" not in row.bits))
    assert certboot("trust", "--yes", more).status == 0
    certificates = json.loads(certboot("list", "--json").out)["certificates"]
    dates = {one["sha256"]: one["distrust_after"] for one in certificates if one["distrust_after"]}
    assert dates == {row.sha256: row.after.replace(".", "-") for row in dated}


@pytest.mark.real_data
def test_openssl_verifies_every_intermediate_up_to_its_recorded_anchor(certboot: Run, store: StorePaths) -> None:
    """With that anchor as the only trust, and a chain that has to end there."""
    crts = store.current / "crts"
    found = listed(certboot).certificates
    below: dict[str, list[Path]] = {}
    for one in found.values():
        if one["role"] == "intermediate":
            below.setdefault(one["anchor"], []).append(crts / one["file"])
    verified = 0
    for anchor, files in below.items():
        assert found[anchor]["role"] == "anchor"
        others = store.home.parent / "others.pem"
        others.write_text("".join(file.read_text() for file in files))
        verified += _verified(crts / found[anchor]["file"], others, files)
        others.unlink()
    assert verified == sum(one["role"] == "intermediate" for one in found.values())
    # The control: below another anchor none of the largest family verifies.
    largest = max(below, key=lambda sha: len(below[sha]))
    other = min(below, key=lambda sha: len(below[sha]))
    assert _verified(crts / found[other]["file"], None, below[largest]) == 0


def _verified(anchor: Path, untrusted: Path | None, files: list[Path]) -> int:
    when = ("-attime", f"{DAY_OF_THE_REPORTS.timestamp():.0f}")
    trust = ("-no-CApath", "-no-CAstore", "-CAfile", anchor, *(("-untrusted", untrusted) if untrusted else ()))
    done = subprocess.run(
        ["openssl", "verify", *when, *trust, *files],
        env={"PATH": SYSTEM_PATH}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.count(": OK\n")


def _without(body: bytes, sha256: str) -> bytes:
    header, *table = csv.reader(io.StringIO(body.decode(), newline=""))
    at = header.index("SHA-256 Fingerprint")
    left = [row for row in table if row[at].lower() != sha256]
    assert len(left) == len(table) - 1
    return report.table(header, left)


def test_a_root_that_leaves_the_report_leaves_with_all_below_it_and_rollback_brings_them_back(
    certboot: Run, store: StorePaths, website: Website
) -> None:
    before, whole_store = listed(certboot), contents(store.current.resolve())
    sizes = Counter(one["anchor"] for one in before.certificates.values() if one["anchor"])
    # The largest family that has grandchildren too.
    deep = {one["anchor"] for one in before.certificates.values() if one["issuer"] != one["anchor"]}
    root = max(deep, key=lambda sha: sizes[sha])
    family = {sha for sha, one in before.certificates.items() if root in (sha, one["anchor"])}
    assert len(family) == sizes[root] + 1 > 10
    website.pages[f"/{ccadb.ROOTS}"] = _without(website.pages[f"/{ccadb.ROOTS}"], root)
    assert certboot("update").status == 0
    after = listed(certboot)
    # A family could have a second anchor that signed a part of it; an independent reading says what stays.
    stays = reachable([row for row in for_tls() if row.sha256 != root])
    assert before.certificates.keys() - after.certificates.keys() == family - stays
    assert after.certificates.keys() - before.certificates.keys() == set()
    rule = {one["fingerprint"]: one["rule"] for one in after.rejected}
    assert {rule.get(sha) for sha in family - stays - {root}} <= {"no-issuer", "invalid-signature", "self-signed"}
    assert root not in rule  # nobody offers it any more

    assert certboot("rollback").status == 0
    assert contents(store.current.resolve()) == whole_store
    assert listed(certboot) == before
    # The next update goes by the sources again.
    assert certboot("update").status == 0
    assert listed(certboot).digest == after.digest


def test_an_update_of_unchanged_reports_asks_only_whether_they_changed_and_changes_nothing(
    certboot: Run, store: StorePaths, website: Website
) -> None:
    assert [(path, known, status) for path, known, status in website.asked] == [
        (f"/{name}", None, 200) for name in REPORTS
    ]
    website.asked.clear()
    before = contents(store.home)
    ran = certboot("update")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines()[-1].endswith(": nothing new, nothing changed")
    assert website.asked == [
        (f"/{name}", f'"{hashlib.sha256(website.pages[f"/{name}"]).hexdigest()}"', 304) for name in REPORTS
    ]
    after = contents(store.home)
    # When the sources were last read is the one thing that is new.
    assert {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)} <= {"checked"}


def test_reports_from_a_folder_give_the_digest_that_the_network_gives(
    certboot: Run, store: StorePaths, website: Website, ca_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = listed(certboot)
    website.asked.clear()
    monkeypatch.setenv("CERTBOOT_HOME", str(tmp_path / "another machine"))
    arguments = ("init", "--source", "ccadb", "--intermediates", "--from", DATA, "--add", ca_file)
    assert certboot(*arguments).status == 0
    assert listed(certboot).digest == network.digest
    assert website.asked == []
    assert certboot("init", "--no-intermediates").status == 0
    assert listed(certboot).digest != network.digest
    assert store.current.exists()


def test_every_file_is_the_certificate_that_its_row_names(certboot: Run, store: StorePaths) -> None:
    offered = {row.sha256: row.certificate for row in (*roots(), *intermediates())}
    for sha, one in listed(certboot).certificates.items():
        der = offered[sha].public_bytes(serialization.Encoding.DER)
        assert whole.ders((store.current / "crts" / one["file"]).read_text()) == [der]
