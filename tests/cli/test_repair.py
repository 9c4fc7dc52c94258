"""``certboot repair`` and ``certboot chain`` against servers on loopback that do not send what they should."""

from __future__ import annotations

import errno
import io
import os
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from support import report
from support.commands import Run, saved
from support.issuers import ChainServer, accepted, as_pkcs7, intermediate, leaf, openssl_path, repaired_in, respelled
from support.pki import DAY, NOW, Issued, issue
from support.server import PlainServer, moved, page
from support.snapshot import assert_refused, snapshot
from support.table import cases
from support.terminal import answers, told

from certboot.cli import chain, repair
from certboot.cli.summary import PROXY
from certboot.net.handshake import Handshake
from certboot.net.target import Target
from certboot.pki import pem
from certboot.pki.certificate import Certificate, file_name, load_certificate
from certboot.repair.completion import Completion, Refusal
from certboot.repair.examine import Examined
from certboot.sources import repaired
from certboot.sources.aia import Failure
from certboot.sources.candidates import Offer
from certboot.store.paths import StorePaths

Send = Callable[..., ChainServer]
GOOD = "Verify return code: 0 (ok)"

# What is said

LEAF, CA, ROOT = (load_certificate(issue(name).der) for name in ("www.example", "CA\x1b", "Root"))
LAX = load_certificate(issue("Lax", extensions=()).der)
TARGET = Target("www.example")
MARK = "\N{REPLACEMENT CHARACTER}"
PATH = (Offer(LEAF, "the server"), Offer(CA, "http://ca.example/\x1b"))
NONE = Completion(PATH[:1], None, ())


def named(certificate: Certificate) -> str:
    return f"{certificate.name} ({certificate.fingerprint[:16]})"


def test_what_was_found_is_shown_with_what_was_checked_and_the_chain() -> None:
    complete = Completion(PATH, ROOT, ())
    lax = (PATH[0], Offer(LAX, "the store"))
    examined = (
        Examined(TARGET, completion=complete, missing=PATH[1:], through_proxy=True),
        Examined(TARGET, completion=complete, in_store=PATH[1:]),
        Examined(TARGET, "no answer\x1b"),
        Examined(TARGET, completion=Completion(lax, ROOT, ()), missing=lax[1:]),
    )
    lines = told(repair.findings(examined, alone=False))
    assert lines[:19] == [
        "✗ www.example:443  missing-intermediate",
        f"  the server does not send CA{MARK}",
        f"  CN=CA{MARK}",
        f"  SHA-256   {CA.fingerprint}",
        f"  valid     {CA.validity.not_before:%Y-%m-%d} to {CA.validity.not_after:%Y-%m-%d}",
        f"  from      http://ca.example/{MARK}",
        "  checked   signatures, dates and limits, from the server up to what is trusted",
        "",
        "  sent      CN=www.example",
        f"  found     CN=CA{MARK}",
        "  trusted   CN=Root",
        "",
        PROXY,
        "✓ www.example:443  repaired already",
        f"  trusted   {named(CA)}, which is not sent",
        "✗ www.example:443  cannot be repaired",
        f"  no answer{MARK}",
        "hint: certboot doctor www.example:443",
        "✗ www.example:443  missing-intermediate",
    ]
    assert "  defect    strict-missing-ski: Python 3.13 and newer refuse it" in lines
    words = f"c.pem: www.example, CA{MARK}; not in it: Root, which clients have"
    assert told([chain.written_line("c.pem", (LEAF, CA), ROOT)]) == [words]
    twin = Examined(TARGET, completion=complete, missing=(Offer(CA, "the server"),))
    assert told(repair.findings([twin]))[:2] == [
        "✗ www.example:443  twin-in-trust",
        "  the store has another certificate of this CA: clients prefer it, and refuse it",
    ]
    assert told(repair.findings(examined[1:2]))[2:] == [
        "", "  sent      CN=www.example", f"  trusted   CN=CA{MARK}", "  trusted   CN=Root", "",
    ]  # fmt: skip


