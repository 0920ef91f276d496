"""What a stream is: records in partitions, each with an offset from which it can be read again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Record:
    """One record of a partition.

    Attributes:
        value: A pair ``(x, y)`` of one sample, or a mapping of columns.
        offset: Where it stands in its partition.
        next: Where the record after it will stand.
    """

    value: Any
    offset: int
    next: int


class Stream:
    """Records in partitions, as in Kafka: whoever reads says from where, so nothing is lost and nothing comes twice.

    Own ones derive from this. A stream remembers no position: the offsets are state of the run that reads it, and are kept in its
    checkpoints.

    Attributes:
        partitions: Their names, always in the same order.
        order: ``turns``: one record of each partition in turn, so that batches don't depend on when records come; a partition that
            has none is waited for. ``arrival``: whatever is there; the offsets are exact all the same.
        patience: Seconds without any record after which it is an error; None waits for ever.
    """

    partitions: tuple[str, ...]
    order: Literal["turns", "arrival"] = "turns"
    patience: float | None = None

    def first(self, partition: str) -> int:
        """The offset from which a new run reads a partition."""
        return 0

    def read(self, partition: str, offset: int, count: int, timeout: float) -> Sequence[Record]:
        """Records of a partition.

        Args:
            partition: Its name.
            offset: Of the first.
            count: How many at most.
            timeout: Seconds to wait for the first of them.

        Returns:
            What is there from this offset on, in order; nothing, if nothing came in time.
        """
        raise NotImplementedError(type(self).__name__)

    def ended(self, partition: str, offset: int) -> bool:
        """Whether nothing will ever stand at this offset or behind it."""
        return False
