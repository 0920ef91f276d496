"""How figures are called."""

from __future__ import annotations

AVERAGES = ("macro", "micro", "weighted")
"""Ways to average over classes or labels; a figure's name ends in one: ``f1/macro``."""


def f_name(beta: float) -> str:
    """Name of the F score: ``f1``, ``f2``, ``f0.5``."""
    return f"f{beta:g}"
