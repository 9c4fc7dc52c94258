"""The clients as users write them, no CA anywhere: ``python scripts.py NAME URL`` says in JSON what came of NAME."""

import asyncio
import io
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit


def aiohttp(url):
    import aiohttp

    async def get():
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            answer.raise_for_status()

    asyncio.run(get())


def boto3(url):
    import boto3
    from botocore.config import Config

    session = boto3.Session(aws_access_key_id="dummy", aws_secret_access_key="dummy", region_name="eu-west-1")
    sts = session.client("sts", endpoint_url=url, config=Config(retries={"total_max_attempts": 1}))
    assert sts.get_caller_identity()["Account"] == "123456789012"


def cargo(url):
    here = 'ok = { version = "1", registry = "here" }'
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "src").mkdir()
        Path(folder, "src", "lib.rs").touch()
        manifest = f'[package]\nname = "mine"\nversion = "1.0.0"\n[dependencies]\n{here}\n'
        Path(folder, "Cargo.toml").write_text(manifest)
        index = f'registries.here.index="sparse+{url}index/"'
        run("cargo", "generate-lockfile", "--config", index, "--config", "net.retry=0", folder=folder)


def curl(url):
    run("curl", "-sS", url)


def curl_cffi(url):
    from curl_cffi import requests

    requests.get(url).raise_for_status()


def elasticsearch(url):
    from elasticsearch import Elasticsearch

    Elasticsearch(url, max_retries=0).info()


def git(url):
    run("git", "ls-remote", f"{url}ok.git")


def google_auth_requests(url):
    from google.auth.credentials import AnonymousCredentials
    from google.auth.transport.requests import AuthorizedSession

    AuthorizedSession(AnonymousCredentials()).get(url).raise_for_status()


def google_auth_urllib3(url):
    from google.auth.credentials import AnonymousCredentials
    from google.auth.transport.urllib3 import AuthorizedHttp

    assert AuthorizedHttp(AnonymousCredentials()).urlopen("GET", url, retries=False).status == 200


def grpc(url):
    import grpc

    with grpc.secure_channel(urlsplit(url).netloc, grpc.ssl_channel_credentials()) as channel:
        channel.unary_unary("/ok.Ok/Ask")(b"", timeout=20)


def httplib2(url):
    import httplib2

    answer, _ = httplib2.Http().request(url)
    assert answer.status == 200


def httpx(url):
    import httpx

    httpx.get(url).raise_for_status()


def httpx2(url):
    import httpx2

    httpx2.get(url).raise_for_status()


def huggingface_hub(url):
    from huggingface_hub import HfApi

    HfApi(endpoint=url.rstrip("/")).model_info("ok")


def kubernetes(url):
    from kubernetes.client import ApiClient, Configuration, CoreV1Api

    configuration = Configuration(host=url.rstrip("/"))
    configuration.retries = False
    CoreV1Api(ApiClient(configuration)).list_namespace()


def niquests(url):
    import niquests

    niquests.get(url).raise_for_status()


def node(url):
    run("node", "-e", "fetch(process.argv[1]).then((answer) => answer.text())", url)


def npm(url, folder=None):
    run("npm", "view", "ok", "version", "--registry", url, "--fetch-retries=0", folder=folder)


def npmrc(url, cafile="cafile=/etc/ssl/certs/ca-certificates.crt"):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "package.json").write_text("{}")
        Path(folder, ".npmrc").write_text(f"{cafile}\n")
        npm(url, folder)


def npmrc_helped(url):
    npmrc(url, "cafile=${SSL_CERT_FILE}")


def openai(url):
    from openai import OpenAI

    OpenAI(api_key="dummy", base_url=f"{url}v1", max_retries=0).models.list()


def opensearch(url):
    from opensearchpy import OpenSearch

    OpenSearch(url, verify_certs=True, max_retries=0).info()


def poetry(url):
    project = f"""\
[project]
name = "mine"
version = "1.0.0"
requires-python = ">=3.10"
dependencies = ["ok (>=1.0)"]
[[tool.poetry.source]]
name = "here"
url = "{url}simple/"
[tool.poetry]
package-mode = false
"""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(project)
        # It asks six times, and would sleep seven seconds in between.
        code = "import time; time.sleep = lambda _: None; from poetry.console.application import main; main()"
        run(sys.executable, "-c", code, "lock", "--no-cache", folder=folder)


