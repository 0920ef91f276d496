"""What a fitted normalizer does to numbers, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.errors import DataError

if TYPE_CHECKING:
    import numpy as np

NO_AXIS = -99
"""How the archive writes that there is no axis."""
_BLOCK = 1 << 18
"""Numbers computed at once, so that a large set of images never exists in float64."""
_KINDS: dict[str, type[Fitted]] = {}


class Fitted:
    """A normalizer with its numbers.

    All are computed in float64 and given back in the type that was given (float64 for whole numbers). `apply` and `invert`
    take one column (``[rows]``) as well as samples, and each number for itself, so that parts give the same as the whole.

    Attributes:
        axis: Of the array the numbers run along; None for one number for all.
    """

    kind: ClassVar[str] = ""
    """What the archive calls it."""
    axis: int | None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.kind:
            _KINDS[cls.kind] = cls

    def apply(self, array: np.ndarray) -> np.ndarray:
        """Scaled values.

        Raises:
            DataError: DA171, for a number that can't be scaled, such as one that has no logarithm.
        """
        return self._in_blocks(self._apply, array)

    def invert(self, array: np.ndarray) -> np.ndarray:
        """What `apply` was given."""
        return self._in_blocks(self._invert, array)

    def _apply(self, array: np.ndarray) -> np.ndarray:
        """Scaled values of float64 numbers."""
        raise NotImplementedError(type(self).__name__)

    def _invert(self, array: np.ndarray) -> np.ndarray:
        raise NotImplementedError(type(self).__name__)

    def _in_blocks(self, function: Callable[[np.ndarray], np.ndarray], array: np.ndarray) -> np.ndarray:
        import numpy as np

        dtype = array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)
        rows = max(1, _BLOCK // max(1, array[:1].size)) if array.ndim else 1
        if array.ndim == 0 or len(array) <= rows:
            return function(array.astype(np.float64, copy=False)).astype(dtype, copy=False)
        result = np.empty(array.shape, dtype)
        for start in range(0, len(array), rows):
            result[start : start + rows] = function(array[start : start + rows].astype(np.float64, copy=False))
        return result

    def at(self, places: np.ndarray) -> Fitted | None:
        """The same for rows of which some places are left; None, if that can't be told apart.

        Args:
            places: Of rows ``[rows, places]``, ascending.
        """
        return None

    def _along(self, numbers: np.ndarray, array: np.ndarray) -> np.ndarray:
        """Numbers shaped so that they run along the axis of an array."""
        if self.axis is None or numbers.ndim == 0:
            return numbers
        shape = [1] * array.ndim
        shape[self.axis] = -1
        return numbers.reshape(shape)

    # -- the archive ----------------------------------------------------------------------------------------------------

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The numbers, for the archive."""
        return {"kind": word(self.kind), **self._numbers()}

    def _numbers(self) -> dict[str, np.ndarray]:
        raise NotImplementedError(type(self).__name__)

    @classmethod
    def _from_numbers(cls, numbers: Numbers) -> Fitted:
        raise NotImplementedError(cls.__name__)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Fitted:
        """What `to_arrays` gave.

        Raises:
            ValueError: If it isn't: numbers are missing, of another type, not finite, or too many.
        """
        import lamina.data.normalizers.curves  # noqa: F401 (makes its kinds known)

        numbers = Numbers(arrays)
        kind = numbers.word("kind") if "kind" in arrays else Linear.kind
        if kind not in _KINDS:
            message = f"no normalizer is called {kind[:40]!r}"
            raise ValueError(message)
        return _KINDS[kind]._from_numbers(numbers)

    def check(self, dims: Sequence[int | None]) -> None:
        """See that the numbers fit samples of these sizes.

        Raises:
            ValueError: If they don't.
        """
        if self.axis is None:
            width: int | None = 1
        elif 1 <= self.axis <= len(dims):
            width = dims[self.axis - 1]
        else:
            message = f"axis {self.axis} of samples with {len(dims)} axes"
            raise ValueError(message)
        if width is not None and self.width is not None and self.width != width:
            message = f"{self.width} numbers along axis {self.axis}, which do not scale {list(dims)}"
            raise ValueError(message)

    @property
    def width(self) -> int | None:
        """How many numbers there are along the axis; None if that doesn't matter."""
        raise NotImplementedError(type(self).__name__)


