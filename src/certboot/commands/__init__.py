"""The commands: each takes its parsed arguments, prints, and returns an exit status."""
