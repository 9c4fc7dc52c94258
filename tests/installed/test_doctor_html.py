"""The doctor's page in a browser: everything can be read at four widths, and nobody is asked for anything."""

from __future__ import annotations

import dataclasses
import html
import json
import os
import re
import shutil
import struct
import subprocess
import typing
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from support.environments import SYSTEM_PATH, Ran
from support.pki import CA, DAY, LEAF, NOW, Form, Made, make
from support.server import PlainServer, page

pytestmark = pytest.mark.slow

EVIL = '<script>document.title="ran"</script><img src=//h.example/>'
ROOT = make("Corp Root", form=dataclasses.replace(CA, organisation="An Organisation With a Rather Long Name, Limited"))
MIDDLE = make("Corp Issuing CA", ROOT, CA)
SERVER = make("localhost", MIDDLE)
EXPIRED = make("localhost", MIDDLE, dataclasses.replace(LEAF, valid=(NOW - 9 * DAY, NOW - DAY)))
HOSTILE = make(EVIL, MIDDLE, Form(names=("localhost",)))
CHAINS = {
    "missing-intermediate": (SERVER,),
    "expired-leaf": (EXPIRED, MIDDLE),
    "handshake-ok": (SERVER, MIDDLE),
    "root-sent": (HOSTILE, ROOT, MIDDLE),
}
WIDTHS = (1600, 900, 420, 360)
# It lays the pages out in frames of a given width and tells where each text is; the pages themselves run no script.
MEASURE = """\
<!DOCTYPE html><body><pre id="out"></pre><script>
const pages = {pages}, measured = {{}};
function measure(frame) {{
  const inside = frame.contentDocument, found = [];
  for (const each of inside.querySelectorAll("h1,h2,p,pre,li,td,th,dt,dd,a,text,footer")) {{
    const box = each.getBoundingClientRect(), style = frame.contentWindow.getComputedStyle(each);
    const scale = each.ownerSVGElement
      ? each.ownerSVGElement.getBoundingClientRect().width / each.ownerSVGElement.viewBox.baseVal.width : 1;
    found.push({{text: each.textContent, left: box.left, right: box.right, height: box.height,
      size: parseFloat(style.fontSize) * scale, shown: style.visibility === "visible" && style.opacity === "1"}});
  }}
  return {{width: inside.documentElement.scrollWidth, title: inside.title, scripts: inside.scripts.length, found}};
}}
for (const [name, page, width] of pages) {{
  const frame = document.createElement("iframe");
  Object.assign(frame, {{width, height: 3000, src: page}});
  frame.onload = () => {{
    measured[name] = measure(frame);
    if (Object.keys(measured).length === pages.length) out.textContent = JSON.stringify(measured);
  }};
  document.body.append(frame);
}}
</script>
"""


class Proxy(PlainServer):
    """Takes every request of a browser and refuses it."""

    # Chromium asks its vendor for the time and for updates whatever it is told; no page here names these hosts.
    _BROWSERS_OWN = re.compile(r"(CONNECT |[A-Z]+ https?://)[a-z0-9.-]+\.(google|googleapis)\.com[:/]")

    def answer(self, _target: str) -> bytes:
        return page(status="403 Forbidden", Connection="close")

    @property
    def asked(self) -> list[str]:
        """The first lines of what was asked for because of a page."""
        lines = [request.partition("\r\n")[0] for request in self.requests]
        return [line for line in lines if not self._BROWSERS_OWN.match(line)]


@pytest.fixture
def proxy(started: Callable[[Proxy], Proxy]) -> Proxy:
    return started(Proxy())


@pytest.fixture
def chromium(proxy: Proxy, tmp_path: Path) -> Callable[..., str]:
    """Run Chromium with all that it asks for sent to the proxy, and return its standard output."""
    program = shutil.which("chromium", path=SYSTEM_PATH)
    if program is None:
        assert not os.environ.get("CI"), "the Debian package chromium is missing"
        pytest.skip("the Debian package chromium is not installed")

    def run(page: Path, *options: str) -> str:
        argv = [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-default-apps", f"--user-data-dir={tmp_path / 'profile'}",
            f"--proxy-server=http://127.0.0.1:{proxy.port}", "--proxy-bypass-list=<-loopback>",
            "--virtual-time-budget=3000", *options, page.as_uri(),
        ]  # fmt: skip
        environ = {"HOME": str(tmp_path), "PATH": SYSTEM_PATH}
        done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


