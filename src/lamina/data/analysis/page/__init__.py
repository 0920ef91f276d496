"""The analysis as one page that needs nothing but a browser."""

from lamina.data.analysis.page.page import render

__all__ = ["render"]
