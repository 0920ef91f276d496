"""Contract of layers that sequences flow through: masks, and running piece by piece."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lamina.engine.build import build
from lamina.engine.network import NetworkModule
from lamina.errors import LaminaError
from lamina.network.layers.layer import Layer
from lamina.network.masking import mask_problems
from lamina.network.plan import Plan
from lamina.shapes import Shape, batch_shape
from lamina.testing.promises import promise
from lamina.testing.sampling import SEED, plan_of, sample

STEPS = 7
"""Steps of the longest sequence, where the shape leaves them open."""
BATCH = 4


def check_masks(layer: Layer, shapes: Sequence[Shape]) -> None:
    """Sequences of different lengths in one batch get what each gets alone, whatever stands at the steps that are not real.

    Tried with sequences that begin at the first step and, where the layer has one input with steps, with such that end at the
    last. A layer that can't take masks must say so in its description.
    """
    plan = plan_of(layer, shapes)
    stepped = [name for name, shape in plan.inputs.items() if shape.has_steps]
    if not stepped or layer.makes_mask or layer.clears_mask:
        return
    if not layer.takes_masks:
        promise(any(True for _ in mask_problems(plan.nodes, stepped)), "a layer that takes no masks says so before anything runs")
        return
    plan = _opened(layer, shapes) or plan
    if any(plan.inputs[name].dims[0] is not None for name in stepped):
        return  # Every sequence has its one length; there are no others.
    network = build(plan, SEED, dtype=torch.float64).eval()
    for at_end in (False, True) if len(stepped) == 1 else (False,):
        _compare(network, plan, stepped, at_end=at_end)


def _compare(network: NetworkModule, plan: Plan, stepped: Sequence[str], *, at_end: bool) -> None:
    inputs = _inputs(plan)
    steps = {name: inputs[name].shape[1] for name in stepped}
    lengths = {name: _lengths(steps[name], offset) for offset, name in enumerate(_kinds(steps))}
    lengths = {name: lengths[next(other for other in lengths if steps[other] == steps[name])] for name in stepped}
    masks = {name: _mask(lengths[name], steps[name], at_end=at_end) for name in stepped}
    garbage = {name: _spoiled(x, masks.get(name), plan.inputs[name]) for name, x in inputs.items()}
    (whole,), (mask,) = network.run(garbage, masks)
    promise(bool(torch.isfinite(whole).all()), "what stands at steps that are not real makes no NaN")
    has_steps = plan.nodes[0].output_shape.has_steps
    promise((mask is not None) == has_steps, f"the output has a mask if it has steps, and none if not: {mask is not None}, {has_steps}")
    for row in range(BATCH):
        alone = {
            name: x[row : row + 1] if name not in masks else x[row : row + 1, masks[name][row]]  # its real steps only
            for name, x in inputs.items()
        }
        (wanted,) = network.run(alone)[0]
        found = whole[row] if mask is None else whole[row][mask[row]]
        promise(found.shape == wanted[0].shape, f"as many real steps come out as alone: {list(found.shape)}, {list(wanted[0].shape)}")
        promise(torch.allclose(found, wanted[0], rtol=1e-9, atol=1e-10), f"sample {row} gets what it gets alone (at the end: {at_end})")


def check_state(layer: Layer, shapes: Sequence[Shape]) -> None:
    """Fed piece by piece, a layer that says it can gives what it gives at once; one that can't says so."""
    plan = _opened(layer, shapes) or plan_of(layer, shapes)
    node = plan.nodes[0]
    stepped = [name for name, shape in plan.inputs.items() if shape.has_steps]
    if not stepped:
        return
    if not node.can_step:
        _refuses(build(plan, SEED, dtype=torch.float64).eval(), _inputs(plan))
        return
    if len({plan.inputs[name].dims[0] for name in stepped}) > 1:
        return
    # A layer that gives one thing for the whole gives it after the last piece; what it gives may be a sequence of another kind.
    follows = node.output_shape.has_steps and node.output_shape.dims[0] == plan.inputs[stepped[0]].dims[0]
    network = build(plan, SEED, dtype=torch.float64).eval()
    inputs = _inputs(plan)
    (whole,), (mask,) = network.run(inputs)
    entire = [name for place, name in enumerate(plan.inputs) if place in node.layer.whole_inputs(len(plan.inputs))]
    moving = [name for name in stepped if name not in entire]
    given = {name: x for name, x in inputs.items() if name not in stepped}
    length = inputs[moving[0]].shape[1]
    cuts = sorted({0, 1, 2, length})
    state = network.start_state(BATCH, {name: inputs[name] for name in entire})
    pieces: list[Tensor] = []
    for start, stop in zip(cuts, cuts[1:], strict=False):
        piece = {name: inputs[name][:, start:stop] for name in moving}
        # Its memory can be kept and read again: it goes on as if it had never been away.
        scores, _, state = network.advance({**given, **piece}, type(state).from_arrays(state.to_arrays()))
        pieces.append(scores["tested"])
    found = torch.cat(pieces, 1) if follows else pieces[-1]
    promise(found.shape == whole.shape, f"piece by piece it gives as much as at once: {list(found.shape)}, {list(whole.shape)}")
    if follows and mask is not None:
        found, whole = found[mask], whole[mask]  # What stands at the other steps never matters.
    promise(torch.allclose(found, whole, rtol=1e-9, atol=1e-10), "piece by piece it gives what it gives at once")
    if not state.memories:
        return
    order = torch.tensor([2, 0])
    promise(all(len(v) == 2 for memory in state.select(order).memories.values() for v in memory.values()), "its memory is batch first")


