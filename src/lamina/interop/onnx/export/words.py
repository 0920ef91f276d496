"""Words number by number, along axes, and the same numbers elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np

from lamina.interop.onnx.export.graph import Writer, writes

PLAIN = {
    "relu": "Relu",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softsign": "Softsign",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "abs": "Abs",
    "neg": "Neg",
    "sin": "Sin",
    "cos": "Cos",
    "erf": "Erf",
    "floor": "Floor",
    "not": "Not",
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "div": "Div",
    "pow": "Pow",
    "maximum": "Max",
    "minimum": "Min",
    "equal": "Equal",
    "less": "Less",
    "greater": "Greater",
    "and": "And",
    "or": "Or",
    "where": "Where",
    "matmul": "MatMul",
    "identity": "Identity",
    "hardswish": "HardSwish",
}
REDUCE = {"mean": "ReduceMean", "sum": "ReduceSum", "amax": "ReduceMax", "amin": "ReduceMin", "prod": "ReduceProd", "l2": "ReduceL2"}
FAR = np.iinfo(np.int64).max


@writes(*PLAIN)
def _plain(w: Writer) -> None:
    w.last(PLAIN[w.operation.kind], w.names())


@writes("selu")
def _selu(w: Writer) -> None:
    w.last("Selu", w.names(), alpha=1.6732632423543772, gamma=1.0507009873554805)


@writes("silu")
def _silu(w: Writer) -> None:
    w.last("Mul", [w.name(0), w.node("Sigmoid", [w.name(0)])])


@writes("mish")
def _mish(w: Writer) -> None:
    if w.opset >= 18:
        w.last("Mish", w.names())
    else:
        w.last("Mul", [w.name(0), w.node("Tanh", [w.node("Softplus", [w.name(0)])])])


@writes("logsigmoid")
def _logsigmoid(w: Writer) -> None:
    w.last("Neg", [w.node("Softplus", [w.node("Neg", [w.name(0)])])])


@writes("clamp")
def _clamp(w: Writer) -> None:
    low, high = w.settings["minimum"], w.settings["maximum"]
    w.last("Clip", [w.name(0), "" if low is None else w.operand(low), "" if high is None else w.operand(high)])


@writes("hardsigmoid")
def _hardsigmoid(w: Writer) -> None:
    w.last("HardSigmoid", w.names(), alpha=float(w.settings["slope"]), beta=0.5)


@writes("leaky_relu")
def _leaky(w: Writer) -> None:
    w.last("LeakyRelu", w.names(), alpha=float(w.settings["slope"]))


@writes("threshold")
def _threshold(w: Writer) -> None:
    border, value = float(w.settings["threshold"]), float(w.settings["value"])
    if value == 0:
        w.last("ThresholdedRelu", w.names(), alpha=border)
    else:
        w.last("Where", [w.node("Greater", [w.name(0), w.number(border)]), w.name(0), w.number(value)])


@writes("softplus")
def _softplus(w: Writer) -> None:
    beta = w.settings["beta"]
    if beta == 1:
        w.last("Softplus", w.names())
    else:
        w.last("Div", [w.node("Softplus", [w.node("Mul", [w.name(0), w.number(beta)])]), w.number(beta)])


@writes("elu", "celu")
def _elu(w: Writer) -> None:
    alpha = float(w.settings["alpha"])
    if w.operation.kind == "elu" or w.graph.dtype == np.float32:
        w.last(w.operation.kind.capitalize(), w.names(), alpha=alpha)
        return
    bent = w.node("Mul", [w.number(alpha), w.node("Sub", [w.node("Exp", [w.node("Div", [w.name(0), w.number(alpha)])]), w.number(1.0)])])
    w.last("Add", [w.node("Relu", [w.name(0)]), w.node("Min", [bent, w.number(0.0)])])


@writes("gelu")
def _gelu(w: Writer) -> None:
    x, approximate = w.name(0), w.settings["approximate"]
    if w.opset >= 20:
        w.last("Gelu", [x], approximate="tanh" if approximate else "none")
        return
    if approximate:
        cube = w.node("Mul", [w.node("Mul", [w.node("Mul", [x, x]), x]), w.number(0.044715)])
        inner = w.node("Tanh", [w.node("Mul", [w.node("Add", [x, cube]), w.number(float(np.sqrt(2 / np.pi)))])])
    else:
        inner = w.node("Erf", [w.node("Div", [x, w.number(float(np.sqrt(2.0)))])])
    w.last("Mul", [w.node("Mul", [x, w.node("Add", [inner, w.number(1.0)])]), w.number(0.5)])


@writes("softshrink", "hardshrink")
def _shrink(w: Writer) -> None:
    border = float(w.settings["threshold"])
    w.last("Shrink", w.names(), lambd=border, bias=border if w.operation.kind == "softshrink" else 0.0)


@writes("softmax", "log_softmax")
def _softmax(w: Writer) -> None:
    w.last("Softmax" if w.operation.kind == "softmax" else "LogSoftmax", w.names(), axis=w.settings["axis"])


@writes("cast")
def _cast(w: Writer) -> None:
    kind = {"int": 7, "bool": 9}.get(w.settings["to"], 11 if w.graph.dtype == np.float64 else 1)
    w.last("Cast", w.names(), to=kind)


# -- along axes ---------------------------------------------------------------------------------------------------------


def reduced(w: Writer, kind: str, x: str, axes: tuple[int, ...], *, keep: bool, outputs: list[str] | None = None) -> str:
    """A reduction; its axes are an input from opset 18 on, of sums from 13 on."""
    if w.opset >= 18 or kind == "ReduceSum":
        return w.node(kind, [x, w.ints(*axes)], outputs, keepdims=int(keep))
    return w.node(kind, [x], outputs, axes=axes, keepdims=int(keep))


@writes(*REDUCE)
def _reduce(w: Writer) -> None:
    reduced(w, REDUCE[w.operation.kind], w.name(0), w.settings["axes"], keep=w.settings["keep"], outputs=w.outputs)


@writes("any", "all")
def _any(w: Writer) -> None:
    kind = "ReduceMax" if w.operation.kind == "any" else "ReduceMin"
    found = reduced(w, kind, w.node("Cast", [w.name(0)], to=6), w.settings["axes"], keep=w.settings["keep"])
    w.last("Cast", [found], to=9)


@writes("cumsum")
def _cumsum(w: Writer) -> None:
    w.last("CumSum", [w.name(0), w.graph.constant(w.settings["axis"], np.int64)])


@writes("sort")
def _sort(w: Writer) -> None:
    """From the largest to the smallest."""
    axis = w.settings["axis"]
    count = w.node("Shape", [w.name(0)], start=axis, end=axis + 1)
    w.node("TopK", [w.name(0), count], [w.outputs[0], w.graph.unique(f"{w.outputs[0]}/places")], axis=axis, largest=1, sorted=1)


# -- elsewhere ----------------------------------------------------------------------------------------------------------


def _shape(w: Writer, sizes: tuple[Any, ...], values: list[str]) -> str:
    """A shape as an input: a constant if it can be one, else put together when it runs."""
    kept = [0 if size == ("same", place) else size for place, size in enumerate(sizes)]
    open_ = [place for place, size in enumerate(kept) if not isinstance(size, int)]
    if len(open_) == 1 and -1 not in kept:
        kept[open_[0]] = -1
        open_ = []
    if not open_:
        return w.ints(*kept)
    given = iter(values)
    parts = []
    for size in kept:
        if size == "value":
            parts.append(next(given))
        elif isinstance(size, tuple):
            parts.append(w.node("Shape", [w.name(0)], start=size[1], end=size[1] + 1))
        else:
            parts.append(w.ints(size))
    return w.node("Concat", parts, axis=0)


@writes("reshape")
def _reshape(w: Writer) -> None:
    values = [w.operand(value) for value in w.operation.inputs[1:]]
    w.last("Reshape", [w.name(0), _shape(w, w.settings["sizes"], values)])


@writes("expand")
def _expand(w: Writer) -> None:
    values = iter([w.operand(value) for value in w.operation.inputs[1:]])
    parts = [next(values) if size == "value" else w.ints(size) for size in w.settings["sizes"]]
    w.last("Expand", [w.name(0), w.node("Concat", parts, axis=0)])


@writes("flatten")
def _flatten(w: Writer) -> None:
    w.last("Flatten", w.names(), axis=1)


@writes("transpose")
def _transpose(w: Writer) -> None:
    w.last("Transpose", w.names(), perm=w.settings["order"])


@writes("unsqueeze")
def _unsqueeze(w: Writer) -> None:
    w.last("Unsqueeze", [w.name(0), w.ints(*w.settings["axes"])])


@writes("squeeze")
def _squeeze(w: Writer) -> None:
    w.last("Squeeze", [w.name(0), w.ints(w.settings["axis"])])


@writes("concat")
def _concat(w: Writer) -> None:
    w.last("Concat", w.names(), axis=w.settings["axis"])


@writes("slice")
def _slice(w: Writer) -> None:
    axis, start, stop, step = (w.settings[key] for key in ("axis", "start", "stop", "step"))
    first = start if start is not None else (0 if step > 0 else FAR)
    end = stop if stop is not None else (FAR if step > 0 else -FAR)
    w.last("Slice", [w.name(0), w.ints(first), w.ints(end), w.ints(axis), w.ints(step)])


@writes("head")
def _head(w: Writer) -> None:
    w.last("Slice", [w.name(0), w.ints(0), w.name(1), w.ints(0)])


@writes("flip")
def _flip(w: Writer) -> None:
    w.last("Slice", [w.name(0), w.ints(-1), w.ints(-FAR), w.ints(w.settings["axis"]), w.ints(-1)])


@writes("take")
def _take(w: Writer) -> None:
    w.last("Gather", [w.name(0), w.graph.constant(w.settings["index"], np.int64)], axis=w.settings["axis"])


@writes("gather")
def _gather(w: Writer) -> None:
    w.last("Gather", w.names(), axis=w.settings["axis"])


@writes("embedding")
def _embedding(w: Writer) -> None:
    w.last("Gather", [w.role("weight"), w.name(0)], axis=0)


@writes("take_steps")
def _take_steps(w: Writer) -> None:
    w.last("GatherND", [w.name(0), w.node("Unsqueeze", [w.name(1), w.ints(2)])], batch_dims=1)


@writes("real_first")
def _real_first(w: Writer) -> None:
    """Larger keys for real steps, falling along the sequence: no two are the same, so the order is certain."""
    steps = w.node("Shape", [w.name(0)], start=1, end=2)
    count = w.node("Squeeze", [steps, w.ints(0)])
    back = w.node("Neg", [w.node("Range", [w.graph.constant(0, np.int64), count, w.graph.constant(1, np.int64)])])
    key = w.node("Where", [w.name(0), w.node("Add", [back, steps]), back])
    w.node("TopK", [key, steps], [w.graph.unique(f"{w.outputs[0]}/keys"), w.outputs[0]], axis=1, largest=1, sorted=1)


@writes("untake_steps")
def _untake(w: Writer) -> None:
    steps = w.node("Shape", [w.name(1)], start=1, end=2)
    order = w.graph.unique(f"{w.outputs[0]}/order")
    w.node("TopK", [w.name(1), steps], [w.graph.unique(f"{w.outputs[0]}/keys"), order], axis=1, largest=0, sorted=1)
    w.last("GatherND", [w.name(0), w.node("Unsqueeze", [order, w.ints(2)])], batch_dims=1)


@writes("pad")
def _pad(w: Writer) -> None:
    pads, mode = w.settings["pads"], w.settings["mode"]
    if mode == "circular":
        _wrapped(w, pads)
        return
    flat = [before for before, _ in pads] + [after for _, after in pads]
    filled = w.number(w.settings["value"]) if mode == "constant" else ""
    w.last("Pad", [w.name(0), w.ints(*flat), filled], mode="edge" if mode == "replicate" else mode)


def _wrapped(w: Writer, pads: tuple[tuple[int, int], ...]) -> None:
    """The other end of each axis before and after it."""
    y = w.name(0)
    axes = [axis for axis, pair in enumerate(pads) if any(pair)]
    for axis in axes:
        before, after = pads[axis]
        parts = [w.node("Slice", [y, w.ints(-before), w.ints(FAR), w.ints(axis)])] if before else []
        parts.append(y)
        parts += [w.node("Slice", [y, w.ints(0), w.ints(after), w.ints(axis)])] if after else []
        y = w.node("Concat", parts, w.outputs if axis == axes[-1] else None, axis=axis)
    if not axes:
        w.last("Identity", [y])


@writes("tile")
def _tile(w: Writer) -> None:
    w.last("Tile", [w.name(0), w.ints(*w.settings["repeats"])])


@writes("size")
def _size(w: Writer) -> None:
    axis = w.settings["axis"]
    w.last("Shape", w.names(), start=axis, end=axis + 1)


@writes("arange")
def _arange(w: Writer) -> None:
    stop = w.node("Squeeze", [w.name(0), w.ints(0)])
    w.last("Range", [w.graph.constant(0, np.int64), stop, w.graph.constant(1, np.int64)])


@writes("one_hot")
def _one_hot(w: Writer) -> None:
    w.last("OneHot", [w.name(0), w.graph.constant(w.settings["depth"], np.int64), w.graph.constant([0, 1], w.graph.dtype)], axis=-1)


@writes("einsum")
def _einsum(w: Writer) -> None:
    w.last("Einsum", w.names(), equation=w.settings["equation"])


@writes("attention")
def _attention(w: Writer) -> None:
    """``softmax(scale Q K^T + bias) V``: MatMul, Softmax, MatMul."""
    q, k, v = (w.name(place) for place in range(3))
    scores = w.node("MatMul", [w.node("Mul", [q, w.number(w.settings["scale"])]), w.node("Transpose", [k], perm=(0, 1, 3, 2))])
    if w.has(4):
        scores = w.node("Add", [scores, w.name(4)])
    allowed = w.name(3) if w.has(3) else _up_to_own(w, q, k) if w.settings["causal"] else None
    if allowed is not None:
        scores = w.node("Where", [allowed, scores, w.number(-np.inf)])
    w.last("MatMul", [w.node("Softmax", [scores], axis=3), v])


def _up_to_own(w: Writer, q: str, k: str) -> str:
    """Keys up to each query's own place."""
    zero, one = w.graph.constant(0, np.int64), w.graph.constant(1, np.int64)
    counts = [w.node("Squeeze", [w.node("Shape", [x], start=2, end=3), w.ints(0)]) for x in (q, k)]
    queries, keys = (w.node("Range", [zero, count, one]) for count in counts)
    return w.node("LessOrEqual", [keys, w.node("Unsqueeze", [queries, w.ints(1)])])
