"""Draw docs/picture.svg, and write its lines to docs/picture.txt: real commands in a real terminal, on loopback.

    python3 scripts/picture.py PATH    with the bin folder of an environment that has certboot and no other client

Needs the right to listen on port 80, where issuers lie. What differs from machine to machine (folders, ports, the names
of hosts that are not there) is replaced.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.pki import CA, LEAF, changed, make, on_server
from support.pseudo_terminal import shown
from support.server import Listener, PlainServer, TlsServer, page

PICTURE = ROOT / "docs" / "picture.svg"
TEXT = ROOT / "docs" / "picture.txt"
# As long as what stands in their places, so that lines are broken where they were.
COMPANY, STORAGE, ISSUING, HOME = "company.example", "storage.example", "issuing.example", "/home/someone"
COMMANDS = (
    f"python script.py {COMPANY} 2>&1 | tail -1",
    "certboot init --add company-ca.pem",
    f"python script.py {COMPANY}",
    f"certboot doctor {STORAGE}",
    f"certboot repair --yes {STORAGE}",
    f"python script.py {STORAGE}",
)
SCRIPT = """\
import sys, urllib.request
with urllib.request.urlopen(f"https://{sys.argv[1]}/") as answer:
    print(answer.status, answer.reason)
"""
COLUMNS, WIDTH, HEIGHT, MARGIN = 80, 8.43, 19, 16
HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"
  role="img" aria-label="A terminal">
<style>
  rect {{ fill: #f6f8fa; stroke: #d0d7de }}
  text {{ font: 14px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328; white-space: pre }}
  .command, .strong {{ font-weight: bold }}
  .command {{ fill: #0550ae }}
  .good {{ fill: #116329 }}
  .bad {{ fill: #a40e26; font-weight: bold }}
  .doubt {{ fill: #7d4e00 }}
  @media (prefers-color-scheme: dark) {{
    rect {{ fill: #161b22; stroke: #30363d }}
    text {{ fill: #e6edf3 }}
    .command {{ fill: #79c0ff }}
    .good {{ fill: #7ee787 }}
    .bad {{ fill: #ffa198 }}
    .doubt {{ fill: #e3b341 }}
  }}
</style>
<rect x="0.5" y="0.5" width="{inner_width:.0f}" height="{inner_height:.0f}" rx="8"/>
"""
STYLES = {"1;31": "bad", "32": "good", "33": "doubt", "1": "strong"}
"""What certboot writes for a colour -> what the picture calls it."""
COLOURED = re.compile(r"\x1b\[([0-9;]*)m(.*?)\x1b\[0m")


def record(programs: Path) -> list[str]:
    """Return the lines of a terminal in which COMMANDS are run, as a user who has only HOME and PATH, with colours."""
    with _served() as (company, places), tempfile.TemporaryDirectory(prefix="", dir="/tmp") as folder:
        home = Path(folder)
        home.chmod(0o755)  # as a home mostly is; in one that nobody else may enter, init has a note more
        (home / "company-ca.pem").write_bytes(company)
        (home / "script.py").write_text(SCRIPT)
        (home / "venv").symlink_to(programs.absolute().parent)
        # No curl, git or npm of this machine, which may have settings of their own.
        (home / "tools").mkdir()
        (home / "tools" / "tail").symlink_to(shutil.which("tail") or "/usr/bin/tail")
        environ = {"HOME": folder, "PATH": f"{folder}/venv/bin:{folder}/tools", "TERM": "xterm", "LANG": "C.UTF-8"}
        # Settings of this machine are nothing to draw.
        environ |= dict.fromkeys(("PIP_CONFIG_FILE", "NPM_CONFIG_GLOBALCONFIG"), os.devnull)
        run = functools.partial(shown, environ=environ, columns=COLUMNS, folder=home)
        run((home / "venv" / "bin" / "certboot", "init"))
        here = {name: place for place, name in places.items()}
        there = {**places, str(programs.absolute().parent): f"{HOME}/venv", folder: HOME}
        lines = []
        for command in COMMANDS:
            said = run(("/bin/sh", "-c", _replaced(command, here)))
            lines += [f"$ {command}", *_replaced(said, there).splitlines()]
    return lines


@contextlib.contextmanager
def _served() -> Iterator[tuple[bytes, dict[str, str]]]:
    """Yield the company's CA, and the name that each server's address gets; the second forgets its issuer."""
    company = make("Example Corp Root", form=CA)
    issuing = make("Example Corp Issuing CA", company, CA)
    # Of this computer certboot asks port 80 only: each process has an address of its own for it.
    address = "127.100.{}.{}".format(*(100 + number for number in divmod(os.getpid() % 24336, 156)))
    with contextlib.ExitStack() as stack:
        issuer = PlainServer({"/issuing.cer": page(issuing.der)})
        forgetful = changed(LEAF, issuer_at=f"http://{address}/issuing.cer")
        stack.enter_context(contextlib.closing(issuer))
        stack.enter_context(contextlib.closing(Listener(issuer.talk, address, 80)))
        places = {address: ISSUING}
        for name, leaf in ((COMPANY, make(COMPANY, company)), (STORAGE, make(STORAGE, issuing, forgetful))):
            server = stack.enter_context(contextlib.closing(TlsServer(on_server(leaf))))
            places[server.shown] = name
        yield company.pem, places


def _replaced(text: str, names: Mapping[str, str]) -> str:
    for here, there in names.items():
        text = text.replace(here, there)
    return text


def drawn(lines: Iterable[str]) -> str:
    """Return the picture of a terminal with these lines."""
    rows = [row for line in lines for row in _drawn(line)]
    width, height = COLUMNS * WIDTH + 2 * MARGIN, len(rows) * HEIGHT + 2 * MARGIN
    head = HEAD.format(width=width, height=height, inner_width=width - 1, inner_height=height - 1)
    body = (f'<text x="{MARGIN}" y="{MARGIN + 14 + number * HEIGHT}"{row}</text>\n' for number, row in enumerate(rows))
    return f"{head}{''.join(body)}</svg>\n"


def _drawn(line: str) -> Iterator[str]:
    """Yield each row that a line takes, from where the place of its text element has been told."""
    style = ' class="command"' if line.startswith("$ ") else ""
    rows = list(_rows(line))
    coloured = COLOURED.sub(lambda span: f'<tspan class="{STYLES[span[1]]}">{span[2]}</tspan>', escape(line))
    yield from (f"{style}>{row}" for row in ([coloured] if len(rows) == 1 else map(escape, rows)))


def _rows(line: str) -> Iterator[str]:
    """Yield a line without its colours, broken as a terminal does."""
    text = COLOURED.sub(r"\2", line)
    yield from (text[at : at + COLUMNS] for at in range(0, max(len(text), 1), COLUMNS))


def written(lines: Iterable[str]) -> str:
    """Return the lines of a terminal as text."""
    return "".join(f"{row}\n" for line in lines for row in _rows(line))


if __name__ == "__main__":
    recorded = record(Path(sys.argv[1]))
    PICTURE.write_text(drawn(recorded), "utf-8")
    TEXT.write_text(written(recorded), "utf-8")
