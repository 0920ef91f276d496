"""Rules that scale each value by the size of its past gradients."""

from __future__ import annotations

import torch

from lamina.engine.optimizers.run import Group, OptimizerRun, updates
from lamina.learning.optimizers import AdaDelta, AdaGrad, RmsProp
from lamina.learning.schedules import value_of


@updates(AdaGrad)
class AdaGradRun(OptimizerRun[AdaGrad]):
    """One fused pass on the CPU (``torch._fused_adagrad_``), elsewhere three and a temporary vector."""

    def initial(self, slot: str) -> float:
        return self.description.initial

    def update(self, group: Group, rate: float) -> None:
        rule = self.description
        if rule.epsilon_inside or not group.values[0].is_cpu:
            for p, g, s in zip(group.values, group.gradients, group.state["square"], strict=True):
                s.addcmul_(g, g)
                root = (s + rule.epsilon).sqrt_() if rule.epsilon_inside else s.sqrt().add_(rule.epsilon)
                p.addcdiv_(g, root, value=-rate)
            return
        torch._fused_adagrad_(
            group.values,
            group.gradients,
            group.state["square"],
            group.counts,
            lr=rate,
            lr_decay=0.0,
            weight_decay=0.0,
            eps=rule.epsilon,
            maximize=False,
        )


@updates(AdaDelta)
class AdaDeltaRun(OptimizerRun[AdaDelta]):
    """Ten passes in place and two vectors to compute in."""

    scratches = 2

    def update(self, group: Group, rate: float) -> None:
        rule, state = self.description, group.state
        rows = zip(group.values, group.gradients, state["square"], state["update"], *group.scratch, strict=True)
        for p, g, s, u, x, y in rows:
            s.mul_(rule.decay).addcmul_(g, g, value=1 - rule.decay)
            torch.add(s, rule.epsilon, out=x).sqrt_()
            torch.add(u, rule.epsilon, out=y).sqrt_().div_(x).mul_(g)
            u.mul_(rule.decay).addcmul_(y, y, value=1 - rule.decay)
            p.add_(y, alpha=-rate)


@updates(RmsProp)
class RmsPropRun(OptimizerRun[RmsProp]):
    """Five passes in place and one vector to compute in; three more with momentum and centring."""

    scratches = 1

    _momentum = 0.0

    def prepare(self, step: int, epoch: float) -> None:
        self._momentum = value_of(self.description.momentum, step, epoch)

    def initial(self, slot: str) -> float:
        return self.description.initial if slot == "square" else 0.0

    def update(self, group: Group, rate: float) -> None:
        rule, state = self.description, group.state
        means, buffers = state.get("mean"), state.get("momentum")
        for i, (p, g, s, x) in enumerate(zip(group.values, group.gradients, state["square"], group.scratch[0], strict=True)):
            s.mul_(rule.decay).addcmul_(g, g, value=1 - rule.decay)
            if means is None:
                x.copy_(s)
            else:
                m = means[i].lerp_(g, 1 - rule.decay)
                torch.addcmul(s, m, m, value=-1, out=x)
            if rule.epsilon_inside:
                x.add_(rule.epsilon).sqrt_()
            else:
                x.sqrt_().add_(rule.epsilon)
            if buffers is None:
                p.addcdiv_(g, x, value=-rate)
            else:
                p.add_(buffers[i].mul_(self._momentum).addcdiv_(g, x), alpha=-rate)
