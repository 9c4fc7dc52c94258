"""Who made a CA or a file is guessed from a name or a place, and the table of guesses holds what its head says."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.here import put
from support.table import cases

from certboot.doctor import owners
from certboot.doctor.owners import of_path, of_subjects
from certboot.sources import certifi, system

MAC = "/Library/Application Support"


def name_of(sign: owners.Sign | None) -> str:
    return sign.owner.name if sign else ""


@cases(("subject", "name"), [
    ("CN=Zscaler Root CA,OU=Zscaler Inc.,O=Zscaler Inc.,L=San Jose,ST=California,C=US", "Zscaler"),
    ("CN=Zscaler Intermediate Root CA (zscalertwo.net) (t),OU=Zscaler Inc.", "Zscaler"),
    ("CN=ca.company.goskope.com,O=Company", "Netskope"),
    ("CN=certadmin,O=netSkope Inc.", "Netskope"),
    ("CN=Gateway CA - Cloudflare Managed G1 0123,O=Cloudflare\\, Inc.", "Cloudflare WARP (Cloudflare One)"),
    ("CN=Aikido Endpoint Protection Root CA - org-101951", "Aikido Endpoint Protection"),
    ("CN=safe-chain proxy", "Aikido Safe Chain"),
    ("CN=Dependabot Internal CA,OU=Dependabot,O=GitHub Inc.", "GitHub's Dependabot"),
    ("CN=network_proxy MITM CA", "OpenAI Codex"),
    ("O=mkcert development CA,OU=me@laptop,CN=mkcert me@laptop", "mkcert"),
    ("CN=Caddy Local Authority - 2026 ECC Root", "Caddy"),
    ("CN=Palo Alto Networks Decryption", "Palo Alto Networks"),
    ("CN=FG100F,OU=Certificate Authority,O=Fortinet", "Fortinet"),
    ("O=Cisco,CN=Cisco Umbrella Root CA", "Cisco Umbrella"),
    ("CN=Blue Coat SG900 Series", "Blue Coat (Symantec)"),
    ("CN=Sophos SSL CA_C01001", "Sophos"),
    ("CN=ESET SSL Filter CA,O=ESET\\, spol. s r. o.", "ESET"),
    ("CN=Kaspersky Anti-Virus Personal Root Certificate", "Kaspersky"),
    ("CN=avast! Web/Mail Shield Root", "Avast"),
    ("CN=mitmproxy,O=mitmproxy", "mitmproxy"),
    ("CN=Charles Proxy CA (1 Jan 2026\\, laptop)", "Charles"),
    ("CN=DO_NOT_TRUST_FiddlerRoot,O=DO_NOT_TRUST", "Fiddler"),
    ("CN=PortSwigger CA", "Burp Suite"),
    ("CN=Corp Root,O=Corp", ""),
    ("CN=resettlement.example", ""),
    ("CN=Squidward's CA", ""),
    ("", ""),
])  # fmt: skip
def test_a_maker_is_known_by_what_a_ca_calls_itself(subject: str, name: str) -> None:
    assert name_of(of_subjects(["CN=something else", subject])) == name


@cases(("path", "name"), [
    (f"{MAC}/Netskope/STAgent/data/nscacert_combined.pem", "Netskope"),
    ("/opt/netskope/stagent/data/nscacert.pem", "Netskope"),
    (f"{MAC}/Cloudflare/installed_cert.pem", "Cloudflare WARP (Cloudflare One)"),
    (R"C:\ProgramData\Cloudflare\installed_certs\0123.pem", "Cloudflare WARP (Cloudflare One)"),
    ("/usr/local/share/ca-certificates/managed-warp.pem", "Cloudflare WARP (Cloudflare One)"),
    ("/usr/local/share/ca-certificates/Zscaler/ZscalerRootCertificate-2048-SHA256.crt", "Zscaler"),
    (f"{MAC}/AikidoSecurity/EndpointProtection/run/endpoint-protection-pip-combined-ca.pem",
     "Aikido Endpoint Protection"),
    ("/var/folders/ab/safe-chain-ca-bundle-1764500000000.pem", "Aikido Safe Chain"),
    ("/var/folders/ab/sfw-0123/socketFirewallCa.crt", "Socket Firewall"),
    ("/usr/local/share/ca-certificates/dbot-ca.crt", "GitHub's Dependabot"),
    ("/home/me/.codex/proxy/ca-bundle-0123.pem", "OpenAI Codex"),
    ("/home/me/.mitmproxy/mitmproxy-ca-cert.pem", "mitmproxy"),
    ("/home/me/.local/share/mkcert/rootCA.pem", "mkcert"),
    ("/home/me/.python-ca-bundle.pem", "fumitm"),
    ("/builds/group/project.tmp/CI_SERVER_TLS_CA_FILE", "a job of GitLab CI"),
    ("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt", "Kubernetes, for this pod"),
    ("/home/me/.venv/lib/python3.11/site-packages/certifi/cacert.pem", "certifi"),
    ("/no-cert-file.crt", "a Nix build, on purpose"),
    ("/nix/store/0123-nss-cacert-3.101/etc/ssl/certs/ca-bundle.crt", "Nix"),
    ("/home/me/.guix-profile/etc/ssl/certs", "Guix"),
    ("/opt/homebrew/etc/openssl@3/cert.pem", "Homebrew"),
    ("/home/linuxbrew/.linuxbrew/etc/ca-certificates/cert.pem", "Homebrew"),
    (R"C:\Program Files\Git\mingw64\etc\ssl\certs\ca-bundle.crt", "Git for Windows"),
    ("/etc/ssl/certs/ca-certificates.crt", "Debian or its kin"),
    ("/etc/ssl/certs/", "Debian or its kin"),
    ("/etc/pki/tls/certs/ca-bundle.crt", "Fedora or its kin"),
    ("/etc/ssl/ca-bundle.pem", "SUSE"),
    ("/etc/ssl/certs/corp.pem", ""),
    ("/home/me/corp.pem", ""),
    ("a\0b", ""),
    ("", ""),
])  # fmt: skip
def test_a_maker_is_known_by_where_a_file_lies(path: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.realpath", lambda path: path)  # whatever links this machine has there
    assert name_of(of_path(path, {})) == name


def test_a_link_belongs_to_whom_it_leads_to(tmp_path: Path) -> None:
    target = put(tmp_path / ".mitmproxy" / "mitmproxy-ca-cert.pem", "")
    (tmp_path / "corp.pem").symlink_to(target)
    assert name_of(of_path(str(tmp_path / "corp.pem"), {})) == "mitmproxy"
    (tmp_path / "loop.pem").symlink_to("loop.pem")
    assert of_path(str(tmp_path / "loop.pem"), {}) is None


def test_conda_and_a_job_are_known_by_the_folder(tmp_path: Path) -> None:
    path = put(tmp_path / "env" / "ssl" / "cacert.pem", "")
    assert of_path(str(path), {}) is None
    assert name_of(of_path(str(path), {"RUNNER_TEMP": str(tmp_path)})) == "a job of GitHub Actions"
    assert of_path(str(path), {"RUNNER_TEMP": str(tmp_path / "other")}) is None
    (tmp_path / "env" / "conda-meta").mkdir()
    assert name_of(of_path(str(path), {})) == "conda"


def test_each_entry_can_be_found_and_says_where_that_is_written() -> None:
    names = [owner.name for owner in owners.owners()]
    assert len(names) == len(set(names)) > 50
    for owner in owners.owners():
        assert owner.subjects or owner.paths or owner.below or owner.beside
        assert owner.sources
        assert all(source.startswith(("https://", "http://")) for source in owner.sources)
        assert owner.subjects or not owner.inspects
        assert [owners._words(subject).strip() for subject in owner.subjects] == [*owner.subjects]
        assert [path.lower() for path in owner.paths] == [*owner.paths]


@pytest.mark.real_sources
def test_no_public_root_is_taken_for_one() -> None:
    names = []
    for source in (certifi, system):
        for candidate in source.read().parse().candidates:
            names += [candidate.certificate.subject, candidate.certificate.issuer]
    assert len(names) > 200
    assert [text for text in names if of_subjects([text])] == []
