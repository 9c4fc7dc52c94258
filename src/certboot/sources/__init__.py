"""Where certificates come from: one module per source, and the values that they all give.

In: a path, an address, an answer of the system. Out: ``Unparsed``, bytes with a digest, which becomes ``Loaded``,
candidates and rejections with their reasons. Whether one enters the store is not decided here.
"""
