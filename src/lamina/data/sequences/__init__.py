"""Sequences from text files: rows cut into sequences, columns as arrays, alignment, masks."""
