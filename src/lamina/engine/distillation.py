"""The distance between a network's scores and a teacher's."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import feature_axis
from lamina.engine.masks import Masks
from lamina.engine.runnable import Inputs, Network
from lamina.learning.distillation import Distill
from lamina.network.activations import Sigmoid, Softmax


class Tutor:
    """Adds to a network's training loss how far it is from a teacher.

    Args:
        distill: How.
        teacher: The trained network, on the same device.
        network: The network that learns.
    """

    def __init__(self, distill: Distill, teacher: Network, network: Network) -> None:
        self.teacher = teacher.eval().requires_grad_(requires_grad=False)
        self._temperature, self._weight = distill.temperature, distill.weight
        self._kinds = {name: _kind(network, name) for name in network.outputs}

    def loss(
        self,
        value: Tensor,
        inputs: Inputs,
        scores: Mapping[str, Tensor],
        weight: Tensor | None,
        masks: Masks | None,
        real: Mapping[str, Tensor | None],
    ) -> Tensor:
        """The task's loss and the distance, each with its share.

        Args:
            value: The task's loss.
            inputs: Of the batch.
            scores: The learner's, by output.
            weight: Of the samples.
            masks: That came with the batch.
            real: Which steps of each output are real.
        """
        with torch.no_grad():
            given = self.teacher.forward(inputs, None if masks is None else masks.inputs)
        taught = dict(zip(scores, given.values(), strict=True)) if len(scores) == 1 else given
        distances = [self._distance(name, own, taught[name], weight, real.get(name)) for name, own in scores.items()]
        return (1 - self._weight) * value + self._weight * torch.stack(distances).sum()

    def _distance(self, name: str, own: Tensor, taught: Tensor, weight: Tensor | None, mask: Tensor | None) -> Tensor:
        t, kind, axis = self._temperature, self._kinds[name], feature_axis(own.dim())
        own, taught = own.float() if own.dtype in (torch.bfloat16, torch.float16) else own, taught.to(own.dtype)
        if kind == "classes":
            goal = F.log_softmax(taught / t, axis)
            positions = (goal.exp() * (goal - F.log_softmax(own / t, axis))).sum(axis) * t * t
        elif kind == "labels":
            goal = torch.sigmoid(taught / t)
            found = F.binary_cross_entropy_with_logits(own / t, goal, reduction="none")
            positions = (found - F.binary_cross_entropy_with_logits(taught / t, goal, reduction="none")).mean(axis) * t * t
        else:
            head = self.teacher.heads.get(name) or next(iter(self.teacher.heads.values()), None)
            activate = head.activate if head is not None else (lambda scores: scores)
            positions = (activate(own) - activate(taught)).square().mean(axis)
        return _mean(positions, weight, mask)


def _kind(network: Network, name: str) -> str:
    layer = network.plan.node(name).layer if network.plan is not None else None
    activation = getattr(layer, "effective_activation", None)
    return "classes" if isinstance(activation, Softmax) else "labels" if isinstance(activation, Sigmoid) else "numbers"


def _mean(positions: Tensor, weight: Tensor | None, mask: Tensor | None) -> Tensor:
    """The mean over samples of the mean over their real positions; who has no target of its own can still be taught."""
    if mask is not None and mask.dim() > 1:
        each = positions.masked_fill(~mask, 0.0).sum(1) / mask.sum(1).clamp_min(1)
    else:
        each = positions.flatten(1).mean(1) if positions.dim() > 1 else positions
    if weight is None:
        return each.mean()
    weight = weight.to(each.dtype)
    return (each * weight).sum() / weight.sum().clamp_min(torch.finfo(each.dtype).tiny)
