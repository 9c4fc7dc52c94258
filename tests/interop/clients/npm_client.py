import subprocess

from outcome import client


@client
def view(host, port):
    command = ["npm", "view", "ok", "version", "--registry", f"https://{host}:{port}/", "--fetch-retries=0"]
    subprocess.run(command, check=True, capture_output=True, text=True)
