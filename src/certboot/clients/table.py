"""The table of clients: where each looks for the CA certificates that it trusts, in which order, and when. Data.

Measured with the versions of tests/interop, and read in their sources. What a caller passes to a client (``verify=``,
``--cacert``, a kubeconfig) goes before all of it, and is not in the table.
"""

from __future__ import annotations

from dataclasses import dataclass

from certboot.clients.variables import DIRECTORY, FILE

EITHER = "file or directory"
LOOKED_UP = "directories or file"
"""What OpenSSL 3 takes for SSL_CERT_DIR: a list of directories, or one file (crypto/x509/by_store.c)."""

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
    setting: bool = False


@dataclass(frozen=True)
class Choice:
    """Places of which the first that is set decides, or all that are."""

    places: tuple[Place, ...] = ()
    otherwise: str = ""
    """What is trusted where none is set; empty: nothing by this choice."""
    every: bool = False
    """All that are set count, not only the first."""

    @property
    def is_openssl(self) -> bool:
        """Whether OpenSSL itself looks there for its defaults: it takes an empty value for one that leads nowhere."""
        return self.otherwise in (SYSTEM_FILE, SYSTEM_DIRECTORY)

    @property
    def is_lenient(self) -> bool:
        """Whether what cannot be loaded is passed over."""
        return self.every or self.is_openssl


@dataclass(frozen=True)
class Client:
    """One client. It trusts what all of its choices come to."""

    name: str
    choices: tuple[Choice, ...]
    moment: str = REQUEST
    needs: tuple[str, ...] = ()
    """The distributions that it consists of, by their normalized names; none: it comes with Python, or is a program."""
    since: tuple[int, ...] = ()
    before: tuple[int, ...] = ()
    """The versions of the first of them that are like this, where not all are."""
    program: str = ""
    """The name of the program on PATH; empty: it runs inside Python, where the hook's guards act."""
    alone: tuple[Place, ...] = ()
    """Places that go before all choices: the first that is set is all that the client trusts, or fails to load."""
    fails: bool = True
    """What it cannot load makes it fail for every host, unless the choice is lenient; else it is passed over."""
    missing_is_unset: bool = False
    """It takes a path that leads nowhere for none."""
    empty_is_unset: bool = True
    """It takes an empty value for none, unless the choice is OpenSSL's; else for one that it cannot load."""
    switches: tuple[Place, ...] = ()
    """What, where it is true, puts the system's certificates in the place of the client's own list."""
    yields: bool = False
    """It is built on a ``requests`` that the hook guards: whatever else it is told goes before certboot's own value."""


def _setting(name: str, form: str = FILE) -> Place:
    return Place(name, form, setting=True)


_SSL_FILE = Place("SSL_CERT_FILE")
_SSL_DIRECTORY = Place("SSL_CERT_DIR", DIRECTORY)
# requests and most that is built on it take a directory too; botocore and curl_cffi read the same variable, and do not.
_REQUESTS = (Place("REQUESTS_CA_BUNDLE", EITHER), Place("CURL_CA_BUNDLE", EITHER))
# Python's ssl and OpenSSL itself: each of the two variables stands for one of the two defaults.
_OPENSSL = (
    Choice((_SSL_FILE,), SYSTEM_FILE),
    Choice((Place("SSL_CERT_DIR", LOOKED_UP),), SYSTEM_DIRECTORY),
)
_AWS = (Choice((Place("AWS_CA_BUNDLE"), _setting("ca_bundle"), Place("REQUESTS_CA_BUNDLE")), CERTIFI),)
_HTTPX = (_SSL_FILE, _SSL_DIRECTORY)
_NODE = Choice((Place("NODE_EXTRA_CA_CERTS"),))
_ALWAYS_OWN = Choice(otherwise=OWN)
_ALWAYS_SYSTEM = Choice(otherwise=SYSTEM)
_ALWAYS_CERTIFI = Choice(otherwise=CERTIFI)


def _on_ssl(name: str, *needs: str, moment: str = REQUEST, also: tuple[Choice, ...] = ()) -> Client:
    """Return a client that has its context from Python's ssl, with the default certificates."""
    return Client(name, (*_OPENSSL, *also), moment, needs)


