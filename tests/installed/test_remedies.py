"""The command that the doctor names is run as it stands, and then the handshake succeeds that failed before."""

from __future__ import annotations

import hashlib
import json
import typing
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from support.issuers import ChainServer, intermediate, leaf
from support.pki import DAY, NOW, Issued, ca_extensions, issue
from support.plain_server import PlainServer, page

if typing.TYPE_CHECKING:
    from pathlib import Path

    from support.environments import Environment

pytestmark = pytest.mark.slow

Send = Callable[..., ChainServer]
GET = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())"


@dataclass
class User:
    """Somebody with a virtualenv, a home folder, and what is set in the shell."""

    environment: Environment
    home: Path
    variables: dict[str, str] = field(default_factory=dict)

    def certboot(self, *argv: str | Path, status: int | None = 0) -> str:
        ran = self.environment.run("certboot", *argv, home=self.home, **self.variables)
        assert status in (None, ran.status), ran.out + ran.err
        return ran.out

    def reaches(self, server: ChainServer) -> bool:
        ran = self.environment.run("python", "-c", GET, server.url, home=self.home, **self.variables)
        assert ran.status == 0 or "CERTIFICATE_VERIFY_FAILED" in ran.err
        return ran.status == 0

    def cause(self, server: ChainServer) -> tuple[str | None, list[list[str]]]:
        """What the doctor says of the server: the cause, and its commands."""
        answer = json.loads(self.certboot("doctor", "environment", "hook", server.shown, "--json", status=None))
        found = next(each for each in answer["findings"] if each["group"] == "server")
        return answer["primary"], found["fix"]

    def mended(self, server: ChainServer, cause: str, *commands: str, pin: str = "") -> None:
        """See that the doctor names the cause and these commands, run them, and reach the server."""
        assert not self.reaches(server)
        found, fix = self.cause(server)
        assert (found, [argv[1] for argv in fix]) == (cause, list(commands))
        for program, *argv in fix:
            assert program == "certboot"
            answers = {
                "repair": ["--yes", "--allow-private"],
                "adopt": ["--yes"],
                "trust": ["--yes", "--allow-private", "--sha256", pin],
            }
            self.certboot(*argv, *answers.get(argv[0], []))
        assert self.reaches(server)
        assert self.cause(server) == (None, [])


@pytest.fixture
def user(installed: Environment, clean: Path) -> User:
    return User(installed, clean)


@pytest.fixture
def root() -> Issued:
    return issue("Example Root")


@pytest.fixture
def trusting(user: User, root: Issued) -> User:
    """A user whose store has the root."""
    (user.home / "root.pem").write_bytes(root.pem)
    user.certboot("init", "--add", "root.pem")
    return user


def sha256(certificate: Issued) -> str:
    return hashlib.sha256(certificate.der).hexdigest()


def test_missing_intermediate(trusting: User, root: Issued, place: PlainServer, send: Send) -> None:
    ca = intermediate("Example CA", root)
    place.pages["/ca"] = page(ca.der)
    trusting.mended(send(leaf(ca, f"{place.url}/ca")), "missing-intermediate", "repair")


def test_wrong_chain(trusting: User, root: Issued, place: PlainServer, send: Send) -> None:
    ca = intermediate("Example CA", root)
    place.pages["/ca"] = page(ca.der)
    server = send(leaf(ca, f"{place.url}/ca"), intermediate("Old CA", issue("Old Root")))
    trusting.mended(server, "wrong-chain", "repair")


def test_expired_intermediate(trusting: User, root: Issued, place: PlainServer, send: Send) -> None:
    """The server still sends the old one, and the new one lies where its certificate says."""
    key = issue("key").key
    old = intermediate("Example CA", root, key=key, valid=(NOW - 9 * DAY, NOW - DAY))
    new = intermediate("Example CA", root, key=key)
    place.pages["/ca"] = page(new.der)
    trusting.mended(send(leaf(new, f"{place.url}/ca"), old), "expired-intermediate", "repair")


def test_untrusted_root_that_is_sent(trusting: User, send: Send) -> None:
    own = issue("Corp Root")
    ca = intermediate("Corp CA", own)
    trusting.mended(send(leaf(ca), ca, own), "untrusted-root", "trust", pin=sha256(own))


def test_untrusted_root_that_is_not_sent(trusting: User, place: PlainServer, send: Send) -> None:
    own = issue("Corp Root")
    place.pages["/root"] = page(own.der)
    ca = intermediate("Corp CA", own, f"{place.url}/root")
    trusting.mended(send(leaf(ca), ca), "untrusted-root", "trust", pin=sha256(own))


