from huggingface_hub import HfApi
from outcome import client


@client
def ask(host, port):
    HfApi(endpoint=f"https://{host}:{port}").model_info("ok")
