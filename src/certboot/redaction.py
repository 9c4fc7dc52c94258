"""Addresses without the user names and passwords in them."""

from __future__ import annotations


def without_credentials(address: str) -> str:
    """Return an address, or a host, without what stands before its last at sign.

    A password may hold any character, a slash or a second at sign too: rather too much is left out than too little.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        scheme, rest = "", address
    return scheme + separator + rest.rpartition("@")[2]
