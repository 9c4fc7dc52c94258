"""Of several certificates of one name and key, none in a store keeps a server from working that another lets work."""

from __future__ import annotations

import json
import shutil
import subprocess
import typing
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from support import report
from support.asking import Ask
from support.commands import Run, saved
from support.environments import ROOT, STRICT_VERSIONS, SYSTEM_PATH, find_python, versions_here
from support.issuers import Send
from support.pki import CA, DAY, NOW, Form, Issued, ca_extensions, changed, issue, make, on_server
from support.server import TlsServer
from support.table import cases

from certboot.pki.certificate import load_certificate
from certboot.pki.verdict import STRICT_PYTHON, openssl_verdict, trusting_context, verifying, verifying_context
from certboot.store.paths import StorePaths

ENDED = (NOW - 100 * DAY, NOW - DAY)
LONG = changed(CA, valid=(NOW - 100 * DAY, NOW + 100 * DAY))
BEFORE = NOW - 10 * DAY
"""When the stores are made: what ends a day ago is in them."""
LAX, STRICT = frozenset({"lax"}), frozenset({"strict"})
BOTH = LAX | STRICT
OTHER = make("Other Root", form=LONG)
ENDING = make("Ending Root", form=changed(CA, valid=ENDED))
TOP = make("Company Root", form=LONG)
MIDDLE = make("Issuing CA", TOP, LONG)
LEAF = make("localhost", MIDDLE)
CHAIN = (LEAF.der, MIDDLE.der)


@dataclass(frozen=True)
class Twins:
    """Two certificates of TOP's name and key, and by which rules the worse one alone has the server refused."""

    worse: Form
    refused: frozenset[str]
    worse_by: Issued | None = None
    better: Form = LONG
    better_by: Issued | None = None
    roots: tuple[Issued, ...] = field(default=())

    def made(self, *, first: bool) -> tuple[Issued, Issued]:
        """The worse and the better; ``first``: whether the worse one's fingerprint is the lower."""
        worse = make("Company Root", self.worse_by, self.worse, key=TOP.key)
        while True:
            better = make("Company Root", self.better_by, self.better, key=TOP.key)
            if (worse.sha256 < better.sha256) is first:
                return worse, better


def limited(*names: str) -> x509.NameConstraints:
    return x509.NameConstraints([x509.DNSName(name) for name in names], None)


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
TWINS = {
    "an older root without keyUsage": Twins(changed(LONG, usage=False), STRICT),
    "an older root without a key identifier": Twins(changed(LONG, ski=False), STRICT),
    "an older root whose constraints are not critical": Twins(changed(LONG, critical=False), STRICT),
    "an older root that lets no CA follow": Twins(changed(LONG, path_length=0), BOTH),
    "an older root for some names": Twins(changed(LONG, extra=((limited("example.com"), True),)), BOTH),
    "an older root with an extension nobody knows": Twins(changed(LONG, extra=((UNKNOWN, True),)), BOTH),
    "an older root that has ended since": Twins(changed(CA, valid=ENDED), BOTH),
    "a cross-sign that lets no CA follow, beside the root": Twins(
        changed(LONG, path_length=0), BOTH, worse_by=OTHER, roots=(OTHER,)
    ),
    "a cross-sign under what has ended since, beside the root": Twins(LONG, LAX, worse_by=ENDING, roots=(ENDING,)),
    "a defective root beside a sound cross-sign": Twins(
        changed(LONG, usage=False), STRICT, better_by=OTHER, roots=(OTHER,)
    ),
    "two cross-signs, of which one is for some names": Twins(
        changed(LONG, extra=((limited("example.com"), True),)), BOTH, OTHER, LONG, OTHER, (OTHER,)
    ),
    "two cross-signs, of which one has ended since": Twins(
        changed(CA, valid=ENDED), BOTH, OTHER, LONG, OTHER, (OTHER,)
    ),
}  # fmt: skip


def stored(certboot: Run, folder: Path, *issued: Issued) -> None:
    """Make a store of these, beside the few of every test."""
    assert certboot("init", "--add", saved(folder / "twins.pem", *issued)).status == 0


