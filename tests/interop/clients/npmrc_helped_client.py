import subprocess
import tempfile
from pathlib import Path

from outcome import client

NPMRC = "cafile=${SSL_CERT_FILE}\n"


@client
def view(host, port):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "package.json").write_text("{}")
        Path(folder, ".npmrc").write_text(NPMRC)
        command = ["npm", "view", "ok", "version", "--registry", f"https://{host}:{port}/", "--fetch-retries=0"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
