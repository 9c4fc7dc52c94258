"""The store in the forms that other programs take: one row a format.

In: certificates of a generation. Out: bytes or a directory, the same for the same certificates, written to a place that
nobody else may change.
"""