@pytest.fixture
def write(certboot: Callable[..., Ran], tmp_path: Path) -> Callable[[str], Path]:
    """Write the page on a chain."""

    def run(kind: str) -> Path:
        def save(name: str, *members: Made) -> Path:
            (tmp_path / name).write_bytes(b"".join(member.pem for member in members))
            return tmp_path / name

        chain, anchors, written = save("chain.pem", *CHAINS[kind]), save("root.pem", ROOT), tmp_path / f"{kind}.html"
        options = ("--chain", chain, "--host", "localhost", "--anchors", anchors, "--html", written)
        assert certboot("doctor", "hook", *options).err == ""
        return written

    return run


def measured(chromium: Callable[..., str], pages: list[tuple[str, str, int]], folder: Path) -> typing.Any:  # noqa: ANN401 - JSON
    frames = folder / "frames.html"
    frames.write_text(MEASURE.format(pages=json.dumps(pages)), "utf-8")
    dumped = chromium(frames, "--allow-file-access-from-files", "--window-size=1700,3200", "--dump-dom")
    out = re.search(r'<pre id="out">(.*?)</pre>', dumped, re.DOTALL)
    assert out
    return json.loads(html.unescape(out[1]))


def test_all_of_it_can_be_read_and_nothing_is_asked_for(
    chromium: Callable[..., str], write: Callable[[str], Path], proxy: Proxy, tmp_path: Path
) -> None:
    assert all("google" not in write(kind).read_text("utf-8") for kind in CHAINS)
    cases = {f"{kind} {width}": (kind, width) for kind in CHAINS for width in WIDTHS}
    seen = measured(chromium, [(name, f"{kind}.html", width) for name, (kind, width) in cases.items()], tmp_path)
    for name, (kind, width) in cases.items():
        page = seen[name]
        title = f"{'handshake-ok' if kind == 'root-sent' else kind}: localhost"
        assert (name, page["width"], page["scripts"], page["title"]) == (name, width, 0, title)
        for text in page["found"]:
            assert text["shown"], text
            assert text["height"] > 0, text
            assert 0 <= text["left"] <= text["right"] <= width, text
            assert text["size"] >= 9, text
        texts = "\n".join(text["text"] for text in page["found"])
        for wanted in (kind, "sent by the server", "On the client", "On the server", "What the server sent"):
            assert wanted in texts
        assert ("BEGIN CERTIFICATE" in texts) == (kind == "root-sent")
    assert proxy.asked == []


def test_a_page_that_asks_for_something_is_noticed(chromium: Callable[..., str], proxy: Proxy, tmp_path: Path) -> None:
    """The control: the same page without its policy, with an image from elsewhere."""
    (tmp_path / "page.html").write_text('<!DOCTYPE html><img src="http://elsewhere.example/a.png">', "utf-8")
    chromium(tmp_path / "page.html", "--dump-dom")
    assert proxy.asked == ["GET http://elsewhere.example/a.png HTTP/1.1"]


def test_its_policy_stops_what_somebody_adds(
    chromium: Callable[..., str], write: Callable[[str], Path], proxy: Proxy
) -> None:
    page = write("handshake-ok")
    added = '<img src="http://elsewhere.example/a.png"><script>document.title = "ran"</script></main>'
    page.write_text(page.read_text("utf-8").replace("</main>", added), "utf-8")
    assert "<title>handshake-ok: localhost</title>" in chromium(page, "--dump-dom")
    assert proxy.asked == []


def test_a_picture_of_it_has_something_on_it(
    chromium: Callable[..., str], write: Callable[[str], Path], tmp_path: Path
) -> None:
    picture, width = tmp_path / "page.png", 500
    chromium(write("missing-intermediate"), f"--screenshot={picture}", f"--window-size={width},1400")
    data = picture.read_bytes()
    assert struct.unpack(">II", data[16:24]) == (width, 1400)
    chunks, at = b"", 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        chunks += data[at + 8 : at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    pixels = zlib.decompress(chunks)
    row = len(pixels) // 1400
    rows = {pixels[number * row : (number + 1) * row] for number in range(1400)}
    assert len(rows) > 300  # an empty page has one or two
