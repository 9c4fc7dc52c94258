from __future__ import annotations

import ast
import json

from support.table import cases

from certboot.clients.table import CLIENTS
from certboot.clients.trials import Trial, table, trial, verdict

BY_NAME = {client.name: client for client in CLIENTS}
# They want a project, data, or a server that speaks their protocol.
UNTRIED = {"Poetry", "pymongo", "cargo", "polars", "deltalake", "confluent-kafka"}


@cases("name", BY_NAME)
def test_every_client_is_tried_or_known_not_to_be(name: str) -> None:
    tried = trial(BY_NAME[name], "example.org", 8443)
    assert (tried is None) == (name in UNTRIED)
    if tried:
        command = " ".join(tried.argv)
        assert "example.org" in command
        assert "8443" in command
        if tried.says_json:
            ast.parse(tried.argv[2], feature_version=(3, 8))
        assert not any(word in command for word in ("{host}", "{port}", "{authority}", "verify=False", "--insecure"))


def test_nothing_is_tried_that_is_not_in_the_table() -> None:
    assert {*table()["python"], *table()["programs"]} == BY_NAME.keys() - UNTRIED


def test_an_ipv6_address_is_put_into_brackets_where_a_port_follows() -> None:
    def argv(name: str) -> tuple[str, ...]:
        tried = trial(BY_NAME[name], "::1", 443)
        assert tried
        return tried.argv

    assert "https://[::1]:443/" in argv("curl")
    assert argv("openssl")[5:9] == ("[::1]:443", "-servername", "::1", "-verify_hostname")
    assert argv("requests")[3:] == ("::1", "443")


PROGRAM = Trial(("x",), answered="not found")
PYTHON = Trial(("python", "-c", "pass"), says_json=True)
CASES: list[tuple[Trial, int, str, str, tuple[str, str]]] = [
    (PROGRAM, 0, "", "", ("accepted", "")),
    (PROGRAM, 1, "", "error: not found", ("accepted", "error: not found")),  # what only an answer can be
    (PROGRAM, 60, "", "curl: (60) SSL certificate problem: unable to get local issuer certificate\nMore details",
     ("refused", "curl: (60) SSL certificate problem: unable to get local issuer certificate")),
    (PROGRAM, 1, "certificate verify failed", "not found", ("refused", "certificate verify failed")),
    (PROGRAM, 7, "", "x\nFailed to connect\ny", ("unknown", "Failed to connect")),
    (PROGRAM, 1, "", "", ("unknown", "")),
    (PYTHON, 0, 'noise\n{"ok": true}\n', "warning", ("accepted", "")),
    (PYTHON, 0, json.dumps({"ok": False, "error": "SSLError: CERTIFICATE_VERIFY_FAILED"}), "",
     ("refused", "SSLError: CERTIFICATE_VERIFY_FAILED")),
    (PYTHON, 0, json.dumps({"ok": False, "error": "OSError: refused"}), "", ("unknown", "OSError: refused")),
    (PYTHON, 0, json.dumps({"ok": False, "error": "A: x (B('y')) | B: y | C: y | D: z"}), "",
     ("unknown", "A: x (B('y')) | D: z")),  # each error once, not again where an earlier one quotes it
    (PYTHON, 134, "", "Aborted", ("unknown", "Aborted")),
    (PYTHON, -6, "", "", ("unknown", "")),
]  # fmt: skip
UV = (
    "error: Missing `Content-Type` header for `https://h/certboot-trial/`",
    "error: Invalid `Content-Type` header for `https://h/certboot-trial/`",
    'error: Unsupported `Content-Type` "text/plain" for `https://h/certboot-trial/`. Expected JSON or HTML.',
    "error: Received some unexpected JSON from `https://h/certboot-trial/`",
    "  cause: Because certboot-trial was not found in the package registry and you require certboot-trial, ...",
    "  cause: Because there are no versions of certboot-trial and you require certboot-trial, ...",
    "error: Failed to fetch: https://h/\n  cause: HTTP status server error (500 no) for url (https://h/)",
    "error: Failed to fetch: https://h/\n  cause: HTTP status client error (400 no) for url (https://h/)",
    "error: Failed to fetch: https://h/\n  cause: client error (SendRequest)\n  cause: invalid HTTP version parsed",
)


@cases("said", UV)
def test_what_uv_says_of_an_answer_shows_that_it_got_past_tls(said: str) -> None:
    tried = trial(BY_NAME["uv"], "h", 443)
    assert tried
    assert verdict(tried, 2, "", said)[0] == "accepted"


@cases(
    ("cause", "expected"),
    [("invalid peer certificate: UnknownIssuer", "refused"), ("tcp connect error: Connection refused", "unknown")],
)
def test_what_uv_says_of_a_connection_does_not(cause: str, expected: str) -> None:
    tried = trial(BY_NAME["uv"], "h", 443)
    assert tried
    said = f"error: Failed to fetch: https://h/\n  cause: client error (Connect)\n  cause: {cause}"
    assert verdict(tried, 2, "", said)[0] == expected


@cases(("tried", "status", "output", "errors", "expected"), CASES)
def test_how_a_trial_ended_is_told_from_what_it_said(
    tried: Trial, status: int, output: str, errors: str, expected: tuple[str, str]
) -> None:
    assert verdict(tried, status, output, errors) == expected
