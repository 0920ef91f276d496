"""Whole arrays scaled in pieces that stay near the processor: the same numbers in less time and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lamina.data.normalizers import Fitted

BLOCK = 1 << 17
"""Numbers in a piece."""


def scaled(array: np.ndarray, fitted: Fitted | None, dtype: str) -> np.ndarray:
    """Whole numbers as floats, scaled: what ``fitted.apply(array.astype(dtype))`` gives, whose temporary arrays are never large.

    Args:
        array: ``[samples, ...]``, whole numbers.
        fitted: The scale; None: values stay as they are.
        dtype: Of the result.

    Example:
        >>> from lamina.data.normalizers import Scale
        >>> scaled(np.array([[0, 255]], dtype=np.uint8), Scale(1 / 255).fit(np.zeros((1, 2))), "float32").tolist()
        [[0.0, 1.0]]
    """
    found = np.empty(array.shape, dtype)
    rows = max(1, BLOCK // max(1, array[:1].size))
    for start in range(0, len(array), rows):
        part = array[start : start + rows]
        found[start : start + rows] = part if fitted is None else fitted.apply(part.astype(dtype))
    return found
