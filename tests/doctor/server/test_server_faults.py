"""The fault zoo: for every cause a real server that has exactly that fault, and a control that lacks it."""

from __future__ import annotations

import dataclasses
import socket
import ssl
import time
import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from support import faults
from support.chains import CA, LEAF, Form, Made, make, name, on_server, rsa_key
from support.faults import Listener, after_hello, server_context, tls
from support.pki import DAY, NOW
from support.table import cases

from certboot.pki.verdict import STRICT_PYTHON

if typing.TYPE_CHECKING:
    from support.asking import Answer

Ask = Callable[..., "Answer"]
Listen = Callable[..., Listener]
Trust = Callable[..., Path]
PAST, FUTURE = (NOW - 9 * DAY, NOW - DAY), (NOW + DAY, NOW + 9 * DAY)


def changed(form: Form, **changes: object) -> Form:
    return dataclasses.replace(form, **changes)  # type: ignore[arg-type]


class Chain(typing.NamedTuple):
    """What a server sends, and what is trusted."""

    leaf: Made
    sent: tuple[Made, ...]
    trusted: tuple[Made, ...]


def chain(root: Form = CA, middle: Form = CA, leaf: Form = LEAF) -> Chain:
    top = make("Corp Root", form=root)
    between = make("Middle", top, middle)
    return Chain(make("localhost", between, leaf), (between,), (top,))


def missing() -> Chain:
    top = make("Corp Root", form=CA)
    between = make("Corp Issuing CA", top, CA)
    leaf = make("localhost", between, changed(LEAF, issuer_at="http://pki.example/ca.cer"))
    return Chain(leaf, (), (top,))


def strangers() -> Chain:
    top, other = make("Corp Root", form=CA), make("Old Root", form=CA)
    between = make("Corp Issuing CA", top, CA)
    return Chain(make("localhost", between), (make("Old Issuing CA", other, CA), other), (top,))


def constrained() -> Chain:
    only = x509.NameConstraints([x509.DNSName("example.org")], None)
    return chain(root=changed(CA, extra=((only, True),)))


def forged() -> Chain:
    top = make("Corp Root", form=CA)
    between = make("Middle", top, CA)
    return Chain(make("localhost", between, signer=make("Other", form=CA).key), (between,), (top,))


def untrusted() -> Chain:
    whole = chain()
    return Chain(whole.leaf, (*whole.sent, *whole.trusted), (make("Another Root", form=CA),))


def weak_leaf() -> Chain:
    top = make("Corp Root", form=CA)
    return Chain(make("localhost", top, key=rsa_key(1024)), (), (top,))


def weak_ca() -> Chain:
    top = make("Corp Root", form=CA)
    between = make("Middle", top, CA, key=rsa_key(1024))
    return Chain(make("localhost", between), (between,), (top,))


def self_signed() -> Chain:
    return Chain(make("localhost", form=LEAF), (), (make("Another Root", form=CA),))


