import subprocess

from outcome import client

SCRIPT = "fetch(process.argv[1]).then((answer) => answer.text())"


@client
def get(host, port):
    command = ["node", "-e", SCRIPT, f"https://{host}:{port}/"]
    subprocess.run(command, check=True, capture_output=True, text=True)
