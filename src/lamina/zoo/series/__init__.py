"""Networks for series of numbers."""
