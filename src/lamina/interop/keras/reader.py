"""Files of Keras into descriptions and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lamina.errors import DescriptionError, LaminaError
from lamina.interop.given import Given
from lamina.interop.imported import Imported, Options, check_arrays
from lamina.interop.keras.convert import Converted, Converting
from lamina.interop.keras.ending import with_losses
from lamina.interop.keras.files import Files, open_files
from lamina.interop.keras.net import Net, Value
from lamina.interop.keras.piece import Background
from lamina.interop.keras.source import SourceModel, generation, read_model
from lamina.interop.keras.training import learned
from lamina.interop.keras.weights import Weights, backend_by_names, weights_of
from lamina.interop.notes import Notes
from lamina.interop.problems import unreadable
from lamina.interop.report import Report, Row, shown
from lamina.network import Graph, Network, Sequential
from lamina.network.layers import IdentityLayer, Shared
from lamina.origin import Layout, Learning, Origin
from lamina.shapes import Features, Shape, Tokens

if TYPE_CHECKING:
    import numpy as np

SIDES = (64, 224, 32, 299, 512, 28, 128)
"""Sides of images that are tried where the file leaves them open."""


def read(given: Given, options: Options) -> Imported:
    """Read a model that Keras wrote.

    Raises:
        InteropError: If it is damaged, too large, or its weights are not those of its layers.
    """
    files = open_files(given)
    try:
        return _read(given, files, options)
    finally:
        if files.weights is not None:
            files.weights.close()


def _read(given: Given, files: Files, options: Options) -> Imported:
    model = read_model(files.description, files.where)
    made = generation(files.version, files.description)
    if files.weights is None:
        raise TypeError(files.where)
    notes = Notes(files.where)
    weights = weights_of(model, files.weights, files.root, tree=files.tree)
    back = Background(made, _backend(model, files, made, notes), str(given), _first(files.description))
    found = _converted(model, weights, back, options, notes, files.where)
    network, shapes = _assembled(model, found, notes)
    network, changes = with_losses(network, found, files.training, notes) if network is not None else (None, {})
    found.net.nodes |= changes
    learning, slots = learned(files, found, made, notes) if network is not None else (None, {})
    arrays = {} if notes.missing else {name: _typed(array) for name, array in found.net.arrays.items()}
    plan = None
    if network is not None and not notes.missing:
        plan = _resolved(network, shapes, notes, files.where)
        if plan is not None:
            check_arrays(plan, arrays, str(given))
    if notes.missing:
        network, arrays, slots = None, {}, {}
    origin = Origin(
        format="keras",
        system="Keras",
        version=_version(files),
        inputs=_inputs(found, options) if network is not None else {},
        layers=_layers(model, found, options) if network is not None else {},
        learning=learning if network is not None else None,
    )
    facts = _facts(files, back, learning, slots)
    remarks = tuple(notes.missing), tuple(notes.lost), tuple(notes.assumed)
    report = Report("keras", "Keras", _version(files), tuple(map(str, given.paths)), _rows(model, found), *remarks, facts)
    wide = any(array.dtype.itemsize == 8 for array in arrays.values())
    opened = {value.node: count for name, count in found.opened.items() if (value := found.inputs.get(name)) is not None}
    return Imported(
        report,
        network.replace(**_without_inputs(network)) if network is not None and opened else network,
        arrays,
        shapes if network is not None else None,
        opened if network is not None else {},
        origin,
        {name: _typed(array) for name, array in slots.items()},
        None,
        None,
        "float64" if wide else "float32",
    )


def _without_inputs(network: Network) -> dict[str, Any]:
    return {"input": None} if isinstance(network, Sequential) else {"inputs": None}


def _version(files: Files) -> str:
    return files.version or {"1": "1", "2": "2", "tf": "of TensorFlow 2", "3": "3"}[generation("", files.description)]


def _backend(model: SourceModel, files: Files, made: str, notes: Notes) -> str:
    if files.backend:
        return files.backend
    if made == "1" and files.weights is not None:
        found = backend_by_names(model, files.weights, files.root)
        if found and any("onvolution" in node.kind for node in model.all_nodes()):
            words = {"theano": "without ':0' at the end, as Theano's", "tensorflow": "with ':0' at the end, as TensorFlow's"}
            notes.assume("backend", f"{found}, since the names of the weights are {words[found]}; Theano turns windows around")
        return found or "theano"
    return "tensorflow"


def _first(description: Any) -> bool:
    """Whether channels come first where a layer doesn't say it: as the first layer that says it has it."""
    todo = [description]
    for _ in range(100_000):
        if not todo:
            break
        item = todo.pop(0)
        if isinstance(item, Mapping):
            said = item.get("data_format", item.get("dim_ordering"))
            if said in ("channels_first", "th", "channels_last", "tf"):
                return said in ("channels_first", "th")
            todo += list(item.values())
        elif isinstance(item, list):
            todo += item
    return False


