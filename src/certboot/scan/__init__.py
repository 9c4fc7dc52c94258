"""``certboot scan``: many hosts, each examined as ``certboot doctor HOST`` examines one.

In: lines of a list. Out: a result for each, as one JSON line, and a tally; never more in memory than a window.
"""
