"""What a runnable loss is, and the pieces that losses are made of.

A loss is made runnable by a function decorated with `computes`, which turns the description and the output's activation
into the loss of every *position* (see `lamina.network.losses.loss`); everything else follows from that:

    >>> from lamina.network.losses import Loss
    >>> from lamina.spec import register
    >>> @register("fourth_power")
    ... class FourthPower(Loss):
    ...     '''``sum_j e_j^4``.'''
    ...     @classmethod
    ...     def examples(cls):
    ...         return [cls()]
    >>> @computes(FourthPower)
    ... def _fourth_power(loss, activate):
    ...     return lambda scores, target: ((activate(scores) - target) ** 4).sum(feature_axis(scores.dim()))
    >>> function = loss_function(FourthPower(), Identity())
    >>> function.per_sample(torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.zeros(2, 2))
    tensor([17.,  0.])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lamina.engine.activations import ActivationFunction, activation_function, feature_axis
from lamina.engine.implementations import Implementations
from lamina.errors import DataError, TrainingError
from lamina.network.activations import Activation, Identity
from lamina.network.losses import Loss

Positions = Callable[[Tensor, Tensor], Tensor]
"""From scores and targets to the loss of each position: the scores' shape without the feature axis."""

_IMPLEMENTATIONS: Implementations[Callable[[Any, Any], Any]] = Implementations("loss", "computes")
computes = _IMPLEMENTATIONS.register
"""Decorator: the function turns a loss of this class and the activation's function into `Positions` or a `LossFunction`."""


class LossFunction:
    """A loss, runnable: from scores (before the activation) and targets to numbers.

    Scores in half precision are widened to float32 first, and targets of another dtype brought to the scores'.

    Args:
        loss: Its description.
        positions: The loss of each position.
        whole: The mean over a whole unweighted batch, where there is a faster way than through the positions.
    """

    def __init__(self, loss: Loss, positions: Positions, whole: Positions | None = None) -> None:
        self.loss = loss
        self._positions = positions
        self._whole = whole
        self._classes = loss.target == "classes"

    def per_sample(self, scores: Tensor, target: Tensor) -> Tensor:
        """The loss of each sample, ``[batch]``: the mean over its positions.

        Raises:
            TrainingError: EN036, if the loss exists for batches only.
        """
        scores, target = self._prepared(scores, target)
        values = self._positions(scores, target)
        return values.flatten(1).mean(1) if values.dim() > 1 else values

    def mean(self, scores: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        """The mean over the batch, a scalar; with ``weight [batch]``, ``sum(weight * per_sample) / sum(weight)``, 0 if all are 0."""
        if weight is not None:
            values = self.per_sample(scores, target)
            weight = weight.to(values.dtype)
            # A batch may hold nothing but samples that don't count: 0 / 0 would end the training.
            return (values * weight).sum() / weight.sum().clamp_min(torch.finfo(values.dtype).tiny)
        scores, target = self._prepared(scores, target)
        if self._whole is not None:
            return self._whole(scores, target)
        return self._positions(scores, target).mean()

    def _prepared(self, scores: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        if scores.dtype in _HALF:
            scores = scores.float()
        if self._classes:
            if not target.is_floating_point() and target.shape != scores.shape:
                return scores, _indices(scores, target)
        elif not target.is_floating_point() and self.loss.target == "signs":
            target = target.to(scores.dtype) * 2 - 1
        if target.dtype != scores.dtype:
            target = target.to(scores.dtype)
        if target.dim() == scores.dim() - 1:
            target = target.unsqueeze(feature_axis(scores.dim()))
        if target.shape != scores.shape:
            self._check_width(scores, target)
        return scores, target

    def _check_width(self, scores: Tensor, target: Tensor) -> None:
        """A target ``[batch, 1]`` against scores ``[batch, 3]`` would be broadcast without a word."""
        expected, axis = list(scores.shape), feature_axis(scores.dim())
        expected[axis] = self.loss.target_width(expected[axis])
        if list(target.shape) != expected:
            raise DataError(
                "EN033",
                where=f"loss {self.loss.type_name}",
                expected=f"targets of shape {expected} for scores of shape {list(scores.shape)}",
                got=f"{list(target.shape)}",
                cause="the output has another number of units, or other steps, than the targets",
                fix="give the output as many units as the targets have columns",
            )


_HALF = (torch.bfloat16, torch.float16)


class BatchLoss(LossFunction):
    """A loss that only a batch has.

    Args:
        loss: Its description.
        whole: From scores, targets and weights of the samples (or None) to a scalar.
    """

    def __init__(self, loss: Loss, whole: Callable[[Tensor, Tensor, Tensor | None], Tensor]) -> None:
        super().__init__(loss, self._no_positions)
        self._batch = whole

    def mean(self, scores: Tensor, target: Tensor, weight: Tensor | None = None) -> Tensor:
        return self._batch(*self._prepared(scores, target), weight)

    def _no_positions(self, scores: Tensor, target: Tensor) -> Tensor:
        raise TrainingError(
            "EN036",
            where=f"loss {self.loss.type_name}",
            expected="a loss that is a mean over samples",
            got=f"{self.loss.type_name}, which exists for a whole batch only",
            cause="the loss of every single sample was asked for",
            fix="use .mean over a batch, or judge with binary_cross_entropy and an evaluation's F1",
        )


def loss_function(loss: Loss, activation: Activation) -> LossFunction:
    """What computes a loss over the scores of an output with this activation.

    With the loss's natural activation it is computed from the scores in a numerically stable form; with any other, from the
    activation's outputs, clipped as the loss's description says. A random activation (`rrelu`) counts with its mean here.

    Raises:
        RegistrationError: EN031, if nothing computes the loss or the activation.
    """
    activate = activation_function(activation)
    if isinstance(activate, nn.Module):
        activate.eval()
    made = _IMPLEMENTATIONS.find(loss)(loss, Activated(activation, activate))
    return made if isinstance(made, LossFunction) else LossFunction(loss, made)


class Activated:
    """An activation's function that still knows its description, so that a loss can recognise its natural one."""

    def __init__(self, description: Activation, function: ActivationFunction) -> None:
        self.description = description
        self.function = function

    def __call__(self, scores: Tensor) -> Tensor:
        return self.function(scores)

    def is_a(self, *kinds: type[Activation]) -> bool:
        """Whether the description is of one of these classes."""
        return isinstance(self.description, kinds)

    @property
    def is_identity(self) -> bool:
        """Whether it does nothing."""
        return isinstance(self.description, Identity)


class Factors:
    """Numbers for the units of an output, as a tensor that can be multiplied with it; kept for each dtype and device."""

    def __init__(self, values: Sequence[float]) -> None:
        self.values = tuple(values)
        self._made: dict[tuple[torch.dtype, torch.device, int], Tensor] = {}

    def like(self, scores: Tensor) -> Tensor:
        """Shaped ``[k]``, or ``[k, 1, 1]`` for images."""
        key = (scores.dtype, scores.device, scores.dim())
        found = self._made.get(key)
        if found is None:
            found = torch.tensor(self.values, dtype=scores.dtype, device=scores.device)
            found = found.reshape(-1, *(1 for _ in range(scores.dim() - 2))) if scores.dim() >= 4 else found
            self._made[key] = found
        return found


def _indices(scores: Tensor, target: Tensor) -> Tensor:
    """Class indices without a feature axis of one, as int64."""
    if target.dim() == scores.dim():
        target = target.squeeze(feature_axis(scores.dim()))
    return target if target.dtype == torch.int64 else target.long()
