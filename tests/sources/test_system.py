from __future__ import annotations

import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from support.pki import Issued, issue
from support.snapshot import roots
from support.table import cases

from certboot.errors import SourceError
from certboot.pki.certificate import load_certificate
from certboot.sources import system

pytestmark = pytest.mark.real_sources

BUNDLE = "etc/ssl/certs/ca-certificates.crt"
SECOND = "etc/pki/tls/certs/ca-bundle.crt"


def built(root: Path, files: dict[str, Issued | bytes]) -> list[str]:
    """Put the files below ``root``, and return the names of the CAs that are read there."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.pem)
    return [candidate.certificate.name for candidate in system.from_unix_files(root).parse().candidates]


def places(root: Path) -> list[str]:
    """Return the files that the certificates are recorded as from."""
    return [candidate.detail.removeprefix(f"{root}/") for candidate in system.from_unix_files(root).parse().candidates]


ONE, TWO, THREE = roots()
LINKED = "etc/ssl/certs/01234567.0", "etc/ssl/certs/89abcdef.11"


@cases(
    ("files", "names", "from_files"),
    [
        ({}, "", []),
        ({BUNDLE: ONE.pem + TWO.pem}, "AB", [BUNDLE] * 2),
        ({LINKED[0]: ONE, LINKED[1]: TWO}, "AB", [*LINKED]),
        ({BUNDLE: ONE.pem + TWO.pem, LINKED[0]: ONE, LINKED[1]: THREE}, "ABC", [BUNDLE, BUNDLE, LINKED[1]]),
        ({SECOND: TWO}, "B", [SECOND]),
        ({BUNDLE: ONE, SECOND: TWO}, "A", [BUNDLE]),
        ({BUNDLE: b"", SECOND: TWO}, "B", [SECOND]),
        ({BUNDLE: b"# nothing installed\n", SECOND: TWO}, "B", [SECOND]),
        ({BUNDLE: ONE, "etc/ssl/ca.pem": TWO, "etc/ssl/db/ca.crt": TWO}, "A", [BUNDLE]),  # OpenSSL finds neither
        *(
            ({BUNDLE: ONE, f"etc/ssl/certs/{name}": TWO}, "A", [BUNDLE])  # nor these
            for name in ("corp.pem", "01234567.r0", "0123456.0", "01234567.0.bak", "sub/01234567.0")
        ),
    ],
)
def test_the_first_bundle_with_a_certificate_and_the_hash_links_are_read_as_openssl_does(
    tmp_path: Path, files: dict[str, Issued | bytes], names: str, from_files: list[str]
) -> None:
    assert built(tmp_path, files) == [f"Root {letter}" for letter in names]
    assert places(tmp_path) == from_files


def test_a_broken_file_is_counted_and_the_others_are_read(tmp_path: Path) -> None:
    half = ONE.pem[:200]
    found = built(tmp_path, {BUNDLE: ONE.pem + half, LINKED[0]: half, "etc/ssl/certs/89abcdef.0": TWO})
    assert found == ["Root A", "Root B"]
    assert [r.rule for r in system.from_unix_files(tmp_path).parse().rejections] == ["unreadable", "unreadable"]


def test_a_file_that_cannot_be_read_is_passed_over(tmp_path: Path, unreadable: Callable[[Path], None]) -> None:
    """So is a link that leads nowhere and a folder under the name of a file."""
    built(tmp_path, {BUNDLE: ONE, SECOND: TWO})
    certs = tmp_path / "etc/ssl/certs"
    (certs / "01234567.0").symlink_to("nothing.pem")
    (certs / "01234567.1").mkdir()
    unreadable(tmp_path / BUNDLE)
    assert built(tmp_path, {}) == ["Root B"]


def marks(issued: Issued) -> set[str]:
    """By what a certificate is known that the system distrusts."""
    certificate = load_certificate(issued.der)
    return {certificate.fingerprint, certificate.identity}


@cases(
    ("arguments", "distrusted"),
    [(("-addreject", "serverAuth"), True), (("-addtrust", "clientAuth"), True), (("-addtrust", "serverAuth"), False)],
)
@cases("place", [BUNDLE, "etc/ssl/certs/01234567.0"])
def test_what_the_administrator_marked_is_distrusted(
    tmp_path: Path, openssl: Callable[..., str], place: str, arguments: tuple[str, ...], *, distrusted: bool
) -> None:
    (tmp_path / "one.pem").write_bytes(ONE.pem)
    marked = openssl("x509", "-in", tmp_path / "one.pem", *arguments, "-trustout").encode()
    found = built(tmp_path, {"etc/ssl/certs/89abcdef.0": TWO, place: marked})
    loaded = system.from_unix_files(tmp_path).parse()
    assert loaded.distrusted == (marks(ONE) if distrusted else frozenset())
    assert sorted(found) == (["Root B"] if distrusted else ["Root A", "Root B"])
    assert [(r.rule, r.detail) for r in loaded.rejections] == [("distrusted", str(tmp_path / place))] * distrusted


def test_a_mark_in_the_directory_counts_for_what_the_bundle_has(tmp_path: Path, openssl: Callable[..., str]) -> None:
    """The policy keeps out what is distrusted, whoever offers it."""
    (tmp_path / "one.pem").write_bytes(ONE.pem)
    marked = openssl("x509", "-in", tmp_path / "one.pem", "-addreject", "serverAuth", "-trustout").encode()
    assert built(tmp_path, {BUNDLE: ONE.pem + TWO.pem, "etc/ssl/certs/01234567.0": marked}) == ["Root A", "Root B"]
    assert system.from_unix_files(tmp_path).parse().distrusted == marks(ONE)


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="reads the files of a Unix system")
def test_on_linux_wassima_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its fallback, a list of its own, must never be recorded as the system's."""
    asked: list[Path] = []
    monkeypatch.setitem(sys.modules, "wassima", None)
    monkeypatch.setattr(system, "from_unix_files", asked.append)
    system.read()
    assert asked == [Path("/")]