def test_every_reason_is_told_on_a_line_of_its_own_with_its_rule() -> None:
    refusal = Refusal("self-signed", "it vouches\nfor itself", ROOT, "http://ca.example/")
    failures = (
        Failure("timeout", "late", "CA\x1b", "http://ca.example/2"),
        Failure("no-addresses", "it names none", "www.example"),
    )
    refused = Completion(PATH[:1], None, (refusal,))
    examined = Examined(Target("www.example", starttls="smtp"), completion=refused, failures=failures)
    assert told(repair.findings([examined])) == told(repair.reasons(examined)) == [
        "✗ www.example:443  cannot be repaired",
        f"  its chain ends at a root that the store does not have: {named(ROOT)}",
        f"  refused   {named(ROOT)} from http://ca.example/: it vouches{MARK}for itself (self-signed)",
        f"  missing   the issuer of CA{MARK} at http://ca.example/2: late (timeout)",
        "  missing   the issuer of www.example: it names none (no-addresses)",
        "  only if you know whose it is, trust it; the command shows it, and asks",
        "fix here: certboot trust www.example:443 --starttls smtp",
    ]  # fmt: skip


@cases(
    ("refusals", "failures", "cause", "advice"),
    [
        ([], [("no-addresses", "")], "they do not say where the rest is", "send the full chain"),
        ([], [("status", "http://ca.example/")], "the rest could not be fetched", "certboot trust FILE"),
        ([("expired", CA)], [], "nothing that was found can be the issuer of www.example", "send the full chain"),
        ([("self-signed", LEAF)], [], "its certificate vouches for itself", "hint: certboot doctor www.example:443"),
    ],
)
def test_whose_fault_it_is_stands_in_the_second_line(
    refusals: list[tuple[str, Certificate]], failures: list[tuple[str, str]], cause: str, advice: str
) -> None:
    found = Completion(PATH[:1], None, tuple(Refusal(rule, "x", refused, "there") for rule, refused in refusals))
    failed = tuple(Failure(rule, "y", "www.example", address) for rule, address in failures)
    lines = told(repair.reasons(Examined(TARGET, completion=found, failures=failed)))
    assert (cause in lines[1], any(advice in line for line in lines[2:])) == (True, True), lines


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
    lines = told(repair.reasons(Examined(TARGET, completion=NONE, failures=failures)))
    commands = [line.partition(": certboot repair ")[2] for line in lines if ": certboot repair " in line]
    assert commands == ([f"www.example:443 {option}"] if option else [])


@cases(
    ("handshake", "words"),
    [
        (Handshake("ok", verify_code=0, verify_message="ok"), GOOD),
        (Handshake("timeout", "no answer"), "no handshake: no answer"),
        (Handshake("failed"), "no handshake: failed"),
        (
            Handshake("x", verify_code=62, verify_message="hostname mismatch"),
            "Verify return code: 62 (hostname mismatch)",
        ),
    ],
)
def test_the_verdict_is_openssl_s_own(handshake: Handshake, words: str) -> None:
    mark, hint = ("✓", []) if handshake.outcome == "ok" else ("✗", ["hint: certboot doctor www.example:443"])
    assert told(repair.outcome_lines(Examined(TARGET), handshake)) == [f"{mark} www.example:443  {words}", *hint]


def test_of_many_reasons_some_are_told_and_of_each_rule_at_least_one() -> None:
    refusals = (*(Refusal("self-signed", "x", ROOT, "the server"),) * 200, Refusal("expired", "y", ROOT, "the server"))
    failures = tuple(Failure("timeout", f"{number}", "CA", "http://ca.example/") for number in range(11))
    examined = Examined(TARGET, completion=Completion(PATH[:1], None, refusals), failures=failures)
    for verbose, most in ((False, 3), (True, 10)):
        lines = told(repair.reasons(examined, verbose=verbose))
        refused, missing = (
            [line for line in lines if line.startswith(f"  {word} ")] for word in ("refused", "missing")
        )
        assert [line.rpartition(" (")[2] for line in refused[:most]] == ["self-signed)"] * (most - 1) + ["expired)"]
        assert [line.rpartition(": ")[2] for line in missing[:most]] == [f"{n} (timeout)" for n in range(most)]
        way = "" if verbose else ": certboot repair www.example:443 -v"
        left = [f"  refused   and {201 - most} more{way}", f"  missing   and {11 - most} more{way}"]
        assert [refused[most], missing[most]] == left


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
    for examined in (
        Examined(TARGET, completion=Completion(path[:1], None, (refusal,)), failures=(failure,)),
        Examined(TARGET, completion=Completion(path, certificate, ()), missing=path[1:]),
    ):
        text = "\n".join(told(repair.findings([examined])))
        assert max(len(line) for line in text.split("\n")) < 700
        assert "\N{HORIZONTAL ELLIPSIS} (30,0" in text


