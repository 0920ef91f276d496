"""A graph that grows node by node: how the networks of the zoo are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lamina.network.defaults import Defaults
from lamina.network.graph import Graph
from lamina.network.initializers import VarianceScaling
from lamina.network.layers import ActivationLayer, BatchNorm, Conv2d, Layer
from lamina.network.vertices import Add
from lamina.shapes import Image, Shape

INPUT = "input"
"""Name of the input of networks that have one."""
IMAGENET = Image(channels=3, height=224, width=224)
"""What most networks for ImageNet take."""
FOR_RELU = VarianceScaling(2.0, "fan_out", "normal")
"""How torchvision starts the convolutions of networks with ReLU and batch normalisation (He et al. 2015, by the fan out)."""
AS_TORCH = VarianceScaling(1 / 3, "fan_in", "uniform")
"""How torch starts weights that nobody starts otherwise: ``U(-a, a)`` with ``a = 1 / sqrt(fan_in)``."""


class Drawing:
    """Collects nodes; each method adds some and returns the name of the last, which then feeds others.

    Args:
        inputs: Shape of each input by name; one shape alone is the input called ``input``.
        epsilon: Of the batch normalisations that `conv` adds.
        momentum: Of those: weight of the newest batch in the running statistics.
    """

    def __init__(self, inputs: Shape | Mapping[str, Shape], *, epsilon: float = 1e-5, momentum: float = 0.1) -> None:
        self.inputs = {INPUT: inputs} if isinstance(inputs, Shape) else dict(inputs)
        self.nodes: dict[str, Layer] = {}
        self._statistics: dict[str, Any] = {}
        if epsilon != 1e-5:
            self._statistics["epsilon"] = epsilon
        if momentum != 0.1:
            self._statistics["momentum"] = momentum

    def add(self, name: str, kind: type[Layer], *settings: Any, feeds: str | tuple[str, ...], **more: Any) -> str:
        """A node.

        Args:
            name: What it is called.
            kind: Class of the layer.
            *settings: Its settings by position.
            feeds: What feeds it.
            **more: Its settings by name.
        """
        self.nodes[name] = kind(*settings, inputs=feeds, **more)
        return name

    def norm(self, name: str, feeds: str, activation: Any = None, **settings: Any) -> str:
        """A batch normalisation, with an activation behind it unless None."""
        given = {} if activation is None else {"activation": activation}
        return self.add(name, BatchNorm, feeds=feeds, **self._statistics, **given, **settings)

    def conv(
        self,
        name: str,
        feeds: str,
        filters: int,
        kernel: int | tuple[int, int],
        *,
        norm: str,
        activation: Any = None,
        **settings: Any,
    ) -> str:
        """A convolution without a bias, the batch normalisation called ``norm``, and the activation unless None."""
        return self.norm(norm, self.add(name, Conv2d, filters, feeds=feeds, kernel=kernel, bias=False, **settings), activation)

    def activate(self, name: str, feeds: str, activation: Any = "relu") -> str:
        """An activation by itself."""
        return self.add(name, ActivationLayer, activation, feeds=feeds)

    def join(self, name: str, *feeds: str, activation: Any = None) -> str:
        """The sum of several, called ``name``; with an activation, that is called so, and the sum ``name_sum``."""
        if activation is None:
            return self.add(name, Add, feeds=feeds)
        return self.activate(name, self.add(f"{name}_sum", Add, feeds=feeds), activation)

    def graph(self, *outputs: str, **defaults: Any) -> Graph:
        """The finished network, with the `Defaults` that are given."""
        common = {"defaults": Defaults(**defaults)} if defaults else {}
        return Graph(inputs=self.inputs, nodes=self.nodes, outputs=outputs, **common)
