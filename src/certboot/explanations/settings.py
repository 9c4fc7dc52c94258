"""Findings of the group ``environment`` on settings files, proxies, other packages and the clock."""

from __future__ import annotations

from certboot.explanations.form import ADMINISTRATOR, NOBODY, YOU, Explanation

_E = "environment"
_LINE = "The finding names the file and the line."

EXPLANATIONS = {
    "setting-overrides-certboot": Explanation(
        _E,
        "a client's own settings name other certificates",
        "A settings file of this client (pip.conf, .curlrc, .npmrc, .condarc, git's, cargo's or AWS's) names a file or "
        "directory of CA certificates. Settings go before the variables that certboot sets.",
        "This client trusts what is named there, and a CA that only certboot's store has is missing.",
        YOU,
        f"{_LINE} Take the line out, so that the client goes by the variable again, or let it name the store's "
        "bundle.pem.",
    ),
    "setting-names-store": Explanation(
        _E,
        "a client's own settings name certboot's store",
        "Somebody has pointed this client at the store, which is right.",
        "They do not.",
        NOBODY,
        "Nothing is to be done.",
    ),
    "setting-chooses-system": Explanation(
        _E,
        "a client's own settings choose the system's certificates",
        "uv with system-certs (formerly native-tls) and conda with ssl_verify: truststore ask the operating system.",
        "A CA that is in certboot's store and not in the system's is missing.",
        YOU,
        "Take the setting out if certboot's store is to count; leave it if the system's is what you want.",
    ),
    "setting-without-effect": Explanation(
        _E,
        "a setting has no effect, because a variable goes before it",
        "For git, GIT_SSL_CAINFO goes before http.sslCAInfo; for uv, SSL_CERT_FILE before system-certs; for cargo and "
        "AWS it is a variable of theirs.",
        "The client trusts what the variable names, and not what you have written into its settings.",
        YOU,
        "`certboot init` leaves GIT_SSL_CAINFO out where git's settings name certificates. Else take out the variable "
        "or the setting.",
    ),
    "setting-points-nowhere": Explanation(
        _E,
        "a client's own settings name something that is not there",
        "The file or directory of certificates that the setting names is missing.",
        "Most clients fail for every host.",
        YOU,
        f"{_LINE} Correct it, or take the line out.",
    ),
    "setting-not-certificates": Explanation(
        _E,
        "a client's own settings name something without usable certificates",
        "OpenSSL loads nothing from it: another kind of file, a damaged block, or a directory without hash links.",
        "The client fails for every host, or trusts nobody.",
        YOU,
        f"{_LINE} Repair what it names, or `certboot rehash DIR` for a directory.",
    ),
    "setting-directory-for-file-client": Explanation(
        _E,
        "a client's own settings name a directory, and it takes a file",
        "This setting is for one file of certificates.",
        "curl, git, npm, cargo and the AWS clients fail for every host.",
        YOU,
        f"{_LINE} Let it name a file; the store's is bundle.pem.",
    ),
    "settings-file-broken": Explanation(
        _E,
        "a settings file is not in its format",
        "The client that reads it stumbles over the line that is named.",
        "pip, uv, wget, cargo and the AWS clients refuse to work at all; others pass over the line.",
        YOU,
        "Mend the line.",
    ),
    "settings-file-unread": Explanation(
        _E,
        "a settings file was not looked at",
        "It cannot be read, is no regular file, or is larger than any settings are.",
        "What it says is not known here. Its client may know it.",
        YOU,
        "Look at what it is, and that you may read it.",
    ),
    "verification-disabled": Explanation(
        _E,
        "verification is switched off",
        "A variable or a setting tells a client to accept every certificate, of all hosts or of some.",
        "They do not fail: anybody on the way can read and change what they send and get, passwords included.",
        YOU,
        "Take it out. If a certificate was refused then, `certboot doctor HOST:PORT` says why, and what mends it.",
    ),
    "proxy-in-use": Explanation(
        _E,
        "a proxy is set",
        "Programs that read this variable reach other hosts through it. Its user name and password are never shown.",
        "A proxy that opens TLS (TLS inspection) signs every certificate itself, by a CA that clients must know.",
        NOBODY,
        "Nothing is to be done. If certificates are refused behind it, `certboot doctor HOST:PORT` says by whom they "
        "are signed.",
    ),
    "proxy-over-tls": Explanation(
        _E,
        "the proxy itself is spoken to in TLS",
        "By https:// at its beginning, clients open TLS to the proxy before they ask it for anything. Most proxies "
        "expect http:// there, also for HTTPS_PROXY, whose name is about the hosts behind it.",
        "If the proxy does not speak TLS, handshakes end with WRONG_VERSION_NUMBER or similar.",
        YOU,
        "Write http:// unless you know that the proxy speaks TLS.",
    ),
    "proxy-malformed": Explanation(
        _E,
        "a proxy variable holds no address",
        "It should be http://HOST:PORT. A user name or password with special characters must be percent-encoded.",
        "Clients fail with messages of all kinds, or go without a proxy.",
        YOU,
        "Correct it where it is set.",
    ),
    "proxy-cases-differ": Explanation(
        _E,
        "a proxy variable has one value in lower case and another in capitals",
        "Most programs read both and prefer the one in lower case; wget reads only that, Go programs prefer the other.",
        "Programs take different ways, and only some of them pass a proxy that opens TLS.",
        YOU,
        "Set both to the same, or only one.",
    ),
    "no-proxy-unclear": Explanation(
        _E,
        "an entry of NO_PROXY is not understood by all",
        "There is no standard. A host, and .example.com for all below it, is what every client takes; patterns, "
        "addresses with https:// and ranges of IP addresses are not.",
        "Some programs go through the proxy to a host that you meant to reach straight.",
        YOU,
        "Write hosts and suffixes.",
    ),
    "no-proxy-idle": Explanation(
        _E,
        "NO_PROXY is set, and no proxy is",
        "It makes exceptions to a rule that is not there.",
        "They do not.",
        NOBODY,
        "Nothing is to be done.",
    ),
    "conflict-pip-system-certs": Explanation(
        _E,
        "pip-system-certs is installed here",
        "It has a start-up hook of its own, which lets every context of this Python ask the system by truststore.",
        "Verification is the system's on Windows and macOS, whatever certboot's store says; on Linux the store still "
        "counts. Every start of Python takes several times as long.",
        YOU,
        "certboot has the system's certificates in its store, so the other can go: the finding names the command.",
    ),
    "conflict-truststore": Explanation(
        _E,
        "truststore is at work in this process",
        "Something called truststore.inject_into_ssl() at the start of Python: ssl.SSLContext is another class.",
        "On Windows and macOS the system decides, whatever certboot's store says.",
        YOU,
        "Find the start-up hook that does it (`certboot doctor hook` lists them), and take it out if certboot is to do "
        "this work.",
    ),
    "conflict-certifi-win32": Explanation(
        _E,
        "python-certifi-win32 is installed here",
        "It redirects certifi.where() to a copy of Windows' certificates that it makes itself, as certboot's guard "
        "does to the store's.",
        "Which of the two wins depends on which start-up hook runs first.",
        YOU,
        "certboot has the system's certificates in its store, so the other can go: the finding names the command.",
    ),
    "certifi-replaced": Explanation(
        _E,
        "certifi is not what was published",
        "A distributor, or another package, lets it lead to the system's certificates.",
        "Clients that go by certifi trust what the system trusts. What certboot records as certifi's is the system's.",
        f"{NOBODY}; or {ADMINISTRATOR}",
        "As a distributor has it, it is meant so. A package that does it can be uninstalled: the finding names the "
        "command.",
    ),
    "certifi-altered": Explanation(
        _E,
        "certifi's file was changed after it was installed",
        "Its SHA-256 is not the one that its installer recorded. Mostly somebody has added a company's CA to it.",
        "The next upgrade of certifi undoes it, and then certificates of that CA are refused. Until then certboot "
        "takes the addition for certifi's.",
        YOU,
        "Keep the CA by itself: `certboot trust FILE`. Then reinstall certifi.",
    ),
    "clock-behind": Explanation(
        _E,
        "this machine's clock is behind",
        "It shows a time before the store was written, or before the installed certifi was put together.",
        "Certificates that are younger than the clock are refused as not yet valid.",
        YOU,
        "Set the clock: `timedatectl set-ntp true` on many Linux systems, `w32tm /resync` on Windows.",
    ),
    "clock-ahead": Explanation(
        _E,
        "this machine's clock is ahead",
        "By it most of the CA certificates that are trusted have expired, which CAs do not let come to pass.",
        "Certificates are refused as expired.",
        YOU,
        "Set the clock: `timedatectl set-ntp true` on many Linux systems, `w32tm /resync` on Windows. If it is right, "
        "the store is very old: `certboot update`.",
    ),
}
