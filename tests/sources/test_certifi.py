from __future__ import annotations

import hashlib
import re
import ssl
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import certifi as package
import pytest
from support.table import cases

from certboot.errors import SourceError
from certboot.sources import certifi

pytestmark = pytest.mark.real_sources


def test_every_certificate_of_certifis_own_file_is_a_candidate(monkeypatch: pytest.MonkeyPatch, ca_file: Path) -> None:
    loaded = certifi.read().parse()
    text = Path(package.where()).read_text("utf-8")
    blocks = re.findall("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.DOTALL)
    ders = [ssl.PEM_cert_to_DER_cert(block) for block in blocks]
    assert [candidate.certificate.fingerprint for candidate in loaded.candidates] == [
        hashlib.sha256(data).hexdigest() for data in ders
    ]
    assert loaded.rejections == ()
    version = metadata.version("certifi")
    assert {(candidate.source, candidate.detail) for candidate in loaded.candidates} == {("certifi", version)}
    monkeypatch.setattr(package, "where", lambda: str(ca_file))  # one that is redirected is not asked
    assert certifi.read().parse() == loaded


@cases("module", [None, SimpleNamespace(__file__="/nonexistent/certifi/__init__.py")])
def test_a_certifi_that_cannot_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch, module: object) -> None:
    monkeypatch.setitem(sys.modules, "certifi", module)
    with pytest.raises(SourceError, match="certifi's file of certificates cannot be read: ") as refused:
        certifi.read().parse()
    assert refused.value.hint == "reinstall it: python -m pip install --force-reinstall certifi"
