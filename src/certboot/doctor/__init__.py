"""``certboot doctor``: groups of checks, each a function that returns findings. It changes nothing."""
