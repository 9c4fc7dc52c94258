"""The start-up hook in other interpreters: copied, found, taken away, and asked how it is.

In: an interpreter or a folder of packages. Out: what lies there and who put it there, and what the hook did when the
interpreter started. The hook itself is the package ``certboot_startup``.
"""
