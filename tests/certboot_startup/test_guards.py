"""The guards, each on a module imported anew in this process: what they change, and what they leave as it was."""

from __future__ import annotations

import copy
import importlib
import importlib.util
import inspect
import itertools
import os
import pickle
import ssl
import subprocess
import sys
import threading
import types
import typing
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import trustme
from support.environments import STRICT_VERSIONS, find_python, versions_here
from support.hook_store import Hook, Store, authority, hashed, imports
from support.table import cases

import certboot_startup
from certboot_startup import guards

HOOK: object = certboot_startup
Imported = Callable[..., dict[str, str]]
AfterOurs = Callable[[object], object]
OWN = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@pytest.fixture
def namesake() -> trustme.CA:
    """Another CA, with the subject of the one in the store."""
    return authority()


# The finder.


def is_installed() -> bool:
    return any(finder is HOOK for finder in sys.meta_path)


def test_an_active_hook_is_the_first_finder_and_once_even_if_it_is_started_again(
    hook: Hook, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (hook(), sys.meta_path[0] is HOOK, certboot_startup.guarded) == ("active", True, {})
    monkeypatch.setattr(certboot_startup, "status", "")
    certboot_startup.activate()
    assert [finder for finder in sys.meta_path if finder is HOOK] == [HOOK]
    for off in ("", "none"):
        assert (hook(CERTBOOT_GUARDS=off), is_installed()) == ("active", False)
        assert {name: os.environ[name] for name in store.settings} == store.settings
    assert (hook(CERTBOOT_DISABLE="1"), is_installed()) == ("disabled", False)
    store.bundle.write_bytes(b"")
    assert (hook(CERTBOOT_DISABLE="0"), is_installed()) == ("incomplete", False)


APPLIED = {"ssl": "ssl", "requests": "requests.sessions", "certifi": "certifi.core"}


@cases("place", ["variable", "file"])
@cases(
    ("switches", "expected"),
    [("ssl", {"ssl"}), ("requests, certifi", {"requests", "certifi"}), ("certifi,unknown", {"certifi"}),
     ("unknown", set()), (",", set()), ("ssl,requests,certifi", set(APPLIED))],
)  # fmt: skip
def test_each_guard_has_a_switch(hook: Hook, store: Store, place: str, switches: str, expected: set[str]) -> None:
    lines = [f"{name}={value}" for name, value in store.settings.items()]
    store.write(*lines, f"CERTBOOT_GUARDS={switches if place == 'file' else 'none'}")
    assert hook(**({"CERTBOOT_GUARDS": switches} if place == "variable" else {})) == "active"
    assert certboot_startup.applied == store.settings
    for module in APPLIED.values():
        imports(module)
    assert certboot_startup.guarded == {APPLIED[name]: "applied" for name in expected}


def test_the_finder_finds_nothing_but_what_it_guards(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    hook()
    monkeypatch.setattr(guards, "find_spec", None)  # not even asked
    for name in ("json", "certifi", "requests", "ssl.core", "none.such"):
        assert certboot_startup.find_spec(name) is None
    assert certboot_startup.guarded == {}


def test_a_guarded_module_is_as_any_other_once_it_is_imported_and_its_loader_can_be_copied(hook: Hook) -> None:
    plain = ssl.__spec__
    hook()
    waiting = importlib.util.find_spec("ssl")
    assert waiting
    assert certboot_startup.guarded == {"ssl": "waiting"}
    loader = typing.cast("typing.Any", waiting.loader)
    assert loader.get_source("ssl") == inspect.getsource(ssl)
    for copied in (copy.copy(loader), pickle.loads(pickle.dumps(loader))):  # noqa: S301
        assert copied.path == ssl.__file__
        assert not hasattr(copied, "no_such_thing")
    module = imports("ssl")
    assert (module.__spec__.origin, module.__spec__.cached) == (plain.origin, plain.cached)
    assert type(module.__loader__) is type(module.__spec__.loader) is type(plain.loader)
    assert certboot_startup.guarded == {"ssl": "applied"}


class Finder:
    """A finder in front of the usual ones, which answers for ``ssl`` as a test wants it."""

    def __init__(self, answer: Callable[..., object]) -> None:
        self.answer = answer

    def find_spec(self, name: str, path: object, target: object) -> object:
        return self.answer(name, path, target) if name == "ssl" else None


@pytest.fixture
def after_ours(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Callable[[object], object]:
    """Run the hook, and put a finder behind it: one that answers for ``ssl`` in this way, or any other."""

    def put(finder: object) -> object:
        hook()
        made = Finder(finder) if callable(finder) else finder
        monkeypatch.setattr(sys, "meta_path", [sys.meta_path[0], made, *sys.meta_path[1:]])
        return made

    return put


class Old:
    """A loader as before Python 3.4."""

    def load_module(self, name: str) -> ModuleType:
        return sys.modules.setdefault(name, ModuleType(name))


def test_an_old_loader_or_finder_makes_the_guard_step_aside(after_ours: AfterOurs) -> None:
    def old(name: str, *_: object) -> object:
        return importlib.machinery.ModuleSpec(name, typing.cast("typing.Any", Old()))

    for finder, why in ((old, "its loader has no exec_module"), (object(), "AttributeError")):
        after_ours(finder)
        assert certboot_startup.find_spec("ssl") is None
        assert certboot_startup.guarded == {"ssl": f"stepped aside: {why}"}


def test_a_finder_that_forbids_a_module_keeps_its_word(after_ours: AfterOurs) -> None:
    def forbid(*_: object) -> None:
        message = "no ssl here"
        raise ImportError(message)

    after_ours(forbid)
    with pytest.raises(ImportError, match="no ssl here"):
        imports("ssl")


def test_finders_that_ask_each_other_come_to_an_end(after_ours: AfterOurs) -> None:
    def ask_the_others(name: str, path: None, target: None) -> object:
        others = [other for other in sys.meta_path if other is not finder]
        return next(filter(None, (other.find_spec(name, path, target) for other in others)), None)

    finder = after_ours(ask_the_others)
    module = imports("ssl")
    assert (certboot_startup.guarded, guards._asking) == ({"ssl": "applied"}, set())
    assert type(module.__loader__).__name__ == "SourceFileLoader"


def test_a_finder_that_hands_out_the_same_spec_twice_gets_one_loader_of_ours(after_ours: AfterOurs) -> None:
    spec = importlib.util.spec_from_file_location("ssl", ssl.__file__)
    assert spec
    plain = spec.loader
    after_ours(lambda *_: spec)
    assert guards.find_spec("ssl", None, None) is guards.find_spec("ssl", None, None) is spec
    assert typing.cast("typing.Any", spec.loader)._loader is plain


def test_a_module_that_is_not_there_or_fails_does_as_ever(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hook()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "meta_path", [certboot_startup, Finder(lambda *_: None)])
        with pytest.raises(ModuleNotFoundError, match="No module named 'ssl'"):
            imports("ssl")
        assert certboot_startup.guarded == {}
    (tmp_path / "ssl.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ZeroDivisionError):
        imports("ssl")
    assert certboot_startup.guarded == {"ssl": "waiting"}


@cases(
    ("text", "why"),
    [
        ("", "AttributeError: "),
        ("class SSLContext: pass\n_SSLContext = int", "ValueError: "),
        ("class _SSLContext: pass\nclass SSLContext(_SSLContext): load_verify_locations = 1", "AttributeError: "),
        ("from _ssl import _SSLContext\nSSLContext = _SSLContext", "IndexError: "),
    ],
)
def test_a_module_with_another_inside_stays_as_it_is(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, why: str
) -> None:
    (tmp_path / "ssl.py").write_text(text)
    hook()
    monkeypatch.syspath_prepend(tmp_path)
    module = imports("ssl")
    assert certboot_startup.guarded["ssl"].startswith(f"stepped aside: {why}")
    assert not any(hasattr(value, "certboot_guard") for value in vars(getattr(module, "SSLContext", int)).values())


def test_what_a_guard_has_replaced_is_put_back_when_it_cannot_replace_the_rest() -> None:
    class Strict(type):
        def __setattr__(cls, name: str, value: object) -> None:
            if name == "second":
                raise AttributeError(name)
            super().__setattr__(name, value)

    class Parent:
        def first(self) -> int:
            return 1

        def second(self) -> int:
            return 2

    class Owner(Parent, metaclass=Strict):
        def third(self) -> int:
            return 3

    def first(_: object) -> int:
        return -1

    def second(_: object) -> int:
        return -2

    def third(_: object) -> int:
        return -3

    with pytest.raises(AttributeError):
        guards._replace((Owner,), [third, first, second])
    assert (Owner().first(), Owner().second(), Owner().third(), "first" in vars(Owner)) == (1, 2, 3, False)


def test_a_module_that_somebody_else_has_loaded_with_the_loader_is_guarded_too(hook: Hook) -> None:
    hook()
    spec = importlib.util.find_spec("ssl")
    assert spec
    module = sys.modules["ssl"] = ModuleType("ssl")  # as it comes from a loader before ours
    typing.cast("typing.Any", spec.loader).exec_module(module)
    assert certboot_startup.guarded == {"ssl": "applied"}
    assert module.__loader__ is None


def test_a_hook_that_is_loaded_once_more_goes_on_as_it_was(hook: Hook, store: Store) -> None:
    hook()
    imports("ssl")
    importlib.reload(certboot_startup)  # as IPython does of its own accord with what pip has upgraded
    assert (certboot_startup.status, certboot_startup.guarded["ssl"]) == ("active", "applied")
    assert certboot_startup.applied == store.settings
    session = imports("requests.sessions").Session()
    session.verify = "/own.pem"
    assert session.merge_environment_settings("https://localhost/", {}, None, None, None)["verify"] == "/own.pem"


def test_reload_guards_the_new_class_and_a_second_guard_changes_nothing(hook: Hook) -> None:
    hook()
    module = imports("ssl")
    before = module.SSLContext
    importlib.reload(module)
    assert module.SSLContext is not before
    assert hasattr(module.SSLContext.load_verify_locations, "certboot_guard")
    once = {name: dict(vars(each)) for name, each in owners().items()}
    certboot_startup._guards("guard_imported", set())
    assert {name: dict(vars(each)) for name, each in owners().items()} == once
    assert set(certboot_startup.guarded) == set(APPLIED.values())


def owners() -> dict[str, typing.Any]:
    """Return what the guards replace functions of, by module."""
    plain = {name: imports(name) for name in ("certifi.core", "certifi")}
    return {"ssl": imports("ssl").SSLContext, "requests": imports("requests.sessions").Session, **plain}


@cases("name", ["ssl", "requests.sessions"])
def test_a_lazily_imported_module_is_guarded_when_it_is_first_used(hook: Hook, name: str) -> None:
    hook()
    spec = importlib.util.find_spec(name)
    assert spec
    assert spec.loader
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    assert certboot_startup.guarded == {name: "waiting"}
    assert module.__doc__ != ""  # loads it
    assert certboot_startup.guarded[name] == "applied"
    assert type(module) is ModuleType


# What was imported before the hook ran.


@pytest.fixture
def imported(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """Run the hook in an interpreter that has imported these modules, and return the states of the guards."""

    def run(**modules: object) -> dict[str, str]:
        hook(CERTBOOT_GUARDS="none")
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name.replace("_", "."), typing.cast("ModuleType", module))
        monkeypatch.setattr(certboot_startup, "status", "")
        monkeypatch.delenv("CERTBOOT_GUARDS")
        certboot_startup.activate()
        assert certboot_startup.status == "active"
        return certboot_startup.guarded

    return run


def test_what_is_imported_already_is_guarded_at_once(hook: Hook, imported: Imported, store: Store) -> None:
    hook(CERTBOOT_GUARDS="none")
    ours = {name.replace(".", "_"): imports(name) for name in APPLIED.values()}
    package = imports("certifi")
    assert imported(**ours, certifi=package) == dict.fromkeys(APPLIED.values(), "applied")
    assert package.where() == ours["certifi_core"].where() == f"{store.home}/current/bundle.pem"


def test_what_is_only_half_imported_or_no_module_is_left_alone(imported: Imported) -> None:
    class Lazy(ModuleType):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(name)

    half = importlib.util.module_from_spec(importlib.machinery.ModuleSpec("ssl", None))
    assert half.__spec__
    half.__spec__._initializing = True  # type: ignore[attr-defined]
    found = imported(ssl=half, certifi_core=Lazy("certifi.core"), requests_sessions=None)
    assert found == dict.fromkeys(("ssl", "certifi.core"), "stepped aside: it was not imported to the end")
    found = imported(ssl=ModuleType("ssl"), certifi_core=None)  # made by hand
    assert found == {"ssl": "stepped aside: AttributeError: module 'ssl' has no attribute 'SSLContext'"}


def test_a_hook_without_its_guards_still_sets_the_variables(
    imported: Imported, monkeypatch: pytest.MonkeyPatch, store: Store, tmp_path: Path
) -> None:
    monkeypatch.setattr(certboot_startup, "__path__", [str(tmp_path)])
    assert imported(ssl=ssl) == {"ssl": "stepped aside: FileNotFoundError"}
    assert {name: os.environ[name] for name in store.settings} == store.settings
    assert imports("certifi.core").where() != store.settings["SSL_CERT_FILE"]
    assert certboot_startup.guarded["certifi.core"] == "stepped aside: FileNotFoundError"


# ssl.


def in_memory(context: ssl.SSLContext) -> int:
    """Return how many certificates the context holds in memory, asking behind the guard's back."""
    return super(type(context), context).cert_store_stats()["x509"]


def client(module: ModuleType) -> ssl.SSLContext:
    return typing.cast("ssl.SSLContext", module.SSLContext(module.PROTOCOL_TLS_CLIENT))


def accepts(context: ssl.SSLContext, ca: trustme.CA) -> bool:
    """Return whether a client with this context completes a handshake with a server of this CA."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(server_context)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    talker = context.wrap_bio(to_client, to_server, server_hostname="localhost")
    for _ in range(4):
        for side in (talker, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return True


def plain(build: Callable[[typing.Any], object], ca: trustme.CA) -> bool:
    """Return whether what ``build`` makes with the unguarded module accepts this CA: the control."""
    context = client(ssl)
    build(context)
    return accepts(context, ca)


@cases("form", [str, os.fsencode, Path])
@cases("how", ["position", "keyword", "create_default_context"])
def test_our_bundle_is_read_as_the_directory(
    guarded_ssl: ModuleType, store: Store, anchor: trustme.CA, form: Callable[[str], typing.Any], how: str
) -> None:
    bundle = form(store.settings["SSL_CERT_FILE"])
    if how == "create_default_context":
        context = guarded_ssl.create_default_context(cafile=bundle)
    else:
        context = client(guarded_ssl)
        context.load_verify_locations(bundle) if how == "position" else context.load_verify_locations(cafile=bundle)
    assert in_memory(context) == 0
    assert (accepts(context, anchor), accepts(context, authority())) == (True, False)


def test_the_default_context_is_that_of_our_directory_and_of_the_bundle_where_only_the_file_is_set(
    guarded_ssl: ModuleType, anchor: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = guarded_ssl.create_default_context()
    assert (in_memory(context), accepts(context, anchor), accepts(context, authority())) == (0, True, False)
    monkeypatch.delenv("SSL_CERT_DIR")  # the system's stays trusted
    context = guarded_ssl.create_default_context()
    assert (in_memory(context), accepts(context, anchor)) == (1, True)
    monkeypatch.delenv("SSL_CERT_FILE")
    assert not accepts(guarded_ssl.create_default_context(), anchor)


def test_a_list_of_directories_with_ours_in_it_keeps_all_of_them(
    guarded_ssl: ModuleType, store: Store, anchor: trustme.CA, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = authority("Own")
    folders = [store.settings["SSL_CERT_DIR"], own_folder(tmp_path, own)]
    for order in (folders, folders[::-1]):
        monkeypatch.setenv("SSL_CERT_DIR", os.pathsep.join(order))
        context = guarded_ssl.create_default_context()
        assert (accepts(context, anchor), accepts(context, own), accepts(context, authority())) == (True, True, False)


def loaded(module: ModuleType, store: Store) -> ssl.SSLContext:
    """Return a context that has loaded the store's bundle."""
    context = client(module)
    context.load_verify_locations(store.settings["SSL_CERT_FILE"])
    return context


def test_what_a_context_holds_is_told_as_if_the_bundle_had_been_loaded(
    guarded_ssl: ModuleType, store: Store, anchor: trustme.CA
) -> None:
    plain_context = loaded(ssl, store)
    for binary in (False, True):
        assert loaded(guarded_ssl, store).get_ca_certs(binary) == plain_context.get_ca_certs(binary)
    context = loaded(guarded_ssl, store)
    assert context.cert_store_stats() == context.cert_store_stats() == plain_context.cert_store_stats()
    context.load_verify_locations(store.settings["SSL_CERT_FILE"])
    assert context.cert_store_stats() == plain_context.cert_store_stats()
    assert accepts(context, anchor)
    assert client(guarded_ssl).get_ca_certs() == []


def own_file(folder: Path, ca: trustme.CA) -> str:
    path = folder / "own.pem"
    ca.cert_pem.write_to_path(str(path))
    return str(path)


def own_folder(folder: Path, ca: trustme.CA) -> str:
    path = folder / "own-crts"
    path.mkdir()
    hashed(path, ca)
    return str(path)


SOURCES: dict[str, Callable[[Path, trustme.CA], dict[str, str]]] = {
    "cafile": lambda folder, ca: {"cafile": own_file(folder, ca)},
    "capath": lambda folder, ca: {"capath": own_folder(folder, ca)},
    "cadata": lambda _, ca: {"cadata": ca.cert_pem.bytes().decode()},
}


@cases("order", ["together", "ours first", "ours last", "default after", "default before"])
@cases("source", SOURCES)
def test_beside_something_else_of_the_same_subject_both_are_found_as_without_the_guard(
    guarded_ssl: ModuleType, store: Store, anchor: trustme.CA, tmp_path: Path, source: str, order: str
) -> None:
    namesake = authority()
    own = SOURCES[source](tmp_path, namesake)
    bundle = {"cafile": store.settings["SSL_CERT_FILE"]}

    def load(context: ssl.SSLContext) -> None:
        if order == "together":
            context.load_verify_locations(**{**own, **bundle})
            if source == "cafile":
                context.load_verify_locations(**own)
            return
        if order == "default before":
            context.load_default_certs()
        steps = {"ours first": (bundle, own), "ours last": (own, bundle)}
        for arguments in steps.get(order, (own,)):
            context.load_verify_locations(**arguments)
        if order == "default after":
            context.load_default_certs()

    context = client(guarded_ssl)
    load(context)
    found = [accepts(context, ca) for ca in (anchor, namesake, authority())]
    assert found == [plain(load, ca) for ca in (anchor, namesake, authority())]
    assert found[0]
    assert found[1] == (source != "capath")  # OpenSSL asks no directory for a subject that it has in memory


def test_ours_twice_in_either_way_is_still_only_the_directory(guarded_ssl: ModuleType, store: Store) -> None:
    """As truststore does: it asks for the default paths before every handshake."""
    context = client(guarded_ssl)
    for _ in range(2):
        context.load_verify_locations(store.settings["SSL_CERT_FILE"])
        context.set_default_verify_paths()
    assert in_memory(context) == 0


def older(path: Path, data: bytes) -> Path:
    """Write a file as ``cp -p`` does: it is older than what the store's own are."""
    path.write_bytes(data)
    os.utime(path, (1_600_000_000, 1_600_000_000))
    return path


CHANGED: dict[str, Callable[[Store, bytes], object]] = {
    "not at all": lambda *_: None,
    "appended to": lambda store, pem: store.bundle.write_bytes(store.bundle.read_bytes() + pem),
    "replaced": lambda store, pem: (
        store.home.joinpath("new").write_bytes(pem),
        (store.home / "new").replace(store.bundle),
    ),
    "replaced by an older file": lambda store, pem: older(store.home / "new", pem).replace(store.bundle),
    "written over, with an older time": lambda store, pem: older(store.bundle, pem),
    "its directory gone": lambda store, _: store.crts.rename(store.home / "away"),
    "its directory changed": lambda store, _: (store.crts / "new.pem").write_text("new"),
    "its directory a file": lambda store, pem: (store.crts.rename(store.home / "away"), store.crts.write_bytes(pem)),
    "its manifest gone": lambda store, _: store.manifest.unlink(),
}


@pytest.mark.parametrize("change", CHANGED)
def test_a_bundle_that_is_not_as_it_was_written_is_read_as_a_bundle(
    guarded_ssl: ModuleType, store: Store, anchor: trustme.CA, change: str
) -> None:
    added = authority("Added by hand")
    CHANGED[change](store, added.cert_pem.bytes())
    context = loaded(guarded_ssl, store)
    whole = len(loaded(ssl, store).get_ca_certs())
    assert in_memory(context) == (0 if change == "not at all" else whole)
    replaced = change.startswith(("replaced", "written over"))
    assert accepts(context, added) == (replaced or change == "appended to")
    assert accepts(context, anchor) == (not replaced)


def test_a_context_gets_a_new_generation_and_where_it_is_gone_the_error_of_a_file_that_is_gone(
    guarded_ssl: ModuleType, store: Store, namesake: trustme.CA
) -> None:
    before, later = loaded(guarded_ssl, store), loaded(guarded_ssl, store)
    hashed(store.crts, namesake)
    assert accepts(later, namesake)
    store.bundle.unlink()
    for context in (client(guarded_ssl), client(ssl)):
        with pytest.raises(FileNotFoundError, match=r"^\[Errno 2\] No such file or directory$"):
            context.load_verify_locations(store.settings["SSL_CERT_FILE"])
    assert before.get_ca_certs() == []
    assert accepts(before, namesake)


@cases(
    "arguments",
    [
        {}, {"cafile": None}, {"cafile": 3}, {"cafile": "/none.pem"}, {"cafile": "/none.pem", "capath": 3},
        {"cafile": "{ours}", "capath": 3}, {"cafile": "{ours}", "cadata": 3}, {"cafile": "{ours}", "cadata": "x"},
        {"cafile": b"{ours}\0"}, {"cafile": "{ours}\0"}, {"cafile": ["{ours}"]}, {"capath": 3}, {"cadata": 3},
        {"cadata": ""}, {"cadata": "é"}, {"cafile": ""}, {"cafile": "/etc/hostname"},
    ],
)  # fmt: skip
def test_wrong_arguments_give_the_same_errors(
    guarded_ssl: ModuleType, store: Store, arguments: dict[str, object]
) -> None:
    bundle = store.settings["SSL_CERT_FILE"]
    given: dict[str, typing.Any] = {
        name: value.replace("{ours}", bundle) if isinstance(value, str) else value for name, value in arguments.items()
    }
    told = []
    for context in (typing.cast("typing.Any", client(guarded_ssl)), client(ssl)):
        with pytest.raises((TypeError, ValueError, OSError)) as refused:
            context.load_verify_locations(**given)
        told.append((refused.type.__name__, str(refused.value).replace("_ssl.c:", "")))
    assert told[0] == told[1]
    for name in ("load_verify_locations", "set_default_verify_paths", "get_ca_certs", "cert_store_stats"):
        words = []
        for module in (guarded_ssl, ssl):
            with pytest.raises(TypeError) as wrong:  # what is no context
                getattr(module.SSLContext, name)(3, *([bundle] if name.startswith("load") else []))
            words.append(str(wrong.value))
        assert words[0] == words[1]


def test_signature_and_name_are_those_of_the_original(guarded_ssl: ModuleType) -> None:
    for name in ("load_verify_locations", "set_default_verify_paths", "get_ca_certs", "cert_store_stats"):
        ours, plain = getattr(guarded_ssl.SSLContext, name), getattr(ssl.SSLContext, name)
        assert inspect.signature(ours) == inspect.signature(plain)
        assert (ours.__name__, ours.__qualname__, ours.__doc__) == (plain.__name__, plain.__qualname__, plain.__doc__)
        assert inspect.unwrap(ours) is plain
        assert typing.get_type_hints(ours) == {}


def test_subclasses_are_guarded_too(guarded_ssl: ModuleType, store: Store, anchor: trustme.CA) -> None:
    class Context(guarded_ssl.SSLContext):  # type: ignore[misc, name-defined]
        __slots__ = ()
        calls = 0

        def load_verify_locations(self, *arguments: object, **named: object) -> None:
            Context.calls += 1
            super().load_verify_locations(*arguments, **named)

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

        def __hash__(self) -> int:
            raise TypeError

    context = Context(guarded_ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=store.settings["SSL_CERT_FILE"])
    assert (Context.calls, super(Context, context).cert_store_stats()["x509"], accepts(context, anchor)) == (1, 1, True)


def test_the_original_class_is_guarded_where_somebody_put_another_before_it(
    hook: Hook, imported: Imported, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook(CERTBOOT_GUARDS="none")
    module = imports("ssl")
    original = module.SSLContext

    class Injected(original):  # type: ignore[misc, valid-type]
        pass

    monkeypatch.setattr(module, "SSLContext", Injected)
    assert imported(ssl=module) == {"ssl": "applied"}
    assert "load_verify_locations" in vars(original)
    assert "load_verify_locations" not in vars(Injected)
    monkeypatch.setattr(module, "SSLContext", original)
    assert in_memory(loaded(module, store)) == 0


def test_a_context_of_many_threads_ends_up_with_everything_that_any_of_them_loaded(
    guarded_ssl: ModuleType, store: Store, anchor: trustme.CA, namesake: trustme.CA
) -> None:
    calls = [{"cafile": store.settings["SSL_CERT_FILE"]}, {"cadata": namesake.cert_pem.bytes().decode()}] * 2
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(50):
            context, at = client(guarded_ssl), threading.Barrier(len(calls))
            threads = [threading.Thread(target=loads, args=(at, context, arguments)) for arguments in calls]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert (in_memory(context), accepts(context, anchor), accepts(context, namesake)) == (2, True, True)
    finally:
        sys.setswitchinterval(interval)


def loads(at: threading.Barrier, context: ssl.SSLContext, arguments: dict[str, str]) -> None:
    at.wait()
    context.load_verify_locations(**arguments)


def test_something_that_is_loaded_while_the_directory_is_brings_the_bundle_in(
    guarded_ssl: ModuleType, store: Store
) -> None:
    class Late:
        """Another thread comes between the two times that the guard asks."""

        directory = ""
        asked = 0

        @property
        def other(self) -> bool:
            Late.asked += 1
            return Late.asked > 1

    context = client(guarded_ssl)
    vars(context)["_certboot_loaded"] = Late()
    context.load_verify_locations(store.settings["SSL_CERT_FILE"])
    assert in_memory(context) == 1


# requests.


def merged(module: ModuleType, chosen: object, verify: object, *, trust_env: bool = True) -> typing.Any:  # noqa: ANN401
    """Return what a session with this choice makes of its environment."""
    session = module.Session()
    session.verify, session.trust_env = chosen, trust_env
    return session.merge_environment_settings("https://localhost/", {}, None, verify, None)


@pytest.fixture
def sessions(hook: Hook) -> ModuleType:
    hook()
    return typing.cast("ModuleType", imports("requests.sessions"))


SESSION = ["own", True, False, None, 1, ""]


def test_requests_gives_what_it_gives_without_our_variable_except_that_our_bundle_is_the_default(
    sessions: ModuleType, store: Store
) -> None:
    bundle, wrong = store.settings["SSL_CERT_FILE"], []
    for case in itertools.product(OWN, SESSION, [None, True, False, "/call.pem"], [True, False]):
        variable, chosen, verify, trust_env = case
        with pytest.MonkeyPatch.context() as patch:
            for name in OWN:
                patch.delenv(name, raising=False)
            patch.setenv("HTTPS_PROXY", "http://proxy.example:8080")
            without = merged(sessions, chosen, verify, trust_env=trust_env)
            patch.setenv(variable, bundle)
            found = merged(sessions, chosen, verify, trust_env=trust_env)
        ours = trust_env and (verify is True or (verify is None and chosen is True))
        if found != {**without, "verify": bundle if ours else without["verify"]}:
            wrong.append((case, without, found))
    assert wrong == []


@cases("value", ["/own/bundle.pem", "{home}-2/current/bundle.pem", "{home}/current/bundle.pem:/own"])
@cases("variable", OWN)
def test_a_value_that_is_not_ours_overrules_the_session_as_ever(
    hook: Hook, store: Store, variable: str, value: str
) -> None:
    for other in OWN:
        os.environ.pop(other, None)
    hook(**{variable: value.format(home=store.home)})
    for chosen in (*SESSION, False):
        assert merged(imports("requests.sessions"), chosen, None)["verify"] == value.format(home=store.home)


def test_a_variable_that_the_program_sets_goes_before_ours_and_our_directory_is_ours_too(
    sessions: ModuleType, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert os.environ["REQUESTS_CA_BUNDLE"]
    with monkeypatch.context() as patch:
        patch.setenv("CURL_CA_BUNDLE", "/program.pem")
        for chosen, verify in itertools.product((True, False, "/own.pem"), (None, True)):
            assert merged(sessions, chosen, verify)["verify"] == "/program.pem"
    directory = store.settings["SSL_CERT_DIR"]
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", directory)
    assert [merged(sessions, chosen, None)["verify"] for chosen in (False, True)] == [False, directory]


def test_a_numbered_generation_is_ours_where_env_names_one(
    hook: Hook, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where there are no symbolic links; the inherited value may be of an earlier generation."""
    named = store.named("generations/1")
    store.write(*(f"{name}={value}" for name, value in named.items()))
    hook()
    chosen = False
    for number, ours in (("1", True), ("0", True), ("../1", False)):
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", f"{store.home}/generations/{number}/bundle.pem")
        assert (merged(imports("requests.sessions"), chosen, None)["verify"] is False) == ours
    context = client(imports("ssl"))
    context.load_verify_locations(named["SSL_CERT_FILE"])
    assert in_memory(context) == 0


def test_a_session_of_a_strange_kind_gets_what_the_original_gives_and_another_signature_is_left_alone(
    sessions: ModuleType, store: Store
) -> None:
    class Strange(sessions.Session):  # type: ignore[misc, name-defined]
        asked = 0

        @property
        def verify(self) -> object:
            Strange.asked += 1
            if Strange.asked > 1:
                raise RuntimeError
            return "/own.pem"

        @verify.setter
        def verify(self, _: object) -> None: ...

    settings = Strange().merge_environment_settings("https://localhost/", {}, None, None, None)
    assert settings["verify"] == store.settings["REQUESTS_CA_BUNDLE"]

    class Session:
        def merge_environment_settings(self, url: str) -> str:
            return url

    before = Session.merge_environment_settings
    guards._guard("requests.sessions", typing.cast("ModuleType", types.SimpleNamespace(Session=Session)))
    assert Session.merge_environment_settings is before
    why = "LookupError: Session.merge_environment_settings takes other arguments"
    assert certboot_startup.guarded["requests.sessions"] == f"stepped aside: {why}"


# certifi.


@pytest.mark.parametrize("package", ["certifi", "pip._vendor.certifi"])
def test_certifi_answers_with_our_bundle_while_it_is_there(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, store: Store, package: str
) -> None:
    monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.delitem(sys.modules, f"{package}.core", raising=False)
    hook()
    certifi = imports(package)
    core = imports(f"{package}.core")
    assert certboot_startup.guarded == {f"{package}.core": "applied"}
    bundle = store.settings["SSL_CERT_FILE"]
    assert certifi.where() == core.where() == bundle
    assert certifi.contents() == core.contents() == store.bundle.read_text()
    assert pickle.loads(pickle.dumps(core.where)) is core.where  # noqa: S301
    own = Path(str(certifi.__file__)).with_name("cacert.pem")
    for damage in (lambda: store.bundle.write_bytes(b""), store.bundle.unlink):
        damage()
        assert Path(certifi.where()) == own
        assert certifi.contents() == own.read_text("ascii")


def test_requests_takes_our_bundle_where_it_does_not_ask_the_environment_and_one_that_is_not_ascii_is_not_told(
    hook: Hook, store: Store
) -> None:
    hook()
    assert importlib.reload(imports("requests.certs")).where() == store.settings["SSL_CERT_FILE"]
    store.bundle.write_bytes(b"\xff")
    assert imports("certifi").contents().count("BEGIN CERTIFICATE") > 100


LOADED = """
import sys
sys.path.insert(0, sys.argv[1])
import certboot_startup
before = set(sys.modules)
import certboot_startup.guards
print(sorted(set(sys.modules) - before))
"""


@cases("version", versions_here("3.8", "3.11", *STRICT_VERSIONS))
def test_the_guards_load_no_module_that_another_thread_could_be_loading(version: str) -> None:
    """They are loaded while Python holds its one import lock: to wait for a module then may be to wait for ever."""
    source = Path(certboot_startup.__file__).parents[1]
    command = [str(find_python(version)), "-I", "-S", "-c", LOADED, str(source)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ran.stdout == "['certboot_startup.guards']\n"


@pytest.mark.parametrize("has_certifi", [True, False])
def test_botocore_has_our_bundle_while_it_is_there_with_certifi_or_without(
    hook: Hook, monkeypatch: pytest.MonkeyPatch, store: Store, *, has_certifi: bool
) -> None:
    for name in ("botocore", "botocore.httpsession"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    hook()
    if not has_certifi:
        monkeypatch.setitem(sys.modules, "certifi", typing.cast("ModuleType", None))
    module = imports("botocore.httpsession")
    assert certboot_startup.guarded["botocore.httpsession"] == "applied"
    assert module.get_cert_path(True) == store.settings["SSL_CERT_FILE"]  # noqa: FBT003 - its signature
    assert module.get_cert_path("/own.pem") == "/own.pem"
    store.bundle.unlink()
    assert module.get_cert_path(True).endswith("cacert.pem")  # noqa: FBT003
