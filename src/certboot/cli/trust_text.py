"""What ``trust`` shows of the certificates that it asks about."""

from __future__ import annotations

import typing

from certboot.pki import rules
from certboot.printable import printable
from certboot.store.policy import broken_rule

if typing.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from certboot.model import Certificate, Loaded
    from certboot.sources.aia import Failure

WARNING = """\
It comes from a connection that nobody vouches for. Whoever holds this CA's key can read what you send to any server.
Compare the SHA-256 with one that you get by another way:
  who runs the CA          the company's administrator or intranet; a CA's own site has it in its list of roots
  a computer set up by it  macOS: security find-certificate -a -Z /Library/Keychains/System.keychain
                           Windows: certmgr.msc, export it as DER, then certutil -hashfile FILE SHA256
                           Linux: openssl x509 -noout -fingerprint -sha256 -in FILE"""

DISTRUSTED = """\
kept out from now on, with every certificate of its name and key: clients refuse chains that end there
no block: a server that sends it signed by a CA that is still trusted is accepted (certboot doctor HOST tells)"""


def offer_text(loaded: Iterable[Loaded], now: datetime, host: str = "HOST") -> str:
    """Return what a person should look at before trusting these certificates, which are those of ``host``."""
    lines: list[str] = []
    for one in loaded:
        for candidate in one.candidates:
            certificate = candidate.certificate
            broken = broken_rule(certificate, now)
            digits = certificate.fingerprint.upper()
            lines += [
                printable(certificate.subject),
                f"  SHA-256  {':'.join(digits[at : at + 2] for at in range(0, 64, 2))}",
                f"  valid    {certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}",
                f"  from     {printable(candidate.detail)}",
                *_cautions(certificate, printable(host)),
                *(f"  refused  {broken[1]}" for _ in (broken,) if broken),
            ]
        lines += [f"  refused  {printable(rejection.reason)}" for rejection in one.rejections]
    return "\n".join(lines)


def not_fetched(failures: Iterable[Failure], *, through_proxy: bool) -> str:
    """Return why a part of the chain that the server does not send could not be had, and what was not checked."""
    lines = [f"not fetched: {each.rule}: {printable(f'{each.address} {each.reason}'.strip())}" for each in failures]
    if through_proxy:
        lines.append("a proxy resolved the names of these addresses: where they lead could not be checked")
    return "\n".join(lines)


def _cautions(certificate: Certificate, host: str) -> Iterator[str]:
    if not certificate.self_issued:
        yield f"  no root  Python up to 3.12, and others, want the CA above it too: {printable(certificate.issuer)}"
    if certificate.defects:
        yield f"  defect   {', '.join(certificate.defects)}: {rules.PYTHONS} refuse what it issues"
        yield f"  ways     {rules.reissue_request(certificate, certificate.defects)}"
        yield f"           certboot repair {host} stores an intermediate that has no defect, if there is one:"
        yield "           they need nothing above it then"
        yield "           or use a Python up to 3.12, which does not mind"
