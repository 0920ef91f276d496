"""How numbers are brought to a common scale: fitted in float64 on the training part alone, kept with the model, inverted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.data.normalizers.bent import Log, Power, Quantile
from lamina.data.normalizers.by_name import ByName
from lamina.data.normalizers.image import ImageScaling
from lamina.data.normalizers.linear import MaxAbs, MinMax, Robust, Scale, Standardize, SubtractMean
from lamina.data.normalizers.normalizer import Normalizer, Statistical

if TYPE_CHECKING:
    from lamina.data.normalizers.accumulator import Accumulator
    from lamina.data.normalizers.fitted import Fitted, Linear, Parts

__all__ = [
    "Accumulator",
    "ByName",
    "Fitted",
    "ImageScaling",
    "Linear",
    "Log",
    "MaxAbs",
    "MinMax",
    "Normalizer",
    "Parts",
    "Power",
    "Quantile",
    "Robust",
    "Scale",
    "Standardize",
    "Statistical",
    "SubtractMean",
]


def __getattr__(name: str) -> Any:
    """What needs NumPy is loaded when it is asked for."""
    from importlib import import_module

    places = {"Accumulator": "accumulator", "Fitted": "fitted", "Linear": "fitted", "Parts": "fitted"}
    if name in places:
        return getattr(import_module(f"{__name__}.{places[name]}"), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
