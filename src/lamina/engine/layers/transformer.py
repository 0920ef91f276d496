"""How transformer blocks run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from lamina.engine.activations import activation_function
from lamina.engine.attention import Lookup, Masks
from lamina.engine.layers.attention import Heads, linear, mask_of
from lamina.engine.layers.layer import ParametricModule, runs
from lamina.engine.state import Memory
from lamina.network.layers.layer import last_axis
from lamina.network.layers.transformer import Transformer
from lamina.network.plan import Node

Attend = Callable[[str, tuple[Tensor, ...]], Tensor]
"""Runs one of the attentions, by its name."""


@runs(Transformer)
class TransformerModule(ParametricModule):
    """Encoder and decoder blocks: their attentions one after another, then the feed-forward part."""

    activates = False

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._layer: Transformer = layer
        count = last_axis(node.input_shapes[0])
        self._attentions = {name: Heads(layer.attention(name), count) for name in layer.attentions}
        self._feed_activation = activation_function(layer.activation)
        self._sizes = (count,)

    def compute(self, x: Tensor, *others: Tensor) -> Tensor:
        return self._attended(x, others, (None,) * (1 + len(others)))

    def run_masked(self, inputs: tuple[Tensor, ...], masks: Masks) -> tuple[Tensor, Tensor | None]:
        y = self.noisily(lambda x, *others: self._attended(x, others, masks), inputs)
        return y, mask_of(y, masks)

    def start_state(self, batch: int) -> Memory:
        like = next(self.parameters())
        return {f"{name}_{key}": value for name, heads in self._attentions.items() for key, value in heads.start(batch, like).items()}

    def step(self, inputs: tuple[Tensor, ...], masks: Masks, state: Memory) -> tuple[Tensor, Tensor | None, Memory]:
        if not self.node.can_step:
            return super().step(inputs, masks, state)
        after: Memory = {}
        where = f"layer {self.node.name!r} ({self.node.layer.type_name})"

        def attend(name: str, given: tuple[Tensor, ...]) -> Tensor:
            own = {key.removeprefix(f"{name}_"): value for key, value in state.items() if key.startswith(f"{name}_")}
            heads = self._attentions[name]
            y, memory = heads.step(self._part(name), given, masks[: len(given)], own, training=self.training, where=where)
            after.update({f"{name}_{key}": value for key, value in memory.items()})
            return y

        y = self.noisily(lambda x, *others: self._run(x, others, attend), inputs)
        return y, mask_of(y, masks), after

    def _attended(self, x: Tensor, others: tuple[Tensor, ...], masks: Masks) -> Tensor:
        def attend(name: str, given: tuple[Tensor, ...]) -> Tensor:
            return self._attentions[name].run(self._part(name), given, masks[: len(given)], training=self.training)

        return self._run(x, others, attend)

    def _run(self, x: Tensor, others: tuple[Tensor, ...], attend: Attend) -> Tensor:
        for name in self._attentions:
            given = () if name == "attention" else others
            x = self._beside(x, f"{name}_norm", lambda y, name=name, given=given: attend(name, (y, *given)))  # type: ignore[misc]
        return self._beside(x, "feed_norm", self._feed)

    def _beside(self, x: Tensor, norm: str, part: Callable[[Tensor], Tensor]) -> Tensor:
        """A part beside the path that leads past it."""
        if self._layer.norm_first:
            return x + self._dropped(part(self._normalized(norm, x)), self._layer.residual_dropout)
        return self._normalized(norm, x + self._dropped(part(x), self._layer.residual_dropout))

    def _feed(self, x: Tensor) -> Tensor:
        p, activate = self._part("feed"), self._feed_activation
        hidden = linear(p, "hidden", x)
        hidden = activate(linear(p, "gate", x)) * hidden if self._layer.gated else activate(hidden)
        return linear(p, "output", self._dropped(hidden, self._layer.hidden_dropout))

    def _normalized(self, name: str, x: Tensor) -> Tensor:
        p = self._part(name)
        if self._layer.norm == "rms":
            return F.rms_norm(x, self._sizes, p("weight"), self._layer.norm_epsilon)
        return F.layer_norm(x, self._sizes, p("weight"), p("bias"), self._layer.norm_epsilon)

    def _dropped(self, x: Tensor, rate: float) -> Tensor:
        return F.dropout(x, rate, training=True) if rate and self.training else x

    def _part(self, name: str) -> Lookup:
        parameters = self._parameters
        return lambda key: parameters.get(f"{name}/{key}")