def _refuses(network: NetworkModule, inputs: dict[str, Tensor]) -> None:
    """A layer that has to see all steps at once refuses to be run piece by piece."""
    try:
        network.advance(inputs, network.start_state(BATCH))
    except LaminaError as error:
        promise(error.code == "EN041", f"who is asked for a piece and can't says so by EN041, not {error.code}")
    else:
        promise(holds=False, broken="who is asked for a piece and can't says so")


def _opened(layer: Layer, shapes: Sequence[Shape]) -> Plan | None:
    """The layer for sequences of any length, with the same weights; None if it needs to know the length."""
    try:
        opened = plan_of(layer, [shape.replace(steps=None) if shape.has_steps else shape for shape in shapes])
        longer = plan_of(layer, [shape.replace(steps=STEPS + 4) if shape.has_steps else shape for shape in shapes])
    except LaminaError:
        return None
    known = plan_of(layer, shapes)
    tables = [{name: p.shape for name, p in plan.nodes[0].parameters.items()} for plan in (opened, longer, known)]
    return opened if tables[0] == tables[1] == tables[2] else None


def _inputs(plan: Plan) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(SEED)
    return {name: sample(s, batch_shape(s, BATCH, unknown=STEPS), generator=generator) for name, s in plan.inputs.items()}


def _kinds(steps: dict[str, int]) -> list[str]:
    """One input for each different number of steps: those of equal number belong together."""
    return [name for index, name in enumerate(steps) if list(steps.values()).index(steps[name]) == index]


def _lengths(steps: int, offset: int) -> list[int]:
    """Real steps of each sample: one has all, none has none."""
    return [steps, max(1, steps - 2 - offset), max(1, steps // 2), max(1, steps - 1)][:BATCH]


def _mask(lengths: Sequence[int], steps: int, *, at_end: bool) -> Tensor:
    places = torch.arange(steps)[None, :]
    counts = torch.tensor(lengths)[:, None]
    return places >= steps - counts if at_end else places < counts


def _spoiled(x: Tensor, mask: Tensor | None, shape: Shape) -> Tensor:
    """The input with something else at the steps that are not real."""
    if mask is None:
        return x
    wide = mask.reshape(*mask.shape, *(1 for _ in range(x.dim() - 2)))
    return torch.where(wide, x, torch.zeros_like(x) if shape.dtype == "int" else torch.full_like(x, 1e3))