# What is done


def test_what_the_server_forgot_is_stored_for_every_client(
    certboot: Run, paths: StorePaths, forgetful: ChainServer, place: PlainServer
) -> None:
    assert accepted(paths, forgetful) == [False, False]
    untouched = snapshot(paths.home)
    assert_refused(certboot("repair", forgetful.shown))  # nobody can be asked
    ran = certboot("repair", "--dry-run", forgetful.shown)
    assert (ran.status, ran.out.splitlines()[-1]) == (0, "a dry run: nothing was changed")
    assert snapshot(paths.home) == untouched
    place.requests.clear()
    ran = certboot("repair", "--yes", forgetful.shown)
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[:2] == [f"✗ {forgetful.shown}  missing-intermediate", "  the server does not send Example CA"]
    assert lines[5] == f"  from      {place.url}/ca"
    assert lines[-5].endswith("4 CAs and 1 intermediate in generation 2 (1 new, 0 gone)")
    assert lines[-4] == f"✓ {forgetful.shown}  {GOOD}"
    assert lines[-2].startswith("  undo      certboot distrust ")
    assert lines[-1].endswith(f": certboot chain {forgetful.shown}")
    assert accepted(paths, forgetful) == [True, True]
    assert repaired_in(paths) == {"Example CA": "intermediate"}
    assert certboot("doctor", "store").status == 0
    before = snapshot(paths.home)
    ran = certboot("repair", forgetful.shown)  # done again it finds nothing to do and asks nobody
    assert ran.status == 0
    assert ran.out.splitlines()[0] == f"✓ {forgetful.shown}  repaired already"
    assert (snapshot(paths.home), place.asked) == (before, ["/ca"])
    assert certboot(*lines[-2].split()[2:]).status == 0
    assert repaired_in(paths) == {}


@cases("by", ["address", "report"])
def test_an_issuer_whose_name_is_another_kind_of_string_serves_as_well(
    certboot: Run, paths: StorePaths, root: Issued, place: PlainServer, send: Send, by: str
) -> None:
    ca, other = respelled(root)
    if by == "address":
        place.pages["/ca"] = page(other.der)
        server = send(leaf(ca, f"{place.url}/ca"))
    else:
        gone = (report.revoked(issue("Somebody else's")),)
        report.save(report.Reports((report.root(root),), (report.intermediate(other),), gone).bodies(), paths.cache)
        server = send(leaf(ca))
    ran = certboot("repair", "--yes", server.shown)
    assert (ran.status, ran.err, ran.out.splitlines()[-4]) == (0, "", f"✓ {server.shown}  {GOOD}")
    assert accepted(paths, server) == [True, True]
    assert f"✓ {server.shown}  repaired already\n" in certboot("repair", server.shown).out
    assert certboot("update").status == 0
    assert accepted(paths, server) == [True, True]


