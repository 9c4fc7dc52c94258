"""The table of clients, a row each: where it looks for the CA certificates that it trusts, in which order and when.

Measured with the versions of tests/interop, or once by hand, and read in their sources. What a caller passes to a
client (``verify=``, ``--cacert``, a kubeconfig) goes before all of it, and is not in the table.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from certboot.clients import settings_formats, settings_places
from certboot.clients.settings_formats import Parsed
from certboot.clients.settings_places import Surroundings
from certboot.clients.variables import DIRECTORY, FILE

EITHER = "file or directory"
LOOKED_UP = "directories or file"
"""What OpenSSL takes for SSL_CERT_DIR: a list of directories, or in 3.0 to 3.3 one file (crypto/x509/by_store.c)."""

# What a setting says that names no file and no directory.
SWITCH = "switch"
HOSTS = "hosts whose certificates are not checked"
CERTIFICATES = "certificates themselves"

TRUE = ("true", "1", "yes", "on")
FALSE = ("false", "0", "no", "off", "<false>")
ANY = "any value"

# How a client understands a path in its settings; otherwise it takes it as it stands.
HOME = "~ is the home folder"
REFERENCES = "~ is the home folder, and ${NAME} a variable"
BESIDE = "relative to the folder above that of the file"

# When a client looks: a variable that is set later comes too late.
IMPORT = "import"
SESSION = "session"
REQUEST = "request"

# What a client trusts where nothing is set.
CERTIFI = "certifi"
SYSTEM = "the system's certificates"
SYSTEM_FILE = "the system's certificate file"
SYSTEM_DIRECTORY = "the system's certificate directory"
OWN = "a list of its own"


@dataclass(frozen=True)
class Place:
    """One place where a client looks: an environment variable, or a setting in a file of the client's own."""

    name: str
    form: str = FILE

    @property
    def setting(self) -> bool:
        """Whether it is a setting."""
        return isinstance(self, Key)


@dataclass(frozen=True)
class Key(Place):
    """One setting in a file of the client's own."""

    written: str = ""
    """The last part of its name as the file's reader returns it, where that is not the last part of ``name``."""
    variable: str = ""
    """The client's own variable that says the same and goes before the file. In lower case: it counts in any case."""
    before: tuple[str, ...] | None = None
    """The variables of certboot's that it is said to go before; None: it keeps no client from the store."""
    off: tuple[str, ...] = ()
    """The values, in lower case, by which no certificate is checked."""
    system: tuple[str, ...] = ()
    """The values that choose the system's certificates."""

    @property
    def last(self) -> str:
        """The last part of its name in the file."""
        return self.written or self.name.rpartition(".")[2]

    def is_off(self, value: str) -> bool:
        """Return whether by this value no certificate is checked."""
        return ANY in self.off or value.strip().lower() in self.off


class Choice(typing.NamedTuple):
    """Places of which the first that is set decides, or all that are."""

    places: tuple[Place, ...] = ()
    otherwise: str = ""
    """What is trusted where none is set; empty: nothing by this choice."""
    every: bool = False
    """All that are set count, not only the first."""
    alone: bool = False
    """Where one is set, it is all that the client trusts, or fails to load: the choices after this one do not count."""
    guard: str = ""
    """The guard that puts certboot's bundle in the place of the default, where it is not that of certifi."""

    @property
    def guarded_by(self) -> str:
        """The guard that puts certboot's bundle in the place of the default, inside Python; empty: none."""
        return self.guard or ("certifi" if self.otherwise == CERTIFI else "")

    @property
    def is_openssl(self) -> bool:
        """Whether OpenSSL itself looks there for its defaults: it takes an empty value for one that leads nowhere."""
        return self.otherwise in (SYSTEM_FILE, SYSTEM_DIRECTORY)

    @property
    def is_lenient(self) -> bool:
        """Whether what cannot be loaded is passed over."""
        return self.every or self.is_openssl


Rules: typing.TypeAlias = typing.Literal["python", "urllib3", "partial", "plain"]
"""By which rules a client verifies: ``python``: as ``ssl.create_default_context()``, strict from Python 3.13 on;
``urllib3``: the same, and no common name stands in for a missing subjectAltName (urllib3 2);
``partial``: the chain may end at any certificate that is trusted; ``plain``: at a root only."""


