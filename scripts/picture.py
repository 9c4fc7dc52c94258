"""Draw docs/picture.svg: real commands against a server on loopback, in a terminal that reads well in light and dark.

    python3 scripts/picture.py PATH    with the bin folder of an environment that has certboot and no other client

What differs from machine to machine (the home folder, the port, the name of a host that is not there) is replaced.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.pki import CA, LEAF, changed, make, on_server
from support.server import TlsServer

PICTURE = ROOT / "docs" / "picture.svg"
HOST = "intranet.example"
COMMANDS = (
    "python existing_script.py 2>&1 | tail -1",
    "certboot init --add company-ca.pem",
    "python existing_script.py",
    f"certboot doctor {HOST}",
)
SCRIPT = """\
import urllib.request
with urllib.request.urlopen("https://{host}/") as answer:
    print(answer.status, answer.reason)
"""
COLUMNS, WIDTH, HEIGHT, MARGIN = 90, 7.85, 19, 16
HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="A terminal">
<style>
  rect {{ fill: #f6f8fa; stroke: #d0d7de }}
  text {{ font: 13px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #1f2328; white-space: pre }}
  .command {{ font-weight: bold; fill: #0550ae }}
  @media (prefers-color-scheme: dark) {{
    rect {{ fill: #161b22; stroke: #30363d }}
    text {{ fill: #e6edf3 }}
    .command {{ fill: #79c0ff }}
  }}
</style>
<rect x="0.5" y="0.5" width="{inner_width:.0f}" height="{inner_height:.0f}" rx="8"/>
"""


def record(programs: Path) -> list[str]:
    """Return the lines of a terminal in which COMMANDS are run, as a user who has only HOME and PATH."""
    authority = make("Example Corp Root", form=CA)
    server = TlsServer(on_server(make(HOST, authority, changed(LEAF, names=("localhost",)))))
    with contextlib.closing(server), tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)  # as a home mostly is; in one that nobody else may enter, init has a note more
        (home / "company-ca.pem").write_bytes(authority.pem)
        (home / "existing_script.py").write_text(SCRIPT.format(host=server.shown))
        # No curl, git or npm of this machine, which may have settings of their own.
        (home / "tools").mkdir()
        (home / "tools" / "tail").symlink_to(shutil.which("tail") or "/usr/bin/tail")
        environ = {"HOME": folder, "PATH": f"{programs.absolute()}:{folder}/tools", "COLUMNS": str(COLUMNS)}
        environ |= {"LANG": "C.UTF-8", "PIP_CONFIG_FILE": os.devnull}
        places = {str(programs.absolute().parent): "/home/you/venv", folder: "/home/you", server.shown: HOST}
        lines = []
        for command in COMMANDS:
            done = subprocess.run(
                ["/bin/sh", "-c", command.replace(HOST, server.shown)],
                cwd=home,
                env=environ,
                capture_output=True,
                text=True,
                check=False,
            )
            said = done.stdout + done.stderr
            for here, there in places.items():
                said = said.replace(here, there)
            lines += [f"$ {command}", *said.splitlines()]
    return lines


def drawn(lines: list[str]) -> str:
    """Return the picture of a terminal with these lines, the long ones broken as a terminal does."""
    rows = []
    for line in lines:
        style = ' class="command"' if line.startswith("$ ") else ""
        rows += [(style, line[at : at + COLUMNS]) for at in range(0, max(len(line), 1), COLUMNS)]
    width, height = COLUMNS * WIDTH + 2 * MARGIN, len(rows) * HEIGHT + 2 * MARGIN
    head = HEAD.format(width=width, height=height, inner_width=width - 1, inner_height=height - 1)
    body = (
        f'<text x="{MARGIN}" y="{MARGIN + 14 + number * HEIGHT}"{style}>{escape(text)}</text>\n'
        for number, (style, text) in enumerate(rows)
    )
    return f"{head}{''.join(body)}</svg>\n"


if __name__ == "__main__":
    PICTURE.write_text(drawn(record(Path(sys.argv[1]))), "utf-8")
