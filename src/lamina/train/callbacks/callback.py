"""What every callback is: a description that a recipe can hold, and a run of it that training calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.spec import Description

if TYPE_CHECKING:
    from lamina.train.view import TrainerView

WRITER, EDITOR, READER, KEEPER = 300, 200, 100, 50
"""Priorities: those who produce values, those who change them, those who read them, and last of all who keeps the state of all."""


class Callback(Description, family="callback"):
    """Base of everything that watches or steers training.

    Class attributes:
        speaks: Whether it writes to the terminal; those that do are not started by default where progress is off.
        steers: Whether weights may be others than without it, though training wasn't stopped.
        everywhere: Where several processes train: whether it runs in all of them, as what changes the network must, and does the same
            in each; otherwise in the first alone. Only the first has a run directory.
    """

    speaks: ClassVar[bool] = False
    steers: ClassVar[bool] = False
    everywhere: ClassVar[bool] = False

    def start(self) -> CallbackRun:
        """A fresh run of this callback, for one training."""
        raise NotImplementedError

    @property
    def monitors(self) -> Mapping[str, str]:
        """Metrics that it waits for, by the setting that names them, so that they are checked before the first step."""
        return {}


class CallbackRun:
    """A callback at work in one training. All hooks do nothing unless a subclass says so.

    The trainer calls ``on_start`` once; ``on_step`` after every update, only of those with ``needs_step``; ``on_epoch`` after
    every epoch, when its values are in ``trainer.observation``; ``on_checkpoint`` when somebody asks for one; ``on_error``
    before an exception leaves; ``finish`` always, at the very end. Whoever has the higher priority is called first.

    Args:
        description: What was asked for.

    Attributes:
        priority: One of `WRITER`, `EDITOR`, `READER`, `KEEPER`.
        needs_step: Whether it wants ``on_step``; known at the latest after construction.
        observes: Names of the values that it adds to the observation.
    """

    priority: int = READER
    needs_step: bool = False
    observes: Sequence[str] = ()

    def __init__(self, description: Callback) -> None:
        self.description = description

    @property
    def name(self) -> str:
        """What its state is kept under; the same in the run that resumes."""
        return self.description.type_name or type(self.description).__name__

    def validate(self, metric_names: Sequence[str]) -> None:
        """See that every metric that it waits for will be there; called before the first step.

        Raises:
            DescriptionError: TR055, with the nearest name.
        """
        from lamina.train.metrics import check_monitors

        check_monitors({self.name: self.description.monitors}, metric_names)

    def on_start(self, trainer: TrainerView) -> None:
        """Training starts or goes on; a state has been loaded before."""

    def on_step(self, trainer: TrainerView) -> None:
        """A step was made."""

    def on_epoch(self, trainer: TrainerView) -> None:
        """An epoch is over and judged."""

    def on_checkpoint(self, trainer: TrainerView) -> None:
        """Somebody wants the state kept now."""

    def on_error(self, trainer: TrainerView, error: BaseException) -> None:
        """Training failed; the error goes on afterwards."""

    def finish(self, trainer: TrainerView) -> None:
        """Training is over, well or not."""

    def state_dict(self) -> dict[str, Any]:
        """What it must remember to go on after a kill: plain data for JSON, nothing that depends on time if it can be helped."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
