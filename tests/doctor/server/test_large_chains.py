"""A server that sends a whole bundle in the place of its chain is told so; one within the limit is not."""

from __future__ import annotations

import ssl
import typing
from collections.abc import Callable
from pathlib import Path

from support.chains import CA, make, on_server
from support.faults import Listener, after_hello, message, server_context, server_hello, tls
from support.table import cases

if typing.TYPE_CHECKING:
    from support.asking import Answer

Ask = Callable[..., "Answer"]
Listen = Callable[..., Listener]

ROOT = make("Corp Root", form=CA)
LEAF = make("localhost", ROOT)
LIMIT = 100 * 1024  # SSL_MAX_CERT_LIST_DEFAULT in OpenSSL's ssl.h


@cases("version", ["TLSv1_2", "TLSv1_3"])
@cases("mode", ["CERT_NONE", "CERT_OPTIONAL"])
def test_a_bundle_in_the_place_of_the_chain_is_named(
    ask: Ask, listen: Listen, trust: Callable[..., Path], version: str, mode: str
) -> None:
    anchors = trust(ROOT)

    def served(count: int) -> int:
        context = server_context(on_server(LEAF, *[ROOT] * count))
        context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
        context.verify_mode = ssl.VerifyMode[mode]
        context.load_verify_locations(anchors)
        return listen(tls(context)).port

    most = (LIMIT - len(LEAF.der)) // (len(ROOT.der) + 5)
    port = served(most + 20)
    answer = ask("hook", f"localhost:{port}", "--timeout", "5")
    assert (answer.status, answer.primary) == (1, "chain-too-large")
    assert "100 KiB of certificates" in answer.first["summary"]
    assert answer.first["evidence"]["reason"] == "EXCESSIVE_MESSAGE_SIZE"
    assert "bundle of CAs" in answer.first["evidence"]["operator"]
    assert answer.first["fix"] == []
    assert ask("hook", f"localhost:{served(most - 20)}", "--timeout", "5").primary is None


def test_another_message_that_is_too_large_is_none_of_that(
    ask: Ask, listen: Listen, trust: Callable[..., Path]
) -> None:
    """Before the server's hello has come nothing is said of its chain: here the hello itself is too large."""
    trust(ROOT)
    huge = message(2, bytes(16000))[:5] + b"\x02" + (1 << 20).to_bytes(3, "big") + bytes(16000)
    answer = ask("hook", f"localhost:{listen(after_hello(huge)).port}", "--timeout", "2")
    assert (answer.primary, answer.first["evidence"]["reason"]) == ("handshake-failed", "EXCESSIVE_MESSAGE_SIZE")
    header = message(11, b"")[:5] + b"\x0b" + (LIMIT + 1).to_bytes(3, "big")
    answer = ask("hook", f"localhost:{listen(after_hello(server_hello(), header)).port}", "--timeout", "2")
    assert answer.primary == "chain-too-large"
