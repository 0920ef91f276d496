"""Constraints that hold for parameters after every update."""

from __future__ import annotations

from lamina.spec import Description


class Constraint(Description, family="constraint"):
    """Base of all constraints."""
