"""Noise that grows or fades while a network is trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.errors import TrainingError, nearest
from lamina.learning.schedules import Rate, Schedule, value_of
from lamina.spec import register
from lamina.spec.fields import Names
from lamina.train.callbacks.callback import EDITOR, Callback, CallbackRun

if TYPE_CHECKING:
    from lamina.engine.noise import Strength
    from lamina.train.view import TrainerView


@register("noise_schedule")
class NoiseSchedule(Callback):
    """Give dropout and its relatives another strength at every step: a probability of dropping, or a standard deviation.

    Deeplearning4j has such a schedule in each kind of dropout. When training is over, the noise is again what the layers say.

    Attributes:
        schedule: The strength; lengths left out are those of the run.
        layers: Names of the layers whose noise it is; none: all layers that have noise on what flows through them.
    """

    everywhere: ClassVar[bool] = True
    positional: ClassVar[tuple[str, ...]] = ("schedule", "layers")
    steers: ClassVar[bool] = True
    schedule: Rate
    layers: Names = ()

    def start(self) -> CallbackRun:
        return NoiseScheduleRun(self)

    @classmethod
    def examples(cls) -> list[Any]:
        return [NoiseSchedule(0.25)]


class NoiseScheduleRun(CallbackRun):
    """Sets the strength before each step; it is a function of step and epoch, so that there is nothing to remember."""

    priority = EDITOR
    needs_step = True

    def __init__(self, description: NoiseSchedule) -> None:
        super().__init__(description)
        self.settings = description
        self._schedule: float | Schedule = description.schedule
        self._strengths: list[Strength] = []
        self._first: list[float] = []

    def on_start(self, trainer: TrainerView) -> None:
        schedule = self.settings.schedule
        if isinstance(schedule, Schedule):
            schedule = schedule.bind(trainer.total_steps, trainer.total_epochs)
        self._schedule = schedule
        self._strengths = self._chosen(trainer)
        self._first = [strength.value for strength in self._strengths]
        self._set(trainer)

    def on_step(self, trainer: TrainerView) -> None:
        self._set(trainer)

    def finish(self, trainer: TrainerView) -> None:
        for strength, value in zip(self._strengths, self._first, strict=True):
            strength.value = value
        self._strengths, self._first = [], []

    def _set(self, trainer: TrainerView) -> None:
        epoch = trainer.step * trainer.total_epochs / max(trainer.total_steps, 1)
        value = float(value_of(self._schedule, trainer.step, epoch))
        for strength in self._strengths:
            if not 0 <= value < strength.most:
                raise TrainingError(
                    "EN072",
                    where=f"callback noise_schedule, step {trainer.step + 1}",
                    expected="a probability of at least 0 and below 1",
                    got=f"{value:g}",
                    cause="the schedule leaves what a probability can be",
                    fix="use a schedule from one probability of dropping to another, such as {type: linear, initial: 0.5, final: 0.0}",
                )
            strength.value = value

    def _chosen(self, trainer: TrainerView) -> list[Strength]:
        from lamina.engine.noise import strengths

        found = {name: strengths(module) for name, module in _layers(trainer.network).items()}
        noisy = [name for name, its in found.items() if its]
        wrong = [name for name in self.settings.layers if name not in noisy]
        if wrong or not noisy:
            near = nearest(wrong[0], noisy) if wrong else None
            raise TrainingError(
                "EN073",
                where="callback noise_schedule",
                expected=f"layers with noise on what flows through them: {', '.join(noisy) or 'none has any'}",
                got=", ".join(map(repr, wrong)) or "all layers",
                cause="a layer without noise has no strength to change" if wrong else "the network has no noise",
                fix=f"did you mean {near!r}?" if near else "give the layers dropout: 0.5, or remove the callback",
            )
        return [strength for name in (self.settings.layers or noisy) for strength in found[name]]


def _layers(network: Any) -> Mapping[str, Any]:
    """Modules by the names of their layers; of an own module, by those of its parts."""
    described = getattr(network, "modules_of_nodes", None)
    if described is not None:
        return {module.node.name: module for module in described}
    return dict(network.named_children())
