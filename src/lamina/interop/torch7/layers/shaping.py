"""Modules that only rearrange numbers, or take them together along an axis."""

from __future__ import annotations

from typing import Any

from lamina.interop.torch7.builder import Builder
from lamina.interop.torch7.layers.activations import opposite
from lamina.interop.torch7.module import Module, converts
from lamina.interop.torch7.objects import listed
from lamina.interop.torch7.values import Anything, Misfit, Refused, Split, Value
from lamina.network import layers as ls
from lamina.network import vertices as v
from lamina.shapes import Features, Image, Tokens, Volume
from lamina.shapes import Sequence as Steps


@converts("Identity", "Contiguous", "Copy", "Convert", "PrintSize", "Dictionary")
def nothing(module: Module, value: Anything, builder: Builder) -> Anything:
    """What changes nothing here."""
    return value


@converts("L1Penalty")
def penalty(module: Module, value: Anything, builder: Builder) -> Anything:
    """A penalty on outputs."""
    return builder.enter(module, ls.ActivityPenalty(l1=module.number("l1weight")), builder.one(module, value))


@converts("WhiteNoise")
def noise(module: Module, value: Anything, builder: Builder) -> Anything:
    """Noise in training."""
    from lamina.network.noise import GaussianNoise

    if module.number("mean"):
        raise module.refused("mean", "0")
    std = module.number("std", default=0.1)
    return builder.enter(module, ls.Dropout(GaussianNoise(std)), builder.one(module, value)) if std else value


@converts("Dropout", "SpatialDropout", "VolumetricDropout")
def dropout(module: Module, value: Anything, builder: Builder) -> Anything:
    """Dropped numbers, or channels; the first version, and that of channels, made up for it when asked, not in training."""
    from lamina.network.noise import SpatialDropoutNoise

    one, rate = builder.one(module, value), module.number("p", default=0.5)
    if not 0 <= rate < 1:
        raise module.refused("p", "a probability below 1")
    channels = module.kind != "Dropout"
    if rate:
        layer = ls.Dropout(SpatialDropoutNoise(rate=rate) if channels else rate)
        one = builder.enter(module, layer, one)
    if rate and (channels or not module.flag("v2")):
        one = builder.enter(module, v.Scale(1 - rate), one, suffix="_rate")
    return one


def _known(module: Module, one: Value) -> int:
    sizes = one.sizes[1:]
    if None in sizes:
        raise Refused(module.where, "a known number of steps", str(one.shape))
    found = 1
    for size in sizes:
        found *= int(size or 1)
    return found


@converts("View", "Reshape", "Collapse")
def view(module: Module, value: Anything, builder: Builder) -> Anything:
    """The same numbers with other sizes; the batch stays as it is."""
    one = builder.one(module, value)
    if isinstance(one.shape, Tokens) or one.mapped:
        raise Refused(module.where, "arrays of a sample", str(one.shape))
    if module.kind == "Collapse":
        if module.whole("n", default=1) < len(one.order) - 1 and len(one.order) - 1 != module.whole("n", default=1):
            raise module.refused("n", "all axes of a sample")
        return builder.reshaped(module, one, [_known(module, one)], suffix="")
    if not one.order or one.order[0] != 0:
        raise Misfit(module.where, "the batch as the first axis", str(list(one.order)))
    sizes, count = module.sizes("size"), _known(module, one)
    if module.kind == "Reshape" and module.get("batchMode") is False:
        sizes = _without_batch(module, sizes, count)
    return builder.reshaped(module, one, _fitted(module, sizes, count, one), suffix="")


def _without_batch(module: Module, sizes: list[int], count: int) -> list[int]:
    """Sizes that say the batch too."""
    rest = 1
    for size in sizes[1:]:
        rest *= size
    if len(sizes) > 1 and rest == count:
        return sizes[1:]
    raise module.refused("batchMode", "sizes of which the first is the batch")


