"""Random numbers with an address: what a step of an image's preparation draws is a function of (seed, epoch, sample, step)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from lamina.engine.randomness import mix

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.images.picture import Picture

T = TypeVar("T")


class Draws:
    """The random numbers of one step for one sample, one after the other.

    Plain arithmetic on 64-bit numbers, the same on every machine and with every version of NumPy.

    Args:
        base: The 64-bit number of a sample in an epoch; see `lamina.data.lazy.Address.draws`.

    Attributes:
        others: Gives another picture of the data, by its number and draws, for steps that join several; None where there are none.
        count: How many pictures there are.

    Example:
        >>> draws = Draws(7)
        >>> draws.child(1).number() == Draws(7).child(1).number(), 0 <= draws.number() < 1
        (True, True)
    """

    __slots__ = ("_base", "_count", "count", "others")

    def __init__(self, base: int) -> None:
        self._base = base
        self._count = 0
        self.others: Callable[[int, Draws], Picture] | None = None
        self.count = 0

    def child(self, index: int) -> Draws:
        """The numbers of a step, whatever others draw."""
        # Numbers are even places of the stream, children odd ones: neither ever meets the other.
        made = Draws(mix(self._base, 2 * index + 1))
        made.others, made.count = self.others, self.count
        return made

    def number(self) -> float:
        """A number from 0 up to 1, 1 excluded."""
        value = mix(self._base, 2 * self._count)
        self._count += 1
        return float(value >> 11) * 2.0**-53

    def between(self, low: float, high: float) -> float:
        """A number from ``low`` to ``high``."""
        return low + (high - low) * self.number()

    def log_between(self, low: float, high: float) -> float:
        """A number from ``low`` to ``high`` whose logarithm is uniform, so that half is as likely as double."""
        return math.exp(self.between(math.log(low), math.log(high)))

    def below(self, count: int) -> int:
        """A whole number from 0 up to ``count``, ``count`` excluded."""
        return min(int(self.number() * count), count - 1)

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.number() < probability

    def choice(self, items: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """One of some things, each as likely as its weight says; all alike without weights."""
        if weights is None:
            return items[self.below(len(items))]
        mark = self.number() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            mark -= weight
            if mark < 0:
                return item
        return items[-1]

    def order(self, count: int) -> list[int]:
        """The numbers below ``count`` in a random order."""
        places = list(range(count))
        for last in range(count - 1, 0, -1):
            other = self.below(last + 1)
            places[last], places[other] = places[other], places[last]
        return places

    def numbers(self, shape: tuple[int, ...]) -> np.ndarray:
        """Many numbers from 0 up to 1 at once, float64."""
        import numpy as np

        raw = np.random.Philox(key=mix(self._base, 2 * self._count)).random_raw(math.prod(shape))
        self._count += 1
        return ((raw >> np.uint64(11)) * 2.0**-53).reshape(shape)

    def normals(self, shape: tuple[int, ...]) -> np.ndarray:
        """Many numbers of mean 0 and deviation 1 at once (Box and Muller 1958), float64."""
        import numpy as np

        count = math.prod(shape)
        radius, angle = np.split(self.numbers((2 * ((count + 1) // 2),)), 2)
        length = np.sqrt(-2.0 * np.log1p(-radius))
        both = np.concatenate([length * np.cos(2 * np.pi * angle), length * np.sin(2 * np.pi * angle)])
        found: np.ndarray = both[:count].reshape(shape)
        return found
