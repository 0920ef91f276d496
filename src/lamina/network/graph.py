"""Networks with branches: several inputs and outputs, vertices where branches meet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import model_validator

from lamina.network.layers import Conv2d, Dense, GlobalAvgPool, Layer, Output
from lamina.network.layers.layer import Name
from lamina.network.network import Network, Step, plain_settings
from lamina.network.vertices import Add, Concat
from lamina.shapes import Features, Image, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Names


@register("graph")
class Graph(Network):
    """Layers and vertices by name, each saying in ``inputs`` what feeds it; written in any order.

    Attributes:
        inputs: Shape of one sample of each input, by name; None: the data says them.
        nodes: Layers and vertices by name.
        outputs: Names of the nodes whose outputs the network gives.

    Example:
        >>> from lamina.shapes import features
        >>> net = Graph(
        ...     inputs={"x": features(8)},
        ...     nodes={
        ...         "fc": Dense(8, activation="relu", inputs=["x"]),
        ...         "sum": Add(inputs=["x", "fc"]),
        ...         "out": Output(3, inputs=["sum"]),
        ...     },
        ...     outputs=["out"],
        ... )
        >>> [node.name for node in net.resolve().nodes]
        ['fc', 'sum', 'out']
    """

    positional: ClassVar[tuple[str, ...]] = ("inputs", "nodes", "outputs")

    inputs: dict[Name, Shape] | None = None
    nodes: dict[Name, Layer]
    outputs: Names

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.nodes or not self.outputs:
            raise wrong_value(
                expected="at least one node and one output",
                cause="nodes or outputs is empty",
                fix="name the node that gives the prediction in outputs",
            )
        for name, layer in self.nodes.items():
            if layer.name not in (None, name):
                raise wrong_value(
                    expected=f"no name, or {name!r}, in the node {name!r}",
                    cause=f"a node is called by its key, but this one also says name: {layer.name}",
                    fix=f"remove name: {layer.name}",
                )
        if len(set(self.outputs)) < len(self.outputs):
            raise wrong_value(expected="each output once", cause="a name stands twice in outputs", fix="remove the second one")
        return self

    def steps(self) -> tuple[Step, ...]:
        return tuple(Step(name, ("nodes", name), self.with_defaults(layer), layer.inputs) for name, layer in self.nodes.items())

    def declared_inputs(self) -> Mapping[str, Shape] | None:
        return self.inputs

    def output_names(self) -> tuple[str, ...]:
        return self.outputs

    def to_dict(self, *, full: bool = False) -> dict[str, Any]:
        data = super().to_dict(full=full)
        if full:
            data["nodes"] = {name: self.with_defaults(layer).to_dict(full=True) for name, layer in self.nodes.items()}
        return plain_settings(data, self.defaults, full=full)

    @classmethod
    def examples(cls) -> list[Graph]:
        return [
            cls(
                inputs={"image": Image(channels=3, height=8, width=8), "facts": Features(4)},
                nodes={
                    "conv1": Conv2d(8, kernel=3, padding="same", inputs=["image"]),
                    "conv2": Conv2d(8, kernel=3, padding="same", inputs=["conv1"]),
                    "sum": Add(inputs=["conv1", "conv2"]),
                    "pool": GlobalAvgPool(inputs=["sum"]),
                    "hidden": Dense(8, inputs=["facts"]),
                    "both": Concat(inputs=["pool", "hidden"]),
                    "kind": Output(3, inputs=["both"]),
                    "price": Output(1, loss="mse", inputs=["both"]),
                },
                outputs=["kind", "price"],
                defaults={"activation": "relu"},
            ),
        ]
