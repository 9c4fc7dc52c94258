"""What the doctor says of each variable: usable, in certboot's way, adopted or adoptable, and where it was set."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.commands import Run
from support.here import found, put
from support.snapshot import roots
from support.table import cases
from support.terminal import answers

import certboot_startup
from certboot.clients.settings_places import Surroundings
from certboot.clients.variables import Adoption
from certboot.doctor.environment import check
from certboot.doctor.environment.variables import lines_that_set
from certboot.doctor.finding import Finding
from certboot.store import env_file
from certboot.store.paths import StorePaths
from certboot.store.request import Request
from certboot.store.update import apply

OTHERS = "set by something else"
WINS, FINE, NOWHERE = "variable-overrides-certboot", "variable-usable", "variable-points-nowhere"
IDLE, YIELDS, FOLDER = "variable-not-applied", "variable-yields", "variable-directory-for-file-client"
HOOKED = "set by certboot's hook in this interpreter"


@pytest.fixture
def settings(store: StorePaths) -> dict[str, str]:
    """What the hook sets."""
    return env_file.read(store.env) or {}


def of(paths: StorePaths, environ: dict[str, str]) -> dict[str, Finding]:
    """Return the findings on variables, by name."""
    return {each.subject: each for each in check.check(paths, environ) if each.id.startswith("variable")}


def one(paths: StorePaths, **environ: str) -> Finding:
    """Return the finding on the first of these variables."""
    return of(paths, environ)[next(iter(environ))]


def kind(finding: Finding) -> tuple[str, str]:
    return finding.id, finding.status


def text(folder: Path) -> str:
    return str(put(folder / "notes.txt", "words"))


def part(folder: Path) -> str:
    return str(put(folder / "good.pem", roots()[0].pem + roots()[1].pem))


def hashed(folder: Path) -> str:
    return str(put(folder / "hashed" / "01234567.0", roots()[0].pem).parent)


def plain(folder: Path) -> str:
    return str(put(folder / "plain" / "ca.pem", roots()[0].pem).parent)


@cases(("name", "make", "expected", "status"), [
    ("SSL_CERT_FILE", part, FINE, "ok"),
    ("SSL_CERT_FILE", lambda _: "", "variable-empty", "warn"),
    ("SSL_CERT_FILE", lambda folder: f"{folder}/none.pem", NOWHERE, "fail"),
    ("SSL_CERT_FILE", text, "variable-not-certificates", "fail"),
    ("SSL_CERT_FILE", str, FOLDER, "fail"),
    ("NODE_EXTRA_CA_CERTS", str, FOLDER, "fail"),
    ("CURL_CA_BUNDLE", str, FOLDER, "fail"),
    ("REQUESTS_CA_BUNDLE", hashed, FOLDER, "warn"),
    ("PIP_CERT", hashed, FOLDER, "warn"),
    ("SSL_CERT_DIR", hashed, FINE, "ok"),
    ("SSL_CERT_DIR", lambda folder: f"{hashed(folder)}:{plain(folder)}", FINE, "ok"),
    ("SSL_CERT_DIR", lambda _: "", "variable-empty", "warn"),
    ("SSL_CERT_DIR", plain, "variable-not-certificates", "fail"),
    ("SSL_CERT_DIR", lambda folder: f"{folder}/none", NOWHERE, "fail"),
    ("SSL_CERT_DIR", lambda folder: f"{hashed(folder)}:{folder}/none", NOWHERE, "warn"),
    ("SSL_CERT_DIR", part, NOWHERE, "fail"),
])  # fmt: skip
def test_each_kind_of_value_has_its_finding(
    paths: StorePaths, tmp_path: Path, name: str, make: Callable[[Path], str], expected: str, status: str
) -> None:
    value = make(tmp_path)
    finding = one(paths, **{name: value})
    assert (*kind(finding), finding.subject) == (expected, status, name)
    assert (finding.evidence["value"], finding.evidence["origin"]) == (value, OTHERS)
    assert finding.summary.endswith(f"({OTHERS})")
    assert finding.evidence.get("unset") == ([name] if status != "ok" else None)
    assert finding.fix == ()


def test_without_a_store_what_is_set_is_counted(paths: StorePaths, good: str, tmp_path: Path) -> None:
    (finding,) = of(paths, {"HOME": "/h"}).values()
    assert (*kind(finding), finding.group) == ("variables-unset", "info", "environment")
    assert one(paths, SSL_CERT_FILE=good).summary.startswith(f"{good}, 2 certificates; ")
    assert one(paths, SSL_CERT_DIR=hashed(tmp_path)).summary.startswith(f"{tmp_path}/hashed, 1 hash link; ")


def test_who_set_a_variable_is_said(
    store: StorePaths, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certboot_startup, "applied", {"SSL_CERT_FILE": settings["SSL_CERT_FILE"]})
    findings = of(store, {**settings, "SSL_CERT_DIR": "/etc"})
    inherited = dict.fromkeys(settings, "set to certboot's store, inherited from the process that started this one")
    expected = {**inherited, "SSL_CERT_FILE": HOOKED, "SSL_CERT_DIR": OTHERS}
    assert {name: each.evidence["origin"] for name, each in findings.items()} == expected


def test_what_leads_into_damage_is_mended_by_init(store: StorePaths, settings: dict[str, str], certboot: Run) -> None:
    assert found(store, settings) == []
    (store.current / "bundle.pem").unlink()
    findings = [each for each in of(store, settings).values() if each.status != "ok"]
    assert {(each.id, each.fix) for each in findings} == {(NOWHERE, (("certboot", "init"),))}
    assert len(findings) == len(settings) - 1
    certboot(*findings[0].fix[0][1:])
    assert {each.status for each in of(store, settings).values()} == {"ok"}


def test_what_the_hook_did_not_set_is_named_with_why(store: StorePaths, settings: dict[str, str], whole: str) -> None:
    assert {name: kind(each) for name, each in of(store, {}).items()} == dict.fromkeys(settings, (IDLE, "info"))
    findings = of(store, {"PIP_CERT": whole})
    yields = findings["REQUESTS_CA_BUNDLE"]
    assert (yields.id, yields.summary) == (YIELDS, "left unset because PIP_CERT is set")
    assert findings["SSL_CERT_FILE"].id == IDLE
    # With certboot's own bundle it keeps nothing back, so it cannot be the reason.
    assert of(store, {"PIP_CERT": settings["REQUESTS_CA_BUNDLE"]})["REQUESTS_CA_BUNDLE"].id == IDLE


def test_a_value_that_wins_may_lack_something(
    store: StorePaths, good: str, whole: str, certboot: Run, ca_file: Path
) -> None:
    finding = one(store, SSL_CERT_FILE=whole)
    assert (*kind(finding), finding.fix) == (WINS, "info", ())
    assert "and it has all 3 anchors of the store" in finding.summary
    certboot("init", "--add", ca_file)
    finding = one(store, SSL_CERT_FILE=good)
    assert kind(finding) == (WINS, "warn")
    assert finding.summary == (
        f"{good}, 2 certificates; certboot leaves it alone, and it lacks 2 of the store's 4 anchors: "
        f"yours (Example Corp Root), 1 of the 3 public ones ({OTHERS})"
    )
    counts = [finding.evidence[key] for key in ("anchors", "anchors_missing", "own_missing", "public_missing")]
    assert counts == [4, 2, 1, 1]
    assert [each["name"] for each in finding.evidence["lacks"]] == ["Example Corp Root", "Root C"]  # type: ignore[attr-defined]
    assert finding.evidence["store"] == str(store.current / "bundle.pem")


@cases("name", ["AWS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "CARGO_HTTP_CAINFO"])
def test_a_variable_of_others_matters_if_it_lacks_something(
    store: StorePaths, good: str, whole: str, name: str
) -> None:
    finding = one(store, **{name: good})
    assert (*kind(finding), finding.fix) == (WINS, "warn", (("certboot", "adopt", name),))
    assert finding.evidence["store"] == ""
    assert one(store, **{name: whole}).id == FINE


def test_what_node_adds_need_not_be_all(store: StorePaths, tmp_path: Path, certboot: Run, ca_file: Path) -> None:
    value = str(put(tmp_path / "other.pem", roots()[1].pem))
    assert one(store, NODE_EXTRA_CA_CERTS=value).status == "info"
    assert one(store, GIT_SSL_CAINFO=value).status == "warn"  # git has no list of its own
    certboot("init", "--add", ca_file)
    finding = one(store, NODE_EXTRA_CA_CERTS=value)
    assert (finding.status, finding.evidence["anchors_missing"]) == ("warn", 1)


def test_the_remedy_of_a_value_that_wins_is_adopt_and_it_mends_it(
    store: StorePaths, good: str, certboot: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        finding = one(store, **{name: good})
        assert (*kind(finding), finding.fix) == (WINS, "warn", (("certboot", "adopt", name),))
    monkeypatch.setenv("SSL_CERT_FILE", good)
    answers(monkeypatch, "y\n")
    assert certboot("adopt", "SSL_CERT_FILE").status == 0
    assert one(store, SSL_CERT_FILE=good).id == IDLE


def test_adopt_is_offered_where_it_would_work(store: StorePaths, good: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(good).parent)
    finding = one(store, SSL_CERT_FILE=Path(good).name)
    assert (*kind(finding), finding.fix) == (WINS, "warn", ())
    store.env.write_text("")
    finding = one(store, AWS_CA_BUNDLE=good)
    assert (finding.id, finding.fix) == (WINS, ())


@pytest.fixture
def adopted(store: StorePaths, good: str) -> str:
    """The value of SSL_CERT_FILE that is adopted."""
    apply(store, Request("adopt", adopt=(Adoption("SSL_CERT_FILE", good),)))
    return good


@pytest.mark.usefixtures("adopted")
def test_an_adopted_value_that_was_replaced_is_certboots(store: StorePaths, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = env_file.read(store.env) or {}
    monkeypatch.setattr(certboot_startup, "applied", settings)
    findings = of(store, settings)
    assert {kind(findings[name]) for name in settings} == {(FINE, "ok")}
    assert {findings[name].evidence["origin"] for name in settings} == {HOOKED}


def test_an_adopted_value_without_the_hook_holds_nothing_back(store: StorePaths, adopted: str, tmp_path: Path) -> None:
    findings = of(store, {"SSL_CERT_FILE": adopted})
    finding = findings["SSL_CERT_FILE"]
    assert (*kind(finding), finding.fix) == (IDLE, "info", ())
    assert "adopted, but not replaced here" in finding.summary
    assert findings["SSL_CERT_DIR"].id == IDLE
    assert of(store, {"SSL_CERT_FILE": f"{adopted}.other"})["SSL_CERT_DIR"].id == YIELDS  # the control
    other = str(put(tmp_path / "other.pem", roots()[0].pem))
    for name, value in (("SSL_CERT_FILE", other), ("REQUESTS_CA_BUNDLE", adopted)):
        assert (one(store, **{name: value}).id, one(store, **{name: value}).fix) == (
            WINS, (("certboot", "adopt", name),),
        )  # fmt: skip
    Path(adopted).unlink()
    assert kind(one(store, SSL_CERT_FILE=adopted)) == (NOWHERE, "fail")


# Where a variable is set


def test_the_line_that_sets_a_variable_is_told_if_it_matters(
    store: StorePaths, good: str, whole: str, clean: Path
) -> None:
    path = put(clean / ".bashrc", "# words\nexport SSL_CERT_FILE=hush\n")
    finding = one(store, SSL_CERT_FILE=good, HOME=str(clean))
    assert finding.summary.endswith(f"({OTHERS}, it seems in {path}:2)")
    assert finding.evidence["set_in"] == [f"{path}:2"]
    assert "hush" not in repr(finding)
    for value in (whole, str(store.current / "bundle.pem")):
        assert "set_in" not in one(store, SSL_CERT_FILE=value, HOME=str(clean)).evidence


@pytest.fixture
def around(clean: Path, tmp_path: Path) -> Surroundings:
    return Surroundings({"HOME": str(clean)}, tmp_path, tmp_path / "root")


@cases(("line", "sets"), [
    ("SSL_CERT_FILE=/a", True),
    ("export SSL_CERT_FILE=/a", True),
    ("\texport  SSL_CERT_FILE='/a'", True),
    ("declare -x SSL_CERT_FILE=/a", True),
    ("set -gx SSL_CERT_FILE /a", True),
    ("set -g -x SSL_CERT_FILE /a", True),
    ("# export SSL_CERT_FILE=/a", False),
    ("export SSL_CERT_FILE", False),
    ("unset SSL_CERT_FILE", False),
    ("export MY_SSL_CERT_FILE=/a", False),
    ("SSL_CERT_FILES=/a", False),
    ("echo SSL_CERT_FILE=/a", False),
])  # fmt: skip
def test_a_line_that_sets_a_variable_is_known(around: Surroundings, line: str, *, sets: bool) -> None:
    path = put(around.home / ".bashrc", f"# words\n{line}\n")
    assert lines_that_set("SSL_CERT_FILE", around) == ((f"{path}:2",) if sets else ())


@cases("name", [
    "home/.profile", "home/.zshrc", "home/.config/fish/config.fish", "home/.config/fish/conf.d/a.fish",
    "home/.config/environment.d/a.conf", "root/etc/environment", "root/etc/profile.d/a.sh",
])  # fmt: skip
def test_each_file_that_is_read_at_a_start_is_looked_at(around: Surroundings, tmp_path: Path, name: str) -> None:
    path = put(tmp_path / name, "SSL_CERT_FILE=/a\n")
    put(path.parent / "notes.txt", "SSL_CERT_FILE=/a\n")
    assert lines_that_set("SSL_CERT_FILE", around) == (f"{path}:1",)


@pytest.mark.timeout(10)
def test_nobody_is_waited_for_or_asked_on_windows(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(around.home / ".bashrc")
    assert lines_that_set("SSL_CERT_FILE", around) == ()
    put(around.home / ".profile", "SSL_CERT_FILE=/a\n")
    with monkeypatch.context() as patch:
        patch.setattr(os, "name", "nt")
        lines = lines_that_set("SSL_CERT_FILE", around)
    assert lines == ()
