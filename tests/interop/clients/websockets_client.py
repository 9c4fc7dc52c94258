from outcome import client
from websockets.sync.client import connect


@client
def main(host, port):
    with connect(f"wss://{host}:{port}/"):
        pass
