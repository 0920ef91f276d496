"""Samples kept in memory, up to a number of bytes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.data.caching.cache import Bytes, Cache
from lamina.spec import register

if TYPE_CHECKING:
    import numpy as np

    from lamina.data.caching.keeper import Keeper
    from lamina.data.groups import LazyGroup


@register("memory")
class Memory(Cache):
    """Keeps samples in memory for the epochs to come.

    Attributes:
        limit: Bytes they may take together; the samples after those that find room are made anew every time.
    """

    positional: ClassVar[tuple[str, ...]] = ("limit",)
    limit: Bytes = 4 * 10**9

    @classmethod
    def examples(cls) -> list[Any]:
        return [cls(), cls("1 kB")]

    def start(self) -> Keeper:
        from lamina.data.caching.keeper import Keeper

        room = Room(self.limit)

        def open_store(group: LazyGroup) -> InMemoryStore:
            store = InMemoryStore(group, room.left)
            room.take(store.nbytes)
            return store

        return Keeper(open_store, lambda: InMemoryObjects(room))


class Room:
    """Bytes that several stores share.

    Args:
        left: How many.
    """

    def __init__(self, left: int) -> None:
        self.left = left
        self._lock = threading.Lock()

    def take(self, nbytes: int) -> bool:
        """Take some, if there are so many left."""
        with self._lock:
            if nbytes > self.left:
                return False
            self.left -= nbytes
            return True


class InMemoryObjects:
    """Keeps samples of any size as long as there is room.

    Args:
        room: For them.
    """

    def __init__(self, room: Room) -> None:
        self._room = room
        self._kept: dict[int, Any] = {}

    def get(self, sample: int) -> Any:
        return self._kept.get(sample)

    def put(self, sample: int, value: Any, nbytes: int) -> None:
        if sample not in self._kept and self._room.take(nbytes):
            self._kept[sample] = value


class InMemoryStore:
    """Keeps the first samples of a group, as many as there is room for.

    Args:
        group: Whose.
        limit: Bytes they may take.
    """

    def __init__(self, group: LazyGroup, limit: int) -> None:
        import numpy as np

        size = sum(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize for shape, dtype in group.arrays.values())
        self.room = min(group.count, max(0, limit) // max(1, size + 1))
        self.nbytes = self.room * (size + 1)
        # The system gives memory to those parts alone that are written to.
        self._arrays = {name: np.empty((self.room, *shape), dtype) for name, (shape, dtype) in group.arrays.items()}
        self._there = np.zeros(self.room, dtype=bool)

    def read(self, samples: np.ndarray, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        import numpy as np

        there = np.zeros(len(samples), dtype=bool)
        inside = samples < self.room
        there[inside] = self._there[samples[inside]]
        for name, array in arrays.items():
            array[there] = self._arrays[name][samples[there]]
        return there

    def write(self, samples: np.ndarray, arrays: Mapping[str, np.ndarray]) -> None:
        inside = samples < self.room
        for name, kept in self._arrays.items():
            kept[samples[inside]] = arrays[name][inside]
        # Last, so that another thread never reads a sample that is half there.
        self._there[samples[inside]] = True
