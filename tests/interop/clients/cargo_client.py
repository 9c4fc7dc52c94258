import subprocess
import tempfile
from pathlib import Path

from outcome import client

MANIFEST = """\
[package]
name = "mine"
version = "1.0.0"
[dependencies]
ok = { version = "1", registry = "here" }
"""


@client
def lock(host, port):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "src").mkdir()
        Path(folder, "src", "lib.rs").touch()
        Path(folder, "Cargo.toml").write_text(MANIFEST)
        index = f'registries.here.index="sparse+https://{host}:{port}/index/"'
        command = ["cargo", "generate-lockfile", "--config", index, "--config", "net.retry=0"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
