"""The HTTP server and its answers, by their former place."""

from support.server import Answer, PlainServer, endless, moved, page

__all__ = ["Answer", "PlainServer", "endless", "moved", "page"]
