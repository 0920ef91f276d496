"""Recurrent layers: what they read, what they give, and their memory between pieces of a sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from lamina.engine.layers.cells import Memory, Weights
from lamina.engine.layers.layer import LayerModule, ParametricModule, runs
from lamina.engine.layers.recurrence import Recurrence
from lamina.engine.layers.steps import last_first, take_steps
from lamina.network.layers.recurrent import LastStep, Recurrent
from lamina.network.plan import Node

Given = tuple[Tensor, Tensor | None]
"""An output and its mask."""


class SequenceModule(ParametricModule):
    """What one and two directions share. The activation has its place inside the recurrence."""

    activates = False

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self._recurrence = Recurrence(self.settings)
        self._gives = self.settings.gives

    @property
    def settings(self) -> Recurrent:
        layer: Any = self.node.layer
        found: Recurrent = layer
        return found

    def perturbed(self, run: Callable[..., Any], inputs: tuple[Tensor, ...]) -> Any:
        # The memory that it starts with is no input that noise is meant for.
        return super().perturbed(lambda x: run(x, *inputs[1:]), inputs[:1])

    def _weights(self, prefix: str = "") -> list[Weights]:
        """The parameters as they are now, noise included, for each layer by their plain names."""
        settings = self.settings
        plain = list(settings.layer_parameters(1))
        found: list[Weights] = []
        for number in range(settings.layers):
            end = f"_l{number}" if number else ""
            named = ((name, self._parameters[f"{prefix}{name}{end}"]) for name in plain)
            own: dict[str, Tensor] = {name: weight for name, weight in named if weight is not None}
            if "bias_ih" in own and not settings.recurrent_bias:
                own["bias_hh"] = torch.zeros_like(own["bias_ih"])  # What the kernels add; no parameter.
            found.append(own)
        return found


@runs(Recurrent)
class RecurrentModule(SequenceModule):
    """In one direction."""

    def compute(self, x: Tensor, *given: Tensor) -> Tensor:
        return self._read(x, None, self._begun(x, given))[0]

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> Given:
        y = self.noisily(lambda x, *given: self._read(x, masks[0], self._begun(x, given))[0], inputs)
        return y, masks[0] if self._gives == "sequence" else None

    def start_state(self, batch: int) -> dict[str, Tensor]:
        like = next(self.parameters())
        found = {name: like.new_zeros(batch, size) for name, size in self.settings.carried().items()}
        if len(self.node.inputs) > 1:
            # Whether the memory is its own by now, and no longer what the further inputs give.
            found["begun"] = like.new_zeros(batch, dtype=torch.bool)
        return found

    def step(
        self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...], state: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor | None, dict[str, Tensor]]:
        if self.settings.reverse:
            return super().step(inputs, masks, state)
        names = list(self.settings.carried())

        def run(x: Tensor, *given: Tensor) -> tuple[Tensor, Memory]:
            memory = tuple(self._layered(state[name]) for name in names)
            if given:
                begun = state["begun"][None, :, None]
                memory = tuple(torch.where(begun, own, first) for own, first in zip(memory, self._begun(x, given), strict=True))
            return self._read(x, masks[0], memory, keep=True)

        y, memory = self.noisily(run, inputs)
        after = {name: _flat(part) for name, part in zip(names, memory, strict=True)}
        if "begun" in state:
            after["begun"] = torch.ones_like(state["begun"])
        return y, masks[0] if self._gives == "sequence" else None, after

    def _read(self, x: Tensor, mask: Tensor | None, memory: Memory, *, keep: bool = False) -> tuple[Tensor, Memory]:
        gives = self._gives
        y, last, after = self._recurrence.read(
            x, self._weights(), memory, mask, backward=self.settings.reverse, keep=keep or gives == "state"
        )
        if gives == "state":
            return torch.cat([_flat(part) for part in after], -1), after
        return (y if gives == "sequence" else last), after

    def _begun(self, x: Tensor, given: tuple[Tensor, ...]) -> Memory:
        """The memory before the first step: zeros, or what other nodes give."""
        if not given:
            return self._recurrence.start(x)
        sizes = list(self.settings.carried().values())
        parts = given if len(given) == len(sizes) else torch.split(given[0], sizes, -1)
        return tuple(self._layered(part) for part in parts)

    def _layered(self, part: Tensor) -> Tensor:
        """From ``[batch, layers * size]`` to ``[layers, batch, size]``."""
        return part.reshape(len(part), self._recurrence.layers, -1).transpose(0, 1).contiguous()


def _flat(part: Tensor) -> Tensor:
    return part.transpose(0, 1).flatten(1)


@runs(LastStep)
class LastStepModule(LayerModule):
    """The last real step."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, -1]

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> Given:
        return self._last(inputs[0], masks[0], None), None

    def start_state(self, batch: int) -> dict[str, Tensor]:
        return {"last": torch.zeros(batch, *(d or 1 for d in self.node.output_shape.dims))}

    def step(
        self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...], state: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor | None, dict[str, Tensor]]:
        y = self._last(inputs[0], masks[0], state["last"].to(inputs[0]))
        return y, None, {"last": y}

    @staticmethod
    def _last(x: Tensor, mask: Tensor | None, before: Tensor | None) -> Tensor:
        if mask is None:
            return x[:, -1]
        y = take_steps(x, last_first(mask)[:, :1]).squeeze(1)
        # Of a sequence without any real step here: the last one of an earlier piece, or nothing.
        other = torch.zeros_like(y) if before is None else before
        return torch.where(mask.any(1).reshape(-1, *(1,) * (y.dim() - 1)), y, other)
