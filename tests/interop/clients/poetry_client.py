import subprocess
import tempfile
from pathlib import Path

from outcome import client

PROJECT = """\
[project]
name = "mine"
version = "1.0.0"
requires-python = ">=3.10"
dependencies = ["ok (>=1.0)"]
[[tool.poetry.source]]
name = "here"
url = "https://{host}:{port}/simple/"
[tool.poetry]
package-mode = false
"""


@client
def lock(host, port):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(PROJECT.format(host=host, port=port))
        subprocess.run(["poetry", "lock", "--no-cache"], cwd=folder, check=True, capture_output=True, text=True)
