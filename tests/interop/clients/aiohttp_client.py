import asyncio

import aiohttp
from outcome import client


async def get(url):
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        answer.raise_for_status()


@client
def main(host, port):
    asyncio.run(get(f"https://{host}:{port}/"))
