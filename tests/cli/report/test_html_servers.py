"""What the doctor's page says to put into a server's configuration, in the servers themselves: then clients verify it.

A server that is not installed is passed over.
"""

from __future__ import annotations

import base64
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from support.environments import SYSTEM_PATH
from support.exported import keytool
from support.pki import CA, NOW, make

from certboot.cli.report.html import doctor_html
from certboot.doctor.diagnosis import diagnosed
from certboot.doctor.examination import ChainToSend, Examination
from certboot.doctor.finding import Finding

pytestmark = pytest.mark.slow

ROOT = make("Corp Root", form=CA)
UPPER = make("Corp Policy CA", ROOT, CA)
MIDDLE = make("Corp Issuing CA", UPPER, CA)
SERVER = make("localhost", MIDDLE)
CHAIN = SERVER.pem + MIDDLE.pem + UPPER.pem
NAME = "localhost-443"
MODULES = Path("/usr/lib/apache2/modules")
Configured = Callable[[Path, list[str], int], list[str]]


class Page(HTMLParser):
    """The blocks of code below each heading, and what can be saved."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks: dict[str, list[str]] = {}
        self.files: dict[str, bytes] = {}
        self._inside = self._heading = ""
        examined = Examination(send=ChainToSend(CHAIN.decode(), ("x",)))
        finding = Finding("missing-intermediate", "server", "fail", "localhost:443", "s", examination=examined)
        self.feed(doctor_html(diagnosed("localhost:443", (finding,)), NOW, "1.2"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        own = dict(attrs)
        if own.get("download"):
            self.files[own["download"] or ""] = base64.b64decode((own["href"] or "").partition("base64,")[2])

    def handle_endtag(self, _: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "h3":
            self._heading = data.split(maxsplit=1)[0].rstrip(":")
        elif self._inside == "pre":
            self.blocks.setdefault(self._heading, []).append(data)


PAGE = Page()


def nginx(folder: Path, blocks: list[str], port: int) -> list[str]:
    places = "".join(f"{kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/log; events {{}}\n"
        f"http {{ access_log off; {places} server {{ listen 127.0.0.1:{port} ssl;\n"
        f"{blocks[0]}\nssl_certificate_key {folder}/server.key;\n}} }}"
    )
    return ["nginx", "-e", f"{folder}/log", "-c", f"{folder}/conf"]


def apache(folder: Path, blocks: list[str], port: int) -> list[str]:
    modules = "".join(
        f"LoadModule {name}_module {MODULES}/mod_{name}.so\n" for name in ("mpm_event", "ssl", "authz_core")
    )
    (folder / "conf").write_text(
        f"ServerRoot {folder}\nDefaultRuntimeDir {folder}\nPidFile {folder}/pid\nErrorLog {folder}/log\n{modules}"
        f"ServerName localhost\nListen 127.0.0.1:{port}\n<VirtualHost *:{port}>\nSSLEngine on\n"
        f"{blocks[0]}\nSSLCertificateKeyFile {folder}/server.key\n</VirtualHost>\n"
    )
    return ["apache2", "-X", "-f", f"{folder}/conf"]


def haproxy(folder: Path, blocks: list[str], port: int) -> list[str]:
    subprocess.run(["/bin/sh", "-ec", blocks[0]], cwd=folder, check=True, timeout=60)
    assert (folder / f"{NAME}.pem").stat().st_mode & 0o077 == 0
    (folder / "conf").write_text(
        "defaults\n mode http\n timeout client 9s\n timeout server 9s\n timeout connect 9s\n"
        f"frontend f\n bind 127.0.0.1:{port} ssl crt {folder}/{NAME}.pem\n"
    )
    return ["haproxy", "-db", "-f", f"{folder}/conf"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / f"{NAME}-chain.pem").write_bytes(PAGE.files[f"{NAME}-chain.pem"])
    (tmp_path / "server.key").write_bytes(SERVER.key_pem)
    return tmp_path


@pytest.mark.parametrize(  # and no table: each may be missing
    ("configured", "heading", "checked"),
    [(nginx, "nginx", "-t"), (apache, "Apache", "-t"), (haproxy, "HAProxy", "-c")],
)
def test_a_server_with_the_chain_from_the_page_is_verified(
    folder: Path, configured: Configured, heading: str, checked: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    blocks = [
        block.replace("/etc/ssl", str(folder)).replace("/etc/haproxy", str(folder)) for block in PAGE.blocks[heading]
    ]
    program, *options = configured(folder, blocks, port)
    path = shutil.which(program, path=SYSTEM_PATH)
    if path is None:
        pytest.skip(f"{program} is not installed")
    # The page's second block has the check, and reloads the server.
    assert f" {checked} " in blocks[1].replace("configtest", "-t") + " "
    subprocess.run([path, checked, *options], check=True, capture_output=True, timeout=60)
    context = ssl.create_default_context(cadata=ROOT.pem.decode())
    assert verified(context, [path, *options], port)
    # The control: with the server's own certificate alone nobody verifies it.
    (folder / f"{NAME}-chain.pem").write_bytes(SERVER.pem)
    program, *options = configured(folder, blocks, port)
    assert not verified(context, [path, *options], port)


def verified(context: ssl.SSLContext, argv: list[str], port: int) -> bool:
    """Return whether a client believes the server that this starts."""
    server = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with connected(server, port) as connection:
            try:
                context.wrap_socket(connection, server_hostname="localhost").close()
            except ssl.SSLCertVerificationError:
                return False
            return True
    finally:
        server.terminate()
        server.wait(30)


def connected(server: subprocess.Popen[bytes], port: int) -> socket.socket:
    deadline = time.monotonic() + 10
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except ConnectionRefusedError:
            assert server.poll() is None, "it has ended"
            assert time.monotonic() < deadline, "it does not listen"
            time.sleep(0.05)


def test_a_keystore_of_java_has_the_whole_chain_then(folder: Path, openssl: Callable[..., str]) -> None:
    (folder / "own.pem").write_bytes(SERVER.pem)
    store = folder / "keystore.p12"
    openssl(
        "pkcs12", "-export", "-in", folder / "own.pem", "-inkey", folder / "server.key", "-name", "tomcat",
        "-passout", "pass:changeit", "-out", store,
    )  # fmt: skip
    given = ["-storepass", "changeit", "-keystore", str(store)]
    assert "chain length: 1" in keytool("-list", "-v", *given).stdout
    words = PAGE.blocks["Java"][0].replace("ALIAS", "tomcat").replace("KEYSTORE", str(store)).split()
    words = [word.replace(f"{NAME}-chain.pem", str(folder / f"{NAME}-chain.pem")) for word in words]
    assert keytool(*words[1:], "-storepass", "changeit", "-noprompt").returncode == 0
    assert "chain length: 3" in keytool("-list", "-v", *given).stdout


def test_windows_is_given_each_intermediate_in_a_file_of_its_own() -> None:
    """PowerShell is not here: of a file with several certificates Import-Certificate would take the first alone."""
    files = {f"{NAME}-intermediate-{number}.cer": made.der for number, made in ((1, MIDDLE), (2, UPPER))}
    assert {**files, f"{NAME}-chain.pem": CHAIN} == PAGE.files
    store = "Cert:\\LocalMachine\\CA"
    commands = [f"Import-Certificate -FilePath .\\{name} -CertStoreLocation {store}" for name in files]
    assert PAGE.blocks["IIS"] == ["\n".join([*commands, "iisreset"])]
