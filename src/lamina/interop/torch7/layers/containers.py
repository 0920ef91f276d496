"""Containers: modules one after another, side by side, on tables of arrays."""

from __future__ import annotations

from lamina.interop.torch7.builder import Builder
from lamina.interop.torch7.module import Module, converts
from lamina.interop.torch7.values import Anything, Misfit, Refused, Split, Value
from lamina.network import layers as ls
from lamina.shapes import Image
from lamina.shapes import Sequence as Steps


@converts("Sequential", "Container", "CReLU", "Maxout")
def sequential(module: Module, value: Anything, builder: Builder) -> Anything:
    """One after another."""
    for child in module.children():
        value = builder.trace(child, value)
    return value


@converts(
    *("Decorator", "DontCast", "GPU", "DataParallelTable", "DataParallel", "Serial", "Profile", "NaN", "ModelParallel"),
    *("MaskZero", "TrimZero", "ZeroGrad", "Inception", "FireModule"),
)
def wrapped(module: Module, value: Anything, builder: Builder) -> Anything:
    """A module in another that changes nothing of what it computes."""
    inner = (module.children() or [child for child in [module.child("module")] if child is not None])[:1]
    if not inner:
        raise module.refused("modules", "a module within")
    if module.kind in ("MaskZero", "TrimZero"):
        builder.notes.assume(module.where, "no step of zeros, which would be left out there")
    return builder.trace(inner[0], value)


@converts("ConcatTable")
def concat_table(module: Module, value: Anything, builder: Builder) -> Anything:
    """Each on the same."""
    return tuple(builder.trace(child, value) for child in module.children())


@converts("ParallelTable")
def parallel_table(module: Module, value: Anything, builder: Builder) -> Anything:
    """Each on its own entry."""
    items, children = builder.items(module, value), module.children()
    if len(items) != len(children):
        raise Misfit(module.where, f"a table of {len(children)}", f"one of {len(items)}")
    return tuple(builder.trace(child, item) for child, item in zip(children, items, strict=True))


@converts("MapTable")
def map_table(module: Module, value: Anything, builder: Builder) -> Anything:
    """The same on each entry."""
    child = module.child("module") or next(iter(module.children()), None)
    if child is None:
        raise module.refused("module", "a module")
    if isinstance(value, Split):
        return stepped(child, value, builder)
    return tuple(builder.trace(child, item) for item in builder.items(module, value))


def stepped(child: Module, split: Split, builder: Builder) -> Split:
    """A module on each step of a sequence."""
    value = split.value
    if not isinstance(value.shape, Steps) or split.axis != 1:
        raise Refused(child.where, "steps of vectors", str(value.shape))
    order = tuple(axis for axis in value.order if axis != 1)
    found = builder.trace(child, Value(value.node, value.shape, order, mapped=True))
    if not isinstance(found, Value) or not found.mapped:
        if builder.notes.missing:
            return split
        raise Refused(child.where, "a module that gives one array for each step", "a table, or something else")
    return Split(Value(found.node, found.shape, found.order), 1)


@converts("Concat")
def concat(module: Module, value: Anything, builder: Builder) -> Anything:
    """Each on the same, joined."""
    found = builder.all(module, tuple(builder.trace(child, value) for child in module.children()))
    found = [builder.plain(module, one) for one in found] if len({one.order for one in found}) > 1 else found
    return builder.joined(module, found, builder.axis(module, found[0], module.whole("dimension", default=1)))


@converts("DepthConcat")
def depth_concat(module: Module, value: Anything, builder: Builder) -> Anything:
    """Each on the same image, joined along the channels, with zeros around those that are smaller."""
    found = [builder.plain(module, one, Image) for one in builder.all(module, tuple(builder.trace(c, value) for c in module.children()))]
    if module.whole("dimension", default=2) != 2:
        raise module.refused("dimension", "2, the channels")
    most = [max(int(one.shape.dims[axis] or 0) for one in found) for axis in (1, 2)]
    padded = []
    for one in found:
        lacks = [size - int(own or 0) for size, own in zip(most, one.shape.dims[1:], strict=True)]
        if any(lacks):
            builder.sized = True
            sides = tuple((lack // 2, lack - lack // 2) for lack in lacks)
            one = builder.enter(module, ls.ZeroPadding2d(sides), one, suffix="_pad")
        padded.append(one)
    return builder.joined(module, padded, 1)


@converts("Parallel")
def parallel(module: Module, value: Anything, builder: Builder) -> Anything:
    """Each on one place of an axis, joined along another."""
    one, children = builder.one(module, value), module.children()
    axis = builder.axis(module, one, module.whole("inputDimension", default=1))
    if axis == 0 or one.shape.dims[axis - 1] != len(children):
        raise Misfit(module.where, f"{len(children)} places along the axis", str(one.shape))
    found = [builder.trace(child, builder.select(module, one, axis, place)) for place, child in enumerate(children)]
    values = builder.all(module, tuple(found))
    return builder.joined(module, values, builder.axis(module, values[0], module.whole("outputDimension", default=1)))


@converts("Bottle")
def bottle(module: Module, value: Anything, builder: Builder) -> Anything:
    """A module on vectors, for each step of a sequence."""
    one = builder.one(module, value)
    inner = module.children()[:1]
    if not inner:
        raise module.refused("modules", "a module within")
    if len(one.order) == module.whole("nInputDim", default=2):
        return builder.trace(inner[0], one)
    if not isinstance(one.shape, Steps) or one.order not in ((0, 1, 2), (1, 0, 2)) or module.whole("nInputDim", default=2) != 2:
        raise module.refused("nInputDim", "a module on the vectors of a sequence")
    found = builder.trace(inner[0], Value(one.node, one.shape, (0, 2), mapped=True))
    if not isinstance(found, Value) or found.order != (0, 2):
        return value
    return Value(found.node, found.shape, one.order)
