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


SKI, AKI, USAGE = (
    "subjectKeyIdentifier=hash",
    "authorityKeyIdentifier=keyid:always",
    "keyUsage=critical,keyCertSign,cRLSign",
)
BASIC = "basicConstraints=critical,CA:TRUE"


@cases(
    ("form", "defects", "expected"),
    [
        (changed(CA, ski=False), ["strict-missing-ski"], [SKI, AKI, BASIC, USAGE]),
        (changed(CA, usage=False, path_length=2), ["strict-key-usage"], [SKI, AKI, f"{BASIC},pathlen:2", USAGE]),
        (changed(LEAF, aki=False), ["strict-missing-aki"] * 2, [AKI]),
        (changed(LEAF, aki=False, can_sign=True), ["strict-missing-aki", "strict-key-usage"],
         [AKI, "keyUsage=critical,digitalSignature"]),
        (CA, ["strict-names"], []),
        (LEAF, ["strict-version"], []),
    ],
)  # fmt: skip
def test_the_extensions_that_mend_it(form: Form, defects: list[str], expected: list[str]) -> None:
    found = load_certificate(make("Middle", ROOT, form).der)
    same = "same key and name" if form.ca else "same names"
    words = f"its issuer can issue it anew with the {same}, and {' '.join(expected)}" if expected else ""
    assert rules.reissue_request(found, defects) == words


@cases(
    "form",
    [
        changed(CA, ski=False),
        changed(CA, aki=False),
        changed(CA, critical=False),
        changed(CA, critical=False, path_length=2),
        changed(CA, usage=False),
        changed(CA, usage=False, path_length=0),
        changed(CA, usage=False, ski=False, aki=False, critical=False),
    ],
)
@cases("is_root", [False, True])
def test_openssl_issues_it_anew_with_them_and_nothing_is_refused_any_more(
    form: Form, tmp_path: Path, *, is_root: bool
) -> None:
    """The oracle: ``openssl x509`` with the extensions that are told and no others, and ``openssl verify``."""
    before = make("Corp CA", None if is_root else ROOT, form)
    leaf = make("localhost", before, LEAF)
    certificate = load_certificate(before.der)
    told = rules.reissue_request(certificate, certificate.defects).partition(", and ")[2].split()
    files = {
        "extensions": "\n".join(told).encode(), "before": before.pem, "leaf": leaf.pem, "root": ROOT.pem,
        "root.key": ROOT.key_pem, "key": before.key_pem,
    }  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)

    def openssl(*arguments: str) -> int:
        done = subprocess.run(
            ["openssl", *arguments], cwd=tmp_path, env={"PATH": SYSTEM_PATH}, capture_output=True, check=False
        )
        return done.returncode

    def is_accepted(ca: str) -> bool:
        trust = ("-CAfile", ca) if is_root else ("-CAfile", "root", "-untrusted", ca)
        return openssl("verify", "-x509_strict", *trust, "leaf") == 0

    assert openssl("x509", "-x509toreq", "-in", "before", "-signkey", "key", "-out", "request") == 0
    sign = ("-signkey", "key") if is_root else ("-CA", "root", "-CAkey", "root.key")
    assert (
        openssl("x509", "-req", "-in", "request", *sign, "-days", "30", "-extfile", "extensions", "-out", "after") == 0
    )
    assert (is_accepted("before"), is_accepted("after")) == (not told, bool(told))


def test_every_strict_finding_is_one_that_an_extension_mends_or_one_that_has_its_own_words() -> None:
    certificate = load_certificate(ROOT.der)
    strict = {name for name in EXPLANATIONS if name.startswith("strict-")}
    without = {name for name in strict if not rules.reissue_extensions(certificate, [name])}
    assert without == {"strict-names", "strict-version"}
    assert all(EXPLANATIONS[name].operator for name in without)
