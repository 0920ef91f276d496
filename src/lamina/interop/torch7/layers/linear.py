"""Products with matrices, learnt factors and biases, tables of vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamina.interop.torch7.builder import Builder
from lamina.interop.torch7.module import Module, converts
from lamina.interop.torch7.values import Anything, Misfit, Value
from lamina.network import layers as ls
from lamina.network import vertices as v
from lamina.network.layers.layer import last_axis
from lamina.shapes import Features, Image, Tokens, Volume

if TYPE_CHECKING:
    import numpy as np

FOLDED = "that the weights are kept as lengths and directions"


def dense(module: Module, value: Value, builder: Builder, weight: np.ndarray, bias: np.ndarray | None, note: str = "") -> Value:
    """A product with a matrix."""
    if weight.ndim != 2:
        raise module.refused("weight", "a matrix")
    one = builder.plain(module, value, Features)
    units, count = weight.shape
    if last_axis(one.shape) != count:
        got = last_axis(one.shape)
        raise Misfit(module.where, f"vectors of {count} numbers", str(one.shape), got - count)
    layer = ls.Dense(units, bias=bias is not None)
    return builder.enter(module, layer, one, {"weight": weight, "bias": bias}, owner=module.keys(), note=note)


@converts("Linear", "LinearNoBias")
def linear(module: Module, value: Anything, builder: Builder) -> Anything:
    """``y = W x + b``."""
    bias = None if module.kind == "LinearNoBias" else module.tensor("bias")
    return dense(module, builder.one(module, value), builder, module.weight("weight"), bias)


@converts("LinearWeightNorm")
def weight_norm(module: Module, value: Anything, builder: Builder) -> Anything:
    """A product with a matrix whose rows are kept as lengths and directions."""
    import numpy as np

    direction, length = module.weight("v"), module.weight("g").reshape(-1, 1)
    weight = direction * (length / np.sqrt((direction.astype("f8") ** 2).sum(1, keepdims=True))).astype(direction.dtype)
    builder.notes.lose(module.where, FOLDED)
    return dense(module, builder.one(module, value), builder, weight, module.tensor("bias"))


@converts("Cosine")
def cosine(module: Module, value: Anything, builder: Builder) -> Anything:
    """Cosines with learnt vectors."""
    import numpy as np

    weight = module.weight("weight")
    one = builder.enter(module, v.L2Normalize(), builder.plain(module, builder.one(module, value), Features), suffix="_unit")
    builder.notes.lose(
        module.where, "that the learnt vectors are brought to length 1 before each use: they have it, until they are trained"
    )
    return dense(module, one, builder, weight / np.maximum(np.linalg.norm(weight, axis=1, keepdims=True), 1e-12), None)


@converts("Bilinear")
def bilinear(module: Module, value: Anything, builder: Builder) -> Anything:
    """``y_k = x1 W_k x2 + b_k``."""
    values, weight = [builder.plain(module, one, Features) for one in builder.all(module, value)], module.weight("weight")
    bias = module.tensor("bias")
    layer = v.Bilinear(weight.shape[0], bias=bias is not None)
    return builder.enter(module, layer, values, {"weight": weight, "bias": bias}, owner=module.keys())


def _each_feature(module: Module, one: Value, numbers: np.ndarray) -> np.ndarray:
    """A number for each feature or channel, out of what may be written with axes of one place."""
    import numpy as np

    count = last_axis(one.shape)
    channels = isinstance(one.shape, Image | Volume)
    sizes = [size for size in numbers.shape if size != 1]
    if numbers.size == 1:
        return np.full(count, numbers.reshape(-1)[0], numbers.dtype)
    place = next((place for place, size in enumerate(numbers.shape) if size != 1), 0)
    ahead = numbers.ndim - place
    if sizes == [count] and (ahead == (len(one.shape.dims) if channels else 1)):
        return numbers.reshape(-1)
    raise Misfit(module.where, f"a number for each feature or channel of {one.shape}", f"numbers of sizes {list(numbers.shape)}")


@converts("Mul", "CMul")
def factor(module: Module, value: Anything, builder: Builder) -> Anything:
    """Learnt factors."""
    one, weight = builder.plain(module, builder.one(module, value)), module.weight("weight")
    if module.kind == "Mul":
        builder.notes.lose(module.where, "that one factor is learnt for all numbers: here each feature has its own")
    found = _each_feature(module, one, weight)
    return builder.enter(module, ls.ElementwiseMultiplication(bias=False), one, {"weight": found}, owner=module.keys())


@converts("Add", "CAdd")
def shift(module: Module, value: Anything, builder: Builder) -> Anything:
    """Learnt biases."""
    import numpy as np

    one, bias = builder.plain(module, builder.one(module, value)), module.weight("bias")
    found = _each_feature(module, one, bias)
    builder.notes.lose(module.where, "that no factor is learnt beside the bias: here it is 1, and is learnt too")
    return builder.enter(module, ls.ElementwiseMultiplication(), one, {"weight": np.ones_like(found), "bias": found}, owner=module.keys())


@converts("LookupTable", "LookupTableMaskZero")
def lookup(module: Module, value: Anything, builder: Builder) -> Anything:
    """A vector for each whole number; there they count from 1."""
    one, weight = builder.one(module, value), module.weight("weight")
    if weight.ndim != 2 or not isinstance(one.shape, Tokens) or one.shape.vocabulary != len(weight):
        raise Misfit(module.where, f"whole numbers up to {len(weight)}", str(one.shape))
    masks = module.kind == "LookupTableMaskZero"
    if one.first != (0 if masks else 1):
        raise Misfit(module.where, "numbers that count from 1", "others")
    if module.number("maxNorm") or module.number("paddingValue"):
        builder.notes.lose(module.where, "that training leaves the vector of the padding alone, or bounds lengths")
    order = (*one.order, 2)
    layer = ls.Embedding(weight.shape[1])
    found = builder.enter(module, layer, one, {"weight": weight}, order=order, owner=module.keys())
    return Value(found.node, found.shape, order)


@converts("OneHot")
def one_hot(module: Module, value: Anything, builder: Builder) -> Anything:
    """Whole numbers as vectors of one 1; there they count from 1."""
    one = builder.one(module, value)
    if not isinstance(one.shape, Tokens):
        raise Misfit(module.where, "whole numbers", str(one.shape))
    return builder.enter(module, ls.OneHot(), one, order=(*one.order, 2))
