from __future__ import annotations

import warnings

from cryptography import x509
from cryptography.x509.oid import NameOID
from support.pki import issue
from support.table import cases

from certboot.cli import repair
from certboot.net.connection import Target
from certboot.net.handshake import Handshake
from certboot.pki.certificate import Certificate, load_certificate
from certboot.repair.completion import Completion, Refusal
from certboot.repair.examine import Examined
from certboot.sources.aia import Failure
from certboot.sources.candidates import Offer

LEAF, CA, ROOT = (load_certificate(issue(name).der) for name in ("www.example", "CA\x1b", "Root"))
TARGET = Target("www.example")
MARK = "\N{REPLACEMENT CHARACTER}"
PATH = (Offer(LEAF, "the server"), Offer(CA, "http://ca.example/\x1b"))


def named(certificate: Certificate) -> str:
    return f"{certificate.name} ({certificate.fingerprint[:16]})"


def test_what_is_to_be_stored_is_shown_with_its_reason() -> None:
    found = Examined(TARGET, completion=Completion(PATH, ROOT, ()), missing=PATH[1:], through_proxy=True)
    digits = CA.fingerprint.upper()
    assert repair.findings_text([found]).split("\n") == [
        f"www.example:443: to be stored, because the server does not send it: CA{MARK}",
        f"  {CA.subject}",
        f"    SHA-256  {':'.join(digits[at : at + 2] for at in range(0, 64, 2))}",
        f"    valid    {CA.validity.not_before:%Y-%m-%d} to {CA.validity.not_after:%Y-%m-%d}",
        f"    from     http://ca.example/{MARK}",
        "    because  it signed www.example",
        f"  anchor   {named(ROOT)}, in the store",
        "  proxy    it resolved the names of these addresses: where they lead could not be checked",
    ]


def test_what_python_3_13_refuses_in_it_is_told() -> None:
    lax = load_certificate(issue("Lax", extensions=()).der)
    path = (PATH[0], Offer(lax, "the store"))
    text = repair.findings_text([Examined(TARGET, completion=Completion(path, ROOT, ()), missing=path[1:])])
    assert "    defect   strict-missing-ski: Python 3.13 and newer refuse it" in text.split("\n")


def test_what_the_store_has_already_is_named() -> None:
    found = Examined(TARGET, completion=Completion(PATH, ROOT, ()), in_store=PATH[1:])
    assert repair.findings_text([found]).split("\n")[:2] == [
        "www.example:443: nothing is to be stored",
        f"  stored   {named(CA)}, which the server does not send either",
    ]


def test_every_reason_is_told_on_lines_of_its_own() -> None:
    refusal = Refusal("self-signed", "it vouches\nfor itself", ROOT, "http://ca.example/")
    failures = (
        Failure("timeout", "late", "CA\x1b", "http://ca.example/2"),
        Failure("no-addresses", "it names none", "www.example"),
    )
    found = Examined(
        TARGET, completion=Completion(PATH[:1], None, (refusal,)), failures=failures, through_proxy=True
    )  # fmt: skip
    expected = [
        "www.example:443: cannot be repaired: no way from www.example to an anchor of the store",
        f"  refused  self-signed: {named(ROOT)} from http://ca.example/",
        f"           it vouches{MARK}for itself",
        f"  missing  timeout: the issuer of CA{MARK} at http://ca.example/2",
        "           late",
        "  missing  no-addresses: the issuer of www.example",
        "           it names none",
        "  proxy    it resolved the names of these addresses: where they lead could not be checked",
        "  next     certboot doctor www.example:443 tells what its operator has to change",
    ]
    assert repair.findings_text([found]).split("\n") == repair.reasons_text(found).split("\n") == expected


@cases(
    ("rule", "reason", "option"),
    [
        ("address-refused", "ca.example is 10.0.0.1, an address of a private network", "--allow-private"),
        ("address-refused", "ca.example is 127.0.0.1, an address of this computer itself", ""),
        ("address-refused", "169.254.169.254, an address that no CA's web server has", ""),
        ("unsupported-scheme", "only http:// is fetched: https://ca.example/", "--allow-https"),
        ("unsupported-scheme", "only http:// is fetched: ldap://ca.example/", ""),
        ("timeout", "an address of a private network", ""),
    ],
)
def test_the_option_that_would_fetch_it_is_named_where_that_can_be_right(rule: str, reason: str, option: str) -> None:
    failures = (Failure(rule, reason, "www.example", "http://ca.example/"),)
    text = repair.reasons_text(Examined(TARGET, completion=Completion(PATH[:1], None, ()), failures=failures))
    assert text.split("\n")[-1].startswith(f"  or       {option}" if option else "  next     certboot doctor")


def test_a_server_without_a_chain_has_one_line() -> None:
    found = Examined(TARGET, "no answer\x1b")
    assert repair.findings_text([found]) == f"www.example:443: cannot be repaired: no answer{MARK}"


def test_the_verdict_is_openssl_s_own() -> None:
    found = Examined(TARGET)
    good, bad = Handshake("ok", verify_code=0, verify_message="ok"), Handshake("timeout", "no answer")
    assert repair.outcome_text(found, good) == "www.example:443: Verify return code: 0 (ok)"
    hint = "\n  next     certboot doctor www.example:443 says why"
    assert repair.outcome_text(found, bad) == "www.example:443: no handshake: no answer" + hint
    assert repair.outcome_text(found, Handshake("failed")) == "www.example:443: no handshake: failed" + hint
    wrong = Handshake("unverified", verify_code=62, verify_message="hostname mismatch")
    assert repair.outcome_text(found, wrong) == "www.example:443: Verify return code: 62 (hostname mismatch)" + hint


def test_what_a_file_holds_is_told() -> None:
    assert repair.written_text((LEAF, CA), ROOT) == f"www.example, CA{MARK}; not in it: Root, which clients have"


def test_of_many_reasons_some_are_told_and_of_each_rule_at_least_one() -> None:
    refusals = (*(Refusal("self-signed", "x", ROOT, "the server"),) * 200, Refusal("expired", "y", ROOT, "the server"))
    failures = tuple(Failure("timeout", f"{number}", "CA", "http://ca.example/") for number in range(11))
    found = Examined(TARGET, completion=Completion(PATH[:1], None, refusals), failures=failures)
    lines = repair.reasons_text(found).split("\n")
    assert [line.split(":")[0] for line in lines if line.startswith("  refused")] == [
        *["  refused  self-signed"] * 9, "  refused  expired", "  refused  and 191 more",
    ]  # fmt: skip
    assert [line for line in lines if line.startswith("           ")][10:] == [f"           {n}" for n in range(10)]
    assert "  missing  and 1 more" in lines


def test_what_a_stranger_makes_as_long_as_he_likes_is_cut() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cryptography, which is asked for such a name here
        long = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x" * 30_000, _validate=False)])
        made = issue(long)
    certificate = load_certificate(made.der)
    url = f"http://ca.example/{'y' * 30_000}"
    refusal = Refusal("self-signed", "x" * 30_000, certificate, url)
    failure = Failure("status", url, certificate.name, url)
    path = (Offer(certificate, "the server"), Offer(certificate, url))
    for found in (
        Examined(TARGET, completion=Completion(path[:1], None, (refusal,)), failures=(failure,)),
        Examined(TARGET, completion=Completion(path, certificate, ()), missing=path[1:]),
    ):
        text = repair.findings_text([found])
        assert max(len(line) for line in text.split("\n")) < 700
        assert "\N{HORIZONTAL ELLIPSIS} (30,0" in text
