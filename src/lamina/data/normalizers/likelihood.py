"""The power of greatest likelihood."""

from __future__ import annotations

import numpy as np

from lamina.data.normalizers.curves import bend
from lamina.sums import Floats, Integers

_LARGEST = 336.0
"""Natural logarithm that a power may reach for numbers up to twenty times those of the training part: half of float64's."""


_SQUARED = 1e150
"""Numbers up to this have a square."""


def power_of(values: Floats, counts: Integers, *, positive: bool) -> tuple[float, float, float, float, float]:
    """Power, centre, sign, offset and factor of `lamina.data.normalizers.curves.PowerCurve` for one feature.

    Args:
        values: Distinct numbers, ascending.
        counts: How often each is there.
        positive: Box-Cox, where all values must be above 0; else Yeo-Johnson.
    """
    weights = counts / counts.sum()
    sign = -1.0 if values[-1] <= 0 and values[0] < 0 else 1.0
    given = sign * values
    if len(values) == 1 or _deviation(values, weights) <= 10 * np.finfo(np.float64).eps * abs(float(weights @ values)):
        # Nothing to make normal: the power 1, which only shifts.
        return 1.0, 0.0, 1.0, float(weights @ bend(values, 1.0, 0.0, positive=positive)), 1.0
    logs = np.log(given) if positive else np.log1p(np.maximum(given, 0.0))
    mixed = not positive and bool(given.min() < 0)
    centre = 0.0 if mixed else float(weights @ logs)
    power = _best(given, weights, logs, mixed=mixed, positive=positive)
    bent = sign * bend(given, power, centre, positive=positive)
    spread = _deviation(bent, weights)
    return power, centre, sign, float(weights @ bent), 1.0 / spread if spread > 0 else 1.0


def _best(given: Floats, weights: Floats, logs: Floats, *, mixed: bool, positive: bool) -> float:
    from scipy.optimize import fminbound

    centre = 0.0 if mixed else float(weights @ logs)
    # What the change of scale adds to the likelihood; around the mean of the logarithms it is nothing.
    slope = float(weights @ (np.sign(given) * np.log1p(np.abs(given)))) if mixed else 0.0

    def loss(power: float) -> float:
        with np.errstate(all="ignore"):
            spread = _deviation(bend(given, power, centre, positive=positive), weights)
            found = np.log(spread) - power * slope
        return float(found) if np.isfinite(found) else float(np.finfo(np.float64).max)

    most = _LARGEST / (float(np.abs(logs).max()) + np.log(20.0))
    low, high = (-most, most)
    if mixed:
        below = _LARGEST / (float(np.log1p(-given.min())) + np.log(20.0))
        low, high = max(low, 2 - below), min(high, 2 + below)
    if low > high:
        # Numbers so large on both sides that only the power 1 keeps all of them.
        return 1.0
    return float(fminbound(loss, low, high, xtol=1.48e-8))


def _deviation(values: Floats, weights: Floats) -> float:
    largest = float(np.abs(values).max())
    if largest > _SQUARED:
        # Squares of these would be too large.
        return largest * _deviation(values / largest, weights)
    return float(np.sqrt(weights @ (values - weights @ values) ** 2))
