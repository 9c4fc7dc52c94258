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
}
