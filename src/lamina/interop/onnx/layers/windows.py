"""Convolutions, pooling and resizing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamina.interop.onnx.layers import Handler, own
from lamina.interop.onnx.lift import Made
from lamina.interop.onnx.sizes import sizes_of
from lamina.network import layers as ls

if TYPE_CHECKING:
    from lamina.interop.onnx.graph import Op
    from lamina.interop.onnx.lift import Lift

_CONV = {1: ls.Conv1d, 2: ls.Conv2d, 3: ls.Conv3d}
_TRANSPOSED = {1: ls.ConvTranspose1d, 2: ls.ConvTranspose2d, 3: ls.ConvTranspose3d}
_MAX = {1: ls.MaxPool1d, 2: ls.MaxPool2d, 3: ls.MaxPool3d}
_AVERAGE = {1: ls.AvgPool1d, 2: ls.AvgPool2d, 3: ls.AvgPool3d}


def plain(sizes: Any, rank: int, default: int = 1) -> Any:
    """Sizes as a layer has them: one number where all are the same."""
    found = list(sizes) if sizes else [default] * rank
    return found[0] if len(set(found)) == 1 else tuple(found)


def order_of(rank: int) -> tuple[int, ...]:
    """The order in which a layer of windows has its axes: steps before features."""
    return (0, 2, 1) if rank == 1 else tuple(range(rank + 2))


def padding(op: Op, rank: int, sizes: list[Any], window: list[int]) -> Any:
    """Padding as a layer has it; None if there is no word for it."""
    auto, pads = op.attributes.get("auto_pad", "NOTSET"), op.attributes.get("pads") or [0] * 2 * rank
    if auto == "VALID":
        return "valid"
    if auto == "SAME_UPPER":
        return "same"
    if auto == "SAME_LOWER":
        return None
    if pads[:rank] == pads[rank:]:
        return plain(pads[:rank], rank, 0) if any(pads) else "valid"
    strides, dilations = op.attributes.get("strides") or [1] * rank, op.attributes.get("dilations") or [1] * rank
    for place in range(rank):
        size = sizes[place]
        if not isinstance(size, int):
            return None
        total = max((-(-size // strides[place]) - 1) * strides[place] + dilations[place] * (window[place] - 1) + 1 - size, 0)
        if (pads[place], pads[rank + place]) != (total // 2, total - total // 2):
            return None
    return "same"


def _conv(lift: Lift, op: Op) -> bool:
    weight = lift.known.get(op.inputs[1]) if len(op.inputs) > 1 else None
    bias = lift.known.get(op.inputs[2]) if len(op.inputs) > 2 and op.inputs[2] else None
    if weight is None or not own(lift, op, 0) or weight.ndim - 2 not in _CONV or (len(op.inputs) > 2 and op.inputs[2] and bias is None):
        return False
    rank, value = weight.ndim - 2, lift.values[op.inputs[0]]
    around = padding(op, rank, list(value.dims[2:]), list(weight.shape[2:]))
    found = sizes_of(lift, op)
    if around is None or found is None or value.dims[1] != weight.shape[1] * op.attributes.get("group", 1):
        return False
    layer = _CONV[rank](
        weight.shape[0],
        kernel=plain(weight.shape[2:], rank),
        stride=plain(op.attributes.get("strides"), rank),
        padding=around,
        dilation=plain(op.attributes.get("dilations"), rank),
        groups=op.attributes.get("group", 1),
        bias=bias is not None,
    )
    arrays = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    name = lift.emit(op, layer, [lift.need(op.inputs[0], order_of(rank))], found[0].dims, order=order_of(rank), arrays=arrays)
    if bias is None:
        lift.made[op.outputs[0]] = Made(name, layer, weight.shape[0])
    return True


def _transposed(lift: Lift, op: Op) -> bool:
    weight = lift.known.get(op.inputs[1]) if len(op.inputs) > 1 else None
    bias = lift.known.get(op.inputs[2]) if len(op.inputs) > 2 and op.inputs[2] else None
    given = {"output_shape", "auto_pad"} & set(op.attributes)
    if weight is None or given or not own(lift, op, 0) or weight.ndim - 2 not in _TRANSPOSED or (len(op.inputs) > 2 and bias is None):
        return False
    rank, dims = weight.ndim - 2, lift.values[op.inputs[0]].dims
    pads = op.attributes.get("pads") or [0] * 2 * rank
    strides, more = op.attributes.get("strides") or [1] * rank, op.attributes.get("output_padding") or [0] * rank
    dilations = op.attributes.get("dilations") or [1] * rank
    if pads[:rank] != pads[rank:] or not all(isinstance(size, int) for size in dims[2:]):
        return False
    sizes = [
        strides[i] * (dims[2 + i] - 1) + more[i] + dilations[i] * (weight.shape[2 + i] - 1) + 1 - pads[i] - pads[rank + i]
        for i in range(rank)
    ]
    groups = op.attributes.get("group", 1)
    layer = _TRANSPOSED[rank](
        weight.shape[1] * groups,
        kernel=plain(weight.shape[2:], rank),
        stride=plain(strides, rank),
        padding=plain(pads[:rank], rank, 0) if any(pads) else "valid",
        dilation=plain(dilations, rank),
        output_padding=plain(more, rank, 0),
        groups=groups,
        bias=bias is not None,
    )
    arrays = {"weight": weight} if bias is None else {"weight": weight, "bias": bias}
    new = (dims[0], weight.shape[1] * groups, *sizes)
    lift.emit(op, layer, [lift.need(op.inputs[0], order_of(rank))], new, order=order_of(rank), arrays=arrays)
    return True


def _pool(lift: Lift, op: Op) -> bool:
    window = op.attributes["kernel_shape"]
    rank = len(window)
    table = _MAX if op.kind == "MaxPool" else _AVERAGE
    if not own(lift, op, 0) or rank not in table or op.attributes.get("storage_order"):
        return False
    around = padding(op, rank, list(lift.values[op.inputs[0]].dims[2:]), window)
    found = sizes_of(lift, op)
    dilation = plain(op.attributes.get("dilations"), rank)
    if around is None or found is None or (op.kind != "MaxPool" and dilation != 1):
        return False
    settings: dict[str, Any] = {"dilation": dilation} if op.kind == "MaxPool" else {}
    if op.kind == "AveragePool":
        # Without padding both are the same.
        settings["include_padding"] = bool(op.attributes.get("count_include_pad", 0)) and around != "valid"
    if op.attributes.get("ceil_mode"):
        if around == "same":
            return False
        if rank == 2:
            settings["rounding"] = "up"
        elif around == "valid":
            around = "ceil"
        else:
            return False
    layer = table[rank](plain(window, rank), stride=plain(op.attributes.get("strides"), rank), padding=around, **settings)
    lift.emit(op, layer, [lift.need(op.inputs[0], order_of(rank))], found[0].dims, order=order_of(rank))
    return True


def _global(lift: Lift, op: Op) -> bool:
    if not own(lift, op, 0) or not 3 <= len(lift.values[op.inputs[0]].dims) <= 5:
        return False
    dims = lift.values[op.inputs[0]].dims
    layer = ls.GlobalAvgPool() if op.kind == "GlobalAveragePool" else ls.GlobalMaxPool()
    order = order_of(len(dims) - 2)
    lift.emit(op, layer, [lift.need(op.inputs[0], order)], (*dims[:2], *(1 for _ in dims[2:])), pooled=True)
    return True


def _mean(lift: Lift, op: Op) -> bool:
    """A mean over all positions is global pooling."""
    if not own(lift, op, 0) or len(op.inputs) < 2 or op.inputs[1] not in lift.known:
        return False
    dims = lift.values[op.inputs[0]].dims
    axes = sorted(axis % len(dims) for axis in lift.known[op.inputs[1]].reshape(-1).tolist())
    keep = op.attributes.get("keepdims", 1)
    steps = len(dims) == 3 and axes == [1] and not keep
    if len(dims) not in (3, 4, 5) or (axes != list(range(2, len(dims))) and not steps):
        return False
    order = (0, 1, 2) if steps else order_of(len(dims) - 2)
    new = (dims[0], dims[2]) if steps else (*dims[:2], *(1 for _ in dims[2:])) if keep else dims[:2]
    lift.emit(op, ls.GlobalAvgPool(), [lift.need(op.inputs[0], order)], new, pooled=bool(keep))
    return True


def _resize(lift: Lift, op: Op) -> bool:
    found = sizes_of(lift, op)
    dims = lift.values[op.inputs[0]].dims if own(lift, op, 0) else ()
    if found is None or len(dims) != 4 or found[0].dims[:2] != dims[:2]:
        return False
    sizes = [(new, old) for new, old in zip(found[0].dims[2:], dims[2:], strict=True)]
    if any(not isinstance(old, int) or new % old for new, old in sizes):
        return False
    times = [new // old for new, old in sizes]
    mode, where = op.attributes.get("mode", "nearest"), op.attributes.get("coordinate_transformation_mode", "half_pixel")
    if op.attributes.get("antialias") or op.attributes.get("exclude_outside"):
        return False
    if mode == "nearest":
        # Whole factors: every way of choosing the nearest repeats, these with certainty.
        if (where, op.attributes.get("nearest_mode", "round_prefer_floor")) not in (
            *(("asymmetric", "floor"), ("asymmetric", "simple"), ("half_pixel", "round_prefer_floor"), ("half_pixel", "round_prefer_ceil")),
        ):
            return False
        layer = ls.Upsampling2d(plain(times, 2))
    elif mode == "linear" and where in ("half_pixel", "pytorch_half_pixel", "align_corners"):
        layer = ls.Upsampling2d(plain(times, 2), mode="bilinear", align_corners=where == "align_corners")
    else:
        return False
    lift.emit(op, layer, [lift.need(op.inputs[0])], found[0].dims)
    return True


WINDOWS: dict[str, Handler] = {
    **{"Conv": _conv, "ConvTranspose": _transposed, "MaxPool": _pool, "AveragePool": _pool, "GlobalAveragePool": _global},
    **{"GlobalMaxPool": _global, "ReduceMean": _mean, "Resize": _resize},
}
