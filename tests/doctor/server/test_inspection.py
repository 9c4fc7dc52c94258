"""A box that reads TLS is guessed from its maker's name."""

from __future__ import annotations

import pytest
from support.table import cases

from certboot.doctor.server.inspection import vendor
from certboot.sources import certifi, system


@cases(("text", "name"), [
    ("CN=Zscaler Root CA,OU=Zscaler Inc.,O=Zscaler Inc.,L=San Jose,ST=California,C=US", "Zscaler"),
    ("CN=ca.company.goskope.com,O=Netskope", "Netskope"),
    ("CN=Palo Alto Networks Decryption", "Palo Alto Networks"),
    ("CN=FG100F,OU=Certificate Authority,O=Fortinet", "Fortinet"),
    ("O=Cisco,CN=Cisco Umbrella Root CA", "Cisco Umbrella"),
    ("CN=Blue Coat SG900 Series", "Blue Coat (Symantec)"),
    ("CN=Sophos SSL CA_C01001", "Sophos"),
    ("CN=ESET SSL Filter CA,O=ESET\\, spol. s r. o.", "ESET"),
    ("CN=Kaspersky Anti-Virus Personal Root Certificate", "Kaspersky"),
    ("CN=Avast Web/Mail Shield Root", "Avast"),
    ("CN=mitmproxy,O=mitmproxy", "mitmproxy"),
    ("CN=Charles Proxy CA (1 Jan 2026\\, laptop)", "Charles"),
    ("CN=DO_NOT_TRUST_FiddlerRoot,O=DO_NOT_TRUST", "Fiddler"),
    ("CN=PortSwigger CA", "Burp Suite"),
    ("CN=Corp Root,O=Corp", ""),
    ("CN=resettlement.example", ""),
])  # fmt: skip
def test_the_maker_is_known_by_name(text: str, name: str) -> None:
    assert vendor(["CN=something else", text]) == name
    assert vendor([]) == ""


@pytest.mark.real_sources
def test_no_public_root_is_taken_for_one() -> None:
    names = []
    for source in (certifi, system):
        for candidate in source.read().parse().candidates:
            names += [candidate.certificate.subject, candidate.certificate.issuer]
    assert len(names) > 200
    assert {text: vendor([text]) for text in names if vendor([text])} == {}
