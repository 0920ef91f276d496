"""Networks as PyTorch source that needs nothing but PyTorch."""
