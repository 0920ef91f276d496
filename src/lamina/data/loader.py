"""Feeds batches of tensors: whole batches at once, in an order that is a function of (seed, epoch) alone, from any position."""

from __future__ import annotations

import copy
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from lamina.data.batch import Batch
from lamina.data.groups import take_all
from lamina.data.lazy import Address, LazyArray
from lamina.data.passes import Passes, Portion
from lamina.data.trimming import Trimmer, lengths_of
from lamina.engine.masks import Masks
from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.data.sampling.sampling import Sampling

RESIDENT_BYTES = 64 * 1024 * 1024
"""Data up to this size are put in order as a whole once an epoch, so that each batch is a slice that costs nothing."""
GATHERED_BYTES = 1024 * 1024
"""About how much is gathered at once where that is only copying: small batches are views of it."""
DEVICE_BYTES = 512 * 1024 * 1024
"""Data up to this size are moved to an accelerator as a whole."""


class Loader:
    """Batches of a data set, epoch after epoch; its position is state.

    What it yields depends on (seed, epoch) only, never on workers. Small data sets are ordered as a whole at the start of an
    epoch, and no thread could make that faster; of larger ones, ``workers`` threads gather batches ahead, at most ``prefetch``
    for each, and hand them out in order. Samples that are made when they are asked for are made there too, by the address of the
    epoch.

    Args:
        dataset: What to feed.
        batch_size: Samples in a batch; the last one of an epoch may have fewer.
        seed: Of the order.
        shuffle: Whether each epoch has a random order; otherwise that of the data set.
        sampling: Which samples an epoch feeds, and how often; None: each once.
        bucketing: Samples of like lengths are put into a batch, which is then filled up less: so many batches are sorted by length
            together. Sequences of different lengths (with masks) alone can be.
        steps_per_epoch: Batches in an epoch, where it isn't to be a pass over the data: of a shorter one, the next epoch goes on
            where it ended, so nothing is left out; a longer one goes on with the next pass.
        workers: Threads that gather batches ahead; 0 gathers when asked.
        prefetch: Batches that each thread may be ahead.
        drop_last: Leave out the last batch of an epoch if it is smaller.
        device: Where tensors go.
        dtype: Of float tensors; None leaves them as the data set has them.
        resident_bytes: Data larger than this are gathered batch by batch.
        shard: Feed only this part of how many; see `shard`.
        share: Of every batch, feed only this part of how many: as many processes together see the very batches that one would see. Of
            a small batch a part may be empty.

    Attributes:
        wait_seconds: Time that whoever asked for batches has waited for them.

    Raises:
        DataError: DA020, if no batch could be made of so few samples.

    Example:
        >>> from lamina.data.dataset import Dataset
        >>> loader = Loader(Dataset.from_arrays([[1.0], [2.0], [3.0]]), 2, shuffle=False)
        >>> [batch.inputs["input"].tolist() for batch in loader]
        [[[1.0], [2.0]], [[3.0]]]
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int = 32,
        *,
        seed: int = 0,
        shuffle: bool = True,
        sampling: Sampling | None = None,
        bucketing: int | None = None,
        steps_per_epoch: int | None = None,
        workers: int = 0,
        prefetch: int = 2,
        drop_last: bool = False,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | None = None,
        resident_bytes: int = RESIDENT_BYTES,
        shard: tuple[int, int] = (0, 1),
        share: tuple[int, int] = (0, 1),
    ) -> None:
        drawing = None if sampling is None else sampling.start(dataset, seed)
        if sampling is not None and sampling.uses_weights:
            dataset = dataset.replace(weight=None)
        self.dataset = dataset
        self.batch_size = batch_size
        self.seed = seed
        self.workers = workers
        self.prefetch = prefetch
        self.share = share
        self.device = torch.device(device)
        self.wait_seconds = 0.0
        self._settings: dict[str, Any] = {"shuffle": shuffle, "drop_last": drop_last, "shard": shard, "drawing": drawing}
        self._settings["turns"] = any(array.draws for array in dataset.lazy_arrays())
        if bucketing is not None:
            self._settings |= {"lengths": lengths_of(dataset), "window": bucketing}
        self._steps_per_epoch = steps_per_epoch
        self._passes = Passes(len(dataset), batch_size, seed=seed, **self._settings)
        self._dtype = dtype
        self._trimmer = None if bucketing is None else Trimmer(dataset)
        self._epoch = 0
        self._position = 0
        self._masked = bool(dataset.input_masks or dataset.target_masks)
        self._arrays = _tensors(dataset, dtype, resident_bytes if self.device.type == "cpu" else max(resident_bytes, DEVICE_BYTES))
        self._lazy = any(isinstance(array, LazyArray) for array in self._arrays)
        size = sum(array.nbytes for array in self._arrays)
        self._resident = size <= resident_bytes and not self._lazy and bucketing is None
        copied = not any(isinstance(array, LazyArray) and not array.steady for array in self._arrays) and bucketing is None
        self._at_once = max(1, GATHERED_BYTES * len(dataset) // max(1, size * batch_size)) if copied else 1
        if self.device.type != "cpu" and size <= DEVICE_BYTES:
            self._arrays = [array if isinstance(array, LazyArray) else array.to(self.device) for array in self._arrays]
        self._check_not_empty()

    def _check_not_empty(self) -> None:
        if self._passes.batches == 0:
            raise DataError(
                "DA020",
                where=f"batches of {self.batch_size} from {self._passes.size} samples, drop_last",
                expected="at least one full batch",
                got="none",
                cause="the only batch is smaller than batch_size, and drop_last leaves it out",
                fix=f"write batch_size: {max(1, self._passes.size)}, or drop_last: false",
            )

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self._passes.batches if self._steps_per_epoch is None else self._steps_per_epoch

    def shard(self, rank: int, count: int) -> Loader:
        """A loader for one of ``count`` parts of every epoch; together they give what the whole would, and nothing twice.

        Args:
            rank: Which part, from 0.
            count: How many.
        """
        part = copy.copy(self)
        part.wait_seconds, part._epoch, part._position, part.share = 0.0, 0, 0, (0, 1)
        part._settings = {**self._settings, "shard": (rank, count)}
        part._passes = Passes(len(self.dataset), self.batch_size, seed=self.seed, **part._settings)
        part._check_not_empty()
        return part

    def order(self, epoch: int) -> np.ndarray:
        """Numbers of the samples of an epoch, in the order in which they are fed."""
        if self._steps_per_epoch is None:
            return self._passes.whole(epoch)
        return np.concatenate([portion.samples for portion in self._portions(epoch, 0)])

    def __iter__(self) -> Generator[Batch, None, None]:
        """The rest of the current epoch; afterwards the loader stands at the start of the next."""
        yield from self.epoch(self._epoch)

    def epoch(self, number: int) -> Generator[Batch, None, None]:
        """The batches of an epoch: of the current one what is left of it, of another all.

        Closing the iterator early stops its threads.
        """
        if number != self._epoch:
            self._epoch, self._position = number, 0
        batches = self._sliced(number) if self._resident else self._gathered(number)
        try:
            while True:
                started = time.perf_counter()
                batch = next(batches, None)
                self.wait_seconds += time.perf_counter() - started
                if batch is None:
                    # Who saw the end has left the epoch; who still holds its last batch has not.
                    self._epoch, self._position = number + 1, 0
                    return
                # Handed out is done: the state that somebody saves while holding this batch comes after it.
                self._position += 1
                yield batch
        finally:
            batches.close()

    # -- state --------------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, int]:
        """Where the loader stands: the epoch, and how many of its batches were handed out."""
        return {"epoch": self._epoch, "position": self._position}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        self._epoch, self._position = int(state["epoch"]), int(state["position"])

    def _stretches(self, epoch: int, position: int) -> Iterator[tuple[int, int, int]]:
        """An epoch from a position on, as stretches of passes: number of the pass, its first batch, and how many."""
        done, left = epoch * len(self) + position, len(self) - position
        while left > 0:
            number, first = divmod(done, self._passes.batches)
            count = min(left, self._passes.batches - first)
            yield number, first, count
            done, left = done + count, left - count

    def _portions(self, epoch: int, position: int) -> Iterator[Portion]:
        for number, first, count in self._stretches(epoch, position):
            for portion in islice(self._passes.portions(number, first), count):
                yield portion if self.share[1] == 1 else portion.share(*self.share)

    # -- batches ------------------------------------------------------------------------------------------------------

    def _sliced(self, epoch: int) -> Generator[Batch, None, None]:
        for number, first, count in self._stretches(epoch, self._position):
            yield from self._slices(number, first * self.batch_size, (first + count) * self.batch_size)

    def _slices(self, number: int, start: int, stop: int) -> Generator[Batch, None, None]:
        """The batches of places of a pass, all put in order at once."""
        stop = min(stop, self._passes.size)
        places, wholes = self._passes.places(start, stop), None
        if self.share[1] > 1:
            rank, count = self.share
            wholes = [min(self.batch_size, stop - first) for first in range(start, stop, self.batch_size)]
            places = places[(np.arange(stop - start) % self.batch_size) % count == rank]
        order = torch.from_numpy(np.ascontiguousarray(self._passes.order(number).at(places)))
        ordered = [tensor.index_select(0, order.to(tensor.device)) for tensor in self._arrays if isinstance(tensor, Tensor)]
        yield from self._cut(order, ordered, wholes)

    def _cut(self, order: Tensor, ordered: list[Tensor], wholes: list[int] | None = None) -> Iterator[Batch]:
        """The batches of several that lie one behind the other: views.

        Args:
            order: Numbers of the samples.
            ordered: What is fed of them.
            wholes: Where this is a share of each batch: how many samples each has as a whole.
        """
        weights = None if self.dataset.weight is None else self.dataset.weight[order.numpy()]
        names, wanted, size = list(self.dataset.inputs), list(self.dataset.targets), self.batch_size
        start, count = 0, len(self.dataset.inputs)
        rank, parts_ = self.share
        sizes = None if wholes is None else [len(range(rank, whole, parts_)) for whole in wholes]
        pieces = zip(*(_split(tensor, size) if sizes is None else torch.split(tensor, sizes) for tensor in (order, *ordered)), strict=True)
        plain = wholes is None and weights is None and not self._masked and self.device.type == "cpu" and len(names) == len(wanted) == 1
        for number, (indices, *parts) in enumerate(pieces):
            if plain:
                # The usual case, without what the general one costs: it happens at every step.
                yield Batch({names[0]: parts[0]}, {wanted[0]: parts[1]}, None, indices, float(indices.shape[0]))
                continue
            moved = [part.to(self.device, non_blocking=True) for part in parts]
            weight, total = None, float(indices.shape[0])
            if weights is not None:
                weight, total = moved[-1], float(weights[start : start + len(indices)].sum())
                start += len(indices)
            targets = dict(zip(wanted, moved[count:], strict=False))
            whole = None if wholes is None else wholes[number]
            yield Batch(dict(zip(names, moved, strict=False)), targets, weight, indices, total, self._masks(moved), whole)

    def _gathered(self, epoch: int) -> Generator[Batch, None, None]:
        waiting = self._together(self._portions(epoch, self._position))
        if self.workers == 0:
            for portions in waiting:
                yield from _good(self._several(portions))
            return
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="lamina-loader")
        ahead: deque[Future[list[Batch | Exception]]] = deque()
        try:
            for portions in waiting:
                ahead.append(pool.submit(self._several, portions))
                if len(ahead) > self.workers * self.prefetch:
                    yield from _good(ahead.popleft().result())
            while ahead:
                yield from _good(ahead.popleft().result())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _together(self, portions: Iterator[Portion]) -> Iterator[list[Portion]]:
        """Portions that are gathered at once: several of one pass, where that is only copying and they are small."""
        for _, own in groupby(portions, lambda portion: portion.number):
            while group := list(islice(own, self._at_once)):
                yield group

    def _several(self, portions: list[Portion]) -> list[Batch | Exception]:
        """The batches of some portions; behind those that could be made, what went wrong with the next."""
        if len(portions) > 1:
            samples = np.concatenate([portion.samples for portion in portions])
            try:
                wholes = None if self.share[1] == 1 else [portion.whole for portion in portions]
                return list(self._cut(torch.from_numpy(samples), self._parts(samples, Address(self.seed, portions[0].number)), wholes))
            except Exception:  # noqa: BLE001, S110 (one by one, it is seen again, and where)
                pass
        found: list[Batch | Exception] = []
        for portion in portions:
            try:
                found.append(self._guarded(portion))
            except Exception as error:  # noqa: BLE001 (raised when its batch is asked for)
                return [*found, error]
        return found

    def _guarded(self, portion: Portion) -> Batch:
        indices = portion.samples
        if len(indices) == 0:
            return Batch({}, {}, None, torch.zeros(0, dtype=torch.int64), 0.0, None, portion.whole)
        try:
            batch = self.gather(indices, Address(self.seed, portion.number), portion.turns)
            batch.whole = portion.whole or batch.size
        except (IndexError, ValueError, TypeError, RuntimeError, OSError) as error:
            shown = ", ".join(map(str, indices[:8].tolist()))
            raise DataError(
                "DA021",
                where=f"a batch of the samples {shown}{' ...' if len(indices) > 8 else ''}",
                expected="tensors of these samples",
                got=f"{type(error).__name__}: {error}",
                cause="the data changed while they were read, or there is not enough memory",
                fix="look at these samples: dataset.read(np.array([...])); with too little memory, a smaller batch_size",
            ) from error
        return batch

    def gather(self, indices: np.ndarray, address: Address | None = None, turns: np.ndarray | None = None) -> Batch:
        """A batch of these samples.

        Args:
            indices: Their numbers.
            address: Of what is drawn for samples that are made; None: nothing is.
            turns: Which time in its pass each sample is fed, where some are fed more than once.
        """
        chosen = torch.from_numpy(np.ascontiguousarray(indices))
        parts = [part.to(self.device, non_blocking=True) for part in self._parts(indices, address, turns)]
        count, weight = len(self.dataset.inputs), self.dataset.weight
        total = float(len(indices)) if weight is None else float(weight[indices].sum())
        inputs, targets = dict(zip(self.dataset.inputs, parts, strict=False)), dict(zip(self.dataset.targets, parts[count:], strict=False))
        return Batch(inputs, targets, None if weight is None else parts[-1], chosen, total, self._masks(parts))

    def _parts(self, indices: np.ndarray, address: Address | None = None, turns: np.ndarray | None = None) -> list[Tensor]:
        """Inputs, targets, masks and weights of some samples, where they lie."""
        chosen = torch.from_numpy(np.ascontiguousarray(indices))
        lazy = {place: array for place, array in enumerate(self._arrays) if isinstance(array, LazyArray)}
        made = _made(lazy, indices, address, turns) if lazy else {}
        parts = [
            self._cast(_tensor(made[place])) if isinstance(array, LazyArray) else array.index_select(0, chosen.to(array.device))
            for place, array in enumerate(self._arrays)
        ]
        return parts if self._trimmer is None else self._trimmer.trim(parts)

    def _cast(self, tensor: Tensor) -> Tensor:
        return tensor if self._dtype is None or not tensor.is_floating_point() else tensor.to(self._dtype)

    def _masks(self, parts: list[Tensor]) -> Masks | None:
        """The masks among the tensors of a batch: they stand behind inputs and targets."""
        if not self._masked:
            return None
        data = self.dataset
        start = len(data.inputs) + len(data.targets)
        middle = start + len(data.input_masks)
        return Masks(
            dict(zip(data.input_masks, parts[start:middle], strict=True)), dict(zip(data.target_masks, parts[middle:], strict=False))
        )


def _split(tensor: Tensor, size: int) -> tuple[Tensor, ...]:
    """The batches of a tensor as views; unbinding makes them several times faster than a slice for each."""
    count = tensor.shape[0] // size
    whole = tensor[: count * size].view(count, size, *tensor.shape[1:]).unbind(0) if count else ()
    return whole if count * size == tensor.shape[0] else (*whole, tensor[count * size :])


def _good(batches: list[Batch | Exception]) -> Iterator[Batch]:
    """The batches; at the place of what went wrong, it is raised."""
    for batch in batches:
        if isinstance(batch, Exception):
            raise batch
        yield batch


def _made(arrays: Mapping[int, LazyArray], indices: np.ndarray, address: Address | None, turns: np.ndarray | None) -> dict[int, np.ndarray]:
    """Samples of lazy arrays; those that are fed again are drawn again."""
    if address is None or turns is None or not turns.any():
        return take_all(arrays, indices, address)
    found = {place: np.empty((len(indices), *array.shape[1:]), array.dtype) for place, array in arrays.items()}
    for turn in np.unique(turns).tolist():
        rows = np.flatnonzero(turns == turn)
        for place, values in take_all(arrays, indices[rows], Address(address.seed, address.epoch, turn)).items():
            found[place][rows] = values
    return found


def _tensors(dataset: Dataset, dtype: torch.dtype | None, resident_bytes: int) -> list[Tensor | LazyArray]:
    """Inputs, targets and, where there are any, masks and weights, sharing memory with the data set; what is lazy as it is."""
    arrays = [*dataset.inputs.values(), *dataset.targets.values(), *dataset.input_masks.values(), *dataset.target_masks.values()]
    if sum(array.nbytes for array in arrays) <= resident_bytes:
        arrays = [np.asarray(array) if isinstance(array, LazyArray) and array.steady else array for array in arrays]
    found: list[Tensor | LazyArray] = [array if isinstance(array, LazyArray) else _tensor(array) for array in arrays]
    if dtype is not None:
        found = [array.to(dtype) if isinstance(array, Tensor) and array.is_floating_point() else array for array in found]
    if dataset.weight is not None:
        floats = [array.dtype for array in found if isinstance(array, Tensor) and array.is_floating_point()]
        found.append(_tensor(dataset.weight).to(floats[0] if floats else dtype or torch.float32))
    return found


def _tensor(array: np.ndarray) -> Tensor:
    # torch warns about arrays that can't be written to; what is fed is only ever read.
    return torch.from_numpy(np.ascontiguousarray(array) if array.flags.writeable else array.copy())


__all__ = ["Batch", "Loader"]