@dataclass(frozen=True)
class Linear(Fitted):
    """``(x - offset) * factor``.

    Attributes:
        offset: What is subtracted, float64, one number or one for each place on the axis.
        factor: What the difference is multiplied by.
        axis: Of the array the numbers run along; None for one number for all.

    Example:
        >>> import numpy as np
        >>> Linear(np.array([1.0, 2.0]), np.array([1.0, 10.0]), 1).apply(np.array([[2.0, 2.5]])).tolist()
        [[1.0, 5.0]]
    """

    kind: ClassVar[str] = "linear"
    offset: np.ndarray
    factor: np.ndarray
    axis: int | None = field(default=None)

    @property
    def width(self) -> int | None:
        return int(self.offset.size)

    def _apply(self, array: np.ndarray) -> np.ndarray:
        scaled: np.ndarray = (array - self._along(self.offset, array)) * self._along(self.factor, array)
        return scaled

    def _invert(self, array: np.ndarray) -> np.ndarray:
        values: np.ndarray = array / self._along(self.factor, array) + self._along(self.offset, array)
        return values

    def at(self, places: np.ndarray) -> Fitted | None:
        if self.axis is None:
            return self
        return Linear(self.offset[places], self.factor[places], 1) if self.axis == 1 else None

    def to_arrays(self) -> dict[str, np.ndarray]:
        # As the first version of the archive did, which knew no other kind.
        return {"offset": self.offset, "factor": self.factor, "axis": whole(NO_AXIS if self.axis is None else self.axis)}

    @classmethod
    def _from_numbers(cls, numbers: Numbers) -> Fitted:
        axis = numbers.axis()
        offset, factor = numbers.floats("offset", axis), numbers.floats("factor", axis)
        if offset.shape != factor.shape or not factor.all():
            message = f"{list(offset.shape)} offsets and {list(factor.shape)} factors, none of them 0"
            raise ValueError(message)
        return cls(offset, factor, axis)


@dataclass(frozen=True)
class Difference(Fitted):
    """``(x - offset) * factor`` with a number of its own for every place of a sample, such as a mean image.

    Attributes:
        offset: What is subtracted, float64, in the shape of a sample.
        factor: What the difference is multiplied by.

    Example:
        >>> import numpy as np
        >>> Difference(np.array([[1.0, 2.0]]), 0.5).apply(np.array([[[3.0, 2.0]]])).tolist()
        [[[1.0, 0.0]]]
    """

    kind: ClassVar[str] = "difference"
    offset: np.ndarray
    factor: float = 1.0

    @property
    def axis(self) -> int | None:  # type: ignore[override]
        """Nothing runs along one axis."""
        return None

    @property
    def width(self) -> int | None:
        return None

    def check(self, dims: Sequence[int | None]) -> None:
        if list(self.offset.shape) != list(dims):
            message = f"a number for each place of {list(self.offset.shape)}, which do not scale {list(dims)}"
            raise ValueError(message)

    def _apply(self, array: np.ndarray) -> np.ndarray:
        scaled: np.ndarray = (array - self.offset) * self.factor
        return scaled

    def _invert(self, array: np.ndarray) -> np.ndarray:
        values: np.ndarray = array / self.factor + self.offset
        return values

    def _numbers(self) -> dict[str, np.ndarray]:
        import numpy as np

        return {"offset": self.offset, "factor": np.array([self.factor])}

    @classmethod
    def _from_numbers(cls, numbers: Numbers) -> Fitted:
        offset = numbers.floats("offset", 1, numbers.arrays["offset"].ndim)
        factor = float(numbers.floats("factor", None)[0])
        if factor == 0 or not 1 <= offset.ndim <= 8:
            message = f"numbers along {offset.ndim} axes, times {factor:g}"
            raise ValueError(message)
        return cls(offset, factor)


@dataclass(frozen=True)
class Parts(Fitted):
    """Other numbers, or none, for some places on the last axis: the columns of a table, each by its own normalizer.

    Attributes:
        places: For each part, the places it scales; all others stay as they are.
        parts: How it scales them.
        count: Places in all.
    """

    kind: ClassVar[str] = "parts"
    places: tuple[np.ndarray, ...]
    parts: tuple[Fitted, ...]
    count: int

    @property
    def axis(self) -> int | None:  # type: ignore[override]
        """Nothing runs along one axis."""
        return None

    @property
    def width(self) -> int | None:
        return None

    def check(self, dims: Sequence[int | None]) -> None:
        if not dims or dims[-1] not in (None, self.count):
            message = f"{self.count} columns, which are not those of {list(dims)}"
            raise ValueError(message)
        for places, part in zip(self.places, self.parts, strict=True):
            part.check((*dims[:-1], len(places)))

    def at(self, places: np.ndarray) -> Fitted | None:
        import numpy as np

        chosen, parts = [], []
        for own, part in zip(self.places, self.parts, strict=True):
            kept = np.isin(own, places)
            if not kept.any():
                continue
            left = part if kept.all() else part.at(np.flatnonzero(kept))
            if left is None:
                return None
            chosen.append(np.searchsorted(places, own[kept]))
            parts.append(left)
        return Parts(tuple(chosen), tuple(parts), len(places))

    def _apply(self, array: np.ndarray) -> np.ndarray:
        return self._each(array, lambda part, columns: part._apply(columns))

    def _invert(self, array: np.ndarray) -> np.ndarray:
        return self._each(array, lambda part, columns: part._invert(columns))

    def _each(self, array: np.ndarray, function: Callable[[Fitted, np.ndarray], np.ndarray]) -> np.ndarray:
        result = array.copy()
        for places, part in zip(self.places, self.parts, strict=True):
            result[..., places] = function(part, array[..., places])
        return result

    def _numbers(self) -> dict[str, np.ndarray]:
        found = {"count": whole(self.count), "parts": whole(len(self.parts))}
        for i, (places, part) in enumerate(zip(self.places, self.parts, strict=True)):
            found |= {f"{i}/places": places, **{f"{i}/{name}": array for name, array in part.to_arrays().items()}}
        return found

    @classmethod
    def _from_numbers(cls, numbers: Numbers) -> Fitted:
        count, many = numbers.whole("count", 0, 1 << 24), numbers.whole("parts", 0, 1 << 20)
        places, parts = [], []
        for i in range(many):
            inner = numbers.below(f"{i}/")
            chosen = inner.places(count)
            part = Fitted.from_arrays(inner.arrays)
            if isinstance(part, Parts):
                message = "parts within parts"
                raise ValueError(message)  # noqa: TRY004 (an archive's fault, whatever it is)
            places.append(chosen)
            parts.append(part)
        return cls(tuple(places), tuple(parts), count)


