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
        self._summed = loss.over_positions == "sum"

    @property
    def positions(self) -> Positions:
        """From prepared scores and targets to the loss of each position."""
        return self._positions

    def per_sample(self, scores: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss of each sample, ``[batch]``: the mean (or sum) over its positions.

        Args:
            scores: What the output gives before its activation.
            target: What is right.
            mask: Which steps are real, ``[batch, steps]``: the others are never looked at, whatever they hold. The loss of a
                sample without a real step is 0.

        Raises:
            TrainingError: EN036, if the loss exists for batches only.
            DataError: EN033, if scores and targets don't fit together; EN070, if the mask doesn't fit them.
        """
        return self._samples(*self._prepared(scores, target), _checked(mask, scores))

    def mean(self, scores: Tensor, target: Tensor, weight: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        """The mean of the samples' losses, a scalar.

        Args:
            scores: What the output gives before its activation.
            target: What is right.
            weight: Weight of each sample, ``[batch]``: ``sum(weight * per_sample) / sum(weight)``, 0 if all are 0.
            mask: As in `per_sample`.

        Raises:
            DataError: EN033, if scores and targets don't fit together; EN070, if the mask doesn't fit them.
        """
        if weight is not None:
            values = self.per_sample(scores, target, mask)
            weight = weight.to(values.dtype)
            # A batch may hold nothing but samples that don't count: 0 / 0 would end the training.
            return (values * weight).sum() / weight.sum().clamp_min(torch.finfo(values.dtype).tiny)
        if mask is not None or self._summed:
            return self.per_sample(scores, target, mask).mean()
        scores, target = self._prepared(scores, target)
        return self._samples(scores, target, None).mean() if self._whole is None else self._whole(scores, target)

    @staticmethod
    def _no_positions(scores: Tensor, target: Tensor) -> Tensor:
        message = "the loss is not made of the losses of positions"
        raise NotImplementedError(message)

    def _samples(self, scores: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        """The loss of each sample, from prepared scores and targets."""
        if mask is None:
            return self._over(self._positions(scores, target))
        # Only what is real is judged: padding may hold classes that don't exist, and 0 times infinity is no number.
        real = self._over(self._positions(scores[mask], target[mask]))
        total = real.new_zeros(mask.shape).masked_scatter(mask, real).sum(1)
        return total if self._summed else total / mask.sum(1).clamp_min(1)

    def _over(self, values: Tensor) -> Tensor:
        """From the loss of each position to that of each sample."""
        if values.dim() == 1:
            return values
        values = values.flatten(1)
        return values.sum(1) if self._summed else values.mean(1)

    def _prepared(self, scores: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        if scores.dtype in _HALF:
            scores = scores.float()
        if self.loss.target in _WHOLE_NUMBERS:
            return scores, target if target.dtype == torch.int64 else target.long()
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
_WHOLE_NUMBERS = ("groups", "sequences")


class SampleLoss(LossFunction):
    """A loss of whole samples: not made of the losses of their positions.

    Args:
        loss: Its description.
        samples: From scores, targets and mask (or None) to the loss of each sample; of one without a real step it is 0.
    """

    def __init__(self, loss: Loss, samples: Callable[[Tensor, Tensor, Tensor | None], Tensor]) -> None:
        super().__init__(loss, self._no_positions)
        self._of_samples = samples

    def _samples(self, scores: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        return self._of_samples(scores, target, mask)


class BatchLoss(LossFunction):
    """A loss that only a batch has.

    Args:
        loss: Its description.
        whole: From scores, targets and weights of the samples (or None) to a scalar.
    """

    def __init__(self, loss: Loss, whole: Callable[[Tensor, Tensor, Tensor | None], Tensor]) -> None:
        super().__init__(loss, self._no_positions)
        self._batch = whole

    def per_sample(self, scores: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        raise TrainingError(
            "EN036",
            where=f"loss {self.loss.type_name}",
            expected="a loss that is a mean over samples",
            got=f"{self.loss.type_name}, which exists for a whole batch only",
            cause="the loss of every single sample was asked for",
            fix="use .mean over a batch, or judge by an evaluation",
        )

    def mean(self, scores: Tensor, target: Tensor, weight: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        scores, target = self._prepared(scores, target)
        mask = _checked(mask, scores)
        if mask is not None:
            weight = None if weight is None else weight.unsqueeze(1).expand(mask.shape)[mask]
            scores, target = scores[mask], target[mask]
        return self._batch(scores, target, weight)


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


def _checked(mask: Tensor | None, scores: Tensor) -> Tensor | None:
    if mask is not None and (mask.dtype != torch.bool or mask.shape != scores.shape[:2] or scores.dim() < 3):
        raise DataError(
            "EN070",
            where="mask of a loss",
            expected=f"true or false for each step of each sample, {list(scores.shape[:2])}, of scores that have steps",
            got=f"{list(mask.shape)} of {mask.dtype}, for scores of shape {list(scores.shape)}",
            cause="the mask belongs to another output, or the output has no steps",
            fix="give a bool mask [batch, steps] for the targets of an output that predicts at every step, none otherwise",
        )
    return mask


def _indices(scores: Tensor, target: Tensor) -> Tensor:
    """Class indices without a feature axis of one, as int64."""
    if target.dim() == scores.dim():
        target = target.squeeze(feature_axis(scores.dim()))
    return target if target.dtype == torch.int64 else target.long()
