"""What layers compute, said in a small language of tensors once, and written by each exporter in its own."""
