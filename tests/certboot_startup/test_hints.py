"""The hint that a failed verification gets: which contexts give it, what it says, and what stays as it was."""

from __future__ import annotations

import copy
import datetime
import pickle
import socket
import ssl
import threading
import typing
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import trustme
from support.hook_store import Hook, Store, authority, hashed, imports
from support.server import TlsServer
from support.table import cases

import certboot_startup

HINT = "; certboot: "
UNKNOWN = "the server did not send all of its chain, or its CA is not trusted here"
LOCALHOST = "localhost (and its port, if not 443)"
Failure = ssl.SSLCertVerificationError
NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


def serving(leaf: trustme.LeafCert, *, with_chain: bool = True) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if with_chain:
        leaf.configure_cert(context)
    else:
        with leaf.private_key_and_cert_chain_pem.tempfile() as path:
            text = Path(path).read_text()
            end = "-----END CERTIFICATE-----\n"
            Path(path).write_text(text[: text.index(end) + len(end)])
            context.load_cert_chain(path)
    return context


def failure(context: ssl.SSLContext, server: ssl.SSLContext | None = None, host: str | None = "localhost") -> Failure:
    """Return what a handshake over memory raises; without ``server`` with one of a CA that nobody knows."""
    server = server or serving(authority("Unknown Root").issue_cert("localhost"))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    listener = server.wrap_bio(to_server, to_client, server_side=True)
    talker = context.wrap_bio(to_client, to_server, server_hostname=host)
    with pytest.raises(Failure) as raised:
        shake_hands(talker, listener)
    return raised.value


def shake_hands(*sides: ssl.SSLObject | ssl.SSLSocket) -> None:
    """Go on until something is raised: no side blocks."""
    while True:
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


def hint(error: Failure) -> str:
    """Return the hint, or "" where there is none, in all the places from which clients take their words."""
    assert error.args == (1, error.strerror)
    assert str(error) == error.strerror
    before, sign, said = str(error).partition(HINT)
    assert before.startswith("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: ")
    assert before.endswith(")")
    assert HINT not in said
    assert bool(sign) == bool(said)
    return said


FAULTS: dict[str, tuple[Callable[[trustme.CA], ssl.SSLContext], int, str]] = {
    "missing intermediate": (
        lambda ca: serving(ca.create_child_ca().issue_cert("localhost"), with_chain=False), 20, UNKNOWN
    ),
    "unknown root": (lambda _: serving(authority("Unknown Root").issue_cert("localhost")), 20, UNKNOWN),
    "expired": (
        lambda ca: serving(ca.issue_cert("localhost", not_before=NOW - 9 * DAY, not_after=NOW - DAY)), 10,
        "a certificate in the chain of the server has expired, or the clock here is wrong",
    ),
    "not yet valid": (
        lambda ca: serving(ca.issue_cert("localhost", not_before=NOW + DAY, not_after=NOW + 9 * DAY)), 9,
        "a certificate in the chain of the server is not valid yet, or the clock here is wrong",
    ),
    "wrong host": (
        lambda ca: serving(ca.issue_cert("secret.example")), 62,
        "the certificate of the server is for other names than the one asked for",
    ),
}  # fmt: skip


@cases("fault", FAULTS)
def test_the_hint_says_what_the_code_means_and_the_rest_of_the_error_stays_as_it_was(
    guarded_ssl: ModuleType, store: Store, anchor: trustme.CA, fault: str
) -> None:
    serve, code, meaning = FAULTS[fault]
    server = serve(anchor)
    error = failure(guarded_ssl.create_default_context(), server)
    assert hint(error) == f"{meaning}; run: certboot doctor {LOCALHOST}"
    plain = ssl.create_default_context()  # of the module as it was before the guard
    plain.load_verify_locations(store.bundle)
    control = failure(plain, server)
    assert error.verify_code == control.verify_code == code
    for name in ("verify_message", "reason", "library", "errno", "__class__"):
        assert getattr(error, name) == getattr(control, name)
    assert str(error).partition(HINT)[0].rpartition(" (")[0] == str(control).rpartition(" (")[0]
    assert "secret.example" not in str(error)
    assert not hasattr(error, "__notes__")