def _converted(model: SourceModel, weights: dict[str, Weights], back: Background, options: Options, notes: Notes, where: str) -> Converted:
    """The layers; where sides of images are open, with the first ones that fit."""
    found: Converted | None = None
    for side in SIDES:
        trial = Notes(where)
        one = Converting(model, dict(weights), back, Net(trial), options)
        one.sides = side
        found = one.run()
        if not found.opened or not trial.missing:
            break
    if found is None:
        raise TypeError(where)
    notes.missing += trial.missing
    for path, what in ((remark.path, remark.what) for remark in trial.lost):
        notes.lose(path, what)
    for path, what in ((remark.path, remark.what) for remark in trial.assumed):
        notes.assume(path, what)
    if found.opened:
        notes.assume(f"input {', '.join(found.opened)}", f"images of any size fit; {side} x {side} if nothing else is said")
    return found


def _assembled(model: SourceModel, found: Converted, notes: Notes) -> tuple[Network | None, dict[str, Shape]]:
    """A chain if it is one, or else a graph."""
    shapes = {value.node: value.shape for value in found.inputs.values()}
    if notes.missing:
        return None, shapes
    nodes = found.net.nodes
    ends = []
    for name, value in found.outputs:
        node = value.node
        if node in shapes or node in ends:
            node = found.net.place(f"output {name!r}", name, IdentityLayer(), [value]).node
        ends.append(node)
    found.outputs = [(name, _at(value, node, found)) for (name, value), node in zip(found.outputs, ends, strict=True)]
    _promote(found, ends)
    used = _needed(nodes, ends)
    kept = {name: layer for name, layer in nodes.items() if name in used}
    for name in [name for name in nodes if name not in used]:
        del nodes[name]
    prefixes = tuple(f"{name}/" for name in kept)
    found.net.arrays = {name: array for name, array in found.net.arrays.items() if name.startswith(prefixes)}
    if not kept:
        notes.miss("$", expected="at least one layer", got="none", cause="the network only passes on what comes in", fix="add a layer")
        return None, shapes
    try:
        before = next(iter(shapes), "")
        chain = len(shapes) == 1 and len(ends) == 1 and before == "input"
        for name, layer in kept.items():
            chain = chain and layer.inputs == (before,) and not isinstance(layer, Shared)
            before = name
        if chain:
            layers = [layer.replace(name=name, inputs=()) for name, layer in kept.items()]
            return Sequential(next(iter(shapes.values())), layers), shapes
        return Graph(inputs=shapes, nodes=kept, outputs=ends), shapes
    except DescriptionError as error:
        problem = error.problems[0]
        raise unreadable(
            where=notes.where, expected=problem.expected, got=f"{problem.where}: {problem.got}", cause=problem.cause
        ) from error


def _at(value: Value, node: str, found: Converted) -> Value:
    return Value(node, found.net.shapes[node], value.order, value.masked)


