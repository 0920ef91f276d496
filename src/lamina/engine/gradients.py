"""Are the gradients right? Backpropagation against small differences of the loss, in float64, as a user's tool.

A wrong gradient trains too, only badly; nothing else shows it. The comparison is that of Deeplearning4j's GradientCheckUtil
(difference 1e-6, relative error ``|a - n| / (|a| + |n|)``), with a second, smaller difference that tells kinks, where there is no
gradient to compare with (a ReLU at 0, two equal maxima), from mistakes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lamina.engine.masks import Masks
from lamina.engine.randomness import generator
from lamina.engine.runnable import Network
from lamina.engine.step import seed_generator
from lamina.errors import Problem, TrainingError

DIFFERENCE = 1e-6
LARGEST_ERROR = 1e-4
"""Largest relative error; rounding alone stays below 1e-6 for most networks."""
SMALLEST = 1e-8
"""Absolute errors below this are rounding, however large they are in relation to a gradient of nearly 0."""
_SEED = 20_170_211


@dataclass(frozen=True)
class Compared:
    """One tensor.

    Attributes:
        name: Such as ``dense_1/weight`` or ``input 'x'``.
        kind: ``parameter``, ``input`` or ``mask`` (inputs at steps that are not real, on which nothing may depend).
        size: Numbers in it.
        checked: How many were compared.
        kinks: How many of those stand where the loss has no gradient; they don't count.
        error: Largest relative error.
        place: Where it is.
        analytic: What backpropagation says there.
        numeric: What small differences say there.
        right: Whether all errors are small enough.
    """

    name: str
    kind: str
    size: int
    checked: int
    kinks: int
    error: float
    place: tuple[int, ...]
    analytic: float
    numeric: float
    right: bool

    @property
    def verdict(self) -> str:
        """A word: ``right``, ``WRONG``, or that all stood at kinks and nothing is known."""
        return "WRONG" if not self.right else "unknown" if 0 < self.checked == self.kinks else "right"


@dataclass(frozen=True)
class GradientReport:
    """What was compared; ``str()`` is a table.

    Attributes:
        rows: One for each tensor.
        loss: The loss at which gradients were taken.
    """

    rows: tuple[Compared, ...]
    loss: float

    @property
    def right(self) -> bool:
        """Whether everything is right."""
        return all(row.right for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for ``--json``."""
        return {"right": self.right, "loss": self.loss, "tensors": [{**vars(row), "place": list(row.place)} for row in self.rows]}

    def raise_wrong(self) -> None:
        """Do nothing if everything is right.

        Raises:
            TrainingError: EN043, with a problem for each tensor whose gradient is wrong.
        """
        problems = [_problem(row) for row in self.rows if not row.right]
        if problems:
            raise TrainingError.of(problems)

    def __str__(self) -> str:
        width = max(len(row.name) for row in self.rows)
        lines = [f"{'Tensor':<{width}}  {'Checked':>15}  Kinks  Largest error  "]
        lines.append(f"{'-' * width}  {'-' * 15}  -----  -------------  -----")
        for row in self.rows:
            share = f"{row.checked:,} of {row.size:,}"
            lines.append(f"{row.name:<{width}}  {share:>15}  {row.kinks:>5}  {row.error:>13.1e}  {row.verdict}")
        return "\n".join(lines)


def compare_gradients(
    network: Network,
    inputs: Mapping[str, Tensor],
    targets: Mapping[str, Tensor],
    *,
    weight: Tensor | None = None,
    masks: Masks | None = None,
    numbers: int = 30,
    largest_error: float = LARGEST_ERROR,
) -> GradientReport:
    """Compare the gradient of the loss by every parameter and input with small differences.

    The network computes as in training, its random layers drawing the same each time; weights and running statistics are as
    before afterwards. Where inputs have masks, the gradient at steps that are not real must be 0.

    Args:
        network: In float64.
        inputs: A few samples by input name.
        targets: Their targets by output name.
        weight: Their weights.
        masks: Which of their steps are real.
        numbers: Numbers of each tensor to compare, drawn at random but always the same; all, where there are fewer.
        largest_error: Largest relative error.

    Raises:
        TrainingError: EN044, if the network is not in float64, or has nothing to compare.
    """
    _check_wide(network)
    device = next(iter(inputs.values())).device
    given = {name: x.detach().clone().requires_grad_(x.is_floating_point()) for name, x in inputs.items()}
    leaves = {name: t for name, t in network.tensors().items() if t.requires_grad and t.is_leaf}
    floats = {name: x for name, x in given.items() if x.requires_grad}

    with _as_it_was(network) as restore:

        def loss() -> Tensor:
            restore()
            seed_generator(device, _SEED)
            return network.loss(given, targets, weight, masks)

        value = loss()
        tensors = [*leaves.values(), *floats.values()]
        gradients = torch.autograd.grad(value, tensors, allow_unused=True)
        found = {id(t): torch.zeros_like(t) if g is None else g for t, g in zip(tensors, gradients, strict=True)}
        rows = [_compare(name, "parameter", t, found[id(t)], loss, numbers, largest_error) for name, t in leaves.items()]
        rows += [_compare(f"input {name!r}", "input", x, found[id(x)], loss, numbers, largest_error) for name, x in floats.items()]
        rows += [_unreal(name, found[id(x)], masks.inputs[name]) for name, x in floats.items() if masks and name in masks.inputs]
    if not rows:
        raise _nothing()
    return GradientReport(tuple(rows), float(value.detach()))


