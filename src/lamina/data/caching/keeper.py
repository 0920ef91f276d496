"""Arrays whose samples are kept once they have been made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from lamina.data.caching.cache import unkeepable
from lamina.data.groups import LazyGroup
from lamina.data.lazy import Address, Drawn, LazyArray


class Store(Protocol):
    """Where samples of some arrays are kept."""

    def read(self, samples: np.ndarray, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Fill the rows of those samples that are kept, and say of each whether it is."""
        ...

    def write(self, samples: np.ndarray, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep samples, as far as there is room."""
        ...


class Objects(Protocol):
    """Where samples of any kind are kept."""

    def get(self, sample: int) -> Any:
        """A sample, or None."""
        ...

    def put(self, sample: int, value: Any, nbytes: int) -> None:
        """Keep a sample, if there is room."""
        ...


class Keeper:
    """Makes arrays keep their samples.

    Args:
        open_store: Gives the store for a group.
        open_objects: Gives a place for samples of any size; None where there is none.

    Attributes:
        kept: Arrays and groups that keep their samples.
    """

    def __init__(self, open_store: Callable[[LazyGroup], Store], open_objects: Callable[[], Objects] | None = None) -> None:
        self._open, self._open_objects = open_store, open_objects
        self.kept = 0
        self._groups: dict[LazyGroup, LazyGroup] = {}

    def array(self, array: LazyArray) -> LazyArray:
        """An array that keeps its samples."""
        self.kept += 1
        return Kept(alone := Alone(array), self._open(alone))["alone"]

    def group(self, group: LazyGroup) -> LazyGroup:
        """A group that keeps its samples."""
        self.kept += 1
        return Kept(group, self._open(group))

    def objects(self) -> Objects:
        """Where samples of any size are kept, that arrays of one shape are made of later.

        Raises:
            DataError: DA188, if this cache keeps arrays alone.
        """
        if self._open_objects is None:
            raise unkeepable(
                got="samples of different sizes, of which arrays are drawn",
                cause="a file has a place of one size for each sample",
                fix="write cache: memory; or leave out what draws (augment), so that all are of one size",
            )
        self.kept += 1
        return self._open_objects()

    def within(self, group: LazyGroup) -> LazyGroup:
        """A group as its arrays shall have it from now on; for each of them it is the same."""
        if group not in self._groups:
            self._groups[group] = group.keep(self)
        return self._groups[group]


class Alone(LazyGroup):
    """One array as a group."""

    def __init__(self, array: LazyArray) -> None:
        super().__init__(len(array), {"alone": (array.shape[1:], array.dtype)})
        self.array = array
        self.draws = array.draws

    @property
    def fingerprint(self) -> str | None:
        return self.array.fingerprint

    def take(self, indices: np.ndarray, address: Address | None = None) -> Mapping[str, np.ndarray]:
        return {"alone": self.array.take(indices, address)}

    def draw(self, indices: np.ndarray, address: Address | None, drawn: Drawn) -> Mapping[str, np.ndarray]:
        return {"alone": self.array.draw(indices, address, drawn)}


class Kept(LazyGroup):
    """A group whose samples are kept once they have been made.

    Args:
        group: Makes them; it draws nothing.
        store: Keeps them.
    """

    draws = False

    def __init__(self, group: LazyGroup, store: Store) -> None:
        super().__init__(group.count, group.arrays)
        self.group, self.store = group, store

    @property
    def fingerprint(self) -> str | None:
        return self.group.fingerprint

    def take(self, indices: np.ndarray, address: Address | None = None) -> Mapping[str, np.ndarray]:
        return self.draw(indices, address, {})

    def draw(self, indices: np.ndarray, address: Address | None, drawn: Drawn) -> Mapping[str, np.ndarray]:
        samples = np.asarray(indices, dtype=np.int64)
        if len(samples) and not 0 <= samples.min() <= samples.max() < self.count:
            message = f"there are {self.count} samples, but one of the numbers {samples.min()} to {samples.max()} was asked for"
            raise IndexError(message)
        found: dict[str, Any] = {name: np.empty((len(samples), *shape), dtype) for name, (shape, dtype) in self.arrays.items()}
        missing = np.flatnonzero(~self.store.read(samples, found))
        if len(missing):
            made = self.group.draw(samples[missing], None, {})
            for name, array in found.items():
                array[missing] = made[name]
            self.store.write(samples[missing], made)
        return found
