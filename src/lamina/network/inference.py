"""From a description to a plan: names, order, shapes, and what is implied; every problem at once, before any tensor exists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lamina.errors import Problem, ShapeError, nearest
from lamina.network.advice import advise, shape_words
from lamina.network.layers.shaping import Flatten
from lamina.network.layers.shared import Shared
from lamina.network.masking import mask_problems
from lamina.network.network import Network, Step, type_word
from lamina.network.plan import Node, Plan
from lamina.network.sharing import Owners, disagreements
from lamina.network.wiring import in_order, wiring_problems
from lamina.shapes import Image, Shape, Volume
from lamina.spec import Document, Path, format_path


def resolve(
    network: Network,
    inputs: Mapping[str, Shape] | None = None,
    *,
    document: Document | None = None,
    prefix: Path = ("network",),
) -> Plan:
    """Give every layer its name, its inputs and its shapes.

    Args:
        network: A sequential network or a graph.
        inputs: Shapes that the data says, by input name (``input`` in a sequential network). Needed where the network
            declares none; where it does, the two must agree.
        document: What the network was read from, so that problems name file, line and column.
        prefix: Where in that document the network stands.

    Returns:
        All layers, each after those that feed it, with an implied flatten as a node of its own.

    Raises:
        ShapeError: With every problem that can be found: NN001 to NN014.

    Example:
        >>> from lamina.network import Sequential
        >>> from lamina.network.layers import Dense
        >>> from lamina.shapes import features
        >>> plan = resolve(Sequential([Dense(3)]), {"input": features(4)})
        >>> plan.output_shapes
        {'dense_1': Features(count=3)}
    """
    place = _Place(document, prefix)
    steps = network.steps()
    known, problems = _input_shapes(network, inputs, place)
    names = known if known is not None else _expected_inputs(steps)
    wiring = wiring_problems(network, steps, tuple(names), place.name)
    problems += [place.tie(problem, path) for path, problem in wiring]
    if known is None:
        raise ShapeError.of(problems)
    if any(problem.code == "NN005" for problem in problems):
        if network.type_name != "sequential":
            # Without unique names nobody knows what feeds what.
            raise ShapeError.of(problems)
        steps = _numbered(steps)
    inferred = _Inference(known, place, {step.name for step in steps})
    owners = Owners(steps, place.name)
    for step in in_order(steps):
        found, problem = owners.resolve(step)
        problems += [] if problem is None else [place.tie(problem, step.path)]
        inferred.add(found, shares=owners.owner_of(step))
    problems += inferred.problems
    problems += [place.tie(problem, path) for path, problem in disagreements(inferred.nodes, steps, place.name)]
    problems += [place.tie(problem, path) for path, problem in mask_problems(inferred.nodes, (), place.name, steps)]
    if problems:
        raise ShapeError.of(problems)
    return Plan(dict(known), tuple(inferred.nodes), network.output_names())


@dataclass(frozen=True)
class _Place:
    """Names places of the network as a reader of the file or script finds them."""

    document: Document | None
    prefix: Path

    def name(self, step: Step) -> str:
        """``network.layers[2] 'fc1' (dense)``; a graph's node has its name in the path already."""
        path = format_path((*self.prefix, *step.path))
        own = "" if step.path[-1] == step.name else f" {(step.layer.name or step.name)!r}"
        return f"{path}{own} ({type_word(step.layer)})"

    def tie(self, problem: Problem, path: Path) -> Problem:
        """The problem with file, line and column."""
        return problem.at(self.document.source((*self.prefix, *path))) if self.document is not None else problem


