"""Means of columns that are learned: exact, so that they are the same whatever the rows are cut into and whatever runs the pipeline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lamina.data.pipeline.frames.frame import Frame


def exact_means(frame: Frame, names: Sequence[str]) -> dict[str, float | None]:
    """The mean of the values that are there, rounded once; NaN if one is NaN or infinite, None if there are none.

    Args:
        frame: The rows; gone through once, never all in memory.
        names: Columns of numbers or truths.

    Example:
        >>> import polars as pl
        >>> from lamina.data.pipeline.frames.polars import PolarsFrame
        >>> exact_means(PolarsFrame(pl.DataFrame({"a": [1e17, 1.0, -1e17, None]})), ["a"])
        {'a': 0.3333333333333333}
    """
    import numpy as np
    import polars as pl

    from lamina.data.statistics.moments import Moments

    seen = {name: Moments() for name in names}
    odd: set[str] = set()
    for batch in frame.select(names).batches():
        for name, moments in seen.items():
            values: Any = batch[name].drop_nulls().cast(pl.Float64).to_numpy()
            if name in odd or not np.isfinite(values).all():
                odd.add(name)
            elif len(values):
                moments.add(values[:, None])
    return {name: math.nan if name in odd else float(own.mean()[0]) if own.count else None for name, own in seen.items()}
