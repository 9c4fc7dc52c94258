"""``certboot doctor``: groups of checks, each a function that returns findings. It changes nothing.

In: the store's folders, the environment, and at most one server or chain. Out: findings with an id, a status, evidence
and a remedy; a check that breaks is a finding too.
"""
