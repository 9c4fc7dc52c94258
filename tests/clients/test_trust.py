from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from support.table import cases

from certboot.clients import trust as of
from certboot.clients.table import CERTIFI, CLIENTS, OWN, SYSTEM, SYSTEM_DIRECTORY, SYSTEM_FILE
from certboot.clients.trust import BY_DEFAULT, BY_GUARD, BY_HOOK, BY_OTHERS, BY_PARENT, BY_SETTING, Facts, OwnSetting
from certboot.clients.variables import DIRECTORY, FILE, VARIABLES
from certboot.store.paths import StorePaths

PATHS = StorePaths(Path("/s"))
BUNDLE, CRTS = "/s/current/bundle.pem", "/s/current/crts"
KINDS = {"/own.pem": FILE, "/own": DIRECTORY, BUNDLE: FILE, CRTS: DIRECTORY, "/s/generations/1/bundle.pem": FILE}
DEFAULTS = {SYSTEM_FILE: "/usr/lib/ssl/cert.pem", SYSTEM_DIRECTORY: "/usr/lib/ssl/certs"}
BY_NAME = {client.name: client for client in CLIENTS if not client.versions.before}
HOOK = {
    "REQUESTS_CA_BUNDLE": BUNDLE, "SSL_CERT_FILE": BUNDLE, "SSL_CERT_DIR": CRTS, "NODE_EXTRA_CA_CERTS": BUNDLE,
    "GIT_SSL_CAINFO": BUNDLE, "HTTPLIB2_CA_CERTS": BUNDLE, "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": BUNDLE,
}  # fmt: skip
ALL_GUARDS = "requests,certifi,ssl"


def facts(
    settings: Mapping[str, Mapping[str, OwnSetting]] | None = None, applied: Mapping[str, str] = HOOK, guards: str = ""
) -> Facts:
    on = frozenset(guards.split(",")) if guards else frozenset[str]()
    return Facts(PATHS.holds, BUNDLE, applied, on, settings=settings or {}, kinds=KINDS, defaults=DEFAULTS)


def trust(client: str, environ: Mapping[str, str], known: Facts | None = None) -> of.Trust:
    return of.effective_trust(BY_NAME[client], environ, known or facts())


def told(found: of.Trust) -> list[tuple[str, str, str]]:
    return [(source.what, source.place, source.decided_by) for source in found.sources]


def unreached(applied: Mapping[str, str]) -> set[str]:
    """Return the clients that these variables of the hook's, and all of its guards, do not reach."""
    known = facts(applied=applied, guards=ALL_GUARDS)
    return {name for name, client in BY_NAME.items() if not of.effective_trust(client, applied, known).reaches_store}


def test_with_the_hooks_variables_and_guards_every_client_that_can_be_reached_is() -> None:
    assert unreached(HOOK) == {"pycurl", "rnet", "wget", "wreq", "confluent-kafka"}


def test_by_the_profile_gentle_the_guards_reach_every_client_inside_python_that_the_variables_would() -> None:
    gentle = {variable.name: HOOK[variable.name] for variable in VARIABLES if variable.is_set_by("gentle")}
    assert HOOK.keys() - gentle.keys() == {"REQUESTS_CA_BUNDLE", "GIT_SSL_CAINFO"}
    assert unreached(gentle) - unreached(HOOK) == {"git", "AWS CLI"}
    known = facts(applied=gentle, guards=ALL_GUARDS)
    assert told(trust("niquests", gentle, known)) == [(BUNDLE, "", f"{BY_GUARD} requests")]
    assert told(trust("niquests", gentle, facts(guards="certifi"))) == [(SYSTEM, "", BY_DEFAULT)]


def test_without_anything_no_client_is_reached_and_each_has_its_default() -> None:
    known = Facts(PATHS.holds, defaults=DEFAULTS)
    for client in CLIENTS:
        found = of.effective_trust(client, {}, known)
        assert found.sources
        assert {source.decided_by for source in found.sources} == {BY_DEFAULT}
        assert (found.reaches_store, found.unusable, found.fails) == (False, (), False)


