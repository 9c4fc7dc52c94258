import subprocess

from outcome import client


@client
def get(host, port):
    command = ["wget", "-nv", "-t", "1", "-O", "-", f"https://{host}:{port}/"]
    subprocess.run(command, check=True, capture_output=True, text=True)
