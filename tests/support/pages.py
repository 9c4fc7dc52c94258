"""What clients ask a server for: a page, a list of buckets, a Git repository, an index with one package ``ok``."""

from __future__ import annotations

import io
import zipfile

BUCKETS = b"<ListAllMyBucketsResult><Buckets><Bucket><Name>ok</Name></Bucket></Buckets></ListAllMyBucketsResult>"
WHEEL = "ok-1.0-py3-none-any.whl"
METADATA = b"Metadata-Version: 2.1\nName: ok\nVersion: 1.0\n"
NODE = """\
require("https").get(process.argv[1], (answer) => answer.on("data", (data) => process.stdout.write(data)))
    .on("error", (error) => { console.error(error.message); process.exit(1) })
"""
BOTO3 = """\
import boto3, sys
session = boto3.Session(aws_access_key_id="dummy", aws_secret_access_key="dummy", region_name="eu-west-1")
print(session.client("s3", endpoint_url=sys.argv[1]).list_buckets()["Buckets"][0]["Name"])
"""
# No retries, and nothing of what this machine has set up for pip, git and uv.
QUIET = {
    "AWS_MAX_ATTEMPTS": "1", "GIT_CONFIG_SYSTEM": "/dev/null", "PIP_CONFIG_FILE": "/dev/null",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_RETRIES": "0",
    "UV_HTTP_RETRIES": "0", "UV_NO_CACHE": "1", "UV_NO_CONFIG": "1",
}  # fmt: skip


def package() -> bytes:
    """Return the wheel of the package."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("ok.py", "")
        archive.writestr("ok-1.0.dist-info/METADATA", METADATA)
        archive.writestr("ok-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("ok-1.0.dist-info/RECORD", "ok.py,,\n")
    return data.getvalue()


def pages() -> dict[str, bytes]:
    """Return the answers, by path."""
    return {
        "/": BUCKETS,
        "/ok.git/info/refs": b"%s\trefs/heads/ok\n" % (b"1" * 40),
        "/ok.git/HEAD": b"ref: refs/heads/ok\n",
        "/simple/ok/": f'<a href="/{WHEEL}" data-core-metadata="true">{WHEEL}</a>'.encode(),
        f"/{WHEEL}": package(),
        f"/{WHEEL}.metadata": METADATA,
    }
