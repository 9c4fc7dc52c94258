"""``certboot scan``: many hosts, each examined as ``certboot doctor HOST`` examines one."""
