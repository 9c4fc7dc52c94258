"""Every finding that the doctor can give is in the registry and has its story, and the registry has no others."""

from __future__ import annotations

import ast
import dataclasses
import re
import typing
from collections.abc import Iterable
from pathlib import Path

import pytest
from support.commands import Run
from support.table import cases

from certboot.doctor.environment import trust_files
from certboot.doctor.findings import EXPLANATIONS, Explanation, parse
from certboot.doctor.server.cause import possible_findings
from certboot.pki.verify_codes import Code
from certboot.sources import certifi, system

SRC = Path(__file__).parents[2] / "src" / "certboot"
ID = re.compile("[a-z]+(-[a-z0-9]+)+")
STATUSES = frozenset({"ok", "info", "warn", "fail", "skip", "error"})
# Of these modules every text that looks like an id is one.
OF_SERVERS = [
    SRC / f"{name}.py"
    for name in (
        "doctor/server/case", "doctor/server/cause", "doctor/server/dates", "doctor/server/diagnosis",
        "doctor/server/issuer", "doctor/server/no_handshake",
        "doctor/server/remarks", "doctor/server/remedies", "doctor/server/self_signed", "net/handshake",
        "net/starttls", "net/connection",
        "pki/names", "pki/path", "pki/verify", "pki/verify_codes",
    )
]  # fmt: skip
NO_FINDINGS = frozenset({"utf-8", "latin-1", "certboot-resolve"})


