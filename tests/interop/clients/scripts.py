"""The clients as users write them, no CA anywhere: ``python scripts.py NAME URL`` says in JSON what came of NAME."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

ASYNC = "import asyncio\nasync def get():\n    {}\nasyncio.run(get())"
PYCURL = """\
import io, os, pycurl
curl = pycurl.Curl()
{}curl.setopt(pycurl.URL, url)
curl.setopt(pycurl.WRITEDATA, io.BytesIO())
curl.perform()"""
TWISTED = """\
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred
failures = []
async def get():
    {}
done = ensureDeferred(get())
done.addErrback(lambda failure: failures.append(failure.value))
done.addBoth(lambda _: reactor.stop())
reactor.run()
if failures:
    raise RuntimeError(getattr(failures[0], "reasons", failures)) from failures[0]"""
NPMRC = """\
project = {"package.json": "{}", ".npmrc": "cafile=%s"}
run("npm", "view", "ok", "version", "--registry", url, "--fetch-retries=0", files=project)"""
SCRIPTS = {
    "aiohttp": "import aiohttp\n"
    + ASYNC.format("""async with aiohttp.ClientSession() as session, session.get(url) as answer:
        answer.raise_for_status()"""),
    "boto3": """\
import boto3
from botocore.config import Config
session = boto3.Session(aws_access_key_id="dummy", aws_secret_access_key="dummy", region_name="eu-west-1")
sts = session.client("sts", endpoint_url=url, config=Config(retries={"total_max_attempts": 1}))
assert sts.get_caller_identity()["Account"] == "123456789012" """,
    "cargo": """\
manifest = '''[package]
name = "mine"
version = "1.0.0"
[dependencies]
ok = { version = "1", registry = "here" }
'''
index = f'registries.here.index="sparse+{url}index/"'
files = {"src/lib.rs": "", "Cargo.toml": manifest}
run("cargo", "generate-lockfile", "--config", index, "--config", "net.retry=0", files=files)""",
    "curl": 'run("curl", "-sS", url)',
    "curl_cffi": "from curl_cffi import requests; requests.get(url).raise_for_status()",
    "elasticsearch": "from elasticsearch import Elasticsearch; Elasticsearch(url, max_retries=0).info()",
    "git": 'run("git", "ls-remote", f"{url}ok.git")',
    "google_auth_requests": """\
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
AuthorizedSession(AnonymousCredentials()).get(url).raise_for_status()""",
    "google_auth_urllib3": """\
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.urllib3 import AuthorizedHttp
assert AuthorizedHttp(AnonymousCredentials()).urlopen("GET", url, retries=False).status == 200""",
    "grpc": """\
import grpc
with grpc.secure_channel(place.netloc, grpc.ssl_channel_credentials()) as channel:
    channel.unary_unary("/ok.Ok/Ask")(b"", timeout=20)""",
    "httplib2": "import httplib2; assert httplib2.Http().request(url)[0].status == 200",
    "httpx": "import httpx; httpx.get(url).raise_for_status()",
    "httpx2": "import httpx2; httpx2.get(url).raise_for_status()",
    "huggingface_hub": "from huggingface_hub import HfApi; HfApi(endpoint=url.rstrip('/')).model_info('ok')",
    "kubernetes": """\
from kubernetes.client import ApiClient, Configuration, CoreV1Api
configuration = Configuration(host=url.rstrip("/"))
configuration.retries = False
CoreV1Api(ApiClient(configuration)).list_namespace()""",
    "niquests": "import niquests; niquests.get(url).raise_for_status()",
    "node": 'run("node", "-e", "fetch(process.argv[1]).then((answer) => answer.text())", url)',
    "npm": 'run("npm", "view", "ok", "version", "--registry", url, "--fetch-retries=0")',
    "npmrc": NPMRC % "/etc/ssl/certs/ca-certificates.crt",
    "npmrc_helped": NPMRC % "${SSL_CERT_FILE}",
    "openai": """\
