"""A CA of ML-DSA (FIPS 204) is kept like any other, whether this machine's OpenSSL can read its key or not."""

from __future__ import annotations

import json
import ssl
import subprocess
from pathlib import Path

from support.chains import chains
from support.commands import Run
from support.environments import SYSTEM_PATH

from certboot.pki.certificate import load_certificate
from certboot.pki.rules import overlooked, weak_key, weak_signature
from certboot.store.paths import StorePaths

SENT, (ROOT,), _ = chains()["ML-DSA"]


def test_the_store_holds_it_in_bundle_and_directory(certboot: Run, paths: StorePaths, clean: Path) -> None:
    (clean / "root.pem").write_text(ssl.DER_cert_to_PEM_cert(ROOT))
    assert certboot("init", "--add", clean / "root.pem").status == 0
    assert certboot("update").status == 0
    certificate = load_certificate(ROOT)
    for context in (
        ssl.create_default_context(cafile=str(paths.current / "bundle.pem")),
        ssl.create_default_context(cafile=str(paths.current / "crts" / f"{certificate.link.subject_hash}.0")),
    ):
        assert ROOT in context.get_ca_certs(binary_form=True)
    assert "ML-DSA Root" in certboot("list").out
    findings = json.loads(certboot("doctor", "store", "--json").out)["findings"]
    assert {finding["status"] for finding in findings} == {"ok"}


def test_an_intermediate_of_it_is_strong_enough_for_the_store() -> None:
    ca, root = load_certificate(SENT[1]), load_certificate(ROOT)
    assert (weak_key(ca), weak_signature(ca), overlooked(root, ca)) == (None, None, None)


def test_rehash_links_it_as_openssl_does(certboot: Run, clean: Path) -> None:
    for folder in ("ours", "theirs"):
        (clean / folder).mkdir()
        (clean / folder / "root.pem").write_text(ssl.DER_cert_to_PEM_cert(ROOT))
    assert certboot("rehash", clean / "ours").status == 0
    subprocess.run(["openssl", "rehash", clean / "theirs"], env={"PATH": SYSTEM_PATH}, check=True)
    ours, theirs = (sorted(path.name for path in (clean / folder).iterdir()) for folder in ("ours", "theirs"))
    assert ours == theirs
