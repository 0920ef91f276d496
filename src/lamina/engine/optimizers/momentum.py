"""Gradient descent with and without momentum."""

from __future__ import annotations

import torch

from lamina.engine.optimizers.run import Group, OptimizerRun, updates
from lamina.learning.optimizers import Nesterov, Sgd
from lamina.learning.schedules import value_of


def _descend(group: Group, rate: float, momentum: float, *, dampening: float = 0.0, nesterov: bool = False, first: bool = False) -> None:
    """``torch._fused_sgd_``; where a schedule makes the momentum 0 for now, which that refuses, the same in two passes."""
    kept = group.state.get("momentum") or []
    if kept and momentum == 0:
        for g, b in zip(group.gradients, kept, strict=True):
            torch.mul(g, 1.0 if first else 1 - dampening, out=b)
    fused = kept if momentum else []
    torch._fused_sgd_(
        group.values,
        kept if kept and not fused and not nesterov else group.gradients,
        fused,
        weight_decay=0.0,
        momentum=momentum if kept else 0.0,
        lr=rate,
        dampening=dampening if fused else 0.0,
        nesterov=nesterov and bool(fused),
        maximize=False,
        is_first_step=first,
    )


@updates(Sgd)
class SgdRun(OptimizerRun[Sgd]):
    """One fused pass (``torch._fused_sgd_``), or Caffe's form in two passes in place."""

    _momentum = 0.0

    def prepare(self, step: int, epoch: float) -> None:
        self._momentum = value_of(self.description.momentum, step, epoch)

    def update(self, group: Group, rate: float) -> None:
        kept = group.state.get("momentum")
        if self.description.form == "torch" or not kept:
            _descend(group, rate, self._momentum, dampening=self.description.dampening, first=self.updates == 1)
            return
        for p, g, b in zip(group.values, group.gradients, kept, strict=True):
            b.mul_(self._momentum).add_(g, alpha=rate)
            p.sub_(b)


@updates(Nesterov)
class NesterovRun(OptimizerRun[Nesterov]):
    """One fused pass (``torch._fused_sgd_``), or Deeplearning4j's form in four passes in place."""

    _momentum = 0.0

    def prepare(self, step: int, epoch: float) -> None:
        self._momentum = value_of(self.description.momentum, step, epoch)

    def update(self, group: Group, rate: float) -> None:
        if self.description.form == "torch":
            _descend(group, rate, self._momentum, nesterov=True)
            return
        for p, g, v in zip(group.values, group.gradients, group.state["momentum"], strict=True):
            p.add_(v, alpha=-self._momentum)
            v.mul_(self._momentum).add_(g, alpha=-rate)
            p.add_(v, alpha=1 + self._momentum)
