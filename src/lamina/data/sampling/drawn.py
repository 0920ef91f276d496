"""The samples that weights draw, by place."""

from __future__ import annotations

import numpy as np

from lamina.data.order import mixed
from lamina.data.orders import Order
from lamina.engine.randomness import derive


class Drawn(Order):
    """One point on each of equal pieces of the weights laid end to end; a sample has the points that fall on it.

    Args:
        ends: Running sum of the weights.
        last: The last sample whose weight is above 0.
        size: Pieces.
        seed: Of the draw.
        epoch: For which it is.
        layout: Number of the sample at each place of ``ends``; None: they lie in the order of the data.
    """

    repeats = True

    def __init__(self, ends: np.ndarray, last: int, size: int, seed: int, epoch: int, layout: np.ndarray | None = None) -> None:
        self.size = size
        self._ends, self._last, self._step = ends, last, float(ends[-1]) / size
        self._layout = layout
        self._base = derive(seed, "sampling", epoch)

    def at(self, places: np.ndarray) -> np.ndarray:
        found = self._hit(places)
        return found if self._layout is None else self._layout[found]

    def _hit(self, places: np.ndarray) -> np.ndarray:
        """Where the points of some places fall."""
        inside = mixed(self._base, places).astype(np.float64) / 2.0**64
        points = (np.asarray(places) + inside) * self._step
        # Rounding may put the very last point past the end.
        found: np.ndarray = np.minimum(np.searchsorted(self._ends, points, side="right"), self._last)
        return found

    def turns(self, places: np.ndarray) -> np.ndarray:
        places = np.asarray(places, dtype=np.int64)
        samples = self._hit(places)
        begins = np.where(samples > 0, self._ends[samples - 1], 0.0)
        first = np.clip(np.floor(begins / self._step).astype(np.int64), 0, self.size - 1)
        # The point of the piece in which a sample begins may still fall on the sample before it.
        first += self._hit(first) < samples
        return np.maximum(places - first, 0)
