"""Weights that stand at several places of a network: who owns them, and whether all that use them need the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from lamina.errors import Problem, nearest
from lamina.network.layers.shared import Shared
from lamina.network.network import Step
from lamina.network.plan import Node
from lamina.spec import Path

Namer = Callable[[Step], str]


class Owners:
    """Which layer each shared layer stands for.

    Args:
        steps: All layers of the network.
        named: Writes the place of a step.
    """

    def __init__(self, steps: Sequence[Step], named: Namer) -> None:
        self._steps = {step.name: step for step in steps}
        self._named = named

    def owner_of(self, step: Step) -> str | None:
        """Name of the layer whose weights a step uses; None if it has its own."""
        return step.layer.of if isinstance(step.layer, Shared) else None

    def resolve(self, step: Step) -> tuple[Step, Problem | None]:
        """The step with its owner's layer in place of the shared one, or the step as it was and what is wrong with it."""
        if not isinstance(step.layer, Shared):
            return step, None
        owner = self._steps.get(step.layer.of)
        if owner is not None and not isinstance(owner.layer, Shared):
            return replace(step, layer=step.layer.resolved(owner.layer)), None
        names = [name for name, other in self._steps.items() if not isinstance(other.layer, Shared)]
        near = nearest(step.layer.of, names)
        fix = f"did you mean {near!r}?" if near else "name one of the layers above"
        if owner is not None and isinstance(owner.layer, Shared):
            fix = f"write of: {owner.layer.of}, which owns the weights"
        return step, Problem(
            code="NN010",
            where=self._named(step),
            expected=f"the name of a layer that has weights of its own: {', '.join(names)}",
            got=repr(step.layer.of) + ("" if owner is None else ", which is shared itself"),
            cause="a shared layer names the one layer that owns the weights",
            fix=fix,
        )


def disagreements(nodes: Sequence[Node], steps: Sequence[Step], named: Namer) -> Iterator[tuple[Path, Problem]]:
    """A problem for each node that uses another's weights in other sizes than they have."""
    known, places = {node.name: node for node in nodes}, {step.name: step for step in steps}
    for node in nodes:
        owner = known.get(node.shares or "")
        step = places.get(node.name)
        if step is None:
            continue
        if owner is not None:
            own, theirs = _sizes(node), _sizes(owner)
            if own != theirs:
                yield node.path, _two_shapes(node, owner, named(step), own, theirs)
        for name, wanted in node.borrowed.items():
            lender = known.get(wanted.node)
            found = None if lender is None else lender.parameters.get(wanted.parameter)
            if found is None or found.shape != wanted.shape:
                got = f"no node {wanted.node!r}" if lender is None else "no such tensor" if found is None else f"{list(found.shape)}"
                near = nearest(wanted.node, [other for other, n in known.items() if wanted.parameter in n.parameters])
                yield (
                    node.path,
                    Problem(
                        code="NN013",
                        where=named(step),
                        expected=f"{name}: a tensor {wanted.node}/{wanted.parameter} of shape {list(wanted.shape)}",
                        got=got,
                        cause="a tied layer uses the weights of another, which must exist and have the right size",
                        fix="make the sizes of both layers equal"
                        if found is not None
                        else f"did you mean {near!r}?"
                        if near
                        else "name the layer that owns the weights",
                    ),
                )


def _sizes(node: Node) -> dict[str, tuple[int, ...]]:
    parameters = {name: parameter.shape for name, parameter in node.layer.parameters(node.input_shapes).items()}
    return parameters | dict(node.layer.buffers(node.input_shapes))


def _two_shapes(node: Node, owner: Node, where: str, own: dict[str, tuple[int, ...]], theirs: dict[str, tuple[int, ...]]) -> Problem:
    name = next(name for name in {**own, **theirs} if own.get(name) != theirs.get(name))
    return Problem(
        code="NN013",
        where=where,
        expected=f"inputs for which {owner.name!r} has the same weights: {name} {list(theirs.get(name, ()))}, as with {_listed(owner)}",
        got=f"{_listed(node)}, for which {name} would be {list(own.get(name, ()))}",
        cause="one set of weights is used on inputs of two sizes",
        fix=f"give both the same number of features or channels, or give {node.name!r} a layer of its own",
    )


def _listed(node: Node) -> str:
    return ", ".join(map(str, node.input_shapes))
