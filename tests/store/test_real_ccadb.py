"""The CCADB's real reports of 2026: every row is accounted for, by a reading that uses nothing of certboot's."""

from __future__ import annotations

import csv
import functools
import io
import itertools
import json
import shutil
import subprocess
import typing
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from support import report, whole
from support.certificates import with_fields
from support.commands import Run
from support.environments import ROOT, SYSTEM_PATH
from support.snapshot import contents

from certboot import moment
from certboot.cli import main
from certboot.pki.certificate import Certificate, annotated_pem, is_signed_by, is_unread, load_certificate
from certboot.repair import completion
from certboot.repair.completion import Completion, Rules, Supply, complete
from certboot.sources import ccadb
from certboot.sources.candidates import Offer
from certboot.store import generations
from certboot.store.paths import StorePaths

DATA = ROOT.parent / "shared" / "data" / "ccadb"
DAY_OF_THE_REPORTS = datetime(2026, 11, 24, tzinfo=timezone.utc)
"""What has expired is expired on this day, whenever the tests run."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real reports of the CCADB do not lie beside the repository"),
]


class Listed(typing.NamedTuple):
    """What the manifest of a store says."""

    certificates: dict[str, dict[str, typing.Any]]
    rejected: list[dict[str, typing.Any]]

    def of_role(self, role: str) -> set[str]:
        return {sha for sha, entry in self.certificates.items() if entry["role"] == role}


def listed(paths: StorePaths) -> Listed:
    document = json.loads((paths.current / "manifest.json").read_bytes())
    return Listed({entry["sha256"]: entry for entry in document["certificates"]}, document["rejected"])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorePaths]:
    """A store of the reports. Not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moment, "now", lambda: DAY_OF_THE_REPORTS)
        paths = StorePaths(tmp_path_factory.mktemp("real") / "store")
        patch.setenv("CERTBOOT_HOME", str(paths.home))
        assert main.main(["init", "--source", "ccadb", "--intermediates", "--from", str(DATA)]) == 0
        yield paths


