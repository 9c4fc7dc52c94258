"""Draw docs/picture.svg: real commands against a server on loopback, in a terminal that reads well in light and dark.

    python3 scripts/picture.py PATH       with PATH the bin folder of an environment that has certboot

What differs from machine to machine (the home folder, the port, the name of a host that is not there) is replaced.
"""

from __future__ import annotations

import http.server
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from xml.sax.saxutils import escape

import trustme

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "picture.svg"
HOST = "intranet.example"
COMMANDS = (
    "python existing_script.py 2>&1 | tail -1",
    "certboot init --add company-ca.pem",
    "python existing_script.py",
)
SCRIPT = """\
import urllib.request
with urllib.request.urlopen("https://localhost:{port}/") as answer:
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
    authority = trustme.CA(organization_name="Example Corp", organization_unit_name="Example Corp Root")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as server, tempfile.TemporaryDirectory() as home:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Path(home).chmod(0o755)  # as a home mostly is; in one that nobody else may enter, init has a note more
        authority.cert_pem.write_to_path(f"{home}/company-ca.pem")
        Path(home, "existing_script.py").write_text(SCRIPT.format(port=server.server_port))
        lines = []
        for command in COMMANDS:
            done = subprocess.run(
                ["sh", "-c", command], cwd=home, capture_output=True, text=True, check=False,
                env={"HOME": home, "PATH": f"{programs.absolute()}:/usr/bin:/bin", "COLUMNS": str(COLUMNS)},
            )  # fmt: skip
            said = (done.stdout + done.stderr).replace(home, "/home/you")
            lines += [f"$ {command}", *said.replace(f"localhost:{server.server_port}", HOST).splitlines()]
        server.shutdown()
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


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer anything."""
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    PICTURE.write_text(drawn(record(Path(sys.argv[1]))), "utf-8")
