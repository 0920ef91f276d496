"""The state of training: what a checkpoint holds beside the weights, and the surroundings a run needs and gives back."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lamina.archive import TRAINING, TRAINING_ARRAYS
from lamina.errors import LaminaWarning, TrainingError

if TYPE_CHECKING:
    import numpy as np

    from lamina.archive import Archive


@dataclass(frozen=True)
class TrainingState:
    """What changes in training apart from weights and buffers.

    Attributes:
        values: Plain data, written as ``training.json``.
        arrays: The optimiser's flat vectors, written as ``training.safetensors``.
    """

    values: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def read(cls, archive: Archive) -> TrainingState:
        """The state in a checkpoint.

        Raises:
            ArchiveError: AR022, if the archive is a model without one, or is damaged.
        """
        return cls(archive.json(TRAINING), archive.arrays(TRAINING_ARRAYS))

    def check(
        self, *, steps_per_epoch: int, optimizer: Mapping[str, Any], averaging: str | None = None, exchange: str | None = None
    ) -> None:
        """See that this state belongs to the run that wants to go on from it.

        Raises:
            TrainingError: TR051, if the data has another length, or the optimiser, the average or the exchange is of another type.
        """
        before = self.values["steps_per_epoch"]
        if before != steps_per_epoch:
            raise TrainingError(
                "TR051",
                where="resume",
                expected=f"{before} steps an epoch, as when the checkpoint was taken",
                got=f"{steps_per_epoch}",
                cause="the data, the split, the batch size or accumulate has changed since",
                fix="resume with the recipe the run was started with, or start a new run in another directory",
            )
        if self.values["optimizer"]["type"] != optimizer["type"]:
            raise TrainingError(
                "TR051",
                where="resume, train.optimizer",
                expected=f"{self.values['optimizer']['type']!r}, whose state the checkpoint holds",
                got=repr(optimizer["type"]),
                cause="the optimiser has changed since the checkpoint was taken",
                fix="resume with the optimiser the run was started with, or start a new run from the model",
            )
        found = self.values.get("averaging", {}).get("type")
        if found != averaging:
            raise TrainingError(
                "TR051",
                where="resume, train.averaging",
                expected="no average" if found is None else f"{found!r}, whose state the checkpoint holds",
                got="none" if averaging is None else repr(averaging),
                cause="train.averaging has changed since the checkpoint was taken",
                fix="resume with the setting the run was started with, or start a new run from the model",
            )
        kept = self.values.get("exchange", {}).get("type")
        # One process, and all that sum up whole gradients, leave the same state.
        if {kept, exchange} - {None, "all_reduce", "bf16"} and kept != exchange:
            raise TrainingError(
                "TR051",
                where="resume, train.exchange",
                expected=f"{kept or 'all_reduce'!r}, as when the checkpoint was taken",
                got="one process" if exchange is None else repr(exchange),
                cause="train.exchange has changed since the checkpoint was taken, or the run goes on with one process",
                fix="resume with the setting the run was started with, on at least 2 workers, or start a new run from the model",
            )


@contextmanager
def restored_environment(threads: int | None) -> Iterator[None]:
    """Set torch's CPU threads; afterwards, threads and global random generators are as they were before.

    Warns:
        LaminaWarning: TR050, if torch won't have that many threads; sums may then round differently.
    """
    import torch

    before = torch.get_num_threads()
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        try:
            if threads is not None and threads != before:
                torch.set_num_threads(threads)
                if torch.get_num_threads() != threads:
                    warnings.warn(
                        f"[TR050] asked for {threads} threads, torch computes with {torch.get_num_threads()}: the last digits may "
                        "differ from a run with another number; set train.threads to what this machine has",
                        LaminaWarning,
                        stacklevel=3,
                    )
            yield
        finally:
            torch.set_num_threads(before)