def test_untrusted_root_that_cannot_be_had_has_no_command_and_words(trusting: User, send: Send) -> None:
    ca = intermediate("Corp CA", issue("Corp Root"))
    server = send(leaf(ca), ca)
    assert trusting.cause(server) == ("untrusted-root", [])
    assert "certboot trust FILE" in trusting.certboot("doctor", "hook", server.shown, status=1)


def test_self_signed_leaf_that_may_act_as_a_ca(trusting: User, send: Send) -> None:
    key = issue("key").key
    names = [each for each in leaf(issue("CA")).certificate.extensions if each.oid.dotted_string == "2.5.29.17"]
    extensions = (*ca_extensions(key), *((each.value, each.critical) for each in names))
    own = issue("localhost", extensions=extensions, key=key)
    trusting.mended(send(own), "self-signed-leaf", "trust", pin=sha256(own))


def test_self_signed_leaf_that_has_expired_has_no_command(trusting: User, send: Send) -> None:
    key = issue("key").key
    valid = (NOW - 9 * DAY, NOW - DAY)
    server = send(issue("localhost", extensions=ca_extensions(key), key=key, valid=valid))
    assert trusting.cause(server)[1] == []


@pytest.fixture
def preset(trusting: User) -> User:
    """A user whose shell names another bundle."""
    (trusting.home / "other.pem").write_bytes(issue("Another Root").pem)
    trusting.variables["SSL_CERT_FILE"] = str(trusting.home / "other.pem")
    return trusting


def test_a_variable_keeps_out_the_root_that_the_store_has(preset: User, root: Issued, send: Send) -> None:
    ca = intermediate("Example CA", root)
    preset.mended(send(leaf(ca), ca), "untrusted-root", "adopt")


def test_a_variable_keeps_out_what_is_repaired(
    preset: User, root: Issued, place: PlainServer, send: Send
) -> None:  # fmt: skip
    ca = intermediate("Example CA", root)
    place.pages["/ca"] = page(ca.der)
    server = send(leaf(ca, f"{place.url}/ca"))
    preset.mended(server, "missing-intermediate", "repair", "adopt")


def test_a_variable_keeps_out_the_intermediate_that_was_repaired_before(
    preset: User, root: Issued, place: PlainServer, send: Send
) -> None:
    ca = intermediate("Example CA", root)
    place.pages["/ca"] = page(ca.der)
    server = send(leaf(ca, f"{place.url}/ca"))
    preset.certboot("repair", "--yes", "--allow-private", server.shown)
    preset.mended(server, "missing-intermediate", "adopt")


def test_a_variable_keeps_out_what_is_trusted(preset: User, send: Send) -> None:
    own = issue("Corp Root")
    server = send(leaf(own), own)
    preset.mended(server, "untrusted-root", "trust", "adopt", pin=sha256(own))


@pytest.mark.parametrize("value", ["/nowhere.pem", "", "{home}/notes.txt", "{home}", "other.pem"])
def test_a_variable_that_is_broken_is_named_and_without_it_all_is_well(
    trusting: User, root: Issued, send: Send, value: str
) -> None:
    """Nobody but who set it can take it back: the command shows that it is the cause."""
    (trusting.home / "notes.txt").write_text("words")
    (trusting.home / "other.pem").write_bytes(issue("Another Root").pem)  # a relative path is another in every folder
    ca = intermediate("Example CA", root)
    server = send(leaf(ca), ca)
    assert trusting.reaches(server)
    value = value.replace("{home}", str(trusting.home))
    trusting.variables |= {"SSL_CERT_FILE": value, "SSL_CERT_DIR": str(trusting.home / "none")}
    assert not trusting.reaches(server)
    cause, fix = trusting.cause(server)
    assert (cause, len(fix)) == ("untrusted-root", 1)
    assert fix[0][:5] == ["env", "-u", "SSL_CERT_FILE", "-u", "SSL_CERT_DIR"]
    said = trusting.certboot("doctor", "hook", server.shown, status=1)
    assert "SSL_CERT_FILE decides here, and certboot leaves it alone" in said
    ran = trusting.environment.run(*fix[0], home=trusting.home, **trusting.variables)
    assert ran.status == 0, ran.out
    del trusting.variables["SSL_CERT_FILE"], trusting.variables["SSL_CERT_DIR"]
    assert trusting.reaches(server)
