"""The store: from a request and its inputs by a pure policy to a new generation, and one switch to it.

In: a ``Request``, and what the sources have. Out: generations with their hash links, bundle and manifest, the ``env``
file that the hook applies, their history, and exports. It fetches nothing itself.
"""
