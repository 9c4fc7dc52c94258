"""The factory of certificates, by its former place."""

from support.pki import CA, LEAF, Form, Made, general_name, make, name, on_server, rsa_key

__all__ = ["CA", "LEAF", "Form", "Made", "general_name", "make", "name", "on_server", "rsa_key"]
