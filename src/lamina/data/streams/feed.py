"""Feeds batches from a stream; the offsets of all partitions are its position."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from lamina.data.batch import Batch
from lamina.data.loader import Loader
from lamina.data.streams.located import located
from lamina.data.streams.stream import Record, Stream
from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset

POLL_SECONDS = 0.1
"""How long one partition is waited for before it is seen whether somebody wants to stop."""


@dataclass(frozen=True)
class Place:
    """Where a stream stands.

    Attributes:
        offsets: Of the next record of each partition.
        turn: Number of the partition whose turn it is.
    """

    offsets: Mapping[str, int]
    turn: int = 0


class StreamFeed:
    """Batches of a stream; feeds a trainer as `lamina.data.loader.Loader` does.

    Args:
        stream: Where records come from.
        collate: Makes samples of the values of records, as the network takes them.
        example: Some samples that it made, to know shapes by.
        batch_size: Records in a batch.
        steps_per_epoch: Batches that count as an epoch.
        ahead: Batches that a thread may read ahead; 0 reads when asked.
        device: Where tensors go.
        dtype: Of float tensors.
        partitions: Those to read; by default all of the stream.

    Attributes:
        wait_seconds: Time that whoever asked for batches has waited for them.
        dataset: The example.
    """

    def __init__(
        self,
        stream: Stream,
        collate: Callable[[Sequence[Any]], Dataset],
        example: Dataset,
        batch_size: int = 32,
        *,
        steps_per_epoch: int,
        ahead: int = 2,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | None = None,
        partitions: Sequence[str] | None = None,
    ) -> None:
        self.stream, self.collate, self.dataset = stream, collate, example
        self.batch_size, self.steps_per_epoch = batch_size, steps_per_epoch
        self.ahead = ahead
        self.device, self.dtype = torch.device(device), dtype
        self.partitions = tuple(stream.partitions if partitions is None else partitions)
        self.wait_seconds = 0.0
        self._epoch = self._position = 0
        self._stopped = threading.Event()
        self._place = Place({name: stream.first(name) for name in self.partitions})

    def __len__(self) -> int:
        """Batches that count as an epoch."""
        return self.steps_per_epoch

    def shard(self, rank: int, count: int) -> StreamFeed:
        """A feed of some of the partitions; together all of ``count`` give every record once.

        Raises:
            DataError: DA191, if there are fewer partitions than that.
        """
        if count > len(self.partitions):
            raise DataError(
                "DA191",
                where=f"a stream for {count} processes",
                expected=f"at most {len(self.partitions)} of them, one for each partition",
                got=str(count),
                cause="a partition is read by one process, so that its records stay in order",
                fix=f"give the stream {count} partitions, or train with {len(self.partitions)} processes",
            )
        return StreamFeed(
            self.stream,
            self.collate,
            self.dataset,
            self.batch_size,
            steps_per_epoch=self.steps_per_epoch,
            ahead=self.ahead,
            device=self.device,
            dtype=self.dtype,
            partitions=self.partitions[rank::count],
        )

    def __iter__(self) -> Generator[Batch, None, None]:
        """What is left of the current epoch."""
        yield from self.epoch(self._epoch)

    def epoch(self, number: int) -> Generator[Batch, None, None]:
        """The batches up to the end of an epoch, from where the stream stands; fewer, if the stream ends."""
        if number != self._epoch:
            self._epoch, self._position = number, 0
        self._stopped = threading.Event()
        batches = self._batches(self._place, self.steps_per_epoch - self._position)
        batches = self._read_ahead(batches) if self.ahead else batches
        try:
            while True:
                started = time.perf_counter()
                found = next(batches, None)
                self.wait_seconds += time.perf_counter() - started
                if found is None:
                    break
                self._place, batch = found
                self._position += 1
                yield batch
            if self._position >= self.steps_per_epoch:
                self._epoch, self._position = number + 1, 0
        finally:
            batches.close()

    # -- state --------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Where the feed stands, behind the last batch that was handed out."""
        return {"epoch": self._epoch, "position": self._position, "offsets": dict(self._place.offsets), "turn": self._place.turn}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken; a state without offsets leaves them as they are.

        Raises:
            DataError: DA191, if the stream has other partitions.
        """
        self._epoch, self._position = int(state["epoch"]), int(state["position"])
        if "offsets" not in state:
            return
        if sorted(state["offsets"]) != sorted(self.partitions):
            raise DataError(
                "DA191",
                where="the state of a stream",
                expected=f"offsets of the partitions {', '.join(self.partitions)}",
                got=", ".join(state["offsets"]),
                cause="it was taken with another stream, or partitions came or went",
                fix="go on with the same partitions, or start a new run from the kept model",
            )
        self._place = Place({name: int(state["offsets"][name]) for name in self.partitions}, int(state["turn"]))

    # -- batches ------------------------------------------------------------------------------------------------------

    def _batches(self, place: Place, count: int) -> Generator[tuple[Place, Batch], None, None]:
        reading = Reading(self.stream, self.partitions, place.offsets, place.turn, self._stopped)
        for _ in range(count):
            records = reading.records(self.batch_size)
            if not records:
                return
            samples = located(self.collate, records)
            batch = next(iter(Loader(samples, len(samples), shuffle=False, device=self.device, dtype=self.dtype)))
            yield Place(dict(reading.offsets), reading.turn), batch

    def _read_ahead(self, batches: Generator[tuple[Place, Batch], None, None]) -> Generator[tuple[Place, Batch], None, None]:
        """The same batches, made by a thread that is a little ahead."""
        ready: queue.Queue[tuple[Place, Batch] | BaseException | None] = queue.Queue(self.ahead)
        stopped = self._stopped

        def put(item: tuple[Place, Batch] | BaseException | None) -> bool:
            while not stopped.is_set():
                try:
                    ready.put(item, timeout=POLL_SECONDS)
                except queue.Full:
                    continue
                return True
            return False

        def work() -> None:
            try:
                for item in batches:
                    if not put(item):
                        return
                put(None)
            except BaseException as error:  # noqa: BLE001 (handed on to whoever asks for the batch)
                put(error)

        thread = threading.Thread(target=work, name="lamina-stream", daemon=True)
        thread.start()
        try:
            while True:
                item = ready.get()
                if isinstance(item, BaseException):
                    raise item
                if item is None:
                    return
                yield item
        finally:
            stopped.set()
            thread.join()


class Reading:
    """Takes records from partitions, in turn or as they come.

    Args:
        stream: Where from.
        names: Of the partitions.
        offsets: Of the next record of each.
        turn: Number of the partition whose turn it is.
        stopped: Set when nobody wants any more.
    """

    def __init__(
        self,
        stream: Stream,
        names: Sequence[str],
        offsets: Mapping[str, int],
        turn: int = 0,
        stopped: threading.Event | None = None,
    ) -> None:
        self.stream, self.names = stream, names
        self.offsets, self.turn = dict(offsets), turn
        self._stopped = stopped
        self._held: dict[str, list[Record]] = {name: [] for name in names}

    def records(self, count: int) -> list[tuple[str, Record]]:
        """The next records with the names of their partitions; fewer at the end of the stream, or when nobody wants them."""
        found: list[tuple[str, Record]] = []
        since, ended = time.monotonic(), 0
        while len(found) < count and ended < len(self.names):
            if self._stopped is not None and self._stopped.is_set():
                return []
            name = self.names[self.turn]
            record = self._next(name, count)
            if record is not None:
                found.append((name, record))
                self.offsets[name] = record.next
                since, ended = time.monotonic(), 0
            elif self.stream.ended(name, self.offsets[name]):
                ended += 1
            else:
                self._check(since, name)
                ended = 0
                if self.stream.order == "turns":
                    continue
            self.turn = (self.turn + 1) % len(self.names)
        return found

    def _next(self, name: str, count: int) -> Record | None:
        held = self._held[name]
        if not held:
            timeout = POLL_SECONDS if self.stream.order == "turns" else POLL_SECONDS / len(self.names)
            held.extend(self.stream.read(name, self.offsets[name], count, timeout))
        return held.pop(0) if held else None

    def _check(self, since: float, name: str) -> None:
        patience = self.stream.patience
        if patience is None or time.monotonic() - since < patience:
            return
        raise DataError(
            "DA190",
            where=f"partition {name!r}, offset {self.offsets[name]}",
            expected=f"a record within {patience:g} seconds",
            got="none",
            cause="nobody writes to it, or the stream has ended without saying so",
            fix='wait longer (stream.patience), or take what comes from other partitions: stream.order = "arrival"',
        )
