"""Findings of the group ``server`` where it did not come to a certificate."""

from __future__ import annotations

from certboot.explanations.form import ADMINISTRATOR, OPERATOR, YOU, Explanation

_S = "server"

EXPLANATIONS = {
    "plain-http": Explanation(
        _S,
        "the server speaks plain HTTP",
        "What answers on this port is a web server without TLS.",
        "An https:// address needs TLS from the first byte.",
        f"{YOU}, or {OPERATOR}",
        "Use the port for https (mostly 443 or 8443), or an http:// address if that is what is meant.",
        "Switch TLS on for this port.",
    ),
    "not-tls": Explanation(
        _S,
        "the server does not speak TLS",
        "Something answers on this port, and it is neither TLS nor a protocol that certboot knows.",
        "A TLS client cannot make sense of it.",
        f"{YOU}, or {OPERATOR}",
        "Check the port.",
        "Switch TLS on for this port.",
    ),
    "starttls-needed": Explanation(
        _S,
        "the server goes over to TLS only when asked",
        "Mail, directories and databases often begin in plain text and change to TLS on a command (STARTTLS).",
        "A client that begins with TLS is not understood, and the other way round.",
        YOU,
        "Ask again with `--starttls` and the protocol; in your program use the client's setting for STARTTLS, or "
        "the port "
        "for TLS from the start (465, 993, 995, 636).",
    ),
    "starttls-refused": Explanation(
        _S,
        "the server does not go over to TLS",
        "It was asked in its own protocol to begin TLS and did not, or it speaks another protocol.",
        "Without TLS there is no certificate.",
        f"{YOU}, or {OPERATOR}",
        "Check port and protocol.",
        "Switch STARTTLS on: the server needs a certificate for that.",
    ),
    "starttls-not-needed": Explanation(
        _S,
        "the server speaks TLS from the first byte",
        "It was asked with `--starttls` to go over to TLS and did not, but it answers a client that begins with TLS.",
        "A client that begins in plain text is not understood. Many protocols have a port for each: 587 and 465 to "
        "hand in mail, 143 and 993 for IMAP, 389 and 636 for LDAP.",
        YOU,
        "Ask again without `--starttls`; in your program use the client's setting for TLS from the start (often called "
        "SSL, or implicit TLS), or the port for STARTTLS.",
    ),
    "old-tls-only": Explanation(
        _S,
        "the server speaks only old versions of TLS",
        "It offers nothing newer than TLS 1.1, which was given up in RFC 8996.",
        "Python 3.10 and newer ask for TLS 1.2 at least, and so do browsers.",
        OPERATOR,
        "Nothing on your side that would be safe.",
        "Switch TLS 1.2 and 1.3 on, which mostly needs newer software or firmware.",
    ),
    "no-common-cipher": Explanation(
        _S,
        "there is no cipher that both sides accept",
        "The server offers only ciphers that are weak or given up, or only for a kind of key that its "
        "certificate does not "
        "have.",
        "Python offers ciphers with forward secrecy and AES or ChaCha20.",
        OPERATOR,
        "Nothing on your side that would be safe.",
        "Allow ECDHE with AES-GCM or ChaCha20, and TLS 1.3.",
    ),
    "small-dh": Explanation(
        _S,
        "the Diffie-Hellman group is too small",
        "The server agrees on keys with numbers of less than 2048 bits, which can be broken (Logjam).",
        "OpenSSL's security level 2, which Python sets, refuses them.",
        OPERATOR,
        "Nothing on your side that would be safe.",
        "Use ECDHE, or a group of 2048 bits (`openssl dhparam 2048`, or ffdhe2048).",
    ),
    "legacy-renegotiation": Explanation(
        _S,
        "the server does not know secure renegotiation",
        "Since 2010 both sides say that they are safe against an attack on renegotiation (RFC 5746). This server "
        "does not.",
        "OpenSSL 3 refuses such servers; earlier versions did not.",
        OPERATOR,
        "Nothing on your side that would be safe.",
        "Update the server's TLS software, or what inspects TLS on the way.",
    ),
    "client-certificate-required": Explanation(
        _S,
        "the server wants a certificate of the client",
        "It lets only clients in that have a certificate of their own (mutual TLS).",
        "The doctor has none to show, and the server ends the connection. Its own certificate is fine as far as seen.",
        YOU,
        "Give your client its certificate and key: `requests.get(url, cert=(CERT, KEY))`, `curl --cert --key`.",
    ),
    "connection-refused": Explanation(
        _S,
        "nothing listens there",
        "The machine is there, and refuses connections to this port.",
        "There is nobody to talk to.",
        f"{YOU}, or {OPERATOR}",
        "Check host and port, and whether you need a proxy (HTTPS_PROXY).",
        "Start the server, or open the port.",
    ),
    "connection-failed": Explanation(
        _S,
        "there is no way to the server",
        "The operating system has no connection to it, and says why.",
        "There is nobody to talk to.",
        f"{YOU}, or {ADMINISTRATOR}",
        "Check the network, and whether you need a proxy (HTTPS_PROXY) or a VPN.",
    ),
    "dns-failure": Explanation(
        _S,
        "the name is not known",
        "The resolver of this machine has no address for the host.",
        "Without an address there is no connection.",
        f"{YOU}, or {ADMINISTRATOR}",
        "Check the spelling, and whether you need a VPN; `--connect ADDRESS` goes to an address that you know.",
    ),
    "timeout": Explanation(
        _S,
        "no answer in time",
        "The connection, or an answer on it, did not come within the time.",
        "Clients give up too. A firewall that drops packets looks like this.",
        f"{YOU}, or {ADMINISTRATOR}",
        "Try again, with a longer `--timeout SECONDS`; check whether you need a proxy (HTTPS_PROXY).",
    ),
    "closed-during-handshake": Explanation(
        _S,
        "the connection was closed during the handshake",
        "The server, or a firewall on the way, ended the connection without a word.",
        "There is nothing to go on with. Firewalls do this for names they do not like; servers for a protocol or "
        "a name "
        "that they do not have, or when they are overloaded.",
        f"{OPERATOR}, or {ADMINISTRATOR}",
        "Check port and name; try from another network.",
        "See the server's log for the reason.",
    ),
    "chain-too-large": Explanation(
        _S,
        "the server sends more certificates than clients accept",
        "Its certificate message is larger than a client takes in before it knows whom it talks to. A chain has two to "
        "four certificates; hundreds are a whole bundle of CAs, which belongs to clients.",
        "OpenSSL breaks off at 100 KiB (SSL_MAX_CERT_LIST_DEFAULT), and other TLS libraries have limits of their own.",
        OPERATOR,
        "Nothing: Python has no setting for the limit.",
        "Send the server's certificate and the intermediates above it, and nothing else. Most likely the file that the "
        "server reads its chain from (`ssl_certificate` of nginx, `SSLCertificateFile` of Apache) is a bundle of CAs.",
    ),
    "handshake-failed": Explanation(
        _S,
        "the handshake broke off",
        "The two sides did not agree, for a reason that is shown as OpenSSL or the server gives it.",
        "Without a handshake there is no connection.",
        OPERATOR,
        "Show the reason to the server's operator.",
        "See the server's log for the reason.",
    ),
    "proxy-refused": Explanation(
        _S,
        "the proxy does not make the connection",
        "HTTPS_PROXY (or ALL_PROXY) leads to a proxy that cannot be reached, does not answer in time, or does not "
        "connect to this host.",
        "Programs that follow these variables fail in the same way.",
        f"{YOU}, or {ADMINISTRATOR}",
        "Correct HTTPS_PROXY, put the host into NO_PROXY if it needs no proxy, or ask for it to be allowed. "
        "For one that is slow, try again with a longer `--timeout SECONDS`.",
    ),
    "proxy-authentication": Explanation(
        _S,
        "the proxy wants to know who you are",
        "It answers with status 407: it wants a user name and password, or does not accept those it got.",
        "It connects nobody that it does not know.",
        f"{YOU}, or {ADMINISTRATOR}",
        "HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT, with special characters as %40 and so on; for NTLM or "
        "Kerberos, a local "
        "proxy that speaks them for you.",
    ),
    "trust-unreadable": Explanation(
        _S,
        "the active trust cannot be read",
        "Python cannot even make a TLS context: a variable names something that OpenSSL cannot load.",
        "Every verified connection of every program that follows the variable fails.",
        YOU,
        "`certboot doctor environment` says which variable it is.",
    ),
}
