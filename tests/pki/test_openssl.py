"""The verdict that is computed for a version of OpenSSL is the one that this version gives."""

from __future__ import annotations

import datetime
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest
from support.chains import chains
from support.environments import STRICT_VERSIONS, SYSTEM_PATH, find_python
from support.openssls import WHEELS, Question, judge, wheel

from certboot.errors import CertificateError
from certboot.pki.openssl import OURS, Version
from certboot.pki.parsed import parsed_certificate
from certboot.pki.verify import Rules, verify

NOTHING_SAID = -1
QUESTIONS = {
    (text, strict, partial): Question(*chain, strict, partial)
    for text, chain in chains().items()
    for strict in (False, True)
    for partial in (False, True)
}
UNREAD = {"leaf with a path length", *(text for text in chains() if text.startswith("version 2"))}
"""What cryptography cannot read, and so certboot says nothing of."""


def computed(question: Question, openssl: Version) -> int | None:
    at = datetime.datetime.now(datetime.timezone.utc)
    rules = Rules(at, question.host, strict=question.strict, partial=question.partial, openssl=openssl)
    try:
        sent, trusted = ([parsed_certificate(der) for der in ders] for ders in (question.sent, question.trusted))
    except CertificateError:
        return None
    return verify(sent, trusted, rules).code


def differing(openssl: Version, answers: Iterable[int]) -> dict[object, tuple[int | None, int]]:
    """Question -> what is computed and what is said, where that is not one and the same."""
    # TLS 1.2, in which the ssl module is asked, has no keys of ML-DSA for servers: nothing is said where they are read.
    every = zip(QUESTIONS, answers, strict=True)
    said = {key: code for key, code in every if not (code == NOTHING_SAID and key[0] == "ML-DSA key")}
    both = {key: (computed(question, openssl), said[key]) for key, question in QUESTIONS.items() if key in said}
    assert {key[0] for key, (code, _) in both.items() if code is None} <= UNREAD
    return {key: codes for key, codes in both.items() if codes[0] is not None and codes[0] != codes[1]}


def test_every_chain_is_judged_as_this_pythons_ssl_judges_it() -> None:
    judged = judge(sys.executable, QUESTIONS.values())
    assert judged.version == OURS
    assert differing(OURS, judged.answers) == {}
    assert len(set(judged.answers)) > 25, "the table holds chains that are refused for many reasons"


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.10", *STRICT_VERSIONS])
def test_every_chain_is_judged_as_another_pythons_ssl_judges_it(version: str) -> None:
    judged = judge(find_python(version), QUESTIONS.values())
    assert differing(judged.version, judged.answers) == {}


@pytest.mark.slow
@pytest.mark.parametrize("version", WHEELS)
def test_every_chain_is_judged_as_the_openssl_in_a_wheel_judges_it(version: str) -> None:
    judged = judge(wheel(version), QUESTIONS.values())
    assert judged.version[:2] == WHEELS[version]
    assert differing(judged.version, judged.answers) == {}


@pytest.mark.slow
def test_every_chain_is_judged_as_the_openssl_program_judges_it(tmp_path: Path) -> None:
    """Strict and partial, and neither."""
    asked = {key: question for key, question in QUESTIONS.items() if question.strict == question.partial}
    version = subprocess.run(
        ["openssl", "version"], env={"PATH": SYSTEM_PATH}, capture_output=True, text=True, check=True
    )
    numbers = version.stdout.split()[1].split(".")
    openssl = int(numbers[0]), int(numbers[1]), int(numbers[2])
    for key, question in asked.items():
        code = computed(question, openssl)
        assert code is None or code == program(tmp_path / str(abs(hash(key))), question), key


def program(folder: Path, question: Question) -> int:
    folder.mkdir()
    for text, ders in (("leaf", question.sent[:1]), ("sent", question.sent[1:]), ("trusted", question.trusted)):
        (folder / text).write_text("".join(map(ssl.DER_cert_to_PEM_cert, ders)))
    name_check = "-verify_ip" if question.host[0].isdigit() or ":" in question.host else "-verify_hostname"
    argv = [
        "openssl", "verify", "-no-CApath", "-no-CAstore", "-CAfile", "trusted", "-purpose", "sslserver",
        "-auth_level", "2", name_check, question.host, *(["-x509_strict", "-partial_chain"] if question.strict else []),
        *(["-untrusted", "sent"] if question.sent[1:] else []), "leaf",
    ]  # fmt: skip
    ran = subprocess.run(argv, cwd=folder, env={"PATH": SYSTEM_PATH}, capture_output=True, text=True, check=False)
    refusals = (line for line in ran.stderr.split("\n") if line.startswith("error "))
    shutil.rmtree(folder)
    return int(next(refusals).split()[1]) if ran.returncode else 0
