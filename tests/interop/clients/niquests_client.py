import niquests
from outcome import client


@client
def get(host, port):
    niquests.get(f"https://{host}:{port}/").raise_for_status()
