import treq
from outcome import client
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred

failures = []


async def get(url):
    await treq.content(await treq.get(url))


@client
def main(host, port):
    done = ensureDeferred(get(f"https://{host}:{port}/"))
    done.addErrback(lambda failure: failures.append(failure.value))
    done.addBoth(lambda _: reactor.stop())
    reactor.run()
    if failures:
        raise RuntimeError(getattr(failures[0], "reasons", failures)) from failures[0]
