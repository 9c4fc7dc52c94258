"""The group ``hook``: whether the start-up hook runs here and in the other interpreters, and why not."""
