"""The words that ``certboot doctor`` and ``certboot explain`` take: groups, a host, ids; and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import trustme
from support.commands import Run
from support.server import TlsServer
from support.table import cases

from certboot.doctor.finding import Finding
from certboot.doctor.run import GROUPS
from certboot.net.target import Target


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The servers that would have been asked."""
    hosts: list[str] = []

    def check(target: Target, _: object) -> list[Finding]:
        hosts.append(target.shown)
        return [Finding("handshake-ok", "server", "ok", target.shown, "words")]

    monkeypatch.setattr("certboot.doctor.server.check.check", check)
    return hosts


@cases(
    ("word", "group"),
    [("environmet", "environment"), ("Environment", "environment"), ("stroe", "store"), ("client", "clients")],
)
def test_a_word_that_is_nearly_a_group_is_no_host(certboot: Run, asked: list[str], word: str, group: str) -> None:
    asked.clear()
    for words in ((word,), ("hook", word), ("localhost", word)):
        ran = certboot("doctor", *words)
        assert (ran.status, ran.out) == (2, "")
        assert ran.err == (
            f"certboot: error: no group of checks has this name: {word!r}\n\n"
            f"hint: certboot doctor {group}, or {word}:443 for a host of this name\n"
        )
    assert asked == []
    assert certboot("doctor", "hook", f"{word}:443").status != 2
    assert asked == [f"{word.lower()}:443"]


def test_a_word_that_is_like_no_group_is_a_host(certboot: Run, asked: list[str]) -> None:
    hosts = ["localhost", "intranet", "store.example", "host", "web", "mail", "https://stores"]
    for word in hosts:
        certboot("doctor", "hook", word)
    certboot("doctor", "hook", "stores", "--servername", "a.example")  # an option that goes with a host
    assert len(asked) == len(hosts) + 1


def test_groups_are_taken_as_they_are_and_two_hosts_are_refused_and_named(certboot: Run, asked: list[str]) -> None:
    assert {certboot("doctor", group).err for group in GROUPS} == {""}
    ran = certboot("doctor", "nosuchgroup", "store", "https://u:secret@localhost/")
    assert ran.status == 2
    assert ran.err.startswith("certboot: error: one host at a time: 'nosuchgroup', 'https://localhost/'\n")
    assert "environment, hook, store, clients" in ran.err
    assert asked == []


@cases(
    "line",
    [
        "doctor https://u:secretpw@localhost:99999/db",
        "doctor localhost --connect u:secretpw@localhost:99999",
        "doctor localhost --servername u:secretpw@:1",
        "doctor --chain f --host https://u:secretpw@/",
        "doctor a https://u:secretpw@b/",
        "repair https://u:secretpw@localhost:99999/db",
        "chain u:secretpw@localhost:99999",
        "chain a https://u:secretpw@b/",
        "trust u:secretpw@localhost.example:99999",
        "trust https://u:secretpw@localhost:99999/ca.pem",
        "trust http://u:secretpw@localhost/ca.pem",
        "scan https://u:secretpw@localhost:99999/db",
    ],
)
def test_no_refusal_repeats_a_password(certboot: Run, line: str) -> None:
    ran = certboot(*line.split())
    assert ran.status in {1, 2}
    assert ran.out + ran.err
    assert "secretpw" not in ran.out + ran.err


def test_options_between_groups_and_a_host_are_taken(
    certboot: Run, serve: Callable[..., TlsServer], ca: trustme.CA
) -> None:
    ran = certboot("doctor", "hook", "--json", f"localhost:{serve(ca.issue_cert('localhost')).port}")
    assert (ran.status, ran.err) == (1, "")
    assert {finding["group"] for finding in json.loads(ran.out)["findings"]} == {"hook", "server"}


def test_a_hint_leads_from_a_finding_to_its_story(certboot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexist")
    (hint,) = (line for line in certboot("doctor", "environment").out.splitlines() if "certboot explain" in line)
    argv = hint.removeprefix("hint: certboot ").split()
    assert "variable-points-nowhere" in argv
    told = certboot(*argv)
    assert (told.status, told.err) == (0, "")
    assert "variable-points-nowhere: " in told.out


def test_several_ids_are_explained_one_after_the_other_each_once(certboot: Run) -> None:
    first, second = certboot("explain", "timeout").out, certboot("explain", "hook-failed").out
    assert certboot("explain", "timeout", "hook-failed", "timeout").out == f"{first}\n{second}"
    ran = certboot("explain", "timeout", "hook-faild")
    assert (ran.status, ran.out) == (2, "")
    assert "hint: certboot explain hook-failed" in ran.err
