"""``certboot scan`` with real servers: the causes that the doctor gives, in order, within the time, and nobody else."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import ssl
import sys
import threading
import time
import typing
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from support import faults
from support.chains import CA, LEAF, Form, Made, make, on_server
from support.faults import Listener, Talk, after_hello, server_context, tls
from support.pki import DAY, NOW
from support.table import cases

from certboot.doctor.findings import EXPLANATIONS
from certboot.net.connection import Target
from certboot.net.handshake import Handshake, handshake
from certboot.pki.certificate import load_certificate
from certboot.pki.parsed import parsed_certificate
from certboot.scan import probe
from certboot.scan.result import NOT_A_HOST

if typing.TYPE_CHECKING:
    from types import ModuleType

    from support.environments import Ran

Run = Callable[..., "Ran"]
Listen = Callable[..., Listener]
SRC = Path(__file__).parents[2] / "src" / "certboot"
SCHEMA = json.loads((SRC / "scan" / "scan.schema.json").read_text())
Draft202012Validator.check_schema(SCHEMA)


def zoo() -> ModuleType:
    """The module with the doctor's own zoo of faults."""
    path = Path(__file__).parents[1] / "doctor" / "server" / "test_server_faults.py"
    spec = importlib.util.spec_from_file_location("zoo_for_scan", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


ZOO = zoo()


@pytest.fixture
def listen() -> Iterator[Listen]:
    """Start a server that talks like this: ``listen(talk)``."""
    listeners: list[Listener] = []

    def start(talk: Talk, host: str = "127.0.0.1") -> Listener:
        listeners.append(Listener(talk, host))
        return listeners[-1]

    yield start
    for each in listeners:
        each.close()


@pytest.fixture
def trust(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Make these certificates the active trust."""

    def set_to(*anchors: Made) -> None:
        path = tmp_path / "anchors.pem"
        path.write_bytes(b"".join(each.pem for each in anchors))
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "no-directory"))

    return set_to


def results(text: str) -> list[dict[str, typing.Any]]:
    """The lines, each as its schema has it."""
    assert text.isascii()
    found = [json.loads(line) for line in text.splitlines()]
    for each in found:
        Draft202012Validator(SCHEMA).validate(each)
    return found


class Corp(typing.NamedTuple):
    """A CA, and servers with certificates by it."""

    root: Made
    middle: Made

    def talk(self, valid: tuple[datetime, datetime] = LEAF.valid) -> Talk:
        leaf = make("good.test", self.middle, Form(names=("good.test",), valid=valid))
        return tls(server_context(on_server(leaf, self.middle)))


@pytest.fixture
def corp(trust: Callable[..., None]) -> Corp:
    root = make("Corp Root", form=CA)
    trust(root)
    return Corp(root, make("Corp Issuing CA", root, CA))


@cases("name", ZOO.ZOO)
def test_each_fault_of_a_chain_has_the_cause_that_the_doctor_gives_it(
    certboot: Run, listen: Listen, trust: Callable[..., None], name: str
) -> None:
    cause, status, make_chain, _ = ZOO.ZOO[name]
    made = make_chain()
    trust(*made.trusted)
    host = f"localhost:{ZOO.serve(listen, made)}"
    doctor = json.loads(certboot("doctor", "hook", host, "--json").out)
    ran = certboot("scan", host)
    (found,) = results(ran.out)
    first = next(finding for finding in doctor["findings"] if finding["group"] == "server")
    assert (found["primary"], found["status"]) == (doctor["primary"], first["status"]) == (cause, status)
    assert (found["fix"], found["summary"], found["target"]) == (first["fix"], first["summary"], host)
    assert found["verify_code"] == first["evidence"]["verify_code"]
    assert found["certificate"] == first["evidence"]["chain"][0]
    assert ran.status == int(status == "fail")
    assert cause in EXPLANATIONS


@cases(
    ("talk", "cause"),
    [
        (faults.plain_http, "plain-http"),
        (faults.imap(faults.silent), "starttls-needed"),
        (after_hello(bytes(range(0x80, 0xC0))), "not-tls"),
        (after_hello(b"\x15\x03\x03\x00\x02\x02\x28"), "no-common-cipher"),
        (after_hello(), "closed-during-handshake"),
        (faults.reset, "closed-during-handshake"),
        (faults.silent, "timeout"),
    ],
)
def test_each_fault_without_a_chain_has_the_cause_that_the_doctor_gives_it(
    certboot: Run, listen: Listen, talk: Talk, cause: str
) -> None:
    host = f"localhost:{listen(talk).port}"
    doctor = json.loads(certboot("doctor", "hook", host, "--json", "--timeout", "1").out)
    (found,) = results(certboot("scan", host, "--timeout", "1").out)
    assert found["primary"] == doctor["primary"] == cause
    assert found["certificate"] is None


def test_a_chain_that_is_good_for_everybody_has_no_cause(certboot: Run, listen: Listen, corp: Corp) -> None:
    ran = certboot("scan", f"good.test 127.0.0.1:{listen(corp.talk()).port}")
    (found,) = results(ran.out)
    assert (ran.status, found["primary"], found["status"], found["also"]) == (0, None, "ok", [])
    assert (found["protocol"], found["verify_code"]) == ("TLSv1.3", 0)
    assert found["certificate"]["subject"] == "CN=good.test"
    assert ran.err == "1 host: 1 good, 0 fail\n"


def test_a_list_of_all_kinds_has_a_line_for_each_entry_and_a_summary(
    certboot: Run, listen: Listen, corp: Corp, tmp_path: Path
) -> None:
    good = listen(corp.talk()).port
    expired = listen(corp.talk(valid=(NOW - 9 * DAY, NOW - DAY))).port
    soon = listen(corp.talk(valid=(NOW - DAY, NOW + 3 * DAY))).port
    gone = listen(faults.silent)
    gone.close()
    hosts = tmp_path / "hosts"
    hosts.write_text(
        f"# ours\ngood.test:444 127.0.0.1:{good}\n\ngood.test 127.0.0.1:{expired}\nno host\tat all\n"
        f"good.test 127.0.0.1:{soon}\nother.test 127.0.0.1:{good} # another name\n"
        f"https://user:secret@127.0.0.1:{gone.port}/\nno-such-host.invalid\n"
    )
    ran = certboot("scan", f"good.test 127.0.0.1:{good}", "--file", hosts)
    found = results(ran.out)
    assert [each["primary"] for each in found] == [
        None, None, "expired-leaf", NOT_A_HOST, None, "hostname-mismatch", "connection-refused", "dns-failure",
    ]  # fmt: skip
    assert [each["number"] for each in found] == list(range(1, 9))
    assert [each["status"] for each in found] == ["ok", "ok", "fail", "fail", "ok", "fail", "fail", "fail"]
    assert found[1]["target"] == "good.test:444"
    assert (found[3]["input"], found[3]["target"]) == ("no host at all", "")
    assert found[4]["also"] == ["expires-soon"]
    assert found[6]["input"] == f"https://127.0.0.1:{gone.port}/"
    assert "secret" not in ran.out + ran.err
    assert ran.status == 1
    first, *lines = ran.err.splitlines()
    assert first == "7 hosts: 3 good, 4 fail; 1 entry of the list is no host"
    assert lines[0].split() == ["1", "connection-refused", f"127.0.0.1:{gone.port}"]
    assert lines[4].split() == ["1", "not-a-host", "no", "host", "at", "all"]
    assert lines[5].split() == ["1", "also", "expires-soon"]
    assert lines[-1] == "hint: certboot explain connection-refused"


def test_unordered_writes_each_line_when_its_host_is_done(certboot: Run, listen: Listen, corp: Corp) -> None:
    hosts = [f"127.0.0.1:{listen(faults.silent).port}", f"good.test 127.0.0.1:{listen(corp.talk()).port}"]
    ordered = results(certboot("scan", *hosts, "--timeout", "0.5").out)
    assert [each["number"] for each in ordered] == [1, 2]
    unordered = results(certboot("scan", *hosts, "--timeout", "0.5", "--unordered").out)
    assert [each["number"] for each in unordered] == [2, 1]


def test_a_host_that_is_named_again_is_asked_once(certboot: Run, listen: Listen, corp: Corp) -> None:
    server = listen(corp.talk())
    line = f"good.test 127.0.0.1:{server.port}"
    found = results(certboot("scan", *[line] * 20).out)
    assert [(each["number"], each["primary"]) for each in found] == [(number, None) for number in range(1, 21)]
    assert server.count == 1
    certboot("scan", line, f"other.test 127.0.0.1:{server.port}")
    assert server.count == 3


def test_version_6_and_names_beyond_ascii(certboot: Run, listen: Listen, corp: Corp) -> None:
    port = listen(
        tls(server_context(on_server(make("a", corp.root, Form(names=("::1", "xn--zrich-kva.test")))))), "::1"
    )
    found = results(certboot("scan", f"[::1]:{port.port}", f"https://zürich.test/ [::1]:{port.port}").out)
    assert [(each["primary"], each["target"]) for each in found] == [
        (None, f"[::1]:{port.port}"), (None, "zürich.test:443"),
    ]  # fmt: skip


def test_hosts_that_begin_in_plain_text(certboot: Run, listen: Listen, corp: Corp) -> None:
    port = listen(faults.smtp(corp.talk())).port
    ran = certboot("scan", f"good.test 127.0.0.1:{port}", "--starttls", "smtp")
    assert [(each["primary"], each["target"]) for each in results(ran.out)] == [(None, "good.test:25")]


def endless(connection: socket.socket) -> None:
    connection.recv(4096)
    while True:
        connection.sendall(b"\x16\x03\x03\x40\x00\x0b\xff\xff\xff" + bytes(0x3FFC))


def a_byte_a_moment(connection: socket.socket) -> None:
    connection.recv(4096)
    for byte in faults.server_hello() * 100:
        connection.sendall(bytes((byte,)))
        time.sleep(0.1)


def test_hostile_servers_end_within_the_timeout(certboot: Run, listen: Listen, corp: Corp) -> None:
    talks = [endless, a_byte_a_moment, faults.silent, after_hello(bytes(70_000)), corp.talk()]
    hosts = [f"good.test 127.0.0.1:{listen(talk).port}" for talk in talks]
    begin = time.monotonic()
    found = results(certboot("scan", *hosts, "--timeout", "1.5").out)
    assert time.monotonic() - begin < 4
    causes = [each["primary"] for each in found]
    assert causes[1:3] == ["timeout", "timeout"]
    assert None not in causes[:4]
    assert causes[4] is None
    assert all(each["seconds"] < 2.5 for each in found)
    assert {"error", "ok"} & {each["status"] for each in found} == {"ok"}


def test_what_is_remembered_of_certificates_is_bounded_by_their_size_too(
    certboot: Run, listen: Listen, corp: Corp
) -> None:
    """And no line is longer for what a server puts into its certificate."""
    form = Form(names=("good.test",), organisation="x" * 20_000)
    large = tls(server_context(on_server(make("good.test", form=form))))
    (found,) = results(certboot("scan", f"good.test 127.0.0.1:{listen(corp.talk()).port}").out)
    assert parsed_certificate.cache_info().currsize > 0
    (found,) = results(certboot("scan", f"good.test 127.0.0.1:{listen(large).port}").out)
    assert found["primary"] == "self-signed-leaf"
    assert len(json.dumps(found)) < 10_000
    assert parsed_certificate.cache_info().currsize == load_certificate.cache_info().currsize == 0


def test_nothing_is_contacted_but_what_the_list_names(
    certboot: Run, listen: Listen, corp: Corp, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacted: set[object] = set()
    resolved: set[object] = set()
    connect, resolve = socket.socket.connect, socket.getaddrinfo

    def noted(self: socket.socket, address: tuple[str, int]) -> None:
        contacted.add(address)
        connect(self, address)

    def asked(host: str, port: int, **options: int) -> object:
        resolved.add(host)
        return resolve(host, port, **options)

    monkeypatch.setattr(socket.socket, "connect", noted)
    monkeypatch.setattr(socket, "getaddrinfo", asked)
    leaf = make("good.test", corp.middle, Form(names=("good.test",), issuer_at="http://pki.example/ca.cer"))
    missing = listen(tls(server_context(on_server(leaf))))
    expired = listen(corp.talk(valid=(NOW - 9 * DAY, NOW - DAY)))
    web = listen(faults.plain_http)
    ports = [each.port for each in (missing, expired, web)]
    hosts = [f"good.test 127.0.0.1:{port}" for port in ports]
    found = results(certboot("scan", *hosts, "not.exa\tmple.invalid:1 x y").out)
    assert [each["primary"] for each in found] == ["missing-intermediate", "expired-leaf", "plain-http", NOT_A_HOST]
    assert contacted == {("127.0.0.1", port) for port in ports}
    assert resolved == {"127.0.0.1"}


@cases(
    ("hosts", "is_said"),
    [
        (("www.alpha.test", "www.beta.test", "www.gamma.test"), True),
        (("www.alpha.co.uk", "www.beta.co.uk", "www.gamma.co.uk"), True),
        (("www.alpha.test", "mail.alpha.test", "a.b.alpha.test"), False),
        (("www.alpha.test", "www.beta.test", "mail.beta.test"), False),
        (("alpha", "beta", "gamma"), False),
    ],
)
def test_the_same_untrusted_issuer_for_unrelated_hosts_is_taken_for_tls_inspection(
    certboot: Run, listen: Listen, corp: Corp, hosts: tuple[str, ...], *, is_said: bool
) -> None:
    root = make("The Box", form=CA)
    made = [
        f"{host} 127.0.0.1:{listen(tls(server_context(on_server(make(host, root, Form(names=(host,))), root)))).port}"
        for host in hosts
    ]
    good = f"good.test 127.0.0.1:{listen(corp.talk()).port}"
    ran = certboot("scan", *made, good, "--jobs", "1")
    found = results(ran.out)
    assert [each["primary"] for each in found] == ["untrusted-root"] * 3 + [None]
    assert [each["root"] for each in found] == ["CN=The Box"] * 3 + [""]
    assert ("the same untrusted CA stands behind unrelated hosts: CN=The Box" in ran.err) == is_said
    assert ("TLS inspection" in ran.err) == is_said
    assert ("something on the way opens TLS" in found[2]["summary"]) == is_said


def test_no_warning_of_one_thread_reaches_the_user(certboot: Run, listen: Listen, corp: Corp) -> None:
    """Pytest makes errors of warnings: those of the handshake that offers what is out of use, in all threads."""
    hosts = [f"good.test 127.0.0.1:{listen(after_hello()).port}" for _ in range(8)]
    hosts += [f"good.test 127.0.0.1:{listen(corp.talk()).port}"]
    before = warnings.filters[:]
    ran = certboot("scan", *hosts)
    assert [each["primary"] for each in results(ran.out)] == ["closed-during-handshake"] * 8 + [None]
    assert "Warning" not in ran.err
    assert warnings.filters[:] == before


def test_what_breaks_in_certboot_itself_is_a_result_and_not_the_end(
    certboot: Run, listen: Listen, corp: Corp, monkeypatch: pytest.MonkeyPatch
) -> None:

    def broken(target: Target, context: ssl.SSLContext) -> Handshake:
        if target.host == "broken.test":
            message = "nobody thought of that"
            raise RuntimeError(message)
        return handshake(target, context)

    monkeypatch.setattr(probe, "handshake", broken)
    ran = certboot("scan", "broken.test 127.0.0.1:1", f"good.test 127.0.0.1:{listen(corp.talk()).port}")
    found = results(ran.out)
    assert [(each["primary"], each["status"]) for each in found] == [("check-not-finished", "error"), (None, "ok")]
    assert found[0]["summary"] == "RuntimeError: nobody thought of that"
    assert ran.status == 2
    assert "1 good, 0 fail, 1 not finished" in ran.err
    assert "hint" not in ran.err


def test_the_store_is_read_as_its_directory(
    certboot: Run, listen: Listen, corp: Corp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clean: Path
) -> None:
    """And gives the same verdicts: the bundle is the same trust."""
    own = tmp_path / "own.pem"
    own.write_bytes(corp.root.pem)
    assert certboot("init", "--source", "certifi", "--add", own).status == 0
    current = clean / ".local/share/certboot/current"
    monkeypatch.setenv("SSL_CERT_FILE", str(current / "bundle.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(current / "crts"))
    seen: list[Handshake] = []

    def remembered(target: Target, context: ssl.SSLContext) -> Handshake:
        seen.append(handshake(target, context))
        return seen[-1]

    monkeypatch.setattr(probe, "handshake", remembered)
    leaf = make("good.test", corp.middle, Form(names=("good.test",)))
    ports = [listen(corp.talk()).port, listen(tls(server_context(on_server(leaf)))).port]
    hosts = [f"good.test 127.0.0.1:{port}" for port in ports]
    assert [each["primary"] for each in results(certboot("scan", *hosts, "--jobs", "1").out)] == [
        None, "missing-intermediate",
    ]  # fmt: skip
    assert [each.chain.anchors for each in seen] == [(corp.root.der,)] * 2
    assert os.environ["SSL_CERT_FILE"] == str(current / "bundle.pem")
    for each, port in zip((None, "missing-intermediate"), ports, strict=True):
        doctor = certboot("doctor", "hook", "good.test", "--connect", f"127.0.0.1:{port}", "--json")
        assert json.loads(doctor.out)["primary"] == each


def test_threads_are_gone_when_it_is_over(certboot: Run, listen: Listen, corp: Corp) -> None:
    certboot("scan", *[f"good.test:{port} 127.0.0.1:{listen(corp.talk()).port}" for port in range(1, 9)])
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline and any(each.name.startswith("certboot") for each in threading.enumerate()):
        time.sleep(0.01)
    assert not [each.name for each in threading.enumerate() if each.name.startswith("certboot")]
