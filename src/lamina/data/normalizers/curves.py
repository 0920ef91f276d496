"""Fitted normalizers that bend: quantiles, powers, logarithms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lamina.data.normalizers.fitted import NO_AXIS, Fitted, Numbers, unscalable, whole

if TYPE_CHECKING:
    import numpy as np

_EDGE = 1e-7
"""Shares nearer to 0 and 1 than this are this far from them, for the normal distribution never reaches them."""


@dataclass(frozen=True)
class QuantileCurve(Fitted):
    """The share of the training part that lies below a number; or the number of the normal distribution with that share.

    Numbers beyond those of the training part are taken for its smallest and largest.

    Attributes:
        quantiles: ``[count, width]``, ascending along the first axis; their shares lie evenly from 0 to 1.
        normal: Whether shares are turned into numbers of the normal distribution.
        axis: Of the array the features lie along.
    """

    kind: ClassVar[str] = "quantile"
    quantiles: np.ndarray
    normal: bool
    axis: int | None

    @property
    def width(self) -> int | None:
        return int(self.quantiles.shape[1])

    def _apply(self, array: np.ndarray) -> np.ndarray:
        return _each_feature(array, self.axis, self._shares)

    def _invert(self, array: np.ndarray) -> np.ndarray:
        return _each_feature(array, self.axis, self._values)

    def _shares(self, values: np.ndarray, feature: int) -> np.ndarray:
        import numpy as np

        known = self.quantiles[:, feature]
        shares = np.linspace(0, 1, len(known))
        # From both sides and the middle of them, where several quantiles are the same number.
        found: np.ndarray = 0.5 * (np.interp(values, known, shares) - np.interp(-values, -known[::-1], -shares[::-1]))
        if known[0] < known[-1]:
            found = np.where(values <= known[0], 0.0, np.where(values >= known[-1], 1.0, found))
        if not self.normal:
            return found
        from scipy.special import ndtri

        normal: np.ndarray = ndtri(np.clip(found, _EDGE, 1 - _EDGE))
        return normal

    def _values(self, scaled: np.ndarray, feature: int) -> np.ndarray:
        import numpy as np

        if self.normal:
            from scipy.special import ndtr

            shares = ndtr(scaled)
            near = _EDGE * (1 + 1e-6)
            shares = np.where(shares <= near, 0.0, np.where(shares >= 1 - near, 1.0, shares))
        else:
            shares = scaled
        known = self.quantiles[:, feature]
        values: np.ndarray = np.interp(shares, np.linspace(0, 1, len(known)), known)
        return values

    def _numbers(self) -> dict[str, np.ndarray]:
        return {
            "quantiles": self.quantiles,
            "normal": whole(int(self.normal)),
            "axis": whole(NO_AXIS if self.axis is None else self.axis),
        }

    @classmethod
    def _from_numbers(cls, numbers: Numbers) -> Fitted:
        axis = numbers.axis()
        quantiles = numbers.floats("quantiles", axis, ndim=2)
        if len(quantiles) < 1 or (quantiles[1:] < quantiles[:-1]).any():
            message = "quantiles that ascend"
            raise ValueError(message)
        return cls(quantiles, bool(numbers.whole("normal", 0, 1)), axis)


@dataclass(frozen=True)
class PowerCurve(Fitted):
    """A power of each number that makes a feature look normal (Yeo and Johnson 2000, Box and Cox 1964), then a linear scale.

    With ``L(x)`` the logarithm (of ``x`` for Box-Cox, of ``1 + x`` for Yeo-Johnson), a number above zero becomes
    ``expm1(power * (L(x) - centre)) / power``. Any centre gives the same after scaling; the mean one keeps all digits.

    Attributes:
        power: Of each feature, usually called lambda.
        centre: Of the logarithms, see above.
        sign: -1 for features that are mirrored at zero, since they are never above it; else 1.
        offset: Of the linear scale.
        factor: Of the linear scale.
        positive: Whether only numbers above zero can be scaled: Box-Cox.
        axis: Of the array the features lie along.
    """

    kind: ClassVar[str] = "power"
    power: np.ndarray
    centre: np.ndarray
    sign: np.ndarray
    offset: np.ndarray
    factor: np.ndarray
    positive: bool
    axis: int | None

    @property
    def width(self) -> int | None:
        return int(self.power.size)

    def _apply(self, array: np.ndarray) -> np.ndarray:
        wrong = (array <= 0) if self.positive else (array != array)  # noqa: PLR0124 (NaN)
        if wrong.any():
            fix = "use method: yeo_johnson, which takes all numbers" if self.positive else "fill missing numbers before"
            raise unscalable(array, wrong, "numbers above 0, which Box-Cox takes" if self.positive else "numbers", fix)
        return _each_feature(array, self.axis, self._bent)

    def _invert(self, array: np.ndarray) -> np.ndarray:
        return _each_feature(array, self.axis, self._straight)

    def _bent(self, values: np.ndarray, feature: int) -> np.ndarray:
        power, centre, sign, offset, factor = self._of(feature)
        return (sign * bend(sign * values, power, centre, positive=self.positive) - offset) * factor

    def _straight(self, scaled: np.ndarray, feature: int) -> np.ndarray:
        power, centre, sign, offset, factor = self._of(feature)
        return sign * straighten(sign * (scaled / factor + offset), power, centre, positive=self.positive)

    def _of(self, feature: int) -> list[float]:
        parts = (self.power, self.centre, self.sign, self.offset, self.factor)
        return [float(part.reshape(-1)[feature]) for part in parts]

    def _numbers(self) -> dict[str, np.ndarray]:
        parts = {name: getattr(self, name) for name in ("power", "centre", "sign", "offset", "factor")}
        return {**parts, "positive": whole(int(self.positive)), "axis": whole(NO_AXIS if self.axis is None else self.axis)}

    @classmethod
    def _from_numbers(cls, numbers: Numbers) -> Fitted:
        import numpy as np

        axis = numbers.axis()
        parts = [numbers.floats(name, axis) for name in ("power", "centre", "sign", "offset", "factor")]
        if len({part.shape for part in parts}) > 1 or not parts[4].all() or not np.isin(parts[2], (-1.0, 1.0)).all():
            message = "as many powers, centres, signs, offsets and factors; no factor of 0"
            raise ValueError(message)
        return cls(parts[0], parts[1], parts[2], parts[3], parts[4], bool(numbers.whole("positive", 0, 1)), axis)


def bend(values: np.ndarray, power: float, centre: float, *, positive: bool) -> np.ndarray:
    """The power of `PowerCurve`, before the linear scale."""
    import numpy as np

    if positive:
        return _power(np.log(values) - centre, power)
    upper = _power(np.log1p(np.maximum(values, 0.0)) - centre, power)
    if not (values < 0).any():
        return upper
    lower = -_power(np.log1p(np.maximum(-values, 0.0)), 2 - power) * np.exp(-power * centre) + _power(np.asarray(-centre), power)
    return np.where(values >= 0, upper, lower)


def straighten(bent: np.ndarray, power: float, centre: float, *, positive: bool) -> np.ndarray:
    """What `bend` was given; the nearest number that it can give, for what it never gives."""
    import numpy as np

    upper = _root(bent, power) + centre
    if positive:
        return np.exp(upper)
    zero = _power(np.asarray(-centre), power)
    lower = _root(np.maximum(zero - bent, 0.0) * np.exp(power * centre), 2 - power)
    return np.where(bent >= zero, np.expm1(np.maximum(upper, 0.0)), -np.expm1(lower))


def _power(logs: np.ndarray, power: float) -> np.ndarray:
    import numpy as np

    bent: np.ndarray = logs * 1.0 if power == 0 else np.expm1(power * logs) / power
    return bent


def _root(bent: np.ndarray, power: float) -> np.ndarray:
    import numpy as np

    logs: np.ndarray = bent * 1.0 if power == 0 else np.log1p(np.maximum(power * bent, -1 + 2.0**-52)) / power
    return logs


@dataclass(frozen=True)
class LogCurve(Fitted):
    """``factor * log(1 + (x - offset) / spread)``, the natural logarithm.

    Attributes:
        offset: What is subtracted, where the logarithm is 0.
        spread: What the difference is divided by.
        factor: What the logarithm is multiplied by.
        axis: Of the array the features lie along.
    """

    kind: ClassVar[str] = "log"
    offset: np.ndarray
    spread: np.ndarray
    factor: float
    axis: int | None

    @property
    def width(self) -> int | None:
        return int(self.offset.size)

    def _apply(self, array: np.ndarray) -> np.ndarray:
        import numpy as np

        inside = (array - self._along(self.offset, array)) / self._along(self.spread, array)
        wrong = ~(inside > -1)
        if wrong.any():
            least = np.broadcast_to(self._along(self.offset - self.spread, array), array.shape)[wrong][0]
            raise unscalable(array, wrong, f"numbers above {least:.6g}, which have a logarithm", "use power, which takes all numbers")
        logs: np.ndarray = self.factor * np.log1p(inside)
        return logs

    def _invert(self, array: np.ndarray) -> np.ndarray:
        import numpy as np

        values: np.ndarray = np.expm1(array / self.factor) * self._along(self.spread, array) + self._along(self.offset, array)
        return values

    def _numbers(self) -> dict[str, np.ndarray]:
        import numpy as np

        axis = whole(NO_AXIS if self.axis is None else self.axis)
        return {"offset": self.offset, "spread": self.spread, "factor": np.asarray(self.factor), "axis": axis}

    @classmethod
    def _from_numbers(cls, numbers: Numbers) -> Fitted:
        axis = numbers.axis()
        offset, spread, factor = numbers.floats("offset", axis), numbers.floats("spread", axis), numbers.floats("factor", None)
        if offset.shape != spread.shape or not (spread > 0).all() or not (factor > 0).all():
            message = "as many offsets and spreads, and all spreads above 0"
            raise ValueError(message)
        return cls(offset, spread, float(factor.reshape(())), axis)


def _each_feature(array: np.ndarray, axis: int | None, function: Callable[[np.ndarray, int], np.ndarray]) -> np.ndarray:
    """A function of the numbers of one feature, for all of them."""
    import numpy as np

    if axis is None:
        return function(array, 0)
    result = np.empty_like(array)
    given, made = np.moveaxis(array, axis, 0), np.moveaxis(result, axis, 0)
    for feature in range(len(given)):
        made[feature] = function(given[feature], feature)
    return result


__all__ = ["LogCurve", "PowerCurve", "QuantileCurve", "bend", "straighten"]
