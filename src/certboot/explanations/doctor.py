"""The doctor's own findings."""

from __future__ import annotations

from certboot.explanations.form import YOU, Explanation

EXPLANATIONS = {
    "check-not-finished": Explanation(
        "doctor",
        "a check could not be finished",
        "The doctor itself met something that it could not deal with. The other checks still count.",
        "That is not known.",
        YOU,
        "Follow the hint, if there is one; otherwise report it.",
    ),
    "not-a-host": Explanation(
        "doctor",
        "an entry of a scan's list is no host",
        "It is neither HOST, HOST:PORT nor a URL, so nobody was asked.",
        "They do not; only the list is wrong.",
        YOU,
        "Mend the entry, then `certboot scan --resume`.",
    ),
}
