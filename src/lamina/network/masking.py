"""Which parts of a network sequences of different lengths flow through, found before any tensor exists.

A *mask* says for each sample which of its steps are real. It enters with the data, or is made by a layer that looks for it,
and goes along with the sequence until a layer gives something without steps, or clears it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from lamina.errors import DataError, Problem
from lamina.network.network import Step, type_word
from lamina.network.plan import Node, Plan
from lamina.spec import Path


def masked_nodes(nodes: Sequence[Node], inputs: Collection[str]) -> set[str]:
    """Names of the nodes whose outputs have masks, given which inputs have.

    Example:
        >>> import lamina as lm
        >>> net = lm.Sequential(lm.sequence(None, 3), [lm.LSTM(4), lm.LastStep(), lm.Output(2)])
        >>> masked_nodes(net.resolve().nodes, ["input"])
        {'lstm_1'}
    """
    found = set(inputs)
    for node in nodes:
        if node.layer.clears_mask:
            continue
        if node.output_shape.has_steps and (node.layer.makes_mask or any(name in found for name in node.inputs)):
            found.add(node.name)
    return found - set(inputs)


def mask_problems(
    nodes: Sequence[Node], inputs: Collection[str], named: Callable[[Step], str] | None = None, steps: Sequence[Step] = ()
) -> Iterator[tuple[Path, Problem]]:
    """A problem for each layer that sequences of different lengths reach and that can't take them.

    Args:
        nodes: Of the plan.
        inputs: Names of the inputs that have masks.
        named: Writes the place of a step; without it the node is called by its name.
        steps: The steps that ``named`` writes.
    """
    masked = masked_nodes(nodes, inputs) | set(inputs)
    places = {step.name: step for step in steps}
    for node in nodes:
        source = next((name for name in node.inputs if name in masked), None)
        if node.layer.takes_masks or source is None:
            continue
        step = places.get(node.name)
        yield (
            node.path,
            Problem(
                code="NN014",
                where=named(step) if named and step else f"layer {node.name!r} ({type_word(node.layer)})",
                expected="sequences that all have the same number of steps",
                got=f"sequences of different lengths from {source!r}",
                cause=f"{type_word(node.layer)} counts on every step: what it gives would depend on how far a sequence was filled up",
                fix="put a layer between that ends the steps (last_step, global_avg_pool, an lstm with return_sequences: false),"
                " or apply_mask, behind which what is not real counts as zeros",
            ),
        )


def check_masks(plan: Plan, inputs: Collection[str]) -> None:
    """See that a network takes data with masks.

    Args:
        plan: The network.
        inputs: Names of the inputs whose sequences have different lengths.

    Raises:
        DataError: NN014, with a problem for each layer that can't.
    """
    problems = [problem for _, problem in mask_problems(plan.nodes, inputs)]
    if problems:
        raise DataError.of(problems)
