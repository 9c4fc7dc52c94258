import primp
from outcome import client


@client
def get(host, port):
    assert primp.Client().get(f"https://{host}:{port}/").status_code == 200
