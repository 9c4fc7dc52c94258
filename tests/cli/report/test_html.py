"""The doctor's page: complete, harmless whatever a certificate says, and written whole or not at all."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import errno
import hashlib
import os
import re
import stat
import typing
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.commands import Run
from support.failing import Failing
from support.pki import CA, DAY, LEAF, NOW, changed, make
from support.snapshot import assert_refused, snapshot
from support.table import cases

from certboot import files
from certboot.cli.report import html
from certboot.cli.report.chart import chart, wrapped
from certboot.cli.report.html import BEGINNING, doctor_html
from certboot.doctor.diagnosis import diagnosed
from certboot.doctor.examination import (
    ChainToSend,
    ClientVerdict,
    Examination,
    Instruction,
    Link,
    Outcome,
    PresentedCertificate,
    Trust,
)
from certboot.doctor.finding import Finding

if typing.TYPE_CHECKING:
    from certboot.doctor.finding import Status

MADE = datetime.datetime(2026, 11, 25, 2, 3, tzinfo=datetime.timezone.utc)
EVIL = "CN=</svg></title></style><script>alert(1)</script><img src=x onerror=\"a\" b='c'>&amp;\u202e\x1b[1m\ud800\n"
ROOT = make("Corp Root", form=CA)
MIDDLE = make("Corp Issuing CA", ROOT, CA)
SERVER = make("localhost", MIDDLE, changed(LEAF, names=("localhost", "10.9.8.7"), issuer_at="http://pki.example/ca"))
CHAIN = SERVER.pem + MIDDLE.pem


class Page(HTMLParser):
    """What is on a page: its elements, their attributes, and the text that is shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._style = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._style = self._style and tag != "style"

    def handle_data(self, data: str) -> None:
        self.text += "" if self._style else data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def finding(text: str, **changes: typing.Any) -> Finding:  # noqa: ANN401 - of fields of several types
    until = datetime.datetime(2027, 1, 2, tzinfo=datetime.timezone.utc)
    verdicts = (ClientVerdict(text, text, 20, text, text), ClientVerdict("B", "", 0, "ok"))
    names = (text,)
    drawn = Examination(
        outcome=Outcome(None, verdicts=verdicts),
        chain=(
            PresentedCertificate(b"", text, text, until - 366 * DAY, until, "ab", text, names, names),
            PresentedCertificate(b"", text),
        ),
        path=(Link(text, "sent", "", "ab", until), Link(text, "missing", "missing-intermediate")),
        beside=names,
        operator=Instruction(text, (("openssl", text),)),
        trusts=(
            Trust(names, 20, text, counted=True, trusts=names, places=(text, "V")),
            Trust(names, -1, f"cannot load /home/me/{text}", counted=True, trusts=names, places=("/home/me",)),
        ),
        send=ChainToSend(CHAIN.decode(), names),
    )
    return Finding(
        "missing-intermediate", "server", "fail", text, f"{text}\n{text}", fix=(("certboot", text),),
        examination=dataclasses.replace(drawn, **changes),
    )  # fmt: skip


def page(*findings: Finding) -> Page:
    return Page(doctor_html(diagnosed(findings[0].subject, findings), MADE, "1.2"))


@given(
    st.text(st.characters(exclude_characters="`"), min_size=1, max_size=60)
)  # backquotes mark code, which is harmless
def test_no_text_of_a_stranger_adds_an_element_or_an_attribute(text: str) -> None:
    counted = {"text", "p", "br"}  # a long name takes more lines
    shapes = []
    for written in ("x", text, EVIL):
        made = page(finding(written), Finding("root-sent", "server", "info", written, written))
        shapes.append([(tag, sorted(attributes)) for tag, attributes in made.tags if tag not in counted])
    assert shapes[0] == shapes[1] == shapes[2]


def test_the_page_loads_nothing_and_allows_only_its_own_style() -> None:
    text = doctor_html(diagnosed(EVIL, (finding(EVIL),)), MADE, "1.2")
    made = Page(text)
    metas = made.all("meta")
    (policy,) = (meta["content"] or "" for meta in metas if meta.get("http-equiv") == "Content-Security-Policy")
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert not re.search(r"unsafe|url\(|@import", policy + style[1])
    attributes = [(name, value or "") for _, own in made.tags for name, value in own.items()]
    links = [value for name, value in attributes if name in ("src", "href", "action", "data")]
    assert [link for link in links if not link.startswith(("data:", "#"))] == []
    assert {tag for tag, _ in made.tags}.isdisjoint({"script", "img", "iframe", "object", "form", "base"})
    assert [name for name, _ in attributes if name.startswith("on") or name == "style"] == []
    assert all(line.isprintable() for line in text.split("\n"))


