"""The CA variables that certboot can set: a file or a directory, by default or not; and an adopted value of one."""

from __future__ import annotations

import os
import typing

Form: typing.TypeAlias = typing.Literal["file", "directory"]
FILE: typing.Final = "file"
DIRECTORY: typing.Final = "directory"

Profile: typing.TypeAlias = typing.Literal["full", "gentle"]
FULL: typing.Final = "full"
GENTLE: typing.Final = "gentle"
PROFILES: tuple[Profile, ...] = (FULL, GENTLE)
"""FULL reaches the most clients. GENTLE overrules nothing in children without the hook, and does not reach them all."""


class Variable(typing.NamedTuple):
    """One environment variable by which some client finds its CA certificates."""

    name: str
    form: Form
    """FILE or DIRECTORY: what most of its readers take. A directory for a FILE breaks some (EISDIR, SIGABRT)."""
    default: bool
    """Set unless configured away. The others would outrank what users configured; docs/clients.md weighs them."""
    takes_directory: bool = False
    """The clients that it is named for take a directory too, and others that read it fail for every host."""
    overrules: bool = False
    """In a child without the hook it overrules what a user or a script chose: the profile GENTLE leaves it out."""

    def is_set_by(self, profile: Profile) -> bool:
        """Return whether the hook sets it by this profile, unless configured otherwise."""
        return self.default and not (profile == GENTLE and self.overrules)


VARIABLES = (
    Variable("REQUESTS_CA_BUNDLE", FILE, default=True, takes_directory=True, overrules=True),
    Variable("SSL_CERT_FILE", FILE, default=True),
    Variable("SSL_CERT_DIR", DIRECTORY, default=True),
    Variable("NODE_EXTRA_CA_CERTS", FILE, default=True),
    Variable("GIT_SSL_CAINFO", FILE, default=True, overrules=True),
    Variable("HTTPLIB2_CA_CERTS", FILE, default=True),
    Variable("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", FILE, default=True),
    Variable("GIT_SSL_CAPATH", DIRECTORY, default=False),
    Variable("CURL_CA_BUNDLE", FILE, default=False),
    Variable("AWS_CA_BUNDLE", FILE, default=False),
    Variable("PIP_CERT", FILE, default=False, takes_directory=True),
    Variable("CARGO_HTTP_CAINFO", FILE, default=False),
    Variable("WEBSOCKET_CLIENT_CA_BUNDLE", FILE, default=False, takes_directory=True),
)
BY_NAME = {variable.name: variable for variable in VARIABLES}


class Adoption(typing.NamedTuple):
    """One value of one variable: the hook replaces it, and the store has the certificates that it names."""

    variable: str
    """One of ``certboot.clients.variables``."""
    value: str

    @property
    def places(self) -> tuple[str, ...]:
        """The file or directory that it names; where OpenSSL takes a list of directories, each of them."""
        lists = BY_NAME[self.variable].form == DIRECTORY
        return tuple(dict.fromkeys(filter(None, self.value.split(os.pathsep) if lists else [self.value])))

    @property
    def unfit(self) -> str:
        """Why no value like this is adopted, or ""."""
        if not self.places:
            return "it is empty"
        if any(character in self.value for character in "\n\r\0"):
            return "it has a line end in it"
        if not all(map(os.path.isabs, self.places)):
            return "it is a relative path, which means another place in every folder"
        return ""
