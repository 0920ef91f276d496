"""How a mixture of experts runs: expert by expert, each on the vectors that chose it; outside training, on all of them."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import activation_function
from lamina.engine.attention import Masks
from lamina.engine.layers.layer import ParametricModule, runs
from lamina.network.layers.experts import MixtureOfExperts
from lamina.network.plan import Node


@runs(MixtureOfExperts)
class MixtureOfExpertsModule(ParametricModule):
    """Routes, computes, adds up. The activation has its place inside the experts."""

    activates = False
    router_weight: Tensor

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._layer: MixtureOfExperts = layer
        self._inner = activation_function(layer.activation)

    def compute(self, x: Tensor) -> Tensor:
        return self._mixed(x, None)

    def run_masked(self, inputs: tuple[Tensor, ...], masks: Masks) -> tuple[Tensor, Tensor | None]:
        return self.noisily(lambda x: self._mixed(x, masks[0]), inputs), masks[0]

    def _mixed(self, x: Tensor, mask: Tensor | None) -> Tensor:
        layer = self._layer
        flat = x.reshape(-1, x.shape[-1])
        shares = F.linear(flat, self.router_weight).softmax(-1)
        weights, chosen = shares.topk(layer.top, -1)
        if layer.top > 1:
            weights = weights / weights.sum(-1, keepdim=True)
        self.penalty = self._imbalance(shares, chosen, mask) if self.training and layer.balance else None
        y: Tensor | None = None
        for expert in range(layer.experts):
            rows, places = (chosen == expert).nonzero(as_tuple=True)
            # A product's last digits depend on the number of its rows, and so on what else is in the batch: figures must not.
            found = self._expert(expert, flat[rows]) if self.training else self._expert(expert, flat)[rows]
            given = found * weights[rows, places].unsqueeze(-1)
            y = (given.new_zeros(len(flat), given.shape[-1]) if y is None else y).index_add(0, rows, given)
        result: Any = y
        return result.reshape(*x.shape[:-1], -1)  # type: ignore[no-any-return]

    def _expert(self, number: int, x: Tensor) -> Tensor:
        hidden = self._linear("hidden", number, x)
        hidden = self._inner(self._linear("gate", number, x)) * hidden if self._layer.gated else self._inner(hidden)
        return self._linear("output", number, hidden)

    def _linear(self, name: str, number: int, x: Tensor) -> Tensor:
        weight: Any = self._parameters[f"{name}_weight"]
        bias = self._parameters.get(f"{name}_bias")
        return F.linear(x, weight[number], None if bias is None else bias[number])

    def _imbalance(self, shares: Tensor, chosen: Tensor, mask: Tensor | None) -> Tensor:
        """The load-balancing penalty, over the real steps of the batch."""
        layer = self._layer
        picked = F.one_hot(chosen, layer.experts).sum(1).to(shares.dtype) / layer.top
        if mask is None:
            return layer.balance * layer.experts * (picked.mean(0) * shares.mean(0)).sum()
        real = mask.reshape(-1, 1).to(shares.dtype)
        count = real.sum().clamp(min=1)
        return layer.balance * layer.experts * ((picked * real).sum(0) * (shares * real).sum(0)).sum() / count.square()