def test_what_to_change_on_the_server_comes_first_then_the_client_and_the_details() -> None:
    made = page(finding("intranet.example:443"), Finding("root-sent", "server", "info", "s", "a root too"))
    at = -1
    for words in (
        "the server forgot an intermediate", "missing-intermediate", "On the server", "The complete chain", "nginx",
        "Apache", "HAProxy", "IIS", "Java", "a root too", "On the server: Leave the root out", "On the client",
        "certboot repair intranet.example", "certboot intranet.example", "refused", "The chain", "not trusted",
        "MISSING", "sent by the server, as number 1", "valid until 2027-01-02", "sent, but not part of the chain",
        "What the server sent", "issuer at", "names", "2026-01-01 00:00 UTC", "serial", "SHA-256",
        "2026-11-25 at 02:03 UTC by certboot 1.2",
    ):  # fmt: skip
        assert made.text.find(words, at + 1) > at, words
        at = made.text.index(words, at + 1)
    # What was found on this machine beside the server is not on it.
    assert "/home/me" not in page(finding("x"), Finding("client-cannot-load", "server", "fail", "h", "/home/me")).text


def test_chain_and_intermediates_can_be_saved_by_safe_names() -> None:
    links = [link for link in page(finding("../a b:443")).all("a") if "download" in link]
    saved = {link["download"]: base64.b64decode((link["href"] or "").partition("base64,")[2]) for link in links}
    assert saved == {"a-b-443-chain.pem": CHAIN, "a-b-443-intermediate-1.cer": MIDDLE.der}


def test_servers_are_named_only_where_a_chain_file_mends_it() -> None:
    def named(kind: str, **changes: ChainToSend | None) -> set[str]:
        status: Status = "ok" if kind == "handshake-ok" else "fail"
        text = page(dataclasses.replace(finding("h:1", **changes), id=kind, status=status)).text
        return {name for name in ("nginx", "Apache", "HAProxy", "IIS", "keytool", "certlm.msc") if name in text}

    every = {"nginx", "Apache", "HAProxy", "IIS", "keytool"}
    assert named("missing-intermediate") == every
    assert named("expired-intermediate") == every | {"certlm.msc"}
    # Its certificates are in the wrong order, or a root is among them: Windows does neither.
    assert named("handshake-ok") == {"nginx", "Apache", "HAProxy"}
    assert named("missing-intermediate", send=ChainToSend(SERVER.pem.decode(), ("s",))) == every - {
        "IIS", "keytool"
    }  # fmt: skip
    for kind in ("expired-leaf", "hostname-mismatch", "untrusted-root"):
        assert named(kind, send=None) == set()


def test_without_a_chain_or_a_fault_it_says_so() -> None:
    unheard = Finding("connection-refused", "server", "fail", "h:1", "nothing listens")
    text = page(unheard).text
    assert "It never came to a chain of certificates." in text
    broken = Finding("check-not-finished", "server", "error", "server", "cannot read", {"hint": "check the path"})
    assert "check the path" in page(broken).text
    assert page(Finding("handshake-ok", "server", "ok", "h:1", "good")).text.count("Nothing has to be done") == 2
    assert "and 5 more" in page(finding("x", chain=(PresentedCertificate(b"", "no"),) * 25)).text


def test_headings_are_in_order_and_tables_have_headers() -> None:
    made = page(finding("x"), Finding("root-sent", "server", "info", "s", "a root too"))
    levels = [int(tag[1]) for tag, _ in made.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(level <= before + 1 and level > 1 for before, level in pairwise(levels))
    assert len(made.all("table")) == len(made.all("thead")) == 2
    assert all(cell["scope"] in ("col", "row") for cell in made.all("th"))
    assert made.all("html") == [{"lang": "en"}]
    assert all(picture["aria-label"] for picture in made.all("svg"))


def test_texts_are_seen_against_their_grounds_in_both_styles() -> None:
    """WCAG 2.1, 1.4.3: a contrast of 4.5 at least."""
    style = Path(html.__file__).with_name("page.css").read_text("ascii")
    light, dark, *_ = (
        dict(re.findall(r"--(\w+):#(\w+)", block)) for block in re.findall(r":root{(.*?)}", style, re.DOTALL)
    )
    for colours in (light, dark):
        for ink in ("ink", "soft", "good", "bad", "warn", "link"):
            for ground in ("page", "panel"):
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground, colours)


