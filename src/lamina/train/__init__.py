"""Training: the loop, its triggers and callbacks, checkpoints, run directories and recipes."""
