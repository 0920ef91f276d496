"""A network made ready: every node in order, with its shapes. Sequential networks and graphs both become a `Plan`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lamina.network.layers.layer import Layer, Parameter
from lamina.shapes import Shape
from lamina.spec import Path


@dataclass(frozen=True)
class Node:
    """One step of a plan.

    Attributes:
        name: Unique in the plan.
        path: Where the layer stands in the description, below the network: ``("layers", 2)``.
        layer: Its description with the network's defaults applied.
        inputs: Names of the plan inputs or earlier nodes that feed it.
        input_shapes: Shapes of those.
        output_shape: What it gives.
        implied: Whether nobody wrote it (a flatten between image and dense).
    """

    name: str
    path: Path
    layer: Layer
    inputs: tuple[str, ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    implied: bool = False

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """Trainable tensors of the node."""
        return self.layer.parameters(self.input_shapes)

    @property
    def buffers(self) -> Mapping[str, tuple[int, ...]]:
        """Untrained tensors of the node."""
        return self.layer.buffers(self.input_shapes)


@dataclass(frozen=True)
class Plan:
    """A network made ready to be built, counted or printed.

    Attributes:
        inputs: Shape of each input by name; a sequential network's is called ``input``.
        nodes: All nodes, each after those that feed it.
        outputs: Names of the nodes whose outputs the network gives; in a sequential network, the last.
    """

    inputs: Mapping[str, Shape]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]

    def node(self, name: str) -> Node:
        """The node called ``name``."""
        return next(node for node in self.nodes if node.name == name)

    @property
    def output_shapes(self) -> dict[str, Shape]:
        """Shape of each output by name."""
        return {name: self.node(name).output_shape for name in self.outputs}

    @property
    def chain(self) -> bool:
        """Whether each node is fed by exactly the one before it."""
        previous = next(iter(self.inputs)) if len(self.inputs) == 1 else None
        for node in self.nodes:
            if node.inputs != (previous,):
                return False
            previous = node.name
        return self.outputs == (previous,)

    @property
    def random(self) -> bool:
        """Whether any node draws random numbers in training."""
        return any(node.layer.random for node in self.nodes)
