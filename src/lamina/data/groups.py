"""Several arrays made by one draw: an image and what lies on it, cropped and flipped together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.data.lazy import Address, Drawn, InMemory, LazyArray, Samples

if TYPE_CHECKING:
    from lamina.data.caching.keeper import Keeper


class LazyGroup:
    """Arrays by name that are made together, sample by sample.

    Own ones derive from this and have `take`. What `group["image"]` and `group["mask"]` give are lazy arrays for the inputs,
    targets and masks of a `Dataset`; when a batch takes both, the group is asked once.

    Args:
        count: Samples.
        arrays: Shape of one sample, and type, of each array by its name.
        steady: As for `LazyArray`.

    Attributes:
        draws: As for `LazyArray`.
    """

    draws: bool = True

    def __init__(self, count: int, arrays: Mapping[str, tuple[tuple[int, ...], Any]], *, steady: bool = False) -> None:
        self.count = count
        self.arrays = {name: (tuple(shape), np.dtype(dtype)) for name, (shape, dtype) in arrays.items()}
        self.steady = steady

    def take(self, indices: np.ndarray, address: Address | None = None) -> Mapping[str, np.ndarray]:
        """All arrays of the samples of these numbers; see `LazyArray.take`."""
        raise NotImplementedError(type(self).__name__)

    def draw(self, indices: np.ndarray, address: Address | None, drawn: Drawn) -> Mapping[str, np.ndarray]:
        """As `take`, where the arrays that it is made of may belong to groups themselves."""
        return self.take(indices, address)

    @property
    def fingerprint(self) -> str | None:
        """As for `LazyArray`."""
        return None

    def keep(self, keeper: Keeper) -> LazyGroup:
        """As for `LazyArray`: called once for all arrays of the group."""
        return self if self.draws or self.steady else keeper.group(self)

    def __getitem__(self, name: str) -> Member:
        """One of the arrays."""
        return Member(self, name)


class Member(LazyArray):
    """One array of a group.

    Args:
        group: The group.
        name: Which one.
    """

    def __init__(self, group: LazyGroup, name: str) -> None:
        shape, self.dtype = group.arrays[name]
        self.group, self.name = group, name
        self.shape, self.steady, self.draws = (group.count, *shape), group.steady, group.draws

    def keep(self, keeper: Keeper) -> LazyArray:
        return Member(keeper.within(self.group), self.name)

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        return self.draw(indices, address, {})

    def draw(self, indices: np.ndarray, address: Address | None, drawn: Drawn) -> np.ndarray:
        # The group itself is part of the key, so that it can't be another one at the same place in memory.
        key = (self.group, np.ascontiguousarray(indices).tobytes(), address)
        if key not in drawn:
            drawn[key] = self.group.draw(indices, address, drawn)
        return drawn[key][self.name]


class MappedGroup(LazyGroup):
    """A function of several arrays that draws for all of them at once.

    Args:
        sources: Arrays by name, as many samples in each.
        function: Takes samples ``[some, ...]`` by name, their numbers and the address, and gives arrays by name.
        arrays: Shape of one sample, and type, of what it gives; as `sources` where a name is not in it.

    Example:
        >>> def flip(values, samples, address):
        ...     turned = np.zeros(len(samples), bool) if address is None else address.draws(samples, "flip") % 2 == 1
        ...     return {name: np.where(turned[:, None], array[:, ::-1], array) for name, array in values.items()}
        >>> group = MappedGroup({"image": np.array([[1, 2]] * 3), "mask": np.array([[0, 1]] * 3)}, flip)
        >>> drawn = take_all({name: group[name] for name in ("image", "mask")}, np.arange(3), Address(seed=1, epoch=0))
        >>> drawn["image"].tolist(), drawn["mask"].tolist()
        ([[1, 2], [1, 2], [2, 1]], [[0, 1], [0, 1], [1, 0]])
    """

    def __init__(
        self,
        sources: Mapping[str, Samples],
        function: Callable[[dict[str, np.ndarray], np.ndarray, Address | None], Mapping[str, np.ndarray]],
        arrays: Mapping[str, tuple[tuple[int, ...], Any]] | None = None,
    ) -> None:
        self.sources = {name: source if isinstance(source, LazyArray) else InMemory(source) for name, source in sources.items()}
        self.function = function
        given = {name: (source.shape[1:], source.dtype) for name, source in self.sources.items()}
        super().__init__(len(next(iter(self.sources.values()))), {**given, **(arrays or {})})

    def keep(self, keeper: Keeper) -> LazyGroup:
        return MappedGroup({name: source.keep(keeper) for name, source in self.sources.items()}, self.function, self.arrays)

    def take(self, indices: np.ndarray, address: Address | None = None) -> Mapping[str, np.ndarray]:
        return self.draw(indices, address, {})

    def draw(self, indices: np.ndarray, address: Address | None, drawn: Drawn) -> Mapping[str, np.ndarray]:
        values = {name: source.draw(indices, address, drawn) for name, source in self.sources.items()}
        return self.function(values, indices, address)


def take_all(arrays: Mapping[Any, Samples], indices: np.ndarray, address: Address | None = None) -> dict[Any, np.ndarray]:
    """The same samples of several arrays, of memory or lazy; what belongs to one group is made by one draw.

    Args:
        arrays: By any names.
        indices: Numbers of the samples.
        address: Of what is drawn; None: nothing is.
    """
    drawn: Drawn = {}
    return {name: array.draw(indices, address, drawn) if isinstance(array, LazyArray) else array[indices] for name, array in arrays.items()}