def contrast(first: str, second: str) -> float:
    high, low = sorted(map(luminance, (first, second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    digits = colour if len(colour) == 6 else "".join(digit * 2 for digit in colour)
    parts = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    linear = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_the_picture_is_well_formed_and_as_high_as_what_is_in_it() -> None:
    path = (Link(EVIL * 9, "sent", "weak-key", "ab"), Link("CN=R", "trusted", "", "cd", NOW))
    picture = ElementTree.fromstring(chart(Examination(path=path, beside=("B",) * 30)))  # noqa: S314 - our own
    height = float(picture.attrib["viewBox"].split()[3])
    frames = [element for element in picture.iter() if element.attrib.get("class") == "frame"]
    assert len(frames) == 2 + 9
    assert max(float(frame.attrib["y"]) + float(frame.attrib["height"]) for frame in frames) <= height
    assert "and 22 more" in "".join(picture.itertext())
    assert "no path" not in "".join(picture.itertext())
    assert chart(Examination()) == ""


@settings(max_examples=20)
@given(st.text(max_size=200))
def test_lines_in_a_box_are_as_long_as_it_is_wide_at_most(text: str) -> None:
    lines = wrapped(text, 20, 3)
    assert len(lines) <= 3
    assert all(len(line) <= 20 for line in lines)


def test_a_name_is_broken_at_a_space_and_what_is_left_out_is_said() -> None:
    assert wrapped("Corporation for Certificates", 20) == ["Corporation for", "Certificates"]
    assert wrapped("a" * 90, 20)[2] == f"{'a' * 19}\N{HORIZONTAL ELLIPSIS}"
    assert wrapped("\u8a3c" * 12, 20) == ["\u8a3c" * 10, "\u8a3c" * 2]


@pytest.fixture
def chain(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "chain.pem").write_bytes(SERVER.pem + ROOT.pem + MIDDLE.pem)
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    first, second = (str(tmp_path / name) for name in ("chain.pem", "root.pem"))
    return ("doctor", "hook", "--chain", first, "--host", "localhost", "--anchors", second)


def test_the_command_writes_it_beside_what_it_prints(certboot: Run, chain: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    before = certboot(*chain)
    ran = certboot(*chain, "--html", file)
    assert (ran.status, ran.out, ran.err) == (before.status, before.out, "")
    made = Page(file.read_text("utf-8"))
    for words in ("handshake-ok", f"{SERVER.certificate.serial_number:x}", "localhost, 10.9.8.7", "//pki.example/ca"):
        assert words in made.text
    assert re.search(r"36[45] days left of 366 days", made.text)
    (link,) = (anchor for anchor in made.all("a") if "download" in anchor)
    assert base64.b64decode((link["href"] or "").partition("base64,")[2]) == CHAIN
    later = f"{NOW + 368 * DAY:%Y-%m-%d}"
    assert certboot(*chain, "--json", "--html", file, "--at", later).out.startswith("{")
    assert "expired-leaf" in Page(file.read_text("utf-8")).text
    assert re.search("ended [23] days ago", Page(file.read_text("utf-8")).text)
    assert not list(tmp_path.glob(".*"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


@cases("text", [b"mine", b'<!DOCTYPE html>\n<html lang="en"><head><title>mine</title>', b"\0", BEGINNING[:-1]])
def test_a_file_that_is_no_page_of_certboot_s_is_not_replaced(
    certboot: Run, chain: tuple[str, ...], tmp_path: Path, text: bytes
) -> None:
    file = tmp_path / "index.html"
    file.write_bytes(text)
    before = snapshot(tmp_path)
    assert_refused(certboot(*chain, "--html", file), "something other than a page of certboot doctor stands there")
    assert snapshot(tmp_path) == before
    file.write_bytes(b"")
    assert certboot(*chain, "--html", file).status == certboot(*chain, "--html", file).status
    assert file.read_bytes().startswith(BEGINNING)


def test_what_is_no_regular_file_is_not_replaced(
    certboot: Run, chain: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("file")
    for name in ("folder", "pipe", "link"):
        assert_refused(certboot(*chain, "--html", tmp_path / name), "not a regular file")
    assert_refused(certboot(*chain, "--html", tmp_path / "none" / "page"), "no such folder")
    assert_refused(certboot(*chain, "--html", tmp_path / "file" / "page"), "cannot write")
    assert_refused(certboot("doctor", "--html", tmp_path / "page"), "goes with a host")
    Failing(monkeypatch, (files, "replace"), 1, errno.ENOSPC)
    assert_refused(certboot(*chain, "--html", tmp_path / "page"), "No space left on device")
    assert (tmp_path / "link").is_symlink()
    assert not (tmp_path / "page").exists()
