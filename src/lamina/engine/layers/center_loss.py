"""How the output runs that keeps what comes in near to the centre of its class."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import Head, runs
from lamina.engine.layers.output import OutputModule
from lamina.engine.losses import LossFunction
from lamina.errors import TrainingError
from lamina.network.layers.center_loss import CenterLossOutput
from lamina.network.plan import Node


class CenterLoss(LossFunction):
    """Another loss, and how far what came in is from the centre of its class.

    Args:
        loss: The other loss.
        module: The layer, which remembers what came in with its last scores.
    """

    def __init__(self, loss: LossFunction, module: CenterLossModule) -> None:
        super().__init__(loss.loss, loss.positions)
        self._module = module

    def per_sample(self, scores: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
        self._module.check_scores(scores)
        return super().per_sample(scores, target, mask)

    def mean(self, scores: Tensor, target: Tensor, weight: Tensor | None = None, mask: Tensor | None = None) -> Tensor:
        self._module.check_scores(scores)
        value = super().mean(scores, target, weight, mask)
        if self._module.training:
            self._module.follow(self._shares(*self._prepared(scores, target)), weight)
        return value

    def _samples(self, scores: Tensor, target: Tensor, mask: Tensor | None) -> Tensor:
        return super()._samples(scores, target, mask) + self._module.distances(self._shares(scores, target))

    @staticmethod
    def _shares(scores: Tensor, target: Tensor) -> Tensor:
        return target if target.is_floating_point() else F.one_hot(target, scores.shape[1]).to(scores.dtype)


@runs(CenterLossOutput)
class CenterLossModule(OutputModule):
    """Remembers what came in until the loss has been asked for."""

    centers: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._pull, self._rate = float(layer.center_weight), float(layer.center_rate)
        self._head = Head(CenterLoss(self._head.loss, self), self._head.activate, self._head.weight)
        self._seen: tuple[Tensor, Tensor] | None = None

    def compute(self, x: Tensor) -> Tensor:
        scores = super().compute(x)
        self._seen = (scores, x)
        return scores

    def check_scores(self, scores: Tensor) -> None:
        """See that these are the last scores, whose inputs are still known.

        Raises:
            TrainingError: EN071, if they aren't.
        """
        if self._seen is None or self._seen[0] is not scores:
            raise TrainingError(
                "EN071",
                where=f"loss of {self.node.name!r} (center_loss_output)",
                expected="the scores that the layer gave last",
                got="others" if self._seen is not None else "scores before the layer gave any",
                cause="its loss needs what came in with the scores, and only the last is remembered",
                fix="compute the loss from scores right after the network gave them, as network.loss does",
            )

    def distances(self, shares: Tensor) -> Tensor:
        """For each sample the weighted half square of its distance to the centres of its classes."""
        inputs = self._inputs(shares)
        apart = (inputs.unsqueeze(1) - self.centers.to(inputs.dtype)).square().sum(2)
        return self._pull / 2 * (shares * apart).sum(1)

    @torch.no_grad()
    def follow(self, shares: Tensor, weight: Tensor | None) -> None:
        """Move each centre towards its samples."""
        inputs = self._inputs(shares)
        if weight is not None:
            shares = shares * weight.to(shares.dtype).unsqueeze(1)
        count, centers = shares.sum(0).unsqueeze(1), self.centers.to(inputs.dtype)
        moved = centers + self._rate * (shares.T @ inputs - count * centers) / (1 + count)
        self.centers = moved.to(self.centers.dtype)

    def _inputs(self, shares: Tensor) -> Tensor:
        if self._seen is None:
            message = "no scores were given yet"
            raise RuntimeError(message)
        return self._seen[1].to(shares.dtype)

    def __getstate__(self) -> dict[str, Any]:
        # What was seen belongs to a step, not to the layer: a copy has seen nothing.
        return {**self.__dict__, "_seen": None}