CLIENTS = (
    Client("requests", (Choice(_REQUESTS, CERTIFI),), needs=("requests",), yields=True),
    Client(
        "pip",
        # Its truststore asks OpenSSL's two variables, and certifi is loaded beside them.
        (
            Choice((*_REQUESTS, Place("PIP_CERT", EITHER), _setting("cert", EITHER))),
            *_OPENSSL,
            _ALWAYS_CERTIFI,
        ),
        needs=("pip",),
        since=(24, 2),
        yields=True,
    ),
    Client(
        "pip",
        (Choice((*_REQUESTS, Place("PIP_CERT", EITHER), _setting("cert", EITHER)), CERTIFI),),
        needs=("pip",),
        before=(24, 2),
        yields=True,
    ),
    Client("botocore", _AWS, SESSION, ("botocore",), empty_is_unset=False),
    Client("Poetry", (Choice(_REQUESTS, CERTIFI),), needs=("poetry", "requests"), yields=True),
    Client("niquests", (Choice(_REQUESTS, SYSTEM),), needs=("niquests",)),
    Client("google-auth on requests", (Choice(_REQUESTS, CERTIFI),), needs=("google_auth", "requests"), yields=True),
    Client("google-auth on urllib3", (_ALWAYS_CERTIFI,), needs=("google_auth", "urllib3", "certifi")),
    Client(
        "curl_cffi",
        (Choice((Place("REQUESTS_CA_BUNDLE"), Place("CURL_CA_BUNDLE"), _SSL_FILE), CERTIFI),),
        SESSION,
        ("curl_cffi",),
    ),
    _on_ssl("urllib"),
    _on_ssl("urllib3", "urllib3"),
    Client("httpx", (Choice(_HTTPX, CERTIFI),), SESSION, ("httpx",)),
    Client("httpx2", (Choice(_HTTPX, SYSTEM),), SESSION, ("httpx2",)),
    Client("openai", (Choice(_HTTPX, SYSTEM),), SESSION, ("openai", "httpx2")),
    Client("huggingface_hub", (Choice(_HTTPX, SYSTEM),), SESSION, ("huggingface_hub", "httpx2")),
    _on_ssl("aiohttp", "aiohttp", moment=IMPORT),
    _on_ssl("websockets", "websockets"),
    Client(
        "websocket-client",
        _OPENSSL,
        needs=("websocket_client",),
        alone=(Place("WEBSOCKET_CLIENT_CA_BUNDLE", EITHER),),
        missing_is_unset=True,
    ),
    _on_ssl("Tornado", "tornado", moment=IMPORT),
    Client(
        "Twisted",
        (Choice(_HTTPX, SYSTEM, every=True),),
        needs=("twisted", "pyopenssl"),
        empty_is_unset=False,
    ),
    _on_ssl("redis", "redis"),
    _on_ssl("pymongo", "pymongo", moment=SESSION),
    _on_ssl("elasticsearch", "elasticsearch", moment=SESSION, also=(_ALWAYS_CERTIFI,)),
    Client("opensearch-py", (Choice((_SSL_FILE, Place("SSL_CERT_DIR")), CERTIFI),), SESSION, ("opensearch_py",)),
    _on_ssl("kubernetes", "kubernetes"),
    Client(
        "primp",
        (Choice(_HTTPX, SYSTEM, every=True), Choice((Place("PRIMP_CA_BUNDLE"), Place("CURL_CA_BUNDLE")))),
        SESSION,
        ("primp",),
        empty_is_unset=False,
    ),
    Client("httplib2", (Choice((Place("HTTPLIB2_CA_CERTS"),), CERTIFI),), IMPORT, ("httplib2",), empty_is_unset=False),
    Client("grpcio", (Choice((Place("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH"),), OWN),), SESSION, ("grpcio",)),
    Client("pycurl", (_ALWAYS_SYSTEM,), needs=("pycurl",)),
    Client("rnet", (_ALWAYS_OWN,), needs=("rnet",)),
    Client(
        "uv",
        (Choice(_HTTPX, OWN, every=True),),
        program="uv",
        switches=(
            Place("UV_SYSTEM_CERTS"),
            Place("UV_NATIVE_TLS"),
            _setting("system-certs"),
            _setting("native-tls"),
        ),
    ),
    Client(
        "curl",
        (
            Choice(
                (
                    _setting("cacert"),
                    _setting("capath", DIRECTORY),
                    Place("CURL_CA_BUNDLE"),
                    _SSL_DIRECTORY,
                    _SSL_FILE,
                )
            ),
            _ALWAYS_SYSTEM,
        ),
        program="curl",
    ),
    Client(
        "git",
        (Choice((Place("GIT_SSL_CAINFO"), _setting("http.sslCAInfo"))), _ALWAYS_SYSTEM),
        program="git",
        alone=(Place("GIT_SSL_CAPATH", DIRECTORY), _setting("http.sslCAPath", DIRECTORY)),
        empty_is_unset=False,
    ),
    Client("Node.js", (_NODE, _ALWAYS_OWN), program="node", fails=False),
    Client(
        "npm",
        (_NODE, _ALWAYS_OWN),
        program="npm",
        alone=(Place("npm_config_cafile"), _setting("cafile")),
        fails=False,
        missing_is_unset=True,
    ),
    Client("wget", (Choice((_setting("ca_certificate"),)), _ALWAYS_SYSTEM), program="wget"),
    Client(
        "cargo",
        (
            Choice((Place("CARGO_HTTP_CAINFO"), _setting("http.cainfo"), _SSL_DIRECTORY, _SSL_FILE)),
            _ALWAYS_SYSTEM,
        ),
        program="cargo",
    ),
    Client("openssl", _OPENSSL, program="openssl"),
    Client("AWS CLI", _AWS, program="aws", empty_is_unset=False),
)


def places(client: Client) -> tuple[Place, ...]:
    """Return all places where the client looks, those that go before the others first."""
    return (*client.alone, *(place for choice in client.choices for place in choice.places))


def readers(variable: str) -> tuple[str, ...]:
    """Return the names of the clients that look at this variable."""
    names = (
        client.name
        for client in CLIENTS
        if any(place.name == variable and not place.setting for place in places(client))
    )
    return tuple(dict.fromkeys(names))
