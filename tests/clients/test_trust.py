from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from support.table import cases

from certboot.clients import trust as of
from certboot.clients.table import CERTIFI, CLIENTS, OWN, SYSTEM, SYSTEM_DIRECTORY, SYSTEM_FILE
from certboot.clients.trust import BY_DEFAULT, BY_GUARD, BY_HOOK, BY_OTHERS, BY_PARENT, BY_SETTING, Facts, OwnSetting
from certboot.clients.variables import DIRECTORY, FILE
from certboot.store.paths import StorePaths

PATHS = StorePaths(Path("/s"))
BUNDLE, CRTS = "/s/current/bundle.pem", "/s/current/crts"
KINDS = {"/own.pem": FILE, "/own": DIRECTORY, BUNDLE: FILE, CRTS: DIRECTORY, "/s/generations/1/bundle.pem": FILE}
DEFAULTS = {SYSTEM_FILE: "/usr/lib/ssl/cert.pem", SYSTEM_DIRECTORY: "/usr/lib/ssl/certs"}
BY_NAME = {client.name: client for client in CLIENTS if not client.before}
HOOK = {
    "REQUESTS_CA_BUNDLE": BUNDLE, "SSL_CERT_FILE": BUNDLE, "SSL_CERT_DIR": CRTS, "NODE_EXTRA_CA_CERTS": BUNDLE,
    "GIT_SSL_CAINFO": BUNDLE, "HTTPLIB2_CA_CERTS": BUNDLE, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": BUNDLE,
}  # fmt: skip
ALL_GUARDS = frozenset({"requests", "certifi", "ssl"})


def facts(
    settings: Mapping[str, Mapping[str, OwnSetting]] | None = None, applied: Mapping[str, str] = HOOK, guards: str = ""
) -> Facts:
    on = frozenset(guards.split(",")) if guards else frozenset[str]()
    return Facts(PATHS.holds, BUNDLE, applied, on, settings or {}, KINDS, DEFAULTS)


def trust(client: str, environ: Mapping[str, str], known: Facts | None = None) -> of.Trust:
    return of.effective_trust(BY_NAME[client], environ, known or facts())


def told(found: of.Trust) -> list[tuple[str, str, str]]:
    return [(source.what, source.place, source.decided_by) for source in found.sources]


def test_with_the_hooks_variables_and_guards_every_client_that_can_be_reached_is() -> None:
    known = Facts(PATHS.holds, BUNDLE, HOOK, ALL_GUARDS, {}, KINDS, DEFAULTS)
    unreached = {name for name, client in BY_NAME.items() if not of.effective_trust(client, HOOK, known).reaches_store}
    assert unreached == {"pycurl", "rnet", "wget"}


def test_without_anything_no_client_is_reached_and_each_has_its_default() -> None:
    known = Facts(PATHS.holds, defaults=DEFAULTS)
    for client in CLIENTS:
        found = of.effective_trust(client, {}, known)
        assert found.sources
        assert {source.decided_by for source in found.sources} == {BY_DEFAULT}
        assert (found.reaches_store, found.unusable, found.fails) == (False, (), False)


