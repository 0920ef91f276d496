"""Orders drawn by address: a permutation is a function of (seed, purpose), the same on every machine and for ever."""

from __future__ import annotations

import numpy as np

from lamina.engine.randomness import derive


def permutation(count: int, seed: int, *purpose: str | int) -> np.ndarray:
    """The numbers from 0 to ``count - 1`` in a random order (int64).

    NumPy may change what its distributions give from version to version, but not what its bit generators give; so the
    order is that of the raw 64-bit numbers of Philox, keyed by the address.

    Example:
        >>> sorted(permutation(5, 7, "order", 0).tolist())
        [0, 1, 2, 3, 4]
    """
    places = np.arange(count, dtype=np.uint64)
    mask = np.uint64((1 << count.bit_length()) - 1)
    numbers = np.random.Philox(key=derive(seed, *purpose)).random_raw(count)
    # The place rides in the low bits: sorting numbers is several times faster than sorting places by numbers, and no two are equal.
    drawn = (numbers & ~mask) | places
    drawn.sort()
    return (drawn & mask).astype(np.int64)


def mixed(base: int, places: np.ndarray) -> np.ndarray:
    """`lamina.engine.randomness.mix` of many places at once: a 64-bit number for each.

    Example:
        >>> from lamina.engine.randomness import mix
        >>> mixed(3, np.array([0, 1])).tolist() == [mix(3, 0), mix(3, 1)]
        True
    """
    z = (np.asarray(places).astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(base)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    made: np.ndarray = z ^ (z >> np.uint64(31))
    return made
