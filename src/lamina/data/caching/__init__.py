"""Keeping samples that cost something to make: in memory, or in a file for other runs too."""

from lamina.data.caching.cache import Cache
from lamina.data.caching.disk import Disk
from lamina.data.caching.memory import Memory

__all__ = ["Cache", "Disk", "Memory"]
