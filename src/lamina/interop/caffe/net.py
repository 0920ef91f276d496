"""The network that is being made: nodes, blobs and weights, while one layer after another is converted."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from lamina.errors import LaminaError
from lamina.interop.caffe.blob import Blob, shape_of
from lamina.interop.caffe.blobs import fitted
from lamina.interop.caffe.source import Entry
from lamina.interop.notes import Notes
from lamina.network.layers.layer import Layer
from lamina.network.layers.shared import Shared
from lamina.shapes import Shape

if TYPE_CHECKING:
    import numpy as np

Turn = Callable[["np.ndarray"], "np.ndarray"]


def same(array: np.ndarray) -> np.ndarray:
    """The same."""
    return array


class Unknown(Exception):  # noqa: N818 - it ends the conversion of one layer, and is always caught
    """A layer that has no counterpart, or nothing to stand on; what is missing is noted already."""


@dataclass(frozen=True)
class Kept:
    """A blob of weights and where it is here.

    Attributes:
        layer: The layer there.
        index: Which of its blobs.
        shape: Its shape there.
        name: ``node/parameter`` here.
        turn: From there to here.
        trained: Whether a solver has a history of it that counts here.
    """

    layer: str
    index: int
    shape: tuple[int, ...]
    name: str
    turn: Turn = same
    trained: bool = True


@dataclass(frozen=True)
class Decay:
    """How a solver draws weights to 0.

    Attributes:
        amount: ``weight_decay``.
        kind: ``L2`` or ``L1``.
    """

    amount: float = 0.0
    kind: str = "L2"


@dataclass
class Net:
    """A network in the making.

    Attributes:
        notes: What is found.
        given: Blobs of weights that the files hold, by layer.
        decay: Of the solver.
        where: The file of the weights, for messages.
        nodes: Layers here, by name.
        blobs: Blobs by name, as the last layer so far left them.
        kept: Weights, in Caffe's order.
        arrays: Their numbers, as far as files hold them.
        fresh: Weights that no file holds.
        inputs: Blobs that are given, by their names here.
        outputs: Nodes that nothing takes, and losses.
        names: What nodes are called there.
        shapes: What inputs and nodes give.
        shares: For each name of a weight, whose it is, and its shape there.
        made: Nodes of each layer, by its path.
        counts: Numbers that each layer keeps, by its path.
        used: Blobs that somebody takes.
        times: How often names were taken.
        batch_size: Samples that are read at once.
    """

    notes: Notes
    given: Mapping[str, list[np.ndarray]]
    decay: Decay = Decay()
    where: str = ""
    nodes: dict[str, Layer] = field(default_factory=dict)
    blobs: dict[str, Blob] = field(default_factory=dict)
    kept: list[Kept] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    inputs: dict[str, Blob] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)
    shares: dict[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    made: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    times: dict[str, int] = field(default_factory=dict)
    batch_size: int = 1

    # -- blobs ----------------------------------------------------------------------------------------------------------

    def take(self, layer: Entry, place: int = 0) -> Blob:
        """What a layer is given.

        Raises:
            Unknown: If it isn't there, or is a label.
        """
        if place >= len(layer.bottoms):
            self.refuse(layer, expected=f"{place + 1} bottoms", got=f"{len(layer.bottoms)}", fix="the file is damaged: get it again")
        found = self.blobs.get(layer.bottoms[place])
        if found is None:
            if layer.bottoms[place] in self.used:
                raise Unknown  # what feeds it has no counterpart, which is said already
            fix = "give the network as it is deployed, or the shape of its inputs: --input"
            self.refuse(layer, expected=f"a blob {layer.bottoms[place]!r} before it", got="none", fix=fix)
        if found.label:
            self.refuse(
                layer,
                expected="labels that go to losses as they are",
                got=f"{layer.type} on {found.name!r}",
                cause="targets are compared, and computed with nowhere else",
                fix="change the targets before they are given to the model",
            )
        self.used.add(found.name)
        return found

    def add(self, layer: Entry, made: Layer | Callable[[], Layer], *inputs: Blob | str, end: str = "") -> str:
        """Put a node into the network; the name of the main one is the layer's.

        Raises:
            Unknown: If the layer's own rules refuse the settings, or what it is given.
        """
        names = tuple(one.node if isinstance(one, Blob) else one for one in inputs)
        own = allowed(layer.name or layer.type) + (f"_{end}" if end else "")
        own = self.free(own)
        try:
            node = made if isinstance(made, Layer) else made()
            shape = self.infer(node, names)
        except LaminaError as error:
            problem = error.problems[0]
            self.notes.miss(layer.path, expected=problem.expected, got=problem.got, cause=problem.cause, fix=_own(layer.type))
            raise Unknown from error
        self.nodes[own] = node.replace(inputs=names)
        self.shapes[own] = shape
        self.names[own] = layer.name
        self.made.setdefault(layer.path, []).append(own)
        return own

    def free(self, name: str) -> str:
        """A name that no input and no node has."""
        found = name
        while found in self.shapes:
            self.times[name] = self.times.get(name, 1) + 1
            found = f"{name}_{self.times[name]}"
        return found

    def infer(self, node: Layer, names: tuple[str, ...]) -> Shape:
        """What a node gives."""
        given = tuple(self.shapes[name] for name in names)
        if isinstance(node, Shared):
            owner = self.nodes[node.of]
            return self.infer(owner.replace(inputs=names), names)
        if node.flattens and not isinstance(given[0], node.accepts):
            from lamina.network.layers.shaping import Flatten

            given = (Flatten().infer(given),)
        wanted = (node.accepts, node.further or node.accepts)
        if not all(isinstance(shape, wanted[place > 0]) for place, shape in enumerate(given)):
            raise node.refuse(
                "NN001",
                expected=f"an input of {', '.join(kind.__name__.lower() for kind in node.accepts)}",
                got=", ".join(map(str, given)),
                cause="Lamina's counterpart takes no such axes",
                fix="",
            )
        return node.infer(given)

    def give(self, layer: Entry, node: str, dims: tuple[int, ...], *, batch: int = 0, place: int = 0, shape: Shape | None = None) -> None:
        """A node gives a top.

        Raises:
            Unknown: If there is no shape for it.
        """
        if place >= len(layer.tops):
            return
        found = shape or shape_of(dims, batch)
        if found is None:
            self.refuse(layer, expected="1 to 5 axes", got=f"a blob of {list(dims)}", fix="reshape it before or after")
        own = self.shapes[node]
        if not found.agrees(own):
            self.refuse(layer, expected=f"{own}", got=f"{list(dims)} by Caffe's rules", fix="report it with the file")
        name = layer.tops[place]
        self.blobs[name] = Blob(name, node, tuple(dims), own, batch)
        self.used.discard(name)

    def refuse(self, layer: Entry, *, expected: str, got: Any, fix: str = "", cause: str = "") -> NoReturn:
        """Note that a layer has no counterpart, and end its conversion.

        Raises:
            Unknown: Always.
        """
        more = {"cause": cause} if cause else {}
        self.notes.miss(layer.path, expected=expected, got=got, fix=fix or _own(layer.type), **more)
        raise Unknown

    # -- weights --------------------------------------------------------------------------------------------------------

    def keep(
        self, layer: Entry, node: str, index: int, name: str, shape: tuple[int, ...], turn: Turn = same, *, trained: bool = True
    ) -> None:
        """A blob of a layer belongs to a node, under this name, once it is turned.

        Raises:
            InteropError: IO005, if it is of another shape.
        """
        full = f"{node}/{name}"
        self.kept.append(Kept(layer.name, index, shape, full, turn, trained))
        self.counts[layer.path] = self.counts.get(layer.path, 0) + _product(shape)
        blobs = self.given.get(layer.name)
        if blobs is None or index >= len(blobs):
            self.fresh.add(full)
            return
        self.arrays[full] = turn(fitted(blobs[index], shape, f"{self.where}, layer {layer.name!r}, blob {index}"))

    def training(self, layer: Entry, *, weight: int = 0, bias: int | None = 1) -> dict[str, Any]:
        """How weights and biases are trained: factors of the rate, decay.

        Args:
            layer: The layer.
            weight: Which blob are the weights.
            bias: Which are the biases; None if there are none.
        """
        one = layer.spec(weight)
        other = layer.spec(bias) if bias is not None else one
        found: dict[str, Any] = {}
        if one.rate == other.rate == 0:
            return {"frozen": True}
        if one.rate != 1:
            found["learning_rate_factor"] = one.rate
        if bias is not None and other.rate != one.rate:
            found["bias_learning_rate_factor"] = other.rate
        key = "l2" if self.decay.kind == "L2" else "l1"
        if self.decay.amount * one.decay:
            found[key] = self.decay.amount * one.decay
        if bias is not None and self.decay.amount * other.decay:
            found[f"{key}_bias"] = self.decay.amount * other.decay
        return found


def _product(shape: tuple[int, ...]) -> int:
    found = 1
    for size in shape:
        found *= size
    return found


def _own(kind: str) -> str:
    return f"register a converter: @lm.interop.converter('caffe', {kind!r}); docs/importing/caffe.md shows how"


def allowed(name: str) -> str:
    """A name as it is allowed here.

    Example:
        >>> allowed("fire2/squeeze1x1"), allowed("1conv")
        ('fire2_squeeze1x1', 'layer_1conv')
    """
    found = re.sub(r"[^A-Za-z0-9_\-]", "_", name) or "layer"
    return found if re.match(r"[A-Za-z_]", found) else f"layer_{found}"