def refusals(paths: StorePaths, chain: tuple[bytes, ...] = CHAIN) -> dict[tuple[str, str], int]:
    """What OpenSSL says, by the form of the store and by the rules, where that is not yes."""
    found = {}
    for form in ("crts", "bundle.pem"):
        for rules in ("lax", "strict"):
            context = trusting_context([str(paths.current / form)])
            context = verifying(context, strict=rules == "strict", partial=rules == "strict")
            verdict = openssl_verdict(context, chain, "localhost")
            assert verdict
            found[form, rules] = verdict.code
    return {where: code for where, code in found.items() if code}


def alone(*trusted: Issued, chain: tuple[bytes, ...] = CHAIN) -> set[str]:
    """By which rules OpenSSL refuses it where these alone are trusted."""
    contexts = {
        rules: verifying_context(strict=rules == "strict", anchors=tuple(issued.der for issued in trusted))
        for rules in ("lax", "strict")
    }
    verdicts = {rules: openssl_verdict(context, chain, "localhost") for rules, context in contexts.items()}
    return {rules for rules, verdict in verdicts.items() if verdict is None or verdict.code}


@cases(("name", "first"), [(name, first) for name in TWINS for first in (True, False)])
def test_the_better_of_two_is_taken_whichever_fingerprint_comes_first(
    name: str, certboot: Run, paths: StorePaths, tmp_path: Path, clock: Callable[[datetime], None], *, first: bool
) -> None:
    twins = TWINS[name]
    worse, better = twins.made(first=first)
    clock(BEFORE)
    stored(certboot, tmp_path, worse, better, *twins.roots)
    files = {entry["sha256"] for entry in json.loads((paths.current / "manifest.json").read_bytes())["certificates"]}
    assert {worse.sha256, better.sha256} <= files
    assert refusals(paths) == {}
    assert alone(worse, *twins.roots) == twins.refused
    assert alone(better, *twins.roots) == set()


@cases("first", [True, False])
def test_a_limit_which_all_go_by_counts_more_than_a_defect(
    certboot: Run, paths: StorePaths, tmp_path: Path, *, first: bool
) -> None:
    twins = Twins(changed(LONG, path_length=0), BOTH, better=changed(LONG, usage=False))
    stored(certboot, tmp_path, *twins.made(first=first))
    assert {rules for _, rules in refusals(paths)} == STRICT


def test_twins_whose_name_no_person_would_call_them_by_are_in_order_too(
    certboot: Run, paths: StorePaths, tmp_path: Path
) -> None:
    """Their files are named after their fingerprints."""
    subject = x509.Name([x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "corp")])
    whole = ca_extensions(TOP.key)
    for lower in (True, False):
        better, worse = (issue(subject, key=TOP.key, extensions=own) for own in (whole, (whole[0], whole[2])))
        while (worse.sha256 < better.sha256) is not lower:
            better = issue(subject, key=TOP.key, extensions=whole)
        stored(certboot, tmp_path, better, worse, issue("Between"))
        leaf = make("localhost", better)
        assert refusals(paths, (leaf.der,)) == {}
        assert alone(worse, chain=(leaf.der,)) == STRICT
        assert certboot("purge", "--yes").status == 0


# What the store cannot mend, as SECURITY.md has it


@cases(
    ("worse", "refused"),
    [
        (changed(CA, valid=ENDED), BOTH),
        (changed(LONG, extra=((limited("example.com"), True),)), BOTH),
        (changed(LONG, path_length=0), BOTH),
        (changed(LONG, usage=False), STRICT),
        (LONG, frozenset[str]()),
    ],
)  # fmt: skip
def test_an_intermediate_of_the_store_is_taken_before_the_one_that_a_server_sends(
    worse: Form, refused: set[str], certboot: Run, paths: StorePaths, tmp_path: Path, clock: Callable[[datetime], None]
) -> None:
    sent, held = (make("Company Root", OTHER, form, key=TOP.key) for form in (LONG, worse))
    clock(BEFORE)
    stored(certboot, tmp_path, held, OTHER)
    assert {rules for _, rules in refusals(paths, (*CHAIN, sent.der))} == refused
    assert alone(OTHER, chain=(*CHAIN, sent.der)) == set()
    clock(NOW)
    assert certboot("update").status == 0
    ended = load_certificate(held.der).validity.not_after < NOW
    assert {rules for _, rules in refusals(paths, (*CHAIN, sent.der))} == (set() if ended else refused)