from openai import OpenAI
OpenAI(api_key="dummy", base_url=f"{url}v1", max_retries=0).models.list()""",
    "opensearch": "from opensearchpy import OpenSearch; OpenSearch(url, verify_certs=True, max_retries=0).info()",
    # It asks six times, and would sleep seven seconds in between.
    "poetry": """\
project = f'''[project]
name = "mine"
version = "1.0.0"
requires-python = ">=3.10"
dependencies = ["ok (>=1.0)"]
[[tool.poetry.source]]
name = "here"
url = "{url}simple/"
[tool.poetry]
package-mode = false
'''
code = "import time; time.sleep = lambda _: None; from poetry.console.application import main; main()"
run("python", "-c", code, "lock", "--no-cache", files={"pyproject.toml": project})""",
    "primp": "import primp; assert primp.Client().get(url).status_code == 200",
    "pycurl": PYCURL.format(""),
    "pycurl_helped": PYCURL.format('curl.setopt(pycurl.CAINFO, os.environ["SSL_CERT_FILE"])\n'),
    "pymongo": """\
from pymongo import MongoClient
options = {"tls": True, "directConnection": True, "serverSelectionTimeoutMS": 1000}
MongoClient(place.hostname, place.port, **options).admin.command("ping")""",
    "redis": """\
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
Redis(place.hostname, place.port, ssl=True, retry=Retry(NoBackoff(), 0)).ping()""",
    "requests": "import requests; requests.get(url, timeout=20).raise_for_status()",
    "rnet": "import rnet\n" + ASYNC.format("assert (await rnet.Client().get(url)).ok"),
    "rnet_helped": "import os, pathlib, rnet\n"
    + ASYNC.format('assert (await rnet.Client(verify=pathlib.Path(os.environ["SSL_CERT_FILE"])).get(url)).ok'),
    "tornado": "from tornado.httpclient import AsyncHTTPClient\n" + ASYNC.format("await AsyncHTTPClient().fetch(url)"),
    "tornado_curl": "from tornado.curl_httpclient import CurlAsyncHTTPClient\n"
    + ASYNC.format("await CurlAsyncHTTPClient().fetch(url)"),
    "tornado_curl_helped": "import os\nfrom tornado.curl_httpclient import CurlAsyncHTTPClient\n"
    + ASYNC.format('await CurlAsyncHTTPClient().fetch(url, ca_certs=os.environ["SSL_CERT_FILE"])'),
    "treq": "import treq\n" + TWISTED.format("await treq.content(await treq.get(url))"),
    "twisted": "from twisted.web.client import Agent, readBody\n"
    + TWISTED.format('await readBody(await Agent(reactor).request(b"GET", url.encode()))'),
    "urllib": "from urllib.request import urlopen; urlopen(url).read()",
    "urllib3": 'import urllib3; assert urllib3.PoolManager(retries=False).request("GET", url).status == 200',
    "websocket": 'import websocket; websocket.create_connection(f"wss://{place.netloc}/").close()',
    "websockets": 'from websockets.sync.client import connect; connect(f"wss://{place.netloc}/").close()',
    "wget": 'run("wget", "-nv", "-t", "1", "-O", "-", url)',
    "wget_helped": """\
import os
run("wget", f"--ca-certificate={os.environ['SSL_CERT_FILE']}", "-nv", "-t", "1", "-O", "-", url)""",
}


def run(*command, files=None):
    """Run a program in a folder with these files."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (files or {}).items():
            Path(folder, name).parent.mkdir(exist_ok=True)
            Path(folder, name).write_text(text)
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)


def told(error):
    """Return what an error and its causes say, with what a program wrote to standard error."""
    while error:
        yield f"{type(error).__module__}.{type(error).__qualname__}: {error} {getattr(error, 'stderr', None) or ''}"
        error = error.__cause__ or error.__context__


def main(name, url):
    try:
        exec(SCRIPTS[name], {"url": url, "place": urlsplit(url), "run": run})  # noqa: S102
    except Exception as error:
        print(json.dumps({"ok": False, "error": " | ".join(told(error))}))
    else:
        print(json.dumps({"ok": True}))


if __name__ == "__main__":
    main(*sys.argv[1:])
