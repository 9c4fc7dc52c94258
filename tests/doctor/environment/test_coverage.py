"""What a variable's file has of what matters, and who seems to have made it: told as a hint, whatever a name says."""

from __future__ import annotations

import os
from pathlib import Path

from support.commands import Run
from support.here import found, put
from support.pki import CA, issue, make
from support.snapshot import roots
from support.table import cases

from certboot.doctor.environment import check, coverage
from certboot.doctor.finding import Finding
from certboot.store.manifest import Entry, Provenance
from certboot.store.paths import StorePaths

ZSCALER = make("Zscaler Root CA", form=CA)
OWN, PUBLIC, SYSTEM = "added", "certifi", "system"


def one(paths: StorePaths, **environ: str) -> Finding:
    """Return the finding on the first of these variables."""
    name = next(iter(environ))
    return next(finding for finding in check.check(paths, environ) if finding.subject == name)


def makers(finding: Finding) -> list[tuple[str, str]]:
    made: list[dict[str, str]] = finding.evidence.get("made_by", [])  # type: ignore[assignment]
    return [(part["by"], part["name"]) for part in made]


@cases(("missing", "kept", "told"), [
    ([], [OWN, PUBLIC], "it has all 2 anchors of the store"),
    ([OWN], [PUBLIC], "it lacks 1 of the store's 2 anchors: yours (1 added)"),
    ([PUBLIC], [OWN, PUBLIC], "it lacks 1 of the store's 3 anchors, all of them public; it has yours"),
    ([PUBLIC, PUBLIC], [], "it lacks 2 of the store's 2 anchors, all of them public"),
    ([SYSTEM], [PUBLIC], "it lacks 1 of the store's 2 anchors: 1 that only the system has (1 system)"),
    ([OWN, SYSTEM], [], "it lacks 2 of the store's 2 anchors: yours (1 added), 1 that only the system has (2 system)"),
    ([OWN] * 5, [], "it lacks 5 of the store's 5 anchors: yours (1 added, 2 added, 3 added and 2 more)"),
])  # fmt: skip
def test_what_is_missing_is_told_by_whose_it_is(missing: list[str], kept: list[str], told: str) -> None:
    entries = [
        Entry(name, name, f"CN={name}", "", "", (Provenance(source, "", ""),))
        for number, source in enumerate([*missing, *kept], start=1)
        for name in [f"{number} {source}"]
    ]
    assert coverage.told(entries[: len(missing)], entries) == told


def test_without_a_store_the_public_cas_are_counted(paths: StorePaths, good: str) -> None:
    assert "; it has 2 of certifi's 3 public CAs (" in one(paths, SSL_CERT_FILE=good).summary
    assert "public" not in one(paths, NODE_EXTRA_CA_CERTS=good).summary  # node has a list of its own


def test_a_file_is_told_to_be_whose_path_and_whose_cas_it_has(store: StorePaths, tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    path = put(tmp_path / "ssl" / "cacert.pem", roots()[0].pem + ZSCALER.pem)
    finding = one(store, SSL_CERT_FILE=str(path))
    assert makers(finding) == [("path", "conda"), ("subject", "Zscaler")]
    assert finding.summary.split("\n")[1:] == [
        "by its path it belongs to conda; a CA in it calls itself Zscaler: Zscaler Root CA",
        "conda writes it anew with every ca-certificates",
    ]
    plain = put(tmp_path.parent / "plain.pem", roots()[0].pem)
    assert makers(one(store, SSL_CERT_FILE=str(plain))) == []


def test_a_path_that_is_not_there_has_an_owner_too(paths: StorePaths) -> None:
    finding = one(paths, SSL_CERT_FILE="/no-cert-file.crt")
    assert (finding.status, makers(finding)) == ("fail", [("path", "a Nix build, on purpose")])
    assert finding.summary.endswith(", let one")


def test_in_a_list_of_directories_each_is_looked_at(paths: StorePaths, tmp_path: Path) -> None:
    folder = put(tmp_path / ".guix-profile" / "certs" / "01234567.0", ZSCALER.pem).parent
    other = put(tmp_path / "plain" / "01234567.0", roots()[0].pem).parent
    finding = one(paths, SSL_CERT_DIR=f"{other}{os.pathsep}{folder}")
    assert makers(finding) == [("path", "Guix"), ("subject", "Zscaler")]


def test_the_file_that_sets_a_variable_may_say_whose_it_is(store: StorePaths, good: str, clean: Path) -> None:
    prefix = clean / "miniconda3"
    script = put(prefix / "etc/conda/activate.d/ca.sh", f"export SSL_CERT_FILE={good}\n")
    (prefix / "conda-meta").mkdir()
    finding = one(store, SSL_CERT_FILE=good, HOME=str(clean), CONDA_PREFIX=str(prefix))
    assert (finding.evidence["set_in"], makers(finding)) == ([f"{script}:1"], [("file", "conda")])
    assert finding.summary.endswith("\nby where it is set it belongs to conda")


def test_a_setting_is_told_whose_file_it_names(store: StorePaths, clean: Path, tmp_path: Path) -> None:
    path = put(tmp_path / ".mitmproxy" / "mitmproxy-ca-cert.pem", roots()[0].pem)
    put(clean / ".curlrc", f"cacert = {path}\n")
    (finding,) = found(store, {"HOME": str(clean)})
    assert (finding.id, makers(finding)) == ("setting-overrides-certboot", [("path", "mitmproxy")])


def test_a_hostile_name_is_made_printable_and_looked_at_briefly(paths: StorePaths, tmp_path: Path) -> None:
    hostile = issue("Zscaler \x1b[2J\u202e\n! forged line")
    finding = one(paths, SSL_CERT_FILE=str(put(tmp_path / "a.pem", hostile.pem)))
    assert makers(finding) == [("subject", "Zscaler")]
    assert "\x1b" not in finding.summary
    assert len(finding.summary.split("\n")) == 2


def test_an_added_ca_of_such_a_name_is_the_users(store: StorePaths, tmp_path: Path, certboot: Run, good: str) -> None:
    certboot("init", "--add", put(tmp_path / "z.pem", ZSCALER.pem))
    assert "yours (Zscaler Root CA), 1 of the 3 public ones" in one(store, SSL_CERT_FILE=good).summary