def _numbered(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """A chain in which names stand twice, joined by names that don't, so that its shapes can still be looked at."""
    names = [f"{step.name} at {index}" if step.layer.name else step.name for index, step in enumerate(steps)]
    sources = [*steps[0].inputs, *names]
    return tuple(Step(name, step.path, step.layer, (source,)) for name, step, source in zip(names, steps, sources, strict=False))


class _Inference:
    """Walks through the steps; what a broken layer feeds is left out, so that nothing is reported twice."""

    def __init__(self, inputs: Mapping[str, Shape], place: _Place, names: set[str]) -> None:
        self.shapes: dict[str, Shape | None] = dict(inputs)
        self.origins: dict[str, Step | None] = dict.fromkeys(inputs)
        self.place = place
        self.names = names | set(inputs)
        self.nodes: list[Node] = []
        self.problems: list[Problem] = []

    def add(self, step: Step, shares: str | None = None) -> None:
        """Infer one layer, with a flatten before it if its input calls for one; ``shares`` names the owner of its weights."""
        self.shapes[step.name], self.origins[step.name] = None, step
        given = [self.shapes.get(name) for name in step.inputs]
        shapes = tuple(shape for shape in given if shape is not None)
        fewest, most = step.layer.input_count
        if isinstance(step.layer, Shared) or len(shapes) < len(given) or len(shapes) < fewest or (most is not None and len(shapes) > most):
            # What feeds it is broken, or the wiring is; either has been said.
            return
        inputs, pending = step.inputs, None
        if step.layer.flattens and isinstance(shapes[0], Image | Volume):
            pending = self._flatten(step, shapes)
            inputs, shapes = (pending.name,), (pending.output_shape,)
        found = list(self._refused(step, shapes))
        if not found:
            try:
                output = step.layer.infer(shapes)
            except ShapeError as error:
                found = [self._located(problem, step, shapes) for problem in error.problems]
            else:
                if pending is not None:
                    self.nodes.append(pending)
                self.nodes.append(Node(step.name, step.path, step.layer, inputs, shapes, output, shares=shares))
                self.shapes[step.name] = output
        self.problems += [self.place.tie(problem, step.path) for problem in found]

    def _flatten(self, step: Step, shapes: tuple[Shape, ...]) -> Node:
        name = f"{step.name}_flatten"
        while name in self.names:
            name += "_"
        self.names.add(name)
        flatten = Flatten()
        return Node(name, step.path, flatten, step.inputs, shapes, flatten.infer(shapes), implied=True)

    def _refused(self, step: Step, shapes: tuple[Shape, ...]) -> Iterator[Problem]:
        """A problem for each input whose kind the layer does not take."""
        layer = step.layer
        for number, (name, shape) in enumerate(zip(step.inputs, shapes, strict=False)):
            kinds = layer.accepts if number == 0 or layer.further is None else layer.further
            if isinstance(shape, kinds):
                continue
            origin = self.origins.get(name)
            cause, fix = advise(step.layer, shape, origin.layer if origin else None)
            yield Problem(
                code="NN001",
                where=self.place.name(step),
                expected=" or ".join(shape_words(kind) for kind in kinds),
                got=f"{shape} ({shape.type_name}), {self._from(name)}",
                cause=cause,
                fix=fix,
            )

    def _located(self, problem: Problem, step: Step, shapes: tuple[Shape, ...]) -> Problem:
        """What a layer says of itself, with its place in the network and what feeds it."""
        fed = "; ".join(f"{shape} is {self._from(name)}" for name, shape in zip(step.inputs, shapes, strict=False))
        return Problem(
            code=problem.code,
            where=f"{self.place.name(step)}, {problem.where}" if problem.where.startswith("inside, ") else self.place.name(step),
            expected=problem.expected,
            got=f"{problem.got} ({fed})",
            cause=problem.cause,
            fix=problem.fix,
        )

    def _from(self, name: str) -> str:
        origin = self.origins.get(name)
        return f"the output of {self.place.name(origin)}" if origin else f"the network's input {name!r}"


def _expected_inputs(steps: tuple[Step, ...]) -> tuple[str, ...]:
    """Names of inputs that nobody gave a shape: what feeds layers and is no layer."""
    names = {step.name for step in steps}
    return tuple(dict.fromkeys(name for step in steps for name in step.inputs if name not in names))


def _input_shapes(network: Network, given: Mapping[str, Shape] | None, place: _Place) -> tuple[Mapping[str, Shape] | None, list[Problem]]:
    """The shape of every input, from the network or the data."""
    declared = network.declared_inputs()
    path = "inputs" if network.type_name == "graph" else "input"
    where = format_path((*place.prefix, path))
    if declared is None and not given:
        wanted = path + ": {type: features, count: 4}" if path == "input" else path + ": {NAME: {type: features, count: 4}}"
        missing = Problem(
            code="NN007",
            where=where,
            expected="the shape of one sample, in the network or from the data",
            got="neither",
            cause="the network declares no input shape, and there is no data yet that says it",
            fix=f"add {wanted} to the network; in Python give a shape such as lm.features(4) or lm.image(1, 28, 28)",
        )
        return None, [place.tie(missing, ())]
    if declared is None or not given:
        return (declared if given is None or declared is not None else given), []
    problems = [place.tie(problem, (path,)) for problem in _disagreements(declared, given, where)]
    return declared, problems


def _disagreements(declared: Mapping[str, Shape], given: Mapping[str, Shape], where: str) -> Iterator[Problem]:
    for name, shape in given.items():
        own = declared.get(name)
        if own is None:
            near = nearest(name, declared)
            yield Problem(
                code="NN011",
                where=where,
                expected=f"data for the inputs {', '.join(declared)}",
                got=f"data called {name!r}",
                cause="the names of the data and of the network's inputs differ",
                fix=f"rename the input {near or next(iter(declared))!r} to {name!r}, or the data",
            )
        elif not own.agrees(shape):
            yield Problem(
                code="NN011",
                where=where,
                expected=f"{own} ({own.type_name}), as the network declares for {name!r}",
                got=f"{shape} ({shape.type_name}) from the data",
                cause="the network was written for other data, or the data is read in another form than meant",
                fix=f"remove the network's {where.rpartition('.')[2]}, so that the data says it, or set it to {shape.to_dict(full=True)}",
            )
