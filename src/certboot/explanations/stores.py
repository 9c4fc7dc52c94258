"""Findings of the group ``store``."""

from __future__ import annotations

from certboot.explanations.form import CA, NOBODY, YOU, Explanation

_S = "store"
_INIT = "`certboot init` writes it anew."
_UPDATE = "`certboot update` reads the sources again."

EXPLANATIONS = {
    "store-whole": Explanation(
        _S,
        "the store is whole",
        "Every certificate is as its manifest has it.",
        "They do not.",
        NOBODY,
        "Nothing is to be done.",
    ),
    "store-missing": Explanation(
        _S,
        "there is no store",
        "certboot was not set up for this user.",
        "The hook has nothing to point at; clients use their built-in trust.",
        YOU,
        "`certboot init` makes it.",
    ),
    "store-altered": Explanation(
        _S,
        "certificates of the store are not as they were written",
        "Files are missing, altered or added: a disk error, or somebody's hand.",
        "Clients may trust what nobody decided on, or miss what they need.",
        YOU,
        f"{_INIT} If you did not change it yourself, find out who did.",
    ),
    "store-link-broken": Explanation(
        _S,
        "links of the store are missing or lead elsewhere",
        "OpenSSL finds a certificate in the directory only by a link that is named after its subject, and everybody "
        "finds the generation in force by the link `current`.",
        "A certificate whose link is missing is not there for OpenSSL, and behind a gap in the numbers others are not "
        "either.",
        YOU,
        _INIT,
    ),
    "store-bundle-differs": Explanation(
        _S,
        "the bundle and the directory of the store differ",
        "bundle.pem does not hold the certificates that the manifest has for it. Often somebody has added one to it.",
        "Clients that take a file trust others than clients that take the directory.",
        YOU,
        f"A CA of your own is added with `certboot trust FILE`. {_INIT}",
    ),
    "store-manifest-damaged": Explanation(
        _S,
        "the store's manifest cannot be read",
        "manifest.json says why each certificate is there. It is missing, damaged, or of another version of certboot.",
        "They do not; but nobody can say any more what belongs into the store.",
        YOU,
        _INIT,
    ),
    "store-unsafe": Explanation(
        _S,
        "others can change the store",
        "Somebody else owns a part of it, or a folder or link above it, or may write there: whoever does can decide "
        "whom you trust. Nor does the hook pass a link inside the store.",
        "The hook ignores such a store, so clients use their built-in trust.",
        YOU,
        "Run the command that is shown, or make the store in a folder of your own: `certboot init --home DIR` and "
        "`certboot hook install --home DIR`.",
    ),
    "store-serves-root-alone": Explanation(
        _S,
        "the store serves root alone",
        "It lies in a folder of root's into which no other user may look, as /root mostly is.",
        "A daemon that starts as root and then drops it loses the store. In Python the guards keep what was loaded "
        "before, and fall back to certifi and to OpenSSL's own trust; other programs that it starts have variables "
        "that lead nowhere. And a root process reads the whole bundle for each connection, which takes longer.",
        YOU,
        "If no daemon starts as root, nothing is to be done. Else `certboot init --home /opt/certboot` and "
        "`certboot hook install --home /opt/certboot` make a store for every user; `certboot purge` removes this one.",
    ),
    "store-settings-broken": Explanation(
        _S,
        "config.toml cannot be read",
        "Its syntax is wrong, or it has a key or value that certboot does not know.",
        "They do not; but no command that changes the store works until it is mended.",
        YOU,
        "Mend the line that is named.",
    ),
    "store-stale": Explanation(
        _S,
        "the store's sources have changed since it was made",
        "certifi was upgraded, or the system's certificates have changed.",
        "What is new there is not trusted yet, and what was taken out there is trusted still.",
        YOU,
        _UPDATE,
    ),
    "store-old": Explanation(
        _S,
        "the store's sources were not read for long",
        "Longer than config.toml's max-age allows, or than 30 days where it says nothing.",
        "Public CAs come and go; clients go by the list of that day.",
        YOU,
        f"{_UPDATE} `certboot update --max-age 7d` in a daily job does it when it is time.",
    ),
    "drift-certifi": Explanation(
        _S,
        "the store beside certifi",
        "How many certificates certifi has, which of them the store does not hold, and what it has beyond them.",
        "They do not.",
        NOBODY,
        "Nothing, unless something is missing: then `certboot update`. `certboot list --rejected` says why one did not "
        "enter.",
    ),
    "drift-system": Explanation(
        _S,
        "the store beside the system's certificates",
        "How many certificates the system has, which of them the store does not hold, and what it has beyond them.",
        "They do not.",
        NOBODY,
        "Nothing, unless something is missing: then `certboot update`. `certboot list --rejected` says why one did not "
        "enter.",
    ),
    "anchor-expired": Explanation(
        _S,
        "a CA certificate of the store has expired",
        "It was valid when the store was made.",
        "What it has issued is refused as expired, if there is no other way to an anchor.",
        YOU,
        "`certboot update` takes it out. If your CA has a new certificate: `certboot trust FILE`.",
    ),
    "anchor-expiring": Explanation(
        _S,
        "a CA certificate of the store expires soon",
        "It has no more than 30 days left.",
        "They do not yet. Then everything that it has issued is refused.",
        f"{CA}; for a CA of yours {YOU}",
        "A public CA has its next certificate in certifi long before. For a CA of your own, ask for the new one, and "
        "`certboot trust FILE`.",
    ),
    "intermediate-expired": Explanation(
        _S,
        "an intermediate of the store has expired",
        "It was valid when `certboot repair` or the CCADB brought it, and no update has run since it ended.",
        "OpenSSL takes the issuer from the store before it looks at what the server sends. So it refuses as expired "
        "also a server that sends a newer certificate of the same CA, with the same name and key.",
        YOU,
        "`certboot update` takes it out, best in a daily job. Where a server does not send the newer one, "
        "`certboot repair HOST` fetches it.",
    ),
    "intermediate-expiring": Explanation(
        _S,
        "an intermediate that a server does not send expires soon",
        "It is there because of `certboot repair`, and has no more than 30 days left.",
        "They do not yet. Once it has expired they do, until an update takes it out.",
        YOU,
        "`certboot update` after that day, best in a daily job. If the server still does not send its issuer then, "
        "`certboot repair HOST` fetches the newer one.",
    ),
    "anchor-strict-defects": Explanation(
        _S,
        "Python 3.13 refuses a CA that you have added",
        "Its certificate lacks what RFC 5280 asks of one, and from Python 3.13 on that is checked "
        "(VERIFY_X509_STRICT).",
        "Python up to 3.12, curl and most other clients accept it; newer Pythons do not.",
        CA,
        "Ask for a certificate of the CA without the defect: the finding says with which extension. Until then "
        "`certboot repair HOST` stores the intermediate below the CA, where the chain of a host has one without a "
        "defect, and newer Pythons look at nothing above it. Else use Python 3.12 for these hosts.",
    ),
    "anchor-distrust-after": Explanation(
        _S,
        "Mozilla trusts a CA only for what it issued until a date",
        "The date has passed. What the CA issues since then is not to be trusted; what it issued before is.",
        "They do not: no client here can tell the two apart, and all accept both.",
        NOBODY,
        "Nothing, or `certboot distrust ID` if you need none of its certificates.",
    ),
    "anchor-distrusted": Explanation(
        _S,
        "Mozilla's trust in a CA ended long ago",
        "Certificates for servers are valid for 398 days at most, so nothing that the CA issued in time is valid any "
        "more.",
        "They do not: they accept what it issues now, which Mozilla does not trust.",
        YOU,
        "The command that is shown keeps it out of the store for good.",
    ),
}
