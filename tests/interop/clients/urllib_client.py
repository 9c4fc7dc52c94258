from urllib.request import urlopen

from outcome import client


@client
def get(host, port):
    with urlopen(f"https://{host}:{port}/") as answer:
        answer.read()