FAIL, WARN = "fail", "fail" if STRICT_PYTHON else "warn"
CLIENTS_ONLY = (ExtendedKeyUsageOID.CLIENT_AUTH,)
ZOO: dict[str, tuple[str, str, Callable[[], Chain], int | None]] = {
    # name: cause, status, chain, OpenSSL's code here
    "missing-intermediate": ("missing-intermediate", FAIL, missing, 20),
    "untrusted-root": ("untrusted-root", FAIL, untrusted, 19),
    "self-signed-leaf": ("self-signed-leaf", FAIL, self_signed, 18),
    "expired-leaf": ("expired-leaf", FAIL, lambda: chain(leaf=changed(LEAF, valid=PAST)), 10),
    "expired-intermediate": ("expired-intermediate", FAIL, lambda: chain(middle=changed(CA, valid=PAST)), 10),
    "expired-root": ("expired-root", FAIL, lambda: chain(root=changed(CA, valid=PAST)), 10),
    "not-yet-valid": ("not-yet-valid", FAIL, lambda: chain(leaf=changed(LEAF, valid=FUTURE)), 9),
    "a root of the future": ("clock-skew", FAIL, lambda: chain(root=changed(CA, valid=FUTURE)), 9),
    "hostname-mismatch": ("hostname-mismatch", FAIL, lambda: chain(leaf=changed(LEAF, names=("a.example",))), 62),
    "no-subject-alt-name": ("no-subject-alt-name", FAIL, lambda: chain(leaf=changed(LEAF, names=())), 0),
    "leaf without AKI": ("strict-missing-aki", WARN, lambda: chain(leaf=changed(LEAF, aki=False)), None),
    "middle without AKI": ("strict-missing-aki", WARN, lambda: chain(middle=changed(CA, aki=False)), None),
    "middle without SKI": ("strict-missing-ski", WARN, lambda: chain(middle=changed(CA, ski=False)), None),
    "root without SKI": ("strict-missing-ski", WARN, lambda: chain(root=changed(CA, ski=False)), None),
    "not critical": ("strict-basic-constraints", WARN, lambda: chain(middle=changed(CA, critical=False)), None),
    "root without constraints": (
        "strict-basic-constraints", WARN, lambda: chain(root=changed(CA, constraints=False)), None
    ),
    "no key usage": ("strict-key-usage", WARN, lambda: chain(middle=changed(CA, usage=False)), None),
    "leaf that may sign": ("strict-key-usage", WARN, lambda: chain(leaf=changed(LEAF, can_sign=True)), None),
    "path length without usage": (
        "strict-path-length", WARN, lambda: chain(middle=changed(CA, usage=False, path_length=0)), None
    ),
    "weak-key": ("weak-key", FAIL, weak_leaf, 66),
    "weak key of a CA": ("weak-key", FAIL, weak_ca, 67),
    "weak-signature": ("weak-signature", FAIL, lambda: chain(leaf=changed(LEAF, sha1=True)), 68),
    "wrong-purpose": ("wrong-purpose", FAIL, lambda: chain(leaf=changed(LEAF, purposes=CLIENTS_ONLY)), 26),
    "not-a-ca": ("not-a-ca", FAIL, lambda: chain(middle=changed(CA, ca=False)), 79),
    "path-length-exceeded": ("path-length-exceeded", FAIL, lambda: chain(root=changed(CA, path_length=0)), 25),
    "name-constraints": ("name-constraints", FAIL, constrained, 47),
    "invalid-signature": ("invalid-signature", FAIL, forged, 7),
    "wrong-chain": ("wrong-chain", FAIL, strangers, 20),
}  # fmt: skip


def serve(listen: Listen, made: Chain, **options: typing.Any) -> int:  # noqa: ANN401
    return listen(tls(server_context(on_server(made.leaf, *made.sent)), **options)).port


@cases(("cause", "status", "make_chain", "code"), ZOO.values())
def test_each_fault_of_a_chain_has_its_cause(  # noqa: PLR0913, PLR0917
    ask: Ask, listen: Listen, trust: Trust, cause: str, status: str, make_chain: Callable[[], Chain], code: int | None
) -> None:
    made = make_chain()
    trust(*made.trusted)
    answer = ask("hook", f"localhost:{serve(listen, made)}")
    assert (answer.primary, answer.first["status"]) == (cause, status)
    assert answer.first["evidence"]["verify_code"] == (
        code if code is not None else answer.first["evidence"]["verify_code"]
    )
    assert answer.first["evidence"]["chain"][0]["subject"] == "CN=localhost"
    assert answer.ids.count(cause) == 1
    if status == FAIL and code:
        assert any(link["fault"] == cause for link in answer.first["evidence"]["path"]) or cause == "wrong-chain"


def test_the_control_of_all_of_them_is_good(ask: Ask, listen: Listen, trust: Trust) -> None:
    made = chain()
    trust(*made.trusted)
    answer = ask("hook", f"localhost:{serve(listen, made)}")
    assert (answer.status, answer.primary, answer.ids) == (0, None, ["handshake-ok"])
    assert [link["state"] for link in answer.first["evidence"]["path"]] == ["sent", "sent", "trusted"]
    assert [verdict["code"] for verdict in answer.first["evidence"]["verdicts"]] == [0, 0, 0]


