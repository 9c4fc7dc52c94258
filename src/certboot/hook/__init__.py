"""The start-up hook in other interpreters: copied, taken away, and asked how it is."""