@pytest.fixture
def store(made: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StorePaths:
    """A store of a test's own."""
    shutil.copytree(made.home, tmp_path / "store", symlinks=True)
    monkeypatch.setenv("CERTBOOT_HOME", str(tmp_path / "store"))
    return StorePaths(tmp_path / "store")


def without_root(folder: Path, sha256: str) -> Path:
    """The reports without one of the roots."""
    shutil.copytree(DATA, folder)
    path = folder / ccadb.ROOTS.rpartition("/")[2]
    header, *table = csv.reader(io.StringIO(path.read_text("utf-8"), newline=""))
    at = header.index("SHA-256 Fingerprint")
    path.write_bytes(report.table(header, [row for row in table if row[at].lower() != sha256]))
    return folder


# The same reports, read with csv and cryptography


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


@functools.cache
def read(name: str, sha256: str, pem: str) -> tuple[Row, ...]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a root of 2001 has the serial number 0
        return tuple(
            Row(
                row[sha256].lower(), x509.load_pem_x509_certificate(row[pem].strip("'").encode()),
                row.get("Trust Bits", ""), row.get("Distrust for TLS After Date", "").replace(".", "-"),
            )
            for row in rows(name)
        )  # fmt: skip


def roots() -> tuple[Row, ...]:
    return read(ccadb.ROOTS, "SHA-256 Fingerprint", "PEM Info")


def intermediates() -> tuple[Row, ...]:
    return read(ccadb.INTERMEDIATES, "SHA256", "PEM")


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
        found |= {row.sha256 for row in layer}
        waiting = {sha: row for sha, row in waiting.items() if sha not in found}
    return found


def test_every_root_is_an_anchor_or_rejected_with_its_reason(made: StorePaths) -> None:
    """165 rows: 75 with the trust bit Websites, 46 with Email and Websites, 44 with Email alone; none has expired."""
    assert Counter(row.bits for row in roots()) == {"Websites": 75, "Email;Websites": 46, "Email": 44}
    found = listed(made)
    assert found.of_role("anchor") == {row.sha256 for row in for_tls()}
    offered = {row.sha256 for row in roots()}
    rejected = {(one["rule"], one["fingerprint"]) for one in found.rejected if one["fingerprint"] in offered}
    assert rejected == {("no-tls-trust", sha) for sha in offered - found.of_role("anchor")}


def test_every_intermediate_is_accepted_or_rejected_with_its_reason(made: StorePaths) -> None:
    """1,764 rows, of which none is listed as revoked.

    Four are self-signed: another certificate each of Microsec's root (two), of SSL.com's EV root and of TunTrust's.
    OpenSSL takes a self-signed certificate in a directory for an anchor, and none of these four is one of Mozilla's.
    One more can never enter: that of FNMT-RCM is signed with SHA-1, which can be forged. 13 of NetLock's let more CAs
    follow, as far as they say themselves, than their root does. Firmaprofesional's CA for
    qualified certificates names its root in another kind of string than the root does; OpenSSL does not mind.
    """
    found = listed(made)
    accepted = found.of_role("intermediate")
    assert accepted == reachable(for_tls())
    offered = {row.sha256: row for row in intermediates()}
    rejected = {one["fingerprint"]: one["rule"] for one in found.rejected if one["fingerprint"] in offered}
    assert accepted | rejected.keys() == offered.keys()
    assert Counter(rejected.values()) == {
        "expired": 29,
        "path-length-limited": 13,
        "self-signed": 4,
        "weak-signature": 1,
    }
    by_rule = {rule: {sha for sha, own in rejected.items() if own == rule} for rule in rejected.values()}
    assert by_rule["expired"] == {sha for sha, row in offered.items() if row.expired}
    assert by_rule["self-signed"] == self_signed()
    assert [sha[:16] for sha in by_rule["weak-signature"]] == ["db0da16032f1643a"]
    assert {room(offered[sha].certificate) for sha in by_rule["path-length-limited"]} == {float("inf"), 4}
    assert any(sha.startswith("2b75cc4f36759cfc") for sha in accepted)


def test_nothing_else_is_rejected_and_every_file_is_the_certificate_that_its_row_names(made: StorePaths) -> None:
    """The report of the revoked offers nothing: its 2,917 fingerprints only keep out what others offer."""
    found = listed(made)
    offered = {row.sha256: row.certificate for row in (*roots(), *intermediates())}
    assert len(found.certificates) + len(found.rejected) == len(offered) == 165 + 1764
    assert {*found.certificates, *(one["fingerprint"] for one in found.rejected)} == offered.keys()
    revoked = {row["SHA-256 Fingerprint"].lower() for row in rows(ccadb.REVOKED)}
    assert (len(revoked), revoked & found.certificates.keys()) == (2917, set())
    for sha, entry in found.certificates.items():
        der = offered[sha].public_bytes(serialization.Encoding.DER)
        assert whole.ders((made.current / "crts" / entry["file"]).read_text()) == [der]


@pytest.mark.real_data
def test_the_five_dates_of_distrust_are_in_the_manifest(made: StorePaths) -> None:
    """Two are of anchors. Three roots have lost Mozilla's trust for TLS since: their rejections tell the date."""
    found = listed(made)
    dates = {row.sha256: row.after for row in roots() if row.after}
    assert sorted(dates.values()) == ["2024-11-30"] * 4 + ["2025-04-15"]
    anchors = {sha: entry["distrust_after"] for sha, entry in found.certificates.items() if entry["distrust_after"]}
    assert anchors == {row.sha256: row.after for row in for_tls() if row.after}
    told = {one["fingerprint"]: one["reason"] for one in found.rejected if one["fingerprint"] in dates}
    assert anchors.keys() | told.keys() == dates.keys()
    assert [sha for sha, reason in told.items() if dates[sha] not in reason] == []


def test_a_root_that_somebody_else_offers_carries_the_date(certboot: Run, store: StorePaths, tmp_path: Path) -> None:
    """Debian still has the roots of Entrust that Mozilla trusts for mail only: here the user adds them."""
    dated = [row for row in roots() if row.after]
    pem = serialization.Encoding.PEM
    lost = [row.certificate.public_bytes(pem) for row in dated if "Websites" not in row.bits]
    (tmp_path / "more.pem").write_bytes(b"".join(lost))
    assert certboot("trust", "--yes", tmp_path / "more.pem").status == 0
    certificates = listed(store).certificates
    dates = {sha: entry["distrust_after"] for sha, entry in certificates.items() if entry["distrust_after"]}
    assert dates == {row.sha256: row.after for row in dated}


@pytest.mark.real_data
def test_openssl_verifies_every_intermediate_up_to_its_recorded_anchor(made: StorePaths, tmp_path: Path) -> None:
    """With that anchor as the only trust, and a chain that has to end there."""
    crts, found = made.current / "crts", listed(made).certificates
    below: dict[str, list[Path]] = {}
    for entry in found.values():
        if entry["role"] == "intermediate":
            below.setdefault(entry["anchor"], []).append(crts / entry["file"])
    verified = 0
    for anchor, files in below.items():
        assert found[anchor]["role"] == "anchor"
        (tmp_path / "others.pem").write_text("".join(file.read_text() for file in files))
        verified += _verified(crts / found[anchor]["file"], files, "-untrusted", tmp_path / "others.pem")
    assert verified == len(listed(made).of_role("intermediate"))
    # The control: below another anchor none of the largest family verifies.
    largest, other = (choose(below, key=lambda sha: len(below[sha])) for choose in (max, min))
    assert _verified(crts / found[other]["file"], below[largest]) == 0


def _verified(anchor: Path, files: list[Path], *more: str | Path) -> int:
    return len(_openssl_verified(files, "-no-CApath", "-CAfile", anchor, *more))


def _openssl_verified(files: Iterable[Path], *trust: str | Path) -> set[str]:
    """The names of those files whose certificate OpenSSL verifies with this trust on that day."""
    when = f"{DAY_OF_THE_REPORTS.timestamp():.0f}"
    command = ["openssl", "verify", "-attime", when, "-no-CAstore", *trust, *files]
    done = subprocess.run(command, env={"PATH": SYSTEM_PATH}, capture_output=True, text=True, check=False)
    return {Path(line.removesuffix(": OK")).name for line in done.stdout.splitlines() if line.endswith(": OK")}


# Twins: several certificates of one name and key


def twins_of(certificates: Iterable[Certificate]) -> list[list[Certificate]]:
    """Those that have a twin among these, each with its twins."""
    by_identity: dict[str, list[Certificate]] = {}
    for certificate in certificates:
        by_identity.setdefault(certificate.identity, []).append(certificate)
    return [same for same in by_identity.values() if len(same) > 1]


@pytest.fixture(scope="module")
def held(made: StorePaths) -> dict[str, Certificate]:
    generation = generations.needed(made)
    certificates = generations.certificates(generation.folder, generation.record.certificates)
    return {certificate.fingerprint: certificate for certificate in certificates}


@functools.cache
def revoked_twins(identities: frozenset[str]) -> tuple[Certificate, ...]:
    """What the report of the revoked has of these names and keys."""
    report = (DATA / ccadb.REVOKED.rpartition("/")[2]).read_bytes()
    certificates = (load_certificate(data) for data in ccadb.certificates(report) if not is_unread(data))
    return tuple(certificate for certificate in certificates if certificate.identity in identities)


def test_no_twin_in_the_store_keeps_what_another_has_signed_from_being_verified(
    made: StorePaths, held: dict[str, Certificate], tmp_path: Path
) -> None:
    """By the rules of Python up to 3.12, of curl and of Python 3.13; whatever else of its issuers a server sends.

    Python 3.13 refuses what TWCA Global Root CA signs, a root without a key identifier: but for its twin.
    """
    families = twins_of(held.values())
    assert (len(families), sum(map(len, families))) == (71, 150)
    issuers = {certificate.fingerprint for same in families for certificate in same}
    files = {
        entry["file"]: entry["issuer"]
        for entry in listed(made).certificates.values()
        if entry["issuer"] in issuers
    }  # fmt: skip
    assert len(files) > 500
    sent = revoked_twins(frozenset(same[0].identity for same in families))
    (tmp_path / "sent.pem").write_bytes(b"".join(annotated_pem(certificate).encode() for certificate in sent))
    store = ("-no-CAfile", "-CApath", made.current / "crts")
    crts = [made.current / "crts" / name for name in files]
    for rules in ((), ("-partial_chain",), ("-partial_chain", "-x509_strict")):
        for more in ((), ("-untrusted", tmp_path / "sent.pem")):
            assert _openssl_verified(crts, *store, *rules, *more) == files.keys()
    (twca,) = [same for same in families if same[0].name == "TWCA Global Root CA"]
    assert [bool(certificate.defects) for certificate in twca] == [False, True]
    (tmp_path / "root.pem").write_text(annotated_pem(twca[1]))
    below = [made.current / "crts" / name for name, issuer in files.items() if issuer == twca[1].fingerprint]
    alone = ("-no-CApath", "-CAfile", tmp_path / "root.pem", "-partial_chain")
    assert len(_openssl_verified(below, *alone)) == len(below) > 0
    assert _openssl_verified(below, *alone, "-x509_strict") == set()


def test_of_root_yr_s_two_cross_signs_the_store_has_the_one_that_is_not_revoked(held: dict[str, Certificate]) -> None:
    """ISRG Root X1 signed it in May 2026, in the place of what it had signed in September 2025."""
    (good,) = [certificate for certificate in held.values() if certificate.name == "Root YR"]
    (bad,) = revoked_twins(frozenset({good.identity}))
    assert (good.fingerprint[:12], bad.fingerprint[:12]) == ("072639d0b140", "270c64b6ba1a")
    assert (good.validity.not_after, good.constraints) == (bad.validity.not_after, bad.constraints)


def test_a_root_that_leaves_the_report_leaves_with_all_below_it(
    certboot: Run, store: StorePaths, tmp_path: Path
) -> None:
    before, whole_store = listed(store), contents(store.current.resolve())
    sizes = Counter(entry["anchor"] for entry in before.certificates.values() if entry["anchor"])
    # The largest family that has grandchildren too.
    deep = {entry["anchor"] for entry in before.certificates.values() if entry["issuer"] != entry["anchor"]}
    root = max(deep, key=lambda sha: sizes[sha])
    family = {sha for sha, entry in before.certificates.items() if root in (sha, entry["anchor"])}
    assert len(family) == sizes[root] + 1 > 10

    update = ("update", "--from", without_root(tmp_path / "reports", root))
    assert certboot(*update).status == 0
    after = listed(store)
    # A family could have a second anchor that signed a part of it; an independent reading says what stays.
    stays = reachable([row for row in for_tls() if row.sha256 != root])
    assert before.certificates.keys() - after.certificates.keys() == family - stays
    assert after.certificates.keys() <= before.certificates.keys()
    rule = {one["fingerprint"]: one["rule"] for one in after.rejected}
    assert {rule.get(sha) for sha in family - stays - {root}} <= {"no-issuer", "invalid-signature", "self-signed"}
    assert root not in rule  # nobody offers it any more
    assert certboot("rollback").status == 0
    assert contents(store.current.resolve()) == whole_store
    assert certboot(*update).status == 0  # goes by the sources again
    assert listed(store).certificates.keys() == after.certificates.keys()


# Each intermediate taken as the one that a server forgot, with its issuers to be had


class Programme:
    """Mozilla's roots that are trusted for TLS, its intermediates, and what is revoked."""

    def __init__(self) -> None:
        loaded = ccadb.read(ccadb.from_folder(DATA), intermediates=True).parse()
        self.roots: dict[bytes, list[Certificate]] = {}
        self.intermediates: dict[bytes, list[Certificate]] = {}
        for candidate in loaded.candidates:
            kind = self.roots if candidate.role == "anchor" else self.intermediates
            if candidate.tls_trust:
                kind.setdefault(candidate.certificate.link.subject_name, []).append(candidate.certificate)
        # Of the 2,917 the PEM of 25 is "too large", and some CAs gave a number to two.
        assert [sum(isinstance(name, kind) for name in loaded.revoked) for kind in (str, bytes)] == [2917, 2885]
        self.rules = Rules(DAY_OF_THE_REPORTS, loaded.revoked, to_store=True)

    def completed(self, missing: Certificate) -> Completion:
        """What is found for a leaf that ``missing`` has signed, where only it lies at the leaf's address."""
        leaf = with_fields(
            missing, fingerprint="leaf", identity="leaf", name="leaf", subject_name=b"leaf",
            issuer_name=missing.link.subject_name, authority_key_id=missing.link.key_id, self_issued=False,
        )  # fmt: skip

        def fetch(child: Certificate) -> list[Offer]:
            issuers = [missing] if child is leaf else self.intermediates.get(child.link.issuer_name, [])
            return [Offer(issuer, "http://ca.example/") for issuer in issuers]

        known = {name: anchors for name, anchors in self.roots.items() if name != missing.link.subject_name}
        return complete([leaf], Supply(lambda name: known.get(name, ()), lambda _: (), fetch), self.rules)


def test_each_forgotten_intermediate_has_a_way_to_a_root_or_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody here has the keys to sign a leaf with."""
    programme = Programme()
    monkeypatch.setattr(
        completion, "is_signed_by", lambda below, above: below.fingerprint == "leaf" or is_signed_by(below, above)
    )
    outcomes: Counter[str] = Counter()
    lengths: Counter[int] = Counter()
    for missing in itertools.chain.from_iterable(programme.intermediates.values()):
        found = programme.completed(missing)
        if found.anchor:
            lengths[len(found.path) - 1] += 1
            ends = [*(offer.certificate for offer in found.path[1:]), found.anchor]
            assert ends[0] == missing
            assert all(is_signed_by(below, above) for below, above in itertools.pairwise(ends))
        else:
            rules = sorted({refusal.rule for refusal in found.refusals}) or ["no-issuer"]
            outcomes[" ".join(rules)] += 1
    assert lengths == {1: 1584, 2: 132}
    assert outcomes == {"expired": 29, "path-length-limited": 13, "self-signed": 4, "weak-signature": 1, "no-issuer": 1}
