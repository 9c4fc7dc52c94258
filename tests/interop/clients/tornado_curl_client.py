import asyncio

from outcome import client
from tornado.curl_httpclient import CurlAsyncHTTPClient


async def get(url):
    await CurlAsyncHTTPClient().fetch(url)


@client
def main(host, port):
    asyncio.run(get(f"https://{host}:{port}/"))
