"""What a layer's settings say of training: penalties, and what must hold after an update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lamina.interop.keras.functions import number
from lamina.interop.keras.source import component
from lamina.interop.notes import Notes
from lamina.network import constraints as c

Settings = Mapping[str, Any]
SHORT = {"kernel": "W", "recurrent": "U", "embeddings": "W", "gamma": "gamma", "depthwise": "depthwise"}


def factors(value: Any) -> tuple[float, float] | None:
    """Weights of the sum of absolute values and of squares; None for something else."""
    if value is None:
        return 0.0, 0.0
    name, config = component(value)
    settings = {**config, **{key: item for key, item in (value.items() if isinstance(value, Mapping) else ()) if key in ("l1", "l2")}}
    if name.lower() in ("l1", "l2", "l1l2", "l1_l2", "l1l2regularizer", "weightregularizer", "activityregularizer"):
        default = 0.01 if isinstance(value, str) else 0.0
        return (
            number(settings.get("l1"), default if "1" in name else 0.0),
            number(settings.get("l2"), default if "2" in name else 0.0),
        )
    return None


def penalties(config: Settings, weights: str, path: str, notes: Notes, *, bias: bool) -> dict[str, Any]:
    """L1 and L2 of a layer. There the sum of squares counts whole, here half."""
    found: dict[str, Any] = {}
    short = SHORT.get(weights, "W")
    keys = [(f"{weights}_regularizer", f"{short}_regularizer", "")]
    if bias:
        keys.append(("bias_regularizer", "b_regularizer", "_bias"))
    for long, old, end in keys:
        key = long if config.get(long) is not None else old
        pair = factors(config.get(key))
        if pair is None:
            notes.lose(f"{path}.{key}", f"the regulariser {component(config.get(key))[0]}, which has no counterpart")
            continue
        found |= {name: value for name, value in ((f"l1{end}", pair[0]), (f"l2{end}", 2 * pair[1])) if value > 0}
    return found


def constraints(config: Settings, weights: str, path: str, notes: Notes, *, bias: bool) -> dict[str, Any]:
    """What must hold for weights after an update."""
    found: dict[str, Any] = {}
    short = SHORT.get(weights, "W")
    keys = [(f"{weights}_constraint", f"{short}_constraint", "constraints")]
    if bias:
        keys.append(("bias_constraint", "b_constraint", "bias_constraints"))
    for long, old, here in keys:
        key = long if config.get(long) is not None else old
        if config.get(key) is None:
            continue
        made = _constraint(config[key])
        if made is None:
            notes.lose(f"{path}.{key}", f"the constraint {component(config[key])[0]}, which has no counterpart")
        else:
            found[here] = [made]
    return found


def _constraint(value: Any) -> c.Constraint | None:
    name, config = component(value)
    settings: Settings = config or (value if isinstance(value, Mapping) else {})
    word = name.lower().replace("_", "")
    if word == "maxnorm":
        most = number(settings.get("max_value", settings.get("m")), 2.0)
        return c.MaxNorm(most) if most > 0 else None
    if word == "minmaxnorm":
        low, high = number(settings.get("min_value", settings.get("low"))), number(settings.get("max_value", settings.get("high")), 1.0)
        rate = number(settings.get("rate"), 1.0)
        return c.MinMaxNorm(low, high, rate=rate) if 0 <= low <= high and high > 0 and 0 < rate <= 1 else None
    if word == "nonneg":
        return c.NonNegativeConstraint()
    if word == "unitnorm":
        return c.UnitNorm()
    return None
