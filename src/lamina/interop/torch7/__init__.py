"""Torch7's files: binary and ASCII, of 64 and 32 bits."""
