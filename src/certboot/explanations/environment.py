"""Findings of the group ``environment`` on CA variables."""

from __future__ import annotations

from certboot.explanations.form import NOBODY, YOU, Explanation

_E = "environment"
_INIT = "`certboot init` writes it anew."

EXPLANATIONS = {
    "variable-usable": Explanation(
        _E,
        "a variable leads to certificates that OpenSSL can load",
        "The clients that read this variable find their CA certificates there.",
        "They do not.",
        NOBODY,
        "Nothing is to be done.",
    ),
    "variables-unset": Explanation(
        _E,
        "no CA variable is set",
        "Every client uses the trust it was built with.",
        "A client whose built-in list lacks your company's CA refuses its servers.",
        YOU,
        "`certboot init` makes the store; the hook then sets the variables in every Python.",
    ),
    "variable-overrides-certboot": Explanation(
        _E,
        "something else has set a variable, and wins",
        "The variable was set before the hook ran, to another file or directory than the store's. certboot leaves what "
        "somebody chose alone.",
        "Clients that read it do not see what only the store has; the finding says how many anchors it lacks.",
        YOU,
        "Remove it from where it is set (shell profile, container, service), or `certboot adopt VARIABLE` takes its "
        "certificates into the store and lets the hook replace this value.",
    ),
    "variable-empty": Explanation(
        _E,
        "a variable is set and empty",
        "It is there without a value.",
        "Some clients take that for unset, others for a file of that name, or for no trust at all.",
        YOU,
        "Remove it from where it is set.",
    ),
    "variable-directory-for-file-client": Explanation(
        _E,
        "a variable names a directory, and its clients take a file",
        "Only some clients can use a directory of hash links here.",
        "botocore, curl and Node.js fail for every host or ignore it; gRPC ends the process.",
        YOU,
        "Let it name a file; the store's is bundle.pem.",
    ),
    "variable-points-nowhere": Explanation(
        _E,
        "a variable names something that is not there",
        "The file or directory is missing, often after an upgrade, a move, or in a container without the mount.",
        "Most clients fail for every host; OpenSSL takes a missing directory for an empty one and trusts nobody.",
        YOU,
        f"Correct it where it is set. If it is the store's: {_INIT}",
    ),
    "variable-not-certificates": Explanation(
        _E,
        "a variable names something without usable certificates",
        "OpenSSL loads nothing from it: another kind of file, a damaged block, or a directory without hash links.",
        "One damaged certificate makes the whole file unreadable; a directory is searched only by hash.",
        YOU,
        "Repair the file, or `certboot rehash DIR` for a directory.",
    ),
    "variable-yields": Explanation(
        _E,
        "a variable is left unset for the sake of another",
        "One client reads both, and the one that you have set would lose.",
        "They do not.",
        NOBODY,
        "Nothing is to be done.",
    ),
    "variable-not-applied": Explanation(
        _E,
        "certboot would set a variable, and it is not set",
        "This interpreter's hook did not run, or stood aside.",
        "Clients that read it use their built-in trust.",
        YOU,
        "`certboot doctor hook` says why.",
    ),
}