LAX_TOO = {"expired", "for other names", "no room below"}
"""What a Python up to 3.12 refuses."""
WORSE = {
    "expired": changed(CA, valid=ENDED),
    "for other names": changed(LONG, extra=((limited("example.com"), True),)),
    "no room below": changed(LONG, path_length=0),
    "without keyUsage": changed(LONG, usage=False),
}


@pytest.fixture
def hold(
    certboot: Run, paths: StorePaths, tmp_path: Path, clock: Callable[[datetime], None], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Make a store of these some days ago, and let it be the trust that is active."""

    def run(*issued: Issued) -> None:
        clock(BEFORE)
        stored(certboot, tmp_path, *issued)
        clock(NOW)
        monkeypatch.setenv("SSL_CERT_FILE", str(paths.current / "bundle.pem"))
        monkeypatch.setenv("SSL_CERT_DIR", str(paths.current / "crts"))

    return run


@cases("name", list(WORSE))
def test_the_doctor_names_the_twin_that_stands_in_the_way_and_the_command_that_mends_it(
    name: str, certboot: Run, paths: StorePaths, hold: Callable[..., None], send: Send, ask: Ask
) -> None:
    sent, held = (make("Company Root", OTHER, form, key=TOP.key) for form in (LONG, WORSE[name]))
    hold(held, OTHER)
    server, control = send(LEAF, MIDDLE, sent), send(LEAF, MIDDLE)
    assert ask("hook", control.shown).primary != "twin-in-trust"
    answer = ask("hook", server.shown)
    assert answer.ids == ["twin-in-trust"]
    finding = answer.first
    assert finding["status"] == ("fail" if STRICT_PYTHON or name in LAX_TOO else "warn")
    assert [link["fault"] for link in finding["evidence"]["path"]][2:3] == ["twin-in-trust"]
    ((program, *argv),) = finding["fix"]
    assert argv[0] == ("update" if name == "expired" else "repair")
    assert program == "certboot"
    yes = ("--yes",) if argv[0] == "repair" else ()
    assert certboot(*argv, *yes).status == 0
    assert refusals(paths, (*CHAIN, sent.der)) == {}
    assert ask("hook", server.shown).primary is None


@cases("listed", [False, True])
def test_no_server_is_helped_to_a_twin_that_is_revoked(
    certboot: Run, paths: StorePaths, tmp_path: Path, send: Send, ask: Ask, *, listed: bool
) -> None:
    held, sent = (make("Company Root", OTHER, form, key=TOP.key) for form in (WORSE["no room below"], LONG))
    revoked = report.revoked(sent if listed else make("Another", OTHER, LONG))
    reports = report.Reports((report.root(OTHER),), (report.intermediate(held),), (revoked,))
    folder = report.save(reports.bodies(), tmp_path / "reports")
    assert certboot("init", "--source", "ccadb", "--intermediates", "--from", folder).status == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(paths.current / "bundle.pem"))
        patch.setenv("SSL_CERT_DIR", str(paths.current / "crts"))
        server = send(LEAF, MIDDLE, sent)
        assert ask("hook", server.shown).primary == ("path-length-exceeded" if listed else "twin-in-trust")
        assert certboot("repair", "--yes", server.shown).status == int(listed)


def test_two_keys_under_one_name_are_told_apart_by_the_key_identifier_alone(
    certboot: Run, paths: StorePaths, tmp_path: Path
) -> None:
    """Without one OpenSSL takes the first, and a signature that does not verify for a lie."""
    for told, refused in ((True, 0), (False, 1)):
        roots = [make("Company Root", form=changed(LONG, ski=told)) for _ in range(2)]
        stored(certboot, tmp_path, *roots)
        leaves = [make("localhost", root, changed(Form(), aki=told)) for root in roots]
        codes = [refusals(paths, (leaf.der,)) for leaf in leaves]
        assert sum(("crts", "lax") in found for found in codes) == refused
        for root in roots:
            assert certboot("distrust", root.sha256).status == 0


# Every client that is at hand

JUDGED = """
import json, sys
from certboot.pki.verdict import STRICT_PYTHON, openssl_verdict, trusting_context, verifying
for path, chain in json.load(sys.stdin):
    context = verifying(trusting_context([path]), strict=STRICT_PYTHON, partial=STRICT_PYTHON)
    print(openssl_verdict(context, [bytes.fromhex(data) for data in chain], "localhost").code)
"""


class Held(typing.NamedTuple):
    """A store with both, and the worse alone as a control."""

    name: str
    paths: StorePaths
    worse: Path
    refused: frozenset[str]


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> list[Held]:
    """All of TWINS, the worse one's fingerprint the lower. Not to be changed."""
    from support.snapshot import few_sources

    from certboot import moment
    from certboot.cli import main

    folder, found = tmp_path_factory.mktemp("twins"), []
    with pytest.MonkeyPatch.context() as patch:
        few_sources(patch)
        patch.setattr(moment, "now", lambda: BEFORE)
        for number, (name, twins) in enumerate(TWINS.items()):
            worse, better = twins.made(first=True)
            paths = StorePaths(folder / str(number))
            patch.setenv("CERTBOOT_HOME", str(paths.home))
            both = saved(folder / f"{number}.pem", worse, better, *twins.roots)
            assert main.main(["init", "--add", str(both)]) == 0
            found.append(Held(name, paths, saved(folder / f"{number}-worse.pem", worse, *twins.roots), twins.refused))
    return found


@pytest.mark.slow
@cases("version", versions_here("3.10", "3.11", "3.12", *STRICT_VERSIONS))
def test_every_python_takes_the_better_one(version: str, held: list[Held]) -> None:
    chain = [data.hex() for data in CHAIN]
    asked = [
        (str(path), chain)
        for case in held
        for path in (case.paths.current / "crts", case.paths.current / "bundle.pem", case.worse)
    ]
    ran = subprocess.run(
        [find_python(version), "-c", JUDGED], input=json.dumps(asked), check=True, capture_output=True, text=True,
        env={"PATH": SYSTEM_PATH, "PYTHONPATH": str(ROOT / "src")},
    )  # fmt: skip
    codes = iter(map(int, ran.stdout.split()))
    rules = "strict" if version in STRICT_VERSIONS else "lax"
    assert {case.name: (next(codes), next(codes), next(codes) > 0) for case in held} == {
        case.name: (0, 0, rules in case.refused) for case in held
    }


CLIENTS = {
    "curl": (("curl", "-sS", "--cacert", "{file}", "{url}"), ""),
    "curl, the directory": (("curl", "-sS", "--capath", "{folder}", "{url}"), ""),
    "node": (("node", "-e", "require('https').get(process.argv[1], a => a.resume())", "{url}"), "NODE_EXTRA_CA_CERTS"),
    "git": (("git", "ls-remote", "{url}/ok.git"), "GIT_SSL_CAINFO"),
}
"""How each is called, and by which variable it is told what to trust."""


def _by_gnutls(program: str) -> bool:
    if program != "git":
        return False
    core = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
    needs = subprocess.run(["ldd", f"{core}/git-remote-https"], capture_output=True, text=True, check=True).stdout
    return "gnutls" in needs


@pytest.mark.slow
@cases("client", list(CLIENTS))
def test_every_other_client_takes_the_better_one(
    client: str, held: list[Held], serve: Callable[..., TlsServer], tmp_path: Path
) -> None:
    argv, variable = CLIENTS[client]
    if not shutil.which(argv[0], path=SYSTEM_PATH):
        pytest.skip(f"no {argv[0]} on this machine")
    server = serve(on_server(LEAF, MIDDLE))

    def refuses(file: Path, folder: Path) -> bool:
        command = [part.format(file=file, folder=folder, url=server.url) for part in argv]
        variables = {"PATH": SYSTEM_PATH, "HOME": str(tmp_path), **({variable: str(file)} if variable else {})}
        ran = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        # git finds no repository there, whatever it thinks of the certificates.
        return "certificate" in ran.stderr if client == "git" else ran.returncode != 0

    refused = [case.name for case in held if refuses(case.paths.current / "bundle.pem", case.paths.current / "crts")]
    alone = [case.name for case in held if refuses(case.worse, tmp_path)]
    assert len(alone) > 5
    # GnuTLS takes the last: what has ended it passes over, for what is limited it refuses.
    assert set(refused) == ({name for name in alone if "ended" not in name} if _by_gnutls(argv[0]) else set())
