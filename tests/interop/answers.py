"""What each client asks for: an identity, a model, a Git repository, package indexes with one package ``ok``."""

from __future__ import annotations

import hashlib
import json

from support.pages import METADATA, WHEEL, package

STS = b"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::123456789012:user/ok</Arn><UserId>ok</UserId><Account>123456789012</Account>
</GetCallerIdentityResult><ResponseMetadata><RequestId>ok</RequestId></ResponseMetadata></GetCallerIdentityResponse>"""


def pages() -> dict[str, bytes]:
    """Return the answers, by method and path."""
    wheel = package()
    digest, metadata_digest = (hashlib.sha256(data).hexdigest() for data in (wheel, METADATA))
    link = f'<a href="/{WHEEL}#sha256={digest}" data-core-metadata="sha256={metadata_digest}">{WHEEL}</a>'
    crate = {"name": "ok", "vers": "1.0.0", "deps": [], "cksum": "0" * 64, "features": {}, "yanked": False}
    npm = {"name": "ok", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": {"name": "ok", "version": "1.0.0"}}}
    elastic = {"name": "ok", "cluster_name": "ok", "version": {"number": "9.0.0"}, "tagline": "You Know, for Search"}
    return {
        "GET /": _json(elastic),
        "POST /": STS,
        "GET /api/v1/namespaces": _json({"kind": "NamespaceList", "apiVersion": "v1", "metadata": {}, "items": []}),
        "GET /api/models/ok": _json({"id": "ok", "siblings": [], "tags": []}),
        "GET /v1/models": _json({"object": "list", "data": []}),
        "GET /ok.git/info/refs": b"%s\trefs/heads/ok\n" % (b"1" * 40),
        "GET /ok.git/HEAD": b"ref: refs/heads/ok\n",
        "GET /simple/ok/": f"<!DOCTYPE html><html><body>{link}</body></html>".encode(),
        f"GET /{WHEEL}": wheel,
        f"GET /{WHEEL}.metadata": METADATA,
        "GET /ok": _json(npm),
        "GET /index/config.json": _json({"dl": "https://localhost/crates"}),
        "GET /index/2/ok": _json(crate),
    }


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
