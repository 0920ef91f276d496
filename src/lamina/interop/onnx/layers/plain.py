"""Dense layers, normalisation, activations, embeddings, and what rearranges."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lamina.interop.onnx.fold import Batch
from lamina.interop.onnx.layers import Handler, own
from lamina.interop.onnx.layers.recurrent import last_step
from lamina.interop.onnx.layers.windows import order_of
from lamina.interop.onnx.lift import Made, Value, product
from lamina.interop.onnx.sizes import sizes_of
from lamina.network import activations as a
from lamina.network import layers as ls
from lamina.shapes import Array

if TYPE_CHECKING:
    from lamina.interop.onnx.graph import Op
    from lamina.interop.onnx.lift import Lift

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    **{"Relu": lambda g: a.Relu(), "Sigmoid": lambda g: a.Sigmoid(), "Tanh": lambda g: a.Tanh(), "Softsign": lambda g: a.Softsign()},
    **{"Softplus": lambda g: a.Softplus(), "LeakyRelu": lambda g: a.LeakyRelu(g("alpha", 0.01)), "Elu": lambda g: a.Elu(g("alpha", 1.0))},
    **{"Celu": lambda g: a.Celu(g("alpha", 1.0)), "Gelu": lambda g: a.Gelu(approximate=g("approximate", "none") == "tanh")},
    **{"Mish": lambda g: a.Mish(), "HardSwish": lambda g: a.HardSwish()},
}


def _value(lift: Lift, op: Op) -> Value | None:
    return lift.values.get(op.inputs[0]) if op.inputs else None


def _through(lift: Lift, op: Op, layer: Any) -> bool:
    """A layer that works number by number, whatever the order of axes."""
    value = _value(lift, op)
    if value is None or value.kind != "float32":
        return False
    if value.node is None:
        lift.need(op.inputs[0])
        value = lift.values[op.inputs[0]]
    if isinstance(lift.shape(value.dims, value.order), Array) and not value.pooled:
        return False
    lift.emit(op, layer, [str(value.node)], value.dims, order=value.order, pooled=value.pooled)
    return True


def _activation(lift: Lift, op: Op) -> bool:
    made = _ACTIVATIONS[op.kind](op.attributes.get)
    return _through(lift, op, ls.ActivationLayer(made))


def _clip(lift: Lift, op: Op) -> bool:
    bounds = [lift.known.get(name) if name else None for name in op.inputs[1:]]
    if any(bound is None for bound in bounds) or len(bounds) != 2:
        return False
    low, high = (float(bound.reshape(())) for bound in bounds if bound is not None)
    if (low, high) == (0.0, 6.0):
        return _through(lift, op, ls.ActivationLayer("relu6"))
    return low < high and _through(lift, op, ls.ActivationLayer(a.Clamp(low, high)))


def _softmax(lift: Lift, op: Op) -> bool:
    value = _value(lift, op)
    if value is None or value.kind != "float32" or value.pooled:
        return False
    rank = len(value.dims)
    axis = op.attributes.get("axis", -1) % rank
    if axis != (rank - 1 if rank < 4 else 1):
        return False
    lift.emit(op, ls.ActivationLayer("softmax" if op.kind == "Softmax" else "log_softmax"), [lift.need(op.inputs[0])], value.dims)
    return True


def _dropout(lift: Lift, op: Op) -> bool:
    training = lift.known.get(op.inputs[2]) if len(op.inputs) > 2 and op.inputs[2] else None
    ratio = lift.known.get(op.inputs[1]) if len(op.inputs) > 1 and op.inputs[1] else None
    rate = 0.5 if ratio is None else float(ratio.reshape(()))
    if (training is not None and bool(training)) or not 0 <= rate < 1:
        return False
    if rate == 0:
        return _identity(lift, op)
    return _through(lift, op, ls.Dropout(rate))


def _identity(lift: Lift, op: Op) -> bool:
    value = _value(lift, op)
    if value is None:
        return False
    lift.need(op.inputs[0]) if value.node is None else None
    lift.alias(op, lift.values[op.inputs[0]])
    return True


def _cast(lift: Lift, op: Op) -> bool:
    value = _value(lift, op)
    to = op.attributes["to"]
    return value is not None and value.kind == ("float32" if to == lift.real else to) and _identity(lift, op)


def _dense(lift: Lift, op: Op, weight: Any, bias: Any) -> bool:
    """A product with a matrix ``[out, in]``."""
    value = _value(lift, op)
    if value is None or weight.ndim != 2 or len(value.dims) not in (2, 3) or value.dims[-1] != weight.shape[1] or value.kind != "float32":
        return False
    if bias is not None and bias.size not in (1, weight.shape[0]):
        return False
    layer = ls.Dense(weight.shape[0], bias=bias is not None)
    arrays = {"weight": weight}
    if bias is not None:
        flat = bias.reshape(-1)
        arrays["bias"] = flat if flat.size == weight.shape[0] else flat.repeat(weight.shape[0])
    rank = len(value.dims)
    # Steps and batch may have changed places: a dense layer treats each position by itself.
    as_it_is = value.node is not None and not value.pooled and value.order[-1] == rank - 1
    order = value.order if as_it_is else tuple(range(rank))
    node = str(value.node) if as_it_is else lift.need(op.inputs[0])
    name = lift.emit(op, layer, [node], (*value.dims[:-1], weight.shape[0]), order=order, arrays=arrays)
    if bias is None:
        lift.made[op.outputs[0]] = Made(name, layer, weight.shape[0])
    return True


def _gemm(lift: Lift, op: Op) -> bool:
    weight = lift.known.get(op.inputs[1])
    bias = lift.known.get(op.inputs[2]) if len(op.inputs) > 2 and op.inputs[2] else None
    if weight is None or op.attributes.get("transA") or (len(op.inputs) > 2 and op.inputs[2] and bias is None):
        return False
    if bias is not None and bias.ndim > 1 and bias.shape[0] != 1:
        return False
    alpha, beta = op.attributes.get("alpha", 1.0), op.attributes.get("beta", 1.0)
    matrix = weight if op.attributes.get("transB") else weight.T
    return _dense(lift, op, matrix if alpha == 1 else matrix * alpha, bias if bias is None or beta == 1 else bias * beta)


def _matmul(lift: Lift, op: Op) -> bool:
    weight = lift.known.get(op.inputs[1])
    return weight is not None and weight.ndim == 2 and _dense(lift, op, weight.T, None)


def _batch_norm(lift: Lift, op: Op) -> bool:
    value = _value(lift, op)
    arrays = [lift.known.get(name) for name in op.inputs[1:5]]
    if value is None or any(array is None for array in arrays) or op.attributes.get("training_mode") or not 2 <= len(value.dims) <= 5:
        return False
    momentum = op.attributes.get("momentum", 0.9)
    layer = ls.BatchNorm(epsilon=op.attributes.get("epsilon", 1e-5), momentum=1 - momentum if 0 <= momentum < 1 else 0.1)
    if value.dims[1] != (arrays[0].size if arrays[0] is not None else 0):
        return False
    names = ("weight", "bias", "running_mean", "running_var")
    order = order_of(len(value.dims) - 2) if len(value.dims) > 2 else (0, 1)
    kept = {name: array for name, array in zip(names, arrays, strict=True) if array is not None}
    lift.emit(op, layer, [lift.need(op.inputs[0], order)], value.dims, order=order, arrays=kept)
    return True


def _layer_norm(lift: Lift, op: Op) -> bool:
    value = _value(lift, op)
    scale, bias = lift.known.get(op.inputs[1]), lift.known.get(op.inputs[2]) if len(op.inputs) > 2 else None
    if value is None or scale is None or scale.ndim != 1 or len(value.dims) not in (2, 3) or (len(op.inputs) > 2 and bias is None):
        return False
    if op.attributes.get("axis", -1) % len(value.dims) != len(value.dims) - 1 or scale.size != value.dims[-1]:
        return False
    epsilon = op.attributes.get("epsilon", 1e-5)
    layer = ls.RMSNorm(epsilon=epsilon) if op.kind == "RMSNormalization" else ls.LayerNorm(epsilon=epsilon, bias=bias is not None)
    arrays = {"weight": scale} if bias is None else {"weight": scale, "bias": bias}
    lift.emit(op, layer, [lift.need(op.inputs[0])], value.dims, arrays=arrays)
    return True


def _grouped_norm(lift: Lift, op: Op) -> bool:
    value = _value(lift, op)
    scale, bias = (lift.known.get(name) for name in op.inputs[1:3])
    if value is None or scale is None or bias is None or not 3 <= len(value.dims) <= 5 or scale.size != value.dims[1]:
        return False
    epsilon = op.attributes.get("epsilon", 1e-5)
    if op.kind == "InstanceNormalization":
        layer: Any = ls.InstanceNorm(epsilon=epsilon)
    else:
        layer = ls.GroupNorm(op.attributes["num_groups"], epsilon=epsilon)
    order = order_of(len(value.dims) - 2)
    lift.emit(op, layer, [lift.need(op.inputs[0], order)], value.dims, order=order, arrays={"weight": scale, "bias": bias})
    return True


def _local_response(lift: Lift, op: Op) -> bool:
    value, size = _value(lift, op), op.attributes["size"]
    if value is None or not 3 <= len(value.dims) <= 5 or size % 2 == 0:
        return False
    given = {"alpha": op.attributes.get("alpha", 1e-4), "beta": op.attributes.get("beta", 0.75), "k": op.attributes.get("bias", 1.0)}
    order = order_of(len(value.dims) - 2)
    lift.emit(op, ls.LocalResponseNorm(size, average=True, **given), [lift.need(op.inputs[0], order)], value.dims, order=order)
    return True


def _transpose(lift: Lift, op: Op) -> bool:
    value = _value(lift, op)
    if value is None:
        return False
    rank = len(value.dims)
    perm = list(op.attributes.get("perm", range(rank)[::-1]))
    if value.node is None or value.pooled:
        lift.need(op.inputs[0])
        value = lift.values[op.inputs[0]]
    order = tuple(perm.index(axis) for axis in value.order)
    lift.alias(op, Value(tuple(value.dims[axis] for axis in perm), value.node, order, value.kind))
    return True


def _reshape(lift: Lift, op: Op) -> bool:
    value, found = _value(lift, op), sizes_of(lift, op)
    if value is None or found is None or value.kind != "float32":
        return False
    new, old = found[0].dims, value.dims
    if new == old:
        return _identity(lift, op)
    if value.pooled and new == old[:2]:
        lift.alias(op, Value(new, value.node, (0, 1), value.kind))
        return True
    if not isinstance(new[0], Batch) or not isinstance(old[0], Batch) or product(new) is None or product(old) is None:
        return False
    shape = lift.shape(new)
    if isinstance(shape, Array) or isinstance(lift.shape(old), Array):
        return False
    lift.emit(op, ls.Flatten() if len(new) == 2 else ls.Reshape(shape), [lift.need(op.inputs[0])], new)
    return True


def _gather(lift: Lift, op: Op) -> bool:
    if op.inputs[0] in lift.values:
        return last_step(lift, op)
    table = lift.known.get(op.inputs[0])
    value = lift.values.get(op.inputs[1])
    if table is None or value is None or table.ndim != 2 or len(value.dims) != 2 or op.attributes.get("axis", 0) or value.kind != "int64":
        return False
    if value.node not in lift.inputs:
        return False
    node = lift.need(op.inputs[1])
    if getattr(lift.inputs[node], "vocabulary", 0) != len(table):
        return False
    lift.emit(op, ls.Embedding(table.shape[1]), [node], (*value.dims, table.shape[1]), arrays={"weight": table})
    return True


PLAIN: dict[str, Handler] = {
    **dict.fromkeys(_ACTIVATIONS, _activation),
    **{"Clip": _clip, "Softmax": _softmax, "LogSoftmax": _softmax, "Dropout": _dropout, "Identity": _identity, "Cast": _cast},
    **{"Gemm": _gemm, "MatMul": _matmul, "BatchNormalization": _batch_norm, "LayerNormalization": _layer_norm, "LRN": _local_response},
    **{"RMSNormalization": _layer_norm, "InstanceNormalization": _grouped_norm, "GroupNormalization": _grouped_norm},
    **{"Transpose": _transpose, "Reshape": _reshape, "Flatten": _reshape, "Squeeze": _reshape, "Unsqueeze": _reshape, "Gather": _gather},
    "Slice": last_step,
}
__all__ = ["PLAIN", "own"]
