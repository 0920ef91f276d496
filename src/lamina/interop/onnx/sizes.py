"""Sizes of what operators give, of those that stay operators: a rule for each family; None where there is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lamina.interop.onnx.fold import BATCH, Batch

if TYPE_CHECKING:
    from lamina.interop.onnx.graph import Op
    from lamina.interop.onnx.lift import Lift, Value

Dims = tuple[Any, ...]
_SAME = set(
    [
        "Relu",
        "LeakyRelu",
        "Elu",
        "Selu",
        "Celu",
        "Sigmoid",
        "Tanh",
        "Softplus",
        "Softsign",
        "HardSigmoid",
        "HardSwish",
        "Mish",
        "Gelu",
        "Swish",
        "Erf",
        "Exp",
        "Log",
        "Sqrt",
        "Abs",
        "Neg",
        "Floor",
        "Ceil",
        "Round",
        "Sign",
        "Reciprocal",
        "Sin",
        "Cos",
        "Tan",
        "Softmax",
        "LogSoftmax",
        "Hardmax",
        "Clip",
        "Identity",
        "Dropout",
        "LayerNormalization",
        "RMSNormalization",
        "InstanceNormalization",
        "GroupNormalization",
        "LpNormalization",
        "LRN",
        "CumSum",
        "Trilu",
        "BatchNormalization",
        "ThresholdedRelu",
        "Shrink",
        "PRelu",
        "Not",
        "MeanVarianceNormalization",
        "Cast",
        "SimplifiedLayerNormalization",
    ]
)
_BROAD = set(
    [
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Pow",
        "Max",
        "Min",
        "Sum",
        "Mean",
        "Mod",
        "Where",
        "Equal",
        "Less",
        "Greater",
        "LessOrEqual",
        "GreaterOrEqual",
        "And",
        "Or",
        "Xor",
    ]
)
_BOOLEAN = set(["Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "And", "Or", "Xor", "Not", "IsNaN", "IsInf"])


def sizes_of(lift: Lift, op: Op) -> list[Value] | None:
    """What is known of the values that an operator gives."""
    from lamina.interop.onnx.lift import Value

    if op.domain or op.bodies:
        return None
    inputs = [_dims(lift, name) if name else None for name in op.inputs]
    if any(dims is None for dims, name in zip(inputs, op.inputs, strict=True) if name):
        return None
    rule = _RULES.get(op.kind) or (_same if op.kind in _SAME else _broadcast if op.kind in _BROAD else None)
    if rule is None:
        return None
    try:
        found = rule(lift, op, inputs)
    except (ValueError, IndexError, TypeError, KeyError, AttributeError, ArithmeticError):
        return None
    if found is None:
        return None
    every = found if isinstance(found, list) else [found]
    kind = _kind(lift, op)
    return None if any(op.outputs[len(every) :]) else [Value(dims, kind=kind) for dims in every]


def _kind(lift: Lift, op: Op) -> str:
    if op.kind in _BOOLEAN:
        return "bool"
    if op.kind in ("ArgMax", "ArgMin", "Shape", "Size", "NonZero"):
        return "int64"
    if op.kind == "Cast":
        to = str(op.attributes["to"])
        return "float32" if to == lift.real else to
    name = op.inputs[1] if op.kind == "Where" else op.inputs[0]
    if name in lift.values:
        return lift.values[name].kind
    array = lift.known[name]
    return "float32" if array.dtype.name == lift.real else str(array.dtype.name)


def _dims(lift: Lift, name: str) -> Dims | None:
    if name in lift.values:
        return lift.values[name].dims
    return tuple(lift.known[name].shape) if name in lift.known else None


_AXIS = {"Softmax": -1, "LogSoftmax": -1, "Hardmax": -1, "LpNormalization": -1, "LayerNormalization": -1, "RMSNormalization": -1}


def _same(lift: Lift, op: Op, inputs: list[Any]) -> Dims | None:
    dims: Dims = inputs[0]
    axis = op.attributes.get("axis", _AXIS.get(op.kind))
    if op.kind == "CumSum":
        axis = int(lift.known[op.inputs[1]])
    if op.kind == "Trilu" and any(isinstance(size, Batch) for size in dims[-2:]):
        return None
    # What works along the batch is no matter of samples.
    return None if axis is not None and isinstance(dims[axis], Batch) else dims


def joined(a: Dims, b: Dims) -> Dims | None:
    """Sizes of two together, those of 1 repeated."""
    rank = max(len(a), len(b))
    found = []
    for one, other in zip((1,) * (rank - len(a)) + a, (1,) * (rank - len(b)) + b, strict=True):
        if one == other or _is_one(other):
            found.append(one)
        elif _is_one(one):
            found.append(other)
        elif isinstance(one, str) or isinstance(other, str) or one is None or other is None:
            found.append(one if isinstance(one, int) else other)
        else:
            return None
    return tuple(found)


def _is_one(size: Any) -> bool:
    return isinstance(size, int) and not isinstance(size, Batch) and size == 1


def _broadcast(lift: Lift, op: Op, inputs: list[Any]) -> Dims | None:
    found: Dims | None = ()
    for dims in inputs:
        found = None if found is None else joined(found, dims)
    return found


def _matmul(lift: Lift, op: Op, inputs: list[Any]) -> Dims | None:
    a, b = inputs
    if len(a) < 2 or len(b) < 2 or isinstance(a[-1], Batch) or isinstance(b[-2], Batch) or isinstance(b[-1], Batch):
        return None
    outer = joined(a[:-2], b[:-2])
    return None if outer is None else (*outer, a[-2], b[-1])


def _reduce(lift: Lift, op: Op, inputs: list[Any]) -> Dims | None:
    dims, keep = inputs[0], op.attributes.get("keepdims", 1)
    axes = None
    if op.kind.startswith("Arg"):
        axes = [op.attributes.get("axis", 0)]
    elif len(op.inputs) > 1 and op.inputs[1]:
        axes = lift.known[op.inputs[1]].reshape(-1).tolist()
    if axes is None and op.attributes.get("noop_with_empty_axes"):
        return tuple(dims)
    places = {axis % len(dims) for axis in axes} if axes else set(range(len(dims)))
    if any(isinstance(dims[place], Batch) for place in places):
        return None
    return tuple(1 if place in places else size for place, size in enumerate(dims) if keep or place not in places)


def _transpose(lift: Lift, op: Op, inputs: list[Any]) -> Dims:
    return tuple(inputs[0][axis] for axis in op.attributes.get("perm", range(len(inputs[0]))[::-1]))


def reshaped(dims: Dims, wanted: list[int], batch: int, allowzero: int = 0) -> Dims | None:
    """Sizes after a reshape, the batch kept in front; None if that can't be told.

    Args:
        dims: Sizes before.
        wanted: The numbers of the operator; the batch among them as its mark.
        batch: How many samples the file fixes; -1 if it doesn't.
        allowzero: Whether 0 means none.
    """
    found: list[Any] = [dims[place] if size == 0 and not allowzero else size for place, size in enumerate(wanted)]
    found = [BATCH if isinstance(size, Batch) or size == int(BATCH) else size for size in found]
    plain = [size for size in dims if not isinstance(size, Batch)]
    if not isinstance(dims[0], Batch) or not all(isinstance(size, int) for size in plain):
        return tuple(found) if -1 not in found and BATCH in found else _open(dims, found)
    total = 1
    for size in plain:
        total *= size
    rest = 1
    for size in found[1:]:
        rest *= size if size != -1 and not isinstance(size, Batch) else 1
    first = found[0]
    if isinstance(first, Batch) or first == -1 or first == batch:
        if -1 in found[1:] and rest and total % rest == 0:
            found[1 + found[1:].index(-1)] = total // rest
        elif rest != total:
            return None
        return (BATCH, *found[1:])
    return None


def _open(dims: Dims, found: list[Any]) -> Dims | None:
    """A reshape of what has axes that only the data know: they must stay."""
    if len(found) == len(dims) and all(size in (-1, 0) or size == own for size, own in zip(found, dims, strict=True)):
        return dims
    return None


def _reshape(lift: Lift, op: Op, inputs: list[Any]) -> Dims | None:
    wanted = lift.known.get(op.inputs[1])
    return None if wanted is None else reshaped(inputs[0], wanted.tolist(), lift.batch, op.attributes.get("allowzero", 0))


def _flatten(lift: Lift, op: Op, inputs: list[Any]) -> Dims | None:
    return reshaped(inputs[0], [int(BATCH), -1], lift.batch) if op.attributes.get("axis", 1) == 1 else None


def _unsqueeze(lift: Lift, op: Op, inputs: list[Any]) -> Dims:
    rank = len(inputs[0]) + lift.known[op.inputs[1]].size
    places = {axis % rank for axis in lift.known[op.inputs[1]].reshape(-1).tolist()}
    rest = iter(inputs[0])
    return tuple(1 if place in places else next(rest) for place in range(rank))


def _squeeze(lift: Lift, op: Op, inputs: list[Any]) -> Dims | None:
    dims = inputs[0]
    if len(op.inputs) < 2 or not op.inputs[1]:
        return tuple(size for size in dims if not _is_one(size)) if all(isinstance(size, int) for size in dims) else None
    places = {axis % len(dims) for axis in lift.known[op.inputs[1]].reshape(-1).tolist()}
    return None if any(isinstance(dims[place], Batch) for place in places) else tuple(s for p, s in enumerate(dims) if p not in places)


def _concat(lift: Lift, op: Op, inputs: list[Any]) -> Dims | None:
    axis = op.attributes["axis"] % len(inputs[0])
    sizes = [dims[axis] for dims in inputs]
    if any(isinstance(size, Batch) for size in sizes):
        return None
    whole = sum(sizes) if all(isinstance(size, int) for size in sizes) else None
    return (*inputs[0][:axis], whole, *inputs[0][axis + 1 :])


def _slice(lift: Lift, op: Op, inputs: list[Any]) -> Dims | None:
    dims = list(inputs[0])
    given: list[Any] = [lift.known[name].tolist() if name else None for name in op.inputs[1:]]
    begins, ends = given[0], given[1]
    axes = given[2] if len(given) > 2 and given[2] is not None else list(range(len(begins)))
    steps = given[3] if len(given) > 3 and given[3] is not None else [1] * len(begins)
    for begin, end, axis, step in zip(begins, ends, axes, steps, strict=True):
        size = dims[axis]
        if isinstance(size, Batch):
            return None
        dims[axis] = len(range(*slice(begin, end, step).indices(size))) if isinstance(size, int) and step > 0 else None
    return tuple(dims)


def _split(lift: Lift, op: Op, inputs: list[Any]) -> list[Dims] | None:
    axis = op.attributes.get("axis", 0) % len(inputs[0])
    size = inputs[0][axis]
    if not isinstance(size, int) or isinstance(size, Batch):
        return None
    if len(op.inputs) > 1 and op.inputs[1]:
        parts = lift.known[op.inputs[1]].tolist()
    else:
        each = -(-size // len(op.outputs))
        parts = [min(each, size - each * number) for number in range(len(op.outputs))]
    return [(*inputs[0][:axis], part, *inputs[0][axis + 1 :]) for part in parts]


def _gather(lift: Lift, op: Op, inputs: list[Any]) -> Dims | None:
    axis = op.attributes.get("axis", 0) % len(inputs[0])
    return None if isinstance(inputs[0][axis], Batch) else (*inputs[0][:axis], *inputs[1], *inputs[0][axis + 1 :])


def _pad(lift: Lift, op: Op, inputs: list[Any]) -> Dims | None:
    pads = lift.known[op.inputs[1]].tolist()
    dims = list(inputs[0])
    if len(op.inputs) > 3 and op.inputs[3]:
        return None
    for axis, size in enumerate(dims):
        more = pads[axis] + pads[len(dims) + axis]
        if more:
            if not isinstance(size, int) or isinstance(size, Batch):
                return None
            dims[axis] = size + more
    return tuple(dims)


def _slid(lift: Lift, op: Op, inputs: list[Any]) -> Dims | None:
    x = inputs[0]
    if op.kind == "Conv":
        window, channels = list(inputs[1][2:]), inputs[1][0]
    else:
        window, channels = list(op.attributes["kernel_shape"]), x[1]
    rank = len(window)
    strides, dilations = op.attributes.get("strides", [1] * rank), op.attributes.get("dilations", [1] * rank)
    pads, auto = op.attributes.get("pads", [0] * 2 * rank), op.attributes.get("auto_pad", "NOTSET")
    sizes: list[Any] = []
    for place in range(rank):
        size = x[2 + place]
        if not isinstance(size, int):
            sizes.append(None)
            continue
        if auto.startswith("SAME"):
            sizes.append(-(-size // strides[place]))
            continue
        more = pads[place] + pads[rank + place] if auto == "NOTSET" else 0
        whole = size + more - dilations[place] * (window[place] - 1) - 1
        if op.attributes.get("ceil_mode"):
            count = -(-whole // strides[place]) + 1
            sizes.append(count - ((count - 1) * strides[place] >= size + pads[place]))
        else:
            sizes.append(whole // strides[place] + 1)
    return (x[0], channels, *sizes)


def _global(lift: Lift, op: Op, inputs: list[Any]) -> Dims:
    return (*inputs[0][:2], *(1 for _ in inputs[0][2:]))


def _resize(lift: Lift, op: Op, inputs: list[Any]) -> Dims | None:
    if op.attributes.get("axes") or op.attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        return None
    dims = inputs[0]
    if len(op.inputs) > 3 and op.inputs[3]:
        wanted = lift.known[op.inputs[3]].tolist()
        return (dims[0], *(int(size) for size in wanted[1:]))
    scales = lift.known[op.inputs[2]].tolist()
    if scales[0] != 1:
        return None
    return (dims[0], *(int(size * scale) for size, scale in zip(dims[1:], scales[1:], strict=True)))


_RULES: dict[str, Callable[..., Any]] = {
    **{"MatMul": _matmul, "Transpose": _transpose, "Reshape": _reshape, "Flatten": _flatten, "Unsqueeze": _unsqueeze, "Squeeze": _squeeze},
    **{"Concat": _concat, "Slice": _slice, "Split": _split, "Gather": _gather, "Pad": _pad, "Conv": _slid, "MaxPool": _slid},
    **{"AveragePool": _slid, "LpPool": _slid, "Resize": _resize, "ArgMax": _reduce, "ArgMin": _reduce},
    **{
        name: _reduce
        for name in ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare"]
    },
    **{name: _reduce for name in ("ReduceLogSum", "ReduceLogSumExp")},
    **{name: _global for name in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")},
}
