"""The settings files of clients: where they are, how they are read with care, and what they say about TLS."""