def texts(paths: Iterable[Path]) -> set[str]:
    """The texts in the source that look like an id."""
    nodes = (node for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    return {text for node in nodes if (text := text_of(node)) and ID.fullmatch(text)} - NO_FINDINGS


def text_of(node: ast.AST | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def given(path: Path) -> set[str]:
    """What a module gives as an id: the first argument of a call for a finding, or what stands before a status."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if name.lower().endswith("finding") and node.args:
                found.add(text_of(node.args[0]))
        elif isinstance(node, ast.Tuple) and len(node.elts) > 1 and text_of(node.elts[1]) in STATUSES:
            found.add(text_of(node.elts[0]))
    return {text for text in found if ID.fullmatch(text)}


def test_every_id_that_is_given_is_explained() -> None:
    produced = texts(OF_SERVERS).union(*(given(path) for path in (SRC / "doctor").rglob("*.py")))
    assert {"missing-intermediate", "check-not-finished"} <= produced
    assert produced - set(EXPLANATIONS) == set()


def test_every_id_of_a_server_that_is_explained_is_given() -> None:
    sources = (path for path in SRC.rglob("*.py") if "findings" not in path.parts)
    of_servers = {kind for kind, each in EXPLANATIONS.items() if each.group == "server" and "-" in kind}
    assert of_servers - texts(sources) == set()


# The groups without a host

GROUPS = ("environment", "hook", "store")
KINDS = (
    "variables?", "settings?", "verification", "proxy", "no-proxy", "conflict", "certifi", "clock", "hook", "guards?",
    "other-start", "store", "drift", "anchor", "intermediate",
)  # fmt: skip
OF_GROUPS = re.compile(rf"(?:{'|'.join(KINDS)})-[a-z0-9-]+")
PROBLEMS = typing.get_args(trust_files.Problem)


def literals() -> set[str]:
    """Return what stands in the sources of the groups and is an id, or looks like one."""
    found = set()
    for path in (path for group in GROUPS for path in (SRC / "doctor" / group).glob("*.py")):
        tree = ast.parse(path.read_text())
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in parts)
        found |= {node.value for node in constants if isinstance(node.value, str) and OF_GROUPS.fullmatch(node.value)}
    return found - {system.NAME, certifi.NAME}


def composed() -> set[str]:
    """Return the ids that are put together."""
    variables = {f"variable-{problem}" for problem in PROBLEMS}
    settings = {f"setting-{problem}" for problem in PROBLEMS if problem != "empty"}
    return {*variables, *settings, *(f"drift-{source.NAME}" for source in (certifi, system))}


def test_each_id_has_its_story_and_each_story_its_id() -> None:
    told = {kind for kind, each in EXPLANATIONS.items() if each.group in GROUPS}
    assert told == literals() | composed()


def test_the_stories_of_a_group_stand_together() -> None:
    groups = [each.group for each in EXPLANATIONS.values()]
    assert [group for n, group in enumerate(groups) if group in groups[:n] and groups[n - 1] != group] == []


def test_each_is_explained_with_what_it_means_and_who_can_mend_it(certboot: Run) -> None:
    for kind, explanation in EXPLANATIONS.items():
        assert explanation.title == explanation.title.strip("."), kind
        assert explanation.meaning.endswith((".", ".)")), kind
        assert explanation.who.startswith(("you", "whoever", "nobody")), kind
        for text in (explanation.meaning, explanation.why, explanation.how, explanation.operator):
            assert text.format(target="HOST") == text.replace("{target}", "HOST"), kind
        ran = certboot("explain", kind)
        assert (ran.status, ran.err) == (0, "")
        lines = ran.out.split("\n")
        assert lines[:2] == [f"{kind}: {explanation.title}", f"group {explanation.group}"]
        assert f"\nwho can mend it: {explanation.who}\n\n" in ran.out.replace("\n  ", " ", 1), kind
        told = dataclasses.asdict(explanation)
        fields = {"meaning": "what it means", "why": "why clients fail", "how": "how",
                  "operator": "for the server's operator"}  # fmt: skip
        assert [line for line in lines if line in fields.values()] == [h for f, h in fields.items() if told[f]], kind
        assert max(map(len, lines)) <= 100, kind


@cases(("text", "error"), [
    ("# g\n\n## no-title\n\nMeaning.\n", ValueError),
    ("# g\n\n## an-id: title\n", ValueError),
    ("# g\n\n## an-id: title\n\nMeaning.\n\nA second paragraph.\n", ValueError),
    ("# g\n\n## an-id: title\n\nMeaning.\n\n**Who mends it:** you\n", KeyError),
    ("# g\n\n## an-id: title\n\nMeaning.\n\n**How:** so\n", TypeError),
])  # fmt: skip
def test_a_story_that_is_not_of_the_form_is_refused(text: str, error: type[Exception]) -> None:
    whole = "# g\n\n## an-id: title: more\n\nMeaning\nhere.\n\n**Who can mend it:** you\n"
    assert dict(parse("store", whole)) == {"an-id": Explanation("store", "title: more", "Meaning here.", "you")}
    with pytest.raises(error):
        list(parse("store", text))


def test_commands_in_the_stories_exist() -> None:
    from certboot.cli.main import parser

    known = set(re.findall(r"^    ([a-z]+) ", parser().format_help(), re.MULTILINE))
    for explanation in EXPLANATIONS.values():
        for text in dataclasses.asdict(explanation).values():
            assert set(re.findall("`certboot ([a-z]+)", text)) <= known


def test_without_an_id_all_are_listed_and_an_unknown_one_is_refused_with_the_nearest(certboot: Run) -> None:
    ran = certboot("explain")
    assert (ran.status, set(re.findall(r"^  (\S+)", ran.out, re.MULTILINE))) == (0, set(EXPLANATIONS))
    for given, hint in (
        ("missing-intermediates", "certboot explain missing-intermediate"),
        ("Missing Intermediat", "certboot explain missing-intermediate"),
        ("expired", "certboot explain expired-leaf\n  certboot explain expired-intermediate\n"),
        ("???", "certboot explain lists them all\n"),
        ("", "certboot explain lists them all\n"),
    ):
        ran = certboot("explain", given)
        assert (ran.status, ran.out) == (2, "")
        assert ran.err.startswith(f"certboot: error: no finding of this id: {given!r}\n\nhint: {hint}")


NO_ISSUER = {"missing-intermediate", "untrusted-root", "wrong-chain", "openssl-too-old"}
PYTHON = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {} (_ssl.c:1006)"


@cases(("given", "code", "ids"), [
    ("20", 20, NO_ISSUER), ("unable to get local issuer certificate", 20, NO_ISSUER),
    (PYTHON.format("unable to get local issuer certificate"), 20, NO_ISSUER),
    ("Error: UNABLE_TO_VERIFY_LEAF_SIGNATURE", 21, NO_ISSUER), ("X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT", 2, NO_ISSUER),
    ("self signed certificate", 18, {"self-signed-leaf"}),
    (PYTHON.format("self-signed certificate in certificate chain"), 19, {"untrusted-root"}),
    ("certificate has expired", 10, {"expired-leaf", "expired-intermediate", "expired-root", "clock-skew"}),
    ("9", 9, {"not-yet-valid", "clock-skew"}), ("64", 64, {"ip-not-in-san"}), ("0", 0, {"handshake-ok"}),
    (PYTHON.format("Hostname mismatch, certificate is not valid for 'x.example'."), 62, {"hostname-mismatch"}),
    ("79", 79, {"not-a-ca", "strict-basic-constraints"}), ("85", 85, {"strict-missing-aki"}),
    ("23", 23, {"verification-failed"}),
])  # fmt: skip
def test_an_error_of_openssl_is_explained_by_what_may_be_behind_it(
    certboot: Run, given: str, code: int, ids: set[str]
) -> None:
    ran = certboot("explain", given)
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert re.match(rf"OpenSSL's {code}(: |$)", lines[0])
    assert {line.split(": ")[0] for line in lines if line.split(": ")[0] in EXPLANATIONS} == ids
    assert max(map(len, lines)) <= 100
    assert certboot("explain", *given.split()).out == ran.out
    if len(ids) == 1:
        assert ran.out.endswith(certboot("explain", *ids).out)
    else:
        _, commands = ran.out.split("\nhow to mend each:")
        assert set(commands.removeprefix("\n").split()) == {"certboot", "explain", *ids}


def test_every_code_is_explained_and_a_number_that_is_none_is_refused(certboot: Run) -> None:
    for number in range(120):
        assert set(possible_findings(number)) <= set(EXPLANATIONS)
    for code in Code:
        assert certboot("explain", str(int(code))).out.startswith(f"OpenSSL's {int(code)}: {code.words}\n")
    for given in ("120", "-0", "\u0662\u0660\u0660", "certificate verify failed"):
        ran = certboot("explain", "--", given)
        assert (ran.status, ran.out) == (2, "")
    both = certboot("explain", "timeout", "20").out
    assert both == f"{certboot('explain', 'timeout').out}\n{certboot('explain', '20').out}"
