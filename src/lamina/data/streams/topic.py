"""A stream in this process: what one thread appends, another learns from."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from lamina.data.streams.stream import Record, Stream


class Topic(Stream):
    """Records in memory.

    Args:
        partitions: How many there are; they are called ``0``, ``1`` ...

    Example:
        >>> topic = Topic(2)
        >>> topic.append(([1.0], 0)), topic.append(([2.0], 1), partition=1)
        (0, 0)
        >>> [record.value for record in topic.read("1", 0, 10, timeout=0)]
        [([2.0], 1)]
    """

    def __init__(self, partitions: int = 1) -> None:
        self.partitions = tuple(map(str, range(partitions)))
        self._records: dict[str, list[Any]] = {name: [] for name in self.partitions}
        self._closed = False
        self._changed = threading.Condition()

    def append(self, value: Any, partition: int | str = 0) -> int:
        """Add a record; gives its offset."""
        with self._changed:
            records = self._records[str(partition)]
            records.append(value)
            self._changed.notify_all()
            return len(records) - 1

    def close(self) -> None:
        """Say that nothing comes any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def read(self, partition: str, offset: int, count: int, timeout: float) -> Sequence[Record]:
        records = self._records[partition]
        with self._changed:
            self._changed.wait_for(lambda: len(records) > offset or self._closed, timeout)
            found = records[offset : offset + count]
        return [Record(value, place, place + 1) for place, value in enumerate(found, offset)]

    def ended(self, partition: str, offset: int) -> bool:
        with self._changed:
            return self._closed and offset >= len(self._records[partition])
