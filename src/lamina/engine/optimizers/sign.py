"""Rules that use only the sign of what they average."""

from __future__ import annotations

import torch

from lamina.engine.optimizers.run import Group, OptimizerRun, updates
from lamina.learning.optimizers import Lion


@updates(Lion)
class LionRun(OptimizerRun[Lion]):
    """Four passes in place and one vector to compute in."""

    scratches = 1

    def update(self, group: Group, rate: float) -> None:
        rule = self.description
        for p, g, m, x in zip(group.values, group.gradients, group.state["mean"], group.scratch[0], strict=True):
            p.add_(torch.lerp(m, g, 1 - rule.beta1, out=x).sign_(), alpha=-rate)
            m.lerp_(g, 1 - rule.beta2)
