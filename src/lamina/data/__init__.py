"""Data: what they are (schema), where they come from (sources), how they are split, scaled, and fed to training."""
