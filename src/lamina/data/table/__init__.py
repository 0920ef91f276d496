"""What a table is: the kind of each column, what its values must be, and whether rows are steps of sequences. No torch, no Polars."""
