from __future__ import annotations

import dataclasses
from pathlib import Path

from support.table import cases

from certboot.cli.update import init_summary, own_rejections, purge_list, rehash_summary
from certboot.sources.candidates import Rejection
from certboot.store.hash_links import RehashResult
from certboot.store.manifest import Choices, Entry, Manifest, Provenance
from certboot.store.paths import StorePaths
from certboot.store.update import Outcome


def entry(digest: str, *sources: str) -> Entry:
    reasons = tuple(Provenance(source, f"of {source}", "2026-11-24") for source in sources)
    return Entry(digest, "anchor", f"{digest}.pem", digest, f"CN={digest}", "", "", reasons)


RECORD = Manifest(3, "2026-11-24", "init", Choices(), (entry("a", "certifi", "system"), entry("b", "added")), ())
DONE = Outcome(
    paths=StorePaths(Path("/s")),
    record=RECORD,
    previous=None,
    rejected=(),
    written=True,
    settings={"SSL_CERT_FILE": "/s/b", "SSL_CERT_DIR": "/s/d"},
    settings_written=True,
    held_back={},
    git=(),
)


def summary(*, status: str = "active", **changes: object) -> list[str]:
    return init_summary(dataclasses.replace(DONE, **changes), status).split("\n")  # type: ignore[arg-type]


def test_a_first_run_is_summed_up() -> None:
    assert summary() == [
        "2 trust anchors in generation 3",
        "  sources   certifi 1 (of certifi), system 1 (of system), added 1 (of added)",
        "  store     /s",
        "  hook      sets SSL_CERT_FILE, SSL_CERT_DIR at every start of this environment's Python",
        "  undo      certboot purge",
    ]


@cases(
    ("changes", "expected"),
    [
        ({"written": False, "settings_written": False}, ": nothing new, nothing changed"),
        ({"written": False}, "; env file rewritten"),
        (
            {"previous": dataclasses.replace(RECORD, certificates=(entry("c"), entry("d"), entry("b")))},
            " (1 new, 2 gone)",
        ),
        (
            {"previous": dataclasses.replace(RECORD, generation=2)},
            " (the files of the last one were damaged and are written anew)",
        ),
    ],
    ids=["nothing", "variables", "certificates", "damage"],
)
def test_the_first_line_says_what_changed(changes: dict[str, object], expected: str) -> None:
    assert summary(status="active", **changes)[0] == f"2 trust anchors in generation 3{expected}"


def test_intermediates_are_counted_by_themselves() -> None:
    below = dataclasses.replace(entry("c", "ccadb"), role="intermediate")
    record = dataclasses.replace(RECORD, certificates=(*RECORD.certificates, below))
    assert summary(record=record)[:2] == [
        "2 trust anchors and 1 intermediate in generation 3",
        "  sources   certifi 1 (of certifi), system 1 (of system), ccadb 1 (of ccadb), added 1 (of added)",
    ]


def test_one_is_not_written_as_many() -> None:
    record = dataclasses.replace(RECORD, certificates=(entry("a", "certifi"),))
    assert summary(record=record)[0] == "1 trust anchor in generation 3"


def test_a_system_without_a_trust_store_is_named() -> None:
    record = dataclasses.replace(RECORD, certificates=(entry("a", "certifi"),))
    assert summary(record=record)[1] == "  sources   certifi 1 (of certifi), system 0 (this system has no trust store)"
    record = dataclasses.replace(record, choices=Choices(("certifi",)))
    assert summary(record=record)[1] == "  sources   certifi 1 (of certifi)"


def test_rejections_are_counted_by_rule_and_those_of_added_files_are_told() -> None:
    rejected = (
        Rejection("expired", "system", "/etc", "it expired on 2020-01-01"),
        Rejection("expired", "certifi", "1", "it expired on 2020-01-01"),
        Rejection("unreadable", "added", "/a\x1b.pem", "the block in line 3: not base64"),
    )
    assert summary(rejected=rejected)[2:4] == [
        "  rejected  2 expired, 1 unreadable",
        "            /a\N{REPLACEMENT CHARACTER}.pem: the block in line 3: not base64",
    ]


def hook(*, status: str = "active", **changes: object) -> str:
    (line,) = [line for line in summary(status=status, **changes) if line.startswith("  hook")]
    return line.removeprefix("  hook      ")


