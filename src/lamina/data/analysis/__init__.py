"""Looking at tables before anything learns from them: what columns hold, how they hang together, what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamina.data.analysis.against_schema import Quality, quality
    from lamina.data.analysis.analysis import Analysis, analyze
    from lamina.data.analysis.drift import Drift, compare
    from lamina.data.analysis.findings import CATALOGUE, Finding
    from lamina.data.analysis.profile import Profile

_PLACES = {
    "Analysis": "analysis",
    "analyze": "analysis",
    "CATALOGUE": "findings",
    "Drift": "drift",
    "compare": "drift",
    "Finding": "findings",
    "Profile": "profile",
    "Quality": "against_schema",
    "quality": "against_schema",
}
__all__ = ["CATALOGUE", "Analysis", "Drift", "Finding", "Profile", "Quality", "analyze", "compare", "quality"]


def __getattr__(name: str) -> Any:
    """What needs NumPy and Polars is loaded when it is asked for."""
    from importlib import import_module

    if name in _PLACES:
        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
