"""Contract suite of shapes: what each kind must say of itself."""

from __future__ import annotations

import math

from lamina.shapes import Array, Bundle, Shape, batch_shape
from lamina.testing.promises import check_round_trips, promise


def check_shape(shape: Shape) -> None:
    """Run the whole contract on one description.

    Raises:
        AssertionError: Naming the promise that is broken.

    Example:
        >>> from lamina.shapes import image
        >>> check_shape(image(1, 8, 8))
    """
    check_round_trips(shape)
    if isinstance(shape, Bundle):
        promise(all(str(item) in str(shape) for item in shape.items), "it prints what it holds")
        return
    if isinstance(shape, Array) and shape.sizes is None:
        promise(shape.matches(()) and shape.matches((2, 3)), "an array of any rank matches all")
        return
    real = batch_shape(shape, 3, unknown=7)[1:]
    promise(len(shape.axes) in (0, len(shape.dims)) and len(shape.dims) == len(real), "every axis has a size, and all or none have names")
    promise(not shape.has_steps or shape.dims[0] == shape.to_dict(full=True)["steps"], "steps come first")
    promise(shape.matches(real), "arrays of its sizes match")
    promise(not shape.matches((*real, 2)) and not shape.matches(real[:-1]), "arrays of another rank don't")
    for place, size in enumerate(shape.dims):
        other = (*real[:place], real[place] + 1, *real[place + 1 :])
        promise(shape.matches(other) == (size is None), "another size matches only where it comes from the data")
    promise(shape.agrees(shape), "it agrees with itself")
    promise(shape.size == (None if None in shape.dims else math.prod(real)), "size is the product of its axes, None if one is unknown")
    promise(shape.dtype in ("float", "int"), "it holds numbers, or whole numbers")
    promise(str(shape).startswith("[batch, "), "it prints as messages write it")