def test_an_address_must_stand_in_the_certificate(ask: Ask, listen: Listen, trust: Trust) -> None:
    wrong, right = chain(), chain(leaf=changed(LEAF, names=("127.0.0.1",)))
    trust(*wrong.trusted, *right.trusted)
    answer = ask("hook", f"127.0.0.1:{serve(listen, wrong)}")
    assert (answer.status, answer.primary, answer.first["evidence"]["verify_code"]) == (1, "ip-not-in-san", 64)
    assert "localhost" in answer.first["summary"]
    assert ask("hook", f"127.0.0.1:{serve(listen, right)}").primary is None


def test_a_common_name_stands_in_for_a_missing_alternative_name_in_the_standard_library_only(
    ask: Ask, listen: Listen, trust: Trust
) -> None:
    made = chain(leaf=changed(LEAF, names=()))
    trust(*made.trusted)
    answer = ask("hook", f"localhost:{serve(listen, made)}")
    verdicts = {each["client"]: each["code"] for each in answer.first["evidence"]["verdicts"]}
    assert verdicts == {"Python up to 3.12": 0, "Python 3.13 and newer": 0, "requests, urllib3 2, pip": 62}


@cases(
    ("order", "remark"),
    [
        (lambda made: (made.sent[0], made.trusted[0]), ["root-sent"]),
        (lambda made: (made.trusted[0], made.sent[0]), ["chain-out-of-order", "root-sent"]),
        (lambda made: (*made.sent, make("Stranger", make("Other Root", form=CA), CA)), ["wrong-chain"]),
        (lambda made: made.sent, []),
    ],
    ids=["root", "order", "stranger", "control"],
)
def test_what_does_no_harm_is_remarked_on(
    ask: Ask, listen: Listen, trust: Trust, order: Callable[[Chain], tuple[Made, ...]], remark: list[str]
) -> None:
    made = chain()
    trust(*made.trusted)
    answer = ask("hook", f"localhost:{serve(listen, Chain(made.leaf, order(made), ()))}")
    assert (answer.status, answer.primary, answer.ids) == (0, None, ["handshake-ok", *remark])


def test_a_certificate_that_ends_soon_is_remarked_on(ask: Ask, listen: Listen, trust: Trust) -> None:
    made = chain(leaf=changed(LEAF, valid=(NOW - DAY, NOW + 3 * DAY)))
    trust(*made.trusted)
    assert ask("hook", f"localhost:{serve(listen, made)}").ids == ["handshake-ok", "expires-soon"]


def test_what_would_come_up_next_is_told_beside_the_cause(ask: Ask, listen: Listen, trust: Trust) -> None:
    made = chain(middle=changed(CA, critical=False), leaf=changed(LEAF, valid=PAST))
    trust(make("Another Root", form=CA))
    answer = ask("hook", f"localhost:{serve(listen, made)}")
    assert (answer.primary, answer.ids[1:]) == ("untrusted-root", ["expired-leaf", "strict-basic-constraints"])


@cases(("valid", "code"), [(FUTURE, 9), (PAST, 10)], ids=["future", "past"])
def test_a_server_that_knows_the_time_tells_a_wrong_clock_from_a_wrong_certificate(
    ask: Ask, listen: Listen, trust: Trust, valid: tuple[typing.Any, typing.Any], code: int
) -> None:
    made = chain(leaf=changed(LEAF, valid=valid))
    trust(*made.trusted)
    then = (valid[0] + (valid[1] - valid[0]) / 2).timestamp()
    right = ask("hook", f"localhost:{serve(listen, made, date=then)}")
    assert (right.primary, right.first["evidence"]["verify_code"]) == (
        "clock-skew" if code == 9 else "expired-leaf",
        code,
    )
    assert ask("hook", f"localhost:{serve(listen, made)}").primary == ("not-yet-valid" if code == 9 else "expired-leaf")


