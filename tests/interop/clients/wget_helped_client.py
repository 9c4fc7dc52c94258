import os
import subprocess

from outcome import client


@client
def get(host, port):
    ca = f"--ca-certificate={os.environ['SSL_CERT_FILE']}"
    command = ["wget", ca, "-nv", "-t", "1", "-O", "-", f"https://{host}:{port}/"]
    subprocess.run(command, check=True, capture_output=True, text=True)
