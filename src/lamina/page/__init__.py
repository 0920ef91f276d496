"""Reports as pages: one HTML file each, with nothing loaded from anywhere; every text escaped, light and dark, read aloud."""
