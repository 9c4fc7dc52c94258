"""``certboot scan`` with real servers: the causes that the doctor gives, in order, within the time, and nobody else."""

from __future__ import annotations

import json
import socket
import ssl
import time
import typing
import warnings
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from support import faults
from support.commands import Run, saved
from support.faults import Listener, Talk, after_hello, server_context, tls
from support.pki import CA, DAY, LEAF, NOW, Form, Made, make, on_server
from support.table import cases
from support.zoo import ZOO

from certboot.doctor.findings import EXPLANATIONS
from certboot.net.handshake import Handshake, handshake
from certboot.net.target import Target
from certboot.pki.certificate import load_certificate
from certboot.pki.parsed import parsed_certificate
from certboot.scan import probe
from certboot.scan.probe import Prober
from certboot.scan.result import NOT_A_HOST, parse_line, scan_line
from certboot.scan.tally import Issuers
from certboot.store.paths import StorePaths

Listen = Callable[..., Listener]
SRC = Path(__file__).parents[2] / "src" / "certboot"
SCHEMA = json.loads((SRC / "scan" / "scan.schema.json").read_text())
Draft202012Validator.check_schema(SCHEMA)


def results(text: str) -> list[dict[str, typing.Any]]:
    """The lines, each as its schema has it, and as --resume and --merge take it."""
    assert text.isascii()
    assert "".join(scan_line(parse_line(line.encode())) for line in text.splitlines()) == text
    lines = [json.loads(line) for line in text.splitlines()]
    for result in lines:
        Draft202012Validator(SCHEMA).validate(result)
    return lines


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


@pytest.mark.usefixtures("one_client")
@cases("name", ZOO)
def test_each_fault_of_a_chain_has_the_cause_that_the_doctor_gives_it(
    certboot: Run, listen: Listen, trust: Callable[..., None], name: str
) -> None:
    cause, status, make_chain, _ = ZOO[name]
    made = make_chain()
    trust(*made.trusted)
    host = f"localhost:{listen(tls(made.context())).port}"
    doctor = json.loads(certboot("doctor", "hook", host, "--json").out)
    ran = certboot("scan", host)
    (result,) = results(ran.out)
    first = next(finding for finding in doctor["findings"] if finding["group"] == "server")
    assert (result["primary"], result["status"]) == (first["id"], first["status"]) == (cause, status)
    assert doctor["primary"] == (cause if status == "fail" else None)
    assert (result["fix"], result["summary"], result["target"]) == (first["fix"], first["summary"], host)
    assert result["verify_code"] == first["evidence"]["verify_code"]
    assert result["certificate"].items() <= first["evidence"]["chain"][0].items()
    assert ran.status == int(status == "fail")
    assert cause in EXPLANATIONS


