import asyncio

import rnet
from outcome import client


async def get(url):
    assert (await rnet.Client().get(url)).ok


@client
def main(host, port):
    asyncio.run(get(f"https://{host}:{port}/"))
