"""Proxies: which are in use by whom, and what is wrong with one, without a word of its password."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.table import cases

from certboot.doctor.environment import proxies
from certboot.doctor.finding import Finding

bypassed: Callable[[str], bool] = getattr(urllib.request, "proxy_bypass_environment")  # noqa: B009 - typeshed


def only(**environ: str) -> Finding:
    (finding,) = proxies.check(environ)
    return finding


def kinds(**environ: str) -> list[tuple[str, str, str]]:
    return [(each.id, each.status, each.subject) for each in proxies.check(environ)]


def test_without_a_proxy_there_is_nothing_to_say() -> None:
    assert proxies.check({"HOME": "/h", "https_proxy": "", "NO_PROXY": ""}) == []


@cases(("value", "address"), [
    ("http://proxy.example:3128", "http://proxy.example:3128"),
    ("http://proxy.example:3128/", "http://proxy.example:3128"),
    ("proxy.example:3128", "http://proxy.example:3128"),
    ("proxy.example", "http://proxy.example"),
    ("http://10.0.0.1:80", "http://10.0.0.1:80"),
    ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
    ("socks5h://localhost:1080", "socks5h://localhost:1080"),
    ("http://proxy.example:", "http://proxy.example"),
])  # fmt: skip
def test_a_proxy_is_told_with_who_reads_the_variable(value: str, address: str) -> None:
    finding = only(https_proxy=value)
    assert (finding.id, finding.status, finding.group) == ("proxy-in-use", "info", "environment")
    assert finding.summary == f"{address}; read by {finding.evidence['readers']}"
    assert finding.evidence == {"proxy": address, "readers": finding.evidence["readers"], "credentials": False}


def test_who_reads_a_variable_depends_on_its_case() -> None:
    assert "not curl, git and wget" in only(HTTP_PROXY="http://p:1").summary
    assert "wget" in only(http_proxy="http://p:1").summary
    assert "not wget" in only(HTTPS_PROXY="http://p:1").summary
    assert "not urllib" in only(ALL_PROXY="http://p:1").summary


@cases(("value", "words"), [
    ("http://", "there is no host in it"),
    ("http://me:hush@", "there is no host in it"),
    ("http://hush:port", "its port is no number up to 65535, or its brackets do not match"),
    ("http://proxy:hush1", "its port is no number up to 65535, or its brackets do not match"),
    ("http://proxy:99999", "its port is no number up to 65535, or its brackets do not match"),
    ("http://[hush", "its port is no number up to 65535, or its brackets do not match"),
    ("http://proxy example:1", "there is a space or control character in it"),
    (" http://proxy:1", "there is a space or control character in it"),
    ("http://proxy\x1b[2J:1", "there is a space or control character in it"),
    ("ftp://hush:1", "it does not begin with http://, https:// or socks5://"),
    ("http:/hush:1", "there is one slash where two belong"),
    ("http://hu$sh:1", "its host is no name or address"),
    ("http://hush_:1", "its host is no name or address"),
])  # fmt: skip
def test_what_is_no_address_is_a_failure_and_not_shown(value: str, words: str) -> None:
    finding = only(HTTPS_PROXY=value)
    assert (finding.id, finding.status, finding.summary) == (
        "proxy-malformed", "fail", f"not the address of a proxy: {words}",
    )  # fmt: skip
    assert "hush" not in repr(finding)


@settings(max_examples=50)
@given(st.text(alphabet=st.characters(exclude_characters="@\0"), min_size=1), st.text(max_size=20))
@example("se/cret", "proxy:1")
@example("sec:ret", "[")
@example("http://x", "")
def test_no_password_is_ever_shown(password: str, rest: str) -> None:
    password = f"hush{password}hush"
    for value in (f"http://me:{password}@{rest}", f"me:{password}@{rest}"):
        assert password not in repr(proxies.check({"HTTPS_PROXY": value}))
        assert "hush" not in repr(proxies.check({"HTTPS_PROXY": value, "https_proxy": "http://other:1"}))
    assert "hush" not in repr(proxies.check({"NO_PROXY": "http://me:hush@a.example"}))


def test_that_there_is_a_password_or_tls_to_the_proxy_is_said() -> None:
    finding = only(HTTPS_PROXY="http://me:hu%40sh@proxy.example:3128")
    assert finding.summary.startswith("http://proxy.example:3128, with a user name or password; read by ")
    assert finding.evidence["credentials"] is True
    assert kinds(HTTPS_PROXY="https://p.example:1") == [
        ("proxy-in-use", "info", "HTTPS_PROXY"), ("proxy-over-tls", "info", "HTTPS_PROXY"),
    ]  # fmt: skip


def test_two_spellings_with_two_values_are_a_warning() -> None:
    same, other = "http://a:1", "http://me:hush@b:1"
    assert "proxy-cases-differ" not in str(kinds(https_proxy=same, HTTPS_PROXY=same))
    findings = proxies.check({"https_proxy": same, "HTTPS_PROXY": other})
    (finding,) = (each for each in findings if each.id == "proxy-cases-differ")
    assert (finding.status, finding.subject) == ("warn", "HTTPS_PROXY")
    assert finding.evidence == {"https_proxy": same, "HTTPS_PROXY": "http://b:1"}
    assert kinds(no_proxy="a", NO_PROXY="b", http_proxy=same)[-1] == ("proxy-cases-differ", "warn", "NO_PROXY")


def test_an_empty_one_in_lower_case_differs_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """For Python it takes the other away."""
    assert ("proxy-cases-differ", "warn", "HTTPS_PROXY") in kinds(https_proxy="", HTTPS_PROXY="http://a:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://a:1")
    assert "https" in urllib.request.getproxies_environment()
    monkeypatch.setenv("https_proxy", "")
    assert "https" not in urllib.request.getproxies_environment()


@cases(("entry", "words", "host"), [
    ("*.example.com", "write .example.com", "a.example.com"),
    ("10.*", "write .example.com", ""),
    ("https://a.example", "an address, where clients expect a host", "a.example"),
    ("10.0.0.0/8", "a range of addresses", "10.1.2.3"),
    ("fd00::/8", "a range of addresses", ""),
])  # fmt: skip
def test_an_entry_that_not_all_understand(monkeypatch: pytest.MonkeyPatch, entry: str, words: str, host: str) -> None:
    finding = proxies.check({"https_proxy": "http://p:1", "NO_PROXY": f"localhost, {entry}"})[-1]
    assert (finding.id, finding.status, finding.evidence) == ("no-proxy-unclear", "warn", {"entry": entry})
    assert words in finding.summary
    if host:
        for value, expected in ((entry, False), (host, True)):
            monkeypatch.setenv("no_proxy", value)
            assert bool(bypassed(host)) == expected


@cases("value", ["localhost,127.0.0.1,.example.com,host.example:8443", "*", "a b", "::1"])
def test_hosts_and_suffixes_are_understood_by_all(value: str) -> None:
    assert [kind for kind, _, _ in kinds(https_proxy="http://p:1", no_proxy=value)] == ["proxy-in-use"]


def test_exceptions_without_a_rule_are_for_information() -> None:
    assert kinds(NO_PROXY="localhost") == [("no-proxy-idle", "info", "NO_PROXY")]
    assert "no-proxy-idle" not in str(kinds(NO_PROXY="localhost", all_proxy="http://p:1"))


def test_on_windows_there_is_one_variable_however_it_is_spelt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "name", "nt")
    found = kinds(https_proxy="http://a:1", HTTPS_PROXY="http://b:1")
    monkeypatch.undo()
    assert found == [("proxy-in-use", "info", "https_proxy")]
