"""Connections: whom to reach, by which address or proxy, what is said before TLS, the handshake, and fetches by HTTP.

In: a target or an address, with limits on time and size. Out: what the server sent and OpenSSL's verdict, or the bytes
that were fetched. Nothing of the user's own goes along.
"""
