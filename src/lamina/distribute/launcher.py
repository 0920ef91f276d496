"""Processes that somebody else has started (torchrun, or anything that sets its variables), and the device of each process."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from lamina.errors import StartError

if TYPE_CHECKING:
    from lamina.distribute.world import World

_NEEDED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True)
class Launched:
    """What a launcher says of this process.

    Attributes:
        rank: Its number.
        count: How many there are.
        local_rank: Its number on this machine.
        local_count: How many there are on this machine.
        attempt: How often they were started before.
    """

    rank: int
    count: int
    local_rank: int
    local_count: int
    attempt: int = 0

    @classmethod
    def read(cls, variables: Mapping[str, str] | None = None) -> Self | None:
        """What stands in the variables of the environment; None if no launcher has started this process.

        Raises:
            StartError: DI011, if they don't fit together.

        Example:
            >>> Launched.read({"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"})
            Launched(rank=1, count=2, local_rank=1, local_count=2, attempt=0)
        """
        given = os.environ if variables is None else variables
        if "RANK" not in given or "WORLD_SIZE" not in given:
            return None
        missing = [name for name in _NEEDED if name not in given]
        try:
            rank, count = int(given["RANK"]), int(given["WORLD_SIZE"])
            local = int(given.get("LOCAL_RANK", rank)), int(given.get("LOCAL_WORLD_SIZE", count))
            attempt = int(given.get("TORCHELASTIC_RESTART_COUNT", 0))
        except ValueError:
            missing, rank, count = ["numbers in RANK, WORLD_SIZE, LOCAL_RANK and LOCAL_WORLD_SIZE"], 0, 0
        if missing or not 0 <= rank < count:
            raise StartError(
                "DI011",
                where="the environment",
                expected="the variables of a launcher: RANK below WORLD_SIZE, MASTER_ADDR, MASTER_PORT",
                got=f"RANK={given['RANK']}, WORLD_SIZE={given['WORLD_SIZE']}" + (f", without {', '.join(missing)}" if missing else ""),
                cause="they were set by hand, or are left over from another program",
                fix="start it by torchrun --nproc-per-node 2 -m lamina train RECIPE, or unset RANK and WORLD_SIZE",
            )
        return cls(rank, count, *local, attempt)

    def join(self, *, timeout: float, cuda: bool) -> World:
        """Meet the other processes.

        Raises:
            TrainingError: DI001, if they don't all come.
        """
        from lamina.distribute.world import ALONE, Processes

        return ALONE if self.count == 1 else Processes(self.rank, self.count, timeout=timeout, init="env://", cuda=cuda)


def placed(device: str, rank: int, count: int) -> str:
    """The device of one of several processes on a machine: a CUDA device each, where there are enough, else the CPU.

    Args:
        device: What was asked for.
        rank: Number of the process on this machine.
        count: How many there are on it.

    Raises:
        StartError: DI011, if a device was asked for that they can't share.
    """
    if count == 1 or device == "cpu":
        return device
    import torch

    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if there >= count and device in ("auto", "cuda"):
        return f"cuda:{rank}"
    if device == "auto":
        return "cpu"
    raise StartError(
        "DI011",
        where="train.device",
        expected=f"a device for each of {count} processes: cpu, or cuda with {count} devices",
        got=f"{device}, and {there} CUDA devices",
        cause="processes do not share a device",
        fix="write device: cpu, or take as many workers as there are CUDA devices",
    )
