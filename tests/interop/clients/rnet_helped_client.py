import asyncio
import os
from pathlib import Path

import rnet
from outcome import client


async def get(url):
    assert (await rnet.Client(verify=Path(os.environ["SSL_CERT_FILE"])).get(url)).ok


@client
def main(host, port):
    asyncio.run(get(f"https://{host}:{port}/"))
