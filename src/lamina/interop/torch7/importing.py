"""A file of Torch7 as what an import gives: network, weights, report."""

from __future__ import annotations

from typing import Any

from lamina.errors import DescriptionError, LaminaError
from lamina.interop.given import Given
from lamina.interop.imported import Imported, Options
from lamina.interop.notes import Notes
from lamina.interop.problems import unreadable
from lamina.interop.report import Report, Row, shown
from lamina.interop.torch7.builder import Builder
from lamina.interop.torch7.convert import Traced, convert
from lamina.interop.torch7.found import Found, find
from lamina.interop.torch7.loss import judged
from lamina.interop.torch7.module import Module
from lamina.interop.torch7.objects import Instance
from lamina.interop.torch7.reader import is_ascii, read_file
from lamina.interop.torch7.values import Refused, Value, flat
from lamina.network import Graph, Network, Sequential
from lamina.origin import Layout, Origin
from lamina.shapes import Features, Shape


def read(given: Given, options: Options) -> Imported:
    """Read a file.

    Raises:
        InteropError: IO002, IO003 or IO010.
    """
    path = given.path
    notes = Notes(str(path))
    found = find(read_file(path), str(path))
    module = Module(found.network, "")
    version = f"{'ASCII' if is_ascii(given.head[:4]) else 'binary'}, layout {found.network.version}"
    facts = {**({"the network": found.key} if found.key else {}), **found.facts}
    traced = convert(module, options, notes)
    if traced is None or notes.missing:
        rows = tuple(traced.builder.rows) if traced is not None else _rows(module)
        return Imported(_report(given, version, rows, notes, facts))
    return _imported(given, version, found, traced, options, notes, facts)


def _rows(module: Module) -> tuple[Row, ...]:
    """The modules, where no layers were made."""
    found: list[Row] = []
    stack = [module]
    while stack and len(found) < 2000:
        one = stack.pop()
        try:
            children = one.children() if one.path.count(".") < 50 else []
        except Refused:  # Which the report says among what has no counterpart.
            children = []
        if not children:
            found.append(Row(one.path, one.name, one.full))
        stack += reversed(children)
    return tuple(found)


def _report(given: Given, version: str, rows: tuple[Row, ...], notes: Notes, facts: dict[str, str]) -> Report:
    files = tuple(map(str, given.paths))
    missing, lost, assumed = tuple(notes.missing), tuple(notes.lost), tuple(notes.assumed)
    return Report("torch7", "Torch7", version, files, rows, missing, lost, assumed, facts)


def _imported(given: Given, version: str, found: Found, traced: Traced, options: Options, notes: Notes, facts: dict[str, str]) -> Imported:
    builder = traced.builder
    outputs = [_squeezed(found.network, value, builder) for value in flat(traced.outputs)]
    ends = _ends(traced, outputs, notes)
    targets = judged(builder.nodes, ends, found.criterion, notes) if len(ends) == 1 else {}
    network = _network(traced, ends)
    shapes: dict[str, Shape] = traced.shapes
    try:
        plan = network.resolve(shapes)
    except (DescriptionError, LaminaError) as error:
        problem = error.problems[0]
        raise unreadable(
            where=notes.where, expected=problem.expected, got=f"{problem.where}: {problem.got}", cause=problem.cause
        ) from error
    rows = tuple(_row(row, builder.nodes) for row in builder.rows)
    keep = options.layout == "lamina"
    inputs = {name: _layout(name, value, keep=keep, first=value.first) for name, value in traced.inputs.items()}
    names = ["output"] if len(ends) == 1 else [f"output{number}" for number in range(len(ends))]
    layers = {
        end: _layout(name, value, keep=keep, first=targets.get(end, 0), output=True)
        for end, name, value in zip(ends, names, outputs, strict=True)
    }
    if isinstance(network, Sequential):
        inputs = {"input": next(iter(inputs.values()))}
        shapes = {"input": next(iter(shapes.values()))}
    origin = Origin(format="torch7", system="Torch7", version=version, inputs=inputs, layers=layers)
    floats = {array.dtype.str[1:] for array in builder.arrays.values() if array.dtype.kind == "f"}
    dtype: Any = "float64" if floats == {"f8"} else "float32"
    return Imported(
        _report(given, version, rows, notes, facts),
        network if not traced.open_inputs else _open(traced, ends),
        {name: array.astype(dtype, copy=False) for name, array in builder.arrays.items()},
        plan.inputs if not isinstance(network, Sequential) else shapes,
        traced.open_inputs,
        origin,
        dtype=dtype,
    )


