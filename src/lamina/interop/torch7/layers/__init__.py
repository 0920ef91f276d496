"""What each module of Torch7 becomes."""
