"""The group ``server``: from a handshake, or a chain in a file, to its one cause with a remedy.

OpenSSL's verify code decides, never the text of a message; where OpenSSL gives no verdict, TLS alerts and what the
server sent do.
"""
