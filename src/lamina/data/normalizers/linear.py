"""Normalizers that shift and stretch: ``(x - offset) * factor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from lamina.data.normalizers.normalizer import Need, Normalizer, Statistical
from lamina.spec import register, wrong_value
from lamina.spec.fields import Positive

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.normalizers.accumulator import Accumulator
    from lamina.data.normalizers.fitted import Fitted


class Stretch(Statistical):
    """Base of the normalizers that find an offset and a spread in the training part."""

    def fitted(self, seen: Accumulator) -> Fitted:
        import numpy as np

        from lamina.data.normalizers.fitted import Linear

        offset, spread = self._numbers(seen)
        factor = 1.0 / np.where(spread > 0, spread, 1.0)
        return Linear(offset.reshape(()), factor.reshape(()), None) if seen.axis is None else Linear(offset, factor, seen.axis)

    def _numbers(self, seen: Accumulator) -> tuple[np.ndarray, np.ndarray]:
        """Offset and spread of each feature, float64."""
        raise NotImplementedError(type(self).__name__)


@register("standardize")
class Standardize(Stretch):
    """Mean 0 and standard deviation 1 (of the population, as scikit-learn's StandardScaler).

    Attributes:
        per: ``feature``: each feature or channel has numbers of its own. ``all``: one number for all of them.
    """

    needs: ClassVar[tuple[Need, ...]] = ("moments",)

    def _numbers(self, seen: Accumulator) -> tuple[np.ndarray, np.ndarray]:
        return seen.moments.mean(), seen.moments.deviation()


@register("subtract_mean")
class SubtractMean(Stretch):
    """Mean 0; the scale stays as it is.

    Attributes:
        per: ``feature``: each feature or channel has numbers of its own. ``all``: one number for all of them.
    """

    needs: ClassVar[tuple[Need, ...]] = ("moments",)

    def _numbers(self, seen: Accumulator) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        mean = seen.moments.mean()
        return mean, np.ones_like(mean)


@register("min_max")
class MinMax(Stretch):
    """The smallest value of the training part becomes ``low``, the largest ``high``.

    Attributes:
        low: Lower end.
        high: Upper end.
        per: ``feature``: each feature or channel has numbers of its own. ``all``: one number for all of them.
    """

    positional: ClassVar[tuple[str, ...]] = ("low", "high")
    needs: ClassVar[tuple[Need, ...]] = ("extremes",)
    low: float = 0.0
    high: float = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise wrong_value(expected="low below high", cause="the ends are swapped or equal", fix="exchange low and high")
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(low=-1.0, high=1.0), cls(per="all")]

    def _numbers(self, seen: Accumulator) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        smallest = seen.extremes.low
        spread = (seen.extremes.high - smallest) / (self.high - self.low)
        return smallest - self.low * np.where(spread > 0, spread, 1.0), spread


@register("max_abs")
class MaxAbs(Stretch):
    """The number farthest from zero becomes 1 or -1; zero stays zero (as scikit-learn's MaxAbsScaler).

    Attributes:
        per: ``feature``: each feature or channel has numbers of its own. ``all``: one number for all of them.
    """

    needs: ClassVar[tuple[Need, ...]] = ("extremes",)

    def _numbers(self, seen: Accumulator) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        farthest = np.maximum(np.abs(seen.extremes.low), np.abs(seen.extremes.high))
        return np.zeros_like(farthest), farthest


@register("robust")
class Robust(Stretch):
    """Median 0 and a distance of 1 between the quartiles: outliers don't set the scale.

    Quantiles are exact while a feature has few different values (131,072 of up to 64 features); beyond that they are counted
    in buckets, with a warning where that could be off by more than 1 % of the values.

    Attributes:
        per: ``feature``: each feature or channel has numbers of its own. ``all``: one number for all of them.
    """

    needs: ClassVar[tuple[Need, ...]] = ("ranks",)

    def _numbers(self, seen: Accumulator) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        low, middle, high = np.stack([ranks.quantiles([0.25, 0.5, 0.75]) for ranks in seen.ranks], axis=1)
        return middle, high - low


@register("scale")
class Scale(Normalizer):
    """``(x - offset) * factor``, the same for all numbers; nothing is fitted. Pixels from 0 to 255: ``factor: 0.00392156862745098``.

    Attributes:
        factor: What the difference is multiplied by.
        offset: What is subtracted before.
    """

    positional: ClassVar[tuple[str, ...]] = ("factor", "offset")
    factor: Positive
    offset: float = 0.0

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(factor=1 / 255), cls(factor=2.0, offset=0.5)]

    def fitted(self, seen: Accumulator) -> Fitted:
        import numpy as np

        from lamina.data.normalizers.fitted import Linear

        return Linear(np.asarray(self.offset), np.asarray(self.factor))
