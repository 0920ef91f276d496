"""Rules that use only the sign of what they average."""

from __future__ import annotations

import torch

from lamina.engine.optimizers.run import Group, OptimizerRun, updates
from lamina.learning.optimizers import Lion, Rprop


@updates(Lion)
class LionRun(OptimizerRun[Lion]):
    """Four passes in place and one vector to compute in."""

    scratches = 1

    def update(self, group: Group, rate: float) -> None:
        rule = self.description
        for p, g, m, x in zip(group.values, group.gradients, group.state["mean"], group.scratch[0], strict=True):
            p.add_(torch.lerp(m, g, 1 - rule.beta1, out=x).sign_(), alpha=-rate)
            m.lerp_(g, 1 - rule.beta2)


@updates(Rprop)
class RpropRun(OptimizerRun[Rprop]):
    """Seven passes in place and one vector to compute in."""

    scratches = 1

    def initial(self, slot: str) -> float:
        return 1.0 if slot == "length" else 0.0

    def update(self, group: Group, rate: float) -> None:
        rule, state = self.description, group.state
        rows = zip(group.values, group.gradients, state["previous"], state["length"], group.scratch[0], strict=True)
        for p, g, before, length, x in rows:
            torch.mul(g, before, out=x)
            same, turned = x > 0, x < 0
            length.mul_(x.fill_(1.0).masked_fill_(same, rule.growth).masked_fill_(turned, rule.shrinkage))
            length.clamp_(rule.shortest, rule.longest)
            # Where the sign has changed, nothing moves, and the next update doesn't remember this one.
            before.copy_(g).masked_fill_(turned, 0.0)
            p.addcmul_(torch.sign(before, out=x), length, value=-rate)
