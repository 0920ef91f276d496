"""ONNX models as networks: layers where there are layers, nodes of operators where there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from lamina.errors import InteropError, LaminaError, nearest
from lamina.interop.imported import Imported, Options
from lamina.interop.notes import Notes
from lamina.interop.onnx.graph import Graph, Kind, Op, Source
from lamina.interop.onnx.parse import source
from lamina.interop.onnx.regions import Names, Region
from lamina.interop.report import Report, Row, shown
from lamina.network import Graph as Network
from lamina.network import layers as ls
from lamina.network.layers.layer import Layer
from lamina.network.operators import signature, signatures
from lamina.network.vertices.operators import Operators, Pick
from lamina.origin import Layout, Origin
from lamina.shapes import Array, Features, Image, Sequence, Shape, Volume

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from lamina.interop.given import Given

_REALS = ("float32", "float64", "float16", "bfloat16")


def read(given: Given, options: Options) -> Imported:
    """Read a model; see `lamina.interop.format.Format.read`."""
    where = str(given.path)
    notes = Notes(where)
    found = source(given.path, notes)
    check_operators(found.graph, notes)
    take_shapes(found.graph, options.inputs)
    real = real_kind(found.graph)
    if notes.missing:
        return finished(as_a_whole(found, real), found, real, notes, where)
    opened = open_images(found.graph)
    draft = lifted(found, real, notes, opened) or as_a_whole(found, real)
    return finished(draft, found, real, notes, where)


TRIED = 224
"""Height and width that stand for open ones while layers are looked for."""


def open_images(graph: Graph) -> dict[str, Kind]:
    """Inputs of images whose height or width the file leaves open, with a size that stands for it."""
    found = {}
    for name, kind in graph.inputs.items():
        dims = kind.dims or ()
        if len(dims) == 4 and isinstance(dims[1], int) and any(not isinstance(size, int) for size in dims[2:]):
            found[name] = Kind(kind.kind, (*dims[:2], *(size if isinstance(size, int) else TRIED for size in dims[2:])), kind.holds)
    return found


_SIZED = (ls.Flatten, ls.Reshape, Operators, Pick)
"""Layers that an image's size decides on."""


def take_shapes(graph: Graph, given: Mapping[str, Shape]) -> None:
    """Let inputs have the sizes that the user says, where the file leaves them open.

    Raises:
        InteropError: IO006, for a name that no input has.
    """
    for name, shape in given.items():
        own = next(iter(graph.inputs), "") if not name and len(graph.inputs) == 1 else name
        if own not in graph.inputs:
            raise InteropError(
                "IO006",
                where=f"input {name!r}",
                expected=f"one of {', '.join(graph.inputs)}",
                got=repr(name),
                cause="the model calls its inputs otherwise" if name else "it has several",
                fix="name each input as the model does",
            )
        kind = graph.inputs[own]
        first = kind.dims[0] if kind.dims else None
        graph.inputs[own] = Kind(kind.kind, (first, *shape.dims), kind.holds)


def lifted(found: Source, real: str, notes: Notes, opened: Mapping[str, Kind]) -> Draft | None:
    """The graph as layers; None if it has to stay a whole.

    Args:
        found: The source.
        real: The kind of numbers of the network's own type.
        notes: Collects remarks.
        opened: Images of open sizes, with sizes that stand for them.
    """
    from lamina.interop.onnx.lift import Lift, Unliftable

    own = Notes(notes.where)
    inputs = {**found.graph.inputs, **opened}
    graph = Graph(inputs, found.graph.outputs, [copied(op) for op in found.graph.ops], found.graph.constants, found.graph.kinds)
    lift = Lift(graph, real, own)
    draft = Draft()
    try:
        lift.run()
        Network(inputs=lift.inputs, nodes=lift.nodes, outputs=lift.outputs).resolve()
    except (Unliftable, LaminaError) as why:
        notes.assume("the graph", f"one node of operators; as layers it can't be had: {str(why).splitlines()[0][:200]}")
        return None
    if all(
        isinstance(node, Operators | Pick) or not any(key.startswith(f"{name}/") for key in lift.arrays)
        for name, node in lift.nodes.items()
    ):
        return None  # Nothing that learns: operators say it as well.
    draft.inputs, draft.nodes, draft.outputs, draft.arrays, draft.rows = lift.inputs, lift.nodes, lift.outputs, lift.arrays, lift.rows
    draft.layouts_in, draft.layouts_out = lift.layouts_in, lift.layouts_out
    if opened:
        if any(isinstance(node, _SIZED) for node in lift.nodes.values()) or len(opened) < len(inputs):
            notes.assume("the graph", "one node of operators, since layers would fix the size of images, which the file leaves open")
            return None
        draft.open = {own: int(str(inputs[layout.name].dims[1])) for own, layout in draft.layouts_in.items()}  # type: ignore[index]
    notes.assumed += own.assumed
    return draft


