"""Images from files to batches: found, decoded, prepared and varied, with boxes and masks moved along."""
