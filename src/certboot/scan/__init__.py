"""``certboot scan``: many hosts, each examined as ``certboot doctor HOST`` examines one.

In: lines of a list. Out: a result for each, as one JSON line, and a tally. In memory is a window of them, and of what
was done before a few bytes for each.
"""