def _squeezed(network: Instance, value: Value, builder: Builder) -> Value:
    """An output without the axes of one place that the source doesn't have."""
    if value.mapped or value.order[0] != 0 or not 1 < len(value.order) <= len(value.shape.dims) or None in value.shape.dims:
        return value
    return builder.plain(Module(network, "output"), value)


def _row(row: Row, nodes: dict[str, Any]) -> Row:
    layer = nodes.get(row.name)
    return row if layer is None else Row(row.path, row.name, row.kind, (shown(layer),), row.parameters, row.note)


def _ends(traced: Traced, outputs: list[Value], notes: Notes) -> list[str]:
    """Names of the layers that give the outputs; what is given as it came, or twice, gets a layer of its own."""
    from lamina.network.layers import IdentityLayer

    nodes, found = traced.builder.nodes, []
    for place, value in enumerate(outputs):
        name = value.node
        if name in traced.inputs or name in found:
            name = f"output_{place}"
            nodes[name] = IdentityLayer(inputs=(value.node,))
        found.append(name)
        if value.mapped:
            notes.assume("outputs", "the table of steps is one array")
        elif len(value.order) <= len(value.shape.dims):
            notes.assume("outputs", f"{value.shape}, where the source has axes of one place less")
    return found


def _network(traced: Traced, ends: list[str]) -> Network:
    """Layers one after the other, if they are; otherwise a graph."""
    nodes = traced.builder.nodes
    if len(traced.inputs) == 1 and len(ends) == 1:
        before = next(iter(traced.inputs))
        chain = []
        for name, layer in nodes.items():
            if layer.inputs != (before,) or layer.type_name == "shared":
                break
            chain.append(layer.replace(name=name, inputs=()))
            before = name
        if len(chain) == len(nodes) and before == ends[0]:
            return Sequential(next(iter(traced.shapes.values())), chain)
    return Graph(inputs=dict(traced.shapes), nodes=_reached(nodes, ends), outputs=ends)


def _reached(nodes: dict[str, Any], ends: list[str]) -> dict[str, Any]:
    """Nodes on which an output depends."""
    stack, needed = list(ends), set(ends)
    while stack:
        layer: Any = nodes.get(stack.pop())
        owner = getattr(layer, "of", None)
        for name in (*(layer.inputs if layer is not None else ()), *((owner,) if owner else ())):
            if name not in needed:
                needed.add(name)
                stack.append(name)
    return {name: layer for name, layer in nodes.items() if name in needed}


def _open(traced: Traced, ends: list[str]) -> Network:
    """The network without the sizes of its inputs."""
    network = _network(traced, ends)
    return network.replace(input=None) if isinstance(network, Sequential) else network.replace(inputs=None)


def _layout(name: str, value: Value, *, keep: bool, first: int, output: bool = False) -> Layout:
    """How the axes lie in the source's array."""
    count = len(value.shape.dims) + 1
    flat_sizes = [value.shape.count] if isinstance(value.shape, Features) and not output else None
    if keep or value.plain or len(value.order) != count:
        return Layout(name, flat=flat_sizes, first=first)
    return Layout(name, order=[value.order.index(axis) for axis in range(count)], first=first)
