"""The JSON of both dialects as one: a component has a kind and settings, however it is written.

Up to 1.0.0-alpha a component stands in an object with its name as the only key, ``{"dense": {...}}``, or, up to 0.5, is a bare word;
later it says its Java class, ``{"@class": "org.deeplearning4j.nn.conf.layers.DenseLayer", ...}``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ENDINGS = ("preprocessor", "layer", "vertex")
BEGINNINGS = ("activation", "loss", "weightinit")


@dataclass(frozen=True)
class Component:
    """Something that has a kind and settings.

    Attributes:
        kind: Its kind in one spelling: lower case, without ``Layer`` and the like.
        name: Its kind as the file spells it, without the package.
        settings: Everything else.
        path: Where it stands in the file.
        full: Its kind as the file spells it.
    """

    kind: str
    name: str
    settings: Mapping[str, Any]
    path: str
    full: str


def component(value: Any, path: str) -> Component | None:
    """What stands there, or None if nothing does.

    Example:
        >>> component({"TanH": {}}, "confs[0].layer.activationFn").kind
        'tanh'
        >>> component({"@class": "org.nd4j.linalg.activations.impl.ActivationTanH"}, "").kind
        'tanh'
        >>> component("tanh", "").kind
        'tanh'
    """
    if value is None:
        return None
    if isinstance(value, str):
        return Component(plain(value), value, {}, path, value)
    if not isinstance(value, Mapping):
        return Component("", type(value).__name__, {}, path, type(value).__name__)
    if "@class" in value:
        full = str(value["@class"])
        name = full.rpartition(".")[2].rpartition("$")[2]
        return Component(plain(name), name, {key: item for key, item in value.items() if key != "@class"}, path, full)
    if len(value) == 1:
        name, inner = next(iter(value.items()))
        if isinstance(inner, Mapping):
            return Component(plain(str(name)), str(name), inner, f"{path}.{name}", str(name))
    return Component("", "an object", value, path, "an object without a class")


def plain(name: str) -> str:
    """A kind in one spelling.

    Example:
        >>> plain("DenseLayer"), plain("LossMCXENT"), plain("ActivationReLU"), plain("rnnToFeedForward"), plain("LossLayer")
        ('dense', 'mcxent', 'relu', 'rnntofeedforward', 'loss')
    """
    found = name.lower().replace("_", "")
    for ending in ENDINGS:
        if found.endswith(ending) and found != ending:
            found = found.removesuffix(ending)
            break
    for beginning in BEGINNINGS:
        if found.startswith(beginning) and found != beginning:
            found = found.removeprefix(beginning)
            break
    return found


def number(value: Any, default: float = 0.0) -> float:
    """A finite number, which Java also writes as a word: ``NaN`` stands for one that nobody set."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return default
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return default
    return found if math.isfinite(found) else default


def whole(value: Any, default: int = 0) -> int:
    """A whole number; whatever is none, or is infinite, is the default."""
    found = number(value, float(default))
    return int(found) if abs(found) < 2**53 else default


def wholes(value: Any) -> list[int]:
    """Whole numbers, or one of them."""
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return [whole(item) for item in items]


def unset(value: Any) -> bool:
    """Whether a setting says nothing: null, NaN, empty, no."""
    return value is None or value is False or value == 0 or value in ("NaN", "", "None", "NONE") or value in ([], {})


def nested(value: Any) -> Any:
    """Numbers of a small array as nested lists, as both dialects write them: as they are, or in one row with their shape.

    Example:
        >>> nested({"shape": [2, 2], "ordering": "c", "data": [1, 2, 3, 4]})
        [[1, 2], [3, 4]]
    """
    if not isinstance(value, Mapping):
        return value
    if "array" in value:
        return value["array"]
    data, shape = value.get("data"), wholes(value.get("shape") or 0)
    if not isinstance(data, list) or len(shape) != 2 or shape[0] < 1 or shape[1] < 1 or shape[0] * shape[1] != len(data):
        return data
    rows, columns = shape
    turned = value.get("ordering") == "f"
    return [[data[j * rows + i if turned else i * columns + j] for j in range(columns)] for i in range(rows)]
