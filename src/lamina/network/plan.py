"""A network made ready: every node in order, with its shapes. Sequential networks and graphs both become a `Plan`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lamina.network.layers.layer import Borrowed, Layer, Parameter
from lamina.shapes import Array, Bundle, Shape
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
        shares: Name of the node whose weights it uses; such a node owns none.
    """

    name: str
    path: Path
    layer: Layer
    inputs: tuple[str, ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape
    implied: bool = False
    shares: str | None = None

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """Trainable tensors that the node owns."""
        return {} if self.shares else self.layer.parameters(self.input_shapes)

    @property
    def buffers(self) -> Mapping[str, tuple[int, ...]]:
        """Untrained tensors that the node owns."""
        return {} if self.shares else self.layer.buffers(self.input_shapes)

    @property
    def borrowed(self) -> Mapping[str, Borrowed]:
        """Tensors of other nodes that it uses."""
        return self.layer.borrowed(self.input_shapes)

    @property
    def has_steps(self) -> bool:
        """Whether any input is a sequence."""
        return any(shape.has_steps for shape in self.input_shapes)

    @property
    def can_step(self) -> bool:
        """Whether it can be run piece by piece: it remembers, it treats each step alone, or no steps reach it.

        Or it needs some of its inputs as a whole, which those then have to be.
        """
        return self.layer.memory or self.layer.stepwise or not self.has_steps or bool(self.layer.whole_inputs(len(self.inputs)))


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
    def whole(self) -> bool:
        """Whether arrays go in or come out that are not simply samples one after the other."""
        shapes = (*self.inputs.values(), *self.output_shapes.values())
        return any(isinstance(shape, Array | Bundle) for shape in shapes)

    @property
    def makes_masks(self) -> bool:
        """Whether any node finds out itself which steps are real."""
        return any(node.layer.makes_mask for node in self.nodes)

    @property
    def random(self) -> bool:
        """Whether any node draws random numbers in training."""
        return any(node.layer.random for node in self.nodes)
