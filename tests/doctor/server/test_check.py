"""The doctor's verdict of a host by each trust in use: the cause, whose it is, and the remedy where the cause is."""

from __future__ import annotations

import os
import typing
from collections.abc import Callable

import pytest
from support.asking import Answer, Ask, Listen, Trust
from support.faults import tls
from support.pki import CA, make
from support.zoo import GOOD, ZOO, Chain

from certboot.clients.table import CLIENTS

if typing.TYPE_CHECKING:
    from pathlib import Path

    from support.commands import Run

    from certboot.store.paths import StorePaths

BY_NAME = {client.name: client for client in CLIENTS}
Said = Callable[..., Answer]


@pytest.fixture
def said(ask: Ask, listen: Listen, monkeypatch: pytest.MonkeyPatch) -> Said:
    """What the doctor says of a server that sends this chain, where requests and the standard library are here."""

    def run(made: Chain, *argv: str, names: tuple[str, ...] = ("requests", "urllib")) -> Answer:
        present = {BY_NAME[name]: "1" for name in names}
        monkeypatch.setattr("certboot.doctor.clients.verdicts.present_clients", lambda _: present)
        return ask("hook", f"localhost:{listen(tls(made.context())).port}", *argv)

    return run


@pytest.fixture
def own(certboot: Run, trust: Trust, monkeypatch: pytest.MonkeyPatch, paths: StorePaths) -> None:
    """A store with the root of GOOD, to which the variables lead."""
    assert certboot("init", "--source", "certifi", "--add", trust(*GOOD.trusted)).status == 0
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(paths.current / "bundle.pem"))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    (tmp_path / "elsewhere.pem").write_bytes(make("Another Root", form=CA).pem)
    return tmp_path / "elsewhere.pem"


@pytest.mark.usefixtures("own")
def test_a_host_is_good_where_it_is_good_by_every_trust(said: Said) -> None:
    answer = said(GOOD)
    assert (answer.status, answer.primary, answer.ids) == (0, None, ["handshake-ok"])
    assert answer.first["evidence"]["clients"] == ["requests", "urllib"]


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("variable", "refused", "accepts"),
    [("REQUESTS_CA_BUNDLE", "requests", "urllib"), ("SSL_CERT_FILE", "urllib", "requests")],
)
def test_one_trust_that_refuses_it_is_the_verdict_and_its_variable_the_remedy(
    said: Said, monkeypatch: pytest.MonkeyPatch, elsewhere: Path, variable: str, refused: str, accepts: str
) -> None:
    monkeypatch.setenv(variable, str(elsewhere))
    answer = said(GOOD)
    assert (answer.status, answer.primary, answer.ids) == (1, "untrusted-root", ["untrusted-root"])
    assert answer.first["evidence"]["clients"] == [refused]
    assert answer.first["fix"][-1] == ["certboot", "adopt", variable]
    trusts = {tuple(trust["clients"]): trust["code"] for trust in answer.first["evidence"]["by_trust"]}
    assert trusts[(accepts,)] == 0
    assert trusts[(refused,)] in (19, 20)


@pytest.mark.usefixtures("own")
def test_of_one_file_that_two_variables_name_the_remedy_takes_over_both(
    said: Said, monkeypatch: pytest.MonkeyPatch, elsewhere: Path
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(elsewhere))
    answer = said(GOOD)
    assert answer.first["evidence"]["clients"] == ["requests", "urllib"]
    assert set(answer.first["fix"][-1][2:]) == {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"}


@pytest.mark.usefixtures("own")
def test_what_cannot_be_loaded_refuses_every_host(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    answer = said(GOOD)
    assert (answer.status, answer.primary) == (1, "client-cannot-load")
    (command,) = answer.first["fix"]
    assert (command[:3], "doctor" in command) == (["env", "-u", "REQUESTS_CA_BUNDLE"], True)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("variable", "client", "kind"),
    [
        ("REQUESTS_CA_BUNDLE", "requests", "nothing"),
        ("SSL_CERT_FILE", "urllib", "nothing"),
        ("SSL_CERT_FILE", "urllib", "pipe"),
    ],
)
def test_the_page_for_its_administrator_has_no_path_of_this_machine(
    said: Said, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, client: str, kind: str
) -> None:
    if kind == "pipe":
        os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv(variable, str(tmp_path / kind))
    answer = said(ZOO["missing-intermediate"][2](), "--html", str(tmp_path / "page.html"), names=(client,))
    assert str(tmp_path) in "".join(finding["summary"] for finding in answer.findings)  # for who asks
    page = (tmp_path / "page.html").read_text("utf-8")
    assert str(tmp_path) not in page
    assert "<h1>localhost:" in page


@pytest.mark.usefixtures("own")
def test_two_trusts_that_refuse_it_for_one_cause_share_a_finding_and_for_two_have_one_each(
    said: Said, trust: Trust, monkeypatch: pytest.MonkeyPatch, elsewhere: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(trust(make("Third Root", form=CA))))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(elsewhere))
    by_requests, by_urllib = said(GOOD).findings
    assert (by_requests["evidence"]["clients"], by_urllib["evidence"]["clients"]) == (["requests"], ["urllib"])
    assert (by_requests["fix"][-1][-1], by_urllib["fix"][-1][-1]) == ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
    expired = ZOO["expired-leaf"][2]()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trust(*expired.trusted)))
    answer = said(expired)
    assert (answer.primary, answer.ids.count("expired-leaf")) == ("expired-leaf", 1)
    assert answer.first["evidence"]["clients"] == ["requests", "urllib"]


@pytest.mark.usefixtures("own")
def test_what_would_come_next_for_some_may_be_why_others_refuse_it(
    said: Said, trust: Trust, monkeypatch: pytest.MonkeyPatch, elsewhere: Path
) -> None:
    """The remark that it has expired too was taken for the finding with the clients that refuse it for that."""
    expired = ZOO["expired-leaf"][2]()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(elsewhere))
    monkeypatch.setenv("SSL_CERT_FILE", str(trust(*expired.trusted)))
    answer = said(expired)
    assert (answer.status, answer.primary) == (1, "untrusted-root")
    by_urllib = next(finding for finding in answer.findings if finding["id"] == "expired-leaf")
    assert (by_urllib["status"], by_urllib["evidence"]["clients"]) == ("fail", ["urllib"])
    assert answer.ids.count("expired-leaf") == 1


def test_a_common_name_is_none_for_requests_alone(said: Said, trust: Trust, monkeypatch: pytest.MonkeyPatch) -> None:
    made = ZOO["no-subject-alt-name"][2]()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trust(*made.trusted)))
    answer = said(made)
    assert (answer.status, answer.primary) == (1, "no-subject-alt-name")
    trusts = answer.first["evidence"]["by_trust"]
    assert {trust["clients"][0]: trust["code"] for trust in trusts} == {"requests": 62, "urllib": 0}


def test_a_chain_and_its_anchors_are_looked_at_alone(
    certboot: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    (tmp_path / "chain.pem").write_bytes(GOOD.leaf.pem + GOOD.sent[0].pem)
    (tmp_path / "root.pem").write_bytes(GOOD.trusted[0].pem)
    argv = ("doctor", "--chain", tmp_path / "chain.pem", "--host", "localhost")
    alone = certboot(*argv, "--anchors", tmp_path / "root.pem")
    assert (alone.status, "SSL_CERT_FILE" in alone.out) == (0, False)
    control = certboot(*argv)
    assert (control.status != 0, "SSL_CERT_FILE" in control.out) == (True, True)
