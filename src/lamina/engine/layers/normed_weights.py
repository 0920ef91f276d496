"""A layer that is run with weights made of others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import LayerModule, module_for, runs
from lamina.engine.randomness import generator
from lamina.engine.state import Memory
from lamina.network.layers.normed_weights import SpectralNorm, WeightNorm, part
from lamina.network.plan import Node

# torch's: a weight that is all 0 stays so.
_LEAST = 1e-12
_FIRST_ITERATIONS = 15


class NormedWeightsModule(LayerModule):
    """What these share: the wrapped layer owns nothing, and is lent parameters whenever it runs."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self.inner = module_for(replace(node, layer=layer.layer))
        for name in self.inner._parameters:
            self.inner._parameters[name] = None
        self._normed = list(layer.normed(node.input_shapes))
        self._axis: int = layer.axis

    def raw(self, name: str) -> Tensor:
        """The parameter that starts as the wrapped layer's weight of this name does."""
        raise NotImplementedError(type(self).__name__)

    def made(self, name: str) -> Tensor:
        """The weight of this name that the wrapped layer shall use."""
        raise NotImplementedError(type(self).__name__)

    def initialize(self, seed: int) -> None:
        with self._lent({name: self.raw(name) for name in self._normed}) as inner:
            inner.initialize(seed)

    def forward(self, *inputs: Tensor) -> Tensor:
        with self._lent(self._made()) as inner:
            y: Tensor = inner.forward(*inputs)
        return y

    def run_masked(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...]) -> tuple[Tensor, Tensor | None]:
        with self._lent(self._made()) as inner:
            return inner.run_masked(inputs, masks)

    def start_state(self, batch: int) -> Memory:
        # What is made of the weights doesn't matter here, but their dtype and place do.
        with self._lent({name: self.raw(name) for name in self._normed}) as inner:
            return inner.start_state(batch)

    def step(self, inputs: tuple[Tensor, ...], masks: tuple[Tensor | None, ...], state: Memory) -> tuple[Tensor, Tensor | None, Memory]:
        with self._lent(self._made()) as inner:
            return inner.step(inputs, masks, state)

    def _made(self) -> dict[str, Tensor]:
        return {name: self.made(name) for name in self._normed}

    @contextmanager
    def _lent(self, weights: Mapping[str, Tensor]) -> Iterator[LayerModule]:
        # Attributes are looked up in this dict, so that the layer finds what it is lent under the usual names.
        own: dict[str, Any] = self.inner._parameters
        own.update({name: weights.get(name, self._parameters.get(name)) for name in own})
        try:
            yield self.inner
            self.penalty = self.inner.penalty
        finally:
            own.update(dict.fromkeys(own))


@runs(SpectralNorm)
class SpectralNormModule(NormedWeightsModule):
    """Divided by the largest singular value, as far as it is known."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        # A frozen layer goes on computing what it computes.
        self._iterations: int = 0 if layer.frozen else layer.iterations

    def raw(self, name: str) -> Tensor:
        return self.get_parameter(name)

    def initialize(self, seed: int) -> None:
        super().initialize(seed)
        for name in self._normed:
            left, right = self._vectors(name)
            for vector, side in ((left, "left"), (right, "right")):
                draws = generator(seed, "initial", self.node.name, part(name, side))
                drawn = torch.randn(vector.shape, generator=draws, dtype=torch.float64)
                vector.copy_(F.normalize(drawn, dim=0))
            self._iterate(self._matrix(self.raw(name)), left, right, _FIRST_ITERATIONS)

    def made(self, name: str) -> Tensor:
        weight, (left, right) = self.raw(name), self._vectors(name)
        # Half precision would lose the few digits by which the vectors still improve.
        with torch.autocast(weight.device.type, enabled=False):
            matrix = self._matrix(weight)
            if self.training:
                self._iterate(matrix, left, right, self._iterations)
            # Copies, since a second pass before the gradient is asked for changes the vectors in place.
            stretch = torch.dot(left.clone(), torch.mv(matrix, right.clone()))
            return weight / torch.where(stretch.abs() > _LEAST, stretch, _LEAST)

    def _vectors(self, name: str) -> tuple[Tensor, Tensor]:
        return self.get_buffer(part(name, "left")), self.get_buffer(part(name, "right"))

    def _matrix(self, weight: Tensor) -> Tensor:
        return weight.movedim(self._axis, 0).flatten(1)

    @staticmethod
    @torch.no_grad()
    def _iterate(matrix: Tensor, left: Tensor, right: Tensor, times: int) -> None:
        for _ in range(times):
            left.copy_(F.normalize(torch.mv(matrix, right), dim=0, eps=_LEAST))
            right.copy_(F.normalize(torch.mv(matrix.t(), left), dim=0, eps=_LEAST))


@runs(WeightNorm)
class WeightNormModule(NormedWeightsModule):
    """A direction times a length, for each output unit."""

    def raw(self, name: str) -> Tensor:
        return self.get_parameter(part(name, "direction"))

    def initialize(self, seed: int) -> None:
        super().initialize(seed)
        with torch.no_grad():
            for name in self._normed:
                # Of the rounded values in both precisions, so that they start alike but for rounding.
                lengths = self._lengths(self.raw(name).float().double())
                self.get_parameter(part(name, "gain")).copy_(lengths.flatten())

    def made(self, name: str) -> Tensor:
        direction, gain = self.raw(name), self.get_parameter(part(name, "gain"))
        lengths = self._lengths(direction)
        return direction * (gain.reshape(lengths.shape) / lengths.clamp_min(_LEAST))

    def _lengths(self, weight: Tensor) -> Tensor:
        axes = tuple(axis for axis in range(weight.dim()) if axis != self._axis)
        lengths: Tensor = torch.linalg.vector_norm(weight, dim=axes, keepdim=True)
        return lengths
