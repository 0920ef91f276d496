"""Parameters and buffers as named NumPy arrays, out of a network and into it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from lamina.errors import LaminaError, Problem, nearest
from lamina.shapes import describe_array

Arrays = dict[str, np.ndarray]


class WeightsError(LaminaError):
    """Arrays and a network don't belong together."""


def to_array(tensor: Tensor) -> np.ndarray:
    """A copy of a tensor in rows (C order), on the CPU; bfloat16, which NumPy doesn't know, becomes float32 without loss."""
    tensor = tensor.detach()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    # Not .numpy() alone: that shares memory with the tensor, which the next step changes.
    return np.array(tensor.cpu().numpy(), order="C", copy=True)


def load_tensors(tensors: Mapping[str, Tensor], arrays: Mapping[str, np.ndarray]) -> None:
    """Copy arrays into tensors of the same names, in place; all are checked before the first is changed.

    Raises:
        WeightsError: EN008, with one problem for each name that is missing, unexpected, or of another shape or kind.
    """
    problems = [_missing(name, arrays) for name in tensors if name not in arrays]
    problems += [_unexpected(name, tensors) for name in arrays if name not in tensors]
    problems += [p for name, t in tensors.items() if name in arrays for p in _differences(name, t, arrays[name])]
    if problems:
        raise WeightsError.of(problems)
    with torch.no_grad():
        for name, tensor in tensors.items():
            array = np.ascontiguousarray(arrays[name]).reshape(tensor.shape)
            if array.flags.writeable:
                tensor.copy_(torch.from_numpy(array))
            elif tensor.device.type == "cpu" and tensor.dtype in (torch.float32, torch.float64):
                # What is a view of a file can't be changed, and torch takes no such arrays; a copy of it would take as much again.
                np.copyto(tensor.detach().numpy(), array)
            else:
                tensor.copy_(torch.from_numpy(array.copy()))


def _missing(name: str, arrays: Mapping[str, np.ndarray]) -> Problem:
    close = nearest(name, arrays)
    return Problem(
        "EN008",
        where=name,
        expected="an array of this name",
        got="none" + (f"; the nearest is {close!r}" if close else ""),
        cause="the weights are of another network, or a layer was renamed or added since they were kept",
        fix="give the weights of this very network; layers keep their weights by name, so set name: on a layer to keep an old one",
    )


def _unexpected(name: str, tensors: Mapping[str, Tensor]) -> Problem:
    close = nearest(name, tensors)
    return Problem(
        "EN008",
        where=name,
        expected="only arrays that the network has" + (f", such as {close!r}" if close else ""),
        got="an array that it doesn't have",
        cause="the weights are of another network, or a layer was renamed or removed since they were kept",
        fix="give the weights of this very network, or remove the array",
    )


def _differences(name: str, tensor: Tensor, array: np.ndarray) -> list[Problem]:
    if tuple(array.shape) != tuple(tensor.shape):
        return [
            Problem(
                "EN008",
                where=name,
                expected=f"the shape {describe_array(tensor.shape)}",
                got=describe_array(array.shape),
                cause="the layer, or the one before it, had other sizes when the weights were kept",
                fix="describe the network with the sizes it was trained with",
            )
        ]
    own = to_array(tensor[:0] if tensor.dim() else tensor).dtype
    # Widening is exact; anything else would change values without a word.
    if own != array.dtype and not np.can_cast(array.dtype, own, casting="safe"):
        return [
            Problem(
                "EN008",
                where=name,
                expected=f"{own}, which the network computes in",
                got=str(array.dtype),
                cause="the weights were kept in a wider or another kind of numbers",
                fix=f'build the network with this dtype, or convert the array: array.astype("{own}")',
            )
        ]
    return []
