"""Certificates: read, encoded, named by hash, taken out of containers, put into a path, and judged as OpenSSL does.

In: bytes, and moments that are given. Out: frozen values, and OpenSSL's codes. It opens no file of the store and no
connection, and it admits nobody: it explains what OpenSSL decides.
"""