class Numbers:
    """Arrays of an archive, read with suspicion.

    Attributes:
        arrays: By name.
    """

    MOST = 1 << 26

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self.arrays = arrays

    def below(self, prefix: str) -> Numbers:
        """Those whose names begin so, without that."""
        return Numbers({name.removeprefix(prefix): array for name, array in self.arrays.items() if name.startswith(prefix)})

    def whole(self, name: str, low: int, high: int) -> int:
        """One whole number."""
        array = self.arrays[name]
        if array.size != 1 or array.dtype.kind not in "iu" or not low <= int(array.reshape(())) <= high:
            message = f"{name}: a whole number from {low} to {high}"
            raise ValueError(message)
        return int(array.reshape(()))

    def axis(self) -> int | None:
        """The axis, if there is one."""
        axis = self.whole("axis", NO_AXIS, 16)
        if axis == NO_AXIS:
            return None
        if axis < 0:
            message = f"axis {axis}"
            raise ValueError(message)
        return axis

    def floats(self, name: str, axis: int | None, ndim: int = 1) -> np.ndarray:
        """Finite float64 numbers: one along an axis for each place, else one alone (``ndim`` counts the axes along it)."""
        import numpy as np

        array = self.arrays[name]
        alone = ndim == 1 and axis is None and array.size == 1
        if array.dtype != np.float64 or array.size > self.MOST or not (alone or array.ndim == ndim) or not np.isfinite(array).all():
            message = f"{name}: finite float64 numbers along {ndim} axes, not {array.dtype} {list(array.shape)}"
            raise ValueError(message)
        if axis is None and array.shape[-1:] not in ((), (1,)):
            message = f"{name}: {list(array.shape)} numbers without an axis"
            raise ValueError(message)
        return array

    def places(self, count: int) -> np.ndarray:
        """Ascending places below ``count``."""
        array = self.arrays["places"]
        right = array.ndim == 1 and array.dtype.kind == "i" and array.size <= count
        if not right or (array.size and (int(array.min()) < 0 or int(array.max()) >= count or bool((array[1:] <= array[:-1]).any()))):
            message = f"places: ascending whole numbers below {count}"
            raise ValueError(message)
        return array

    def word(self, name: str) -> str:
        """A short ASCII word."""
        array = self.arrays[name]
        if array.ndim != 1 or array.dtype.kind != "u" or array.dtype.itemsize != 1 or array.size > 64:
            message = f"{name}: a word"
            raise ValueError(message)
        return bytes(array.tolist()).decode("ascii")


def word(text: str) -> np.ndarray:
    """A word as bytes, for the archive."""
    import numpy as np

    return np.frombuffer(text.encode("ascii"), np.uint8).copy()


def whole(number: int) -> np.ndarray:
    """A whole number, for the archive."""
    import numpy as np

    return np.asarray(number)


def unscalable(array: np.ndarray, wrong: np.ndarray, expected: str, fix: str) -> DataError:
    """The error for numbers that a normalizer can't take."""
    import numpy as np

    place = tuple(int(axis[0]) for axis in np.nonzero(wrong))
    spot = f"sample {place[0]}" + (f", at {list(place[1:])}" if len(place) > 1 else "") if place else "the number"
    return DataError(
        "DA171",
        where=spot,
        expected=expected,
        got=f"{array[place]}" + (f" ({int(wrong.sum())} such values)" if wrong.sum() > 1 else ""),
        cause="the numbers have another meaning than those it was fitted to, or this normalizer doesn't suit them",
        fix=fix,
    )


def iterate_blocks(array: Any, size: int = 1 << 20) -> Iterator[tuple[slice, np.ndarray]]:
    """Samples of an array, a memory map or a lazy array, some at a time; about ``size`` numbers each."""
    import numpy as np

    shape = array.shape
    each = 1
    for dim in shape[1:]:
        each *= dim
    step = max(1, size // max(1, each))
    for start in range(0, shape[0], step):
        part = slice(start, min(start + step, shape[0]))
        yield part, np.asarray(array[part])
