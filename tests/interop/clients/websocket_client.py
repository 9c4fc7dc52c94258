import websocket
from outcome import client


@client
def connect(host, port):
    websocket.create_connection(f"wss://{host}:{port}/").close()