@cases("answer", ["yes\n", "no\n", ""])
def test_it_asks_first(
    certboot: Run, paths: StorePaths, forgetful: ChainServer, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    before = snapshot(paths.home)
    answers(monkeypatch, answer)
    ran = certboot("repair", forgetful.shown)
    agreed = answer == "yes\n"
    assert "store this intermediate? [y/N] " in ran.out
    assert ran.status == int(not agreed)
    assert repaired_in(paths) == ({"Example CA": "intermediate"} if agreed else {})
    assert ran.out.endswith("nothing was changed\n") == (snapshot(paths.home) == before) == (not agreed)


def test_a_verdict_that_is_not_good_is_told_in_openssl_s_words(certboot: Run, forgetful: ChainServer) -> None:
    """The chain is complete now; that the certificate is for another host is another matter."""
    ran = certboot("repair", "--yes", "--servername", "other.example", forgetful.shown)
    assert ran.status == 1
    code, hint = ran.out.splitlines()[-5:-3]
    assert code.startswith(f"✗ {forgetful.shown}  Verify return code: 62 (")
    assert hint == f"hint: certboot doctor {forgetful.shown} --servername other.example"
    for argv in (
        ["localhost", "--connect", f"127.0.0.1:{forgetful.port}"],
        [f"elsewhere.invalid:{forgetful.port}", "--connect", "127.0.0.1", "--servername", "localhost"],
        [f"https://localhost:{forgetful.port}/path", "--timeout", "5"],
    ):
        ran = certboot("repair", "--yes", *argv)
        assert (ran.status, ran.out.splitlines()[-1][-len(GOOD) :]) == (0, GOOD)


def test_a_root_that_the_user_distrusts_is_no_matter_of_the_server_s_operator(
    certboot: Run, root: Issued, send: Send
) -> None:
    ca = intermediate("Example CA", root)
    server = send(leaf(ca), ca)
    assert "no intermediate is missing" in certboot("repair", server.shown).out
    certboot("distrust", "Example Root")
    ran = certboot("repair", server.shown)
    assert ran.status == 1
    lines = ran.out.splitlines()
    assert lines[1].endswith(", as distrusted, the CA that issued what it sends: CN=Example Root")
    assert [line[:46] for line in lines if line.startswith("  missing")] == [
        "  missing   the issuer of Example CA: its cert"  # that of the leaf is sent
    ]
    assert lines[-1] == f"hint: certboot doctor {server.shown}"
    assert "certboot distrust" in certboot("doctor", server.shown).out


# Each way in which an issuer may lie somewhere ends in a chain that OpenSSL accepts too


def repaired_by(certboot: Run, paths: StorePaths, server: ChainServer) -> list[str]:
    ran = certboot("repair", "--yes", server.shown)
    assert (ran.status, f"✓ {server.shown}  {GOOD}" in ran.out.splitlines()) == (0, True)
    assert accepted(paths, server) == [True, True]
    return sorted(repaired_in(paths))


def test_an_issuer_is_taken_in_another_form_after_a_redirect_and_from_the_third_address(
    certboot: Run, paths: StorePaths, root: Issued, place: PlainServer, send: Send
) -> None:
    ca = intermediate("Example CA", root)
    place.pages["/moved"] = page(as_pkcs7(ca, encoding=Encoding.PEM))
    place.pages["/ca"] = moved(f"{place.url}/moved")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = listener.getsockname()[1]
    server = send(leaf(ca, f"http://127.0.0.1:{dead}/ca", f"{place.url}/none", f"{place.url}/ca"))
    assert repaired_by(certboot, paths, server) == ["Example CA"]


def test_what_is_missing_below_what_the_server_sends_is_stored_with_what_it_hangs_from(
    certboot: Run, paths: StorePaths, root: Issued, place: PlainServer, send: Send
) -> None:
    upper = intermediate("Upper", root)
    lower = intermediate("Lower", upper, f"{place.url}/upper")
    place.pages |= {"/upper": page(upper.der), "/lower": page(lower.der)}
    server = send(leaf(lower, f"{place.url}/lower"), upper)
    assert repaired_by(certboot, paths, server) == ["Lower", "Upper"]
    assert place.asked == ["/lower"]


# Several servers


@pytest.fixture
def servers(root: Issued, place: PlainServer, send: Send) -> list[ChainServer]:
    """Two under one CA that they do not send, and one that nobody can help."""
    ca = intermediate("Example CA", root)
    place.pages["/ca"] = page(ca.der)
    good = [send(leaf(ca, f"{place.url}/ca")) for _ in range(2)]
    return [*good, send(leaf(intermediate("Gone", root), f"{place.url}/none"))]


def test_each_is_examined_and_all_is_stored_at_once(
    certboot: Run, paths: StorePaths, servers: list[ChainServer], place: PlainServer
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        dead = f"localhost:{listener.getsockname()[1]}"
    ran = certboot("repair", "--yes", dead, "no-such-host.invalid", *(server.shown for server in servers))
    assert ran.status == 1
    good = [server.shown for server in servers[:2]]
    lines = ran.out.splitlines()
    assert [line for line in lines if GOOD in line] == [f"✓ {host}  {GOOD}" for host in good]
    assert f"✗ {servers[2].shown}  cannot be repaired" in lines
    assert "  missing   the issuer of localhost at " in ran.out
    assert lines[:2] == [f"✗ {dead}  cannot be repaired", "  nothing listens there"]
    assert place.asked == ["/ca", "/none"]
    (file,) = paths.repaired.iterdir()
    assert [need.host for need in repaired.needs(file.read_bytes())] == good
    assert len(list(paths.generations.iterdir())) == 2
    assert accepted(paths, servers[1]) == [True, True]
    history = certboot("history").out.splitlines()[-1]
    assert f"repair {dead}, no-such-host.invalid:443, {servers[0].shown} and 2 more" in history


@pytest.mark.usefixtures("root")
def test_wrong_usage_is_refused(certboot: Run, tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xff\n")
    for argv in (
        [],
        ["--file", tmp_path / "none"],
        ["--file", tmp_path / "latin"],
        ["--file", "/dev/null"],
        ["--connect", "a", "one", "two"],
        ["--servername", "a", "one", "two"],
        ["a b"],
    ):
        assert_refused(certboot("repair", *argv))


# An intermediate of the store has expired, and the server sends the CA's next certificate


@pytest.fixture
def renewed(certboot: Run, paths: StorePaths, root: Issued, send: Send, monkeypatch: pytest.MonkeyPatch) -> ChainServer:
    new = intermediate("Example CA", root)
    old = load_certificate(intermediate("Example CA", root, key=new.key, valid=(NOW - 9 * DAY, NOW - DAY)).der)
    need = repaired.Need("elsewhere:443", "2026-11-25", "http://ca.example/", "Example Root")
    paths.repaired.mkdir()
    (paths.repaired / file_name(old)).write_bytes(repaired.render_repair(repaired.Repair(old, (need,))))
    with monkeypatch.context() as patch:
        patch.setattr("certboot.store.policy.broken_rule", lambda *_: None)
        certboot("update")
    paths.checked.unlink()  # the run of that day would not be repeated before the certificate's last day
    assert repaired_in(paths) == {"Example CA": "intermediate"}
    return send(leaf(new), new)


def test_the_command_that_takes_an_expired_one_out_is_named_and_does(
    certboot: Run, paths: StorePaths, renewed: ChainServer
) -> None:
    assert accepted(paths, renewed) == [False, False]
    ran = certboot("repair", renewed.shown)
    lines = ran.out.splitlines()
    assert (ran.status, lines[0]) == (1, f"! {renewed.shown}  an intermediate of the store has expired")
    assert lines[1].startswith("  expired   Example CA (")
    assert lines[-2] == f"✗ {renewed.shown}  Verify return code: 10 (certificate has expired)"
    assert lines[-1] == "fix here: certboot update"
    certboot("update")
    assert accepted(paths, renewed) == [True, True]
    ran = certboot("repair", renewed.shown)
    assert (ran.status, "expired" in ran.out) == (0, False)


def test_a_repair_that_stores_the_next_certificate_takes_the_old_one_out(
    certboot: Run, paths: StorePaths, root: Issued, place: PlainServer, send: Send, renewed: ChainServer
) -> None:
    other = intermediate("Other CA", root)
    place.pages["/ca"] = page(other.der)
    ran = certboot("repair", "--yes", renewed.shown, send(leaf(other, f"{place.url}/ca")).shown)
    assert (ran.status, ran.out.count(GOOD)) == (0, 2)
    assert repaired_in(paths) == {"Other CA": "intermediate"}


@pytest.mark.usefixtures("renewed")
def test_an_expired_one_of_another_key_or_of_the_server_itself_is_another_matter(
    certboot: Run, root: Issued, send: Send
) -> None:
    other = intermediate("Example CA", root)
    ran = certboot("repair", send(leaf(other), other).shown)
    assert (ran.status, "expired" in ran.out) == (0, False)
    server = send(leaf(other, valid=(NOW - 9 * DAY, NOW - DAY)), other)
    ran = certboot("repair", server.shown)
    assert ran.out.splitlines()[-1] == f"hint: certboot doctor {server.shown}"


class _Gone(io.StringIO):
    """A stream whose reader has gone."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def write(self, _: str) -> int:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    def fileno(self) -> int:
        return self._descriptor


def test_where_nobody_reads_what_was_agreed_to_is_stored_and_what_nobody_has_seen_is_not_asked_for(
    certboot: Run, paths: StorePaths, forgetful: ChainServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = snapshot(paths.home)
    with monkeypatch.context() as patch, (tmp_path / "out").open("w") as file:
        answers(patch, "yes\n")
        patch.setattr(sys, "stdout", _Gone(file.fileno()))
        ran = certboot("repair", forgetful.shown)
    assert (ran.status, ran.err, snapshot(paths.home)) == (1, "", before)
    argv = [sys.executable, "-m", "certboot", "repair", "--yes", "--allow-private", forgetful.shown]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(argv, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
    assert repaired_in(paths) == {"Example CA": "intermediate"}


# What a server should send


def ders(text: str) -> list[bytes | None]:
    return [block.data for block in pem.blocks(text.encode())]


def test_the_chain_is_what_the_server_should_send(
    certboot: Run, paths: StorePaths, root: Issued, place: PlainServer, send: Send, tmp_path: Path
) -> None:
    upper = intermediate("Upper", root)
    lower = intermediate("Lower", upper, f"{place.url}/upper")
    place.pages |= {"/upper": page(upper.der), "/lower": page(lower.der)}
    own = leaf(lower, f"{place.url}/lower")
    server = send(own)
    before = snapshot(paths.home)
    ran = certboot("chain", server.shown)
    assert (ran.status, ran.err) == (0, "")
    assert ders(ran.out) == [own.der, lower.der, upper.der]
    assert openssl_path([certificate.pem for certificate in (own, lower, upper)], root).endswith("leaf: OK\n")
    output = tmp_path / "fullchain.pem"
    written = certboot("chain", server.shown, "--output", output)
    assert written.out == f"{output}: localhost, Lower, Upper; not in it: Example Root, which clients have\n"
    assert output.read_text() == ran.out
    assert_refused(certboot("chain", server.shown, "--output", output))
    assert certboot("chain", server.shown, "--output", output, "--force").status == 0
    assert snapshot(paths.home) == before
    certificates = [x509.load_der_x509_certificate(data or b"") for data in ders(output.read_text())]
    assert accepted(paths, send(*(Issued(certificate, own.key) for certificate in certificates))) == [True, True]


def test_a_root_that_the_server_sends_is_left_out_and_an_intermediate_that_the_user_trusts_is_not(
    certboot: Run, root: Issued, send: Send, tmp_path: Path
) -> None:
    ca = intermediate("Example CA", root)
    own = leaf(ca)
    assert ders(certboot("chain", send(own, root, ca).shown).out) == [own.der, ca.der]
    company = intermediate("Company CA", issue("Company Root"))
    certboot("trust", saved(tmp_path / "ca.pem", company), "--sha256", report.fingerprint(company))
    own = leaf(company)
    assert ders(certboot("chain", send(own).shown).out) == [own.der, company.der]


def test_where_there_is_no_chain_nothing_is_written(certboot: Run, root: Issued, send: Send, tmp_path: Path) -> None:
    server = send(leaf(intermediate("Gone", root)))
    ran = certboot("chain", server.shown, "--output", tmp_path / "chain.pem")
    assert (ran.status, ran.out, (tmp_path / "chain.pem").exists()) == (1, "", False)
    assert "(no-addresses)\n" in ran.err
