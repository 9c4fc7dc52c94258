from curl_cffi import requests
from outcome import client


@client
def get(host, port):
    requests.get(f"https://{host}:{port}/").raise_for_status()
