"""Sequences of tensors, and values that may be missing."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lamina.engine.operators.registry import Context, operator
from lamina.engine.operators.shaping import ints


@operator("SequenceConstruct")
def sequence_construct(*values: Any) -> Any:
    """A sequence of these."""
    return (list(values),)


@operator("SequenceEmpty")
def sequence_empty(*, dtype: str = "float32") -> Any:
    """A sequence of nothing."""
    return ([],)


@operator("SequenceInsert")
def sequence_insert(values: list[Any], value: Any, place: Tensor | None = None) -> Any:
    """One more, at the end or at a place."""
    found = list(values)
    found.insert(len(found) if place is None else int(place), value)
    return (found,)


@operator("SequenceErase")
def sequence_erase(values: list[Any], place: Tensor | None = None) -> Any:
    """One less."""
    found = list(values)
    found.pop(-1 if place is None else int(place))
    return (found,)


@operator("SequenceAt")
def sequence_at(values: list[Any], place: Tensor) -> Any:
    """One of them."""
    return (values[int(place)],)


@operator("SequenceLength")
def sequence_length(values: list[Any]) -> Tensor:
    """How many there are."""
    return torch.tensor(len(values), dtype=torch.int64)


@operator("ConcatFromSequence")
def concat_from_sequence(values: list[Tensor], *, axis: int, new_axis: int = 0) -> Tensor:
    """All of them in one tensor."""
    return torch.stack(values, axis) if new_axis else torch.cat(values, axis)


@operator("SplitToSequence")
def split_to_sequence(x: Tensor, sizes: Tensor | None = None, *, axis: int = 0, keepdims: int = 1) -> Any:
    """Parts of a tensor."""
    if sizes is None:
        return (list(x.tensor_split(x.shape[axis], axis)) if keepdims else list(x.unbind(axis)),)
    total = x.shape[axis]
    parts = ints(sizes) if sizes.dim() else [min(int(sizes), total - start) for start in range(0, total, int(sizes))]
    return (list(x.split_with_sizes(parts, axis)),)


@operator("Optional")
def optional(value: Any = None, *, type_: Any = None) -> Any:
    """A value, or none."""
    return (value,)


@operator("OptionalHasElement")
def optional_has_element(value: Any = None, *, context: Context) -> Tensor:
    """Whether there is one."""
    return torch.tensor(value is not None, device=context.device)


@operator("OptionalGetElement")
def optional_get_element(value: Any, *, context: Context) -> Any:
    """The value."""
    if value is None:
        raise context.refused(expected="a value", got="none", fix="ask OptionalHasElement before")
    return (value,)
