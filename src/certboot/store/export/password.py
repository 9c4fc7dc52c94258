"""The password of a key store. It is there because the formats want one: certificates are public."""

from __future__ import annotations

import re

from certboot.errors import CertbootError

# What a password of Java's may hold (PBEKey.java of OpenJDK: any other character is an error).
_TYPEABLE = re.compile(r"[ -~]+")


def checked_password(data: bytes) -> str:
    """Return the password that a file holds; raises CertbootError for one that Java would not take."""
    text = data.decode("utf-8", "replace")
    if not text:
        message = "the password is empty"
        raise CertbootError(message, "leave out --password-file for Java's default, changeit")
    if not _TYPEABLE.fullmatch(text):
        message = "the password has characters that Java does not take in one"
        raise CertbootError(message, "ASCII letters, digits, punctuation and spaces, on one line")
    return text
