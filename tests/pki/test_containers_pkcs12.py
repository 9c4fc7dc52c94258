"""A PKCS#12 file says itself how long it takes to open: it is opened in a process that can be ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from hypothesis import given, settings
from hypothesis import strategies as st
from support.asn1 import EMPTY, explicit, number, octets, oid, sequence
from support.environments import SYSTEM_PATH
from support.snapshot import roots
from support.table import cases

from certboot.errors import CertbootError, CertificateError
from certboot.pki import containers, der, pkcs12_child

ROOT = roots()[0]
SALT = b"salt" * 2
HOURS = 2_000_000_000
TOO_LONG = "it asks for more time or memory than any file of certificates needs to be opened: given"
DATA, ENCRYPTED_DATA = (oid("2a864886f70d0107" + last) for last in ("01", "06"))
PBES2, PBKDF2 = (oid("2a864886f70d0105" + last) for last in ("0d", "0c"))
HMAC_SHA256, AES_256, SCRYPT = oid("2a864886f70d0209") + EMPTY, oid("60864801650304012a"), oid("2b06010401da47040b")
KEY_BAG, CERTIFICATE_BAG = (oid("2a864886f70d010c0a01" + last) for last in ("02", "03"))
X509 = oid("2a864886f70d01091601")


def pbkdf2(iterations: int) -> bytes:
    """PBES2 with PBKDF2 and AES (RFC 8018, A.2 and A.4)."""
    function = sequence(PBKDF2, sequence(octets(SALT), number(iterations), sequence(HMAC_SHA256)))
    return sequence(PBES2, sequence(function, sequence(AES_256, octets(bytes(16)))))


def scrypt(parallel: int) -> bytes:
    function = sequence(SCRYPT, sequence(octets(SALT), number(1 << 14), number(8), number(parallel)))
    return sequence(PBES2, sequence(function, sequence(AES_256, octets(bytes(16)))))


def encrypted(data: bytes, derived: PBKDF2HMAC | Scrypt) -> bytes:
    """With the empty password."""
    key = derived.derive(b"")
    padding = 16 - len(data) % 16
    cipher = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    return cipher.update(data + bytes((padding,)) * padding) + cipher.finalize()


def by_pbkdf2() -> PBKDF2HMAC:
    return PBKDF2HMAC(hashes.SHA256(), 32, SALT, 2048)


def pkcs12(inner: bytes, derived: PBKDF2HMAC | Scrypt | None = None) -> bytes:
    """A file whose one encrypted part holds a certificate, and a key that is encrypted once more, as ``inner`` says."""
    key = ROOT.key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    certificate = sequence(CERTIFICATE_BAG, explicit(sequence(X509, explicit(octets(ROOT.der)))))
    bags = sequence(
        certificate, sequence(KEY_BAG, explicit(sequence(inner, octets(encrypted(key, derived or by_pbkdf2())))))
    )
    held = sequence(DATA, pbkdf2(2048), der.encode(0x80, encrypted(bags, by_pbkdf2())))
    content = sequence(ENCRYPTED_DATA, explicit(sequence(number(0), held)))
    return sequence(number(3), sequence(DATA, explicit(octets(sequence(content)))))


HOSTILE = {"iterations inside": pkcs12(pbkdf2(HOURS)), "scrypt inside": pkcs12(scrypt(1 << 13))}


def opened(data: bytes) -> list[bytes]:
    return containers.in_pkcs12(data, "given", None)


def test_a_file_is_opened_whatever_the_encrypted_part_holds() -> None:
    """The control: the same files with numbers that somebody has."""
    assert opened(pkcs12(pbkdf2(2048))) == [ROOT.der]
    assert opened(pkcs12(scrypt(1), Scrypt(SALT, 32, 1 << 14, 8, 1))) == [ROOT.der]


@pytest.mark.timeout(60)
@cases("kind", HOSTILE)
def test_a_file_that_would_take_hours_is_given_up(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is so small that nothing shows from outside what it asks for."""
    assert len(HOSTILE[kind]) < 1000
    monkeypatch.setattr(containers, "_SECONDS", 2)
    with pytest.raises(CertificateError) as caught:
        opened(HOSTILE[kind])
    assert (caught.value.message, caught.value.hint) == (TOO_LONG, "ask for the certificate by itself, in PEM")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_process_ends_by_itself_when_nobody_ends_it() -> None:
    """Whoever started it may have been killed."""
    child = subprocess.run(
        [sys.executable, "-I", "-c", containers._CODE, *containers._folders()],
        input=pkcs12_child.question(HOSTILE["iterations inside"], None),
        env={"CERTBOOT_DISABLE": "1"}, capture_output=True, check=False, timeout=290,
    )  # fmt: skip
    assert (child.returncode, child.stdout) == (-signal.SIGXCPU, b"")


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_million_iterations_are_no_obstacle(openssl: Callable[..., str], tmp_path: Path) -> None:
    for name, content in (("key.pem", ROOT.key_pem), ("ca.pem", ROOT.pem), ("password", b"secret")):
        (tmp_path / name).write_bytes(content)
    openssl(
        "pkcs12", "-export", "-inkey", tmp_path / "key.pem", "-in", tmp_path / "ca.pem", "-iter", "1000000",
        "-passout", f"file:{tmp_path / 'password'}", "-out", tmp_path / "ca.p12",
    )  # fmt: skip
    assert containers.in_pkcs12((tmp_path / "ca.p12").read_bytes(), "given", lambda: b"secret") == [ROOT.der]


def test_the_password_stands_in_no_argument_and_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody on the machine may read the arguments of a process."""
    seen: list[str] = []
    real = subprocess.run

    def run(argv: list[str], *, env: dict[str, str], **options: object) -> object:
        seen.extend((*argv, *env, *env.values()))
        assert argv[1] == "-I"
        assert env["CERTBOOT_DISABLE"] == "1"
        return real(argv, env=env, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(CertbootError):
        containers.in_pkcs12(pkcs12(pbkdf2(1)).replace(SALT, SALT[::-1]), "given", lambda: b"hunter2")
    assert seen
    assert not [text for text in seen if "hunter2" in text]


def test_what_lies_in_the_current_folder_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cryptography", "warnings", "certboot"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert opened(pkcs12(pbkdf2(2048))) == [ROOT.der]


@pytest.mark.timeout(60)
def test_ctrl_c_ends_a_command_that_opens_such_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(HOSTILE["iterations inside"])
    environ = {"PATH": SYSTEM_PATH, "HOME": os.environ["HOME"]}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "certboot", *words.split()], cwd=tmp_path, env=environ, stderr=subprocess.PIPE
        )
        for words in ("trust file", "doctor hook --chain file --host localhost")
    ]
    try:
        for command in started:
            wait_for_child(command.pid)
            command.send_signal(signal.SIGINT)
            _, said = command.communicate(timeout=20)
            assert (command.returncode, b"Traceback" in said) == (130, False), said
    finally:
        for command in started:
            command.kill()


def wait_for_child(pid: int) -> None:
    """Wait until the process has one that is at work."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for child in children.read_text().split():
            fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
            if int(fields[11]) > os.sysconf("SC_CLK_TCK"):  # utime: a second of work, longer than imports take
                return
        time.sleep(0.1)
    pytest.fail("no process was started")


@settings(max_examples=6, deadline=None)
@given(st.data())
def test_no_bytes_lead_to_anything_but_certificates_or_an_error(data: st.DataObject) -> None:
    mutated = bytearray(pkcs12(pbkdf2(2048)))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        mutated[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    with contextlib.suppress(CertificateError):
        assert all(isinstance(each, bytes) for each in opened(bytes(mutated)))
