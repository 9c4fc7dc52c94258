import subprocess

from outcome import client


@client
def ls_remote(host, port):
    command = ["git", "ls-remote", f"https://{host}:{port}/ok.git"]
    subprocess.run(command, check=True, capture_output=True, text=True)
