"""The group ``clients``: what each client that is here trusts, and on request how it fares with a server."""
