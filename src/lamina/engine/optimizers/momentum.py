"""Gradient descent with and without momentum."""

from __future__ import annotations

import torch

from lamina.engine.optimizers.run import Group, OptimizerRun, updates
from lamina.learning.optimizers import Nesterov, Sgd
from lamina.learning.schedules import value_of


@updates(Sgd)
class SgdRun(OptimizerRun[Sgd]):
    """One fused pass: ``torch._fused_sgd_``."""

    _momentum = 0.0

    def prepare(self, step: int, epoch: float) -> None:
        self._momentum = value_of(self.description.momentum, step, epoch)

    def update(self, group: Group, rate: float) -> None:
        kept = group.state.get("momentum")
        torch._fused_sgd_(
            group.values,
            group.gradients,
            # Without state there is nothing to multiply, whatever the momentum.
            kept or [],
            weight_decay=0.0,
            momentum=self._momentum if kept else 0.0,
            lr=rate,
            dampening=self.description.dampening if kept else 0.0,
            nesterov=False,
            maximize=False,
            is_first_step=self.updates == 1,
        )


@updates(Nesterov)
class NesterovRun(OptimizerRun[Nesterov]):
    """One fused pass (``torch._fused_sgd_``), or Deeplearning4j's form in four passes in place."""

    _momentum = 0.0

    def prepare(self, step: int, epoch: float) -> None:
        self._momentum = value_of(self.description.momentum, step, epoch)

    def update(self, group: Group, rate: float) -> None:
        momentum, kept = self._momentum, group.state["momentum"]
        if self.description.form == "dl4j":
            for p, g, v in zip(group.values, group.gradients, kept, strict=True):
                p.add_(v, alpha=-momentum)
                v.mul_(momentum).add_(g, alpha=-rate)
                p.add_(v, alpha=1 + momentum)
            return
        # torch refuses a dampened or momentum-less nesterov, not its fused operation.
        torch._fused_sgd_(
            group.values,
            group.gradients,
            kept,
            weight_decay=0.0,
            momentum=momentum,
            lr=rate,
            dampening=0.0,
            nesterov=True,
            maximize=False,
            is_first_step=False,
        )
