from openai import OpenAI
from outcome import client


@client
def ask(host, port):
    OpenAI(api_key="dummy", base_url=f"https://{host}:{port}/v1", max_retries=0).models.list()