class Manner(typing.NamedTuple):
    """How a client takes what it is told."""

    rules: Rules = "python"

    fails: bool = True
    """What it cannot load makes it fail for every host, unless the choice is lenient; else it is passed over."""
    missing_is_unset: bool = False
    """It takes a path that leads nowhere for none."""
    empty_is_unset: bool = True
    """It takes an empty value for none, unless the choice is OpenSSL's; else for one that it cannot load."""
    yields: bool = False
    """It is built on a ``requests`` that the hook guards: whatever else it is told goes before certboot's own value."""


class Files(typing.NamedTuple):
    """The settings files of a client, and what it can be told there beside the settings of its choices."""

    owner: str = ""
    """Whose they are, for people: several clients may share them."""
    where: Callable[[Surroundings], list[Path]] = lambda _: []
    """Where they lie, in ascending order of weight."""
    parse: Callable[[str], Parsed] | None = None
    """How they are read; None: they are TOML."""
    table: str = ""
    """The table of a TOML file with the settings, but for a pyproject.toml, where it is that of the owner's tools."""
    more: tuple[Key, ...] = ()
    paths: str = ""
    """HOME, REFERENCES, BESIDE or empty: how it understands a path."""
    words: bool = False
    """Its settings take a path, or a word such as ``false``."""
    strict: bool = True
    """With a file that it cannot make sense of the client ends, or refuses to start."""


class Versions(typing.NamedTuple):
    """From this version on, up to before that one; empty: no limit."""

    since: tuple[int, ...] = ()
    before: tuple[int, ...] = ()


class Notes(typing.NamedTuple):
    """What people should know of a client."""

    way: str = ""
    """What to write so that it trusts the store, where it looks at nothing that certboot sets."""
    tried: str = ""
    """The version that was tried once by hand, where the suite has none of it."""


class Client(typing.NamedTuple):
    """One client. It trusts what all of its choices come to."""

    name: str
    choices: tuple[Choice, ...]
    moment: str = REQUEST
    needs: tuple[str, ...] = ()
    """The distributions that it consists of, by their normalized names; none: it comes with Python, or is a program."""
    versions: Versions = Versions()
    """Of the first of them, where not all are like this."""
    program: str = ""
    """The name of the program on PATH; empty: it runs inside Python, where the hook's guards act."""
    manner: Manner = Manner()
    switches: tuple[Place, ...] = ()
    """What, where it is true, puts the system's certificates in the place of the client's own list."""
    files: Files = Files()
    notes: Notes = Notes()


_CURL = Place("CURL_CA_BUNDLE")
_SSL_FILE = Place("SSL_CERT_FILE")
_SSL_DIRECTORY = Place("SSL_CERT_DIR", DIRECTORY)
# requests and most that is built on it take a directory too; botocore and curl_cffi read the same variable, and do not.
_REQUESTS = (Place("REQUESTS_CA_BUNDLE", EITHER), Place("CURL_CA_BUNDLE", EITHER))
# Python's ssl and OpenSSL itself: each of the two variables stands for one of the two defaults.
_OPENSSL = (
    Choice((_SSL_FILE,), SYSTEM_FILE),
    Choice((Place("SSL_CERT_DIR", LOOKED_UP),), SYSTEM_DIRECTORY),
)


def _first(*places: Place, otherwise: str = "", alone: bool = False) -> Choice:
    return Choice(places, otherwise, alone=alone)


