"""Whatever is wrong above an intermediate, a client still sees it: for none of it does an intermediate enter the store.

Asked is the real Python 3.13, whose clients end a chain at the first certificate of the directory.
"""

from __future__ import annotations

import dataclasses
import datetime
import shutil
import ssl
import subprocess
import tempfile
import typing
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from support.chains import CA, LEAF, Form, Made, make, rsa_key
from support.environments import MACHINE
from support.issuers import ChainServer, intermediate, leaf
from support.pki import DAY, NOW, Issued, issue
from support.plain_server import PlainServer, page
from support.snapshot import few_sources

from certboot.pki.certificate import load_certificate
from certboot.repair.completion import Rules, Supply, complete
from certboot.sources.candidates import Candidate, Offer
from certboot.store import policy

if typing.TYPE_CHECKING:
    from support.environments import Ran

    from certboot.pki.certificate import Certificate

    Run = Callable[..., Ran]

Ask = Callable[..., str]

GOOD_TEST = x509.NameConstraints(permitted_subtrees=[x509.DNSName("good.test")], excluded_subtrees=None)
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\5\0")
POLICIES = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=0)
ENDED = (NOW - 30 * DAY, NOW - DAY)

HANDSHAKE = """
import ssl, sys
directory, chain, key, name = sys.argv[1:]
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.set_ciphers("DEFAULT:@SECLEVEL=0")
server.load_cert_chain(chain, key)
client = ssl.create_default_context(capath=directory)
pipes = [ssl.MemoryBIO() for _ in range(4)]
ends = (
    client.wrap_bio(pipes[0], pipes[1], server_hostname=name),
    server.wrap_bio(pipes[1], pipes[0], server_side=True),
)
for _ in range(6):
    for end in ends:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLCertVerificationError as error:
            print(error.verify_message)
            sys.exit()
print("accepted")
"""


@pytest.fixture(scope="module")
def python_3_13() -> str:
    found = sorted(Path(MACHINE.get("HOME", "/")).glob(".pyenv/versions/3.13.*/bin/python"))
    python = str(found[-1]) if found else shutil.which("python3.13", path=MACHINE.get("PATH"))
    if not python:
        pytest.skip("there is no Python 3.13 here")
    return python


@pytest.fixture
def ask(python_3_13: str, openssl: Callable[..., str], tmp_path: Path) -> Ask:
    """What Python 3.13 says of a server that sends ``sent`` with these certificates in its directory."""

    def asked(sent: tuple[Made, ...], *directory: Made, name: str = "evil.test") -> str:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        (folder / "chain").write_bytes(b"".join(each.pem for each in sent))
        (folder / "key").write_bytes(sent[0].key_pem)
        (folder / "crts").mkdir()
        for number, each in enumerate(directory):
            (folder / "crts" / f"{number}.pem").write_bytes(each.pem)
        openssl("rehash", folder / "crts")
        command = (python_3_13, "-c", HANDSHAKE, folder / "crts", folder / "chain", folder / "key", name)
        return subprocess.run(command, env={}, capture_output=True, text=True, check=True).stdout.strip()

    return asked


def loaded(made: Made) -> Certificate:
    return load_certificate(made.der)


@dataclasses.dataclass(frozen=True)
class Chain:
    """A leaf below two CAs below a root."""

    root: Made
    one: Made
    two: Made
    leaf: Made

    @property
    def sent(self) -> tuple[Made, ...]:
        """What a server sends that has forgotten nothing."""
        return self.leaf, self.two, self.one


def chain(root: Form = CA, one: Form = CA, two: Form = CA, *, bits: int = 0, name: str = "evil.test") -> Chain:
    top = make("Root", form=root, key=rsa_key(bits) if bits else None)
    upper = make("One", top, one)
    lower = make("Two", upper, two)
    return Chain(top, upper, lower, make(name, lower, replace(LEAF, names=(name,))))


def decided(made: Chain, now: datetime.datetime = NOW) -> policy.Decision:
    """What of the chain enters the store."""
    offered = (Candidate(loaded(each), "repaired", "file", "intermediate") for each in (made.one, made.two))
    return policy.decide([Candidate(loaded(made.root), "added", "file"), *offered], policy.Rules(now))


def stored(made: Chain) -> tuple[list[str], dict[str, str]]:
    """By name: the intermediates that enter the store, and the rules by which they do not."""
    decision = decided(made)
    rules = {each.subject.removeprefix("CN="): each.rule for each in decision.rejections if each.source == "repaired"}
    return [held.certificate.name for held in decision.intermediates], rules


def repairs(made: Chain, *sent: Made) -> bool:
    """Whether repair would store what a server forgets that sends these only."""
    anchors = [held.certificate for held in decided(made).anchors]
    supply = Supply(
        lambda name: [each for each in anchors if each.link.subject_name == name],
        lambda _: [Offer(loaded(each), "somebody") for each in (made.one, made.two)],
        lambda _: [],
    )
    return complete([loaded(each) for each in sent], supply, Rules(NOW, to_store=True)).anchor is not None


