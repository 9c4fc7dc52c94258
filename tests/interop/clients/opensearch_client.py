from opensearchpy import OpenSearch
from outcome import client


@client
def ask(host, port):
    OpenSearch(f"https://{host}:{port}", verify_certs=True, max_retries=0).info()
