import asyncio

from outcome import client
from tornado.httpclient import AsyncHTTPClient


async def get(url):
    await AsyncHTTPClient().fetch(url)


@client
def main(host, port):
    asyncio.run(get(f"https://{host}:{port}/"))