OVERLOOKED = {
    "names": ("permitted subtree violation", chain(replace(CA, extra=((GOOD_TEST, True),))), "name-constrained"),
    "a path length": (
        "path length constraint exceeded",
        chain(replace(CA, path_length=1)),
        "path-length-limited",
    ),
    "a path length below a wider one": (
        "path length constraint exceeded",
        chain(replace(CA, path_length=1), replace(CA, path_length=5)),
        "path-length-limited",
    ),
    "a critical extension": (
        "unhandled critical extension",
        chain(replace(CA, extra=((UNKNOWN, True),))),
        "unhandled-critical",
    ),
    "a weak key": ("CA certificate key too weak", chain(bits=1024), "weak-key"),
    "a weak signature": ("CA signature digest algorithm too weak", chain(one=replace(CA, sha1=True)), "weak-signature"),
    "its end": ("certificate has expired", chain(replace(CA, valid=ENDED)), "no-issuer"),
    "its purpose": (
        "unsuitable certificate purpose",
        chain(replace(CA, purposes=(ExtendedKeyUsageOID.CLIENT_AUTH,))),
        "no-issuer",
    ),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:RSA key size")
@pytest.mark.parametrize("case", OVERLOOKED)
def test_what_a_client_refuses_for_what_is_above_it_refuses_also_with_what_the_store_takes(ask: Ask, case: str) -> None:
    """The control is the very acceptance that storing the intermediate would bring about."""
    refusal, made, rule = OVERLOOKED[case]
    assert ask(made.sent, made.root) == refusal
    assert ask(made.sent, made.root, made.one) == "accepted"
    assert stored(made) == ([], {"One": rule, "Two": "no-issuer"})
    assert not repairs(made, made.leaf)
    assert not repairs(made, made.leaf, made.two)


CONTROLS = {
    "nothing": chain(),
    "a path length that each has itself": chain(
        replace(CA, path_length=2), replace(CA, path_length=1), replace(CA, path_length=0)
    ),
    "a path length of many": chain(replace(CA, path_length=3), replace(CA, path_length=1), replace(CA, path_length=0)),
    "an extension that is not critical": chain(replace(CA, extra=((UNKNOWN, False),))),
    "a key that is no longer weak": chain(bits=2048),
    "the purpose": chain(replace(CA, purposes=(ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH))),
    "policies, which no client asks for": chain(replace(CA, extra=((POLICIES, True),))),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CONTROLS)
def test_what_limits_nothing_or_stands_in_the_intermediate_too_keeps_none_out(ask: Ask, case: str) -> None:
    made = CONTROLS[case]
    assert ask(made.sent, made.root) == "accepted"
    assert stored(made) == (["One", "Two"], {})
    assert ask(made.sent[:2], made.root, made.one, made.two) == "accepted"
    assert repairs(made, made.leaf, made.two)


@pytest.mark.slow
def test_a_client_sees_the_limits_of_what_it_takes_for_an_anchor_itself(ask: Ask) -> None:
    """So what limits may enter, and only what is below it stays out."""
    for one, refusal in (
        (replace(CA, path_length=0), "path length constraint exceeded"),
        (replace(CA, extra=((GOOD_TEST, True),)), "permitted subtree violation"),
    ):
        made = chain(one=one)
        assert stored(made)[0] == ["One"]
        assert [ask(made.sent, made.root), ask(made.sent, made.root, made.one)] == [refusal] * 2
        assert ask(made.sent, made.root, made.one, made.two) == "accepted"
        good = make("good.test", made.one, replace(LEAF, names=("good.test",)))
        assert ask((good, made.one), made.root, made.one, name="good.test") == "accepted"


def test_no_client_is_asked_to_look_at_policies() -> None:
    """X509_V_FLAG_POLICY_CHECK: with it OpenSSL does not look at those of an anchor either (RFC 5280, 6.1)."""
    assert not ssl.create_default_context().verify_flags & 0x80


@pytest.mark.parametrize("whose", ["root", "upper"])
def test_what_hangs_below_a_certificate_leaves_when_that_one_ends(whose: str) -> None:
    """An intermediate that outlives what is above it: until then it is stored, and one second later it is not."""
    end = NOW + 10 * DAY
    short = replace(CA, valid=(NOW - DAY, end))
    made = chain(short) if whose == "root" else chain(one=short)

    def held(now: datetime.datetime) -> list[str]:
        decision = decided(made, now)
        anchors = [each.certificate.name for each in decision.anchors]
        return anchors + [each.certificate.name for each in decision.intermediates]

    moment = loaded(made.root if whose == "root" else made.one).validity.not_after
    assert held(moment) == ["Root", "One", "Two"]
    assert held(moment + datetime.timedelta(seconds=1)) == ([] if whose == "root" else ["Root"])
    assert policy.next_change(map(loaded, (made.root, made.one, made.two)), NOW) == moment


def test_init_says_when_an_update_is_due_and_nothing_where_nothing_outlives_its_issuer(
    certboot: Run, clean: Path, place: PlainServer, send: Callable[..., ChainServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    few_sources(monkeypatch)
    root, control = issue("Short Root", valid=(NOW - DAY, NOW + 20 * DAY)), issue("Long Root")
    (clean / "roots.pem").write_bytes(root.pem + control.pem)

    def said() -> list[str]:
        ran = certboot("init", "--add", clean / "roots.pem")
        assert ran.status == 0
        return [line for line in ran.out.splitlines() if line.startswith("  due ")]

    def repaired(under: Issued, name: str) -> None:
        ca = intermediate(name, under)
        place.pages[f"/{name}"] = page(ca.der)
        assert certboot("repair", "--yes", send(leaf(ca, f"{place.url}/{name}")).shown).status == 0

    assert said() == []
    repaired(control, "nested")
    assert said() == []
    repaired(root, "outliving")
    when = f"{NOW + 20 * DAY:%Y-%m-%d}"
    assert said() == [f"  due       certboot update by {when}: Short Root ends then, and what is below it does not"]
