"""Tables of arrays: joined, added up, taken apart."""

from __future__ import annotations

from collections.abc import Callable

from lamina.interop.torch7.builder import Builder
from lamina.interop.torch7.module import Module, converts
from lamina.interop.torch7.values import Anything, Misfit, Refused, Split, Value, flat
from lamina.network import layers as ls
from lamina.network import vertices as v
from lamina.network.layers.layer import Layer
from lamina.shapes import Features
from lamina.shapes import Sequence as Steps

JOINS: dict[str, Callable[[], Layer]] = {
    "CAddTable": v.Add,
    "CSubTable": v.Subtract,
    "CMulTable": v.Multiply,
    "CMaxTable": v.Max,
    "CMinTable": v.Min,
    "CAveTable": v.Average,
}


@converts(*JOINS)
def elementwise(module: Module, value: Anything, builder: Builder) -> Anything:
    """Number by number."""
    values = builder.all(module, value)
    if any(one.order != values[0].order or one.mapped != values[0].mapped for one in values):
        values = [builder.plain(module, one) for one in values]
    if any(one.shape.dims != values[0].shape.dims for one in values):
        raise Misfit(module.where, f"arrays like {values[0].shape}", ", ".join(str(one.shape) for one in values))
    return values[0] if len(values) == 1 else builder.enter(module, JOINS[module.kind](), values)


@converts("JoinTable")
def join(module: Module, value: Anything, builder: Builder) -> Anything:
    """Side by side."""
    dimension, own = module.whole("dimension", default=1), max(module.whole("nInputDims", default=0), 0)
    if isinstance(value, Split):
        found = _rejoined(module, value, dimension, own, builder)
        if found is not None:
            return found
    values = builder.all(module, value)
    values = [builder.plain(module, one) for one in values] if len({one.order for one in values}) > 1 else values
    return builder.joined(module, values, builder.axis(module, values[0], dimension, own))


def _rejoined(module: Module, split: Split, dimension: int, own: int, builder: Builder) -> Value | None:
    """The steps of a sequence one after another in one vector."""
    value = split.value
    each = Value(value.node, value.shape, tuple(axis for axis in value.order if axis != split.axis))
    axis = builder.axis(module, each, dimension, own)
    if isinstance(value.shape, Steps) and split.axis == 1 and axis == 2:
        return builder.enter(module, ls.Flatten(), Value(value.node, value.shape, (0, 1, 2)), order=(0, 1))
    return None


@converts("SelectTable")
def select(module: Module, value: Anything, builder: Builder) -> Anything:
    """One entry."""
    index = module.whole("index", default=1)
    place = index - 1 if index > 0 else index
    if isinstance(value, Split):
        return builder.select(module, value.value, value.axis, place)
    items = builder.items(module, value)
    if not -len(items) <= place < len(items):
        raise Misfit(module.where, f"an entry of {len(items)}", str(index))
    return items[place]


@converts("NarrowTable")
def narrow(module: Module, value: Anything, builder: Builder) -> Anything:
    """A stretch of the entries."""
    items = builder.items(module, value)
    start, count = module.whole("offset", default=1) - 1, module.whole("length", default=1)
    if not 0 <= start <= start + count <= len(items):
        raise Misfit(module.where, f"entries of {len(items)}", f"{count} from {start + 1}")
    return items[start : start + count]


@converts("FlattenTable")
def flatten(module: Module, value: Anything, builder: Builder) -> Anything:
    """Tables within tables as one."""
    return value if isinstance(value, Split) else tuple(flat(value))


@converts("ZipTable")
def zip_table(module: Module, value: Anything, builder: Builder) -> Anything:
    """A table of tables with its entries exchanged."""
    items = [builder.items(module, item) for item in builder.items(module, value)]
    if len({len(item) for item in items}) != 1:
        raise Misfit(module.where, "tables of one length", "others")
    return tuple(zip(*items, strict=True))


@converts("SplitTable")
def split(module: Module, value: Anything, builder: Builder) -> Anything:
    """The places along an axis as a table."""
    one = builder.one(module, value)
    axis = builder.axis(module, one, module.whole("dimension", default=1), max(module.whole("nInputDims", default=0), 0))
    if axis == 0 or one.mapped:
        raise Misfit(module.where, "an axis of a sample", "the batch")
    whole = Split(one, axis)
    return whole if isinstance(one.shape, Steps) and axis == 1 else builder.taken_apart(module, whole)


@converts("DotProduct", "CosineDistance", "PairwiseDistance")
def compare(module: Module, value: Anything, builder: Builder) -> Anything:
    """Two vectors compared: one number."""
    values = [builder.plain(module, one, Features) for one in builder.all(module, value)]
    if len(values) != 2:
        raise Misfit(module.where, "two vectors", str(len(values)))
    if module.kind == "DotProduct":
        return builder.enter(module, v.Dot(), values, order=(0,))
    if module.kind == "CosineDistance":
        return builder.enter(module, v.CosineSimilarity(), values, order=(0,))
    norm = module.number("norm", default=2.0)
    if norm != 2:
        raise module.refused("norm", "2")
    return builder.enter(module, v.L2Distance(), values, order=(0,))


@converts("MixtureTable")
def mixture(module: Module, value: Anything, builder: Builder) -> Anything:
    """Experts weighted by a gate."""
    items = builder.items(module, value)
    if len(items) != 2 or not isinstance(items[0], Value) or not isinstance(items[1], tuple):
        raise Refused(module.where, "a gate and a table of experts", "something else")
    gate, experts = builder.plain(module, items[0], Features), builder.all(module, items[1])
    experts = [builder.plain(module, one, Features) for one in experts]
    if gate.shape.dims != (len(experts),) or len({one.shape for one in experts}) != 1:
        raise Misfit(module.where, "a gate with a number for each of equal experts", str(gate.shape))
    if len(experts) == 1:
        raise Refused(module.where, "several experts", "one")
    stack = builder.enter(module, v.Stack(), experts, order=(0, 1, 2), suffix="_experts")
    mixed = builder.enter(module, v.Dot(axes=("features", "steps")), [gate, stack], order=(0, 1))
    if mixed.shape != experts[0].shape:
        raise Refused(module.where, "a sum of vectors", str(mixed.shape))
    return mixed