CASES: dict[str, tuple[str, dict[str, str], list[tuple[str, str, str]]]] = {
    "the first of requests' two decides": (
        "requests",
        {"REQUESTS_CA_BUNDLE": "/own.pem", "CURL_CA_BUNDLE": BUNDLE},
        [("/own.pem", "REQUESTS_CA_BUNDLE", BY_OTHERS)],
    ),
    "an empty one is none for requests": (
        "requests",
        {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "/own"},
        [("/own", "CURL_CA_BUNDLE", BY_OTHERS)],
    ),
    "a value of the store that the hook did not set was inherited": (
        "requests",
        {"REQUESTS_CA_BUNDLE": "/s/generations/1/bundle.pem"},
        [("/s/generations/1/bundle.pem", "REQUESTS_CA_BUNDLE", BY_PARENT)],
    ),
    "ssl has one default for each variable": (
        "urllib",
        {"SSL_CERT_FILE": BUNDLE},
        [(BUNDLE, "SSL_CERT_FILE", BY_HOOK), ("/usr/lib/ssl/certs", "", BY_DEFAULT)],
    ),
    "httpx looks at the directory only without the file": (
        "httpx",
        {"SSL_CERT_FILE": "/own.pem", "SSL_CERT_DIR": CRTS},
        [("/own.pem", "SSL_CERT_FILE", BY_OTHERS)],
    ),
    "uv takes both": (
        "uv",
        {"SSL_CERT_FILE": "/own.pem", "SSL_CERT_DIR": CRTS},
        [("/own.pem", "SSL_CERT_FILE", BY_OTHERS), (CRTS, "SSL_CERT_DIR", BY_HOOK)],
    ),
    "uv can be told to take the system's": ("uv", {"UV_SYSTEM_CERTS": "1"}, [(SYSTEM, "UV_SYSTEM_CERTS", BY_OTHERS)]),
    "uv is not told so with 0": ("uv", {"UV_SYSTEM_CERTS": "0"}, [(OWN, "", BY_DEFAULT)]),
    "uv is told nothing with both": (
        "uv",
        {"UV_SYSTEM_CERTS": "1", "SSL_CERT_FILE": BUNDLE},
        [(BUNDLE, "SSL_CERT_FILE", BY_HOOK)],
    ),
    "botocore takes its own variable first": (
        "botocore",
        {"AWS_CA_BUNDLE": "/own.pem", "REQUESTS_CA_BUNDLE": BUNDLE},
        [("/own.pem", "AWS_CA_BUNDLE", BY_OTHERS)],
    ),
    "curl ignores the file for the directory": (
        "curl",
        {"SSL_CERT_FILE": BUNDLE, "SSL_CERT_DIR": "/own"},
        [("/own", "SSL_CERT_DIR", BY_OTHERS), (SYSTEM, "", BY_DEFAULT)],
    ),
    "node adds": ("Node.js", HOOK, [(BUNDLE, "NODE_EXTRA_CA_CERTS", BY_HOOK), (OWN, "", BY_DEFAULT)]),
    "npm's cafile is alone": (
        "npm",
        {"npm_config_cafile": "/own.pem", "NODE_EXTRA_CA_CERTS": BUNDLE},
        [("/own.pem", "npm_config_cafile", BY_OTHERS)],
    ),
    "git's directory is alone": (
        "git",
        {"GIT_SSL_CAPATH": "/own", "GIT_SSL_CAINFO": BUNDLE},
        [("/own", "GIT_SSL_CAPATH", BY_OTHERS)],
    ),
    "websocket-client's variable is alone": (
        "websocket-client",
        {"WEBSOCKET_CLIENT_CA_BUNDLE": "/own", **HOOK},
        [("/own", "WEBSOCKET_CLIENT_CA_BUNDLE", BY_OTHERS)],
    ),
    "pip adds certifi": (
        "pip",
        HOOK,
        [
            (BUNDLE, "REQUESTS_CA_BUNDLE", BY_HOOK),
            (BUNDLE, "SSL_CERT_FILE", BY_HOOK),
            (CRTS, "SSL_CERT_DIR", BY_HOOK),
            (CERTIFI, "", BY_DEFAULT),
        ],
    ),
}


@cases("case", CASES)
def test_the_environment_decides(case: str) -> None:
    client, environ, expected = CASES[case]
    found = trust(client, environ)
    assert told(found) == expected
    assert (found.unusable, found.fails) == ((), False)
    assert found.reaches_store == any(what.startswith("/s/") for what, _, _ in expected)


UNUSABLE: dict[str, tuple[str, dict[str, str], list[str], bool]] = {
    "a missing file ends requests": ("requests", {"REQUESTS_CA_BUNDLE": "/gone"}, [], True),
    "a directory does for requests": ("requests", {"REQUESTS_CA_BUNDLE": "/own"}, ["/own"], False),
    "a directory ends botocore": ("botocore", {"REQUESTS_CA_BUNDLE": "/own"}, [], True),
    "an empty value ends botocore": ("botocore", {"AWS_CA_BUNDLE": ""}, [], True),
    "a list is no file": ("requests", {"REQUESTS_CA_BUNDLE": "/own.pem:/own.pem"}, [], True),
    "a list may be directories": ("uv", {"SSL_CERT_DIR": "/gone:/own"}, ["/gone:/own"], False),
    "ssl goes on without the file": ("urllib", {"SSL_CERT_FILE": "/own"}, ["/usr/lib/ssl/certs"], False),
    "ssl takes an empty value for a file": ("urllib", {"SSL_CERT_FILE": ""}, ["/usr/lib/ssl/certs"], False),
    "ssl without either trusts nobody": ("urllib", {"SSL_CERT_FILE": "", "SSL_CERT_DIR": "/gone"}, [], True),
    "uv goes on with the other": ("uv", {"SSL_CERT_FILE": "/gone", "SSL_CERT_DIR": CRTS}, [CRTS], False),
    "uv without the other trusts nobody": ("uv", {"SSL_CERT_FILE": "/gone"}, [], True),
    "node goes on": ("Node.js", {"NODE_EXTRA_CA_CERTS": "/own"}, [OWN], False),
    "pip goes on without OpenSSL's": (
        "pip", {"SSL_CERT_FILE": "/gone", "SSL_CERT_DIR": CRTS}, [CRTS, CERTIFI], False,
    ),
    "pip ends without requests'": ("pip", {"PIP_CERT": "/gone"}, [*DEFAULTS.values(), CERTIFI], True),
    "a generation that is gone": ("requests", {"REQUESTS_CA_BUNDLE": "/s/generations/1/bundle.pem"}, [], True),
}  # fmt: skip


