"""The average of the weights in a training: when it is taken, when it stands in for the weights, and what is kept of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lamina.engine.averaging import Average
from lamina.engine.randomness import derive
from lamina.engine.statistics import estimate_statistics, has_statistics
from lamina.train.ways import never_averaged

if TYPE_CHECKING:
    import torch

    from lamina.train.trainer import Trainer
    from lamina.train.view import TrainerView


class Averaged:
    """Keeps the average of a trainer's weights; without one asked for, it does nothing.

    Args:
        trainer: Whose; its lengths must be known.

    Raises:
        DescriptionError: TR110, if the average would begin after the end of training.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._kind: str | None = None
        self._average: Average | None = None
        averaging = trainer.config.averaging
        if averaging is None:
            return
        self._kind = averaging.type_name
        averaging = averaging.bind(total_steps=trainer.total_steps, total_epochs=trainer.total_epochs)
        begins, unit = averaging.begins()
        total = trainer.total_steps if unit == "steps" else trainer.total_steps // trainer.steps_per_epoch
        if begins > total:
            raise never_averaged(begins, total, unit)
        self._average = Average(averaging, trainer.network, trainer.flat)

    @property
    def needed(self) -> bool:
        """Whether there is anything to average."""
        return self._average is not None

    def on_step(self, trainer: TrainerView) -> None:
        """A step was made."""
        if self._average is not None:
            self._average.after(trainer.step, "steps")

    def on_epoch(self, trainer: TrainerView) -> None:
        """An epoch is over, and not yet judged."""
        if self._average is not None:
            self._average.after(trainer.epoch, "epochs")

    def present(self) -> None:
        """Give the network the averaged weights from now on, if there are any."""
        if self._average is not None:
            self._average.present(self._estimate)

    @contextmanager
    def presenting(self) -> Iterator[None]:
        """Inside, the network has the averaged weights, if there are any."""
        average = self._average
        if average is None or average.presented:
            yield
            return
        average.present(self._estimate)
        try:
            yield
        finally:
            average.withdraw()

    def _estimate(self) -> None:
        trainer = self._trainer
        if has_statistics(trainer.network):
            # Another loader: the position of the trainer's is state.
            batches = trainer.loader.shard(0, 1).epoch(0)
            estimate_statistics(trainer.network, batches, trainer.precision, seed=derive(trainer.model.seed, "statistics"))

    def state(self) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """Plain data and tensors to go on from; both empty without an average."""
        if self._average is None:
            return {}, {}
        numbers, tensors = self._average.state_dict()
        return {"averaging": {"type": self._kind, **numbers}}, tensors

    def restore(self, values: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> None:
        """Go on from `state`; the network gets the trained weights."""
        if self._average is not None:
            self._average.load_state_dict(values["averaging"], tensors)