def test_what_the_hook_does_is_said() -> None:
    assert hook(settings={}) == "has nothing to set"
    sets = "sets SSL_CERT_FILE, SSL_CERT_DIR at every start of this environment's Python"
    assert hook() == sets
    assert hook(status="disabled") == f"is turned off by CERTBOOT_DISABLE; otherwise it {sets}"
    where = "is not active in this environment (see certboot doctor hook)"
    assert hook(status="") == f"{where}; where it is, it {sets}"


def test_what_is_left_out_is_named_with_the_reason() -> None:
    held = {"SSL_CERT_FILE": ("SSL_CERT_DIR", "/own\x1b"), "SSL_CERT_DIR": ("SSL_CERT_DIR", "/own\x1b")}
    lines = summary(held_back=held, git=("http.sslcainfo",))
    assert [line for line in lines if line.startswith("  left out  ")] == [
        (
            "  left out  SSL_CERT_FILE stays unset because SSL_CERT_DIR is set by something else: "
            "SSL_CERT_DIR=/own\N{REPLACEMENT CHARACTER}"
        ),
        "  left out  SSL_CERT_DIR is set by something else: SSL_CERT_DIR=/own\N{REPLACEMENT CHARACTER}",
        "  left out  GIT_SSL_CAINFO, because git has a setting of its own: http.sslcainfo",
    ]
    assert hook(held_back=held) == "has nothing to set"


def adopt_lines(held: dict[str, tuple[str, str]]) -> list[str]:
    lines = summary(held_back=held)
    return [f"{lines[n - 1].split()[2]}: {line.strip()}" for n, line in enumerate(lines) if "certboot adopt" in line]


def test_the_command_that_takes_a_value_over_is_named_once_for_each_variable_that_is_preset() -> None:
    both = ("SSL_CERT_DIR", "/a:/b")
    held = {"REQUESTS_CA_BUNDLE": ("PIP_CERT", "/own"), "SSL_CERT_FILE": both, "SSL_CERT_DIR": both}
    assert adopt_lines(held) == [
        "REQUESTS_CA_BUNDLE: certboot adopt PIP_CERT takes over what it names, and the variable",
        "SSL_CERT_FILE: certboot adopt SSL_CERT_DIR takes over what it names, and the variable",
    ]


@cases("value", ["", "own.pem", "/own\n", "/own:own"])
def test_it_is_not_named_for_a_value_that_it_would_refuse(value: str) -> None:
    assert adopt_lines({"SSL_CERT_DIR": ("SSL_CERT_DIR", value)}) == []


def test_what_of_the_users_own_did_not_enter_is_told_but_for_what_has_ended_in_an_adopted_bundle() -> None:
    sources = ("certifi", "system", "ccadb", "company", "added", "adopted")
    rejected = tuple(Rejection(rule, source, f"/{source}", rule) for source in sources for rule in ("expired", "gone"))
    told = own_rejections(dataclasses.replace(DONE, rejected=rejected))
    assert told == ["/company: expired", "/company: gone", "/added: expired", "/added: gone", "/adopted: gone"]


def test_what_was_adopted_is_the_last_of_the_sources() -> None:
    record = dataclasses.replace(RECORD, certificates=(entry("a", "adopted"), entry("b", "certifi", "system")))
    assert (
        summary(record=record)[1] == "  sources   certifi 1 (of certifi), system 1 (of system), adopted 1 (of adopted)"
    )


def test_what_purge_removes_is_a_path_a_line() -> None:
    assert purge_list((Path("/s/env"), Path("/s/current"))) == "  /s/env\n  /s/current"


@cases(
    ("result", "expected"),
    [
        (RehashResult({"a.0": "a"}, ("a.0",), (), ()), "/d: 1 link, 1 made, 0 removed"),
        (RehashResult({"a.0": "a", "b.0": "b"}, (), ("c.0",), ()), "/d: 2 links, 0 made, 1 removed"),
        (RehashResult({}, (), (), ()), "/d: 0 links, nothing to do"),
    ],
)
def test_rehash_says_what_it_did(result: RehashResult, expected: str) -> None:
    assert rehash_summary(Path("/d"), result) == expected


def test_many_files_of_one_source_are_counted_not_listed() -> None:
    reasons = [Provenance("system", f"/etc/ssl/certs/{number:08}.0", "2026-11-24") for number in range(4)]
    entries = tuple(dataclasses.replace(entry("a", "system"), provenance=(reason,)) for reason in reasons)
    listed = dataclasses.replace(RECORD, certificates=entries[:3])
    assert summary(record=listed)[1] == f"  sources   system 3 ({', '.join(reason.detail for reason in reasons[:3])})"
    assert summary(record=dataclasses.replace(RECORD, certificates=entries))[1] == "  sources   system 4 (4 files)"