OLD = "ALL:@SECLEVEL=0"


def versions(context: ssl.SSLContext, lowest: ssl.TLSVersion, highest: ssl.TLSVersion) -> ssl.SSLContext:
    context.minimum_version, context.maximum_version = lowest, highest
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@cases("version", ["TLSv1", "TLSv1_1"])
def test_old_versions_of_tls(ask: Ask, listen: Listen, version: str) -> None:
    only = ssl.TLSVersion[version]
    made = chain()
    answer = ask(
        "hook", f"localhost:{listen(tls(versions(server_context(on_server(made.leaf), OLD), only, only))).port}"
    )
    assert (answer.status, answer.primary) == (1, "old-tls-only")
    assert version.replace("_", ".") in answer.first["summary"]


TLS_1_2 = ssl.TLSVersion.TLSv1_2


def rsa_chain() -> Chain:
    top = make("Corp Root", form=CA)
    return Chain(make("localhost", top, key=rsa_key(2048)), (), (top,))


def test_weak_ciphers(ask: Ask, listen: Listen, trust: Trust) -> None:
    made = rsa_chain()
    trust(*made.trusted)
    weak = versions(server_context(on_server(made.leaf), "AES128-SHA:@SECLEVEL=0"), TLS_1_2, TLS_1_2)
    answer = ask("hook", f"localhost:{listen(tls(weak)).port}")
    assert (answer.status, answer.primary) == (1, "no-common-cipher")
    assert "AES128-SHA" in answer.first["summary"]
    good = versions(server_context(on_server(made.leaf)), TLS_1_2, TLS_1_2)
    assert ask("hook", f"localhost:{listen(tls(good)).port}").primary is None


def test_a_small_diffie_hellman_group(ask: Ask, listen: Listen, trust: Trust) -> None:
    made = rsa_chain()
    trust(*made.trusted)
    ciphers = "DHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0"
    context = versions(server_context(on_server(made.leaf), ciphers), TLS_1_2, TLS_1_2)
    with faults.small_dh_parameters() as path:
        context.load_dh_params(path)
    answer = ask("hook", f"localhost:{listen(tls(context)).port}")
    assert (answer.status, answer.primary) == (1, "small-dh")


def test_a_server_without_secure_renegotiation(ask: Ask, listen: Listen, trust: Trust) -> None:
    """The control is the same server by the same way, with the extension: there the handshake is good."""
    made = chain()
    trust(*made.trusted)
    good = listen(tls(versions(server_context(on_server(made.leaf, *made.sent)), TLS_1_2, TLS_1_2))).port
    answer = ask("hook", f"localhost:{listen(faults.relay(good, faults.without_secure_renegotiation)).port}")
    assert (answer.status, answer.primary) == (1, "legacy-renegotiation")
    assert answer.first["evidence"]["reason"] == "UNSAFE_LEGACY_RENEGOTIATION_DISABLED"
    control = ask("hook", f"localhost:{listen(faults.relay(good, bytes)).port}")
    assert (control.status, control.ids) == (0, ["handshake-ok"])


@cases("version", ["TLSv1_2", "TLSv1_3"])
@cases(("mode", "cause"), [("CERT_REQUIRED", "client-certificate-required"), ("CERT_OPTIONAL", None)])
def test_a_server_that_wants_a_certificate_of_the_client(
    ask: Ask, listen: Listen, trust: Trust, version: str, mode: str, cause: str | None
) -> None:
    made = chain()
    anchors = trust(*made.trusted)
    context = versions(
        server_context(on_server(made.leaf, *made.sent)), ssl.TLSVersion[version], ssl.TLSVersion[version]
    )
    context.verify_mode = ssl.VerifyMode[mode]
    context.load_verify_locations(anchors)
    started = time.monotonic()
    answer = ask("hook", f"localhost:{listen(tls(context)).port}")
    assert answer.primary == cause
    assert time.monotonic() - started < 1.5
    if not cause:
        assert answer.ids == ["handshake-ok", "client-certificate-requested"]


