"""Findings of the group ``server`` on the certificates of a chain: their dates, their keys and what they may do."""

from __future__ import annotations

from certboot.explanations.form import CA, NOBODY, OPERATOR, YOU, Explanation

_S = "server"

EXPLANATIONS = {
    "expired-leaf": Explanation(
        _S,
        "the server's certificate has expired",
        "Every certificate has an end. This one is past it; mostly a renewal failed or was not loaded.",
        "After its end nobody keeps track of whether a certificate was revoked, so clients refuse it.",
        OPERATOR,
        "Nothing on your side, except if your clock is wrong.",
        "Renew the certificate, and reload the server.",
    ),
    "expired-intermediate": Explanation(
        _S,
        "an intermediate certificate has expired",
        "A CA between the server and the root is past its end. Often the CA has a newer certificate for the same key, "
        "and the server still sends the old one.",
        "Every certificate of a chain must be valid.",
        f"{OPERATOR}; until then {YOU}",
        "`certboot repair {target}` looks for a valid certificate of the same CA.",
        "Send the present intermediate of your CA. `certboot chain {target}` writes the file to send.",
    ),
    "expired-root": Explanation(
        _S,
        "a trusted root has expired",
        "The chain ends at a CA in the active trust that is past its own end.",
        "OpenSSL checks the dates of roots too.",
        f"{YOU}, or {CA}",
        "`certboot update` brings the roots of today; for a CA of your own, ask for its new root and `certboot "
        "trust` it.",
        "If your CA has another root that is still valid, send the intermediate that leads to it.",
    ),
    "not-yet-valid": Explanation(
        _S,
        "a certificate is not valid yet",
        "It begins in the future: it was made too early, or on a machine whose clock was ahead.",
        "Clients accept a certificate only between its two dates.",
        OPERATOR,
        "Wait, or check this machine's clock.",
        "Set the clock of the machine that makes the certificates, and make it anew.",
    ),
    "clock-skew": Explanation(
        _S,
        "this machine's clock is wrong",
        "The certificate looks expired or not yet valid, but the clock cannot be right: it is earlier than certboot's "
        "own certificates, most roots would have expired by it, or the server says another time.",
        "Dates of certificates are compared with this machine's clock. Virtual machines, containers on a paused "
        "host and "
        "boards without a battery are often wrong.",
        YOU,
        "Set the clock (`timedatectl set-ntp true` on many Linux systems, `w32tm /resync` on Windows, `sntp -sS "
        "time.apple.com` on macOS), then ask again.",
    ),
    "expires-soon": Explanation(
        _S,
        "the server's certificate ends soon",
        "It ends within 14 days. Automatic renewal mostly happens earlier.",
        "They do not yet.",
        OPERATOR,
        "Nothing on your side.",
        "See that the renewal works.",
    ),
    "weak-key": Explanation(
        _S,
        "a key is too short",
        "A certificate of the chain has a key that could be broken, such as RSA with 1024 bits.",
        "OpenSSL's security level 2, which Python sets, asks for RSA with 2048 bits or what is as strong.",
        f"{OPERATOR}, or {CA}",
        "Nothing on your side that would be safe.",
        "Make a new key, RSA with 2048 bits or more or an elliptic curve, and a certificate for it.",
    ),
    "weak-signature": Explanation(
        _S,
        "a signature uses a broken digest",
        "A certificate of the chain is signed with MD5 or SHA-1, for which forgeries have been made.",
        "OpenSSL's security level 2, which Python sets, refuses them. On the root itself the signature does not count.",
        f"{OPERATOR}, or {CA}",
        "Nothing on your side that would be safe.",
        "Have the certificate issued again with SHA-256.",
    ),
    "wrong-purpose": Explanation(
        _S,
        "a certificate is not for TLS servers",
        "Its extended key usage or key usage names other purposes only, such as clients or mail.",
        "A certificate may be used only for what its CA meant it for.",
        f"{OPERATOR}, or {CA}",
        "Nothing on your side.",
        "Have a certificate issued with serverAuth in its extended key usage; the CAs above must allow that too.",
    ),
    "not-a-ca": Explanation(
        _S,
        "something that is no CA signed a certificate",
        "A certificate of the chain was signed by one that is not allowed to (basicConstraints, keyUsage).",
        "Otherwise whoever has a certificate for any server could issue others.",
        f"{OPERATOR}, or {CA}",
        "Nothing on your side; be careful, this is also what an attack looks like.",
        "Have the certificate issued by a CA; a private CA needs basicConstraints CA:TRUE and keyUsage keyCertSign.",
    ),
    "path-length-exceeded": Explanation(
        _S,
        "there are more CAs in the chain than allowed",
        "A CA may say how many further CAs may follow below it (pathlen), and there are more.",
        "The limit keeps a CA from handing its power on.",
        CA,
        "Nothing on your side.",
        "Use an intermediate that the limit of the CAs above allows.",
    ),
    "name-constraints": Explanation(
        _S,
        "a CA issued for a name it may not issue for",
        "A CA above is limited to certain domains or addresses (name constraints), and this certificate is outside.",
        "The limit is there so that a CA of one company cannot pose as others.",
        CA,
        "Nothing on your side.",
        "Have the certificate issued by a CA that may name this host.",
    ),
    "invalid-signature": Explanation(
        _S,
        "a signature does not verify",
        "The certificate names an issuer, but that issuer's key did not make its signature: it was altered or "
        "forged, or "
        "the CA has a second key under the same name and the certificate does not say which.",
        "The signature is what makes a certificate one.",
        f"{OPERATOR}, or {CA}",
        "Nothing on your side; be careful, this is also what an attack looks like.",
        "Send the intermediate whose key really signed the certificate.",
    ),
    "certificate-file-damaged": Explanation(
        _S,
        "a certificate in the file is damaged",
        "The file that you gave has a block that is not read as a certificate: a part of it was lost or changed when "
        "it was copied, or the line that begins it has a hyphen too few or a byte order mark before it.",
        "A server refuses to start with such a file, or leaves the certificate out without a word, and then clients "
        "miss it.",
        YOU,
        "Put the certificate there again, whole, with its BEGIN and END lines each on a line of its own, then ask "
        "again.",
        "The chain file has a damaged certificate: put it there again, whole.",
    ),
    "client-certificate-requested": Explanation(
        _S,
        "the server asks for a certificate of the client",
        "It asked, none was sent, and it went on. It may still refuse single pages.",
        "They do not in the handshake.",
        NOBODY,
        "If the server refuses you later, give your client a certificate: `requests.get(url, cert=(CERT, KEY))`.",
    ),
}
