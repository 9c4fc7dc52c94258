"""The group ``environment``: all outside the store that decides whom the programs of this user trust."""
