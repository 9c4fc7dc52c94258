"""What to ask of a CA whose certificate Python 3.13 refuses: OpenSSL is asked whether it would do."""

from __future__ import annotations

import subprocess
import typing

from support.environments import SYSTEM_PATH
from support.pki import CA, LEAF, Form, changed, make
from support.table import cases

from certboot.doctor.findings import EXPLANATIONS
from certboot.pki import rules
from certboot.pki.certificate import load_certificate

if typing.TYPE_CHECKING:
    from pathlib import Path

ROOT = make("Root", form=CA)


REISSUED = [
    (changed(CA, ski=False), "strict-missing-ski", "subjectKeyIdentifier=hash"),
    (changed(CA, aki=False), "strict-missing-aki", "authorityKeyIdentifier=keyid:always"),
    (changed(CA, critical=False), "strict-basic-constraints", "basicConstraints=critical,CA:TRUE"),
    (changed(CA, critical=False, path_length=2), "strict-basic-constraints",
     "basicConstraints=critical,CA:TRUE,pathlen:2"),
    (changed(CA, usage=False), "strict-key-usage", "keyUsage=critical,keyCertSign,cRLSign"),
    (changed(CA, usage=False, path_length=0), "strict-path-length", "keyUsage=critical,keyCertSign,cRLSign"),
    (changed(CA, usage=False, ski=False, aki=False, critical=False), "strict-missing-ski",
     "subjectKeyIdentifier=hash"),
    (changed(LEAF, aki=False), "strict-missing-aki", "authorityKeyIdentifier=keyid:always"),
    (changed(LEAF, can_sign=True), "strict-key-usage", "keyUsage=critical,digitalSignature"),
    (CA, "strict-names", ""),
    (LEAF, "strict-version", ""),
]  # fmt: skip


@cases(("form", "defect", "expected"), REISSUED)
def test_the_extension_that_mends_it(form: Form, defect: str, expected: str) -> None:
    found = load_certificate(make("Middle", ROOT, form).der)
    assert rules.reissue_extension(found, defect) == expected
    same = "same key and name" if form.ca else "same names"
    words = f"its issuer can issue it anew with the {same}, and {expected}" if expected else ""
    assert rules.reissue_request(found, [defect, defect]) == words


@cases("form", [form for form, _, extension in REISSUED if form.ca and extension])
def test_openssl_issues_it_anew_with_them_and_nothing_is_refused_any_more(form: Form, tmp_path: Path) -> None:
    """The oracle: ``openssl x509`` with the extensions as they are told, and ``openssl verify -x509_strict``."""
    before = make("Middle", ROOT, form)
    leaf = make("localhost", before, LEAF)
    certificate = load_certificate(before.der)
    assert certificate.defects
    told = [rules.reissue_extension(certificate, defect) for defect in certificate.defects]
    usual = ("subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid", "basicConstraints=critical,CA:TRUE",
             "keyUsage=critical,keyCertSign")  # fmt: skip
    names = {line.partition("=")[0] for line in told}
    lines = [*told, *(line for line in usual if line.partition("=")[0] not in names)]
    files = {
        "extensions": "\n".join(lines).encode(), "before": before.pem, "leaf": leaf.pem, "root": ROOT.pem,
        "root.key": ROOT.key_pem, "key": before.key_pem,
    }  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)

    def openssl(*arguments: str) -> int:
        done = subprocess.run(
            ["openssl", *arguments], cwd=tmp_path, env={"PATH": SYSTEM_PATH}, capture_output=True, check=False
        )
        return done.returncode

    assert openssl("x509", "-x509toreq", "-in", "before", "-signkey", "key", "-out", "request") == 0
    sign = ("-CA", "root", "-CAkey", "root.key", "-days", "30", "-extfile", "extensions", "-out", "after")
    assert openssl("x509", "-req", "-in", "request", *sign) == 0
    strict = ("verify", "-x509_strict", "-CAfile", "root", "-untrusted")
    assert openssl(*strict, "before", "leaf") != 0
    assert openssl(*strict, "after", "leaf") == 0


def test_every_strict_finding_is_one_that_an_extension_mends_or_one_that_has_its_own_words() -> None:
    certificate = load_certificate(ROOT.der)
    strict = {name for name in EXPLANATIONS if name.startswith("strict-")}
    without = {name for name in strict if not rules.reissue_extension(certificate, name)}
    assert without == {"strict-names", "strict-version"}
    assert all(EXPLANATIONS[name].operator for name in without)
