"""What callbacks and triggers see of a trainer; anything that has these members can be watched by any callback."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch

    from lamina.train.run import RunDirectory
    from lamina.train.state import TrainingState


@dataclass
class TimingStats:
    """Where the time of a run went; counted since the start of this process's part of the run.

    Attributes:
        steps: Steps made.
        samples: Samples in them.
        step_seconds: Spent in steps: forward, backward, update.
        data_wait_seconds: Spent waiting for the next batch.
        evaluation_seconds: Spent judging the validation part.
        exchange_seconds: Of all these, spent exchanging with other processes, waiting for them included.
    """

    steps: int = 0
    samples: int = 0
    step_seconds: float = 0.0
    data_wait_seconds: float = 0.0
    evaluation_seconds: float = 0.0
    exchange_seconds: float = 0.0

    @property
    def exchanging(self) -> float:
        """Fraction of the time of steps, 0 to 1, that went into exchanges.

        Example:
            >>> TimingStats(step_seconds=4.0, exchange_seconds=1.0).exchanging
            0.25
        """
        return min(1.0, self.exchange_seconds / self.step_seconds) if self.step_seconds > 0 else 0.0

    @property
    def waiting(self) -> float:
        """Fraction of training time, 0 to 1, that was spent waiting for data.

        Example:
            >>> TimingStats(step_seconds=1.0, data_wait_seconds=3.0).waiting
            0.75
        """
        total = self.step_seconds + self.data_wait_seconds
        return self.data_wait_seconds / total if total > 0 else 0.0


class BatchView(Protocol):
    """What callbacks read of a batch."""

    @property
    def inputs(self) -> Mapping[str, torch.Tensor]:
        """Tensors by input name, batch first."""

    @property
    def targets(self) -> Mapping[str, torch.Tensor]:
        """Tensors by target name."""

    @property
    def indices(self) -> Any:
        """Which samples of the data set these are."""

    @property
    def size(self) -> int:
        """How many samples."""


class RunnerView(Protocol):
    """What callbacks read of what makes the steps."""

    guard: Callable[[torch.Tensor], None] | None
    """Called with the loss of each step between gradients and update; an exception leaves the parameters as they were."""


class TrainerView(Protocol):
    """A trainer, as callbacks see it.

    Attributes:
        step: Steps done.
        epoch: Epochs done.
        total_steps: Steps planned.
        total_epochs: Epochs planned.
        observation: Values of this epoch by name (``train/loss``, ``validation/accuracy``); only what doesn't depend on time.
        run_dir: Where the run is kept, if anywhere.
        timing: Where the time went.
        model: What is trained.
        network: Its network, a `lamina.engine.network.Network`.
        flat: Its parameters and gradients as vectors.
        optimizer: What updates them; has ``learning_rate``.
        loader: Where batches come from; has ``wait_seconds`` and ``workers``.
        last_batch: The batch of the current or latest step, a `BatchView`; None before the first.
        last_loss: Its loss, still on the device: reading it waits for the device.
        stop_reason: Why training is to stop before its planned end.
        interrupted: Number of the signal that stopped it; None if none did.
        kept: Whether there is a run directory, of whichever process.
        runner: What makes the steps.
    """

    step: int
    epoch: int
    total_steps: int
    total_epochs: int
    observation: dict[str, float]
    run_dir: RunDirectory | None
    timing: TimingStats
    model: Any
    network: Any
    flat: Any
    optimizer: Any
    loader: Any
    last_batch: Any
    last_loss: torch.Tensor | None
    stop_reason: str | None
    interrupted: int | None
    kept: bool

    @property
    def workers(self) -> int:
        """How many processes train together."""

    @property
    def leads(self) -> bool:
        """Whether this is the one of them that writes and shows."""

    @property
    def runner(self) -> RunnerView:
        """What makes the steps."""

    @property
    def epoch_progress(self) -> float:
        """Epochs done, with the fraction of the current one."""

    @property
    def metric_names(self) -> Sequence[str]:
        """All values that will ever be observed; known before the first step."""

    def better(self, metric: str) -> str:
        """``max`` if more of a metric is better, else ``min``."""

    def request_stop(self, reason: str, *, final: bool = True) -> None:
        """Stop at the end of this step; ``final=False`` for an interruption, after which a resumed run goes on."""

    def presenting(self) -> AbstractContextManager[None]:
        """Inside, the network has the weights that are evaluated and kept: averaged ones, where there are some."""

    def save_checkpoint(self) -> None:
        """Keep the state of training, if anything keeps it: now, or where several processes train, after the next exchange."""

    def agreed(self, value: bool) -> bool:  # noqa: FBT001 (a value, not a switch)
        """What the first of the processes says, where the answer depends on its clock; all must ask."""

    def state(self) -> TrainingState:
        """Everything that changes in training apart from the weights."""
