from outcome import client
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry


@client
def ask(host, port):
    Redis(host, port, ssl=True, retry=Retry(NoBackoff(), 0)).ping()
