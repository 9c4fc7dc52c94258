"""The clients that certboot does not reach, why, and the line that helps: a table of docs/clients.md, all tested."""

from __future__ import annotations

from dataclasses import dataclass

from certboot.clients.table import CLIENTS

WAYS = {client.name: client.notes.way for client in CLIENTS}


@dataclass(frozen=True)
class Unreached:
    """A client that looks at nothing certboot can set."""

    name: str
    """That of its script in ``clients/scripts.py``; the one with the line in it is ``NAME_helped``."""
    title: str
    reason: str
    line: str
    """What to write, in the language of ``title``'s program."""
    program: str = ""


UNREACHED = (
    Unreached("pycurl", "pycurl",
              "its wheels hold a libcurl with a place of its own compiled in, and libcurl reads no variable",
              WAYS["pycurl"]),
    Unreached("tornado_curl", "tornado's CurlAsyncHTTPClient", "it is pycurl",
              'CurlAsyncHTTPClient().fetch(url, ca_certs=os.environ["SSL_CERT_FILE"])'),
    Unreached("rnet", "rnet", "its roots are compiled in, and it reads no variable",
              WAYS["rnet"]),
    Unreached("wget", "wget", "it reads no variable", WAYS["wget"], program="wget"),
    Unreached("npmrc", "npm with a `cafile` of its own",
              "a `cafile` in an .npmrc is the user's choice, and npm asks nothing else then",
              "cafile=${SSL_CERT_FILE}", program="npm"),
)  # fmt: skip


def as_markdown() -> str:
    """Return the table of docs/clients.md."""
    rows = [f"| {each.title} | {each.reason} | `{each.line}` |" for each in UNREACHED]
    return "\n".join(["| client | why | what helps |", "|---|---|---|", *rows])
