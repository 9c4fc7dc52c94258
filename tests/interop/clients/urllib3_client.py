import urllib3
from outcome import client


@client
def get(host, port):
    assert urllib3.PoolManager(retries=False).request("GET", f"https://{host}:{port}/").status == 200
