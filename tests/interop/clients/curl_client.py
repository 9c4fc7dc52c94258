import subprocess

from outcome import client


@client
def get(host, port):
    subprocess.run(["curl", "-sS", f"https://{host}:{port}/"], check=True, capture_output=True, text=True)
