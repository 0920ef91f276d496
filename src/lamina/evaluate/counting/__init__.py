"""How evaluations count: their accumulators, apart from the descriptions, so that these need no NumPy."""
