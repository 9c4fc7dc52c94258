"""``certboot trust``: a file, an address or a server, never without a look at it, its fingerprint or a password."""

from __future__ import annotations

import io
import ssl
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from support.commands import FEW, Run, entry, in_colons, names, saved
from support.issuers import ChainServer, accepted, intermediate, leaf
from support.pki import DAY, NOW, Issued, ca_extensions, issue, make
from support.report import fingerprint
from support.server import PlainServer, TlsServer, page
from support.snapshot import assert_refused, roots, snapshot
from support.table import cases
from support.terminal import Terminal, answers

from certboot.cli import terminal
from certboot.cli.named import is_server
from certboot.errors import SourceError
from certboot.pki.certificate import Certificate, load_certificate
from certboot.sources import system
from certboot.sources.candidates import Offer, Unparsed
from certboot.sources.server import topmost
from certboot.store.paths import StorePaths

Send = Callable[..., ChainServer]
CORP, TOP = issue("Corp Root"), issue("Example Root")
PASSWORD = b"open sesame"


def pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))


# A file


def test_trust_shows_what_it_asks_about(
    certboot: Run, store: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, "y\n")
    ran = certboot("trust", saved(tmp_path / "corp.pem", CORP))
    assert (ran.status, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert lines[:5] == [
        f"! {tmp_path / 'corp.pem'}  a certificate that is not trusted here",
        "  CN=Corp Root",
        f"  SHA-256   {fingerprint(CORP)}",
        f"  valid     {NOW - DAY:%Y-%m-%d} to {NOW + 365 * DAY:%Y-%m-%d}",
        f"  from      {tmp_path / 'corp.pem'}",
    ]
    assert "its owner says the same SHA-256" in lines[5]
    assert lines[6].startswith("trust this certificate? [y/N] ")
    (tmp_path / "corp.pem").unlink()
    certboot("update")
    assert names(store) == FEW | {"Corp Root"}
    (undo,) = (line.partition(" certboot ")[2] for line in lines if line.startswith("  undo "))
    assert certboot(*undo.split()).status == 0
    assert names(store) == FEW


@cases("answer", ["n\n", "\n", "", None])
def test_any_answer_but_yes_changes_nothing(
    certboot: Run, store: StorePaths, ca_file: Path, monkeypatch: pytest.MonkeyPatch, answer: str | None
) -> None:
    """And where there is no terminal to answer on."""
    if answer is None:
        pipe(monkeypatch)
    else:
        answers(monkeypatch, answer)
    before = snapshot(store.home)
    ran = certboot("trust", ca_file)
    assert ran.status == (2 if answer is None else 1)
    assert ran.out.endswith("nothing was changed\n") == (answer is not None)
    assert snapshot(store.home) == before
    assert certboot("trust", ca_file, "--yes").status == 0
    assert names(store) == FEW | {"Example Corp Root"}


@pytest.fixture
def locked_file(tmp_path: Path) -> Path:
    """A PKCS#12 file that needs a password."""
    path = tmp_path / "corp.p12"
    lock = BestAvailableEncryption(PASSWORD)
    path.write_bytes(serialize_key_and_certificates(b"corp", CORP.key, CORP.certificate, None, lock))
    return path


def test_a_password_opens_a_pkcs12_file(
    certboot: Run, store: StorePaths, locked_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = tmp_path / "password"
    password.write_bytes(PASSWORD + b"\n")
    for command in (("init", "--add"), ("trust", "--yes")):
        ran = certboot(*command, locked_file)
        assert ran.status == 2
        assert "there is no terminal to ask for it on" in ran.err
        assert "hint: --password-file FILE" in ran.err
        ran = certboot(*command, locked_file, "--password-file", "missing")
        assert (ran.status, "cannot read the password" in ran.err) == (2, True)
    assert names(store) == FEW
    assert certboot("init", "--add", locked_file, "--password-file", password).status == 0
    assert b"PRIVATE" not in b"".join(path.read_bytes() for path in store.trusted.iterdir())
    certboot("distrust", "Corp Root")
    certboot("init", "--add", locked_file, "--password-file", password)
    assert names(store) == FEW
    monkeypatch.setattr(terminal, "is_terminal", lambda: True)
    monkeypatch.setattr("getpass.getpass", lambda _: PASSWORD.decode())
    assert certboot("trust", "--yes", locked_file).status == 0
    assert names(store) == FEW | {"Corp Root"}


def test_a_ca_that_the_configuration_keeps_out_is_not_said_to_be_trusted(
    certboot: Run, store: StorePaths, tmp_path: Path
) -> None:
    file = saved(tmp_path / "corp.pem", CORP)
    certboot("trust", "--yes", file)
    certboot("distrust", "Corp Root")
    store.config.write_text(f'[rules]\ndistrust = ["{fingerprint(CORP)}"]\n')
    ran = certboot("trust", "--yes", file)
    assert ran.status == 2
    assert ran.err.startswith("certboot: error: it does not enter the store, ")
    assert names(store) == FEW


# One of the operating system's store


@pytest.fixture
def of_system(certboot: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A store of certifi alone, and what the system has beside its public CAs, as an agent may have put it there."""
    assert certboot("init", "--source", "certifi").status == 0

    def put(*parts: bytes) -> None:
        pem = b"".join((roots()[0].pem, *parts))
        files = ((f"/etc/ssl/certs/{number}", part) for number, part in enumerate((pem, *parts)))
        pieces = tuple(files)
        monkeypatch.setattr(system, "read", lambda: Unparsed(pieces, lambda: system._parsed(pieces)))

    return put


AGENT = issue("Zscaler Root CA")


def test_a_ca_of_the_system_is_shown_and_asked_about(
    certboot: Run, paths: StorePaths, of_system: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    of_system(AGENT.pem, CORP.pem)
    answers(monkeypatch, "n\n")
    before = snapshot(paths.home)
    assert certboot("trust", "--from-system", "zscaler root ca").status == 1
    assert snapshot(paths.home) == before
    answers(monkeypatch, "y\n")
    ran = certboot("trust", "--from-system", fingerprint(AGENT)[:16])
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith("! the system's store  a certificate that is not trusted here\n")
    assert fingerprint(AGENT) in ran.out
    assert "  from      the system's store, /etc/ssl/certs/0\n" in ran.out
    assert "  by name   Zscaler, which opens TLS on the way: anybody can give a certificate this name\n" in ran.out
    assert entry(paths, "Zscaler Root CA").provenance[0].source == "added"
    assert "Corp Root" not in names(paths)


@cases(("text", "error"), [
    ("Root", "names 3 certificates"),
    ("intranet.example", "no certificate of the system's store is named by 'intranet.example'"),
    ("https://corp.example/ca.pem", "no certificate of the system's store is named by"),
    ("Server", "'Server' cannot be trusted as a CA"),
])  # fmt: skip
def test_what_names_no_ca_of_the_system_is_refused(
    certboot: Run, paths: StorePaths, of_system: Callable[..., None], text: str, error: str
) -> None:
    of_system(AGENT.pem, CORP.pem, make("Server").pem)
    before = snapshot(paths.home)
    ran = certboot("trust", "--yes", "--from-system", text)
    assert ran.status == 2
    assert error in ran.err
    assert snapshot(paths.home) == before


def test_what_the_systems_administrator_distrusts_is_none_of_its_cas(
    certboot: Run, paths: StorePaths, of_system: Callable[..., None], openssl: Callable[..., str]
) -> None:
    of_system(CORP.pem, openssl("x509", "-trustout", "-addreject", "serverAuth", data=CORP.pem.decode()).encode())
    ran = certboot("trust", "--yes", "--from-system", "Corp Root")
    assert (ran.status, "no certificate of the system's store is named by" in ran.err) == (2, True)
    of_system(CORP.pem)
    assert certboot("trust", "--yes", "--from-system", "Corp Root", "--sha256", fingerprint(TOP)).status == 2
    assert "Corp Root" not in names(paths)
    assert certboot("trust", "--from-system", "Corp Root", "--sha256", fingerprint(CORP)).status == 0
    assert "Corp Root" in names(paths)


def test_a_long_download_shows_its_progress_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for stream, expected in (
        (Terminal(), ["", "mozilla/Report: 1.5 MB", "mozilla/Report: 2.0 of 4.0 MB", ""]),
        (io.StringIO(), [""]),
    ):
        monkeypatch.setattr(sys, "stderr", stream)
        for so_far, whole in ((1_500_000, None), (2_000_000, 4_000_000), (4_000_000, 4_000_000)):
            terminal.progress("mozilla/Report", so_far, whole)
        assert stream.getvalue().replace("\x1b[K", "").split("\r") == expected


@cases("add", [("trust", "--yes"), ("init", "--add")])
@cases("under", ["file", "store", "nowhere"])
def test_an_intermediate_is_one_and_no_anchor(
    certboot: Run, paths: StorePaths, tmp_path: Path, add: tuple[str, ...], under: str
) -> None:
    below = issue("Corp Issuing", CORP)
    root = saved(tmp_path / "root.pem", CORP)
    file = saved(tmp_path / "issuing.pem", below, *([CORP] if under == "file" else []))
    assert certboot("init", *(["--add", root] if under == "store" else [])).status == 0
    before = snapshot(paths.home)
    ran = certboot(*add, file)
    if under == "nowhere":
        assert_refused(ran, "CN=Corp Root")
        assert snapshot(paths.home) == before
        assert certboot("trust", file, "--sha256", fingerprint(below)).status == 0
        assert entry(paths, "Corp Issuing").role == "anchor"
        return
    assert (ran.status, ran.err) == (0, "")
    for _ in range(2):
        assert (entry(paths, "Corp Root").role, entry(paths, "Corp Issuing").role) == ("anchor", "intermediate")
        assert ": nothing new, nothing changed" in certboot("update").out
    assert "needed by you" in certboot("list", "--role", "intermediate").out
    certboot("distrust", "Corp Root")
    assert "Corp Issuing" not in names(paths)


def test_an_intermediate_of_the_store_becomes_an_anchor_by_its_sha256(
    certboot: Run, paths: StorePaths, tmp_path: Path
) -> None:
    below = issue("Corp Issuing", CORP)
    certboot("init", "--add", saved(tmp_path / "both.pem", below, CORP))
    file = saved(tmp_path / "issuing.pem", below)
    assert "nothing to do" in certboot("trust", file).out
    pinned = ("trust", file, "--sha256", fingerprint(below))
    assert "nothing to do" not in certboot(*pinned).out
    assert entry(paths, "Corp Issuing").role == "anchor"
    assert "nothing to do" in certboot(*pinned).out
    # It is in the store, and no update has to say that it was left out.
    assert "needed by you" not in certboot("update").out + certboot("init").out


def test_a_server_s_own_certificate_beside_its_ca_is_shown_to_be_refused(
    certboot: Run, paths: StorePaths, tmp_path: Path
) -> None:
    ran = certboot("trust", "--yes", saved(tmp_path / "chain.pem", leaf(CORP), CORP))
    assert "  refused   it may not issue certificates" in ran.out
    assert "  role      " not in ran.out
    assert (ran.status, names(paths)) == (0, FEW | {"Corp Root"})


def test_of_a_file_with_a_root_what_is_below_another_is_left_out_and_told(
    certboot: Run, paths: StorePaths, tmp_path: Path
) -> None:
    file = saved(tmp_path / "both.pem", CORP, issue("Other Issuing", issue("Other Root")))
    for command in (("init", "--add"), ("trust", "--yes")):
        ran = certboot(*command, file)
        assert (ran.status, "Other Issuing is an intermediate, and the CA above it is not" in ran.out) == (0, True)
    assert names(paths) == FEW | {"Corp Root"}


def test_who_is_asked_about_more_than_is_shown_is_told_so(
    certboot: Run, store: StorePaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = saved(tmp_path / "many.pem", *(issue(f"Root {number}") for number in range(9)))
    for options, question, shown in (
        ((), "trust these 9 certificates, 6 of which are not shown? [y/N] ", 0),
        (("-v",), "trust these 9 certificates? [y/N] ", 9),
    ):
        answers(monkeypatch, "n\n")
        ran = certboot("trust", file, *options)
        assert (ran.status, question in ran.out, ran.out.count("  SHA-256   ")) == (1, True, shown)
        assert ran.out.startswith(f"! {file}  9 of 9 certificates are not trusted here\n")
    assert names(store) == FEW


def test_what_is_there_already_is_said(certboot: Run, paths: StorePaths, tmp_path: Path) -> None:
    public, corp = saved(tmp_path / "public.pem", roots()[0]), saved(tmp_path / "corp.pem", CORP)
    certboot("init", "--add", corp)
    before = snapshot(paths.home)
    ran = certboot("trust", corp)
    assert (ran.status, ran.out.splitlines()[0]) == (0, f"✓ {corp}  trusted already: nothing to do")
    assert snapshot(paths.home) == before
    ran = certboot("trust", "--yes", public)
    assert (ran.status, "  there     it is in the store already, by the source " in ran.out) == (0, True)


def test_a_file_has_the_certificate_that_is_named(certboot: Run, store: StorePaths, tmp_path: Path) -> None:
    file = saved(tmp_path / "two.pem", CORP, TOP)
    assert_refused(certboot("trust", file, "--sha256", "0" * 64))
    assert certboot("trust", file, "--sha256", fingerprint(TOP)).status == 0
    assert names(store) == FEW | {"Example Root"}


# An address


def test_an_address_is_trusted_unseen_only_with_its_fingerprint(
    certboot: Run, paths: StorePaths, site: tuple[TlsServer, Issued], monkeypatch: pytest.MonkeyPatch, clean: Path
) -> None:
    server, corp = site
    address, digits = f"{server.url}/corp.pem", fingerprint(corp)
    pipe(monkeypatch)
    for argv in ((), ("--yes",), ("--yes", "--sha256", "0" * 64), ("--sha256", "0" * 64)):
        assert_refused(certboot("trust", address, *argv))
    for other in ("http://localhost:1/corp.pem", "file:///etc/corp.pem", "ftp://a.example/c.pem"):
        assert_refused(certboot("trust", other, "--yes", "--sha256", "0" * 64))
    assert list(clean.iterdir()) == []
    assert certboot("trust", address, "--yes", "--sha256", digits).status == 0
    assert names(paths) == FEW | {"Corp"}
    certboot("purge", "--yes")
    answers(monkeypatch, "yes\n")
    ran = certboot("trust", address)
    assert (ran.status, ran.err) == (0, "")
    assert f"  from      {address}\n" in ran.out
    assert names(paths) == FEW | {"Corp"}


# A server


@pytest.fixture
def with_root(ca: trustme.CA, serve: Callable[..., TlsServer]) -> TlsServer:
    """A server that sends its root along."""
    own = ca.issue_cert("localhost")
    own.private_key_and_cert_chain_pem = trustme.Blob(own.private_key_and_cert_chain_pem.bytes() + ca.cert_pem.bytes())
    return serve(own)


def digits_of(ca: trustme.CA) -> str:
    return load_certificate(ssl.PEM_cert_to_DER_cert(ca.cert_pem.bytes().decode())).fingerprint


def test_the_remedy_of_an_untrusted_root_mends_it(
    certboot: Run, store: StorePaths, ca: trustme.CA, with_root: TlsServer
) -> None:
    host = f"localhost:{with_root.port}"
    assert f"fix here: certboot trust {host}\n" in certboot("doctor", "store", host).out
    pin = in_colons(digits_of(ca))
    ran = certboot("trust", host, "--yes", "--fingerprint", pin)
    assert ran.status == 0, ran.err
    assert (digits_of(ca) in ran.out, "  compare   " in ran.out) == (True, False)
    provenance = entry(store, "Example Corp Root").provenance
    assert [(reason.source, reason.detail) for reason in provenance] == [("added", f"sent by {host}")]
    context = ssl.create_default_context(cafile=str(store.current / "bundle.pem"))
    with urllib.request.urlopen(with_root.url, context=context) as answer:  # noqa: S310 - our own https server
        assert answer.read() == b"ok"


@cases(
    ("options", "words"),
    [
        (["--yes"], "what comes from the network is not trusted unseen"),
        (["--yes", "--fingerprint", "0" * 64], "no CA of its chain has this SHA-256"),
        (["--yes", "--fingerprint", "abcd"], "not a SHA-256 of 64 hexadecimal digits: abcd"),
        ([], "there is no terminal to ask on"),
    ],
)
def test_nothing_is_trusted_unseen(
    certboot: Run, store: StorePaths, with_root: TlsServer, options: list[str], words: str
) -> None:
    before = snapshot(store.home)
    assert_refused(certboot("trust", f"localhost:{with_root.port}", *options), words)
    assert snapshot(store.home) == before


def test_a_fingerprint_is_the_answer_and_what_is_there_already_is_said(
    certboot: Run, store: StorePaths, with_root: TlsServer, ca: trustme.CA
) -> None:
    host = f"localhost:{with_root.port}"
    assert "--sha256" in certboot("trust", host).err.partition("hint: ")[2]  # and not --yes, which would be refused
    assert certboot("trust", host, "--sha256", digits_of(ca)).status == 0
    before = snapshot(store.home)
    for options in ([], ["--yes"], ["--sha256", digits_of(ca)]):
        ran = certboot("trust", host, *options)
        assert (ran.status, ran.out.splitlines()[0]) == (0, f"✓ {host}  trusted already: nothing to do")
    assert snapshot(store.home) == before


def test_a_server_that_sends_no_ca_or_does_not_answer_has_nothing_to_trust(
    certboot: Run, clean: Path, ca: trustme.CA, serve: Callable[..., TlsServer]
) -> None:
    ran = certboot("trust", f"localhost:{serve(ca.issue_cert('localhost')).port}", "--yes", "--sha256", digits_of(ca))
    assert_refused(ran, "the server sends only its own certificate, not its CA's")
    for target in ("localhost:1", "127.0.0.1:1"):
        ran = certboot("trust", target)
        assert_refused(ran, f"no certificate came from {target}\n\nhint: certboot doctor {target}\n")
    assert list(clean.iterdir()) == []


def test_a_server_is_told_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    servers = ["intranet.example", "intranet:443", "[::1]:443"]
    others = ["intranet", "corp.pem", "corp.CRT", "https://pki.example/ca.crt", "./intranet.example"]
    assert [target for target in servers + others if is_server(target)] == servers
    (tmp_path / "intranet.example").touch()
    assert not is_server("intranet.example")


MIDDLE = issue("Middle", TOP)
LEAF = issue("leaf", MIDDLE, extensions=())


@cases(
    ("sent", "top"),
    [
        ([LEAF, MIDDLE, TOP], TOP),
        ([LEAF, TOP, MIDDLE], TOP),
        ([LEAF, MIDDLE], MIDDLE),
        ([LEAF, issue("Example Root"), MIDDLE], MIDDLE),
        ([LEAF, MIDDLE, issue("Unrelated")], MIDDLE),
        ([TOP], TOP),
    ],
)
def test_the_top_is_found_by_signatures_not_by_names_or_order(sent: list[Issued], top: Issued) -> None:
    loaded = topmost([certificate.der for certificate in sent], "host", "", NOW)
    assert [candidate.certificate.der for candidate in loaded.candidates] == [top.der]


@cases("sent", [[], [b"junk"], [b"junk", TOP.der], [LEAF.der], [LEAF.der, b"junk"]])
def test_what_holds_no_ca_is_an_error(sent: list[bytes]) -> None:
    with pytest.raises(SourceError):
        topmost(sent, "host", "", NOW)


# A server that does not send its root, whose certificates say where that lies


@pytest.fixture
def middle(place: PlainServer) -> Issued:
    place.pages["/root"] = page(TOP.der)
    return intermediate("Example CA", TOP, f"{place.url}/root")


def test_the_root_that_is_not_sent_is_offered(
    certboot: Run, store: StorePaths, middle: Issued, place: PlainServer, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = send(leaf(middle), middle)
    before = snapshot(store.home)
    for options in (["--yes"], ["--yes", "--sha256", "0" * 64], []):
        assert_refused(certboot("trust", server.shown, *options))
    assert snapshot(store.home) == before
    answers(monkeypatch, "yes\n")
    ran = certboot("trust", server.shown)
    assert ran.status == 0, ran.err
    assert f"  from      for {server.shown}, from {place.url}/root\n" in ran.out
    assert names(store) == FEW | {"Example Root"}
    assert accepted(store, server) == [True, True]


def test_a_server_that_sends_its_own_certificate_only(
    certboot: Run, store: StorePaths, middle: Issued, place: PlainServer, send: Send
) -> None:
    place.pages["/ca"] = page(middle.der)
    server = send(leaf(middle, f"{place.url}/ca"))
    assert certboot("trust", server.shown, "--yes", "--fingerprint", fingerprint(TOP)).status == 0
    assert accepted(store, server) == [False, False]
    assert certboot("repair", "--yes", server.shown).status == 0
    assert accepted(store, server) == [True, True]


def test_a_fingerprint_may_be_that_of_an_intermediate_and_then_nothing_is_fetched(
    certboot: Run, store: StorePaths, middle: Issued, place: PlainServer, send: Send
) -> None:
    ran = certboot("trust", send(leaf(middle), middle).shown, "--yes", "--sha256", fingerprint(middle))
    assert (ran.status, place.asked) == (0, [])
    assert "  no root   Python up to 3.12, and others, want the CA above it too: CN=Example Root\n" in ran.out
    assert "Example CA" in names(store)


def test_what_is_not_the_issuer_is_not_offered(certboot: Run, middle: Issued, place: PlainServer, send: Send) -> None:
    server = send(leaf(middle), middle)
    for content in (issue("Example Root").der, issue("Another").der, b"junk", b""):
        place.pages["/root"] = page(content)
        assert f"sent by {server.shown}\n" in certboot("trust", server.shown).out


@cases("loop", [False, True])
def test_a_way_without_end_ends(*, loop: bool) -> None:
    """Chains of issuers can be made as long as somebody likes."""
    keys = [issue("key").key for _ in range(2)]
    first, second = (issue(f"CA {n}", extensions=ca_extensions(keys[n]), key=keys[n]) for n in range(2))
    deep = [issue("CA 0")]
    for number in range(1, 9):
        deep.append(intermediate(f"CA {number}", deep[-1]))
    crossed = [intermediate(f"CA {n}", above, key=keys[n]) for n, above in ((0, second), (1, first))]
    given = [load_certificate(certificate.der) for certificate in (crossed if loop else deep)]
    asked = []

    def fetch(certificate: Certificate) -> list[Offer]:
        asked.append(certificate.name)
        return [Offer(issuer, "there") for issuer in given if issuer.link.subject_name == certificate.link.issuer_name]

    top = topmost([leaf((crossed if loop else deep)[-1]).der], "host", "", NOW, fetch).candidates[0]
    assert (top.certificate.name, len(asked)) == (("CA 0", 3) if loop else ("CA 5", 4))


def test_addresses_are_asked_one_after_the_other_and_why_nothing_was_fetched_is_told(
    certboot: Run, store: StorePaths, place: PlainServer, send: Send
) -> None:
    before = snapshot(store.home)
    ran = certboot("trust", send(leaf(TOP, "http://169.254.169.254/ca", "ldap://ca.example/")).shown)
    assert_refused(ran)
    assert ran.out.startswith("  missing   the issuer of localhost at http://169.254.169.254/ca: ")
    assert ran.out.endswith(" (address-refused)\n")
    assert snapshot(store.home) == before
    place.pages |= {"/1": page(TOP.der), "/2": page(TOP.der)}
    certboot("trust", send(leaf(TOP, f"{place.url}/1", f"{place.url}/2")).shown)
    assert place.asked == ["/1"]


def test_an_intermediate_of_a_ca_that_is_trusted_already_is_not_made_an_anchor(
    certboot: Run, paths: StorePaths, root: Issued, send: Send
) -> None:
    ca = intermediate("Example CA", root)
    server = send(leaf(ca), ca)
    assert_refused(certboot("trust", server.shown), f"hint: certboot repair {server.shown}")
    assert certboot("trust", "--yes", "--sha256", fingerprint(ca), server.shown).status == 0
    assert "Example CA" in names(paths)
