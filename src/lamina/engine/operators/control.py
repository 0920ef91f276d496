"""Operators that run graphs: branches and loops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lamina.engine.operators.registry import Context, operator

Body = Callable[[Sequence[Any]], list[Any]]
MOST_ROUNDS = 1_000_000


@operator("If")
def if_(condition: Tensor, *, then_branch: Body, else_branch: Body) -> Any:
    """One of two graphs."""
    return tuple((then_branch if bool(condition) else else_branch)([]))


def _stacked(parts: list[Any], axis: int, context: Context) -> Any:
    if not parts:
        return torch.zeros(0, dtype=context.real, device=context.device)
    return torch.stack(parts, axis)


@operator("Loop")
def loop(count: Tensor | None, condition: Tensor | None, *states: Any, body: Body, context: Context) -> Any:
    """A graph again and again, while a condition holds and up to a number of times."""
    most = MOST_ROUNDS if count is None else int(count)
    if count is not None and most > MOST_ROUNDS:
        raise context.refused(expected=f"at most {MOST_ROUNDS:,} rounds", got=f"{most:,}", fix="look at what gives the count")
    going = True if condition is None else bool(condition)
    values = list(states)
    scans: list[list[Any]] | None = None
    for number in range(most):
        if not going:
            break
        place = torch.tensor(number, dtype=torch.int64, device=context.device)
        found = body([place, torch.tensor(going, device=context.device), *values])
        going = bool(found[0])
        values = found[1 : 1 + len(states)]
        if scans is None:
            scans = [[] for _ in found[1 + len(states) :]]
        for kept, value in zip(scans, found[1 + len(states) :], strict=True):
            kept.append(value)
    if scans is None:
        scans = [[] for _ in range(len(body.outputs) - 1 - len(states))]  # type: ignore[attr-defined]
    return (*values, *(_stacked(kept, 0, context) for kept in scans))


@operator("Scan")
def scan(
    *values: Any,
    body: Body,
    num_scan_inputs: int,
    scan_input_axes: list[int] | None = None,
    scan_input_directions: list[int] | None = None,
    scan_output_axes: list[int] | None = None,
    scan_output_directions: list[int] | None = None,
    context: Context,
) -> Any:
    """A graph for every slice of some tensors, with states from one to the next."""
    states, inputs = list(values[: len(values) - num_scan_inputs]), values[len(values) - num_scan_inputs :]
    axes = scan_input_axes or [0] * num_scan_inputs
    directions = scan_input_directions or [0] * num_scan_inputs
    slices = [value.unbind(axis)[:: -1 if back else 1] for value, axis, back in zip(inputs, axes, directions, strict=True)]
    scans: list[list[Any]] = [[] for _ in range(len(body.outputs) - len(states))]  # type: ignore[attr-defined]
    for parts in zip(*slices, strict=True):
        found = body([*states, *parts])
        states, given = found[: len(states)], found[len(states) :]
        for kept, value in zip(scans, given, strict=True):
            kept.append(value)
    places = scan_output_axes or [0] * len(scans)
    backward = scan_output_directions or [0] * len(scans)
    return (
        *states,
        *(_stacked(kept[:: -1 if back else 1], axis, context) for kept, axis, back in zip(scans, places, backward, strict=True)),
    )


@operator("ScanOfBatches", domain="lamina")
def scan_of_batches(
    lengths: Tensor | None,
    *values: Tensor,
    body: Body,
    num_scan_inputs: int,
    scan_input_directions: list[int] | None = None,
    context: Context,
) -> Any:
    """As the operator was before set 9: each sample by itself, of its own length."""
    found = []
    for number in range(values[0].shape[0]):
        states = [value[number] for value in values[: len(values) - num_scan_inputs]]
        inputs = [value[number] for value in values[len(values) - num_scan_inputs :]]
        if lengths is not None:
            inputs = [value[: int(lengths[number])] for value in inputs]
        given = (*states, *inputs)
        found.append(scan(*given, body=body, num_scan_inputs=num_scan_inputs, scan_input_directions=scan_input_directions, context=context))
    return tuple(torch.stack(parts) for parts in zip(*found, strict=True))


@operator("SequenceMap")
def sequence_map(first: list[Any], *others: Any, body: Body) -> Any:
    """A graph for every member of a sequence."""
    results: list[list[Any]] = [[] for _ in body.outputs]  # type: ignore[attr-defined]
    for number, value in enumerate(first):
        found = body([value, *(other[number] if isinstance(other, list) else other for other in others)])
        for kept, one in zip(results, found, strict=True):
            kept.append(one)
    return tuple(results)
