"""Findings of the group ``server`` on the names in a certificate."""

from __future__ import annotations

from certboot.explanations.form import NOBODY, OPERATOR, Explanation

_S = "server"

EXPLANATIONS = {
    "hostname-mismatch": Explanation(
        _S,
        "the certificate is for other names",
        "The server's certificate does not name the host you asked for: a wrong address, a server that answers "
        "for many "
        "hosts and has no certificate for this one, or a page for logging in to a network.",
        "The name is how a client knows that it talks to whom it wanted.",
        OPERATOR,
        "Use one of the names in the certificate, if that is the server you want.",
        "Have a certificate issued that names this host in its subjectAltName; *.example.org covers one label only.",
    ),
    "no-subject-alt-name": Explanation(
        _S,
        "the certificate has no subjectAltName",
        "The name stands only in the common name of the subject, which has been out of use since RFC 2818 of the "
        "year 2000.",
        "Python's standard library, and httpx with it, still falls back to the common name. requests, urllib3 2, "
        "pip, curl "
        "with some libraries and all browsers do not.",
        OPERATOR,
        "Nothing on your side that would be safe.",
        "Have the certificate issued again with the host in its subjectAltName (openssl req -addext "
        "subjectAltName=DNS:HOST).",
    ),
    "ip-not-in-san": Explanation(
        _S,
        "the certificate is not for this IP address",
        "You asked for an address, and the certificate does not name it. A DNS name in it does not help, nor does the "
        "address as a common name or as a DNS name.",
        "An address must stand in the subjectAltName as an address (iPAddress).",
        OPERATOR,
        "Use one of the names in the certificate, or `--servername NAME` to see whether it is right for that.",
        "Have a certificate issued with the address in its subjectAltName (IP:192.0.2.1).",
    ),
    "sni-required": Explanation(
        _S,
        "the server must be asked for by name",
        "A server for many hosts learns from the first message which one is meant (SNI). An IP address is not "
        "sent there, "
        "and without a name this server ends the handshake.",
        "Clients send the host of the URL, and an IP address is none.",
        NOBODY,
        "Use the name of the host; `certboot doctor {target} --servername NAME` asks with a name.",
        "Give the server a default certificate, if it is to be reached by address.",
    ),
    "unrecognized-name": Explanation(
        _S,
        "the server does not know the name",
        "It was asked for this name in the first message (SNI) and answered that it has no such host.",
        "The server ends the handshake before it sends a certificate.",
        OPERATOR,
        "Check the name.",
        "Configure a host of this name, with its certificate.",
    ),
}
