"""How a client's script says what happened: one line of JSON on standard output."""

from __future__ import annotations

import json
import sys


def client(connect):
    """Call ``connect(host, port)`` at once with the command line's two arguments; decorates a script's function."""
    try:
        connect(sys.argv[1], int(sys.argv[2]))
    except Exception as error:
        print(json.dumps({"ok": False, "error": " | ".join(told(error))}))
    else:
        print(json.dumps({"ok": True}))
    return connect


def told(error):
    """Return what an error and its causes say, with what a program wrote to standard error."""
    while error:
        yield f"{type(error).__module__}.{type(error).__qualname__}: {error} {getattr(error, 'stderr', None) or ''}"
        error = error.__cause__ or error.__context__
