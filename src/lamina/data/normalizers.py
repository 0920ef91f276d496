"""How numbers are brought to a common scale: fitted in float64 on the training part alone, kept with the model, inverted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import model_validator

from lamina.errors import DataError
from lamina.spec import Description, register, wrong_value
from lamina.spec.fields import Positive

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Fitted:
    """A normalizer with its numbers: ``(x - offset) * factor``, along one axis of a sample.

    Attributes:
        offset: What is subtracted, float64, one number or one for each place on the axis.
        factor: What the difference is multiplied by.
        axis: Of the array the numbers run along; None for one number for all.
    """

    offset: np.ndarray
    factor: np.ndarray
    axis: int | None = field(default=None)

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Scaled values, computed in float64 and given back in the type of ``array`` (float64 for whole numbers)."""
        import numpy as np

        scaled: np.ndarray = (array - self._along(self.offset, array)) * self._along(self.factor, array)
        return scaled.astype(array.dtype if array.dtype.kind == "f" else np.float64, copy=False)

    def invert(self, array: np.ndarray) -> np.ndarray:
        """What `apply` was given."""
        import numpy as np

        values: np.ndarray = array / self._along(self.factor, array) + self._along(self.offset, array)
        return values.astype(array.dtype if array.dtype.kind == "f" else np.float64, copy=False)

    def _along(self, numbers: np.ndarray, array: np.ndarray) -> np.ndarray:
        if self.axis is None:
            return numbers
        shape = [1] * array.ndim
        shape[self.axis] = -1
        return numbers.reshape(shape)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The numbers, for the archive."""
        import numpy as np

        return {"offset": self.offset, "factor": self.factor, "axis": np.asarray(-99 if self.axis is None else self.axis)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """What `to_arrays` gave."""
        axis = int(arrays["axis"])
        return cls(arrays["offset"], arrays["factor"], None if axis == -99 else axis)


class Normalizer(Description, family="normalizer"):
    """Base of all normalizers.

    Vectors and sequences are scaled feature by feature, images and volumes channel by channel. A feature that never changes is
    only shifted, since there is nothing to scale it by.
    """

    def fit(self, array: np.ndarray, axis: int | None = None) -> Fitted:
        """Find the numbers in the training part.

        Args:
            array: ``[samples, ...]``; NaN is not allowed.
            axis: Along which features or channels lie; None: right after the samples in images and volumes, last in all else.

        Raises:
            DataError: DA012, if there is nothing to fit to.
        """
        import numpy as np

        if array.size == 0 or array.ndim < 2:
            raise DataError(
                "DA012",
                where=f"normalizer {self.type_name!r}",
                expected="samples with at least one axis of numbers",
                got=f"an array {list(array.shape)}",
                cause="there is nothing to fit to",
                fix="leave normalize out",
            )
        # Channels of images and volumes come right after the samples; features of vectors and sequences come last.
        if axis is None:
            axis = 1 if array.ndim >= 4 else array.ndim - 1
        rows = np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis]).astype(np.float64)
        offset, spread = self._numbers(rows)
        return Fitted(offset, 1.0 / np.where(spread > 0, spread, 1.0), axis)

    def _numbers(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Offset and spread of each column, float64."""
        raise NotImplementedError(type(self).__name__)


def _spread(values: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Spreads, with 0 in place of what is only rounding: a constant 0.1 has a computed deviation of about 1e-17."""
    import numpy as np

    return np.where(values <= 10 * np.finfo(np.float64).eps * scale, 0.0, values)


@register("standardize")
class Standardize(Normalizer):
    """Mean 0 and standard deviation 1 (of the population, as scikit-learn's StandardScaler)."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]

    def _numbers(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        # The second pass takes what the rounded mean left over; so large offsets cost no digits.
        mean = rows.mean(axis=0)
        mean = mean + (rows - mean).mean(axis=0)
        return mean, _spread(np.sqrt(((rows - mean) ** 2).mean(axis=0)), np.abs(mean))


@register("min_max")
class MinMax(Normalizer):
    """The smallest value of the training part becomes ``low``, the largest ``high``.

    Attributes:
        low: Lower end.
        high: Upper end.
    """

    positional: ClassVar[tuple[str, ...]] = ("low", "high")
    low: float = 0.0
    high: float = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise wrong_value(expected="low below high", cause="the ends are swapped or equal", fix="exchange low and high")
        return self

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls(low=-1.0, high=1.0)]

    def _numbers(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        smallest = rows.min(axis=0)
        spread = (rows.max(axis=0) - smallest) / (self.high - self.low)
        import numpy as np

        return smallest - self.low * np.where(spread > 0, spread, 1.0), spread


@register("robust")
class Robust(Normalizer):
    """Median 0 and a distance of 1 between the quartiles: outliers don't set the scale."""

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls()]

    def _numbers(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        import numpy as np

        low, middle, high = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
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

    def fit(self, array: np.ndarray, axis: int | None = None) -> Fitted:
        import numpy as np

        return Fitted(np.asarray(self.offset), np.asarray(self.factor))