FORMER, DIRECTORIES = "/s/generations/1/bundle.pem", "/usr/lib/ssl/certs"
CASES: list[tuple[str, dict[str, str], list[tuple[str, str, str]]]] = [
    # The first of requests' two decides, and an empty one is none.
    ("requests", {"REQUESTS_CA_BUNDLE": "/own.pem", "CURL_CA_BUNDLE": BUNDLE},
     [("/own.pem", "REQUESTS_CA_BUNDLE", BY_OTHERS)]),
    ("requests", {"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "/own"}, [("/own", "CURL_CA_BUNDLE", BY_OTHERS)]),
    # A value of the store that the hook did not set was inherited.
    ("requests", {"REQUESTS_CA_BUNDLE": FORMER}, [(FORMER, "REQUESTS_CA_BUNDLE", BY_PARENT)]),
    # ssl has one default for each variable; httpx looks at the directory only without the file; uv takes both.
    ("urllib", {"SSL_CERT_FILE": BUNDLE}, [(BUNDLE, "SSL_CERT_FILE", BY_HOOK), (DIRECTORIES, "", BY_DEFAULT)]),
    ("httpx", {"SSL_CERT_FILE": "/own.pem", "SSL_CERT_DIR": CRTS}, [("/own.pem", "SSL_CERT_FILE", BY_OTHERS)]),
    ("uv", {"SSL_CERT_FILE": "/own.pem", "SSL_CERT_DIR": CRTS},
     [("/own.pem", "SSL_CERT_FILE", BY_OTHERS), (CRTS, "SSL_CERT_DIR", BY_HOOK)]),
    # uv can be told to take the system's, not with 0, and not beside a file.
    ("uv", {"UV_SYSTEM_CERTS": "1"}, [(SYSTEM, "UV_SYSTEM_CERTS", BY_OTHERS)]),
    ("uv", {"UV_SYSTEM_CERTS": "0"}, [(OWN, "", BY_DEFAULT)]),
    ("uv", {"UV_SYSTEM_CERTS": "1", "SSL_CERT_FILE": BUNDLE}, [(BUNDLE, "SSL_CERT_FILE", BY_HOOK)]),
    ("botocore", {"AWS_CA_BUNDLE": "/own.pem", "REQUESTS_CA_BUNDLE": BUNDLE},
     [("/own.pem", "AWS_CA_BUNDLE", BY_OTHERS)]),
    # curl ignores the file for the directory; node adds; the others' own are alone.
    ("curl", {"SSL_CERT_FILE": BUNDLE, "SSL_CERT_DIR": "/own"},
     [("/own", "SSL_CERT_DIR", BY_OTHERS), (SYSTEM, "", BY_DEFAULT)]),
    ("Node.js", HOOK, [(BUNDLE, "NODE_EXTRA_CA_CERTS", BY_HOOK), (OWN, "", BY_DEFAULT)]),
    ("npm", {"npm_config_cafile": "/own.pem", "NODE_EXTRA_CA_CERTS": BUNDLE},
     [("/own.pem", "npm_config_cafile", BY_OTHERS)]),
    ("git", {"GIT_SSL_CAPATH": "/own", "GIT_SSL_CAINFO": BUNDLE}, [("/own", "GIT_SSL_CAPATH", BY_OTHERS)]),
    ("websocket-client", {"WEBSOCKET_CLIENT_CA_BUNDLE": "/own", **HOOK},
     [("/own", "WEBSOCKET_CLIENT_CA_BUNDLE", BY_OTHERS)]),
    ("pip", HOOK,
     [(BUNDLE, "REQUESTS_CA_BUNDLE", BY_HOOK), (BUNDLE, "SSL_CERT_FILE", BY_HOOK), (CRTS, "SSL_CERT_DIR", BY_HOOK),
      (CERTIFI, "", BY_DEFAULT)]),
]  # fmt: skip


@cases(("client", "environ", "expected"), CASES)
def test_the_environment_decides(client: str, environ: dict[str, str], expected: list[tuple[str, str, str]]) -> None:
    found = trust(client, environ)
    assert told(found) == expected
    assert (found.unusable, found.fails) == ((), False)
    assert found.reaches_store == any(what.startswith("/s/") for what, _, _ in expected)


UNUSABLE: list[tuple[str, dict[str, str], list[str], bool]] = [
    ("requests", {"REQUESTS_CA_BUNDLE": "/gone"}, [], True),
    ("requests", {"REQUESTS_CA_BUNDLE": "/own"}, ["/own"], False),
    ("requests", {"REQUESTS_CA_BUNDLE": "/own.pem:/own.pem"}, [], True),  # a list is no file
    ("requests", {"REQUESTS_CA_BUNDLE": FORMER}, [], True),
    ("botocore", {"REQUESTS_CA_BUNDLE": "/own"}, [], True),
    ("botocore", {"AWS_CA_BUNDLE": ""}, [], True),
    ("urllib", {"SSL_CERT_FILE": "/own"}, [DIRECTORIES], False),
    ("urllib", {"SSL_CERT_FILE": ""}, [DIRECTORIES], False),
    ("urllib", {"SSL_CERT_FILE": "", "SSL_CERT_DIR": "/gone"}, [], True),
    ("uv", {"SSL_CERT_DIR": "/gone:/own"}, ["/gone:/own"], False),
    ("uv", {"SSL_CERT_FILE": "/gone", "SSL_CERT_DIR": CRTS}, [CRTS], False),
    ("uv", {"SSL_CERT_FILE": "/gone"}, [], True),
    ("Node.js", {"NODE_EXTRA_CA_CERTS": "/own"}, [OWN], False),
    ("pip", {"SSL_CERT_FILE": "/gone", "SSL_CERT_DIR": CRTS}, [CRTS, CERTIFI], False),
    ("pip", {"PIP_CERT": "/gone"}, [*DEFAULTS.values(), CERTIFI], True),
]


@cases(("client", "environ", "usable", "fails"), UNUSABLE)
def test_what_cannot_be_loaded_ends_a_client_or_is_passed_over(
    client: str, environ: dict[str, str], usable: list[str], *, fails: bool
) -> None:
    known = Facts(PATHS.holds, kinds={"/own.pem": FILE, "/own": DIRECTORY, CRTS: DIRECTORY}, defaults=DEFAULTS)
    found = trust(client, environ, known)
    assert ([source.what for source in found.sources], found.fails) == (usable, fails)
    named = set(environ.values()) - {source.what for source in found.sources}
    assert {source.what for source in found.unusable} == named
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
    assert told(trust("pip", {**HOOK, "PIP_CERT": BUNDLE}, facts(settings, guards="requests")))[0][1] == "PIP_CERT"
    exported = {**HOOK, "REQUESTS_CA_BUNDLE": "/own"}
    assert told(trust("pip", exported, facts(settings, guards="requests")))[0][0] == "/own"


def test_the_guard_of_certifi_puts_the_bundle_in_its_place_inside_python_only() -> None:
    known = facts(guards="certifi")
    for client in ("google-auth on urllib3", "requests", "httpx"):
        assert told(trust(client, {}, known)) == [(BUNDLE, "", f"{BY_GUARD} certifi")]
        assert trust(client, {}, known).reaches_store
    assert told(trust("AWS CLI", {}, known)) == [(CERTIFI, "", BY_DEFAULT)]


def test_a_default_that_is_not_there_is_not_trusted() -> None:
    found = trust("urllib", {}, Facts(PATHS.holds, defaults={SYSTEM_DIRECTORY: "/usr/lib/ssl/certs"}))
    assert told(found) == [("/usr/lib/ssl/certs", "", BY_DEFAULT)]
    assert trust("urllib", {}, Facts(PATHS.holds)).fails