@cases(
    ("talk", "cause"),
    [
        (faults.plain_http, "plain-http"),
        (faults.imap(faults.silent), "starttls-needed"),
        (after_hello(bytes(range(0x80, 0xC0))), "not-tls"),
        (after_hello(b"\x15\x03\x03\x00\x02\x02\x28"), "handshake-failed"),
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
    (result,) = results(certboot("scan", host, "--timeout", "1").out)
    assert result["primary"] == doctor["primary"] == cause
    assert (result["certificate"], result["protocol"]) == (None, "")


def test_a_list_of_all_kinds_has_a_line_for_each_entry_and_a_summary(
    certboot: Run, listen: Listen, corp: Corp, tmp_path: Path
) -> None:
    good = listen(corp.talk()).port
    expired = listen(corp.talk(valid=(NOW - 9 * DAY, NOW - DAY))).port
    soon = listen(corp.talk(valid=(NOW - 9 * DAY, NOW + 3 * DAY))).port
    gone = listen(faults.silent)
    gone.close()
    hosts = tmp_path / "hosts"
    hosts.write_text(
        f"# ours\ngood.test:444 127.0.0.1:{good}\n\ngood.test 127.0.0.1:{expired}\nno host\tat all\n"
        f"good.test 127.0.0.1:{soon}\nother.test 127.0.0.1:{good} # another name\n"
        f"https://user:secret@127.0.0.1:{gone.port}/\nno-such-host.invalid\n"
    )
    ran = certboot("scan", f"good.test 127.0.0.1:{good}", "--file", hosts)
    lines = results(ran.out)
    assert [result["primary"] for result in lines] == [
        None, None, "expired-leaf", NOT_A_HOST, None, "hostname-mismatch", "connection-refused", "dns-failure",
    ]  # fmt: skip
    assert [result["number"] for result in lines] == list(range(1, 9))
    assert (lines[0]["protocol"], lines[0]["verify_code"], lines[0]["also"]) == ("TLSv1.3", 0, [])
    assert lines[0]["certificate"]["subject"] == "CN=good.test"
    assert [result["status"] for result in lines] == ["ok", "ok", "fail", "fail", "ok", "fail", "fail", "fail"]
    assert lines[1]["target"] == "good.test:444"
    assert (lines[3]["input"], lines[3]["target"]) == ("no host at all", "")
    assert lines[4]["also"] == ["expires-soon"]
    assert lines[6]["input"] == f"https://127.0.0.1:{gone.port}/"
    assert "secret" not in ran.out + ran.err
    assert ran.status == 1
    first, *summary = ran.err.splitlines()
    assert first == "7 hosts: 3 good, 4 fail; 1 ends soon; 1 entry names no host"
    assert summary[0].split() == ["1", "connection-refused", f"127.0.0.1:{gone.port}"]
    assert summary[4].split() == ["1", "not-a-host", "no", "host", "at", "all"]
    assert summary[5:] == ["hint: certboot explain connection-refused"]


def test_results_come_in_the_order_of_the_list_or_as_they_come_and_a_host_named_again_is_asked_once(
    certboot: Run, listen: Listen, corp: Corp
) -> None:
    server = listen(corp.talk())
    line = f"good.test 127.0.0.1:{server.port}"
    hosts = [f"127.0.0.1:{listen(faults.silent).port}", *[line] * 9]
    ordered = results(certboot("scan", *hosts, "--timeout", "0.5").out)
    assert [(result["number"], result["primary"]) for result in ordered[1:]] == [(n, None) for n in range(2, 11)]
    assert server.count == 1
    unordered = results(certboot("scan", *hosts, "--timeout", "0.5", "--unordered").out)
    assert unordered[-1]["number"] == 1
    certboot("scan", line, f"other.test 127.0.0.1:{server.port}")
    assert server.count == 4


def test_version_6_names_beyond_ascii_and_hosts_that_begin_in_plain_text(
    certboot: Run, listen: Listen, corp: Corp
) -> None:
    own = on_server(make("a", corp.root, Form(names=("::1", "xn--zrich-kva.test"))))
    port = listen(tls(server_context(own)), "::1").port
    lines = results(certboot("scan", f"[::1]:{port}", f"https://zürich.test/ [::1]:{port}").out)
    port = listen(faults.smtp(corp.talk())).port
    lines += results(certboot("scan", f"good.test 127.0.0.1:{port}", "--starttls", "smtp").out)
    assert [result["primary"] for result in lines] == [None] * 3
    assert [result["target"] for result in lines][1:] == ["zürich.test:443", "good.test:25"]


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
    lines = results(certboot("scan", *hosts, "--timeout", "1.5").out)
    assert time.monotonic() - begin < 4
    causes = [result["primary"] for result in lines]
    assert causes[1:3] == ["timeout", "timeout"]
    assert None not in causes[:4]
    assert causes[4] is None
    assert all(result["seconds"] < 2.5 for result in lines)
    assert {"error", "ok"} & {result["status"] for result in lines} == {"ok"}


def test_what_is_remembered_of_certificates_is_bounded_by_their_size_too(
    certboot: Run, listen: Listen, corp: Corp
) -> None:
    """And no line is longer for what a server puts into its certificate."""
    form = Form(names=("good.test",), organisation="x" * 20_000)
    large = tls(server_context(on_server(make("good.test", form=form))))
    (result,) = results(certboot("scan", f"good.test 127.0.0.1:{listen(corp.talk()).port}").out)
    assert parsed_certificate.cache_info().currsize > 0
    (result,) = results(certboot("scan", f"good.test 127.0.0.1:{listen(large).port}").out)
    assert result["primary"] == "self-signed-leaf"
    assert len(json.dumps(result)) < 10_000
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
    ports = [listener.port for listener in (missing, expired, web)]
    hosts = [f"good.test 127.0.0.1:{port}" for port in ports]
    lines = results(certboot("scan", *hosts, "not.exa\tmple.invalid:1 x y").out)
    assert [result["primary"] for result in lines] == ["missing-intermediate", "expired-leaf", "plain-http", NOT_A_HOST]
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
    lines = results(ran.out)
    assert [result["primary"] for result in lines] == ["untrusted-root"] * 3 + [None]
    assert [result["root"] for result in lines] == ["CN=The Box"] * 3 + [""]
    assert ("the same untrusted CA stands behind unrelated hosts: CN=The Box" in ran.err) == is_said
    assert ("TLS inspection" in ran.err) == is_said
    assert ("something on the way opens TLS" in lines[2]["summary"]) == is_said


def test_no_warning_of_one_thread_reaches_the_user(certboot: Run, listen: Listen, corp: Corp) -> None:
    """Pytest makes errors of warnings: those of the handshake that offers what is out of use, in all threads."""
    hosts = [f"good.test 127.0.0.1:{listen(after_hello()).port}" for _ in range(8)]
    hosts += [f"good.test 127.0.0.1:{listen(corp.talk()).port}"]
    before = warnings.filters[:]
    ran = certboot("scan", *hosts)
    assert [result["primary"] for result in results(ran.out)] == ["closed-during-handshake"] * 8 + [None]
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
    lines = results(ran.out)
    assert [(result["primary"], result["status"]) for result in lines] == [
        ("check-not-finished", "error"),
        (None, "ok"),
    ]
    assert lines[0]["summary"] == "RuntimeError: nobody thought of that"
    assert ran.status == 2
    assert "1 good, 0 fail, 1 not finished" in ran.err
    assert "hint" not in ran.err


@pytest.mark.usefixtures("one_client")
def test_a_scan_reads_the_store_as_its_directory_wherever_the_variables_lead(
    certboot: Run, listen: Listen, corp: Corp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clean: Path
) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(corp.root.pem)
    assert certboot("init", "--source", "certifi", "--add", own).status == 0
    elsewhere = tmp_path / "elsewhere.pem"
    elsewhere.write_bytes(make("Another Root", form=CA).pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(elsewhere))
    seen: list[Handshake] = []

    def remembered(target: Target, context: ssl.SSLContext) -> Handshake:
        seen.append(handshake(target, context))
        return seen[-1]

    monkeypatch.setattr(probe, "handshake", remembered)
    leaf = make("good.test", corp.middle, Form(names=("good.test",)))
    ports = [listen(corp.talk()).port, listen(tls(server_context(on_server(leaf)))).port]
    hosts = [f"good.test 127.0.0.1:{port}" for port in ports]
    assert [result["primary"] for result in results(certboot("scan", *hosts, "--jobs", "1").out)] == [
        None, "missing-intermediate",
    ]  # fmt: skip
    assert [shaken.chain.anchors for shaken in seen] == [(corp.root.der,)] * 2
    monkeypatch.setenv("SSL_CERT_FILE", str(clean / ".local/share/certboot/current/bundle.pem"))
    for cause, port in zip((None, "missing-intermediate"), ports, strict=True):
        doctor = certboot("doctor", "hook", "good.test", "--connect", f"127.0.0.1:{port}", "--json")
        assert json.loads(doctor.out)["primary"] == cause


def test_cas_of_one_name_are_at_hand_before_any_thread_looks_for_one(
    certboot: Run, paths: StorePaths, tmp_path: Path
) -> None:
    """OpenSSL reads them one by one, and a thread that came meanwhile refused hosts of the others, now and then."""
    alike, other = [make("Corp Root", form=CA) for _ in range(3)], make("Another Root", form=CA)
    assert certboot("init", "--source", "certifi", "--add", saved(tmp_path / "own.pem", *alike, other)).status == 0
    prober = Prober(paths, {}, Issuers())
    for context in (prober._context, prober._others, prober._without_common_name):
        assert set(context.get_ca_certs(binary_form=True)) == {root.der for root in alike}
