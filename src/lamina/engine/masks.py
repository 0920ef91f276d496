"""Masks: which steps of each sample are real, on their way through a network.

A mask is a tensor of truth values ``[batch, steps]``. What stands at the other steps must never matter: for the real steps a
network gives what it gives for each sequence alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lamina.errors import ShapeError
from lamina.shapes import Shape, describe_array


@dataclass(frozen=True)
class Masks:
    """The masks that come with a batch.

    Attributes:
        inputs: By input name.
        targets: By target name: which steps count in loss and figures, where that is not what reaches the output anyway; or, of a
            target without steps, which samples have it, ``[batch]``.
    """

    inputs: Mapping[str, Tensor] = field(default_factory=dict)
    targets: Mapping[str, Tensor] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.inputs or self.targets)


def combined(masks: Sequence[Tensor | None]) -> Tensor | None:
    """Steps that are real in all inputs; None if no input has a mask.

    A mask of whole samples, ``[batch]``, holds for all their steps.

    Example:
        >>> combined([None, torch.tensor([[True, False]]), torch.tensor([[True, True]])])
        tensor([[ True, False]])
    """
    found: Tensor | None = None
    for mask in masks:
        if mask is not None:
            if found is not None and found.dim() != mask.dim():
                found, mask = (m[:, None] if m.dim() == 1 else m for m in (found, mask))
            found = mask if found is None else found & mask
    return found


def run_alone(
    forward: Callable[..., Tensor],
    inputs: tuple[Tensor, ...],
    masks: tuple[Tensor | None, ...],
    *,
    steps: int | None,
    whole: bool,
    after: Callable[[Tensor], None] | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Compute samples of different lengths as each would be alone: those of equal masks together, their real steps only.

    Right for every layer, and as slow as there are different lengths; the layers that can do better do.

    Args:
        forward: The layer.
        inputs: Its inputs, batch first.
        masks: One for each input, or None.
        steps: How many steps the output has for inputs of full length; None if it has no steps.
        whole: Compute the whole batch for each length, and take from it what is needed: then a sample's result doesn't depend, not
            even in its last digit, on how many others have its length.
        after: Told, after each run of the layer, which samples it was for.

    Returns:
        The output, 0 where nothing is real, and its mask.
    """
    result: Tensor | None = None
    mask = None if steps is None else inputs[0].new_zeros((inputs[0].shape[0], steps), dtype=torch.bool)
    for rows, places in _groups(masks):
        cut = [x if place is None else x[:, place] for x, place in zip(inputs, places, strict=True)]
        if not whole:
            cut = [x[rows] for x in cut]
        if any(place is not None and len(place) == 0 for place in places):
            continue
        y = forward(*cut)
        if after is not None:
            after(rows)
        y = y[rows] if whole else y
        if result is None:
            sizes = y.shape[1:] if steps is None else (steps, *y.shape[2:])
            result = y.new_zeros((inputs[0].shape[0], *sizes))
        if steps is None or mask is None:
            result = result.index_put((rows,), y)
            continue
        # As many steps out as in: they stay where they were. Otherwise they stand at the front.
        kept = next(
            (p for p, x in zip(places, inputs, strict=True) if p is not None and len(p) == y.shape[1] and x.shape[1] == steps),
            torch.arange(y.shape[1], device=y.device),
        )
        result = result.index_put((rows[:, None], kept[None, :]), y)
        mask[rows[:, None], kept[None, :]] = True
    if result is None:
        y = forward(*inputs)  # No sample has a real step: only the sizes are needed.
        result = torch.zeros_like(y)
    return result, mask


def _groups(masks: tuple[Tensor | None, ...]) -> Iterator[tuple[Tensor, list[Tensor | None]]]:
    """For each different combination of masks: the samples that have it, and the real steps of each input."""
    given = [mask for mask in masks if mask is not None]
    patterns, membership = torch.unique(torch.cat(given, 1), dim=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        places: list[Tensor | None] = []
        start = 0
        for mask in masks:
            if mask is None:
                places.append(None)
                continue
            places.append(pattern[start : start + mask.shape[1]].nonzero()[:, 0])
            start += mask.shape[1]
        yield (membership == number).nonzero()[:, 0], places


def check_mask(name: str, mask: Tensor, x: Tensor, shape: Shape | None) -> None:
    """See that a mask belongs to an input.

    Raises:
        ShapeError: EN040, if the input has no steps, or the mask not one truth value for each of them.
    """
    fits = isinstance(mask, Tensor) and mask.dtype == torch.bool and x.dim() > 1 and mask.shape == x.shape[:2]
    if fits and (shape is None or shape.has_steps):
        return
    wanted = f"a mask of truth values {describe_array(x.shape[:2])}, one for each step of each sample"
    if shape is not None and not shape.has_steps:
        wanted = "no mask"
    raise ShapeError(
        "EN040",
        where=f"the mask of input {name!r}, {describe_array(x.shape)}",
        expected=wanted,
        got=f"{describe_array(mask.shape)} of {mask.dtype}" if isinstance(mask, Tensor) else type(mask).__name__,
        cause="the mask was made for another input, has a feature axis, or holds numbers in place of true and false"
        if shape is None or shape.has_steps
        else "the input has no steps that could be missing",
        fix=f"write mask.bool(), of shape {describe_array(x.shape[:2])}" if shape is None or shape.has_steps else "leave its mask out",
    )


def stray_mask(name: str, known: list[str]) -> ShapeError:
    """What is said of a mask that belongs to no input."""
    return ShapeError(
        "EN040",
        where=f"the mask {name!r}",
        expected=f"masks of the inputs {', '.join(map(repr, known))}" if known else "no masks, since no inputs are given",
        got=f"one called {name!r}",
        cause="a mask has the name of the input it belongs to",
        fix=f"call it {known[0]!r}" if len(known) == 1 else "leave it out" if not known else "call it by the name of its input",
    )