def primp(url):
    import primp

    assert primp.Client().get(url).status_code == 200


def pycurl(url):
    import pycurl

    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.WRITEDATA, io.BytesIO())
    curl.perform()


def pycurl_helped(url):
    import pycurl

    curl = pycurl.Curl()
    curl.setopt(pycurl.CAINFO, os.environ["SSL_CERT_FILE"])
    curl.setopt(pycurl.URL, url)
    curl.setopt(pycurl.WRITEDATA, io.BytesIO())
    curl.perform()


def pymongo(url):
    from pymongo import MongoClient

    options = {"tls": True, "directConnection": True, "serverSelectionTimeoutMS": 1000}
    MongoClient(urlsplit(url).hostname, urlsplit(url).port, **options).admin.command("ping")


def redis(url):
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    Redis(urlsplit(url).hostname, urlsplit(url).port, ssl=True, retry=Retry(NoBackoff(), 0)).ping()


def requests(url):
    import requests

    requests.get(url, timeout=20).raise_for_status()


def rnet(url):
    import rnet

    async def get():
        assert (await rnet.Client().get(url)).ok

    asyncio.run(get())


def rnet_helped(url):
    import rnet

    async def get():
        assert (await rnet.Client(verify=Path(os.environ["SSL_CERT_FILE"])).get(url)).ok

    asyncio.run(get())


def tornado(url):
    from tornado.httpclient import AsyncHTTPClient

    async def get():
        await AsyncHTTPClient().fetch(url)

    asyncio.run(get())


def tornado_curl(url):
    from tornado.curl_httpclient import CurlAsyncHTTPClient

    async def get():
        await CurlAsyncHTTPClient().fetch(url)

    asyncio.run(get())


def tornado_curl_helped(url):
    from tornado.curl_httpclient import CurlAsyncHTTPClient

    async def get():
        await CurlAsyncHTTPClient().fetch(url, ca_certs=os.environ["SSL_CERT_FILE"])

    asyncio.run(get())


def treq(url):
    import treq

    async def get(_):
        await treq.content(await treq.get(url))

    by_twisted(get)


def twisted(url):
    from twisted.web.client import Agent, readBody

    async def get(reactor):
        await readBody(await Agent(reactor).request(b"GET", url.encode()))

    by_twisted(get)


def by_twisted(get):
    from twisted.internet import reactor
    from twisted.internet.defer import ensureDeferred

    failures = []
    done = ensureDeferred(get(reactor))
    done.addErrback(lambda failure: failures.append(failure.value))
    done.addBoth(lambda _: reactor.stop())
    reactor.run()
    if failures:
        raise RuntimeError(getattr(failures[0], "reasons", failures)) from failures[0]


def urllib(url):
    from urllib.request import urlopen

    with urlopen(url) as answer:  # noqa: S310 - always https
        answer.read()


def urllib3(url):
    import urllib3

    assert urllib3.PoolManager(retries=False).request("GET", url).status == 200


def websocket(url):
    import websocket

    websocket.create_connection(url.replace("https", "wss")).close()


def websockets(url):
    from websockets.sync.client import connect

    with connect(url.replace("https", "wss")):
        pass


def wget(url):
    run("wget", "-nv", "-t", "1", "-O", "-", url)


def wget_helped(url):
    run("wget", f"--ca-certificate={os.environ['SSL_CERT_FILE']}", "-nv", "-t", "1", "-O", "-", url)


def run(*command, folder=None):
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)


def told(error):
    """Return what an error and its causes say, with what a program wrote to standard error."""
    while error:
        yield f"{type(error).__module__}.{type(error).__qualname__}: {error} {getattr(error, 'stderr', None) or ''}"
        error = error.__cause__ or error.__context__


def main(name, url):
    try:
        globals()[name](url)
    except Exception as error:
        print(json.dumps({"ok": False, "error": " | ".join(told(error))}))
    else:
        print(json.dumps({"ok": True}))


if __name__ == "__main__":
    main(*sys.argv[1:])
