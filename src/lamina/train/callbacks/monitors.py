"""Values that the trainer itself doesn't observe: learning rate, gradients, and how fast weights move."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.spec import register
from lamina.spec.fields import Count
from lamina.train.callbacks.callback import WRITER, Callback, CallbackRun
from lamina.train.callbacks.log_file import LogFile

if TYPE_CHECKING:
    import torch

    from lamina.train.view import TrainerView

RATE, NORM, RATIO = "train/learning_rate", "train/gradient_norm", "train/update_ratio"


@register("learning_rate_monitor")
class LearningRateMonitor(Callback):
    """Observe ``train/learning_rate``: that of the latest step."""

    def start(self) -> CallbackRun:
        return _RateRun(self)

    @classmethod
    def examples(cls) -> list[LearningRateMonitor]:
        return [LearningRateMonitor()]


class _RateRun(CallbackRun):
    priority = WRITER
    observes = (RATE,)

    def on_epoch(self, trainer: TrainerView) -> None:
        trainer.observation[RATE] = float(trainer.optimizer.learning_rate)


@register("gradient_watch")
class GradientWatch(Callback):
    """Measure gradients and updates every so many steps.

    Observes ``train/gradient_norm`` and ``train/update_ratio``, means over the measurements of an epoch: the L2 norm of all
    gradients as the update found them (after clipping), and the norm of the update over that of the weights (about 1e-3 is
    healthy; 1e-1 is too fast, 1e-6 too slow). In a run directory, ``gradients.jsonl`` has both for every layer.

    Attributes:
        every: Steps between measurements; one costs about as much as an update.
    """

    positional: ClassVar[tuple[str, ...]] = ("every",)
    every: Count = 50

    def start(self) -> CallbackRun:
        return _GradientRun(self)

    @classmethod
    def examples(cls) -> list[GradientWatch]:
        return [GradientWatch(), GradientWatch(1)]


class _GradientRun(CallbackRun):
    priority = WRITER
    needs_step = True
    observes = (NORM, RATIO)

    def __init__(self, description: GradientWatch) -> None:
        super().__init__(description)
        self._every = description.every
        self._before: list[torch.Tensor] | None = None
        self._norm = self._ratio = 0.0
        self._count = 0
        self._log = LogFile()

    def on_start(self, trainer: TrainerView) -> None:
        if trainer.run_dir is not None:
            self._log.open(trainer.run_dir.path / "gradients.jsonl")
        if (trainer.step + 1) % self._every == 0:
            self._before = [p.detach().clone() for p in _trained(trainer).values()]

    def on_step(self, trainer: TrainerView) -> None:
        if trainer.step % self._every == 0 and self._before is not None:
            self._measure(trainer, self._before)
        self._before = [p.detach().clone() for p in _trained(trainer).values()] if (trainer.step + 1) % self._every == 0 else None

    def on_epoch(self, trainer: TrainerView) -> None:
        if self._count:
            trainer.observation[NORM] = self._norm / self._count
            trainer.observation[RATIO] = self._ratio / self._count
        self._norm = self._ratio = 0.0
        self._count = 0

    def finish(self, trainer: TrainerView) -> None:
        self._log.close()

    def state_dict(self) -> dict[str, Any]:
        return {"norm": self._norm, "ratio": self._ratio, "count": self._count, "offset": self._log.mark()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._norm, self._ratio, self._count = float(state["norm"]), float(state["ratio"]), int(state["count"])
        self._log.offset = int(state["offset"])

    def _measure(self, trainer: TrainerView, before: list[torch.Tensor]) -> None:
        """Squares of gradient, update and weight of each parameter, brought from the device in one go."""
        import torch

        parameters = _trained(trainer)
        squares = [
            torch.stack([_square(p.grad), _square(p.detach() - old), _square(old)])
            for p, old in zip(parameters.values(), before, strict=True)
        ]
        layers: dict[str, list[float]] = {}
        for name, values in zip(parameters, torch.stack(squares).tolist(), strict=True):
            sums = layers.setdefault(name, [0.0, 0.0, 0.0])
            layers[name] = [a + b for a, b in zip(sums, values, strict=True)]
        grouped: dict[str, list[float]] = {}
        for name, values in layers.items():
            owner = layer_of(name)
            grouped[owner] = [a + b for a, b in zip(grouped.get(owner, [0.0] * 3), values, strict=True)]
        total = [sum(values[i] for values in grouped.values()) for i in range(3)]
        self._norm += total[0] ** 0.5
        self._ratio += _ratio(total)
        self._count += 1
        rows = {name: {"norm": values[0] ** 0.5, "ratio": _ratio(values)} for name, values in grouped.items()}
        self._log.write(json.dumps({"step": trainer.step, "layers": rows}))


def layer_of(name: str) -> str:
    """The layer of a parameter: ``dense_1`` of ``dense_1/weight``.

    Example:
        >>> layer_of("dense_1/weight"), layer_of("body.0.bias")
        ('dense_1', 'body.0')
    """
    return name.rpartition("/")[0] if "/" in name else name.rpartition(".")[0]


def _trained(trainer: TrainerView) -> dict[str, torch.Tensor]:
    """Trainable parameters by name, in the order of the network."""
    network = trainer.network
    named = network.tensors() if hasattr(network, "tensors") else dict(network.named_parameters())
    return {name: tensor for name, tensor in named.items() if tensor.requires_grad}


def _square(x: torch.Tensor | None) -> torch.Tensor:
    import torch

    return torch.zeros((), dtype=torch.float64) if x is None else x.detach().double().square().sum()


def _ratio(squares: list[float]) -> float:
    return (squares[1] / squares[2]) ** 0.5 if squares[2] > 0 else 0.0