_CA_BUNDLE = Key("ca_bundle", written="ca-bundle", before=("REQUESTS_CA_BUNDLE",))
_AWS = (_first(Place("AWS_CA_BUNDLE"), _CA_BUNDLE, Place("REQUESTS_CA_BUNDLE"), otherwise=CERTIFI),)
_AWS_FILES = Files("AWS", settings_places.aws, settings_formats.ini)
_PIP_CERT = (*_REQUESTS, Place("PIP_CERT", EITHER), Key("cert", EITHER, before=("REQUESTS_CA_BUNDLE",)))
_PIP_HOSTS = Key("trusted-host", HOSTS, variable="PIP_TRUSTED_HOST")
_PIP_FILES = Files("pip", settings_places.pip, settings_formats.ini, more=(_PIP_HOSTS,), paths=HOME)
_HTTPX = (_SSL_FILE, _SSL_DIRECTORY)
_NODE = Choice((Place("NODE_EXTRA_CA_CERTS"),))
_USUAL = Manner()
_YIELDING = Manner(rules="urllib3", yields=True)
_URLLIB3 = Manner(rules="urllib3")
_PLAIN = Manner(rules="plain")
_PARTIAL = Manner(rules="partial")
_NO_EMPTY = Manner(rules="plain", empty_is_unset=False)
_NO_EMPTY_PARTIAL = Manner(rules="partial", empty_is_unset=False)
_ON_RUSTLS = (("polars", "2.1.0"), ("deltalake", "1.6.6"), ("obstore", "0.12.1"), ("pyqwest", "0.12.0"))
_ALWAYS_OWN = Choice(otherwise=OWN)
_ALWAYS_SYSTEM = Choice(otherwise=SYSTEM)
_ALWAYS_CERTIFI = Choice(otherwise=CERTIFI)


def _on_ssl(
    name: str, *needs: str, moment: str = REQUEST, also: tuple[Choice, ...] = (), manner: Manner = _USUAL
) -> Client:
    """Return a client that has its context from Python's ssl, with the default certificates."""
    return Client(name, (*_OPENSSL, *also), moment, needs, manner=manner)


