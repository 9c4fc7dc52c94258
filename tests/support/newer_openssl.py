"""An OpenSSL that begins with a post-quantum key, for what is linked with an older one."""

from __future__ import annotations

import importlib.metadata
import ssl
import subprocess
import sys
from collections.abc import Mapping

import pytest


@pytest.fixture(scope="session")
def post_quantum(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Variables with which this Python, and curl, begin with a post-quantum key: they have an OpenSSL 3.5 then."""
    folder = tmp_path_factory.mktemp("openssl")
    for file in importlib.metadata.files("psycopg-binary") or ():
        library = file.name.partition("-")[0]
        if library in ("libssl", "libcrypto"):
            (folder / f"{library}.so.3").symlink_to(file.locate())
    variables = {} if ssl.OPENSSL_VERSION_INFO >= (3, 5) else {"LD_LIBRARY_PATH": str(folder)}
    asked = (sys.executable, "-c", "import ssl; print(ssl.OPENSSL_VERSION_INFO >= (3, 5))")
    if subprocess.run(asked, env=variables, stdout=subprocess.PIPE, check=True).stdout != b"True\n":
        pytest.skip("this Python has an OpenSSL of its own, an older one")
    return variables
