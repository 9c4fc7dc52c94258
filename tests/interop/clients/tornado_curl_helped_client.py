import asyncio
import os

from outcome import client
from tornado.curl_httpclient import CurlAsyncHTTPClient


async def get(url):
    await CurlAsyncHTTPClient().fetch(url, ca_certs=os.environ["SSL_CERT_FILE"])


@client
def main(host, port):
    asyncio.run(get(f"https://{host}:{port}/"))
