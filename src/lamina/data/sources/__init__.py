"""Sources of data; importing this registers all of them."""

from lamina.data.sources.bundled import BreastCancer, Diabetes, Digits, Iris, Wine
from lamina.data.sources.source import Partitions, Source

__all__ = ["BreastCancer", "Diabetes", "Digits", "Iris", "Partitions", "Source", "Wine"]
