"""The processes that train together, as each of them sees them: its number, how many there are, and how they talk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamina.distribute.packing import pack, unpack
from lamina.errors import TrainingError

Wait = Callable[[], None]
"""Returns when what was begun is done."""


class World:
    """A training of one process: the base of all others, where every exchange is with oneself.

    Attributes:
        rank: Number of this process, from 0.
        count: How many there are.
        seconds: Time this process has spent in exchanges, waiting for the others included.
        sent: Bytes it has given to exchanges.
    """

    rank: int = 0
    count: int = 1

    def __init__(self) -> None:
        self.seconds = 0.0
        self.sent = 0
        self._timing = False

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes, shows and keeps."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        """Whether there is only one."""
        return self.count == 1

    # -- tensors ----------------------------------------------------------------------------------------------------

    def begin_sum(self, tensor: Tensor) -> Wait:
        """Begin to put the sum over all processes, the same bits everywhere, in place of a contiguous tensor."""
        return lambda: None

    def sum(self, *tensors: Tensor) -> None:
        """Put the sums over all processes in place of these tensors, all on the way at once."""
        with self.timed():
            for wait in [self.begin_sum(tensor) for tensor in tensors]:
                wait()

    def maximum(self, tensor: Tensor) -> None:
        """Put the maximum over all processes in place of a tensor."""

    def gather_bytes(self, message: Tensor) -> list[Tensor]:
        """The messages (uint8, of any length) of all processes, in their order."""
        return [message]

    def copy(self, *tensors: Tensor) -> None:
        """Give all processes the values that the first one has."""

    # -- plain data -------------------------------------------------------------------------------------------------

    def gather(self, value: Any) -> list[Any]:
        """The values (plain data and arrays, see `lamina.distribute.packing`) of all processes, in their order."""
        if self.alone:
            return [value]
        message = torch.from_numpy(np.frombuffer(bytearray(pack(value)), np.uint8))
        return [unpack(found.numpy().data) for found in self.gather_bytes(message)]

    def share(self, value: Any) -> Any:
        """The value that the first process has; what the others give is not looked at."""
        return value if self.alone else self.gather(value if self.leads else None)[0]

    def close(self) -> None:
        """Leave."""

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the time of the body as spent in exchanges."""
        outer, self._timing = self._timing, True
        started = time.perf_counter()
        try:
            yield
        finally:
            self._timing = outer
            if not outer:  # What stands within another is counted there.
                self.seconds += time.perf_counter() - started


class Processes(World):
    """Processes joined by torch.distributed.

    Args:
        rank: Number of this process.
        count: How many.
        timeout: Seconds to wait for the others.
        init: Where they meet: ``file://...``, or ``env://`` where a launcher has set variables.
        cuda: Whether tensors are on CUDA devices.

    Raises:
        TrainingError: DI001, if they don't all come.
    """

    def __init__(self, rank: int, count: int, *, timeout: float, init: str, cuda: bool = False) -> None:
        super().__init__()
        import torch.distributed as dist

        self.rank, self.count = rank, count
        self._dist = dist
        self._cuda = cuda
        self._timeout = timeout
        backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
        with self._talking("to meet the others"):
            dist.init_process_group(backend, init_method=init, rank=rank, world_size=count, timeout=timedelta(seconds=timeout))
            dist.barrier()

    def begin_sum(self, tensor: Tensor) -> Wait:
        self.sent += tensor.nbytes
        with self._talking("to sum"):
            work = self._dist.all_reduce(tensor, async_op=True)

        def wait() -> None:
            with self._talking("to sum"):
                work.wait()

        return wait

    def maximum(self, tensor: Tensor) -> None:
        with self.timed(), self._talking("to compare"):
            self._dist.all_reduce(tensor, self._dist.ReduceOp.MAX)

    def gather_bytes(self, message: Tensor) -> list[Tensor]:
        with self.timed(), self._talking("to collect messages"):
            self.sent += message.nbytes
            sizes = torch.zeros(self.count, dtype=torch.int64)
            sizes[self.rank] = len(message)
            self._dist.all_reduce(sizes)
            longest = int(sizes.max())
            padded = message if len(message) == longest else torch.cat([message, message.new_zeros(longest - len(message))])
            found = [torch.empty(longest, dtype=torch.uint8) for _ in range(self.count)]
            if longest:
                self._dist.all_gather(found, padded)
            return [one[:size] for one, size in zip(found, sizes.tolist(), strict=True)]

    def copy(self, *tensors: Tensor) -> None:
        with self.timed(), self._talking("to copy"):
            for work in [self._dist.broadcast(tensor, 0, async_op=True) for tensor in tensors]:
                work.wait()

    def close(self) -> None:
        self._dist.destroy_process_group()

    @contextmanager
    def _talking(self, what: str) -> Iterator[None]:
        try:
            yield
        except (RuntimeError, ValueError) as error:
            raise PeerError.lost(self.rank, what, str(error), self._timeout) from error


class PeerError(TrainingError):
    """Another process is gone, or doesn't answer: what happened there is the error to look at."""

    @classmethod
    def lost(cls, rank: int, what: str, got: str, timeout: float) -> PeerError:
        """The error for an exchange that failed."""
        return cls(
            "DI001",
            where=f"rank {rank}, an exchange {what}",
            expected="an answer of every other process",
            got=got.splitlines()[0][:300] if got else "none",
            cause="another process ended or was killed, hangs, or can't be reached over the network",
            fix=f"look at what the other processes say; where a step may take longer than {timeout:g} s, set timeout of the cluster",
        )


ALONE = World()
"""The world of a training on one process."""


def alike(world: World, values: Sequence[Tensor]) -> bool:
    """Whether tensors have the same bits in every process."""
    import hashlib

    digest = hashlib.blake2b(digest_size=16)
    for value in values:
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return len(set(world.gather(digest.hexdigest()))) == 1
