from elasticsearch import Elasticsearch
from outcome import client


@client
def ask(host, port):
    Elasticsearch(f"https://{host}:{port}", max_retries=0).info()
