from outcome import client
from pymongo import MongoClient


@client
def ask(host, port):
    MongoClient(host, port, tls=True, directConnection=True, serverSelectionTimeoutMS=2000).admin.command("ping")
