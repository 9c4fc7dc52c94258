"""The command that the doctor names is run as it stands, and then the handshake succeeds that failed before."""

from __future__ import annotations

import hashlib
import json
import typing
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from support.issuers import ChainServer, intermediate, leaf, without_its_issuer
from support.pki import DAY, NOW, Issued, ca_extensions, issue
from support.programs import GET
from support.server import PlainServer, page

if typing.TYPE_CHECKING:
    from pathlib import Path

    from support.environments import Environment

pytestmark = pytest.mark.slow

Send = Callable[..., ChainServer]


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
        """What the doctor says of the server for urllib, which is asked here: the cause, and its commands."""
        answer = json.loads(self.certboot("doctor", "environment", "hook", server.shown, "--json", status=None))
        findings = [finding for finding in answer["findings"] if finding["group"] == "server"]
        of_urllib = (finding for finding in findings if "urllib" in finding["evidence"].get("clients", ()))
        finding = next(of_urllib, findings[0])
        return finding["id"] if answer["primary"] else None, finding["fix"]

    def mended(self, server: ChainServer, cause: str, *commands: str, pin: str = "") -> None:
        """See that the doctor names the cause and these commands, run them, and reach the server."""
        assert not self.reaches(server)
        found, fix = self.cause(server)
        assert (found, [argv[1] for argv in fix]) == (cause, list(commands))
        private = ["--yes", "--allow-private"]
        answers = {"repair": private, "adopt": ["--yes"], "trust": [*private, "--sha256", pin]}
        for program, *argv in fix:
            assert program == "certboot"
            self.certboot(*argv, *answers[argv[0]])
        assert self.reaches(server)


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


@pytest.fixture
def unsent(root: Issued, place: PlainServer, send: Send) -> ChainServer:
    """A server that does not send its intermediate, which lies where its certificate says."""
    return without_its_issuer(root, place, send)


def test_missing_intermediate(trusting: User, unsent: ChainServer) -> None:
    trusting.mended(unsent, "missing-intermediate", "repair")
    assert trusting.cause(unsent) == (None, [])


def test_expired_intermediate(trusting: User, root: Issued, place: PlainServer, send: Send) -> None:
    """The server still sends the old one, and the new one lies where its certificate says."""
    key = issue("key").key
    old = intermediate("Example CA", root, key=key, valid=(NOW - 9 * DAY, NOW - DAY))
    new = intermediate("Example CA", root, key=key)
    place.pages["/ca"] = page(new.der)
    trusting.mended(send(leaf(new, f"{place.url}/ca"), old), "expired-intermediate", "repair")


@pytest.mark.parametrize("is_sent", [True, False], ids=["sent", "fetched"])
def test_untrusted_root(trusting: User, place: PlainServer, send: Send, *, is_sent: bool) -> None:
    own = issue("Corp Root")
    place.pages["/root"] = page(own.der)
    ca = intermediate("Corp CA", own, *([] if is_sent else [f"{place.url}/root"]))
    server = send(leaf(ca), ca, *([own] if is_sent else []))
    trusting.mended(server, "untrusted-root", "trust", pin=hashlib.sha256(own.der).hexdigest())


def test_what_no_command_can_mend_has_none_but_words(trusting: User, send: Send) -> None:
    ca, key = intermediate("Corp CA", issue("Corp Root")), issue("key").key
    expired = issue("localhost", extensions=ca_extensions(key), key=key, valid=(NOW - 9 * DAY, NOW - DAY))
    assert trusting.cause(send(expired))[1] == []
    unknown = send(leaf(ca), ca)
    assert trusting.cause(unknown) == ("untrusted-root", [])
    assert "certboot trust FILE" in trusting.certboot("doctor", "hook", unknown.shown, status=1)


def test_a_root_that_looks_like_an_intermediate_is_trusted_from_its_file(trusting: User, send: Send) -> None:
    own = issue("Corp Issuing CA")
    server = send(leaf(own))
    assert trusting.cause(server) == ("missing-intermediate", [])
    assert "certboot trust FILE" in trusting.certboot("doctor", "hook", server.shown, status=1)
    (trusting.home / "own.pem").write_bytes(own.pem)
    trusting.certboot("trust", "own.pem", "--yes")
    assert trusting.reaches(server)


def test_self_signed_leaf_that_may_act_as_a_ca(trusting: User, send: Send) -> None:
    key = issue("key").key
    names = [each for each in leaf(issue("CA")).certificate.extensions if each.oid.dotted_string == "2.5.29.17"]
    extensions = (*ca_extensions(key), *((each.value, each.critical) for each in names))
    own = issue("localhost", extensions=extensions, key=key)
    trusting.mended(send(own), "self-signed-leaf", "trust", pin=hashlib.sha256(own.der).hexdigest())


@pytest.fixture
def preset(trusting: User) -> User:
    """A user whose shell names another bundle."""
    (trusting.home / "other.pem").write_bytes(issue("Another Root").pem)
    trusting.variables["SSL_CERT_FILE"] = str(trusting.home / "other.pem")
    return trusting


def test_a_variable_keeps_out_the_intermediate_that_was_repaired_before(preset: User, unsent: ChainServer) -> None:
    preset.certboot("repair", "--yes", "--allow-private", unsent.shown)
    preset.mended(unsent, "missing-intermediate", "adopt")


def test_a_variable_keeps_out_what_is_repaired(preset: User, unsent: ChainServer) -> None:
    preset.mended(unsent, "missing-intermediate", "repair", "adopt")


def test_a_variable_keeps_out_what_is_trusted(preset: User, send: Send) -> None:
    own = issue("Corp Root")
    pin = hashlib.sha256(own.der).hexdigest()
    preset.mended(send(leaf(own), own), "untrusted-root", "trust", "adopt", pin=pin)


def test_a_variable_that_is_broken_is_named_and_without_it_all_is_well(
    trusting: User, root: Issued, send: Send
) -> None:
    """Nobody but who set it can take it back: the command shows that it is the cause."""
    (trusting.home / "notes.txt").write_text("words")
    (trusting.home / "other.pem").write_bytes(issue("Another Root").pem)  # a relative path is another in every folder
    ca = intermediate("Example CA", root)
    server = send(leaf(ca), ca)
    assert trusting.reaches(server)
    trusting.variables["SSL_CERT_DIR"] = str(trusting.home / "none")
    fix: list[list[str]] = []
    for value in ("/nowhere.pem", "", str(trusting.home / "notes.txt"), str(trusting.home), "other.pem"):
        trusting.variables["SSL_CERT_FILE"] = value
        cause, fix = trusting.cause(server)
        expected = "untrusted-root" if value == "other.pem" else "client-cannot-load"
        assert (value, cause, len(fix)) == (value, expected, 1)
        assert fix[0][:5] == ["env", "-u", "SSL_CERT_FILE", "-u", "SSL_CERT_DIR"]
    assert not trusting.reaches(server)
    said = trusting.certboot("doctor", "hook", server.shown, status=1)
    assert "SSL_CERT_FILE decides here, and certboot leaves it alone" in said
    ran = trusting.environment.run(*fix[0], home=trusting.home, **trusting.variables)
    assert ran.status == 0, ran.out
