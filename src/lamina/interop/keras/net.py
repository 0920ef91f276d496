"""The network as it grows: layers with their shapes, and for each axis here which axis it was there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from lamina.errors import LaminaError
from lamina.interop.notes import Notes
from lamina.network.layers import Permute, Reshape
from lamina.network.layers.layer import Layer
from lamina.network.layers.shared import Shared
from lamina.shapes import Features, Image, Series, Shape, Tokens, Volume, each_step
from lamina.shapes import Sequence as Steps

if TYPE_CHECKING:
    import numpy as np

Order = tuple[int, ...]
KINDS: dict[int, type[Shape]] = {1: Features, 2: Steps, 3: Image, 4: Volume}
"""Kind of shape by its axes behind the batch."""
MOST_NODES = 50_000


class RefusedError(Exception):
    """A layer that can't be made; what is wrong with it is among the notes."""


@dataclass(frozen=True)
class Value:
    """What flows between layers.

    Attributes:
        node: The node, or input, that gives it.
        shape: Its shape here.
        order: For each axis here, which axis it is there; the batch is 0 on both sides and left out.
        masked: Whether some of its steps may not be real.
    """

    node: str
    shape: Shape
    order: Order
    masked: bool = False

    @property
    def dims(self) -> tuple[int | None, ...]:
        """Sizes behind the batch, in the order of the source."""
        found: dict[int, int | None] = dict(zip(self.order, self.shape.dims, strict=True))
        return tuple(found[axis] for axis in sorted(found))

    @property
    def rank(self) -> int:
        """Axes behind the batch."""
        return len(self.order)


def identity(rank: int) -> Order:
    """The same axes on both sides."""
    return tuple(range(1, rank + 1))


def with_features(rank: int, axis: int) -> Order:
    """The order in which an axis of the source is that of the features here: the last of sequences, the first of images and volumes.

    Example:
        >>> with_features(3, 3), with_features(2, 1), with_features(1, 1)
        ((3, 1, 2), (2, 1), (1,))
    """
    others = tuple(number for number in range(1, rank + 1) if number != axis)
    return (*others, axis) if rank <= 2 else (axis, *others)


def channels(rank: int, *, first: bool) -> Order:
    """The order of data whose channels come first, or last, in the source."""
    return with_features(rank, 1 if first else rank)


def allowed(name: str) -> str:
    """A name as it is allowed here.

    Example:
        >>> allowed("block1/conv"), allowed("0")
        ('block1_conv', 'layer_0')
    """
    found = re.sub(r"[^A-Za-z0-9_\-]", "_", name) or "layer"
    return found if re.match(r"[A-Za-z_]", found) else f"layer_{found}"


