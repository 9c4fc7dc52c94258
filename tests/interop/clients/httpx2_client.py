import httpx2
from outcome import client


@client
def get(host, port):
    httpx2.get(f"https://{host}:{port}/").raise_for_status()
