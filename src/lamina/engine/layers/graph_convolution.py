"""How layers on graphs run: sums over edges for one graph, matrix products for a graph with each sample."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.attention import Masks, weigh
from lamina.engine.layers.layer import ParametricModule, runs
from lamina.network.layers.graph_convolution import GraphAttention, GraphConv, GraphLayer, SageConv
from lamina.network.plan import Node


class GraphModule(ParametricModule):
    """Who takes from whom."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._layer: GraphLayer = layer
        arcs = torch.tensor(layer.arcs(), dtype=torch.int64).reshape(-1, 2)
        self._from, self._to = arcs[:, 0].contiguous(), arcs[:, 1].contiguous()

    def compute(self, x: Tensor, *given: Tensor) -> Tensor:
        return self.convolved(x, given, None)

    def perturbed(self, run: Any, inputs: tuple[Tensor, ...]) -> Any:
        # The graph is no input that noise is meant for.
        return super().perturbed(lambda x: run(x, *inputs[1:]), inputs[:1])

    def run_masked(self, inputs: tuple[Tensor, ...], masks: Masks) -> tuple[Tensor, Tensor | None]:
        given = [mask for mask in masks if mask is not None]
        mask = given[0] if len(given) == 1 else given[0] & given[1]
        return self.activated(self.noisily(lambda x, *given: self.convolved(x, given, mask), inputs)), mask

    def convolved(self, x: Tensor, given: tuple[Tensor, ...], mask: Tensor | None) -> Tensor:
        """The output before the activation.

        Args:
            x: Nodes.
            given: The adjacency, if it comes with the samples.
            mask: Which nodes are real; None: all.
        """
        raise NotImplementedError(type(self).__name__)

    def matrix(self, x: Tensor, given: tuple[Tensor, ...], mask: Tensor | None) -> Tensor:
        """The adjacency ``[batch or 1, nodes, nodes]``, with loops as set, and zeros where a node is not real."""
        nodes = x.shape[1]
        if given:
            found = given[0]
        else:
            found = x.new_zeros(1, nodes, nodes)
            found[0, self._to.to(x.device), self._from.to(x.device)] = 1.0
        if self._layer.self_loops:
            found = found + torch.eye(nodes, dtype=x.dtype, device=x.device)
        return found if mask is None else torch.where(mask[:, :, None] & mask[:, None, :], found, 0.0)

    def gathered(self, x: Tensor, given: tuple[Tensor, ...], mask: Tensor | None, normalize: str) -> Tensor:
        """For each node the sum over whom it takes from, each weighted as ``normalize`` says."""
        if mask is not None:
            x = torch.where(mask[..., None], x, 0.0)
        if given:
            matrix = self.matrix(x, given, mask)
            degree = matrix.sum(-1, keepdim=True)
            first, last = _factors(degree, normalize)
            return (matrix @ (x if first is None else x * first)) * (1.0 if last is None else last)
        source, target = self._from.to(x.device), self._to.to(x.device)
        real = x.new_ones(1, x.shape[1], 1) if mask is None else mask[..., None].to(x.dtype)
        degree = self._summed(real, source, target) * real
        first, last = _factors(degree, normalize)
        y = self._summed(x if first is None else x * first, source, target)
        return y if last is None else y * last

    def _summed(self, x: Tensor, source: Tensor, target: Tensor) -> Tensor:
        # Not x[:, source]: the order in which that adds up gradients depends on the threads.
        y = torch.zeros_like(x).index_add(1, target, x.index_select(1, source))
        return y + x if self._layer.self_loops else y


def _factors(degree: Tensor, normalize: str) -> tuple[Tensor | None, Tensor | None]:
    """What nodes are multiplied by before they are added up, and after; 0 for those without a neighbour."""
    if normalize == "none":
        return None, None
    some = degree > 0
    safe = torch.where(some, degree, 1.0)
    if normalize == "mean":
        return None, torch.where(some, 1 / safe, 0.0)
    root = torch.where(some, safe.rsqrt(), 0.0)
    return root, root


@runs(GraphConv)
class GraphConvModule(GraphModule):
    """Runs `GraphConv`."""

    weight: Tensor

    def convolved(self, x: Tensor, given: tuple[Tensor, ...], mask: Tensor | None) -> Tensor:
        layer: Any = self._layer
        y = self.gathered(F.linear(x, self.weight), given, mask, layer.normalize)
        bias = self._parameters.get("bias")
        return y if bias is None else y + bias


@runs(SageConv)
class SageConvModule(GraphModule):
    """Runs `SageConv`."""

    weight: Tensor
    neighbour_weight: Tensor

    def convolved(self, x: Tensor, given: tuple[Tensor, ...], mask: Tensor | None) -> Tensor:
        around = self.gathered(F.linear(x, self.neighbour_weight), given, mask, "mean")
        return F.linear(x, self.weight, self._parameters.get("bias")) + around


@runs(GraphAttention)
class GraphAttentionModule(GraphModule):
    """Runs `GraphAttention`."""

    weight: Tensor
    source_weight: Tensor
    target_weight: Tensor

    def convolved(self, x: Tensor, given: tuple[Tensor, ...], mask: Tensor | None) -> Tensor:
        layer: Any = self._layer
        edges = (self.matrix(x, given, mask) != 0).unsqueeze(1)
        hidden = F.linear(x, self.weight).reshape(*x.shape[:2], layer.heads, layer.units).transpose(1, 2)
        if mask is not None:
            hidden = torch.where(mask[:, None, :, None], hidden, 0.0)
        source, target = (hidden @ end.unsqueeze(-1) for end in (self.source_weight, self.target_weight))
        weights = weigh(F.leaky_relu(target + source.transpose(-1, -2), layer.slope), edges)
        y = F.dropout(weights, layer.attention_dropout, training=self.training) @ hidden
        merged = y.transpose(1, 2).flatten(2) if layer.merge == "concat" else y.mean(1)
        bias = self._parameters.get("bias")
        return merged if bias is None else merged + bias
