"""Which samples make each batch of a pass over the data: a function of (seed, pass) alone, known for any batch at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lamina.data.order import permutation
from lamina.data.orders import Order, Straight, Through, ordered, shuffled

if TYPE_CHECKING:
    from lamina.data.sampling.sampling import Drawing

AHEAD = 4096
"""Places whose samples are looked up at once."""


@dataclass(frozen=True)
class Portion:
    """The samples of a batch.

    Attributes:
        number: Of the pass.
        samples: Their numbers.
        turns: Which time in this pass each is fed; None if all are fed for the first time.
        whole: How many samples the batch has, of which these may be a share.
    """

    number: int
    samples: np.ndarray
    turns: np.ndarray | None = None
    whole: int = 0

    def share(self, rank: int, count: int) -> Portion:
        """Every ``count``-th sample of it, from the ``rank``-th on: perhaps none.

        Example:
            >>> Portion(0, np.arange(5)).share(1, 3)
            Portion(number=0, samples=array([1, 4]), turns=None, whole=5)
        """
        own = slice(rank, None, count)
        return Portion(self.number, self.samples[own], None if self.turns is None else self.turns[own], len(self.samples))


class Passes:
    """The batches of every pass over some data.

    Args:
        count: Samples there are.
        batch_size: Samples in a batch.
        seed: Of the orders.
        shuffle: Whether each pass has a random order.
        drop_last: Leave out the last batch of a pass if it is smaller.
        shard: Which part of how many.
        drawing: What a pass consists of; None: every sample once.
        lengths: Steps of each sample, where samples of like lengths shall be together.
        window: Batches that are sorted by length together.
        turns: Whether anybody wants to know which time a sample is fed.
    """

    def __init__(
        self,
        count: int,
        batch_size: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        drop_last: bool = False,
        shard: tuple[int, int] = (0, 1),
        drawing: Drawing | None = None,
        lengths: np.ndarray | None = None,
        window: int = 1,
        turns: bool = True,
    ) -> None:
        self.count = count if drawing is None else drawing.size
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self.shard = shard
        self.drawing = drawing
        self.lengths = lengths
        self.window = window * batch_size
        self.turns = turns
        self.mixes = shuffle or drawing is not None
        rank, parts = shard
        # Of a random order every so many-th place; of the order of the data a stretch, which is read faster.
        self.size = len(range(rank, self.count, parts)) if self.mixes else (rank + 1) * self.count // parts - rank * self.count // parts
        self.batches = self.size // batch_size if drop_last else -(-self.size // batch_size)
        self._last: tuple[int, Order] | None = None

    def order(self, number: int) -> Order:
        """The samples of a pass by place, those of all shards."""
        if self._last is None or self._last[0] != number:
            self._last = number, self._made(number)
        return self._last[1]

    def _made(self, number: int) -> Order:
        drawn = None if self.drawing is None else self.drawing.epoch(number)
        if not self.shuffle:
            return Straight(self.count) if drawn is None else ordered(drawn)
        mixed = shuffled(self.count, self.seed, "order", number)
        return mixed if drawn is None else Through(drawn, mixed)

    def places(self, start: int, stop: int) -> np.ndarray:
        """Where in the order of all the places of this shard are."""
        rank, parts = self.shard
        own = np.arange(start, stop)
        return rank + parts * own if self.mixes else rank * self.count // parts + own

    def whole(self, number: int) -> np.ndarray:
        """The samples of a pass in the order in which they are fed."""
        if self.lengths is None:
            return self.order(number).at(self.places(0, self.size))
        return np.concatenate([portion.samples for portion in self.portions(number, 0)][: self.batches] or [np.zeros(0, np.int64)])

    def portions(self, number: int, first: int) -> Iterator[Portion]:
        """The batches of a pass from the ``first`` on."""
        size = self.window if self.lengths is not None else max(1, AHEAD // self.batch_size) * self.batch_size
        end = min(self.size, self.batches * self.batch_size)
        order = self.order(number)
        for start in range(first * self.batch_size // size * size, end, size):
            places = self.places(start, min(start + size, self.size))
            samples, turns = order.at(places), order.turns(places) if order.repeats and self.turns else None
            cuts = self._cuts(number, start // size, samples)
            for begin in range(max(0, first - start // self.batch_size), min(len(cuts), self.batches - start // self.batch_size)):
                chosen = cuts[begin]
                yield Portion(number, samples[chosen], None if turns is None else turns[chosen])

    def _cuts(self, number: int, window: int, samples: np.ndarray) -> list[np.ndarray] | list[slice]:
        """The places of each batch among some samples."""
        size = self.batch_size
        if self.lengths is None:
            return [slice(start, start + size) for start in range(0, len(samples), size)]
        full = len(samples) // size
        # What makes no full batch is left as it came: after sorting it would be the longest ones, and drop_last would drop those.
        sorting = np.argsort(self.lengths[samples[: full * size]], kind="stable")
        cuts = list(sorting.reshape(full, size))
        if self.shuffle:
            cuts = [cuts[place] for place in permutation(full, self.seed, "buckets", number, window)]
        return cuts + ([np.arange(full * size, len(samples))] if len(samples) > full * size else [])