@dataclass
class Net:
    """Layers that are put together.

    Attributes:
        notes: For what can't be made.
        prefix: Of the names of parameters.
    """

    notes: Notes
    prefix: str = ""
    nodes: dict[str, Layer] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    owners: dict[tuple[str, str], str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def name(self, wanted: str) -> str:
        """A name that is free."""
        found = allowed(wanted)
        base, number = found, 2
        while found in self.taken:
            found = f"{base}_{number}" if number > 2 or not base.endswith("_") else f"{base}{number}"
            number += 1
        self.taken.add(found)
        return found

    def enter(self, name: str, shape: Shape, order: Order) -> Value:
        """An input."""
        own = self.name(name)
        self.shapes[own] = shape
        return Value(own, shape, order)

    def place(
        self,
        path: str,
        name: str,
        layer: Layer,
        inputs: Sequence[Value],
        *,
        order: Order | None = None,
        arrays: Mapping[str, Any] | None = None,
        masked: bool | None = None,
        slot: str = "",
    ) -> Value:
        """A layer behind others.

        Args:
            path: Where the source has it, for messages; a layer with weights at a path stands there once, and is shared further on.
            name: What it shall be called.
            layer: What it is.
            inputs: What feeds it.
            order: Of the axes of what it gives; those of its first input unless given.
            arrays: Its parameters.
            masked: Whether what it gives has a mask; as its inputs unless given.
            slot: Tells several layers with weights of one path apart.

        Raises:
            RefusedError: If it doesn't take these inputs.
        """
        if len(self.nodes) > MOST_NODES:
            self.notes.miss(path, expected=f"at most {MOST_NODES:,} layers", got="more", fix="get the model from someone you trust")
            raise RefusedError
        shape = self._infer(path, layer, tuple(value.shape for value in inputs))
        fed = tuple(value.node for value in inputs)
        key = (path, slot)
        own = self.name(name)
        if arrays is not None and key in self.owners:
            self.nodes[own] = Shared(self.owners[key], inputs=fed)
        else:
            self.nodes[own] = layer.replace(inputs=fed)
            if arrays is not None:
                self.owners[key] = own
                self.arrays |= {f"{self.prefix}{own}/{part}": array for part, array in arrays.items()}
        self.shapes[own] = shape
        found = order if order is not None else inputs[0].order
        if len(found) != len(shape.dims):
            found = identity(len(shape.dims))
        has = any(value.masked for value in inputs) if masked is None else masked
        return Value(own, shape, found, has and shape.has_steps)

    def _infer(self, path: str, layer: Layer, shapes: tuple[Shape, ...]) -> Shape:
        try:
            accepts = layer.accepts
            first = layer.further or accepts
            for place, shape in enumerate(shapes):
                if not isinstance(shape, accepts if place == 0 else (*first, *accepts)):
                    raise layer.refuse(
                        "NN001",
                        expected=" or ".join(kind.__name__.lower() for kind in accepts),
                        got=str(shape),
                        cause="there is no such layer for data of this kind",
                        fix="bring the data into another shape before",
                    )
            return layer.infer(shapes)
        except LaminaError as error:
            problem = error.problems[0]
            self.notes.miss(path, expected=problem.expected, got=problem.got, cause=problem.cause, fix=problem.fix)
            raise RefusedError from error

    def arranged(self, value: Value, path: str, *, kind: type[Shape] | None = None, order: Order | None = None) -> Value:
        """The same numbers as data of another kind, or with their axes in another order.

        Raises:
            RefusedError: If that can't be, for tokens, or steps of unknown number.
        """
        order = value.order if order is None else order
        kind = type(value.shape) if kind is None else kind
        if isinstance(value.shape, Tokens) and kind is not Tokens:
            fix = "register a converter for this layer"
            self.notes.miss(path, expected="numbers", got="tokens, which only an embedding takes", fix=fix)
            raise RefusedError
        if isinstance(value.shape, kind) and value.order == order:
            return value
        plain = KINDS.get(value.rank)
        if plain is None:
            fix = "there is no shape of so many axes; rewrite this part"
            self.notes.miss(path, expected="at most 4 axes behind the batch", got=f"{value.rank}", fix=fix)
            raise RefusedError
        base = value.node
        if isinstance(value.shape, Series):
            value = self._viewed(value, path, plain, base)
        if value.order != order:
            turn = [value.order.index(axis) + 1 for axis in order]
            value = self.place(path, f"{base}_permuted", Permute(turn), [value], order=order, masked=False)
        return value if kind is plain else self._viewed(value, path, kind, base)

    def _viewed(self, value: Value, path: str, kind: type[Shape], base: str) -> Value:
        dims = value.shape.dims
        if None in dims:
            fix = "give the input its sizes: --input NAME=..."
            self.notes.miss(path, expected="a known number of steps", got=str(value.shape), fix=fix)
            raise RefusedError
        if kind is Series:
            item = KINDS[len(dims) - 1]
            shape: Shape = Series(steps=dims[0], item=item(**dict(zip(item.axes, dims[1:], strict=True))))
        else:
            shape = kind(**dict(zip(kind.axes, dims, strict=True)))
        return self.place(path, f"{base}_as_{kind.__name__.lower()}", Reshape(shape), [value], order=value.order, masked=value.masked)

    def plain(self, value: Value, path: str, order: Order | None = None) -> Value:
        """The same numbers as features, a sequence, an image or a volume."""
        return self.arranged(value, path, kind=KINDS.get(value.rank), order=order)


def item_of(value: Value) -> tuple[Shape, Order]:
    """Shape and order of one step."""
    return each_step(value.shape), tuple(axis - 1 for axis in value.order if axis != 1)


def renamed(value: Value, node: str) -> Value:
    """The same, given by another node."""
    return replace(value, node=node)
