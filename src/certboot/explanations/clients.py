"""Findings of the group ``clients``: which certificates each client trusts, and whether it accepts a host."""

from __future__ import annotations

from certboot.explanations.form import NOBODY, YOU, Explanation

_C = "clients"

EXPLANATIONS = {
    "client-uses-store": Explanation(
        _C,
        "this client trusts certboot's store",
        "A variable or a guard that certboot has set leads it there; the finding names it. A program such as curl or "
        "git has the variables where a Python with the hook, or `certboot run`, starts it.",
        "They do not.",
        NOBODY,
        "Nothing is to be done.",
    ),
    "client-told-otherwise": Explanation(
        _C,
        "this client has been told to trust something else",
        "A variable that was set before certboot came, or a settings file of the client, names other certificates. "
        "What somebody has chosen goes before certboot.",
        "A CA that only certboot's store has is missing for this client.",
        YOU,
        "If you want the store instead, `certboot adopt` takes over what a variable names; a line in a settings file "
        "is yours to take out.",
    ),
    "client-uses-default": Explanation(
        _C,
        "this client trusts what it trusts by default",
        "Nothing that it looks at is set: there is no store yet, the hook is not active in this Python, or the "
        "variable is left out by configuration.",
        "A CA of your own is missing for this client.",
        YOU,
        "`certboot doctor hook` says why the hook does nothing, `certboot init` makes a store.",
    ),
    "client-unreached": Explanation(
        _C,
        "this client looks at nothing that certboot sets",
        "It has a list of its own, or a place that was compiled in, and reads no variable for it.",
        "A CA that is not in that list is missing for this client.",
        YOU,
        "Name the store's bundle.pem to it, by an option or in a settings file of its own. README has a line for each.",
    ),
    "client-cannot-load": Explanation(
        _C,
        "this client cannot load what it is told to trust",
        "A variable or a setting leads nowhere, is empty, or names a directory where the client takes a file, or a "
        "file where it takes a directory.",
        "Some clients refuse every host then, others go on without it. The finding says which.",
        YOU,
        "Unset the variable that the finding names, or let it name something that the client takes.",
    ),
    "client-accepts-host": Explanation(
        _C,
        "this client accepts the host's certificate",
        "It was started and has heard an answer from the host, whatever the answer was.",
        "They do not.",
        NOBODY,
        "Nothing is to be done.",
    ),
    "client-refuses-host": Explanation(
        _C,
        "this client refuses the host's certificate",
        "It was started as it would be without a word about certificates, and what it said is about the certificate.",
        "It trusts other certificates than the store's, or checks more strictly than other clients.",
        YOU,
        "`certboot doctor clients` says what it trusts, `certboot doctor {target}` what is wrong with the certificate.",
    ),
    "client-trial-failed": Explanation(
        _C,
        "this client got no answer, and not for the certificate",
        "There was no connection, no time was left, or the client could not be started.",
        "Whether it would accept the certificate is not known.",
        YOU,
        "Read what it said; `certboot doctor {target}` tells whether the host can be reached at all.",
    ),
    "client-untried": Explanation(
        _C,
        "this client cannot be tried",
        "It talks only to a service of its own kind, or wants a project to work on.",
        "Whether it would accept the certificate is not known.",
        NOBODY,
        "`certboot doctor clients` says what it trusts.",
    ),
}