CLIENTS = (
    Client("requests", (Choice(_REQUESTS, CERTIFI),), needs=("requests",), manner=_YIELDING),
    # Its truststore asks OpenSSL's two variables, and certifi is loaded beside them.
    Client(
        "pip", (Choice(_PIP_CERT), *_OPENSSL, _ALWAYS_CERTIFI), needs=("pip",), versions=Versions(since=(24, 2)),
        manner=Manner(rules="plain", yields=True),
        files=_PIP_FILES,
    ),
    Client(
        "pip", (Choice(_PIP_CERT, CERTIFI),), needs=("pip",), versions=Versions(before=(24, 2)), manner=_YIELDING,
        files=_PIP_FILES,
    ),
    Client("botocore", _AWS, SESSION, ("botocore",), manner=_NO_EMPTY, files=_AWS_FILES),
    Client("Poetry", (Choice(_REQUESTS, CERTIFI),), needs=("poetry", "requests"), manner=_YIELDING),
    Client("niquests", (Choice(_REQUESTS, SYSTEM, guard="requests"),), needs=("niquests",), manner=_YIELDING),
    Client(
        "google-auth on requests", (Choice(_REQUESTS, CERTIFI),), needs=("google_auth", "requests"), manner=_YIELDING
    ),
    Client("google-auth on urllib3", (_ALWAYS_CERTIFI,), needs=("google_auth", "urllib3", "certifi"), manner=_URLLIB3),
    Client(
        "curl_cffi", (_first(Place("REQUESTS_CA_BUNDLE"), _CURL, _SSL_FILE, otherwise=CERTIFI),), SESSION,
        ("curl_cffi",), manner=_PARTIAL,
    ),
    _on_ssl("urllib"),
    _on_ssl("urllib3", "urllib3", manner=_URLLIB3),
    Client("httpx", (Choice(_HTTPX, CERTIFI),), SESSION, ("httpx",)),
    Client("httpx2", (Choice(_HTTPX, SYSTEM),), SESSION, ("httpx2",)),
    Client("openai", (Choice(_HTTPX, SYSTEM),), SESSION, ("openai", "httpx2")),
    Client("huggingface_hub", (Choice(_HTTPX, SYSTEM),), SESSION, ("huggingface_hub", "httpx2")),
    _on_ssl("aiohttp", "aiohttp", moment=IMPORT),
    _on_ssl("websockets", "websockets"),
    Client(
        "websocket-client",
        (_first(Place("WEBSOCKET_CLIENT_CA_BUNDLE", EITHER), alone=True), *_OPENSSL),
        needs=("websocket_client",), manner=Manner(rules="plain", missing_is_unset=True),
    ),
    _on_ssl("Tornado", "tornado", moment=IMPORT),
    Client("Twisted", (Choice(_HTTPX, SYSTEM, every=True),), needs=("twisted", "pyopenssl"), manner=_NO_EMPTY),
    _on_ssl("redis", "redis"),
    _on_ssl("pymongo", "pymongo", moment=SESSION, manner=_PLAIN),
    _on_ssl("elasticsearch", "elasticsearch", moment=SESSION, also=(_ALWAYS_CERTIFI,)),
    Client("opensearch-py", (Choice((_SSL_FILE, Place("SSL_CERT_DIR")), CERTIFI),), SESSION, ("opensearch_py",)),
    _on_ssl("kubernetes", "kubernetes", manner=_URLLIB3),
    Client(
        "primp",
        (Choice(_HTTPX, SYSTEM, every=True), _first(Place("PRIMP_CA_BUNDLE"), _CURL)),
        SESSION, ("primp",), manner=_NO_EMPTY_PARTIAL,
    ),
    *(
        Client(
            name, (Choice(_HTTPX, SYSTEM, every=True),), SESSION, (name,), manner=_NO_EMPTY_PARTIAL,
            notes=Notes(tried=version),
        )
        for name, version in _ON_RUSTLS
    ),
    Client(
        "MinIO", (Choice((_SSL_FILE,), CERTIFI),), SESSION, ("minio",), manner=_URLLIB3, notes=Notes(tried="7.2.20")
    ),
    Client("httplib2", (Choice((Place("HTTPLIB2_CA_CERTS"),), CERTIFI),), IMPORT, ("httplib2",), manner=_NO_EMPTY),
    Client(
        "grpcio", (Choice((Place("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"),), OWN),), SESSION, ("grpcio",), manner=_PLAIN
    ),
    Client(
        "pycurl", (_ALWAYS_SYSTEM,), needs=("pycurl",), manner=_PARTIAL,
        notes=Notes('curl.setopt(pycurl.CAINFO, os.environ["SSL_CERT_FILE"])'),
    ),
    Client(
        "rnet", (_ALWAYS_OWN,), needs=("rnet",), manner=_PLAIN,
        notes=Notes('rnet.Client(verify=Path(os.environ["SSL_CERT_FILE"]))'),
    ),
    Client(
        "wreq", (_ALWAYS_OWN,), needs=("wreq",), manner=_PLAIN,
        notes=Notes('wreq.Client(tls_verify=Path(os.environ["SSL_CERT_FILE"]))', "0.13.0"),
    ),
    Client(
        "confluent-kafka", (_ALWAYS_SYSTEM,), needs=("confluent_kafka",), manner=_PLAIN,
        notes=Notes('Producer({"ssl.ca.location": os.environ["SSL_CERT_FILE"]})', "2.16.1"),
    ),
    Client(
        "uv", (Choice(_HTTPX, OWN, every=True),), program="uv", manner=_PARTIAL,
        switches=(
            Place("UV_SYSTEM_CERTS"),
            Place("UV_NATIVE_TLS"),
            Key("system-certs", SWITCH, variable="UV_SYSTEM_CERTS", system=TRUE),
            Key("native-tls", SWITCH, variable="UV_NATIVE_TLS", system=TRUE),
        ),
        files=Files("uv", settings_places.uv, more=(Key("allow-insecure-host", HOSTS, variable="UV_INSECURE_HOST"),)),
    ),
    Client(
        "curl",
        (
            _first(
                Key("cacert", before=("SSL_CERT_FILE", "CURL_CA_BUNDLE")),
                Key("capath", DIRECTORY, before=("SSL_CERT_DIR",)),
                _CURL, _SSL_DIRECTORY, _SSL_FILE,
            ),
            _ALWAYS_SYSTEM,
        ),
        program="curl", manner=_PARTIAL,
        files=Files(
            "curl", settings_places.curl, settings_formats.curl, strict=False,
            more=(Key("insecure", SWITCH, off=(ANY,)), Key("-k", SWITCH, off=(ANY,)), Key("no-insecure", SWITCH)),
        ),
    ),
    Client(
        "git",
        (
            _first(Place("GIT_SSL_CAPATH", DIRECTORY), Key("http.sslCAPath", DIRECTORY, before=()), alone=True),
            _first(Place("GIT_SSL_CAINFO"), Key("http.sslCAInfo", before=())),
            _ALWAYS_SYSTEM,
        ),
        program="git", manner=Manner(rules="partial", empty_is_unset=False),
        files=Files("git", paths=HOME),  # git itself is asked
    ),
    Client(
        "Node.js", (_NODE, _ALWAYS_OWN), program="node", manner=Manner(rules="plain", fails=False),
        files=Files("Node.js, npm", more=(Key("", SWITCH, variable="NODE_TLS_REJECT_UNAUTHORIZED", off=("0",)),)),
    ),
    Client(
        "npm",
        (
            _first(
                Place("npm_config_cafile"),
                Key("cafile", variable="npm_config_cafile", before=("NODE_EXTRA_CA_CERTS",)),
                alone=True,
            ),
            _NODE,
            _ALWAYS_OWN,
        ),
        program="npm", manner=Manner(rules="plain", fails=False, missing_is_unset=True),
        files=Files(
            "npm", settings_places.npm, settings_formats.npm, paths=REFERENCES, words=True, strict=False,
            more=(
                Key("ca", CERTIFICATES),
                Key("ca[]", CERTIFICATES),
                Key("strict-ssl", SWITCH, variable="npm_config_strict_ssl", off=FALSE),
            ),
        ),
    ),
    Client(
        "wget", (_first(Key("ca_certificate", written="cacertificate")), _ALWAYS_SYSTEM), program="wget", manner=_PLAIN,
        files=Files(
            "wget", settings_places.wget, settings_formats.wget, more=(Key("checkcertificate", SWITCH, off=FALSE),)
        ),
        notes=Notes("wget --ca-certificate=$SSL_CERT_FILE"),
    ),
    Client(
        "cargo",
        (
            _first(
                Place("CARGO_HTTP_CAINFO"), Key("http.cainfo", before=("SSL_CERT_FILE",)), _SSL_DIRECTORY, _SSL_FILE
            ),
            _ALWAYS_SYSTEM,
        ),
        program="cargo", manner=_PARTIAL, files=Files("cargo", settings_places.cargo, table="http", paths=BESIDE),
    ),
    Client("openssl", _OPENSSL, program="openssl", manner=_PLAIN),
    Client("AWS CLI", _AWS, program="aws", manner=_NO_EMPTY, files=_AWS_FILES, notes=Notes(tried="1")),
)  # fmt: skip

