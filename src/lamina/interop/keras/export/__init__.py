"""Models of Lamina's as ``.keras`` files."""