def copied(op: Op) -> Op:
    """An operator that can be changed."""
    return Op(op.kind, list(op.inputs), list(op.outputs), dict(op.attributes), op.bodies, op.domain, op.path)


class Draft:
    """What an import makes before it is checked.

    Attributes:
        inputs: Shapes by name here.
        nodes: Layers by name.
        outputs: Names of the nodes that give the outputs.
        arrays: Weights.
        rows: What became of what.
        names_in: The source's names of inputs, by those here.
        names_out: The same of nodes.
        open: Channels of image inputs whose sizes only the data know.
    """

    def __init__(self) -> None:
        self.inputs: dict[str, Shape] = {}
        self.nodes: dict[str, Layer] = {}
        self.outputs: list[str] = []
        self.arrays: dict[str, np.ndarray] = {}
        self.rows: list[Row] = []
        self.layouts_in: dict[str, Layout] = {}
        self.layouts_out: dict[str, Layout] = {}
        self.open: dict[str, int] = {}


def real_kind(graph: Graph) -> str:
    """The kind of numbers that the network's own type stands for: float32 where it comes in, else the first other one."""
    found = {kind.kind for kind in graph.inputs.values()} | {array.dtype.name for array in graph.constants.values()}
    return next((kind for kind in _REALS if kind in found), "float32")


def check_operators(graph: Graph, notes: Notes) -> None:
    """Note every operator, input and attribute that nothing here understands."""
    for op in graph.walk():
        known = signature(op.kind, op.domain)
        word = f"{op.domain}.{op.kind}" if op.domain else op.kind
        if known is None:
            near = nearest(op.kind, [one.name for one in signatures()])
            notes.miss(
                op.path,
                expected="an operator that Lamina runs" + (f"; did you mean {near}?" if near else ""),
                got=f"{word} of the domain {op.domain or 'ai.onnx'}",
                fix=f"write a function that runs it, and enter it: @lamina.engine.operators.operator({op.kind!r}, domain={op.domain!r})",
            )
            continue
        extra = sorted({*op.attributes, *op.bodies} - known.attributes)
        if extra:
            notes.miss(
                op.path,
                expected=f"attributes that are understood: {', '.join(sorted(known.attributes)) or 'none'}",
                got=", ".join(f"{name}={str(op.attributes.get(name))[:40]}" for name in extra),
                fix="export the model without it",
            )
        count = len(op.inputs)
        if count < known.least or (known.most is not None and count > known.most and any(op.inputs[known.most :])):
            notes.miss(
                op.path,
                expected=f"{known.least} to {known.most if known.most is not None else 'any number of'} inputs",
                got=str(count),
                cause="the file is damaged, or the operator is of a version that is not known here",
                fix="export the model again",
            )