_SSL_VERIFY = Key(
    "ssl_verify", EITHER, variable="CONDA_SSL_VERIFY", before=("REQUESTS_CA_BUNDLE",), off=FALSE, system=("truststore",)
)
_CONDA = Client(
    "conda", (Choice((_SSL_VERIFY,), CERTIFI),),
    files=Files("conda", settings_places.conda, settings_formats.yaml, paths=HOME, words=True),
)  # fmt: skip
"""Only its settings are looked at: whom it trusts besides has not been measured."""


def places(client: Client) -> tuple[Place, ...]:
    """Return all places where the client looks for certificates."""
    return tuple(place for choice in client.choices for place in choice.places)


def looked_up(client: Client) -> tuple[Key, ...]:
    """Return the settings that decide whom the client trusts."""
    return tuple(place for place in (*places(client), *client.switches) if isinstance(place, Key))


def readers(variable: str) -> tuple[str, ...]:
    """Return the names of the clients that look at this variable."""
    return tuple(dict.fromkeys(client.name for client in _reading(variable)))


def is_added(variable: str) -> bool:
    """Return whether what this variable names is trusted beside its readers' own lists of public CAs."""
    return all(_ALWAYS_OWN in client.choices for client in _reading(variable))


def _reading(variable: str) -> list[Client]:
    return [
        client for client in CLIENTS if any(place.name == variable and not place.setting for place in places(client))
    ]


OWNERS = {client.files.owner: client for client in (*CLIENTS, _CONDA) if client.files.owner}
"""The owner of settings files -> a row that reads them."""
KEYS = {(owner, key.last): key for owner, client in OWNERS.items() for key in (*looked_up(client), *client.files.more)}
"""The owner and the last part of a name in its files -> what that says. Nothing else is taken from them."""
