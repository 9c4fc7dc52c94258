"""A small CCADB: three roots, of which one is distrusted from a day on, and what is below them."""

from __future__ import annotations

from support import report
from support.pki import issue

ROOT, OTHER, DOOMED = issue("CCADB Root"), issue("CCADB Other"), issue("CCADB Doomed")
BELOW, GONE, LOST = issue("CCADB Below", ROOT), issue("CCADB Gone", ROOT), issue("CCADB Lost", DOOMED)
DEEPER = issue("CCADB Deeper", LOST)
CCADB_ROOTS = {"CCADB Root", "CCADB Other", "CCADB Doomed"}
CCADB_BELOW = {"CCADB Below", "CCADB Lost", "CCADB Deeper"}
REPORTS = report.Reports(
    roots=(report.root(ROOT), report.root(OTHER, after="2025.11.30"), report.root(DOOMED)),
    intermediates=tuple(map(report.intermediate, (DEEPER, BELOW, GONE, LOST))),
    revoked=(report.revoked(GONE),),
)