def as_a_whole(found: Source, real: str) -> Draft:
    """The whole graph as one node of operators."""
    draft, graph = Draft(), found.graph
    region = Region(Names(), real, graph.constants, {name: kind.kind for name, kind in graph.kinds.items() if name in graph.constants})
    batch = has_batch(graph)
    for name, kind in graph.inputs.items():
        own = region.names(name)
        draft.inputs[own] = array_shape(kind, region, batch=batch)
        draft.layouts_in[own] = Layout(name)
    gives = {name: array_shape(kind, region, batch=batch) for name, kind in graph.outputs.items()}
    node, arrays = region.node(graph.ops, graph.inputs, gives, draft.inputs)
    name = free("operators", {*draft.inputs})
    draft.nodes[name] = node
    draft.arrays = {f"{name}/{key}": array for key, array in arrays.items()}
    draft.rows += [Row(op.path, ", ".join(op.outputs), op.kind, (f"{name}: operators",)) for op in graph.ops]
    if len(gives) == 1:
        draft.outputs, draft.layouts_out = [name], {name: Layout(next(iter(gives)))}
        return draft
    for number, there in enumerate(gives):
        own = free(region.names(there), {*draft.inputs, *draft.nodes})
        draft.nodes[own] = Pick(number, inputs=(name,))
        draft.outputs.append(own)
        draft.layouts_out[own] = Layout(there)
    return draft


def has_batch(graph: Graph) -> bool:
    """Whether the file leaves the first size of every input and output open: that is the number of samples."""
    kinds = [*graph.inputs.values(), *graph.outputs.values()]
    return bool(graph.inputs) and all(kind.dims and not isinstance(kind.dims[0], int) and kind.holds == "tensor" for kind in kinds)


def array_shape(kind: Kind, region: Region, *, batch: bool = False) -> Shape:
    """A type as a shape."""
    sizes = None if kind.dims is None else tuple(size if isinstance(size, int) else None for size in kind.dims[batch:])
    holds = {"sequence": "list", "optional": "optional"}.get(kind.holds, "array")
    word = region.word(kind.kind)
    made = {1: Features, 2: Sequence, 3: Image, 4: Volume}.get(len(sizes or ()))
    if batch and word == "float32" and made is not None and sizes is not None and all(sizes[made is Sequence :]):
        return made(*sizes)
    return Array(sizes, kind=word, batch=batch, holds=holds)


def free(name: str, taken: set[str]) -> str:
    """A name that nothing has."""
    while name in taken:
        name += "_"
    return name


def finished(draft: Draft, found: Source, real: str, notes: Notes, where: str) -> Imported:
    """The network of a draft, checked."""
    network, shapes, arrays = None, None, draft.arrays
    if not notes.missing:
        try:
            network = Network(inputs=None if draft.open else draft.inputs, nodes=draft.nodes, outputs=draft.outputs)
            network.resolve(draft.inputs)
            shapes = None if draft.open else draft.inputs
        except LaminaError as error:
            network = None
            for problem in error.problems:
                notes.miss(problem.where, expected=problem.expected, got=problem.got, cause=problem.cause, fix=problem.fix)
    origin = Origin(
        format="onnx", system="ONNX", version=str(found.versions.get("", "")), inputs=draft.layouts_in, layers=draft.layouts_out
    )
    rows = tuple(draft.rows)
    facts = {"Written by": found.producer or "a program that doesn't say its name"}
    facts["Operator sets"] = ", ".join(f"{domain or 'ai.onnx'} {version}" for domain, version in found.versions.items())
    facts["Operators"] = f"{len(found.graph.ops):,}"
    remarks = tuple(notes.missing), tuple(notes.lost), tuple(notes.assumed)
    report = Report("onnx", "ONNX", f"operator set {found.versions.get('', '?')}", (where,), rows, *remarks, facts)
    dtype: Literal["float32", "float64"] = "float64" if real == "float64" else "float32"
    if network is None:
        return Imported(report, origin=origin)
    own = {name: layer.kinds() for name, layer in draft.nodes.items()}
    wide = {name: array if name.partition("/")[2] in own[name.partition("/")[0]] else typed(array, dtype) for name, array in arrays.items()}
    return Imported(report, network, wide, shapes, draft.open, origin, dtype=dtype)


def typed(array: np.ndarray, dtype: str) -> np.ndarray:
    """Numbers of the network's own type; the same array where they are."""
    return array if array.dtype.name == dtype and array.dtype.isnative else array.astype(dtype)


__all__ = ["Draft", "read", "shown"]
