"""The clients that certboot does not reach, why, and the line that helps: README's list. The tests check each line."""

from __future__ import annotations

from dataclasses import dataclass


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
              'curl.setopt(pycurl.CAINFO, os.environ["SSL_CERT_FILE"])'),
    Unreached("tornado_curl", "tornado's CurlAsyncHTTPClient", "it is pycurl",
              'CurlAsyncHTTPClient().fetch(url, ca_certs=os.environ["SSL_CERT_FILE"])'),
    Unreached("rnet", "rnet", "its roots are compiled in, and it reads no variable",
              'rnet.Client(verify=Path(os.environ["SSL_CERT_FILE"]))'),
    Unreached("wget", "wget", "it reads no variable", "wget --ca-certificate=$SSL_CERT_FILE", program="wget"),
    Unreached("npmrc", "npm with a `cafile` of its own",
              "a `cafile` in an .npmrc is the user's choice, and npm asks nothing else then",
              "cafile=${SSL_CERT_FILE}", program="npm"),
)  # fmt: skip


def as_markdown() -> str:
    """Return README's table."""
    rows = [f"| {each.title} | {each.reason} | `{each.line}` |" for each in UNREACHED]
    return "\n".join(["| client | why | what helps |", "|---|---|---|", *rows])
