"""Settings of a company: fetched once under a pin, kept, looked at again by ``update``; and what else a URL can say."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
import trustme
from support.commands import FEW, Run, entry, names, saved
from support.environments import Ran
from support.pki import issue
from support.server import TlsServer
from support.snapshot import assert_refused, snapshot, unparsed
from support.table import cases

from certboot.sources import system
from certboot.store.config import Shared, load_config
from certboot.store.paths import StorePaths

COMPANY = f"""
intermediates = false

[[company]]
pem = '''
{issue("Corp").pem.decode()}
'''
"""


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class Company:
    """A server of a CA that the operating system knows and certifi does not, and the line that the company sends."""

    def __init__(self, server: TlsServer, run: Run) -> None:
        self.server, self.run = server, run
        self.address = f"{server.url}/certboot.toml"
        self.keep(COMPANY.encode())

    def keep(self, body: bytes) -> None:
        self.body = self.server.pages["/certboot.toml"] = body

    def init(self, pin: str = "", address: str = "") -> Ran:
        return self.run("init", "--config", address or self.address, "--sha256", pin or digest(self.body))


@pytest.fixture
def company(ca: trustme.CA, serve: Callable[..., TlsServer], certboot: Run, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.setattr(system, "read", lambda: unparsed(ca.cert_pem.bytes(), "system", "/etc/ssl/certs"))
    return Company(serve(ca.issue_cert("localhost")), certboot)


def test_one_line_of_a_company_makes_the_store_and_is_kept(company: Company, paths: StorePaths) -> None:
    ran = company.init()
    assert (ran.status, ran.err) == (0, "")
    assert names(paths) == FEW | {"Corp", "Example Corp Root"}
    assert [reason.detail for reason in entry(paths, "Corp").provenance] == ["config.toml"]
    assert load_config(paths.config).shared == Shared(company.address, digest(company.body))
    before, asked = snapshot(paths.generations), company.server.count
    assert "nothing new, nothing changed" in company.init().out
    assert "settings" not in company.run("update").out
    assert snapshot(paths.generations) == before
    assert company.server.count == asked + 2


def test_changed_settings_are_told_and_taken_only_under_a_pin_that_the_user_gives(
    company: Company, paths: StorePaths
) -> None:
    company.init()
    before = paths.config.read_bytes()
    new = issue("New Corp").pem.decode()
    company.keep(f"{COMPANY}\n[[company]]\npem = '''{new}'''\n".encode())
    ran = company.run("update")
    assert (ran.status, ran.err) == (0, "")
    assert (
        "the company's settings have changed; ask the company for the new SHA-256, "
        f"then certboot init --config {company.address} --sha256 HEX" in ran.out
    )
    assert digest(company.body) not in ran.out
    assert (paths.config.read_bytes(), "New Corp" in names(paths)) == (before, False)
    assert company.init().status == 0
    assert {"Corp", "New Corp"} <= names(paths)
    company.server.close()
    ran = company.run("update")
    assert (ran.status, ran.err) == (0, "")
    assert "the company's settings could not be looked at: no connection to localhost" in ran.out


WRONG_PIN = "0" * 64
NAMED = "settings from an address may not name others"


@cases(
    ("body", "pin", "words"),
    [
        (COMPANY, WRONG_PIN, f", not {WRONG_PIN}: "),
        (COMPANY, "ab12", "not a SHA-256 of 64 hexadecimal digits: ab12"),
        (COMPANY, "ab12", "hint: sha256sum FILE shows a file's, "),
        ("[[company]]\naddress = 'https://localhost/ca.pem'\n", "", NAMED),
        (f"[[company]]\naddress = 'https://localhost/ca.pem'\nsha256 = '{WRONG_PIN}'\n", "", NAMED),
        ("[ccadb]\naddress = 'https://localhost/'\n", "", NAMED),
        (f"[shared]\naddress = 'https://localhost/'\nsha256 = '{WRONG_PIN}'\n", "", NAMED),
        ("[[company]]\npath = '//localhost/share/ca.pem'\n", "", NAMED),
        ("base = '//localhost/share'\n[ccadb]\nfolder = 'reports'\n", "", NAMED),
        ("[[company]]\npath = '/localhost/ca.pem'\n", "", "cannot read /localhost/ca.pem"),
        ("<html>", "", "certboot.toml: "),
        ("colour = 1\n", "", "/certboot.toml, line 1: certboot does not know colour"),
        ("[[company]]\npem = 'words'\n", "", "no readable certificate, "),
        ("#" * (1024 * 1024 + 1), "", "over 1,048,576 bytes"),
    ],
)
def test_what_is_not_what_was_pinned_or_says_too_much_changes_nothing(
    company: Company, paths: StorePaths, body: str, pin: str, words: str
) -> None:
    company.keep(COMPANY.encode())
    assert company.init().status == 0
    before = snapshot(paths.home)
    company.keep(body.encode())
    assert_refused(company.init(pin), words)
    assert snapshot(paths.home) == before


def test_only_https_and_only_with_a_pin(company: Company, paths: StorePaths, certboot: Run) -> None:
    assert_refused(certboot("init", "--config", company.address), "need --sha256")
    assert_refused(company.init(address=company.address.replace("https", "http")), "only https:// is fetched")
    assert_refused(company.init(address=f"file://{paths.home}"), "only https:// is fetched")
    assert_refused(certboot("init", "--sha256", WRONG_PIN), "--sha256 goes with --config https://")
    assert company.server.count == 0
    assert not paths.home.exists()


def test_a_server_whose_ca_neither_certifi_nor_the_system_has_is_not_believed(
    company: Company, paths: StorePaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "read", lambda: unparsed(issue("Another").pem, "system", "/etc/ssl/certs"))
    assert_refused(company.init(), f"the certificate of {company.server.shown} is refused", "certboot doctor localhost")
    assert not paths.home.exists()


def test_a_certificate_may_stand_in_a_file_of_settings_too(certboot: Run, paths: StorePaths) -> None:
    settings = saved(paths.home.parents[2] / "team.toml", issue("Corp"))
    settings.write_text(COMPANY)
    assert certboot("init", "--config", settings).status == 0
    assert names(paths) == FEW | {"Corp"}
    assert load_config(paths.config).shared is None
