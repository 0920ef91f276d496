"""Models of Keras 1, 2 and 3, and the way out to Keras 3."""
