"""The handshake and the diagnosis of ``certboot doctor HOST`` for one host after the other.

What the hosts have in common is made once: the contexts that judge, and what is known of CAs. OpenSSL is asked only
where its answer can change the cause, with the store as its hashed directory, of which a handshake reads one
certificate.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from certboot.doctor.finding import Finding, with_store
from certboot.doctor.server.case import Evidence, Known
from certboot.doctor.server.diagnosis import examined
from certboot.doctor.server.judge import of_handshake, of_presented
from certboot.doctor.server.known import known
from certboot.errors import CertbootError, CertificateError, printable
from certboot.net.connection import active_context
from certboot.net.handshake import Handshake, handshake
from certboot.net.target import Target
from certboot.pki.certificate import load_certificate
from certboot.pki.names import ip_address
from certboot.pki.parsed import parsed_certificate
from certboot.pki.subject_hash import FILE_NAME
from certboot.pki.verdict import STRICT_PYTHON, Judgement, verifying_context
from certboot.pki.verify_codes import WITHOUT_END, Code
from certboot.scan import result
from certboot.scan.entries import Entry
from certboot.scan.result import Result, Verdict
from certboot.scan.tally import Issuers
from certboot.scan.workers import Once
from certboot.store.authorities import Authorities
from certboot.store.generations import known_in_force
from certboot.store.paths import CRTS, StorePaths, in_force

_MOST_VERDICTS = 2048
_MOST_ISSUERS = 512
_LARGE = 16 * 1024  # bytes of a chain; about twice what is common
_SELF_SIGNED = frozenset({Code.DEPTH_ZERO_SELF_SIGNED_CERT})


class Prober:
    """Examines hosts in any number of threads. A host that comes again is not asked again."""

    def __init__(self, paths: StorePaths, environ: Mapping[str, str], issuers: Issuers) -> None:
        """Make what the hosts share: the trust of the store alone, or without one the active trust.

        Raises CertbootError where that cannot be read.
        """
        self._paths, self._environ, self._issuers = paths, environ, issuers
        self._known: Once[Known] = Once(_MOST_ISSUERS)
        self._verdicts: Once[tuple[Verdict, float]] = Once(_MOST_VERDICTS)
        try:
            generation = in_force(paths)
            crts = str(generation / CRTS) if generation else None
            if crts:  # whatever variables lead elsewhere: what is scanned is to be the same for whoever scans
                self._environ = {}
            self._context = ssl.create_default_context(capath=crts) if crts else active_context()
            self._others = verifying_context(strict=not STRICT_PYTHON, anchors=crts)
            self._without_common_name = verifying_context(common_name=False, anchors=crts)
            self._level = self._context.security_level
            if crts:
                _load_namesakes(crts, (self._context, self._others, self._without_common_name))
        except OSError as error:
            message = f"the active trust cannot be read: {printable(str(error))}"
            raise CertbootError(message, "certboot doctor environment") from error

    def examine(self, entry: Entry) -> Result:
        """Return the result for this entry, whatever happens."""
        target = entry.target
        if target is None:
            return result.no_host(entry)
        verdict, seconds = self._verdicts(target, lambda: self._examined(target))
        return result.Result(entry.number, entry.text, target.shown, verdict, seconds)

    def _examined(self, target: Target) -> tuple[Verdict, float]:
        begin = time.monotonic()
        try:
            findings = with_store(self.findings(target), self._paths)
        except Exception as error:  # noqa: BLE001 - a broken check is a result; the other hosts still have theirs
            summary = printable(f"{type(error).__name__}: {error}")
            findings = [Finding(result.NOT_FINISHED, "server", "error", target.shown, summary)]
        return result.verdict(findings), round(time.monotonic() - begin, 3)

    def findings(self, target: Target) -> list[Finding]:
        """Return the findings on this server; the first has the one cause."""
        shaken = handshake(target, self._context)
        try:
            return self._findings(target, shaken)
        finally:
            if sum(map(len, shaken.chain.presented)) > _LARGE:
                # What is remembered of certificates is bounded by their number, not by their size.
                parsed_certificate.cache_clear()
                load_certificate.cache_clear()

    def _findings(self, target: Target, shaken: Handshake) -> list[Finding]:
        def ask(*, strict: bool, common_name: bool = True) -> Judgement | None:
            if not common_name:
                wanted = _may_go_by_common_name(target, shaken)
                return of_presented(self._without_common_name, target, shaken) if wanted else None
            # Up to Python 3.12, what is refused here has its cause, whatever the strict ones would say too.
            return None if strict and shaken.verify_code else of_presented(self._others, target, shaken)

        evidence = of_handshake(target, shaken, ask, self._level)
        evidence = replace(evidence, known=self._known_of(evidence))
        findings = examined(evidence, by_openssl=False)
        if findings[0].id == result.UNTRUSTED and (root := str(findings[0].evidence.get("root", ""))):
            self._issuers.add(root, target.host)
            if others := self._issuers.others(root, target.host):
                return examined(
                    replace(evidence, known=replace(evidence.known, also_issued_for=others)), by_openssl=False
                )
        return findings

    def _known_of(self, evidence: Evidence) -> Known:
        """Return what is known of the CAs of this chain. It is the same for all leaves of one issuer."""
        presented, codes = evidence.presented, evidence.codes
        # A leaf that signs itself is what it is, whatever CAs are known.
        if not presented or codes == _SELF_SIGNED:
            return Known()
        issuer = b""
        if codes & WITHOUT_END:
            with contextlib.suppress(CertificateError):
                issuer = parsed_certificate(presented[0]).certificate.link.issuer_name
        others = hashlib.sha256(b"".join(presented[1:])).digest()
        key = issuer, others, codes & (WITHOUT_END | {Code.CERT_HAS_EXPIRED})

        def make() -> Known:
            return known(evidence, Authorities(self._paths, known_in_force(self._paths)), self._environ)

        return self._known(key, make)


def _load_namesakes(crts: str, contexts: Iterable[ssl.SSLContext]) -> None:
    """Load the CAs that share their name with another one; raises OSError.

    OpenSSL adds those of one name one by one (by_dir.c), and meanwhile another thread finds the first, which is not
    the one it needs, and looks no further: X509_STORE_CTX_get1_issuer() in crypto/x509/x509_lu.c.
    """
    links = [name.rpartition(".") for name in os.listdir(crts) if FILE_NAME.fullmatch(name)]
    shared = {hash_ for hash_, _, number in links if number != "0"}
    for hash_, _, number in links:
        if hash_ in shared:
            for context in contexts:
                context.load_verify_locations(os.path.join(crts, f"{hash_}.{number}"))


def _may_go_by_common_name(target: Target, shaken: Handshake) -> bool:
    """Whether OpenSSL may have found the host in the common name: do_x509_check() in crypto/x509/v3_utl.c.

    It looks there only if the certificate has no DNS name at all, and never for an address.
    """
    if ip_address(target.name) or not shaken.chain.presented:
        return False
    try:
        return not parsed_certificate(shaken.chain.presented[0]).dns_names
    except CertificateError:
        return True
