"""What a program may use of certboot: ``bundle()``, ``directory()`` and ``activate()``."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from support.commands import Run
from support.server import TlsServer

from certboot import bundle, directory
from certboot.errors import StoreError
from certboot.store.paths import StorePaths

# As a frozen program starts: without start-up files.
FROZEN = """
import sys
sys.path += sys.argv[2:]
import certboot
print(certboot.activate(), certboot.activate())
import urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1]).read().decode())
except OSError as error:
    print(type(error).__name__)
"""


def test_without_a_store_there_is_neither_bundle_nor_directory(paths: StorePaths) -> None:
    assert not paths.home.exists()
    for asked in (bundle, directory):
        with pytest.raises(StoreError) as refused:
            asked()
        assert "certboot init" in refused.value.hint


def test_both_are_of_the_store_in_force_and_their_paths_stay_the_same(
    certboot: Run, ca: trustme.CA, ca_file: Path, serve: Callable[..., TlsServer]
) -> None:
    assert certboot("init").status == 0
    before = bundle(), directory()
    assert certboot("trust", "--yes", ca_file).status == 0
    assert (bundle(), directory()) == before
    port = serve(ca.issue_cert("localhost")).port
    for file, folder in ((str(bundle()), None), (None, str(directory()))):
        context = ssl.create_default_context(cafile=file, capath=folder)
        with socket.create_connection(("localhost", port)) as plain:
            context.wrap_socket(plain, server_hostname="localhost").close()


def test_a_store_that_others_could_change_is_not_handed_out(certboot: Run, paths: StorePaths) -> None:
    assert certboot("init").status == 0
    assert bundle().exists()
    paths.generations.chmod(0o777)
    with pytest.raises(StoreError, match="others may write to it"):
        bundle()


@pytest.mark.parametrize("store", [True, False])
def test_a_program_without_start_up_files_can_do_what_the_hook_does(
    certboot: Run, clean: Path, ca: trustme.CA, ca_file: Path, serve: Callable[..., TlsServer], *, store: bool
) -> None:
    if store:
        assert certboot("init", "--add", ca_file).status == 0
    server = serve(ca.issue_cert("localhost"))
    folders = [folder for folder in sys.path if folder and os.path.isdir(folder)]
    done = subprocess.run(
        [sys.executable, "-S", "-E", "-c", FROZEN, server.url, *folders],
        env={"HOME": str(clean)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    expected = "True True\nok\n" if store else "False False\nURLError\n"
    assert (done.stdout, done.stderr, done.returncode) == (expected, "", 0)


def test_importing_certboot_costs_no_library() -> None:
    code = "import sys, __future__; before = set(sys.modules); import certboot; print(set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{'certboot'}\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_daemon_that_has_dropped_root_is_told_that_it_cannot_read_the_store(certboot: Run, clean: Path) -> None:
    assert certboot("init").status == 0
    clean.chmod(0o700)
    code = """
import os, sys
import certboot, certboot.errors, certboot.store.env_file, certboot.store.generations, certboot.store.paths
print(certboot.bundle().name)
os.setuid(65534)
try:
    certboot.bundle()
except certboot.errors.StoreError as error:
    print(error.message.split(":")[0])
paths = certboot.store.paths.store_paths()
for ask in certboot.store.generations.numbers, lambda paths: certboot.store.env_file.settings(paths, {}):
    try:
        ask(paths)
    except PermissionError as error:
        print(error.strerror)
"""
    environ = {"CERTBOOT_HOME": str(clean / ".local/share/certboot")}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (
        "bundle.pem\nthe store cannot be read, Permission denied\nPermission denied\nPermission denied\n",
        "",
    )
