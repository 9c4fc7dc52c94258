"""What certboot's exit statuses mean."""

from __future__ import annotations

OK = 0
FAILED = 1
"""The doctor found a failure, or a question was answered no."""
UNFINISHED = 2
"""Wrong usage, or certboot could not do its work."""
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""
