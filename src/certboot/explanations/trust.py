"""Findings of the group ``server`` on who vouches for a chain."""

from __future__ import annotations

from certboot.explanations.form import ADMINISTRATOR, CA, NOBODY, OPERATOR, YOU, Explanation

_S = "server"

EXPLANATIONS = {
    "handshake-ok": Explanation(
        _S,
        "the handshake is good",
        "OpenSSL accepts the server's chain with the trust that is active in this process, and the certificate is for "
        "the name that was asked for. Clients with other rules would accept it too.",
        "They do not. If your program still fails, it uses another trust: see `certboot doctor environment`.",
        NOBODY,
        "Nothing is to be done.",
    ),
    "missing-intermediate": Explanation(
        _S,
        "the server forgot an intermediate certificate",
        "A server's certificate is mostly not signed by a root but by an intermediate CA. The server must send that "
        "along, and this one does not, so the path from its certificate to a trusted root has a gap.",
        "OpenSSL, and with it Python, curl and git, uses only what it was sent and what it trusts. Browsers often have "
        "the intermediate from earlier visits or fetch it, which is why the site works there.",
        f"{OPERATOR}; until then {YOU}",
        "`certboot repair {target}` fetches the intermediate from where the certificate says it is, checks that "
        "it leads "
        "to a root you trust already, and keeps it.",
        "Configure the full chain: the server's certificate first, then every intermediate, without the root. "
        "`certboot chain {target}` writes the file to send.",
    ),
    "untrusted-root": Explanation(
        _S,
        "the CA at the end of the chain is not trusted",
        "The chain is complete as far as can be seen, but ends at a CA that the active trust does not have: a "
        "company's "
        "own CA, a proxy or antivirus that opens TLS (TLS inspection), or somebody who listens in.",
        "Whoever can make a CA could pose as any server, so clients believe only those they were told to believe.",
        f"{YOU}, if you know whose CA it is; else {ADMINISTRATOR}",
        "Ask for the CA's certificate or its SHA-256, compare, then `certboot trust FILE`, or `certboot trust "
        "{target}`, "
        "which shows what the server has and asks. Do not trust what you cannot attribute.",
        "If the server is public, use a certificate of a public CA; if it is internal, give clients the root.",
    ),
    "self-signed-leaf": Explanation(
        _S,
        "the server's certificate signs itself",
        "No CA vouches for this server; it vouches for itself. Appliances and development servers start that way.",
        "Anybody can make such a certificate for any name, so it proves nothing.",
        OPERATOR,
        "If the certificate may act as a CA it can be added with `certboot trust {target}` after you have compared its "
        "SHA-256 with the server's; better is one of a CA.",
        "Replace it by a certificate of a CA that clients know: a public one, or your company's.",
    ),
    "distrusted-by-user": Explanation(
        _S,
        "you have distrusted a CA of this chain",
        "The chain needs a CA certificate that was taken out with `certboot distrust`, by config.toml, or by the "
        "system's administrator.",
        "It is not in the store, so chains that end there have no anchor, and clients refuse them. But the store says "
        "only who is believed. A server that sends the CA with a signature that leads to another, which is still "
        "trusted, is accepted: no client asks who is not to be believed, so certboot tells you.",
        YOU,
        "If you want it back: `certboot distrust FINGERPRINT --undo`. If clients accept it, do not rely on what this "
        "server says; they refuse it once the CA that vouches for it is distrusted too, and with it every other "
        "server of that CA. If the finding is only a warning, the variables of this process lead to another trust "
        "than certboot's.",
    ),
    "distrusted-after": Explanation(
        _S,
        "the root is trusted for older certificates only",
        "Root programmes end their trust in a CA gently: certificates that begin by a certain day stay valid, "
        "later ones "
        "are not to be trusted. This server's begins later.",
        "Firefox and Chrome refuse it. A list of PEM certificates cannot express such a day, so Python's clients "
        "accept "
        "it, and certboot tells you.",
        OPERATOR,
        "There is nothing to do on your side; treat what the server says with care.",
        "Get a certificate from a CA that is trusted without such a limit.",
    ),
    "revoked-intermediate": Explanation(
        _S,
        "an intermediate of the chain has been revoked",
        "The CCADB, where the root programmes keep their records, lists this intermediate as revoked: its CA has taken "
        "it back, for a mistake or because its key was no longer safe.",
        "Browsers refuse it through lists of their own. OpenSSL asks nobody, so Python's clients accept it.",
        OPERATOR,
        "There is nothing to mend on your side; do not rely on this server's identity.",
        "Get a certificate from an intermediate that has not been revoked.",
    ),
    "wrong-chain": Explanation(
        _S,
        "the server sends certificates that do not belong to its own",
        "Beside its certificate the server sends others that neither issued it nor lead to a root; mostly the chain of "
        "an earlier certificate that was not replaced when it was renewed.",
        "The intermediate that is needed is not among them. What is sent in excess does no harm by itself.",
        f"{OPERATOR}; until then {YOU}",
        "If the certificate says where its issuer is, `certboot repair {target}` fetches it.",
        "Configure the chain that came with the present certificate. `certboot chain {target}` writes the file "
        "to send.",
    ),
    "chain-out-of-order": Explanation(
        _S,
        "the certificates are sent in the wrong order",
        "Each certificate should certify the one before it (RFC 5246, 7.4.2), and these do not stand in that order.",
        "OpenSSL sorts them; some smaller clients do not.",
        OPERATOR,
        "Nothing on your side.",
        "Put the certificates into order: the server's, its issuer, the issuer of that.",
    ),
    "root-sent": Explanation(
        _S,
        "the root is sent along",
        "The server also sends the self-signed certificate at the end of the chain.",
        "No client believes a root because it was sent, so this only costs bytes in every handshake.",
        NOBODY,
        "Nothing on your side.",
        "Leave the root out of the chain file.",
    ),
    "verification-failed": Explanation(
        _S,
        "OpenSSL refuses the chain for a rare reason",
        "OpenSSL's code and words are shown as they are; certboot has no story of its own for them.",
        "OpenSSL's verification is the standard library's.",
        f"{OPERATOR}, or {CA}",
        "Look the code up in the manual of openssl-verification-options(1) and verify(1).",
        "Show the code to your CA.",
    ),
}
