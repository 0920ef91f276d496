"""Which sample stands at which place of an epoch: known for any place without going through those before it."""

from __future__ import annotations

import numpy as np

from lamina.data.order import mixed, permutation
from lamina.engine.randomness import derive

LARGEST_SORTED = 1 << 22
"""Up to so many places a random order is drawn as a whole; of more, place by place, so that the first is known as soon as the last."""
_ROUNDS = 8


class Order:
    """The samples of an epoch, by place.

    Attributes:
        size: Places there are.
        repeats: Whether a sample may stand at several places.
    """

    size: int
    repeats: bool = False

    def at(self, places: np.ndarray) -> np.ndarray:
        """Numbers of the samples at some places (int64)."""
        raise NotImplementedError(type(self).__name__)

    def turns(self, places: np.ndarray) -> np.ndarray:
        """Which time, from 0, the sample at each of some places is fed in this epoch."""
        return np.zeros(len(places), dtype=np.int64)

    def __len__(self) -> int:
        return self.size

    def whole(self) -> np.ndarray:
        """The samples at all places."""
        return self.at(np.arange(self.size))


class Straight(Order):
    """The samples as the data have them."""

    def __init__(self, size: int) -> None:
        self.size = size

    def at(self, places: np.ndarray) -> np.ndarray:
        return np.asarray(places, dtype=np.int64)


class Listed(Order):
    """An order that is written down.

    Args:
        samples: Number of the sample at each place.
        turns: Which time it is fed, where some are fed more than once.
    """

    def __init__(self, samples: np.ndarray, turns: np.ndarray | None = None) -> None:
        self.size, self._samples, self._turns = len(samples), samples, turns
        self.repeats = turns is not None

    def at(self, places: np.ndarray) -> np.ndarray:
        found: np.ndarray = self._samples[places]
        return found

    def turns(self, places: np.ndarray) -> np.ndarray:
        return super().turns(places) if self._turns is None else self._turns[places]


class Scattered(Order):
    """A random order of very many samples, of which any place can be asked for at once.

    A Feistel network over the next power of four, with `mix` as its round function, is a bijection; what it sends outside is sent
    on until it is inside ("cycle walking": Black and Rogaway 2002), which leaves a bijection of what is inside.

    Args:
        size: How many.
        seed: With ``purpose``, the address of the order.
        purpose: What it is for.

    Example:
        >>> sorted(Scattered(5, 7, "order", 0).whole().tolist())
        [0, 1, 2, 3, 4]
    """

    def __init__(self, size: int, seed: int, *purpose: str | int) -> None:
        self.size = size
        self._half = max(1, ((size - 1).bit_length() + 1) // 2)
        self._keys = [derive(seed, "scattered", number, *purpose) for number in range(_ROUNDS)]

    def at(self, places: np.ndarray) -> np.ndarray:
        found = self._sent(np.asarray(places).astype(np.uint64))
        while True:
            outside = np.flatnonzero(found >= np.uint64(self.size))
            if not len(outside):
                return found.astype(np.int64)
            found[outside] = self._sent(found[outside])

    def _sent(self, values: np.ndarray) -> np.ndarray:
        bits, mask = np.uint64(self._half), np.uint64((1 << self._half) - 1)
        left, right = values >> bits, values & mask
        for key in self._keys:
            left, right = right, left ^ (mixed(key, right) & mask)
        return (left << bits) | right


class Through(Order):
    """An order of the places of another one.

    Args:
        inner: The other one.
        outer: At each place, the place in it.
    """

    def __init__(self, inner: Order, outer: Order) -> None:
        self.size, self.repeats, self._inner, self._outer = outer.size, inner.repeats, inner, outer

    def at(self, places: np.ndarray) -> np.ndarray:
        return self._inner.at(self._outer.at(places))

    def turns(self, places: np.ndarray) -> np.ndarray:
        return self._inner.turns(self._outer.at(places))


def shuffled(size: int, seed: int, *purpose: str | int) -> Order:
    """A random order, a function of the address alone."""
    return Listed(permutation(size, seed, *purpose)) if size <= LARGEST_SORTED else Scattered(size, seed, *purpose)


def ordered(order: Order) -> Order:
    """The same samples in the order of the data; a sample that comes several times comes at once."""
    places = np.arange(order.size)
    samples = order.at(places)
    sorting = np.argsort(samples, kind="stable")
    return Listed(samples[sorting], order.turns(places)[sorting] if order.repeats else None)
