"""How Deeplearning4j's attention layers run."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import activation_function
from lamina.engine.attention import Attending, Masks
from lamina.engine.layers.attention import Heads, mask_of
from lamina.engine.layers.layer import ParametricModule, runs
from lamina.engine.layers.scored_attention import DotProduct
from lamina.network.layers.attention import MultiHeadAttention
from lamina.network.layers.classic_attention import LearnedSelfAttention, RecurrentAttention, SelfAttention
from lamina.network.layers.layer import last_axis
from lamina.network.layers.scored_attention import DotProductAttention
from lamina.network.plan import Node


def _attending(node: Node) -> Attending:
    layer: Any = node.layer
    count = last_axis(node.input_shapes[0])
    if not layer.project:
        return DotProduct(DotProductAttention(), count, count, count)
    return Heads(MultiHeadAttention(layer.heads, key_size=layer.size_for(count), bias=False), count)


@runs(SelfAttention)
class SelfAttentionModule(ParametricModule):
    """The input attends to itself."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._attending = _attending(node)

    def compute(self, x: Tensor) -> Tensor:
        return self._attended(x, None)

    def run_masked(self, inputs: tuple[Tensor, ...], masks: Masks) -> tuple[Tensor, Tensor | None]:
        y = self.activated(self.noisily(lambda x: self._attended(x, masks[0]), inputs))
        return y, masks[0]

    def _attended(self, x: Tensor, mask: Tensor | None) -> Tensor:
        return self._attending.run(self._parameters.get, (x,), (mask,), training=self.training)


@runs(LearnedSelfAttention)
class LearnedSelfAttentionModule(SelfAttentionModule):
    """Learnt queries attend to the input."""

    queries: Tensor

    def run_masked(self, inputs: tuple[Tensor, ...], masks: Masks) -> tuple[Tensor, Tensor | None]:
        y = super().run_masked(inputs, masks)[0]
        return y, mask_of(y, (None, *masks))

    def _attended(self, x: Tensor, mask: Tensor | None) -> Tensor:
        queries = self.queries.expand(len(x), -1, -1)
        return self._attending.run(self._parameters.get, (queries, x), (None, mask), training=self.training)


@runs(RecurrentAttention)
class RecurrentAttentionModule(SelfAttentionModule):
    """Each output is the query of the next. The activation has its place inside the recurrence."""

    activates = False

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._given = activation_function(layer.activation)

    def run_masked(self, inputs: tuple[Tensor, ...], masks: Masks) -> tuple[Tensor, Tensor | None]:
        return self.noisily(lambda x: self._attended(x, masks[0]), inputs), masks[0]

    def _attended(self, x: Tensor, mask: Tensor | None) -> Tensor:
        p: Any = self._parameters.get
        fed = F.linear(x, p("weight"), p("bias"))
        keys, values = self._attending.keys(p, x, x, None)
        allowed = None if mask is None else mask[:, None, None, :]
        # What was given last, and whether anything was: before its first real step a sequence looks at nothing.
        last, begun = x.new_zeros(len(x), 1, fed.shape[-1]), x.new_zeros((len(x), 1, 1), dtype=torch.bool)
        outputs = []
        for i in range(x.shape[1]):
            y = fed[:, i : i + 1]
            if i:
                query = self._attending.queries(p, last, None)
                taken = self._attending.finish(p, self._attending.mix(p, query, keys, values, allowed, None, 0.0))
                looked = F.linear(taken, p("recurrent_weight"))
                y = y + (looked if mask is None else looked * begun)
            y = self._given(y)
            outputs.append(y)
            if mask is None:
                last = y
            else:
                real = mask[:, i, None, None]
                last, begun = torch.where(real, y, last), begun | real
        return torch.cat(outputs, 1)
