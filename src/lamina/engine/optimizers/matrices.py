"""Rules that look at a parameter as a whole."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lamina.engine.optimizers.run import Group, OptimizerRun, updates
from lamina.engine.parameters import FlatBuffer
from lamina.learning.matrices import Adafactor, Lamb, Muon

# Keller Jordan's quintic: steepest at 0.
_QUINTIC = (3.4445, -4.7750, 2.0315)


@updates(Lamb)
class LambRun(OptimizerRun[Lamb]):
    """Adam's step in a vector to compute in, then two norms for each parameter."""

    scratches = 1
    by_parameter = True
    decays = True

    def update(self, group: Group, rate: float) -> None:
        rule, state = self.description, group.state
        root, first = math.sqrt(1 - rule.beta2**self.updates), 1 - rule.beta1**self.updates
        epsilon = rule.epsilon * (root if rule.epsilon_placement == "torch" else 1.0)
        for p, g, m, v, x in zip(group.values, group.gradients, state["mean"], state["square"], group.scratch[0], strict=True):
            m.lerp_(g, 1 - rule.beta1)
            v.mul_(rule.beta2).addcmul_(g, g, value=1 - rule.beta2)
            torch.sqrt(v, out=x).add_(epsilon)
            torch.div(m, x, out=x).mul_(root / first)
            size, step = torch.linalg.vector_norm(p), torch.linalg.vector_norm(x)
            ratio = torch.where((size > 0) & (step > 0), size / step, 1.0)
            p.mul_(1 - rate * group.decay).addcmul_(x, ratio, value=-rate)


@updates(Adafactor)
class AdafactorRun(OptimizerRun[Adafactor]):
    """A row and a column of state for each matrix, in one vector for each dtype."""

    by_parameter = True
    decays = True

    def _make_groups(self, buffer: FlatBuffer) -> list[Group]:
        groups = super()._make_groups(buffer)
        shapes = [_kept(p) for group in groups for p in group.values]
        total = sum(math.prod(shape) for pair in shapes for shape in pair)
        end = f"/{str(buffer.vector.dtype).removeprefix('torch.')}" if len(self.flat.buffers) > 1 else ""
        vector = torch.zeros(total, dtype=buffer.vector.dtype, device=buffer.vector.device)
        self._state["squares" + end] = vector
        start = 0
        for group in groups:
            group.state.update(rows=[], columns=[])
            for p in group.values:
                for name, shape in zip(("rows", "columns"), _kept(p), strict=True):
                    stop = start + math.prod(shape)
                    group.state[name].append(vector[start:stop].view(shape))
                    start = stop
        return groups

    def update(self, group: Group, rate: float) -> None:
        rule = self.description
        newest, longest = self.updates**rule.decay, min(rate, 1 / math.sqrt(self.updates))
        for p, g, rows, columns in zip(group.values, group.gradients, group.state["rows"], group.state["columns"], strict=True):
            least = torch.finfo(p.dtype).eps
            scale = (torch.linalg.vector_norm(p) / math.sqrt(p.numel())).clamp_min(rule.least_scale)
            if g.dim() > 1:
                rows.lerp_(g.square().mean(-1, keepdim=True), newest)
                columns.lerp_(g.square().mean(-2, keepdim=True), newest)
                squares = rows @ columns / rows.mean(-2, keepdim=True).clamp_min(least)
            else:
                squares = rows.lerp_(g.square(), newest)
            step = g * squares.clamp_min(least * least).rsqrt()
            clipped = (torch.linalg.vector_norm(step) / (math.sqrt(step.numel()) * rule.clip)).clamp_min(1.0)
            p.mul_(1 - rate * group.decay).addcmul_(step, scale / clipped, value=-longest)


def _kept(p: Tensor) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Shapes of what is kept of a parameter's squares: rows and columns of a matrix, all of a vector."""
    if p.dim() < 2:
        return tuple(p.shape), (0,)
    return (*p.shape[:-1], 1), (*p.shape[:-2], 1, p.shape[-1])


@updates(Muon)
class MuonRun(OptimizerRun[Muon]):
    """A few products of matrices for each parameter; Adam for vectors."""

    scratches = 1
    by_parameter = True

    def update(self, group: Group, rate: float) -> None:
        state = group.state
        for p, g, m, v, x in zip(group.values, group.gradients, state["mean"], state["square"], group.scratch[0], strict=True):
            if p.dim() > 1:
                self._matrix(p, g, m, rate)
            else:
                self._vector(p, g, m, v, x, rate)

    def _matrix(self, p: Tensor, g: Tensor, m: Tensor, rate: float) -> None:
        rule = self.description
        m.lerp_(g, 1 - rule.momentum)
        found = g.lerp(m, rule.momentum) if rule.nesterov else m
        flat = orthogonal(found.flatten(1), rule.iterations, rule.epsilon, bfloat16=rule.precision == "bfloat16")
        rows, columns = flat.shape
        scale = 0.2 * math.sqrt(max(rows, columns)) if rule.scale == "adam" else math.sqrt(max(1.0, rows / columns))
        p.add_(flat.reshape(p.shape), alpha=-rate * scale)

    def _vector(self, p: Tensor, g: Tensor, m: Tensor, v: Tensor, x: Tensor, rate: float) -> None:
        rule = self.description
        m.lerp_(g, 1 - rule.beta1)
        v.mul_(rule.beta2).addcmul_(g, g, value=1 - rule.beta2)
        torch.sqrt(v, out=x).div_(math.sqrt(1 - rule.beta2**self.updates)).add_(rule.epsilon)
        p.addcdiv_(m, x, value=-rate / (1 - rule.beta1**self.updates))


def orthogonal(matrix: Tensor, iterations: int, epsilon: float, *, bfloat16: bool = False) -> Tensor:
    """About the orthogonal matrix nearest to this one: its singular values become numbers around 1, by Newton and Schulz."""
    a, b, c = _QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.bfloat16() if bfloat16 else matrix
    x = x.T if tall else x
    x = x / x.norm().clamp_min(epsilon)
    for _ in range(iterations):
        product = x @ x.T
        x = torch.addmm(x, torch.addmm(product, product, product, beta=b, alpha=c), x, beta=a)
    return (x.T if tall else x).to(matrix.dtype)
