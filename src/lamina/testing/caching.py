"""Contract suite of caches: what is kept is what was made, and is made once as long as there is room."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from lamina.data.caching import Cache
from lamina.data.lazy import Address, LazyArray
from lamina.testing.promises import promise

SAMPLES = 41


class Counted(LazyArray):
    """An array that counts how often its samples are made."""

    draws = False

    def __init__(self, name: str = "counted") -> None:
        self.array = np.random.default_rng(9).normal(size=(SAMPLES, 3, 2)).astype("float32")
        self.shape, self.dtype = self.array.shape, self.array.dtype
        self.made = np.zeros(SAMPLES, dtype=int)
        self.name = name

    @property
    def fingerprint(self) -> str | None:
        return self.name

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        np.add.at(self.made, indices, 1)
        taken: np.ndarray = self.array[indices]
        return taken


def check_cache(cache: Cache, folder: Path) -> None:
    """Run the whole contract on a cache.

    Args:
        cache: The cache.
        folder: Where it may write.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    kind = type(cache)
    promise(kind.from_yaml(cache.to_yaml()) == cache, "it reads back from YAML")
    promise(kind.from_dict(json.loads(cache.to_json())) == cache, "it reads back from JSON")
    cache = cache.resolve_paths(folder)
    counted, other = Counted(), Counted("other")
    other.array = other.array + 1
    keeper = cache.start()
    kept, beside = counted.keep(keeper), other.keep(keeper)
    promise(keeper.kept == 2, "the keeper counts what it keeps")
    order = np.random.default_rng(0).permutation(SAMPLES)
    for _ in range(2):
        with ThreadPoolExecutor(3) as pool:
            parts = list(pool.map(lambda some: (some, kept.take(some, Address(1, 0))), np.array_split(order, 9)))
        promise(all(np.array_equal(values, counted.array[some]) for some, values in parts), "what comes out is what was made")
        promise(np.array_equal(beside[order], other.array[order]), "other samples are kept apart")
    promise(bool((counted.made >= 1).all()) and bool((counted.made == 1).any()), "what found room was made once")
    promise((kept.shape, kept.dtype, kept.draws) == (counted.shape, counted.dtype, False), "it stands for the same array")
    try:
        kept[np.array([SAMPLES])]
    except IndexError:
        return
    message = "a sample that is not there is an error"
    raise AssertionError(message)
