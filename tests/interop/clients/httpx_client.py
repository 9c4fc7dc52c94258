import httpx
from outcome import client


@client
def get(host, port):
    httpx.get(f"https://{host}:{port}/").raise_for_status()
