"""``certboot chain``: what a server should send."""

from __future__ import annotations

import typing
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from support.issuers import (
    ChainServer,
    accepted,
    intermediate,
    leaf,
    openssl_path,
    trusted_root,
)
from support.pki import Issued, issue
from support.plain_server import PlainServer, page
from support.snapshot import assert_refused, snapshot

from certboot.pki import pem

if typing.TYPE_CHECKING:
    from support.environments import Ran

    from certboot.store.paths import StorePaths

    Run = Callable[..., Ran]
    Send = Callable[..., ChainServer]


@pytest.fixture
def root(clean: Path, certboot: Run) -> Issued:
    """A CA that the store trusts."""
    return trusted_root(clean, certboot)


class TestChain:
    def test_it_is_what_the_server_should_send(
        self, certboot: Run, paths: StorePaths, root: Issued, place: PlainServer, send: Send, tmp_path: Path
    ) -> None:
        upper = intermediate("Upper", root)
        lower = intermediate("Lower", upper, f"{place.url}/upper")
        place.pages |= {"/upper": page(upper.der), "/lower": page(lower.der)}
        own = leaf(lower, f"{place.url}/lower")
        server = send(own)
        before = snapshot(paths.home)
        ran = certboot("chain", server.shown)
        assert (ran.status, ran.err) == (0, "")
        ders = [block.data for block in pem.blocks(ran.out.encode())]
        assert ders == [own.der, lower.der, upper.der]
        assert openssl_path([pem.encode(each).encode() for each in ders if each], root).endswith("leaf: OK\n")
        output = tmp_path / "fullchain.pem"
        written = certboot("chain", server.shown, "--output", output)
        assert written.out == f"{output}: localhost, Lower, Upper; not in it: Example Root, which clients have\n"
        assert output.read_text() == ran.out
        assert_refused(certboot("chain", server.shown, "--output", output))
        assert certboot("chain", server.shown, "--output", output, "--force").status == 0
        assert snapshot(paths.home) == before

    def test_what_it_writes_makes_the_server_whole(
        self, certboot: Run, paths: StorePaths, root: Issued, place: PlainServer, send: Send
    ) -> None:
        ca = intermediate("Example CA", root)
        place.pages["/ca"] = page(ca.der)
        own = leaf(ca, f"{place.url}/ca")
        out = certboot("chain", send(own).shown).out
        certificates = [x509.load_der_x509_certificate(block.data or b"") for block in pem.blocks(out.encode())]
        mended = send(Issued(certificates[0], own.key), *(Issued(each, own.key) for each in certificates[1:]))
        assert accepted(paths, mended) == [True, True]

    def test_a_root_that_the_server_sends_is_left_out(self, certboot: Run, root: Issued, send: Send) -> None:
        ca = intermediate("Example CA", root)
        own = leaf(ca)
        out = certboot("chain", send(own, root, ca).shown).out
        assert [block.data for block in pem.blocks(out.encode())] == [own.der, ca.der]

    @pytest.mark.usefixtures("root")
    def test_an_intermediate_that_the_user_trusts_is_not(self, certboot: Run, send: Send, tmp_path: Path) -> None:
        ca = intermediate("Company CA", issue("Company Root"))
        (tmp_path / "ca.pem").write_bytes(ca.pem)
        certboot("trust", "--yes", tmp_path / "ca.pem")
        own = leaf(ca)
        out = certboot("chain", send(own).shown).out
        assert [block.data for block in pem.blocks(out.encode())] == [own.der, ca.der]

    def test_where_there_is_none_nothing_is_written(
        self, certboot: Run, root: Issued, send: Send, tmp_path: Path
    ) -> None:
        server = send(leaf(intermediate("Gone", root)))
        ran = certboot("chain", server.shown, "--output", tmp_path / "chain.pem")
        assert (ran.status, ran.out, (tmp_path / "chain.pem").exists()) == (1, "", False)
        assert " no-addresses: " in ran.err
