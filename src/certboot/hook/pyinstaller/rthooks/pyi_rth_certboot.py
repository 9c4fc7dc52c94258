"""The start-up hook of a frozen program, which runs no start-up files."""


def _activate() -> None:
    import certboot_startup  # and not certboot: what is imported here is packed, with all that it imports

    certboot_startup.activate()


# This runs as __main__, and so does the program after it.
_activate()
del _activate
