"""Samples that are made when they are asked for: decoded, read from disk, computed; never all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from lamina.data.order import mixed
from lamina.engine.randomness import derive

if TYPE_CHECKING:
    from lamina.data.caching.keeper import Keeper

BLOCK_BYTES = 16 * 1024 * 1024
"""About how much is made at once where all of a lazy array is gone through."""


@dataclass(frozen=True)
class Address:
    """Where the randomness of samples comes from.

    What is drawn for a sample is a function of the address and the sample alone: never of the batch it is in, of worker, process
    or time.

    Attributes:
        seed: Of the run.
        epoch: Which pass over the data.
        turn: Which time, from 0, a sample is fed in this epoch; above 0 only where sampling repeats samples.
    """

    seed: int
    epoch: int
    turn: int = 0

    def draws(self, samples: np.ndarray, *purpose: str | int) -> np.ndarray:
        """A 64-bit number for each sample, to seed what is drawn for it.

        Args:
            samples: Numbers of the samples, as `LazyArray.take` was given them.
            purpose: What the numbers are for, such as ``"flip"``.

        Example:
            >>> address = Address(seed=7, epoch=0)
            >>> one, both = address.draws(np.array([5]), "flip"), address.draws(np.array([9, 5]), "flip")
            >>> int(one[0]) == int(both[1]), int(one[0]) == int(Address(7, 1).draws(np.array([5]), "flip")[0])
            (True, False)
        """
        return mixed(derive(self.seed, "sample", self.epoch, self.turn, *purpose), samples)


class LazyArray:
    """An array ``[samples, ...]`` whose samples are made when they are asked for.

    Own ones derive from this and have `shape`, `dtype` and `take`; the rest follows. What a sample is, and what is drawn for it,
    must depend on its number and the address alone, and `take` must be safe in several threads at once.

    Attributes:
        shape: Samples first; all samples have the same shape.
        dtype: Of the values.
        steady: Whether the samples are the same at every address and making them is no more than copying; then data that are small
            enough are made once, not batch by batch.
        draws: Whether the address changes what is made; what draws nothing can be kept in a cache.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    steady: bool = False
    draws: bool = True

    @property
    def fingerprint(self) -> str | None:
        """Words that are the same only for the same samples, in every process; None: what they are made of isn't known."""
        return None

    def keep(self, keeper: Keeper) -> LazyArray:
        """The same samples, with what is the same every time kept once it has been made."""
        return self if self.draws or self.steady else keeper.array(self)

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        """The samples of these numbers, in this order, as an array of their own.

        Args:
            indices: From 0 to the length, int64; a number may come twice.
            address: Of what is drawn; None: nothing is, as when judging and predicting.
        """
        raise NotImplementedError(type(self).__name__)

    @property
    def ndim(self) -> int:
        """Axes, with that of the samples."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that all samples would take in memory."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({' x '.join(map(str, self.shape))} of {self.dtype})"

    def __getitem__(self, key: slice | np.ndarray | Sequence[int]) -> np.ndarray:
        """Some samples, by a slice, numbers or truth values; nothing is drawn."""
        if isinstance(key, slice):
            return self.take(np.arange(*key.indices(len(self))))
        places = np.asarray(key)
        if places.dtype == bool:
            places = np.flatnonzero(places)
        return self.take(np.where(places < 0, places + len(self), places).astype(np.int64))

    def select(self, indices: np.ndarray) -> LazyArray:
        """The samples of these numbers, still to be made; what is drawn for each stays what it was."""
        return Selected(self, indices)

    def astype(self, dtype: Any) -> LazyArray:
        """The same samples as another type, still to be made."""
        return self if np.dtype(dtype) == self.dtype else Mapped(self, _Cast(np.dtype(dtype)), self.shape[1:], dtype)

    def blocks(self) -> Iterator[tuple[int, np.ndarray]]:
        """All samples, a block after the other: the number of the first in it, and the block."""
        size = max(1, BLOCK_BYTES // max(1, self.nbytes // max(1, len(self))))
        for start in range(0, len(self), size):
            yield start, self[start : start + size]

    def __iter__(self) -> Iterator[np.ndarray]:
        return (sample for _, block in self.blocks() for sample in block)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:  # noqa: FBT001 (NumPy's protocol)
        """All samples at once; only for what is known to be small."""
        whole = np.empty(self.shape, self.dtype)
        for start, block in self.blocks():
            whole[start : start + len(block)] = block
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def draw(self, indices: np.ndarray, address: Address | None, drawn: Drawn) -> np.ndarray:
        """As `take`, where several arrays are taken at once: what is made for one of them is not made again for another.

        Args:
            indices: As for `take`.
            address: As for `take`.
            drawn: What groups have given for this batch.
        """
        return self.take(indices, address)


Samples: TypeAlias = np.ndarray | LazyArray
"""Samples in memory, or still to be made."""
Drawn: TypeAlias = dict[Any, Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class _Cast:
    dtype: np.dtype[Any]

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return values.astype(self.dtype, copy=False)


class InMemory(LazyArray):
    """An array in memory as a lazy one.

    Example:
        >>> lazy = InMemory(np.arange(6).reshape(3, 2))
        >>> lazy, lazy[1:].tolist(), lazy.select(np.array([2])).take(np.array([0])).tolist()
        (InMemory(3 x 2 of int64), [[2, 3], [4, 5]], [[4, 5]])
    """

    steady, draws = True, False

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.shape, self.dtype = array.shape, array.dtype

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        return np.take(self.array, indices, axis=0)  # faster than array[indices]


class Selected(LazyArray):
    """Some samples of another array, in another order.

    Args:
        source: The other array.
        places: Numbers of the samples in it.
    """

    def __init__(self, source: LazyArray, places: np.ndarray) -> None:
        chosen = np.arange(len(source))[places]
        self.source: LazyArray = source.source if isinstance(source, Selected) else source
        self.places: np.ndarray = source.places[chosen] if isinstance(source, Selected) else chosen
        self.shape, self.dtype = (len(self.places), *source.shape[1:]), source.dtype
        self.steady, self.draws = source.steady, source.draws

    def keep(self, keeper: Keeper) -> LazyArray:
        return Selected(self.source.keep(keeper), self.places)

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        return self.draw(indices, address, {})

    def draw(self, indices: np.ndarray, address: Address | None, drawn: Drawn) -> np.ndarray:
        return self.source.draw(self.places[indices], address, drawn)


class Mapped(LazyArray):
    """Another array with something done to its samples.

    Args:
        source: The other array.
        function: Takes samples ``[some, ...]`` and gives as many; it draws nothing.
        shape: Of one sample afterwards; None: as before.
        dtype: Afterwards; None: as before.

    Example:
        >>> halves = Mapped(InMemory(np.array([[2], [4]])), lambda values: values / 2, dtype="float64")
        >>> halves[:].tolist()
        [[1.0], [2.0]]
    """

    def __init__(
        self,
        source: LazyArray,
        function: Callable[[np.ndarray], np.ndarray],
        shape: tuple[int, ...] | None = None,
        dtype: Any = None,
    ) -> None:
        self.source = source
        self.function = function
        self.shape = (len(source), *(source.shape[1:] if shape is None else shape))
        self.dtype = source.dtype if dtype is None else np.dtype(dtype)
        self.steady, self.draws = source.steady, source.draws

    def keep(self, keeper: Keeper) -> LazyArray:
        return Mapped(self.source.keep(keeper), self.function, self.shape[1:], self.dtype)

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        return self.draw(indices, address, {})

    def draw(self, indices: np.ndarray, address: Address | None, drawn: Drawn) -> np.ndarray:
        return self.function(self.source.draw(indices, address, drawn))


class Checked(LazyArray):
    """Another array whose samples are looked at when they are made.

    Args:
        source: The other array.
        check: Takes samples and their numbers, and raises an error that names the wrong one.
    """

    def __init__(self, source: LazyArray, check: Callable[[np.ndarray, np.ndarray], None]) -> None:
        self.source = source
        self.check = check
        self.shape, self.dtype = source.shape, source.dtype
        self.steady, self.draws = source.steady, source.draws

    def keep(self, keeper: Keeper) -> LazyArray:
        return Checked(self.source.keep(keeper), self.check)

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        return self.draw(indices, address, {})

    def draw(self, indices: np.ndarray, address: Address | None, drawn: Drawn) -> np.ndarray:
        values = self.source.draw(indices, address, drawn)
        self.check(values, indices)
        return values


class Joined(LazyArray):
    """Several arrays, one after the other.

    Args:
        parts: At least one; all have samples of the same shape.
    """

    def __init__(self, parts: Sequence[Samples]) -> None:
        self.parts = [part if isinstance(part, LazyArray) else InMemory(part) for part in parts]
        first = self.parts[0]
        odd = next((part for part in self.parts if part.shape[1:] != first.shape[1:]), None)
        if odd is not None:
            message = f"samples {list(odd.shape[1:])} can't follow samples {list(first.shape[1:])}"
            raise ValueError(message)
        self.starts = np.cumsum([0, *(len(part) for part in self.parts)])
        self.shape = (int(self.starts[-1]), *first.shape[1:])
        self.dtype = np.result_type(*(part.dtype for part in self.parts))
        self.steady, self.draws = all(part.steady for part in self.parts), any(part.draws for part in self.parts)

    def keep(self, keeper: Keeper) -> LazyArray:
        return Joined([part.keep(keeper) for part in self.parts])

    def take(self, indices: np.ndarray, address: Address | None = None) -> np.ndarray:
        return self.draw(indices, address, {})

    def draw(self, indices: np.ndarray, address: Address | None, drawn: Drawn) -> np.ndarray:
        found = np.empty((len(indices), *self.shape[1:]), self.dtype)
        if len(indices) and not 0 <= indices.min() <= indices.max() < len(self):
            message = f"there are {len(self)} samples, but one of the numbers {indices.min()} to {indices.max()} was asked for"
            raise IndexError(message)
        owners = np.searchsorted(self.starts, indices, side="right") - 1
        for owner in np.unique(owners):
            rows = np.flatnonzero(owners == owner)
            found[rows] = self.parts[owner].draw(indices[rows] - self.starts[owner], _apart(address, int(owner)), drawn)
        return found


def joined(parts: Sequence[Samples]) -> Samples:
    """Arrays one after the other: in memory if all of them are, else still to be made."""
    return Joined(parts) if any(isinstance(part, LazyArray) for part in parts) else np.concatenate([np.asarray(part) for part in parts])


def blocks_of(array: Samples) -> Iterator[np.ndarray]:
    """All of an array, in blocks if it is lazy; of one in memory there is only one block."""
    return (block for _, block in array.blocks()) if isinstance(array, LazyArray) else iter((array,))


def _apart(address: Address | None, part: int) -> Address | None:
    """An address for one of several arrays joined: sample 3 of one is another sample than sample 3 of the next."""
    return address if address is None or part == 0 else Address(derive(address.seed, "part", part), address.epoch, address.turn)
