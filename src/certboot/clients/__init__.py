"""The TLS clients of this machine: which variables and settings files each goes by, and what it trusts now.

In: the environment, and the user's settings files, of which only what concerns certificates is read. Out: rows of the
table, and what they come to. No client is imported or changed.
"""
