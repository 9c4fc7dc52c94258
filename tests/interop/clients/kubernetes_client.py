from kubernetes.client import ApiClient, Configuration, CoreV1Api
from outcome import client


@client
def ask(host, port):
    configuration = Configuration(host=f"https://{host}:{port}")
    configuration.retries = False
    CoreV1Api(ApiClient(configuration)).list_namespace()
