import requests
from outcome import client


@client
def get(host, port):
    requests.get(f"https://{host}:{port}/", timeout=20).raise_for_status()
