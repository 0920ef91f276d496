"""Adam and its relatives."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lamina.engine.optimizers.run import Group, OptimizerRun, updates
from lamina.learning.optimizers import AdaBelief, Adam, AdaMax, AdamLike, AdamW, AmsGrad, Nadam, RAdam

_NONE: list[Tensor] = []


@updates(Adam, AdamW, AmsGrad)
class AdamRun(OptimizerRun[AdamLike]):
    """One fused pass: ``torch._fused_adamw_``, which is Adam where there is no decay."""

    decays = True

    _epsilon = 0.0

    def prepare(self, step: int, epoch: float) -> None:
        rule = self.description
        # (sqrt(v) + e) / c == sqrt(v) / c + e / c, so the other placement is only another epsilon.
        corrected = rule.epsilon_placement == "torch"
        self._epsilon = rule.epsilon if corrected else rule.epsilon / math.sqrt(1 - rule.beta2**self.updates)

    def update(self, group: Group, rate: float) -> None:
        rule, state = self.description, group.state
        largest = state.get("largest", _NONE)
        torch._fused_adamw_(
            group.values,
            group.gradients,
            state["mean"],
            state["square"],
            largest,
            group.counts,
            lr=rate,
            beta1=rule.beta1,
            beta2=rule.beta2,
            weight_decay=group.decay,
            eps=self._epsilon,
            amsgrad=bool(largest),
            maximize=False,
        )


@updates(AdaMax)
class AdaMaxRun(OptimizerRun[AdaMax]):
    """Five passes in place and one vector to compute in."""

    scratches = 1

    def update(self, group: Group, rate: float) -> None:
        rule, state = self.description, group.state
        before, after = (rule.epsilon, 0.0) if rule.epsilon_placement == "torch" else (0.0, rule.epsilon)
        scale = -rate / (1 - rule.beta1**self.updates)
        for p, g, m, u, x in zip(group.values, group.gradients, state["mean"], state["largest"], group.scratch[0], strict=True):
            m.lerp_(g, 1 - rule.beta1)
            torch.abs(g, out=x)
            if before:
                x.add_(before)
            torch.maximum(u.mul_(rule.beta2), x, out=u)
            if after:
                u.add_(after)
            p.addcdiv_(m, u, value=scale)


@updates(Nadam)
class NadamRun(OptimizerRun[Nadam]):
    """Seven passes in place and one vector to compute in."""

    scratches = 1

    # Product of the momenta of all updates so far, and the momenta of this update and the next.
    _product = 1.0
    _now = 0.0
    _next = 0.0

    def prepare(self, step: int, epoch: float) -> None:
        rule = self.description
        self._now, self._next = (
            rule.beta1 * (1 - 0.5 * math.pow(0.96, count * rule.momentum_decay)) for count in (self.updates, self.updates + 1)
        )
        if self._product == 1.0:  # Of training that goes on from elsewhere, the updates made there count.
            for count in range(1, min(self.updates, 10_000)):
                self._product *= rule.beta1 * (1 - 0.5 * math.pow(0.96, count * rule.momentum_decay))
        self._product *= self._now

    def update(self, group: Group, rate: float) -> None:
        rule, state = self.description, group.state
        if rule.epsilon_placement == "torch":
            root = math.sqrt(1 - rule.beta2**self.updates)
            of_gradient = (1 - self._now) / (1 - self._product)
            of_mean = self._next / (1 - self._product * self._next)
        else:
            root = 1.0
            of_gradient, of_mean = (part / (1 - rule.beta1**self.updates) for part in (1 - rule.beta1, rule.beta1))
        for p, g, m, v, x in zip(group.values, group.gradients, state["mean"], state["square"], group.scratch[0], strict=True):
            m.lerp_(g, 1 - rule.beta1)
            v.mul_(rule.beta2).addcmul_(g, g, value=1 - rule.beta2)
            torch.sqrt(v, out=x)
            if root != 1.0:
                x.div_(root)
            x.add_(rule.epsilon)
            p.addcdiv_(g, x, value=-rate * of_gradient)
            p.addcdiv_(m, x, value=-rate * of_mean)

    def extra_state(self) -> dict[str, float]:
        return {"momentum_product": self._product}

    def load_extra_state(self, state: dict[str, float]) -> None:  # type: ignore[override]
        self._product = state["momentum_product"]


@updates(AdaBelief)
class AdaBeliefRun(OptimizerRun[AdaBelief]):
    """Eight passes in place and one vector to compute in."""

    scratches = 1

    def update(self, group: Group, rate: float) -> None:
        rule, state = self.description, group.state
        root = math.sqrt(1 - rule.beta2**self.updates)
        scale = -rate / (1 - rule.beta1**self.updates)
        corrected = rule.epsilon_placement == "torch"
        for p, g, m, s, x in zip(group.values, group.gradients, state["mean"], state["square"], group.scratch[0], strict=True):
            m.lerp_(g, 1 - rule.beta1)
            torch.sub(g, m, out=x)
            s.mul_(rule.beta2).addcmul_(x, x, value=1 - rule.beta2).add_(rule.epsilon)
            torch.sqrt(s, out=x)
            if corrected:
                x.div_(root)
            x.add_(rule.epsilon)
            p.addcdiv_(m, x, value=scale if corrected else scale * root)


@updates(RAdam)
class RAdamRun(OptimizerRun[RAdam]):
    """Five passes in place and one vector to compute in; two while squares are not known well enough."""

    scratches = 1

    def update(self, group: Group, rate: float) -> None:
        rule, state, t = self.description, group.state, self.updates
        second = 1 - rule.beta2**t
        limit = 2 / (1 - rule.beta2) - 1
        known = limit - 2 * t * rule.beta2**t / second
        scale = -rate / (1 - rule.beta1**t)
        if known > 5:
            scale *= math.sqrt((known - 4) * (known - 2) * limit / ((limit - 4) * (limit - 2) * known) * second)
        for p, g, m, v, x in zip(group.values, group.gradients, state["mean"], state["square"], group.scratch[0], strict=True):
            m.lerp_(g, 1 - rule.beta1)
            v.mul_(rule.beta2).addcmul_(g, g, value=1 - rule.beta2)
            if known > 5:
                p.addcdiv_(m, torch.sqrt(v, out=x).add_(rule.epsilon), value=scale)
            else:
                p.add_(m, alpha=scale)