@pytest.fixture
def interface(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Recorded: what the interface of another system gives, as wassima hands it on, and Windows' stores by name."""

    def install(platform: str, *ders: bytes, **stores: tuple[bytes, ...]) -> None:
        module = ModuleType("wassima._os")
        setattr(module, "root_der_certificates", lambda: list(ders))  # noqa: B010 - mypy
        monkeypatch.setitem(sys.modules, "wassima", ModuleType("wassima"))
        monkeypatch.setitem(sys.modules, "wassima._os", module)

        def enum_certificates(store: str) -> list[tuple[bytes, str, bool]]:
            return [(data, "x509_asn", True) for data in stores.get(store, ())]

        monkeypatch.setattr(ssl, "enum_certificates", enum_certificates, raising=False)
        monkeypatch.setattr(sys, "platform", platform)

    return install


@cases("platform", ["darwin", "win32"])
def test_of_another_system_only_what_is_self_issued_is_kept(interface: Callable[..., None], platform: str) -> None:
    """An intermediate that it lists must not become an anchor."""
    everything = (ONE.der, b"junk", issue("Below", TWO).der, TWO.der)
    interface(platform, *everything, ROOT=everything)
    loaded = system.read().parse()
    assert [candidate.certificate.name for candidate in loaded.candidates] == ["Root A", "Root B"]
    assert {candidate.detail for candidate in loaded.candidates} == {f"the trust store of {platform}"}
    assert [r.rule for r in loaded.rejections] == ["unreadable"]


def test_of_windows_stores_only_root_makes_an_anchor(interface: Callable[..., None]) -> None:
    interface("win32")
    assert system.read().parse().candidates == ()
    own = issue("My own")
    interface(
        "win32", ONE.der, TWO.der, THREE.der, own.der, ROOT=(ONE.der, THREE.der), CA=(TWO.der, THREE.der), MY=(own.der,)
    )
    assert [candidate.certificate.name for candidate in system.read().parse().candidates] == ["Root A", "Root C"]


def test_a_missing_wassima_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wassima", None)
    monkeypatch.setitem(sys.modules, "wassima._os", None)
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SourceError, match="the system's store cannot be read: "):
        system.read().parse()


def test_wassima_on_linux_takes_what_the_system_does_not_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason why certboot reads Linux itself: below /etc/ssl lie CAs of databases, VPNs and the like."""
    assert built(tmp_path, {BUNDLE: ONE, "etc/ssl/db/ca.crt": TWO}) == ["Root A"]
    linux = pytest.importorskip("wassima._os._linux", reason="wassima is in the test group")
    monkeypatch.setattr(linux, "BUNDLE_TRUST_STORE_DIRECTORIES", [str(tmp_path / "etc/ssl")])
    assert set(linux.root_der_certificates()) == {ONE.der, TWO.der}
