"""Products of vectors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from lamina.engine.layers.layer import LayerModule, runs
from lamina.network.plan import Node
from lamina.network.vertices.dot import Dot
from lamina.shapes import Features

_KEPT = 1e-6
"""Least length that is divided by: the root of the least square that Keras divides by."""


@runs(Dot)
class DotModule(LayerModule):
    """Letters for axes: ``b`` the batch, ``z`` the one that is added up along."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        layer: Any = node.layer
        self._each_step, self._normalize = layer.each_step, layer.normalize
        words = []
        self._axes = []
        for axis, shape, rest in zip(layer.pair, node.input_shapes, "xy", strict=True):
            vector = isinstance(shape, Features)
            self._axes.append(1 if vector or axis == "steps" else 2)
            words.append("z" if vector else f"z{rest}" if axis == "steps" else f"{rest}z")
        left = "".join(letter for word in words for letter in word if letter != "z")
        self._equation = f"b{words[0]},b{words[1]}->b{left}"
        self._single = not left

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        if self._normalize:
            x, y = (F.normalize(value, 2.0, axis, _KEPT) for value, axis in zip((x, y), self._axes, strict=True))
        if self._each_step:
            return (x * y).sum(-1, keepdim=True)
        z = torch.einsum(self._equation, x, y)
        return z[:, None] if self._single else z
