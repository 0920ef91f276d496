"""Whether a network and its data can be trained in pieces of sequences; known before the first step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lamina.errors import Problem
from lamina.learning.truncation import WHERE, Truncation, not_alike, too_long

if TYPE_CHECKING:
    from lamina.data.dataset import Dataset
    from lamina.network.losses import Loss
    from lamina.network.plan import Node, Plan
    from lamina.shapes import Shape


def truncation_problems(truncation: Truncation, losses: Mapping[str, Loss], plan: Plan | None, *, shuffle: bool) -> list[Problem]:
    """All that keeps a network from being trained in pieces: TR110, and TR111 for too long a piece."""
    if plan is None:
        return [
            _problem(
                WHERE,
                expected="a described network, whose layers can be run piece by piece",
                got="an own torch.nn.Module",
                cause="nothing says what an own module remembers from step to step",
                fix="describe the network with lm.Sequential or lm.Graph, or leave truncate out",
            )
        ]
    problems = [_whole(node) for node in plan.nodes if not node.can_step]
    problems += [_without_steps(plan.node(name)) for name, shape in plan.output_shapes.items() if not shape.has_steps]
    problems += [_undivided(name, loss) for name, loss in losses.items() if not (loss.by_position and loss.per_sample)]
    lengths = [shape.dims[0] for shape in plan.inputs.values() if shape.has_steps]
    if not lengths:
        problems.append(
            _problem(
                WHERE,
                expected="an input with steps",
                got=", ".join(map(str, plan.inputs.values())),
                cause="only sequences can be cut into pieces",
                fix="declare the input as a sequence, lm.sequence(STEPS, FEATURES), or leave truncate out",
            )
        )
    known = [length for length in lengths if length is not None]
    if known and truncation.steps > min(known):
        problems += too_long(truncation.steps, min(known)).problems
    if truncation.carry and shuffle:
        problems.append(
            _problem(
                f"{WHERE}.carry",
                expected="shuffle: false",
                got="shuffle: true",
                cause="the memory of sample i goes on with sample i of the next batch, which in random order is another sequence",
                fix="write shuffle: false in data (in Python: fit(shuffle=False)), or carry: false",
            )
        )
    return problems


def pieces(truncation: Truncation, dataset: Dataset, shapes: Mapping[str, Shape]) -> int:
    """Into how many pieces the sequences of a data set are cut.

    Raises:
        TrainingError: TR111, if a piece is longer than the sequences, or those of several inputs are not of one length.
    """
    only = len(shapes) == len(dataset.inputs) == 1
    found = {
        name: array.shape[1] for name, array in dataset.inputs.items() if (next(iter(shapes.values())) if only else shapes[name]).has_steps
    }
    steps = min(found.values())
    if truncation.steps > steps:
        raise too_long(truncation.steps, steps)
    other = next((name for name, count in found.items() if count != steps), None)
    if other is not None:
        raise not_alike(next(name for name, count in found.items() if count == steps), steps, f"input {other!r}", found[other])
    return truncation.pieces(steps)


def _whole(node: Node) -> Problem:
    return _problem(
        f"{WHERE}, layer {node.name!r} ({node.layer.type_name or type(node.layer).__name__})",
        expected="layers that can be run piece by piece: recurrent in one direction, causal, or of each step by itself",
        got="one that has to see all steps at once",
        cause="the pieces of a sequence are learned one after the other, before the later ones are known",
        fix=f"leave {node.name!r} out, replace it by a recurrent or causal layer, or leave truncate out to learn whole sequences",
    )


def _without_steps(node: Node) -> Problem:
    return _problem(
        f"{WHERE}, output {node.name!r}",
        expected="an output for every step, so that each piece has a loss",
        got=str(node.output_shape),
        cause="the network gives one answer for the whole sequence, known only at its end",
        fix="remove the layer that takes the last step or pools over all, and give targets for every step; or leave truncate out",
    )


def _undivided(name: str, loss: Loss) -> Problem:
    return _problem(
        f"{WHERE}, output {name!r}",
        expected="a loss that is made of the losses of single steps",
        got=f"loss {loss.type_name}",
        cause=f"{loss.type_name} judges a sequence, or a batch, as a whole",
        fix="take a loss such as cross_entropy or mse, or leave truncate out",
    )


def _problem(where: str, *, expected: str, got: str, cause: str, fix: str) -> Problem:
    return Problem(code="TR110", where=where, expected=expected, got=got, cause=cause, fix=fix)
