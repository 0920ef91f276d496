"""Stop at the first number that isn't finite, and say where it came from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from lamina.errors import TrainingError
from lamina.spec import register
from lamina.spec.fields import Count
from lamina.train.callbacks.callback import WRITER, Callback, CallbackRun
from lamina.train.callbacks.monitors import layer_of

if TYPE_CHECKING:
    import torch

    from lamina.train.view import BatchView, TrainerView

_SHOWN = 10


@register("nan_watch")
class NanWatch(Callback):
    """Stop training as soon as the loss is NaN or infinite, and name the layer where it began.

    The loss is looked at before its update, so the parameters still are what they were, and the batch is computed once more,
    layer by layer. On a CPU it looks at every step; elsewhere seldom, for each look waits for the device.

    Attributes:
        every: Steps between looks at the loss, on a device that isn't a CPU.
        gradients_every: Steps between looks at the gradients; on a device that isn't a CPU at least ``every``.
    """

    everywhere: ClassVar[bool] = True
    every: Count = 50
    gradients_every: Count = 10

    def start(self) -> CallbackRun:
        return NanWatchRun(self)

    @classmethod
    def examples(cls) -> list[NanWatch]:
        return [NanWatch(), NanWatch(every=1, gradients_every=1)]


@dataclass(frozen=True)
class Finding:
    """Where it began.

    Attributes:
        where: The layer, input or parameter.
        got: What is not finite there.
        cause: Why, probably.
        fix: What to try.
    """

    where: str
    got: str
    cause: str
    fix: str


class NanWatchRun(CallbackRun):
    """Looks at loss and gradients between backward pass and update."""

    priority = WRITER

    def __init__(self, description: NanWatch) -> None:
        super().__init__(description)
        self.settings = description

    def on_start(self, trainer: TrainerView) -> None:
        settings = self.settings

        def guard(loss: torch.Tensor) -> None:
            on_cpu = loss.device.type == "cpu"
            if not on_cpu and trainer.step % settings.every:
                return
            if not math.isfinite(loss.item()):
                raise problem(trainer, loss.item(), diagnose(trainer))
            if trainer.step % settings.gradients_every == 0 and self._bad_gradient(trainer):
                raise problem(trainer, loss.item(), diagnose(trainer, gradients=True))

        trainer.runner.guard = guard

    def finish(self, trainer: TrainerView) -> None:
        trainer.runner.guard = None

    def _bad_gradient(self, trainer: TrainerView) -> bool:
        precision = getattr(trainer, "precision", None)
        if precision is not None and precision.scaled:  # Gradients of float16 overflow now and then; its scaler skips such steps.
            return False
        gradient: torch.Tensor = trainer.flat.gradient
        # A sum is one pass over memory; that it is finite says that all are.
        return not math.isfinite(gradient.sum().item()) and not bool(gradient.isfinite().all())


def problem(trainer: TrainerView, loss: float, found: Finding) -> TrainingError:
    """The error to raise: step, place, cause, and where to go on from."""
    fix = found.fix
    kept = _last_checkpoint(trainer)
    if kept is not None:
        fix += f"; the last good checkpoint is {kept}"
    return TrainingError(
        "TR010",
        where=f"step {trainer.step + 1} (epoch {trainer.epoch + 1}), {found.where}",
        expected="finite numbers",
        got=f"{found.got}; the loss is {loss:g}",
        cause=found.cause,
        fix=fix,
    )


def diagnose(trainer: TrainerView, *, gradients: bool = False) -> Finding:
    """Find where the first number came from that isn't finite: data, parameters, a layer's output, the loss, or a gradient."""
    batch = trainer.last_batch
    if batch is not None and (found := _in_data(batch)):
        return found
    tensors: Mapping[str, Any] = trainer.network.tensors()
    bad = [name for name, tensor in tensors.items() if not _finite(tensor)]
    if bad:
        return _in_parameters(bad)
    found = None if batch is None else _in_outputs(trainer, batch)
    if found is not None:
        return found
    if gradients:
        return _in_gradients([name for name, p in tensors.items() if p.grad is not None and not _finite(p.grad)])
    return Finding(
        "the loss",
        "every layer's output is finite",
        "the loss of these outputs overflows, or a sample weight is not finite",
        "use a loss with its natural activation, scale the targets, or lower the learning rate",
    )


def _in_data(batch: BatchView) -> Finding | None:
    for kind, values in (("input", batch.inputs), ("target", batch.targets)):
        for name, tensor in values.items():
            if not _finite(tensor):
                return Finding(
                    f"{kind} {name!r} of the data",
                    f"{_word(tensor)} in {_samples(batch, tensor)}",
                    "the data hold values that are missing or infinite",
                    "remove or fill these samples, or check the column's normaliser (a constant column, a logarithm of 0)",
                )
    return None


def _in_parameters(bad: list[str]) -> Finding:
    # A bad gradient spreads from the layer where it arises to all before it, so the last one is where it began.
    layer = layer_of(bad[-1])
    others = len({layer_of(name) for name in bad}) - 1
    return Finding(
        f"layer {layer!r}",
        f"parameter {bad[-1]!r} is not finite" + (f", and so are some of {others} other layers" if others else ""),
        "an earlier update was not finite: its gradient overflowed or was undefined",
        "lower the learning rate, or clip the gradients (clip: 1.0); callback {type: nan_watch, gradients_every: 1} finds the very step",
    )


def _in_outputs(trainer: TrainerView, batch: BatchView) -> Finding | None:
    import torch

    from lamina.engine.randomness import derive, mix
    from lamina.engine.step import seed_generator

    device = next(iter(batch.inputs.values())).device
    seed_generator(device, mix(derive(trainer.model.seed, "step"), trainer.step))
    precision = getattr(trainer, "precision", None)
    with torch.no_grad():
        if precision is None:
            outputs = _outputs(trainer.network, batch)
        else:
            with precision.autocast():
                outputs = _outputs(trainer.network, batch)
    for name, output in outputs.items():
        if not _finite(output):
            return Finding(
                f"layer {name!r}",
                f"{_word(output)} in its output for {_samples(batch, output)}",
                "its inputs and weights are finite, but its result is too large or undefined (a logarithm of 0, a division by 0)",
                "lower the learning rate, clip the gradients (clip: 1.0), normalise the inputs, or put a batch_norm before it",
            )
    return None


def _outputs(network: Any, batch: BatchView) -> dict[str, torch.Tensor]:
    """What every layer gives; of an own module, every submodule that has none inside, in the order in which they run."""
    import torch

    if hasattr(network, "activations"):
        found: dict[str, torch.Tensor] = network.activations(batch.inputs)
        return found
    seen: dict[str, torch.Tensor] = {}

    def hook(name: str) -> Any:
        def keep(module: Any, given: Any, output: Any) -> None:
            if isinstance(output, torch.Tensor):
                seen[name] = output

        return keep

    leaves = [(name, module) for name, module in network.named_modules() if not any(module.children())]
    handles = [module.register_forward_hook(hook(name)) for name, module in leaves]
    try:
        network(batch.inputs)
    finally:
        for handle in handles:
            handle.remove()
    return seen


def _in_gradients(bad: list[str]) -> Finding:
    name = bad[-1] if bad else ""
    return Finding(
        f"layer {layer_of(name)!r}" if name else "the gradients",
        f"the gradient of {name!r} is not finite" if name else "a gradient that is not finite",
        "loss and outputs are finite, but a derivative is not (a square root at 0, an overflow on the way back)",
        "lower the learning rate, clip the gradients by value (clip: {type: value, limit: 1.0}), or check the layers after it",
    )


def _finite(tensor: torch.Tensor) -> bool:
    return not tensor.is_floating_point() or bool(tensor.isfinite().all())


def _word(tensor: torch.Tensor) -> str:
    return "NaN" if bool(tensor.isnan().any()) else "infinity"


def _samples(batch: BatchView, tensor: torch.Tensor) -> str:
    """Which samples of the data set the bad rows are."""
    rows = (~tensor.isfinite()).flatten(1).any(1) if tensor.ndim > 1 else ~tensor.isfinite()
    positions = rows.nonzero().flatten().tolist()
    indices = [int(batch.indices[position]) for position in positions[:_SHOWN]]
    more = f" and {len(positions) - _SHOWN} more" if len(positions) > _SHOWN else ""
    return f"sample{'s' if len(positions) > 1 else ''} {', '.join(map(str, indices))}{more}"


def _last_checkpoint(trainer: TrainerView) -> str | None:
    from lamina.train.checkpoint import CheckpointStore

    if trainer.run_dir is None:
        return None
    kept = CheckpointStore(trainer.run_dir.checkpoints).all()
    return str(kept[-1].path) if kept else None
