"""Layers put together to a network, with the shapes of its inputs and the layout of the source."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lamina.errors import DescriptionError, LaminaError
from lamina.interop.dl4j.convert import _allowed
from lamina.interop.dl4j.dialect import component, whole
from lamina.interop.dl4j.inputs import Open, roundest, sides, wanted
from lamina.interop.dl4j.made import Made
from lamina.interop.dl4j.source import Configuration
from lamina.interop.imported import Options
from lamina.interop.notes import Notes
from lamina.interop.problems import unreadable
from lamina.network import Graph, Network, Sequential
from lamina.network.layers.layer import Layer, last_axis
from lamina.network.layers.nested import TimeDistributed
from lamina.network.layers.output import OutputMixin
from lamina.network.layers.shared import Shared
from lamina.network.plan import Plan
from lamina.origin import Layout
from lamina.shapes import Features, Image, Shape, Tokens, Volume
from lamina.shapes import Sequence as Steps


@dataclass
class Assembled:
    """A network with what is known of its inputs.

    Attributes:
        network: The description; None if it can't be made.
        shapes: Shapes of the inputs, or of some that fit; None if there are none.
        open_inputs: Channels of inputs whose sizes only the data know.
        plan: The network with these shapes.
    """

    network: Network | None = None
    shapes: dict[str, Shape] | None = None
    open_inputs: dict[str, int] = field(default_factory=dict)
    plan: Plan | None = None


def assemble(source: Configuration, made: Mapping[str, Made], options: Options, notes: Notes) -> Assembled:
    """Put the layers together."""
    if notes.missing:
        return Assembled()
    try:
        return _assembled(source, made, options, notes)
    except DescriptionError as error:
        problem = error.problems[0]
        raise unreadable(
            where=notes.where, expected=problem.expected, got=f"{problem.where}: {problem.got}", cause=problem.cause
        ) from error


def _assembled(source: Configuration, made: Mapping[str, Made], options: Options, notes: Notes) -> Assembled:
    found = _shapes(source, made, options, notes)
    if notes.missing:
        return Assembled()
    known: dict[str, Shape] = {name: shape for name, shape in found.items() if not isinstance(shape, Open)}
    unknown = {name: shape for name, shape in found.items() if isinstance(shape, Open)}
    network = _network(source, made, None if unknown else known)
    if not unknown:
        return _resolved(Assembled(network, known), source, made, notes)
    return _opened(Assembled(network), source, made, known, unknown, notes)


def _shapes(source: Configuration, made: Mapping[str, Made], options: Options, notes: Notes) -> dict[str, Shape | Open]:
    found: dict[str, Shape | Open] = {}
    for name in source.inputs:
        here = name if not source.graph else _allowed(name)
        given = options.inputs.get(name, options.inputs.get("" if len(source.inputs) == 1 else name))
        shape = given or wanted(name, made)
        if shape is None:
            notes.miss(
                f"input {name!r}",
                expected="a layer behind it that says what it takes",
                got="none that does",
                cause="the file does not keep the shapes of inputs",
                fix=f"say it: --input {name}:features=4, or inputs={{{name!r}: lm.features(4)}}",
            )
        else:
            found[here] = shape
    return found


def _network(source: Configuration, made: Mapping[str, Made], shapes: Mapping[str, Shape] | None) -> Network:
    if not source.graph:
        return Sequential(next(iter(shapes.values())) if shapes else None, chain(made.values()))
    gives: dict[str, tuple[str, ...]] = {name: (_allowed(name),) for name in source.inputs}
    nodes: dict[str, Layer] = {}
    apart: set[str] = set()
    for one in made.values():
        _enter(one, gives, nodes, apart)
    outputs = [name for output in source.outputs for name in gives[output]]
    return Graph(inputs=dict(shapes) if shapes else None, nodes=nodes, outputs=outputs)


def chain(made: Iterable[Made]) -> list[Layer]:
    """Layers one after the other; those that see each step as an image go into one that treats each step by itself."""
    found: list[Layer] = []
    inner: list[Layer] | None = None
    group = ""
    for one in made:
        named = [layer.replace(name=name) for name, layer in zip(one.names, one.layers, strict=True)]
        count = len(one.before.layers)
        if one.before.begins:
            inner, group = [], f"{one.names[-1]}_steps"
        if inner is None:
            found += named
        elif one.before.ends:
            found += [TimeDistributed([*inner, *named[:count]], name=group), *named[count:]]
            inner = None
        else:
            one.within = group
            inner += named
    return found if inner is None else [*found, TimeDistributed(inner, name=group)]


def _stepped(one: Made, apart: set[str], fed: Sequence[tuple[str, ...]]) -> list[tuple[str, Layer]]:
    """The layers of a vertex by name; those that see each step as an image stand in one that treats each step by itself."""
    named = list(zip(one.names, one.layers, strict=True))
    if not named or not (one.before.begins or any(name in apart for names in fed for name in names)):
        return named
    count = len(one.before.layers) if one.before.ends else len(named)
    group = named[count - 1][0]
    inner = [layer.replace(name=name) for name, layer in named[:count]]
    if not one.before.ends:
        one.within = group
        apart.add(group)
    return [(group, TimeDistributed(inner)), *named[count:]]


def _enter(one: Made, gives: dict[str, tuple[str, ...]], nodes: dict[str, Layer], apart: set[str]) -> None:
    """Put a vertex into the graph.

    What a stack vertex puts one after another along the batch stays apart here: each layer behind it stands once for each of them, with
    the same weights, until an unstack vertex takes one.
    """
    fed = [gives[name] for name in one.inputs]
    if one.kind == "stack":
        gives[one.name] = tuple(name for names in fed for name in names)
        return
    if one.kind == "unstack":
        found = component(one.vertex.value, one.vertex.path)
        place = whole(found.settings.get("from")) if found is not None else 0
        gives[one.name] = fed[0][place : place + 1] if place < len(fed[0]) else fed[0][-1:]
        return
    times = max(map(len, fed), default=1)
    ends = []
    for copy in range(times):
        before = tuple(names[copy % len(names)] for names in fed)
        for name, layer in _stepped(one, apart, fed):
            own = name if copy == 0 else f"{name}_{copy + 1}"
            nodes[own] = layer.replace(inputs=before) if copy == 0 else Shared(name, inputs=before)
            before = (own,)
        ends.append(before[0])
    gives[one.name] = tuple(ends)


def _opened(
    found: Assembled, source: Configuration, made: Mapping[str, Made], known: dict[str, Shape], unknown: Mapping[str, Open], notes: Notes
) -> Assembled:
    """Find sizes of images that fit the weights behind them; if only one does, it is taken."""
    needs = {one.main: one.count for one in made.values() if one.kind in ("dense", "output", "autoencoder") and one.count}

    def attempt(side: int) -> tuple[dict[str, Shape], Plan | None]:
        shapes = {**known, **{name: shape.square(side) for name, shape in unknown.items()}}
        try:
            return shapes, _network(source, made, shapes).resolve()
        except LaminaError:
            return shapes, None

    def fits(side: int) -> int:
        _, plan = attempt(side)
        if plan is None:
            return -1
        nodes = {node.name: node for node in plan.nodes}
        sizes = [(nodes[name].input_shapes[0].size or 0) - count for name, count in needs.items() if name in nodes]
        return next((size for size in sizes if size), 0)

    matching = sides(fits) if needs else []
    where = f"input {', '.join(unknown)}"
    if not matching:
        found.open_inputs = {name: shape.channels for name, shape in unknown.items()}
        notes.assume(where, "the size of the images is known only from the data")
        return found
    side = roundest(matching)
    found.shapes, _ = attempt(side)
    if len(matching) > 1 or len(matching) == 64:
        found.open_inputs = {name: shape.channels for name, shape in unknown.items()}
        notes.assume(where, f"images of {matching[0]} to {matching[-1]} pixels a side fit the weights; {side} if nothing else is said")
    else:
        notes.assume(where, f"{side} x {side}, the only square images that fit the weights")
        found.network = _network(source, made, found.shapes)
    return _resolved(found, source, made, notes)


def _resolved(found: Assembled, source: Configuration, made: Mapping[str, Made], notes: Notes) -> Assembled:
    if found.network is None or found.shapes is None:
        return found
    try:
        found.plan = _network(source, made, found.shapes).resolve()
    except LaminaError as error:
        for problem in error.problems:
            notes.miss(problem.where, expected=problem.expected, got=problem.got, cause=problem.cause, fix=problem.fix)
        return Assembled()
    summed = {one.main: one for one in made.values() if one.piece is not None and one.piece.summed}
    if summed:
        found.network = _weighed(found.network, found.plan, summed)
        found.plan = found.network.resolve(found.shapes)
    return found


def _weighed(network: Network, plan: Plan, summed: Mapping[str, Made]) -> Network:
    """Losses that are sums over the outputs there, and means here, times the number of outputs."""

    def weigh(name: str, layer: Layer) -> Layer:
        if name not in summed or not isinstance(layer, OutputMixin):
            return layer
        return layer.replace(loss_weight=float(last_axis(plan.node(name).output_shape)))

    if isinstance(network, Sequential):
        return network.replace(layers=[weigh(str(layer.name), layer) for layer in network.layers])
    if isinstance(network, Graph):
        return network.replace(nodes={name: weigh(name, layer) for name, layer in network.nodes.items()})
    return network


def layouts(
    source: Configuration, made: Mapping[str, Made], found: Assembled, options: Options
) -> tuple[dict[str, Layout], dict[str, Layout]]:
    """The inputs and the layers as the source has them."""
    last = any(one.last_axis for one in made.values())
    keep = options.layout == "lamina"

    def layout(name: str, shape: Shape | None) -> Layout:
        if isinstance(shape, Tokens):
            return Layout(name, flat=[-1])
        if isinstance(shape, Features):
            return Layout(name, flat=[shape.count])  # Images in rows may be given as images.
        if keep or shape is None:
            return Layout(name)
        if isinstance(shape, Steps):
            return Layout(name) if last else Layout(name, order=[0, 2, 1])
        if isinstance(shape, Image | Volume) and last:
            return Layout(name, order=[0, len(shape.dims), *range(1, len(shape.dims))])
        return Layout(name)

    shapes = found.shapes or {}
    plan = found.plan
    inputs = {}
    for name in source.inputs:
        here = name if not source.graph else _allowed(name)
        inputs[here] = layout(name, shapes.get(here))
    gives: dict[str, Layout] = {}
    known = {} if plan is None else {entry.name: entry.output_shape for entry in plan.nodes}
    for one in made.values():
        if one.names:
            node = one.names[-1]
            gives[node] = layout(one.name, known.get(node))
    return inputs, gives


def with_rates(made: Sequence[Made], rates: Mapping[str, float], notes: Notes) -> None:
    """Give layers whose learning rate differs from the first one's a factor."""
    first = next((rate for rate in rates.values() if rate > 0), None)
    if first is None:
        return
    for one in made:
        rate = rates.get(one.name)
        if rate is None or rate == first or one.piece is None or not one.piece.parts:
            continue
        layer: Any = one.piece.layers[one.piece.main]
        inner = getattr(layer, "layer", None)
        if isinstance(inner, Layer) and "learning_rate_factor" in type(inner).model_fields:
            changed = layer.replace(layer=inner.replace(learning_rate_factor=rate / first))
        elif "learning_rate_factor" in type(layer).model_fields:
            changed = layer.replace(learning_rate_factor=rate / first)
        else:
            notes.lose(one.vertex.path, f"a learning rate of its own, {rate:g}")
            continue
        layers = list(one.piece.layers)
        layers[one.piece.main] = changed
        one.piece = _with_layers(one.piece, tuple(layers))


def _with_layers(piece: Any, layers: tuple[Layer, ...]) -> Any:
    from dataclasses import replace

    return replace(piece, layers=layers)