def _compare(name: str, kind: str, tensor: Tensor, gradient: Tensor, loss: Any, numbers: int, largest: float) -> Compared:
    draw = generator(0, "gradients", name)
    places = torch.randperm(tensor.numel(), generator=draw)[:numbers].sort().values.tolist()
    worst = (0.0, 0, 0.0, 0.0)
    kinks, right = 0, True
    for place in places:
        analytic = float(gradient.flatten()[place])
        numeric = _numeric(tensor, place, loss, DIFFERENCE)
        error = abs(analytic - numeric) / max(abs(analytic) + abs(numeric), SMALLEST / largest)
        if error > largest and _kink(tensor, place, loss):
            kinks += 1
            continue
        right = right and error <= largest
        worst = max(worst, (error, place, analytic, numeric))
    where = tuple(int(i) for i in torch.unravel_index(torch.tensor(worst[1]), tensor.shape)) if tensor.dim() else ()
    return Compared(name, kind, tensor.numel(), len(places), kinks, worst[0], where, worst[2], worst[3], right)


def _numeric(tensor: Tensor, place: int, loss: Any, difference: float) -> float:
    return (_at(tensor, place, loss, difference) - _at(tensor, place, loss, -difference)) / (2 * difference)


def _at(tensor: Tensor, place: int, loss: Any, change: float) -> float:
    flat = tensor.detach().view(-1) if tensor.is_contiguous() else None
    index = None if flat is not None else tuple(torch.unravel_index(torch.tensor(place), tensor.shape))
    with torch.no_grad():
        target = flat if flat is not None else tensor.detach()
        key: Any = place if flat is not None else index
        before = target[key].clone()
        target[key] += change
        try:
            return float(loss())
        finally:
            target[key] = before


def _kink(tensor: Tensor, place: int, loss: Any) -> bool:
    """Whether the loss has two slopes here, and so no gradient, or has one just beside.

    Where many of them meet (inputs of 0 below rectifiers, equal values in a window), backpropagation may give neither slope: each
    kink takes a side by itself. A loss that differs from call to call has no slopes at all, which is a mistake.
    """
    middle = _at(tensor, place, loss, 0.0)
    if _at(tensor, place, loss, 0.0) != middle:
        return False
    for difference in (DIFFERENCE, DIFFERENCE / 10):
        right = (_at(tensor, place, loss, difference) - middle) / difference
        left = (middle - _at(tensor, place, loss, -difference)) / difference
        if abs(right - left) > 1e-3 * (abs(right) + abs(left)) + 1e-6:
            return True
    return False


def _unreal(name: str, gradient: Tensor, mask: Tensor) -> Compared:
    """Steps that are not real must not matter."""
    outside = gradient * ~mask.reshape(*mask.shape, *(1 for _ in range(gradient.dim() - 2)))
    flat = outside.abs().flatten()
    place = int(flat.argmax())
    where = tuple(int(i) for i in torch.unravel_index(torch.tensor(place), gradient.shape))
    largest, count = float(flat[place]), int((~mask).sum())
    return Compared(f"mask {name!r}", "mask", count, count, 0, largest, where, largest, 0.0, largest == 0.0)


@contextmanager
def _as_it_was(network: Network) -> Iterator[Any]:
    """The network in training, its buffers given back at every call of what is yielded and at the end."""
    training, buffers = network.training, {name: value.clone() for name, value in network.named_buffers()}

    def restore() -> None:
        for name, value in network.named_buffers():
            value.data.copy_(buffers[name])  # .data: autograd, which kept the buffer, must not take this for a mistake

    network.train()
    try:
        with torch.random.fork_rng(devices=[]):
            yield restore
    finally:
        restore()
        network.train(training)


def _check_wide(network: Network) -> None:
    narrow = next((p.dtype for p in network.parameters() if p.dtype.is_floating_point and p.dtype != torch.float64), None)
    if narrow is not None:
        raise TrainingError(
            "EN044",
            where="the network",
            expected="float64",
            got=str(narrow).removeprefix("torch."),
            cause="small differences drown in the rounding of float32",
            fix="make the model with dtype='float64', or call model.check_gradients, which does",
        )


def _nothing() -> TrainingError:
    return TrainingError(
        "EN044",
        where="the network",
        expected="parameters that learn, or inputs of numbers",
        got="neither",
        cause="all parameters are frozen, and the inputs are tokens",
        fix="unfreeze a layer",
    )


def _problem(row: Compared) -> Problem:
    if row.kind == "mask":
        return Problem(
            "EN043",
            where=f"{row.name}, at {list(row.place)}",
            expected="no influence of steps that are not real",
            got=f"a gradient of {row.analytic:.3g}",
            cause="a layer mixes steps without looking at the mask",
            fix="write run_masked in that layer's module; lamina.testing.sequences.check_masks finds the layer",
        )
    return Problem(
        "EN043",
        where=f"{row.name}, at {list(row.place)} of {row.size:,} numbers",
        expected=f"a gradient of {row.numeric:.6g}, as small differences of the loss say",
        got=f"{row.analytic:.6g}, a relative error of {row.error:.1e}",
        cause="a backward pass of your own is wrong, a tensor was detached or changed in place, or a draw differs from call to call",
        fix="look at the layer that owns the tensor first, then at those behind it; lamina.testing.layers.check_gradients checks one alone",
    )
