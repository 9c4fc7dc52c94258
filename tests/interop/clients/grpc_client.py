import grpc
from outcome import client


@client
def call(host, port):
    with grpc.secure_channel(f"{host}:{port}", grpc.ssl_channel_credentials()) as channel:
        channel.unary_unary("/ok.Ok/Ask")(b"", timeout=20)
