"""Arrays as files have them, brought into the axes in which samples are learned from."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from lamina.data.lazy import LazyArray, Mapped, Samples

if TYPE_CHECKING:
    from lamina.data.formats.array_files import First
    from lamina.data.schema import TargetKind
    from lamina.shapes import Shape


def shaped(array: Samples, shape: Shape | None, channels: First) -> Samples:
    """An input with its channels in front, and with the axes of a shape where they follow without a doubt.

    Args:
        array: Samples first.
        shape: Of one sample, if it is said. An axis of one channel is added, flat rows are folded in the order of the axes.
        channels: Where they are in images and volumes.

    Example:
        >>> from lamina.shapes import image
        >>> shaped(np.zeros((5, 16)), image(1, 4, 4), "first").shape, shaped(np.zeros((5, 8, 6, 3)), None, "last").shape
        ((5, 1, 4, 4), (5, 3, 8, 6))
    """
    if channels == "last" and array.ndim >= 4:
        array = _mapped(array, lambda values: np.ascontiguousarray(np.moveaxis(values, -1, 1)), (array.shape[-1], *array.shape[1:-1]))
    own = array.shape[1:]
    if shape is None:
        return _mapped(array, lambda values: values[:, None], (1,)) if array.ndim == 1 else array
    dims = tuple(size for size in shape.dims if size is not None)
    known = len(dims) == len(shape.dims)
    if not known or shape.matches(own):
        return array
    channel = dims[0] == 1 and dims[1:] == own
    flat = len(own) == 1 and int(np.prod(dims)) == own[0]
    if not channel and not flat:
        return array
    return _mapped(array, lambda values: values.reshape(len(values), *dims), dims)


def target_like(array: Samples, kind: TargetKind | None, *, named: bool) -> tuple[Samples, tuple[str, ...] | None]:
    """A target as one value for each sample, where it is a column; and the names of classes that aren't counted from 0.

    Args:
        array: Samples first.
        kind: What it is, if that is said.
        named: Whether numbers of classes that don't begin at 0 may become their names; not where the classes have names already.

    Example:
        >>> target_like(np.array([[10.0], [2.0], [10.0]]), "classes", named=True)
        (array([1, 0, 1]), ('2', '10'))
    """
    classes = kind == "classes" or (kind is None and array.dtype.kind in "biuUS")
    if not classes:
        return array, None
    if array.ndim == 2 and array.shape[1] == 1:
        array = np.asarray(array)[:, 0]
    if array.ndim != 1:
        return array, None
    values = np.asarray(array)
    if values.dtype.kind == "f" and len(values) and bool((values == np.floor(values)).all()) and np.abs(values).max() < 2**53:
        values = values.astype(np.int64)
    if named and values.dtype.kind in "iu" and len(values) and values.min() != 0:
        different, numbers = np.unique(values, return_inverse=True)
        return numbers, tuple(map(str, different.tolist()))
    return values, None


def _mapped(array: Samples, function: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...]) -> Samples:
    return Mapped(array, function, shape) if isinstance(array, LazyArray) else function(array)
