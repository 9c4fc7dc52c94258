"""What a server should send and does not: searched for, checked up to an anchor of the store, ready to be stored.

In: a handshake, and issuers from the store, a report of the CCADB or the addresses in certificates. Out: a chain, or
the reason for each step that was refused.
"""
