"""A network as a list of operations: the small language that exporters write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    from lamina.errors import Problem
    from lamina.shapes import Shape

Kind = Literal["float", "int", "bool"]


@dataclass(eq=False)
class Value:
    """A tensor that is computed, or an input.

    Attributes:
        name: Unique in the draft.
        rank: Axes, the batch among them; 0 for a number.
        kind: ``float`` is the type of the weights, ``int`` 64 bits.
        layer: Name of the layer that computes it; empty for inputs.
    """

    name: str
    rank: int
    kind: Kind = "float"
    layer: str = ""


@dataclass(frozen=True)
class Weight:
    """A parameter or buffer of the network, or a constant.

    Attributes:
        key: ``layer/name``, as in the draft's arrays.
        shape: Its sizes.
        trained: Whether training changes it by its gradient.
    """

    key: str
    shape: tuple[int, ...]
    trained: bool = True

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)


Operand: TypeAlias = "Value | Weight | float | int | bool"
"""What an operation is given: numbers stand for constants of the type of what stands beside them."""


@dataclass(eq=False)
class Operation:
    """One step of the computation.

    Attributes:
        kind: Its word in the language; see `lamina.interop.emission.language`.
        inputs: What it is given, None for what is left out.
        weights: Parameters by their role.
        settings: What else it needs, plain data.
        outputs: What it gives.
        layer: Name of the layer it belongs to.
        part: Name of it in the layer, where the layer has several of a kind: ``attention.query``; empty if it is the layer.
    """

    kind: str
    inputs: tuple[Operand | None, ...]
    weights: Mapping[str, Weight]
    settings: Mapping[str, Any]
    outputs: tuple[Value, ...]
    layer: str
    part: str = ""


@dataclass
class Draft:
    """A network as operations.

    Attributes:
        shapes: Shape of each input by name.
        inputs: Inputs by name.
        masks: Masks of inputs by the input's name: inputs too.
        operations: In order.
        outputs: Predictions by name.
        arrays: Parameters, buffers and constants by key.
        problems: What has no counterpart (IO004).
        kinds: Type of each layer by name, for those who read the file.
    """

    shapes: Mapping[str, Shape]
    inputs: dict[str, Value] = field(default_factory=dict)
    masks: dict[str, Value] = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    outputs: dict[str, Value] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def unique(self, wanted: str) -> str:
        """A name that nothing has yet, and that is taken now."""
        name, number = wanted, 2
        while name in self.names:
            name, number = f"{wanted}_{number}", number + 1
        self.names.add(name)
        return name