def test_a_server_that_must_be_asked_for_by_name(ask: Ask, listen: Listen, trust: Trust) -> None:
    made = chain()
    trust(*made.trusted)
    context = server_context(on_server(made.leaf, *made.sent))
    context.sni_callback = lambda _, asked, __: (
        None if asked == "localhost" else ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    )
    port = listen(tls(context)).port
    answer = ask("hook", f"127.0.0.1:{port}")
    assert (answer.status, answer.primary) == (1, "sni-required")
    assert ask("hook", f"127.0.0.1:{port}", "--servername", "localhost").primary is None
    assert ask("hook", f"localhost:{port}").primary is None
    assert ask("hook", f"localhost:{port}", "--servername", "a.example").primary == "unrecognized-name"
    assert ask("hook", f"a.example:{port}", "--connect", f"127.0.0.1:{port}").primary == "unrecognized-name"


def test_a_server_that_refuses_all_that_comes_without_a_name(ask: Ask, listen: Listen) -> None:
    """With handshake_failure, as large hosts do: nothing that an older client could offer changes that."""
    refusal = after_hello(b"\x15\x03\x03\x00\x02\x02\x28")
    assert ask("hook", f"127.0.0.1:{listen(refusal).port}").primary == "sni-required"
    assert ask("hook", f"localhost:{listen(refusal).port}").primary == "no-common-cipher"


@cases("talk", [faults.plain_http, faults.patient_http], ids=["400", "patient"])
def test_plain_http(ask: Ask, listen: Listen, talk: faults.Talk) -> None:
    answer = ask("hook", f"localhost:{listen(talk).port}", "--timeout", "1")
    assert (answer.status, answer.primary) == (1, "plain-http")


@cases("protocol", faults.STARTTLS)
def test_each_protocol_that_begins_in_plain_text_goes_over_to_tls(
    ask: Ask, listen: Listen, trust: Trust, protocol: str
) -> None:
    made = chain(middle=changed(CA, issuer_at="http://pki.example/root"))
    trust(*made.trusted)
    then = tls(server_context(on_server(made.leaf, *made.sent)))
    good = listen(faults.STARTTLS[protocol](then))
    assert ask("hook", f"localhost:{good.port}", "--starttls", protocol).primary is None
    trust(make("Another Root", form=CA))
    answer = ask("hook", f"localhost:{good.port}", "--starttls", protocol)
    assert answer.primary == "untrusted-root"
    assert answer.first["fix"] == [
        ["certboot", "trust", f"localhost:{good.port}", "--starttls", protocol],
        ["certboot", "adopt", "SSL_CERT_FILE"],
    ]
    refusing = listen(faults.STARTTLS[protocol](then, offers=False))
    answer = ask("hook", f"localhost:{refusing.port}", "--starttls", protocol)
    assert (answer.status, answer.primary) == (1, "starttls-refused")


@cases("protocol", ["smtp", "imap", "pop3", "mysql", "ftp"])
def test_a_server_that_greets_in_plain_text_is_asked_again_as_the_remedy_says(
    ask: Ask, listen: Listen, trust: Trust, protocol: str
) -> None:
    made = chain()
    trust(*made.trusted)
    port = listen(faults.STARTTLS[protocol](tls(server_context(on_server(made.leaf, *made.sent))))).port
    answer = ask("hook", f"localhost:{port}")
    assert (answer.status, answer.primary) == (1, "starttls-needed")
    ((program, command, *argv),) = answer.first["fix"]
    assert (program, command) == ("certboot", "doctor")
    assert ask("hook", *argv).primary is None