def _fitted(module: Module, sizes: list[int], count: int, one: Value) -> list[int]:
    """Sizes of a sample; one of them may be open, or the batch."""
    known = 1
    for size in sizes:
        known *= size if size > 0 else 1
    if sizes.count(-1) > 1 or any(size == 0 or size < -1 for size in sizes) or not sizes:
        raise module.refused("size", "sizes of which at most one is open")
    if -1 not in sizes:
        if known != count:
            raise Misfit(module.where, f"{known} numbers in a sample", str(one.shape), count - known)
        return sizes
    own = module.whole("numInputDims", default=0) if module.kind == "View" else 0
    if sizes[0] == -1 and known == count and not own:
        return sizes[1:] or [1]
    if known and count % known == 0 and (own or count >= known):
        return [count // known if size == -1 else size for size in sizes]
    raise Misfit(module.where, f"a multiple of {known} numbers in a sample", str(one.shape), count - known)


@converts("Transpose")
def transpose(module: Module, value: Anything, builder: Builder) -> Anything:
    """Axes exchanged, two and two."""
    one = builder.one(module, value)
    order = list(one.order)
    own = module.whole("numInputDims", default=0)
    name = "permutations"
    for pair in listed(module.instance.fields.get(name)):
        places = listed(pair)
        if len(places) != 2 or not all(isinstance(place, int | float) and 1 <= place <= 8 for place in places):
            raise module.refused(name, "pairs of axes")
        first, second = (int(place) - 1 + (1 if own and len(order) == own + 1 else 0) for place in places)
        if max(first, second) >= len(order):
            raise Misfit(module.where, f"an array with {max(first, second) + 1} axes", f"{len(order)}")
        order[first], order[second] = order[second], order[first]
    return Value(one.node, one.shape, tuple(order), one.mapped, one.first)


@converts("Select")
def select(module: Module, value: Anything, builder: Builder) -> Anything:
    """One place along an axis."""
    one, index = builder.one(module, value), module.whole("index", default=1)
    axis = builder.axis(module, one, module.whole("dimension", default=1))
    if axis == 0 or one.mapped:
        raise Misfit(module.where, "an axis of a sample", "the batch")
    return builder.select(module, one, axis, index - 1 if index > 0 else index)


@converts("Narrow")
def narrow(module: Module, value: Anything, builder: Builder) -> Anything:
    """A stretch of an axis."""
    one = builder.one(module, value)
    axis = builder.axis(module, one, module.whole("dimension", default=1))
    start, count = module.whole("index", default=1), module.whole("length", default=1)
    if axis == 0:
        raise Misfit(module.where, "an axis of a sample", "the batch")
    start = start - 1 if start > 0 else start
    size = one.shape.dims[axis - 1]
    if count < 0:
        if size is None or start < 0:
            raise module.refused("length", "a length")
        count = size - start + count + 1
    if size is not None and not (count > 0 and 0 <= (start if start >= 0 else size + start) <= size - count):
        raise Misfit(module.where, f"a stretch of {size}", f"{count} from {start + 1}")
    return builder.cut(module, one, axis, start, count)


@converts("Squeeze")
def squeeze(module: Module, value: Anything, builder: Builder) -> Anything:
    """Axes of one place left out."""
    one = builder.one(module, value)
    if module.get("dim") is None:
        kept = tuple(axis for axis in one.order if axis == 0 or one.shape.dims[axis - 1] != 1)
    else:
        gone = builder.axis(module, one, module.whole("dim"), module.whole("numInputDims"))
        if gone == 0:
            raise Misfit(module.where, "an axis of a sample", "the batch")
        kept = tuple(axis for axis in one.order if axis != gone or one.shape.dims[axis - 1] != 1)
    return Value(one.node, one.shape, kept, one.mapped)


@converts("Unsqueeze")
def unsqueeze(module: Module, value: Anything, builder: Builder) -> Anything:
    """An axis of one place put in."""
    one = builder.one(module, value)
    place = module.size("pos") - 1
    if module.whole("numInputDims") and len(one.order) == module.whole("numInputDims") + 1:
        place += 1
    if not 1 <= place <= len(one.order):
        raise Misfit(module.where, "a place behind the batch", str(place + 1))
    sizes: list[int | None] = list(one.sizes[1:])
    sizes.insert(place - 1, 1)
    return builder.reshaped(module, one, sizes, suffix="")


@converts("Replicate")
def replicate(module: Module, value: Anything, builder: Builder) -> Anything:
    """An axis put in along which everything stands several times."""
    one, times = builder.plain(module, builder.one(module, value)), module.size("nfeatures")
    place = module.size("dim", default=1)
    own = module.whole("ndim")
    place = place + 1 if own and len(one.order) == own + 1 else place
    if place < 2 or not isinstance(one.shape, Features):
        raise module.refused("dim", "steps that each are the same vector")
    if place == 2:
        return builder.enter(module, ls.RepeatVector(times), one, order=(0, 1, 2))
    found = builder.enter(module, ls.RepeatVector(times), one, order=(0, 1, 2))
    return Value(found.node, found.shape, (0, 2, 1))


@converts("Mean", "Sum", "Max", "Min")
def reduce(module: Module, value: Anything, builder: Builder) -> Anything:
    """The mean, sum, largest or smallest along an axis, which is gone after it."""
    one = builder.one(module, value)
    if isinstance(one, Split) or one.mapped:
        raise Refused(module.where, "arrays of a sample", "steps one after another")
    axis = builder.axis(module, one, module.whole("dimension", default=1), module.whole("nInputDims"))
    if axis == 0:
        raise Misfit(module.where, "an axis of a sample", "the batch")
    mean = module.kind == "Mean" or (module.kind == "Sum" and module.flag("sizeAverage"))
    if module.kind == "Min":
        one = opposite(module, one, builder, "_opposite")
    found = _reduced(module, one, axis, builder, "mean" if mean else module.kind.lower())
    return opposite(module, found, builder, "_back") if module.kind == "Min" else found


def _reduced(module: Module, one: Value, axis: int, builder: Builder, what: str) -> Value:
    order = tuple(place for place in one.order if place != axis)
    everything: dict[str, Any] = {"mean": ls.GlobalAvgPool, "sum": ls.GlobalSumPool}
    if isinstance(one.shape, Features):
        one = builder.enter(module, ls.Reshape(Steps(steps=one.shape.count, features=1)), one, order=(0, 1, 2), suffix="_steps")
        return builder.enter(module, everything.get(what, ls.GlobalMaxPool)(), one, order=(0,))
    if isinstance(one.shape, Steps) and axis == 2:
        one = builder.enter(module, ls.Permute([2, 1]), one, suffix="_axes")
        order = tuple(1 if place == 1 else place for place in order)
    if isinstance(one.shape, Steps):
        found = builder.enter(module, everything.get(what, ls.GlobalMaxPool)(), one)
        return Value(found.node, found.shape, tuple(1 if place else 0 for place in order))
    if not isinstance(one.shape, Image | Volume) or axis == 1:
        one = builder.plain(module, one, Image)
        moved = builder.enter(module, ls.Permute([2, 1, 3]), one, suffix="_axes", order=(0, 2, 1, 3))
        return _reduced(module, moved, 2, builder, what)
    sizes = [1] * (len(one.shape.dims) - 1)
    sizes[axis - 2] = int(one.shape.dims[axis - 1] or 1)
    builder.sized = True
    pools: dict[tuple[str, int], Any] = {
        ("mean", 2): ls.AvgPool2d,
        ("sum", 2): ls.SumPool2d,
        ("mean", 3): ls.AvgPool3d,
        ("sum", 3): ls.SumPool3d,
    }
    make = pools.get((what, len(sizes)), ls.MaxPool2d if len(sizes) == 2 else ls.MaxPool3d)
    found = builder.enter(module, make(tuple(sizes)), one)
    return Value(found.node, found.shape, order)