@cases("case", UNUSABLE)
def test_what_cannot_be_loaded_ends_a_client_or_is_passed_over(case: str) -> None:
    client, environ, usable, fails = UNUSABLE[case]
    known = Facts(PATHS.holds, kinds={"/own.pem": FILE, "/own": DIRECTORY, CRTS: DIRECTORY}, defaults=DEFAULTS)
    found = trust(client, environ, known)
    assert ([source.what for source in found.sources], found.fails) == (usable, fails)
    named = set(environ.values()) - {each.what for each in found.sources}
    assert {each.what for each in found.unusable} == named
    assert not (found.fails and found.reaches_store)


def test_the_clients_own_settings_stand_where_the_table_has_them() -> None:
    own = OwnSetting("/own.pem", "/h/file")
    settings = {
        "pip": {"cert": own}, "curl": {"cacert": own}, "git": {"http.sslCAInfo": own}, "botocore": {"ca_bundle": own},
        "npm": {"cafile": own}, "cargo": {"http.cainfo": own}, "wget": {"ca_certificate": own},
        "uv": {"system-certs": OwnSetting("true", "/h/uv.toml")},
    }  # fmt: skip
    known = facts(settings)
    first = {name: told(trust(name, HOOK, known))[0] for name in settings}
    setting = "/own.pem", BY_SETTING
    assert first == {
        "pip": (BUNDLE, "REQUESTS_CA_BUNDLE", BY_HOOK),
        "curl": (setting[0], "cacert in /h/file", setting[1]),
        "git": (BUNDLE, "GIT_SSL_CAINFO", BY_HOOK),
        "botocore": (setting[0], "ca_bundle in /h/file", setting[1]),
        "npm": (setting[0], "cafile in /h/file", setting[1]),
        "cargo": (setting[0], "http.cainfo in /h/file", setting[1]),
        "wget": (setting[0], "ca_certificate in /h/file", setting[1]),
        "uv": (BUNDLE, "SSL_CERT_FILE", BY_HOOK),
    }
    assert told(trust("uv", {}, known)) == [(SYSTEM, "system-certs in /h/uv.toml", BY_SETTING)]


def test_the_guard_of_requests_lets_pips_own_setting_go_before_the_hooks_variable() -> None:
    settings = {"pip": {"cert": OwnSetting("/own.pem", "/h/pip.conf")}}
    assert told(trust("pip", HOOK, facts(settings, guards="requests")))[0][0] == "/own.pem"
    exported = {**HOOK, "REQUESTS_CA_BUNDLE": "/own"}
    assert told(trust("pip", exported, facts(settings, guards="requests")))[0][0] == "/own"


def test_the_guard_of_certifi_puts_the_bundle_in_its_place_inside_python_only() -> None:
    known = facts(guards="certifi")
    for client in ("google-auth on urllib3", "requests", "httpx"):
        assert told(trust(client, {}, known)) == [(BUNDLE, "", BY_GUARD)]
        assert trust(client, {}, known).reaches_store
    assert told(trust("AWS CLI", {}, known)) == [(CERTIFI, "", BY_DEFAULT)]


def test_a_default_that_is_not_there_is_not_trusted() -> None:
    found = trust("urllib", {}, Facts(PATHS.holds, defaults={SYSTEM_DIRECTORY: "/usr/lib/ssl/certs"}))
    assert told(found) == [("/usr/lib/ssl/certs", "", BY_DEFAULT)]
    assert trust("urllib", {}, Facts(PATHS.holds)).fails