def test_its_words_are_loaded_at_the_first_failure_from_beside_the_hook_and_without_them_the_error_is_as_ever(
    guarded_ssl: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guards = certboot_startup._loaded
    monkeypatch.setattr(guards, "_hint", None)
    monkeypatch.chdir(tmp_path)
    for folder, text in ((str(tmp_path), None), (str(tmp_path), "1 / 0"), (".", "def add(*_): raise SystemExit")):
        if text:
            (tmp_path / "hint.py").write_text(text)
        with monkeypatch.context() as patch:
            patch.setattr(certboot_startup, "__path__", [folder])
            assert hint(failure(guarded_ssl.create_default_context())) == ""
    assert guards._hint is None
    foreign = guarded_ssl.create_default_context(cadata=trustme.CA().cert_pem.bytes().decode())
    assert hint(failure(foreign)) == ""
    assert guards._hint is None  # nobody needs it
    assert hint(failure(guarded_ssl.create_default_context())).startswith(UNKNOWN)


def test_an_error_can_be_pickled_and_copied(guarded_ssl: ModuleType) -> None:
    error = failure(guarded_ssl.create_default_context())
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - it is our own
        assert hint(other) == hint(error) != ""
        assert (type(other), other.verify_code, other.reason) == (Failure, 20, error.reason)


def test_a_second_look_at_the_same_error_adds_nothing(guarded_ssl: ModuleType) -> None:
    context = guarded_ssl.create_default_context()

    class Twice(context.sslobject_class):  # type: ignore[misc, name-defined]
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except Failure as error:
                raised.append(error)
                raise

    raised: list[Failure] = []
    context.sslobject_class = Twice
    context.load_verify_locations(guarded_ssl.get_default_verify_paths().cafile)
    assert hint(failure(context)) == hint(raised[0]) != ""


# Which contexts.

Module = typing.Any
OURS: dict[str, Callable[[Module, dict[str, str]], ssl.SSLContext]] = {
    "default": lambda module, _: module.create_default_context(),
    "bundle": lambda module, env: module.create_default_context(cafile=env["SSL_CERT_FILE"]),
    "directory": lambda module, env: module.create_default_context(capath=env["SSL_CERT_DIR"]),
    "both": lambda module, env: module.create_default_context(cafile=env["SSL_CERT_FILE"], capath=env["SSL_CERT_DIR"]),
}


def loaded(context: ssl.SSLContext, *arguments: typing.Any) -> ssl.SSLContext:  # noqa: ANN401
    context.load_verify_locations(*arguments)
    return context


FOREIGN: dict[str, Callable[[Module, dict[str, str], Path], ssl.SSLContext]] = {
    "own file": lambda module, _, own: module.create_default_context(cafile=own),
    "own directory": lambda module, _, own: module.create_default_context(capath=own.parent),
    "own data": lambda module, _, own: module.create_default_context(cadata=own.read_text()),
    "default and own file": lambda module, _, own: loaded(module.create_default_context(), own),
    "default and own directory": lambda module, _, own: loaded(module.create_default_context(), None, own.parent),
    "default and own data": lambda module, _, own: loaded(module.create_default_context(), None, None, own.read_text()),
    "own file and bundle": lambda module, env, own: loaded(
        module.create_default_context(cafile=own), env["SSL_CERT_FILE"]
    ),
    "bundle and own directory": lambda module, env, own: module.create_default_context(
        cafile=env["SSL_CERT_FILE"], capath=own.parent
    ),
    "bundle and own data": lambda module, env, own: module.create_default_context(
        cafile=env["SSL_CERT_FILE"], cadata=own.read_text()
    ),
    "nothing": lambda module, _, __: module.SSLContext(module.PROTOCOL_TLS_CLIENT),
}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A CA of the program's own, in a folder with its hash link."""
    folder = tmp_path / "own"
    folder.mkdir()
    hashed(folder, authority("Own Root"))
    return folder / "ca.pem"


@cases("mode", [0o755, 0o700])
@cases("how", OURS)
def test_a_context_of_our_store_gives_it_in_whichever_form_it_was_loaded(
    hook: Hook, store: Store, mode: int, how: str
) -> None:
    """A store that nobody but root may enter is read as a bundle."""
    store.home.chmod(mode)
    hook()
    context = OURS[how](imports("ssl"), store.settings)
    assert hint(failure(context)) != ""
    store.home.chmod(0o755)


@cases("how", FOREIGN)
def test_a_context_with_trust_of_the_programs_own_gives_none(
    guarded_ssl: ModuleType, store: Store, own: Path, how: str
) -> None:
    assert hint(failure(FOREIGN[how](guarded_ssl, store.settings, own))) == ""


def test_neither_does_a_default_context_where_the_program_names_other_files(
    guarded_ssl: ModuleType, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(own.parent))
    assert hint(failure(guarded_ssl.create_default_context())) == ""
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    assert hint(failure(guarded_ssl.create_default_context())) == ""
    monkeypatch.delenv("SSL_CERT_FILE")
    monkeypatch.delenv("SSL_CERT_DIR")
    assert hint(failure(guarded_ssl.create_default_context())) == ""


def test_a_server_that_refuses_its_client_gives_none(guarded_ssl: ModuleType, anchor: trustme.CA) -> None:
    server = guarded_ssl.create_default_context(guarded_ssl.Purpose.CLIENT_AUTH)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_default_certs(guarded_ssl.Purpose.CLIENT_AUTH)
    with anchor.issue_cert("localhost").private_key_and_cert_chain_pem.tempfile() as path:
        server.load_cert_chain(path)
    client = ssl.create_default_context()
    anchor.configure_trust(client)
    authority("Unknown Root").issue_cert("client.example").configure_cert(client)
    assert hint(failure(client, server)) == ""


@cases(
    ("line", "variable", "shown"),
    [("", None, True), ("", "0", False), ("", "1", True), ("CERTBOOT_HINTS=0", None, False),
     ("CERTBOOT_HINTS=0", "1", True), ("CERTBOOT_GUARDS=requests,certifi", None, False)],
)  # fmt: skip
def test_the_hint_has_a_switch(hook: Hook, store: Store, line: str, variable: str | None, *, shown: bool) -> None:
    store.write(*(f"{name}={value}" for name, value in store.settings.items()), line)
    assert hook(**({} if variable is None else {"CERTBOOT_HINTS": variable})) == "active"
    module = imports("ssl")
    context = module.create_default_context()
    assert bool(hint(failure(context))) is shown
    assert (context.sslobject_class is module.SSLObject) is not shown


def test_classes_stay_as_they_are_and_connections_look_like_any_other(guarded_ssl: ModuleType) -> None:
    for attribute, original in (("sslsocket_class", guarded_ssl.SSLSocket), ("sslobject_class", guarded_ssl.SSLObject)):
        assert original.do_handshake.__module__ == "ssl"
        assert not hasattr(original.do_handshake, "certboot_guard")
        assert getattr(guarded_ssl.SSLContext, attribute) is original
        hinting = getattr(guarded_ssl.create_default_context(), attribute)
        assert issubclass(hinting, original)
        assert getattr(guarded_ssl.create_default_context(), attribute) is hinting
        for name in ("__name__", "__qualname__", "__module__", "__doc__"):
            assert getattr(hinting, name) == getattr(original, name)
            assert getattr(hinting.do_handshake, name) == getattr(original.do_handshake, name)
    context = guarded_ssl.create_default_context()
    with socket.socket() as plain, context.wrap_socket(plain, server_hostname="localhost") as tls:
        assert repr(tls).startswith("<ssl.SSLSocket fd=")


def test_a_class_that_the_program_has_set_is_used_as_ever(guarded_ssl: ModuleType, store: Store) -> None:
    """So does truststore, and with it pip."""
    called: set[type] = set()

    class Own(guarded_ssl.SSLObject):  # type: ignore[misc, name-defined]
        def do_handshake(self) -> None:
            called.add(type(self))
            super().do_handshake()

    context = guarded_ssl.SSLContext(guarded_ssl.PROTOCOL_TLS_CLIENT)
    context.sslobject_class = Own
    for _ in range(2):
        context.load_verify_locations(store.settings["SSL_CERT_FILE"])
    assert hint(failure(context)) != ""
    assert called == {context.sslobject_class}
    assert context.sslobject_class.__bases__ == (Own,)
    context.sslobject_class = Own
    assert hint(failure(context)) == ""


# The server that it names.


@cases(
    ("host", "named"),
    [("localhost", "localhost"), ("INTRANET.example", "intranet.example"), ("my_host", "my_host"),
     ("bücher.example", "xn--bcher-kva.example"), ("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"),
     ("fe80::1%eth0", ""), ("-oops", ""), ("a b", ""), ("$(touch x)", ""), ("a;b", ""), ("a'b", ""), ('a"b', ""),
     ("a\nb", ""), ("a\x1b[31mb", ""), ("host:443", ""), ("a." * 126 + "aa", ""), (None, "")],
)  # fmt: skip
def test_a_host_is_named_if_no_shell_or_terminal_could_take_it_for_more(
    guarded_ssl: ModuleType, host: str | None, named: str
) -> None:
    context = guarded_ssl.create_default_context()
    context.check_hostname = False
    target = f"{named} (and its port, if not 443)" if named else "HOST:PORT"
    assert hint(failure(context, host=host)) == f"{UNKNOWN}; run: certboot doctor {target}"


def refused(context: ssl.SSLContext, port: int) -> Failure:
    """Return what a connection to localhost raises that does not block."""
    with socket.create_connection(("localhost", port)) as plain:
        plain.settimeout(0)
        tls = context.wrap_socket(plain, server_hostname="localhost", do_handshake_on_connect=False)
        with tls, pytest.raises(Failure) as raised:
            shake_hands(tls)
    return raised.value


@pytest.fixture
def unknown(serve: Callable[..., TlsServer]) -> TlsServer:
    """A server of a CA that nobody knows."""
    return serve(authority("Unknown Root").issue_cert("localhost"))


def test_the_port_is_that_of_the_connection_whether_it_blocks_or_not(
    guarded_ssl: ModuleType, unknown: TlsServer
) -> None:
    context = guarded_ssl.create_default_context()
    expected = f"{UNKNOWN}; run: certboot doctor localhost:{unknown.port}"
    assert hint(refused(context, unknown.port)) == expected
    for timeout in (None, 10):
        with socket.create_connection(("localhost", unknown.port), timeout) as plain, pytest.raises(Failure) as raised:
            context.wrap_socket(plain, server_hostname="localhost")
        assert hint(raised.value) == expected


@cases("variable", ["HTTPS_PROXY", "all_proxy"])
def test_the_port_of_a_proxy_is_not_taken_for_the_servers(
    guarded_ssl: ModuleType, unknown: TlsServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, f"http://localhost:{unknown.port}/")
    context = guarded_ssl.create_default_context()
    assert hint(refused(context, unknown.port)) == f"{UNKNOWN}; run: certboot doctor {LOCALHOST}"


def test_a_connection_without_ports_names_none(guarded_ssl: ModuleType) -> None:
    server = serving(authority("Unknown Root").issue_cert("localhost"))
    near, far = socket.socketpair()

    def serve() -> None:
        with far, pytest.raises(ssl.SSLError):
            server.wrap_socket(far, server_side=True)

    thread = threading.Thread(target=serve)
    thread.start()
    with near, pytest.raises(Failure) as raised:
        guarded_ssl.create_default_context().wrap_socket(near, server_hostname="localhost")
    thread.join()
    assert hint(raised.value) == f"{UNKNOWN}; run: certboot doctor {LOCALHOST}"


def test_each_thread_has_the_hint_of_its_own_host(guarded_ssl: ModuleType) -> None:
    context = guarded_ssl.create_default_context()
    server = serving(authority("Unknown Root").issue_cert("localhost"))
    hints = {}

    def shake(host: str) -> None:
        hints[host] = [hint(failure(context, server, host)).rpartition("doctor ")[2] for _ in range(5)]

    threads = [threading.Thread(target=shake, args=(f"host{number}.example",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hints == {f"host{n}.example": [f"host{n}.example (and its port, if not 443)"] * 5 for n in range(8)}


# Who tries again.


class Retry:
    """What urllib3 counts: a total of None is not counted, after one of False nothing is tried again."""

    def __init__(self, total: int | None, other: int | None = None) -> None:
        self.total, self.other = total, other

    def increment(self) -> None:
        """Do nothing: that there is such a method tells what this is."""


@cases(
    ("retries", "shown"),
    [(Retry(3), False), (Retry(1, 1), False), (Retry(None, 1), False), (Retry(0), True), (Retry(total=False), True),
     (Retry(3, 0), True), (3, True), (None, True)],
)  # fmt: skip
def test_what_urllib3_tries_again_has_the_hint_in_the_last_failure_only(
    guarded_ssl: ModuleType, retries: object, *, shown: bool
) -> None:
    def urlopen(retries: object) -> Failure:  # noqa: ARG001 - it is looked at in the frame
        return failure(guarded_ssl.create_default_context())

    def outer(retries: object) -> Failure:
        return urlopen(retries=retries)

    assert bool(hint(outer(retries))) is shown
