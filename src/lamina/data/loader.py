"""Feeds batches of tensors: whole batches at once, in an order that is a function of (seed, epoch) alone, from any position."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from lamina.data.groups import take_all
from lamina.data.lazy import Address, LazyArray
from lamina.data.order import permutation
from lamina.engine.masks import Masks
from lamina.errors import DataError

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset

RESIDENT_BYTES = 64 * 1024 * 1024
"""Data up to this size are put in order as a whole once an epoch, so that each batch is a slice that costs nothing."""
DEVICE_BYTES = 512 * 1024 * 1024
"""Data up to this size are moved to an accelerator as a whole."""


class Batch:
    """Some samples, ready to be fed.

    Attributes:
        inputs: Tensor of each input by name, on the device.
        targets: Tensor of each target by name, on the device.
        weight: Weight of each sample, or None.
        indices: Which samples of the data set they are (int64, on the CPU).
        size: How many.
        total_weight: Sum of the weights; the size where there are none.
        masks: Which steps of inputs and targets are real; None if all are.
    """

    __slots__ = ("indices", "inputs", "masks", "size", "targets", "total_weight", "weight")

    def __init__(
        self,
        inputs: dict[str, Tensor],
        targets: dict[str, Tensor],
        weight: Tensor | None,
        indices: Tensor,
        total_weight: float,
        masks: Masks | None = None,
    ) -> None:
        self.inputs = inputs
        self.targets = targets
        self.weight = weight
        self.indices = indices
        self.size = len(indices)
        self.total_weight = total_weight
        self.masks = masks

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {list(tensor.shape)}" for name, tensor in {**self.inputs, **self.targets}.items())
        return f"Batch({self.size} samples; {shapes})"


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
        workers: Threads that gather batches ahead; 0 gathers when asked.
        prefetch: Batches that each thread may be ahead.
        drop_last: Leave out the last batch of an epoch if it is smaller.
        device: Where tensors go.
        dtype: Of float tensors; None leaves them as the data set has them.
        resident_bytes: Data larger than this are gathered batch by batch.

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
        workers: int = 0,
        prefetch: int = 2,
        drop_last: bool = False,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | None = None,
        resident_bytes: int = RESIDENT_BYTES,
    ) -> None:
        self.dataset = dataset
        self.batch_size = batch_size
        self.seed = seed
        self.shuffle = shuffle
        self.workers = workers
        self.prefetch = prefetch
        self.drop_last = drop_last
        self.device = torch.device(device)
        self.wait_seconds = 0.0
        self._dtype = dtype
        self._resident_bytes = resident_bytes
        self._shard = (0, 1)
        self._epoch = 0
        self._position = 0
        self._masked = bool(dataset.input_masks or dataset.target_masks)
        self._arrays = _tensors(dataset, dtype, resident_bytes)
        self._lazy = any(isinstance(array, LazyArray) for array in self._arrays)
        size = sum(array.nbytes for array in self._arrays)
        self._resident = size <= resident_bytes and not self._lazy
        if self.device.type != "cpu" and size <= DEVICE_BYTES:
            self._arrays = [array if isinstance(array, LazyArray) else array.to(self.device) for array in self._arrays]
        self._check_not_empty()

    def _check_not_empty(self) -> None:
        if len(self) == 0:
            raise DataError(
                "DA020",
                where=f"batches of {self.batch_size} from {len(self.dataset)} samples, drop_last",
                expected="at least one full batch",
                got="none",
                cause="the only batch is smaller than batch_size, and drop_last leaves it out",
                fix=f"write batch_size: {max(1, len(self.dataset) // self._shard[1])}, or drop_last: false",
            )

    def __len__(self) -> int:
        """Batches in an epoch."""
        samples = len(self.order(0)) if self._shard[1] > 1 else len(self.dataset)
        return samples // self.batch_size if self.drop_last else -(-samples // self.batch_size)

    def shard(self, rank: int, count: int) -> Loader:
        """A loader for one of ``count`` parts of every epoch; together they give every sample once, and nothing twice.

        Args:
            rank: Which part, from 0.
            count: How many.
        """
        part = Loader(
            self.dataset,
            self.batch_size,
            seed=self.seed,
            shuffle=self.shuffle,
            workers=self.workers,
            prefetch=self.prefetch,
            drop_last=self.drop_last,
            device=self.device,
            dtype=self._dtype,
            resident_bytes=self._resident_bytes,
        )
        part._shard = (rank, count)
        part._check_not_empty()
        return part

    def order(self, epoch: int) -> np.ndarray:
        """Indices of the samples of an epoch, in the order in which they are fed."""
        rank, count = self._shard
        total = len(self.dataset)
        if self.shuffle:
            return permutation(total, self.seed, "order", epoch)[rank::count]
        return np.arange(rank * total // count, (rank + 1) * total // count)

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

    # -- batches ------------------------------------------------------------------------------------------------------

    def _sliced(self, epoch: int) -> Generator[Batch, None, None]:
        order = torch.from_numpy(np.ascontiguousarray(self.order(epoch)))
        ordered = [tensor.index_select(0, order.to(tensor.device)) for tensor in self._arrays if isinstance(tensor, Tensor)]
        weights = None if self.dataset.weight is None else self.dataset.weight[order.numpy()]
        names, wanted, size = list(self.dataset.inputs), list(self.dataset.targets), self.batch_size
        start, stop, count = self._position * size, min(len(self) * size, len(order)), len(self.dataset.inputs)
        # One split for all batches makes views several times faster than a slice for each.
        if start >= stop:
            return
        pieces = zip(*(torch.split(tensor[start:stop], size) for tensor in (order, *ordered)), strict=True)
        plain = weights is None and not self._masked and self.device.type == "cpu" and len(names) == len(wanted) == 1
        for indices, *parts in pieces:
            if plain:
                # The usual case, without what the general one costs: it happens at every step.
                yield Batch({names[0]: parts[0]}, {wanted[0]: parts[1]}, None, indices, float(len(indices)))
                continue
            moved = [part.to(self.device, non_blocking=True) for part in parts]
            weight, total = None, float(len(indices))
            if weights is not None:
                weight, total = moved[-1], float(weights[start : start + size].sum())
                start += size
            targets = dict(zip(wanted, moved[count:], strict=False))
            yield Batch(dict(zip(names, moved, strict=False)), targets, weight, indices, total, self._masks(moved))

    def _gathered(self, epoch: int) -> Generator[Batch, None, None]:
        order, size, address = np.ascontiguousarray(self.order(epoch)), self.batch_size, Address(self.seed, epoch)
        waiting = (order[start : start + size] for start in range(self._position * size, len(self) * size, size))
        if self.workers == 0:
            for indices in waiting:
                yield self._guarded(indices, address)
            return
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="lamina-loader")
        ahead: deque[Future[Batch]] = deque()
        try:
            for indices in waiting:
                ahead.append(pool.submit(self._guarded, indices, address))
                if len(ahead) > self.workers * self.prefetch:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _guarded(self, indices: np.ndarray, address: Address | None = None) -> Batch:
        try:
            return self.gather(indices, address)
        except (IndexError, ValueError, TypeError, RuntimeError, OSError) as error:
            shown = ", ".join(map(str, indices[:8].tolist()))
            raise DataError(
                "DA021",
                where=f"a batch of the samples {shown}{' ...' if len(indices) > 8 else ''}",
                expected="tensors of these samples",
                got=f"{type(error).__name__}: {error}",
                cause="the data changed while they were read, or there is not enough memory",
                fix="look at these samples: dataset.take(np.array([...])); with too little memory, a smaller batch_size",
            ) from error

    def gather(self, indices: np.ndarray, address: Address | None = None) -> Batch:
        """A batch of these samples.

        Args:
            indices: Their numbers.
            address: Of what is drawn for samples that are made; None: nothing is.
        """
        chosen = torch.from_numpy(np.ascontiguousarray(indices))
        made = take_all({place: array for place, array in enumerate(self._arrays) if isinstance(array, LazyArray)}, indices, address)
        parts = [
            self._cast(_tensor(made[place])).to(self.device, non_blocking=True)
            if isinstance(array, LazyArray)
            else array.index_select(0, chosen.to(array.device)).to(self.device, non_blocking=True)
            for place, array in enumerate(self._arrays)
        ]
        count, weight = len(self.dataset.inputs), self.dataset.weight
        total = float(len(indices)) if weight is None else float(weight[indices].sum())
        inputs, targets = dict(zip(self.dataset.inputs, parts, strict=False)), dict(zip(self.dataset.targets, parts[count:], strict=False))
        return Batch(inputs, targets, None if weight is None else parts[-1], chosen, total, self._masks(parts))

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