def _promote(found: Converted, ends: Sequence[str]) -> None:
    """Where nobody reads the first use of a layer, the next one becomes its owner."""
    nodes = found.net.nodes
    used = _needed(nodes, ends, owners=False)
    for name in [name for name in nodes if name in used]:
        shared = nodes[name]
        if not isinstance(shared, Shared) or shared.of in used:
            continue
        old, first = shared.of, nodes[shared.of]
        usual = ("sequence" if getattr(first, "return_sequences", True) else "last") if hasattr(first, "carried") else None
        nodes[name] = shared.resolved(first)
        for other, layer in list(nodes.items()):
            if isinstance(layer, Shared) and layer.of == old and other != name:
                nodes[other] = layer.replace(of=name, **({} if usual is None or layer.output else {"output": usual}))
        for key in [key for key in found.net.arrays if key.startswith(f"{old}/")]:
            found.net.arrays[f"{name}/{key.removeprefix(f'{old}/')}"] = found.net.arrays.pop(key)
        used = _needed(nodes, ends, owners=False)


def _needed(nodes: Mapping[str, Any], ends: Sequence[str], *, owners: bool = True) -> set[str]:
    """Nodes that an output depends on, and the owners of what they share."""
    found: set[str] = set()
    todo = list(ends)
    while todo:
        name = todo.pop()
        if name in found or name not in nodes:
            continue
        found.add(name)
        layer = nodes[name]
        todo += layer.inputs
        if owners and isinstance(layer, Shared):
            todo.append(layer.of)
    return found


def _resolved(network: Network, shapes: Mapping[str, Shape], notes: Notes, where: str) -> Any:
    try:
        return network.resolve(shapes if not network.has_inputs else None)
    except DescriptionError as error:
        problem = error.problems[0]
        raise unreadable(where=where, expected=problem.expected, got=f"{problem.where}: {problem.got}", cause=problem.cause) from error
    except LaminaError as error:
        for problem in error.problems:
            notes.miss(problem.where, expected=problem.expected, got=problem.got, cause=problem.cause, fix=problem.fix)
        return None


def _layout(name: str, value: Value, options: Options) -> Layout:
    order = [0, *value.order]
    turned = options.layout != "lamina" and order != sorted(order)
    return Layout(name, order=order) if turned else Layout(name)


def _inputs(found: Converted, options: Options) -> dict[str, Layout]:
    made = {}
    for name, value in found.inputs.items():
        made[value.node] = _layout(name, value, options)
        if isinstance(value.shape, Tokens):
            made[value.node] = Layout(name, flat=[-1])
        elif isinstance(value.shape, Features):
            made[value.node] = Layout(name, flat=[value.shape.count])
    return made


def _layers(model: SourceModel, found: Converted, options: Options) -> dict[str, Layout]:
    """What each layer gives, and what each output is called."""
    made: dict[str, Layout] = {}
    for node in model.nodes.values():
        value = found.values.get(node.path)
        if value is not None and value.node in found.net.nodes:
            made[value.node] = _layout(node.name, value, options)
    names = [name for name, _ in found.outputs]
    for place, (name, value) in enumerate(found.outputs):
        number = names[:place].count(name)
        own = name if number == 0 else f"{name}_{number}"
        made[value.node] = _layout(own, value, options)
    return made


def _typed(array: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.ascontiguousarray(array, dtype=np.float64 if array.dtype == np.float64 else np.float32)


def _facts(files: Files, back: Background, learning: Learning | None, slots: Mapping[str, Any]) -> dict[str, str]:
    facts = {"Backend": back.backend}
    if learning is not None:
        facts["Trained by"] = f"{shown(learning.optimizer)}, {learning.updates:,} updates"
        facts["Its state"] = f"{len(slots):,} arrays" if slots else "not kept in the file, or none is needed"
    return facts


def _rows(model: SourceModel, found: Converted) -> tuple[Row, ...]:
    rows = []
    missed = {problem.where for problem in found.net.notes.missing}
    for node in model.all_nodes():
        if node.kind == "InputLayer" or node.model is not None:
            continue
        names = found.made.get(node.path, [])
        nodes = found.net.nodes
        becomes = tuple(f"{name}: {shown(nodes[name])}" for name in names if name in nodes)
        if not becomes and not any(node.path in where for where in missed) and found.values.get(node.path) is not None:
            becomes = ("nothing of its own",)
        count = sum(array.size for key, array in found.net.arrays.items() if key.partition("/")[0] in names)
        rows.append(Row(node.path, node.name, node.kind, becomes, int(count), ""))
    return tuple(rows)
