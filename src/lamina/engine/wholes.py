"""Answers of networks whose inputs or outputs are any arrays: whole numbers, words, lists, arrays without a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lamina.engine.inputs import check_names
from lamina.engine.runnable import Network
from lamina.errors import ShapeError
from lamina.network.plan import Plan
from lamina.shapes import Array, Bundle, Shape

_BYTES = {"int4": torch.int8, "int2": torch.int8, "uint4": torch.uint8, "uint2": torch.uint8}
_BYTES |= {"float4_e2m1": torch.float32, "float8_e8m0": torch.float32}


def answers_to_arrays(network: Network, plan: Plan, data: Any, *, batch_size: int, device: torch.device) -> dict[str, Any]:
    """What each output gives: an array, a list of arrays, or None where there is no value.

    Args:
        network: The network; it is moved to ``device`` and left in the mode for predictions.
        plan: Its plan.
        data: Arrays by input name, or one.
        batch_size: Samples computed at once, where all inputs and outputs have a batch.
        device: Where to compute.

    Raises:
        ShapeError: EN003 to EN005, for arrays that don't fit.
    """
    network = network.to(device).eval()
    given = dict(data) if isinstance(data, Mapping) else {next(iter(plan.inputs), "input"): data}
    check_names(given, plan.inputs, "input")
    real = next((p.dtype for p in network.parameters() if p.dtype.is_floating_point), None)
    real = real or next((b.dtype for b in network.buffers() if b.dtype in (torch.float32, torch.float64)), torch.float32)
    tensors = {name: tensor_of(given[name], shape, name, real, device) for name, shape in plan.inputs.items()}
    with torch.inference_mode():
        if not _batched(plan):
            return {name: array_of(value) for name, value in zip(network.outputs, network.scores(tensors), strict=True)}
        count = len(next(iter(tensors.values())))
        parts: dict[str, list[Any]] = {name: [] for name in network.outputs}
        for start in range(0, max(count, 1), batch_size):
            scores = network.scores({name: value[start : start + batch_size] for name, value in tensors.items()})
            predictions = network.activate(dict(zip(network.outputs, scores, strict=True)))
            for name, value in predictions.items():
                parts[name].append(array_of(value))
    return {name: arrays[0] if len(arrays) == 1 else np.concatenate(arrays) for name, arrays in parts.items()}


def _batched(plan: Plan) -> bool:
    def has_batch(shape: Shape) -> bool:
        return not isinstance(shape, Bundle) and (not isinstance(shape, Array) or (shape.batch and shape.holds == "array"))

    return bool(plan.inputs) and all(has_batch(shape) for shape in (*plan.inputs.values(), *plan.output_shapes.values()))


def tensor_of(value: Any, shape: Shape, name: str, real: torch.dtype, device: torch.device) -> Any:
    """A value as the network takes it.

    Args:
        value: An array or what can be one; a list of these, or None, where the shape says so.
        shape: What the input takes.
        name: Of the input.
        real: The network's own type.
        device: Where it goes.

    Raises:
        ShapeError: EN004, if it is of another kind.
    """
    kind = shape.kind if isinstance(shape, Array) else "int64" if shape.dtype == "int" else "float32"
    holds = shape.holds if isinstance(shape, Array) else "array"
    if holds != "array":
        if value is None:
            return None
        if isinstance(value, list | tuple):
            return [_tensor(one, kind, name, real, device) for one in value]
    return _tensor(value, kind, name, real, device)


def _tensor(value: Any, kind: str, name: str, real: torch.dtype, device: torch.device) -> Any:
    if isinstance(value, Tensor):
        return value.to(device)
    array = np.asarray(value)
    if kind == "string":
        return array.astype(object)
    wanted = real if kind == "float32" else _BYTES.get(kind) or getattr(torch, kind)
    if array.dtype.kind == "V" or array.dtype.name.startswith(("bfloat16", "float8", "float4", "int4", "uint4", "int2", "uint2")):
        # Types that other packages add to NumPy.
        array = array.astype({"i": np.int8, "u": np.uint8}.get(array.dtype.name[0], np.float32))
    if array.dtype.kind not in "biufc" or (array.dtype.kind == "f" and kind.startswith(("int", "uint", "bool"))):
        raise ShapeError(
            "EN004",
            where=f"input {name!r}",
            expected=kind,
            got=str(array.dtype),
            cause="the model was made for another kind of numbers",
            fix=f"convert it before: x.astype({kind!r})" if kind != "bfloat16" else "convert it before: x.astype('float32')",
        )
    return torch.from_numpy(np.array(array)).to(device).to(wanted)


def array_of(value: Any) -> Any:
    """A value as NumPy's; numbers that NumPy doesn't have as float32."""
    if isinstance(value, list | tuple):
        return [array_of(one) for one in value]
    if not isinstance(value, Tensor):
        return value
    value = value.detach().cpu()
    if value.dtype == torch.bfloat16 or "float8" in str(value.dtype):
        value = value.float()
    found: np.ndarray = value.numpy()
    return found
