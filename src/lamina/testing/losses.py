"""Contract suite of losses: what every one of them must do, ours and third parties'."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import activates, activation_function, feature_axis
from lamina.engine.losses import LossFunction, check_targets, loss_function
from lamina.network.activations import Activation
from lamina.network.losses import Loss
from lamina.shapes import Features, Image, Sequence, Shape
from lamina.testing.promises import check_gradient, check_round_trips, close, drawn, promise

SAMPLES = 7


class Disguised(Activation):
    """An activation that no loss recognises as its natural one, so that its general form is computed."""

    inner: Activation


@activates(Disguised)
def _disguised(activation: Disguised) -> Callable[[Tensor], Tensor]:
    return activation_function(activation.inner)


def check_loss(loss: Loss, *, units: int | None = None) -> None:
    """Run the whole contract on one description.

    Args:
        loss: The description.
        units: Width of outputs to try it on; unless given, the first of 3, 1, 2 ... that the loss can judge.

    Raises:
        AssertionError: Naming the promise that is broken.
    """
    check_round_trips(loss)
    width = units or next((n for n in (3, 1, *range(2, 50)) if loss.misfit(n) is None), 0)
    promise(width, "it can judge outputs of some width below 50")
    outputs: tuple[Shape, ...] = (Features(width), Sequence(steps=4, features=width), Image(channels=width, height=2, width=3))
    judged = [output for output in outputs if loss.unfit(output, width) is None]
    promise(judged, "it can judge features, sequences or images")
    for output in judged:
        scores, target = sample(loss, output)
        function = loss_function(loss, loss.natural())
        check_targets(loss, output, target, "output")
        _check_positions(function, scores, target)
        _check_mean(loss, function, scores, target)
        _check_precision(function, scores, target)
        if not loss.detached:
            check_gradient(lambda s, f=function, t=target: f.mean(s, t), scores)
        general = loss_function(loss, Disguised(inner=loss.natural()))
        promise(close(general.mean(scores, target), function.mean(scores, target), tolerance=1e-6), "the stable form is the general one")
        if not loss.detached:
            check_gradient(lambda s, f=general, t=target: f.mean(s, t), scores)
        if loss.target == "classes" and not loss.indices_only:
            _check_one_hot(function, scores, target)
        _check_sums(loss, function, scores, target)
        if isinstance(output, Sequence):
            _check_mask(loss, function, scores, target)


def sample(loss: Loss, output: Shape) -> tuple[Tensor, Tensor]:
    """Scores for an output, and targets of the kind that the loss judges."""
    dims: list[Any] = [SAMPLES, *output.dims]
    scores, axis = drawn(tuple(dims)), feature_axis(len(dims))
    units = dims[axis]
    generator = torch.Generator().manual_seed(1)
    if loss.target == "classes":
        return scores, torch.randint(0, units, [d for i, d in enumerate(dims) if i != axis % len(dims)], generator=generator)
    if loss.target == "groups":
        return scores, torch.tensor([0, 1, 0, 2, 1, 0, 2])
    if loss.target == "sequences":
        return scores, _spelt(loss, units)
    dims[axis] = loss.target_width(units)
    if loss.target == "binary":
        return scores, torch.randint(0, 2, dims, generator=generator).double()
    if loss.target == "signs":
        return scores, torch.randint(0, 2, dims, generator=generator).double() * 2 - 1
    numbers = torch.rand(dims, generator=generator, dtype=torch.float64) + 0.1
    wrong = loss.wrong_targets(numbers)
    # A loss that takes no number here may take 0 and 1.
    return scores, numbers if wrong is None else torch.where(wrong, numbers.round().clamp(0, 1), numbers)


def _spelt(loss: Loss, units: int) -> Tensor:
    """Two labels, or one that needs a single step."""
    blank, padding = getattr(loss, "blank", 0), getattr(loss, "padding", -1)
    labels = [label for label in range(units) if label != blank]
    two, one = [labels[0], labels[-1]], [labels[-1], padding]
    return torch.tensor([two, two, one, one, two, one, one])


def _check_positions(function: LossFunction, scores: Tensor, target: Tensor) -> None:
    """There is a loss for each position, or at least for each sample."""
    if not function.loss.per_sample:
        return
    try:
        found = function.per_sample(scores, target)
    except IndexError:
        found = scores.new_zeros(())
    promise(found.shape == scores.shape[:1], "a loss gives one value for each position, not one for the batch")


def _check_mean(loss: Loss, function: LossFunction, scores: Tensor, target: Tensor) -> None:
    mean = function.mean(scores, target)
    promise(mean.shape == () and torch.isfinite(mean), "the loss of a batch is one finite number")
    weight = torch.arange(1.0, SAMPLES + 1)
    promise(close(function.mean(scores, target, torch.full((SAMPLES,), 2.0)), mean), "equal weights change nothing")
    promise(not function.mean(scores, target, torch.zeros(SAMPLES)), "where no sample counts, the loss is 0")
    chosen = torch.tensor([0, 2, 2, 5])
    counted = torch.zeros(SAMPLES).index_add(0, chosen, torch.ones(4))
    if loss.repeats:
        repeated = function.mean(scores[chosen], target[chosen])
        promise(close(function.mean(scores, target, counted), repeated), "a weight of 2 is the sample twice, 0 its absence")
    kept = function.mean(scores[:5], target[:5])
    promise(close(function.mean(scores, target, (torch.arange(SAMPLES) < 5).float()), kept), "a weight of 0 is a sample's absence")
    if not loss.per_sample:
        return
    each = function.per_sample(scores, target)
    promise(each.shape == (SAMPLES,), "per_sample gives one number for each sample")
    promise(close(each.mean(), mean), "the mean is the mean of the samples")
    promise(close((each * weight).sum() / weight.sum(), function.mean(scores, target, weight)), "the weighted mean is theirs")
    promise(close(function.per_sample(scores[2:5], target[2:5]), each[2:5]), "a sample's loss depends on that sample alone")


def _check_precision(function: LossFunction, scores: Tensor, target: Tensor) -> None:
    exact = function.mean(scores, target)
    single = function.mean(scores.float(), target)
    promise(exact.dtype == torch.float64 and single.dtype == torch.float32, "the dtype is the scores'")
    promise(close(single, exact, tolerance=1e-5), "float32 is float64 rounded")
    half = function.mean(scores.bfloat16(), target)
    promise(half.dtype == torch.float32, "scores in half precision are widened")
    promise(close(half, function.mean(scores.bfloat16().float(), target)), "and then computed in float32")


def _check_one_hot(function: LossFunction, scores: Tensor, target: Tensor) -> None:
    axis = feature_axis(scores.dim())
    shares = F.one_hot(target, scores.shape[axis]).movedim(-1, axis)
    by_index = function.mean(scores, target)
    promise(close(function.mean(scores, shares.double()), by_index), "one-hot targets count as their class indices")
    promise(close(function.mean(scores, shares), by_index), "whole-number one-hot targets too")


def _check_sums(loss: Loss, function: LossFunction, scores: Tensor, target: Tensor) -> None:
    if not loss.by_position or not loss.per_sample:
        return
    positions = scores.numel() // (SAMPLES * scores.shape[feature_axis(scores.dim())])
    summed = loss_function(loss.replace(over_positions="sum"), loss.natural())
    one = loss_function(loss.replace(over_positions="mean"), loss.natural())
    promise(close(summed.per_sample(scores, target), positions * one.per_sample(scores, target)), "over_positions: sum adds up positions")
    promise(close(summed.mean(scores, target), positions * one.mean(scores, target)), "of a batch too")


def _check_mask(loss: Loss, function: LossFunction, scores: Tensor, target: Tensor) -> None:
    lengths = torch.tensor([4, 3, 2, 1, 4, 2, 3])
    mask = torch.arange(4) < lengths.unsqueeze(1)
    weight = torch.arange(1.0, SAMPLES + 1)
    whole = torch.ones_like(mask)
    for w in (None, weight):
        promise(
            close(function.mean(scores, target, w, whole), function.mean(scores, target, w)), "where all is real, a mask changes nothing"
        )
    padded = ~mask
    spoiled = scores.masked_fill(padded.unsqueeze(-1), 1e30)
    wrong = target.clone()
    if loss.target != "sequences":
        wrong[padded] = torch.nan if target.is_floating_point() else -1
    leaf = spoiled.clone().requires_grad_()
    value = function.mean(leaf, wrong, weight, mask)
    (gradient,) = torch.autograd.grad(value, leaf)
    promise(torch.isfinite(gradient).all() and not gradient[padded].any(), "what is padded has no gradient")
    promise(close(function.mean(spoiled, wrong, weight, mask), function.mean(scores, target, weight, mask)), "padding is not looked at")
    check_gradient(lambda s: function.mean(s, target, weight, mask), scores)
    if not loss.per_sample:
        return
    own = [target[i : i + 1] if loss.target == "sequences" else target[i : i + 1, :n] for i, n in enumerate(lengths.tolist())]
    alone = [function.per_sample(scores[i : i + 1, :n], own[i]) for i, n in enumerate(lengths.tolist())]
    each = function.per_sample(spoiled, wrong, mask)
    promise(close(each, torch.cat(alone)), "a sequence among longer ones has the loss it has alone")
    promise(close(function.mean(spoiled, wrong, None, mask), each.mean()), "the mean is the mean of the samples, masked too")
    mask[2] = False
    promise(function.per_sample(spoiled, wrong, mask)[2] == 0, "a sample without a real step has the loss 0")
