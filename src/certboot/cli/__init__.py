"""The command line: one file a command. Each takes its parsed arguments, prints, and returns an exit status.

It is the only room that prints or asks. In: arguments. Out: text or JSON on standard output, one message with a hint on
standard error, and a status.
"""
