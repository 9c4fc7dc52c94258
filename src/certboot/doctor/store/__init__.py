"""The group ``store``: whether the store is whole, safe, and as new as what it is made from."""
