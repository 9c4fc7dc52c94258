import httplib2
from outcome import client


@client
def get(host, port):
    answer, _ = httplib2.Http().request(f"https://{host}:{port}/")
    assert answer.status == 200