@cases(("protocol", "port"), [("ldap", 389), ("postgres", 5432)])
@cases("says", [b"", b"\x30\x05\x02\x01\x00\x78\x00"], ids=["closes", "answers"])
def test_a_server_that_waits_to_be_spoken_to_is_known_by_its_port(
    ask: Ask, listen: Listen, trust: Trust, protocol: str, port: int, says: bytes
) -> None:
    """It ends the connection when it hears TLS, with a word of its own protocol or none; the remedy is good."""
    made = chain()
    trust(*made.trusted)
    usual = faults.STARTTLS[protocol](tls(server_context(on_server(made.leaf, *made.sent))))

    def talk(connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK) == b"\x16":
            connection.sendall(says)
        usual(connection)

    there = listen(talk).port
    answer = ask("hook", f"localhost:{port}", "--connect", f"127.0.0.1:{there}")
    assert (answer.status, answer.primary) == (1, "starttls-needed")
    ((program, command, *argv),) = answer.first["fix"]
    assert (program, command, argv[-2:]) == ("certboot", "doctor", ["--starttls", protocol])
    assert ask("hook", *argv).primary is None
    elsewhere = ask("hook", f"localhost:{there}")
    assert elsewhere.primary == ("not-tls" if says else "closed-during-handshake")


def test_what_is_neither_tls_nor_known(ask: Ask, listen: Listen) -> None:
    answer = ask("hook", f"localhost:{listen(after_hello(bytes(range(0x80, 0xC0)))).port}")
    assert (answer.status, answer.primary) == (1, "not-tls")


@cases("talk", [after_hello(), faults.reset], ids=["closed", "reset"])
def test_a_server_that_closes(ask: Ask, listen: Listen, talk: faults.Talk) -> None:
    answer = ask("hook", f"localhost:{listen(talk).port}")
    assert (answer.status, answer.primary) == (1, "closed-during-handshake")


def test_a_server_that_never_answers(ask: Ask, listen: Listen) -> None:
    started = time.monotonic()
    answer = ask("hook", f"localhost:{listen(faults.silent).port}", "--timeout", "0.5")
    assert (answer.status, answer.primary) == (1, "timeout")
    assert time.monotonic() - started < 1.5


def test_names_and_ports_where_nobody_is(ask: Ask, listen: Listen) -> None:
    gone = listen(faults.silent)
    gone.close()
    assert ask("hook", f"127.0.0.1:{gone.port}").primary == "connection-refused"
    assert ask("hook", "no-such-host.invalid").primary == "dns-failure"


def test_trust_that_cannot_be_read(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> typing.NoReturn:
        message = "unknown error"
        raise ssl.SSLError(message)

    monkeypatch.setattr(ssl, "create_default_context", broken)
    assert ask("hook", "localhost:1").primary == "trust-unreadable"


def test_version_6_and_names_beyond_ascii(ask: Ask, listen: Listen, trust: Trust) -> None:
    made = chain(leaf=changed(LEAF, names=("::1", "xn--zrich-kva.example")))
    trust(*made.trusted)
    port = listen(tls(server_context(on_server(made.leaf, *made.sent))), "::1").port
    answer = ask("hook", f"[::1]:{port}")
    assert (answer.primary, answer.first["subject"]) == (None, f"[::1]:{port}")
    assert ask("hook", f"https://zürich.example:{port}/path", "--connect", f"[::1]:{port}").primary is None
    answer = ask("hook", f"zürich.de:{port}", "--connect", f"[::1]:{port}")
    assert answer.primary == "hostname-mismatch"
    assert answer.first["evidence"]["names"] == ["xn--zrich-kva.example", "::1"]


def test_tls_inspection_is_guessed_from_the_makers_name(ask: Ask, listen: Listen, trust: Trust) -> None:
    top = make("Zscaler Root CA", form=changed(CA, organisation="Zscaler Inc."))
    leaf = make("localhost", top)
    trust(make("Another Root", form=CA))
    answer = ask("hook", f"localhost:{serve(listen, Chain(leaf, (top,), ()))}")
    assert (answer.primary, answer.first["evidence"]["inspection"]) == ("untrusted-root", "Zscaler")
    assert name("Zscaler Root CA", "Zscaler Inc.").rfc4514_string() in answer.first["summary"]
