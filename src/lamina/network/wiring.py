"""How the layers of a network are joined: names, order, cycles, loose ends. Shapes come later."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush

from lamina.errors import Problem, nearest
from lamina.network.network import Network, Step
from lamina.spec import Path

Namer = Callable[[Step], str]
Found = Iterator[tuple[Path, Problem]]
"""Problems, each with the path of what it is about."""


def wiring_problems(network: Network, steps: Sequence[Step], inputs: Sequence[str], named: Namer) -> Found:
    """Everything that is wrong with names and connections.

    Args:
        network: For its outputs.
        steps: Its layers.
        inputs: Names of its inputs.
        named: Writes the place of a step.
    """
    found = [*_names(steps, inputs, named), *_counts(network, steps, named), *_unknown(network, steps, inputs, named)]
    yield from found
    if not any(problem.code == "NN005" for _, problem in found):
        yield from _cycles(steps, named)
    if not found:
        # A mistyped name leaves ends loose that are none.
        yield from _loose(network, steps, inputs, named)


def in_order(steps: Sequence[Step]) -> list[Step]:
    """The steps, each after those that feed it, otherwise as they were written; those in or behind a cycle are left out.

    Example:
        >>> from lamina.network.layers import Dense
        >>> steps = [Step("b", ("nodes", "b"), Dense(1), ("a",)), Step("a", ("nodes", "a"), Dense(1), ("x",))]
        >>> [step.name for step in in_order(steps)]
        ['a', 'b']
    """
    position = {step.name: index for index, step in enumerate(steps)}
    feeds: dict[str, list[int]] = {name: [] for name in position}
    missing: list[int] = []
    for index, step in enumerate(steps):
        known = {name for name in step.inputs if name in position}
        missing.append(len(known))
        for name in known:
            feeds[name].append(index)
    # A heap gives the first as written among those that are ready.
    ready = [index for index, count in enumerate(missing) if not count]
    found: list[Step] = []
    while ready:
        step = steps[heappop(ready)]
        found.append(step)
        for index in feeds[step.name]:
            missing[index] -= 1
            if not missing[index]:
                heappush(ready, index)
    return found


def _names(steps: Sequence[Step], inputs: Sequence[str], named: Namer) -> Found:
    first: dict[str, str] = {name: f"the network's input {name!r}" for name in inputs}
    for step in steps:
        if step.name in first:
            problem = Problem(
                code="NN005",
                where=named(step),
                expected="each name once, among inputs and layers",
                got=f"{step.name!r} again, first {first[step.name]}",
                cause="weights are kept by the names of layers, so two layers can't share one",
                fix="rename one of the two, or remove its name to have it named by type and number",
            )
            yield step.path, problem
        first.setdefault(step.name, named(step))


def _counts(network: Network, steps: Sequence[Step], named: Namer) -> Found:
    graph = network.type_name == "graph"
    for step in steps:
        fewest, most = step.layer.input_count
        count = len(step.inputs)
        wanted = str(fewest) if most == fewest else f"at least {fewest}" if most is None else f"{fewest} to {most}"
        if not graph and (step.layer.inputs or fewest > 1):
            yield (
                step.path,
                Problem(
                    code="NN012",
                    where=named(step),
                    expected="layers of one input, which is the layer before",
                    got=f"inputs: {list(step.layer.inputs)}" if step.layer.inputs else f"a vertex, which takes {wanted} inputs",
                    cause="a sequential network has no branches",
                    fix="write a network of type graph, with nodes and inputs; in Python, Sequential(...).to_graph() starts one"
                    if fewest > 1
                    else "remove inputs, or write a network of type graph",
                ),
            )
        elif graph and (count < fewest or (most is not None and count > most)):
            yield (
                step.path,
                Problem(
                    code="NN012" if count else "NN004",
                    where=named(step),
                    expected=f"{wanted} input{'' if wanted == '1' else 's'}",
                    got=", ".join(step.inputs) or "none",
                    cause="a node says in inputs what feeds it" if not count else "the layer joins another number of branches",
                    fix=f"add inputs: [NAME], with {wanted} name{'' if wanted == '1' else 's'}"
                    if count < fewest
                    else "join them first, with a concat or add vertex",
                ),
            )


def _unknown(network: Network, steps: Sequence[Step], inputs: Sequence[str], named: Namer) -> Found:
    known = list(dict.fromkeys([*inputs, *(step.name for step in steps)]))
    places = set(known)
    for step in steps:
        for name in step.inputs:
            if name not in places:
                yield (*step.path, "inputs"), _nobody(named(step), name, [other for other in known if other != step.name])
    for name in network.output_names():
        if name not in places:
            yield ("outputs",), _nobody("the network's outputs", name, [step.name for step in steps])
        elif name in inputs:
            yield (
                ("outputs",),
                Problem(
                    code="NN010",
                    where="the network's outputs",
                    expected="names of nodes",
                    got=f"{name!r}, which is an input",
                    cause="an input is known already; nothing computes it",
                    fix=f"name a node, or pass it on through {{type: identity, inputs: [{name}]}}",
                ),
            )


def _nobody(where: str, name: str, known: Sequence[str]) -> Problem:
    near = nearest(name, known)
    return Problem(
        code="NN010",
        where=where,
        expected=f"one of {', '.join(known)}",
        got=repr(name),
        cause="a typo" if near else "the node was renamed or removed",
        fix=f"did you mean {near!r}?" if near else "use one of the names above",
    )


def _cycles(steps: Sequence[Step], named: Namer) -> Found:
    placed = {step.name for step in in_order(steps)}
    left = {step.name: step for step in steps if step.name not in placed}
    while left:
        # Whoever waits, waits for one that waits too: following that leads into the cycle.
        trail = [next(iter(left))]
        while True:
            following = next(name for name in left[trail[-1]].inputs if name in left)
            if following in trail:
                break
            trail.append(following)
        cycle = trail[trail.index(following) :]
        shown = [*reversed(cycle), cycle[-1]]
        yield (
            left[cycle[0]].path,
            Problem(
                code="NN006",
                where=named(left[cycle[0]]),
                expected="nodes that feed only later ones",
                got=" -> ".join(shown),
                cause="the nodes wait for each other",
                fix=f"take {cycle[0] if len(cycle) == 1 else cycle[1]!r} out of the inputs of {cycle[0]!r}",
            ),
        )
        rest = [step for name, step in left.items() if name not in cycle]
        broken = {step.name for step in in_order(rest)}
        left = {step.name: step for step in rest if step.name not in broken}


def _loose(network: Network, steps: Sequence[Step], inputs: Sequence[str], named: Namer) -> Found:
    used = {name for step in steps for name in step.inputs} | set(network.output_names())
    for step in steps:
        if step.name not in used:
            yield (
                step.path,
                Problem(
                    code="NN004",
                    where=named(step),
                    expected="a node that feeds another, or is one of the network's outputs",
                    got="a node whose output nobody uses",
                    cause="it was left over, or its name is missing in the inputs of another node",
                    fix=f"add {step.name!r} to the inputs of a node or to outputs, or remove it",
                ),
            )
    for name in inputs:
        if name not in used:
            yield (
                ("inputs",),
                Problem(
                    code="NN004",
                    where=f"the network's input {name!r}",
                    expected="an input that feeds a node",
                    got="an input that nobody uses",
                    cause="its name is missing in the inputs of a node",
                    fix=f"add {name!r} to the inputs of a node, or remove it from the network's inputs",
                ),
            )
