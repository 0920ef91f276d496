"""Films: frames of animated images, pages of TIFF, and of videos where a decoder is installed."""
