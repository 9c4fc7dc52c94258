"""The store in the forms that other programs take: one file per format. Certificates in, bytes or a directory out."""
