"""A graph of ONNX as it is worked on: operators, constants and types by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np

Dim: TypeAlias = "int | str | None"
"""A size: known, the name that the file gives it, or unknown."""


@dataclass(frozen=True)
class Kind:
    """The type of a value.

    Attributes:
        kind: What its numbers are; of sequences and optional values, those of what they hold.
        dims: Sizes of its axes; None if not even their number is known.
        holds: ``tensor``, ``sequence``, ``optional`` or ``map``.
    """

    kind: str = "float32"
    dims: tuple[Dim, ...] | None = None
    holds: str = "tensor"


@dataclass
class Op:
    """One operator.

    Attributes:
        kind: Its name.
        inputs: Values that it reads; empty where one is left out.
        outputs: Values that it gives; empty where nobody asks.
        attributes: By name: numbers, words, lists, arrays.
        bodies: Graphs by the attribute's name.
        domain: Set of operators; empty for ONNX's own.
        path: Where it stands in the file.
    """

    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)
    bodies: dict[str, Graph] = field(default_factory=dict)
    domain: str = ""
    path: str = ""

    def read(self) -> set[str]:
        """Every value that it, or a graph within, reads from around."""
        found = {name for name in self.inputs if name}
        for body in self.bodies.values():
            found |= body.read()
        return found


@dataclass
class Graph:
    """A graph.

    Attributes:
        inputs: Types by name, in order.
        outputs: Types by name, in order.
        ops: In an order in which they can be run.
        constants: Arrays by name.
        kinds: Types of other values that the file says.
    """

    inputs: dict[str, Kind]
    outputs: dict[str, Kind]
    ops: list[Op]
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    kinds: dict[str, Kind] = field(default_factory=dict)

    def read(self) -> set[str]:
        """Values that it reads from around."""
        found: set[str] = set(self.outputs)
        made: set[str] = {*self.inputs, *self.constants}
        for op in self.ops:
            found |= op.read()
            made |= set(op.outputs)
        return found - made

    def walk(self) -> Iterator[Op]:
        """Every operator, those of graphs within among them."""
        for op in self.ops:
            yield op
            for body in op.bodies.values():
                yield from body.walk()


@dataclass(frozen=True)
class Source:
    """What a file holds.

    Attributes:
        graph: The graph, its operators those of the newest set.
        versions: Operator sets by domain.
        producer: Which program wrote it.
        metadata: What else it says of itself.
    """

    graph: Graph
    versions: Mapping[str, int]
    producer: str
    metadata: Mapping[str, str]
