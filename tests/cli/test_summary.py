"""What ``init`` and ``update`` say of what came of them; the whole of it is recorded in docs/terminals."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from support.table import cases

from certboot.cli import terminal
from certboot.cli.layout import Advice, Form, laid_out
from certboot.cli.summary import ELSEWHERE, headline, init_summary, left_out, stored_summary, update_summary
from certboot.sources.candidates import Rejection, Role
from certboot.store.manifest import Choices, Descent, Entry, Manifest, Provenance
from certboot.store.paths import StorePaths
from certboot.store.update import Outcome

MARK = "\N{REPLACEMENT CHARACTER}"


def held(digest: str, *sources: str, role: Role = "anchor") -> Entry:
    reasons = tuple(Provenance(source, f"of {source}", "2026-11-24") for source in sources)
    descent = Descent("above", "top") if role == "intermediate" else Descent("", "")
    return Entry(digest, digest, f"CN={digest}", "", "", reasons, descent=descent)


A, B = held("a", "certifi", "system"), held("b", "added")
RECORD = Manifest(3, "2026-11-24", "init", Choices(), (A, B), ())
DONE = Outcome(
    paths=StorePaths(Path("/s")), record=RECORD, previous=None, rejected=(), written=True,
    settings={"SSL_CERT_FILE": "/s/b", "SSL_CERT_DIR": "/s/d"}, settings_written=True, held_back={}, git=(),
    profile="full",
)  # fmt: skip
NOTHING_NEW = dataclasses.replace(DONE, previous=RECORD, written=False, settings_written=False)


def with_(*entries: Entry, **changes: object) -> Manifest:
    return dataclasses.replace(RECORD, certificates=entries, **changes)  # type: ignore[arg-type]


def outcome(**changes: object) -> Outcome:
    return dataclasses.replace(DONE, **changes)  # type: ignore[arg-type]


def labelled(lines: list[str]) -> dict[str, list[str]]:
    """Return label -> what is said under it, the lines below it too."""
    said: dict[str, list[str]] = {}
    label = ""
    for line in lines[1:]:
        label = line[:12].strip() or label
        said.setdefault(label, []).append(line[12:])
    return said


def told(done: Outcome = DONE, status: str = "active", *, verbose: bool = False) -> dict[str, list[str]]:
    pythons = ["/venv"] if status == "active" else []
    return labelled(init_summary(done, status, pythons, verbose=verbose))


@cases(
    ("done", "short"),
    [(DONE, ["beyond", "active", "daily", "next", "undo"]), (NOTHING_NEW, ["active", "next", "undo"])],
)
def test_without_being_asked_init_says_what_changed_and_what_is_next(done: Outcome, short: list[str]) -> None:
    assert list(told(done)) == short
    assert list(told(done, verbose=True)) == [
        "sources",
        "store",
        "hook",
        "beyond",
        *(short[-4:] if done is DONE else short),
    ]


def test_who_runs_a_python_is_told_to_start_it_anew_where_something_changed() -> None:
    assert [words.partition(",")[0] for words in told()["active"]] == ["in /venv"]
    assert "restart" in told()["active"][0]
    assert told(NOTHING_NEW)["active"] == ["in /venv"]
    many = labelled(init_summary(NOTHING_NEW, "active", [f"/{number}" for number in range(5)]))
    assert many["active"] == ["in /0, /1, /2 and 2 more"]


def test_what_only_informs_is_told_on_request() -> None:
    rejected = (
        Rejection("expired", "system", "/etc", "it expired on 2020-01-01"),
        Rejection("expired", "certifi", "1", "it expired on 2020-01-01"),
        Rejection("unreadable", "added", "/a\x1b.pem", "the block in line 3: not base64"),
    )
    both = ("SSL_CERT_DIR", "/a\x1b")
    preset = {"REQUESTS_CA_BUNDLE": ("PIP_CERT", "/own"), "SSL_CERT_FILE": both, "SSL_CERT_DIR": both}
    done = outcome(rejected=rejected, held_back=preset, git=("http.sslcainfo",))
    short, whole = told(done), told(done, verbose=True)
    own = f"/a{MARK}.pem: the block in line 3: not base64"
    assert short["left out"] == [own]
    assert short["kept"][0].endswith(": PIP_CERT, SSL_CERT_DIR")
    assert "rejected" not in short
    assert whole["rejected"] == ["2 expired, 1 unreadable"]
    assert whole["left out"][:4] == [
        own,
        "REQUESTS_CA_BUNDLE stays unset because PIP_CERT is set by something else: PIP_CERT=/own",
        f"SSL_CERT_FILE stays unset because SSL_CERT_DIR is set by something else: SSL_CERT_DIR=/a{MARK}",
        f"SSL_CERT_DIR is set by something else: SSL_CERT_DIR=/a{MARK}",
    ]
    assert whole["left out"][-1] == "GIT_SSL_CAINFO, because git has a setting of its own: http.sslcainfo"


def test_what_newer_pythons_refuse_of_the_user_s_is_told_by_what_is_wrong_with_it() -> None:
    own = [dataclasses.replace(held(f"{number:03}", "added"), defects=("ski",)) for number in range(120)]
    odd = dataclasses.replace(held("odd\n", "added"), defects=("ski", "bc"))
    theirs = dataclasses.replace(held("theirs", "certifi"), defects=("ski",))
    done, refuse = outcome(record=with_(*own, odd, theirs)), "Python 3.13 and newer refuse"
    assert told(done)["defect"] == [
        f"000, 001, 002 and 117 more: {refuse} them (ski)", f"odd{MARK}: {refuse} it (ski, bc)",
        "each of them: certboot init --verbose",
    ]  # fmt: skip
    assert len(told(done, verbose=True)["defect"]) == 121
    assert told(outcome(record=with_(odd)))["defect"] == [f"odd{MARK}: {refuse} it (ski, bc)"]


@cases(
    ("changes", "expected"),
    [
        ({"written": False, "settings_written": False}, "2 CAs in generation 3: nothing new, nothing changed"),
        ({"written": False}, "2 CAs in generation 3; env file rewritten"),
        ({"previous": with_(held("c"), held("d"), held("b"))}, "2 CAs in generation 3 (1 new, 2 gone)"),
        (
            {"previous": dataclasses.replace(RECORD, generation=2)},
            "2 CAs in generation 3 (the last one was damaged, or of another version, and is written anew)",
        ),
        (
            {"record": with_(A, B, held("c", "ccadb", role="intermediate"))},
            "2 CAs and 1 intermediate in generation 3",
        ),
        ({"record": with_(A)}, "1 CA in generation 3"),
    ],
)
def test_the_first_line_says_what_there_is_and_what_changed(changes: dict[str, object], expected: str) -> None:
    done = outcome(**changes)
    assert headline(done) == expected
    (first, *_) = init_summary(done, "active", [])
    assert first.partition(", from ")[0] == expected
    assert (", from certifi (1), system (1)" in first) == done.written


def files(count: int) -> list[Entry]:
    reasons = [Provenance("system", f"/etc/{number}.0", "2026-11-24") for number in range(count)]
    return [dataclasses.replace(held("a"), provenance=(reason,)) for reason in reasons]


@cases(
    ("record", "expected"),
    [
        (with_(held("a", "certifi")), "certifi 1 (of certifi), system 0 (this system has no trust store)"),
        (with_(held("a", "certifi"), choices=Choices(("certifi",))), "certifi 1 (of certifi)"),
        (with_(held("a", "adopted"), A), "certifi 1 (of certifi), system 1 (of system), adopted 1 (of adopted)"),
        (with_(*files(3)), "system 3 (/etc/0.0, /etc/1.0, /etc/2.0)"),
        (with_(*files(4)), "system 4 (4 files)"),
    ],
)
def test_sources_are_counted_in_their_order(record: Manifest, expected: str) -> None:
    assert told(outcome(record=record), verbose=True)["sources"] == [expected]


@cases(
    ("status", "settings", "words"),
    [
        ("active", {}, "nothing to set"),
        ("disabled", DONE.settings, "unset CERTBOOT_DISABLE"),
        ("", DONE.settings, "certboot doctor hook"),
        (ELSEWHERE, DONE.settings, "looks for another store"),
    ],
)
def test_what_keeps_the_hook_from_acting_is_said(status: str, settings: dict[str, str], words: str) -> None:
    lines = told(outcome(settings=settings), status)
    assert (lines["inactive"][0].endswith(words), "active" in lines) == (True, False)


@cases(
    ("adoptable", "command"),
    [
        ((), []),
        (("CURL_CA_BUNDLE",), []),
        (
            ("SSL_CERT_DIR", "CURL_CA_BUNDLE"),
            ["to take over what it names: certboot adopt SSL_CERT_DIR"],
        ),
        (("SSL_CERT_DIR", "PIP_CERT"), ["to take over what they name: certboot adopt"]),
    ],
)
def test_one_command_takes_over_all_that_is_preset(adoptable: tuple[str, ...], command: list[str]) -> None:
    both = ("SSL_CERT_DIR", "/a:/b")
    preset = {"REQUESTS_CA_BUNDLE": ("PIP_CERT", "/own"), "SSL_CERT_FILE": both, "SSL_CERT_DIR": both}
    lines = init_summary(outcome(held_back=preset), "active", [], adoptable=adoptable)
    assert [line.strip() for line in lines if "certboot adopt" in line] == command


def test_what_of_the_users_own_did_not_enter_is_told_but_for_what_has_ended_in_an_adopted_bundle() -> None:
    sources = ("certifi", "system", "ccadb", "company", "added", "adopted")
    rejected = tuple(Rejection(rule, source, f"/{source}", rule) for source in sources for rule in ("expired", "gone"))
    lines = left_out(outcome(rejected=rejected))
    assert [line[12:] for line in lines] == [
        "/company: expired", "/company: gone", "/added: expired", "/added: gone", "/adopted: gone",
    ]  # fmt: skip


def test_an_update_that_changed_something_says_how_to_go_back() -> None:
    assert update_summary(NOTHING_NEW, ["  note      x"])[1:] == ["  note      x"]
    changed = update_summary(outcome(previous=with_(A)), ())
    assert changed[-1] == "  undo      certboot rollback, until the next update"
    assert "sources" in labelled(update_summary(NOTHING_NEW, (), verbose=True))


def test_what_was_stored_is_undone_by_a_command_for_each_that_is_new() -> None:
    done = outcome(previous=with_(A))
    assert labelled(stored_summary(done, {"a", "b"}))["undo"] == ["certboot distrust b"]
    assert list(labelled(stored_summary(done, {"a"}))) == []
    many = with_(A, *(held(digest, "added") for digest in "cdefg"))
    (undo,) = labelled(stored_summary(dataclasses.replace(done, record=many), {*"acdefg"}))["undo"]
    assert "these 5" in undo


def test_on_a_narrow_terminal_words_go_on_below_their_label_and_commands_stay_whole() -> None:
    form = Form(width=24)
    texts = ("  note      some words that go on", "            certboot hook install --python PATH")
    words, command = (laid_out(row, form) for text in texts for row in terminal.rows(text, form.width))
    assert words == "  note      some words\n            that go on"
    assert command == texts[1]


@cases(
    ("width", "expected"),
    [
        (0, ["  beyond    2 CAs: certboot list --beyond certifi"]),
        (50, ["  beyond    2 CAs: certboot list --beyond certifi"]),
        (40, ["  beyond    2 CAs:", "            certboot list --beyond certifi"]),
    ],
)
def test_a_command_goes_below_its_words_where_there_is_no_room_for_all_of_it(width: int, expected: list[str]) -> None:
    rows = terminal.rows(Advice("  beyond    2 CAs: certboot list --beyond certifi"), width)
    assert [laid_out(row, Form(width=width)) for row in rows] == expected
