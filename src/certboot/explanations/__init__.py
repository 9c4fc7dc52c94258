"""The registry of all findings: every id that the doctor can give, with what there is to know of it."""

from __future__ import annotations

from certboot.explanations import (
    chains,
    clients,
    connections,
    doctor,
    environment,
    hooks,
    names,
    settings,
    stores,
    strict,
    trust,
)
from certboot.explanations.form import Explanation

EXPLANATIONS: dict[str, Explanation] = {
    **trust.EXPLANATIONS,
    **chains.EXPLANATIONS,
    **names.EXPLANATIONS,
    **strict.EXPLANATIONS,
    **connections.EXPLANATIONS,
    **environment.EXPLANATIONS,
    **settings.EXPLANATIONS,
    **hooks.EXPLANATIONS,
    **stores.EXPLANATIONS,
    **clients.EXPLANATIONS,
    **doctor.EXPLANATIONS,
}
"""By id, in the order in which they are listed."""
