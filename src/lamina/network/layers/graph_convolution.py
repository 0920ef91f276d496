"""Layers on graphs: each node takes from its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from lamina.network.layers.layer import Layer, Parameter, ParametricLayer, elements, last_axis
from lamina.shapes import Sequence, Shape
from lamina.spec import register, wrong_value
from lamina.spec.fields import Count, NonNegative, Probability


def _pairs(value: Any) -> Any:
    """Edges as pairs of whole numbers, from any nesting of lists, tuples and arrays."""
    if value is None:
        return None
    rows = value.tolist() if hasattr(value, "tolist") else value
    try:
        found = tuple((int(a), int(b)) for a, b in rows)
    except (TypeError, ValueError):
        found = ((-1, -1),)
    if any(a < 0 or b < 0 for a, b in found):
        raise wrong_value(
            expected="edges as pairs of numbers of nodes, from 0",
            cause="each edge joins two nodes, which are counted from 0",
            fix="write edges: [[0, 1], [1, 2]]; an array of two columns does as well",
        )
    return found


Edges = Annotated[
    tuple[tuple[int, int], ...],
    BeforeValidator(_pairs),
    WithJsonSchema({"type": "array", "items": {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 2, "maxItems": 2}}),
]
RING = ((0, 1), (1, 2), (2, 3), (3, 0), (1, 3))


class GraphLayer(ParametricLayer):
    """What layers on graphs share. Nodes stand where steps do: ``[batch, nodes, n]`` to ``[batch, nodes, units]``.

    The graph comes with each sample, as a second input ``adjacency [batch, nodes, nodes]`` whose row i holds the weights with which
    node i takes from the others; or it is one graph for all samples, written as ``edges``. Nodes that are not real (masks, for
    graphs of different size in one batch) neither give nor take.

    Attributes:
        units: Length of a node's vector in the output.
        edges: Pairs of nodes, counted from 0, where one graph holds for all samples.
        directed: Whether in an edge ``[a, b]`` only b takes from a; otherwise each takes from the other.
        self_loops: Whether each node takes from itself too.
    """

    positional: ClassVar[tuple[str, ...]] = ("units",)
    accepts: ClassVar[tuple[type[Shape], ...]] = (Sequence,)
    input_count: ClassVar[tuple[int, int | None]] = (1, 2)
    own_settings: ClassVar[tuple[str, ...]] = ("activation",)

    units: Count
    edges: Edges | None = None
    directed: bool = False
    self_loops: bool = True

    @model_validator(mode="after")
    def _directed_edges(self) -> Self:
        if self.directed and self.edges is None:
            raise wrong_value(
                expected="directed together with edges",
                cause="an adjacency matrix has a number for each direction already",
                fix="remove directed, or write the graph as edges",
            )
        return self

    def check_graph(self, inputs: tuple[Shape, ...]) -> None:
        """See that there is a graph, and that it has as many nodes as the input.

        Raises:
            ShapeError: NN063.
        """
        nodes = inputs[0].dims[0]
        if (len(inputs) == 2) == (self.edges is not None):
            both = self.edges is not None
            raise self.refuse(
                "NN063",
                expected="the graph once: as edges, or as a second input",
                got="both" if both else "neither",
                cause="nodes take from their neighbours, so the layer must know who these are",
                fix="remove edges, or the second input" if both else "write edges: [[0, 1], ...], or inputs: [x, adjacency]",
            )
        if len(inputs) == 2:
            rows, columns = inputs[1].dims
            if any(size is not None and size != columns for size in (rows, nodes)):
                raise self.refuse(
                    "NN063",
                    expected=f"an adjacency matrix of {nodes or columns} rows and as many columns, a row for each node",
                    got=f"nodes {inputs[0]}, adjacency {inputs[1]}",
                    cause="row i of the matrix says from whom node i takes",
                    fix="give nodes and matrix the same number of steps, filled up to the largest graph and with masks",
                )
        if self.edges is not None and nodes is None:
            raise self.refuse(
                "NN009",
                expected="a known number of nodes, since edges name them",
                got=f"{inputs[0]}",
                cause="the edges are those of one graph, which has its number of nodes",
                fix="give the input its number of steps, one for each node; for graphs of different size, an adjacency as second input",
            )
        largest = max((max(edge) for edge in self.edges or ()), default=-1)
        if nodes is not None and largest >= nodes:
            raise self.refuse(
                "NN063",
                expected=f"edges between nodes from 0 to {nodes - 1}",
                got=f"node {largest}",
                cause="nodes are counted from 0, or the edges belong to another graph",
                fix=f"give {largest + 1} nodes, or correct the edges",
            )

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        self.check_graph(inputs)
        return Sequence(steps=inputs[0].dims[0], features=self.units)

    def arcs(self) -> tuple[tuple[int, int], ...]:
        """Each edge as ``(from, to)``, both ways unless directed, once each; without loops."""
        both = [(a, b) for a, b in self.edges or ()] + ([] if self.directed else [(b, a) for a, b in self.edges or ()])
        return tuple(sorted({(a, b) for a, b in both if a != b}))

    def gathering_flops(self, inputs: tuple[Shape, ...], features: int) -> int:
        """Operations of adding up neighbours of ``features`` numbers."""
        nodes = inputs[0].dims[0] or 1
        pairs = nodes * nodes if self.edges is None else len(self.arcs()) + nodes
        return 2 * pairs * features

    @classmethod
    def _examples(cls, **settings: Any) -> list[tuple[Layer, tuple[Shape, ...]]]:
        nodes, matrix = Sequence(steps=4, features=3), Sequence(steps=4, features=4)
        return [
            (cls(2, edges=RING), (nodes,)),
            (cls(3, edges=RING, directed=True, bias=False, self_loops=False), (Sequence(steps=4, features=2),)),
            (cls(2, activation="tanh", **settings), (nodes, matrix)),
        ]


@register("graph_conv")
class GraphConv(GraphLayer):
    """Graph convolution (Kipf and Welling 2017): ``y = activation(D^-1/2 (A + I) D^-1/2 x W^T + b)`` with degrees ``D``.

    A node's degree is the sum of its row of ``A + I``, which must not be negative. Parameters: ``weight [units, n]``, ``bias [units]``.

    Attributes:
        normalize: ``symmetric``, as above; ``mean``: ``D^-1 (A + I)``; ``none``.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(GraphConv(16, edges=[[0, 1], [1, 2]]).infer((sequence(3, 8),)))
        '[batch, 3, 16]'
    """

    normalize: Literal["symmetric", "mean", "none"] = "symmetric"

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = last_axis(inputs[0])
        return self.weight_and_bias((self.units, count), self.units, count, self.units)

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 2 * elements(inputs[0]) * self.units + self.gathering_flops(inputs, self.units)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        nodes = Sequence(steps=4, features=3)
        return [
            *cls._examples(normalize="none"),
            (cls(2, edges=RING, normalize="mean"), (nodes,)),
            (cls(2, edges=RING, normalize="none", self_loops=False), (nodes,)),
        ]


@register("sage_conv")
class SageConv(GraphLayer):
    """GraphSAGE with means (Hamilton et al. 2017): ``y = activation(W x_i + V mean of x_j over the neighbours j + b)``.

    The mean is weighted by the adjacency, whose rows must not be negative; a node without neighbours has a mean of 0. Parameters:
    ``weight [units, n]``, ``neighbour_weight [units, n]``, ``bias [units]``.

    Attributes:
        self_loops: Whether a node is among its own neighbours, too; not unless set.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(SageConv(16, edges=[[0, 1], [1, 2]]).infer((sequence(3, 8),)))
        '[batch, 3, 16]'
    """

    self_loops: bool = False

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count = last_axis(inputs[0])
        found = self.weight_and_bias((self.units, count), self.units, count, self.units)
        return {"weight": found.pop("weight"), "neighbour_weight": Parameter((self.units, count), "weight", count, self.units), **found}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        return 4 * elements(inputs[0]) * self.units + self.gathering_flops(inputs, self.units)

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        return cls._examples(self_loops=True)


@register("graph_attention")
class GraphAttention(GraphLayer):
    """Graph attention (Velickovic et al. 2018): neighbours count by what they are, not only by who they are.

    In each head, with ``h = W x``: ``e_ij = leaky_relu(t . h_i + s . h_j)``, weights ``softmax over the neighbours j of e_ij``, output
    the weighted sum of ``h_j``; then the heads side by side, or their mean; then ``b`` and the activation. Where the adjacency is not 0
    there is an edge. A node without neighbours gets 0. Memory is needed for each pair of nodes.

    Parameters: ``weight [heads units, n]``, ``source_weight`` (``s``) and ``target_weight`` (``t``) ``[heads, units]``, ``bias
    [heads units]``, or ``[units]`` for the mean.

    Attributes:
        heads: Parts that attend by themselves.
        units: Length of a node's vector in each head.
        merge: ``concat``: heads side by side, ``heads * units`` numbers; ``mean``.
        slope: Of the leaky ReLU below 0.
        attention_dropout: In training, probability of dropping the weight of a neighbour.

    Example:
        >>> from lamina.shapes import sequence
        >>> str(GraphAttention(8, heads=4, edges=[[0, 1], [1, 2]]).infer((sequence(3, 5),)))
        '[batch, 3, 32]'
    """

    positional: ClassVar[tuple[str, ...]] = ("units", "heads")

    heads: Count = 1
    merge: Literal["concat", "mean"] = "concat"
    slope: Annotated[NonNegative, Field(lt=1)] = 0.2
    attention_dropout: Probability = 0.0

    @property
    def random(self) -> bool:
        return super().random or self.attention_dropout > 0

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        self.check_graph(inputs)
        return Sequence(steps=inputs[0].dims[0], features=self.units * (self.heads if self.merge == "concat" else 1))

    def parameters(self, inputs: tuple[Shape, ...]) -> Mapping[str, Parameter]:
        count, wide = last_axis(inputs[0]), self.heads * self.units
        found = self.weight_and_bias((wide, count), wide if self.merge == "concat" else self.units, count, wide)
        ends = {f"{end}_weight": Parameter((self.heads, self.units), "weight", self.units, 1) for end in ("source", "target")}
        return {"weight": found.pop("weight"), **ends, **found}

    def flops(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        nodes = inputs[0].dims[0] or 1
        return 2 * self.heads * self.units * (elements(inputs[0]) + 2 * nodes + nodes * nodes) + 5 * self.heads * nodes * nodes

    def activation_size(self, inputs: tuple[Shape, ...], output: Shape) -> int:
        nodes = inputs[0].dims[0] or 1
        return elements(output) + nodes * self.heads * self.units + 3 * self.heads * nodes * nodes

    @classmethod
    def examples(cls) -> list[tuple[Layer, tuple[Shape, ...]]]:
        nodes = Sequence(steps=4, features=3)
        return [*cls._examples(heads=2, merge="mean", attention_dropout=0.2), (cls(2, heads=3, edges=RING, slope=0.1), (nodes,))]
