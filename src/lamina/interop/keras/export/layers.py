"""What each layer becomes in Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lamina.interop.keras.export.book import Book, as_layer, lacks, word
from lamina.interop.keras.export.exporter import last_order
from lamina.network import layers as ls
from lamina.network import noise as n
from lamina.network import vertices as v
from lamina.network.activations import Activation
from lamina.network.layers.output import OutputMixin
from lamina.network.layers.window import pads
from lamina.network.plan import Node
from lamina.shapes import Features, Image, Shape, Volume

Emitter = Callable[[Book, Node, Any, Sequence[str]], str]
EMITTERS: dict[type, Emitter] = {}


def emits(*kinds: type) -> Callable[[Emitter], Emitter]:
    """Decorator: this function writes layers of these kinds."""

    def enter(function: Emitter) -> Emitter:
        EMITTERS.update(dict.fromkeys(kinds, function))
        return function

    return enter


def weight(book: Book, node: Node, name: str) -> Any:
    """A parameter or buffer of a layer, wherever it is kept."""
    key = f"{node.name}/{name}"
    if key not in book.arrays:
        lacks("weights that belong to another layer")
    return book.arrays[key]


def biases(book: Book, node: Node, layer: Any, name: str = "bias") -> list[Any]:
    """The bias in a list, or none."""
    return [weight(book, node, name)] if layer.bias else []


def finished(book: Book, node: Node, made: str, function: Activation | None) -> str:
    """What an activation makes of it."""
    if function is None or word(function) == "linear":
        return made
    kind, config = as_layer(function)
    return book.add(kind, config, [made], f"{node.name}_activation")


def function_of(layer: Any) -> Activation:
    """The activation of a layer, or that of an output."""
    found: Activation = layer.effective_activation if isinstance(layer, OutputMixin) else layer.activation
    return found


def split(function: Activation) -> tuple[str, Activation | None]:
    """What stands in the layer itself, and what behind it."""
    said = word(function)
    return (said, None) if said is not None else ("linear", function)


def noisy(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Noise on the input of a layer, as a layer before it."""
    given = getattr(layer, "dropout", None)
    if given is None:
        return fed[0]
    return _noise(book, given, fed[0], f"{node.name}_dropout", len(node.input_shapes[0].dims))


def _noise(book: Book, given: Any, fed: str, name: str, axes: int) -> str:
    kinds: dict[type, tuple[str, str]] = {
        n.DropoutNoise: ("Dropout", "rate"),
        n.AlphaDropoutNoise: ("AlphaDropout", "rate"),
        n.GaussianDropoutNoise: ("GaussianDropout", "rate"),
        n.GaussianNoise: ("GaussianNoise", "stddev"),
        n.SpatialDropoutNoise: (f"SpatialDropout{axes - 1}D" if axes > 1 else "Dropout", "rate"),
    }
    if type(given) not in kinds:
        lacks(f"the noise {given.type_name}")
    kind, key = kinds[type(given)]
    return book.add(kind, {key: getattr(given, "std" if key == "stddev" else "rate")}, [fed], name)


def flat(book: Book, node: Node, fed: str, shape: Shape) -> str:
    """All numbers in a row, in Lamina's order."""
    order = last_order(shape)
    if isinstance(shape, Image | Volume):
        turn = [order.index(axis) for axis in range(1, len(order))]
        fed = book.add("Permute", {"dims": turn}, [fed], f"{node.name}_channels_first")
    return book.add("Flatten", {}, [fed], f"{node.name}_flat")


# -- dense, activations, noise, shapes ---------------------------------------------------------------------------------


@emits(ls.Dense, ls.Output)
def dense(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Fully connected."""
    if getattr(layer, "layer_norm", False):
        lacks("layer_norm within a dense layer")
    said, behind = split(function_of(layer))
    begin = noisy(book, node, layer, fed)
    if isinstance(node.input_shapes[0], Image | Volume):
        begin = flat(book, node, begin, node.input_shapes[0])
    config = {"units": layer.units, "activation": said, "use_bias": layer.bias}
    made = book.add("Dense", config, [begin], node.name, [weight(book, node, "weight").T, *biases(book, node, layer)])
    return finished(book, node, made, behind)


@emits(ls.ActivationLayer, ls.LossLayer)
def activation(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """An activation alone."""
    kind, config = as_layer(function_of(layer))
    return book.add(kind, config, fed, node.name)


@emits(ls.IdentityLayer, ls.ActivityPenalty)
def identity(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:  # noqa: ARG001 (as all of them)
    """Nothing."""
    return book.add("Identity", {}, fed, node.name)


@emits(ls.PReLU)
def prelu(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Slopes that were learnt."""
    shape = node.input_shapes[0]
    slopes = weight(book, node, "weight")
    if layer.shared == "none" and isinstance(shape, Image | Volume):
        slopes = slopes.transpose([axis - 1 for axis in last_order(shape)[1:]])
    axes: list[int] = []
    if layer.shared != "none":
        count = len(shape.dims)
        axes = list(range(1, count + (layer.shared == "all")))
        slopes = slopes.reshape(*(1,) * (count - 1), -1)
    return book.add("PReLU", {"shared_axes": axes or None}, fed, node.name, [slopes])


@emits(ls.Dropout)
def dropout(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Noise."""
    return _noise(book, layer.rate, fed[0], node.name, len(node.input_shapes[0].dims))


@emits(ls.Flatten)
def flatten(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:  # noqa: ARG001
    """In a row."""
    return flat(book, node, fed[0], node.input_shapes[0])


@emits(ls.Reshape)
def reshape(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:  # noqa: ARG001
    """Another shape."""
    before, after = node.input_shapes[0], node.output_shape
    if None in after.dims or None in before.dims:
        lacks("steps of unknown number", "known sizes")
    begin = flat(book, node, fed[0], before)
    made = book.add("Reshape", {"target_shape": list(after.dims)}, [begin], node.name)
    order = last_order(after)
    return book.add("Permute", {"dims": list(order[1:])}, [made], f"{node.name}_last") if isinstance(after, Image | Volume) else made


@emits(ls.Permute)
def permute(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Axes in another order."""
    order = last_order(node.input_shapes[0])
    # Axis i of Keras's output is our axis order[i], which was our axis layer.order[...] before.
    dims = [order.index(layer.order[axis - 1]) for axis in order[1:]]
    return book.add("Permute", {"dims": dims}, fed, node.name)


@emits(ls.RepeatVector)
def repeat(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """At every step."""
    if not isinstance(node.input_shapes[0], Features):
        lacks("an image at every step", "a vector")
    return book.add("RepeatVector", {"n": layer.count}, fed, node.name)


@emits(ls.Embedding)
def embedding(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Vectors of tokens."""
    if layer.bias or layer.mask_token not in (None, 0):
        lacks("a bias, or a mask_token that isn't 0")
    table = weight(book, node, "weight")
    config = {"input_dim": table.shape[0], "output_dim": layer.units, "mask_zero": layer.mask_token == 0}
    return finished(book, node, book.add("Embedding", config, fed, node.name, [table]), layer.activation)


@emits(v.Scale, v.Shift)
def scale(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """A factor and a shift."""
    return book.add("Rescaling", {"scale": getattr(layer, "factor", 1.0), "offset": layer.offset}, fed, node.name)


JOINED: dict[type, str] = {
    v.Add: "Add",
    v.Subtract: "Subtract",
    v.Multiply: "Multiply",
    v.Average: "Average",
    v.Max: "Maximum",
    v.Min: "Minimum",
}


@emits(*JOINED)
def elementwise(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Number by number."""
    return book.add(JOINED[type(layer)], {}, fed, node.name)


@emits(v.Concat)
def concat(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Side by side."""
    shape = node.input_shapes[0]
    axis = 0 if layer.axis == "channels" else layer.axis_of(shape)
    if axis is None:
        lacks(f"the axis {layer.axis}")
    return book.add("Concatenate", {"axis": last_order(shape).index(axis + 1)}, fed, node.name)


# -- windows -----------------------------------------------------------------------------------------------------------


def _pads(layer: Any, words: tuple[str, ...] = ("valid", "same")) -> str:
    found = set(layer.paddings)
    if found <= {0, "valid"}:
        return "valid"
    if len(found) > 1 or next(iter(found)) not in words:
        lacks(f"padding {layer.padding!r}", "valid or same; put a zero_padding layer before")
    return str(next(iter(found)))


def _window(layer: Any) -> dict[str, Any]:
    return {"kernel_size": list(layer.window), "strides": list(layer.strides), "dilation_rate": list(layer.dilations)}


def padded(book: Book, node: Node, layer: Any, begin: str) -> tuple[str, str]:
    """What pads, and what comes before it."""
    sides = layer.paddings
    if any(isinstance(pad, int) and pad for pad in sides) and all(isinstance(pad, int) for pad in sides):
        config = {"padding": sides[0] if len(sides) == 1 else [[pad, pad] for pad in sides]}
        return book.add(f"ZeroPadding{len(sides)}D", config, [begin], f"{node.name}_padding"), "valid"
    return begin, _pads(layer, ("valid", "same", "causal") if len(sides) == 1 else ("valid", "same"))


@emits(ls.Conv1d, ls.Conv2d, ls.Conv3d)
def convolution(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Convolutions."""
    said, behind = split(layer.activation)
    axes = layer.spatial
    begin, mode = padded(book, node, layer, noisy(book, node, layer, fed))
    config = {"filters": layer.filters, **_window(layer), "padding": mode, "groups": layer.groups, "activation": said}
    kernel = weight(book, node, "weight").transpose(*range(2, axes + 2), 1, 0)
    made = book.add(f"Conv{axes}D", {**config, "use_bias": layer.bias}, [begin], node.name, [kernel, *biases(book, node, layer)])
    return finished(book, node, made, behind)


@emits(ls.ConvTranspose1d, ls.ConvTranspose2d, ls.ConvTranspose3d)
def transposed(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Transposed convolutions."""
    reach = [(k - 1) * d + 1 for k, d in zip(layer.window, layer.dilations, strict=True)]
    mode = _pads(layer)
    if layer.groups > 1 or any(extra for extra in _spread(layer.output_padding)):
        lacks("groups, or output_padding")
    if mode == "valid" and any(s > k for s, k in zip(layer.strides, reach, strict=True)):
        lacks("a window shorter than its stride")
    said, behind = split(layer.activation)
    axes = layer.spatial
    kernel = weight(book, node, "weight").transpose(*range(2, axes + 2), 1, 0)
    config = {"filters": layer.filters, **_window(layer), "padding": mode, "activation": said, "use_bias": layer.bias}
    begin = noisy(book, node, layer, fed)
    made = book.add(f"Conv{axes}DTranspose", config, [begin], node.name, [kernel, *biases(book, node, layer)])
    return finished(book, node, made, behind)


def _spread(value: Any) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,)


@emits(ls.DepthwiseConv1d, ls.DepthwiseConv2d)
def depthwise(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Each channel by itself."""
    said, behind = split(layer.activation)
    axes = layer.spatial
    begin, mode = padded(book, node, layer, noisy(book, node, layer, fed))
    kernel = weight(book, node, "weight").reshape(-1, layer.multiplier, *layer.window).transpose(*range(2, axes + 2), 0, 1)
    config = {**_window(layer), "padding": mode, "depth_multiplier": layer.multiplier, "activation": said, "use_bias": layer.bias}
    made = book.add(f"DepthwiseConv{axes}D", config, [begin], node.name, [kernel, *biases(book, node, layer)])
    return finished(book, node, made, behind)


@emits(ls.SeparableConv1d, ls.SeparableConv2d)
def separable(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Each channel by itself, then mixed."""
    said, behind = split(layer.activation)
    axes = layer.spatial
    begin, mode = padded(book, node, layer, noisy(book, node, layer, fed))
    depth = weight(book, node, "depthwise_weight").reshape(-1, layer.multiplier, *layer.window).transpose(*range(2, axes + 2), 0, 1)
    point = weight(book, node, "pointwise_weight").reshape(layer.filters, -1).T
    config = {"filters": layer.filters, **_window(layer), "padding": mode, "depth_multiplier": layer.multiplier, "activation": said}
    arrays = [depth, point.reshape(*(1,) * axes, *point.shape), *biases(book, node, layer)]
    made = book.add(f"SeparableConv{axes}D", {**config, "use_bias": layer.bias}, [begin], node.name, arrays)
    return finished(book, node, made, behind)


KEEPING = (ls.MaxPool1d, ls.MaxPool2d, ls.MaxPool3d, ls.AvgPool2d, ls.Dropout, ls.IdentityLayer, v.Concat, v.Add, v.Max)
"""Layers that give nothing below 0 if they are given nothing below 0."""


def _positive(book: Book, node: Node, name: str, depth: int = 0) -> bool:
    """Whether nothing that a node gives is below 0."""
    place = node.name.rpartition("/")[0]
    full = f"{place}/{name}" if place else name
    before = next((one for one in book.nodes.values() if one.name == full), None)
    if before is None or depth > 50:
        return False
    if isinstance(before.layer, KEEPING):
        return all(_positive(book, node, one, depth + 1) for one in before.inputs)
    return hasattr(before.layer, "activation") and function_of(before.layer).low >= 0


def _zeros_around(book: Book, node: Node, layer: Any, fed: str) -> str:
    """Zeros never win where nothing is below 0."""
    if not _positive(book, node, node.inputs[0]):
        lacks(f"padding {layer.padding!r} of what may be below 0", "valid or same, or an activation such as relu before")
    sizes = node.input_shapes[0].dims[1:] if layer.spatial > 1 else node.input_shapes[0].dims[:1]
    if None in sizes:
        lacks("padding of sequences of any length")
    settings = zip(sizes, layer.window, layer.strides, layer.paddings, strict=True)
    pairs = [list(pads(size or 0, window, stride, 1, pad)) for size, window, stride, pad in settings]
    config = {"padding": pairs[0] if len(pairs) == 1 else pairs}
    return book.add(f"ZeroPadding{len(pairs)}D", config, [fed], f"{node.name}_padding")


@emits(ls.SqueezeExcite)
def squeeze_excite(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """A factor for each channel."""
    axes = len(node.input_shapes[0].dims) - 1
    begin = noisy(book, node, layer, fed)
    made = book.add(f"GlobalAveragePooling{axes}D", {"keepdims": True}, [begin], f"{node.name}_mean")
    for part, units, function in (("reduce", layer.units, layer.activation), ("expand", 0, layer.gate)):
        matrix = weight(book, node, f"{part}_weight")
        said, behind = split(function)
        config = {"units": units or matrix.shape[0], "activation": said, "use_bias": layer.bias}
        arrays = [matrix.T, *biases(book, node, layer, f"{part}_bias")]
        made = book.add("Dense", config, [made], f"{node.name}_{part}", arrays)
        if behind is not None:
            kind, own = as_layer(behind)
            made = book.add(kind, own, [made], f"{node.name}_{part}_activation")
    return book.add("Multiply", {}, [begin, made], node.name)


@emits(ls.ElementwiseMultiplication)
def factors(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """A factor for each channel: a depthwise convolution that sees one position."""
    axes = len(node.input_shapes[0].dims) - 1
    if axes not in (1, 2) or getattr(layer, "shared", "positions") != "positions" or not getattr(layer, "factors", True):
        lacks("factors that are not one for each channel of a sequence or image")
    kernel = weight(book, node, "weight").reshape(*(1,) * axes, -1, 1)
    said, behind = split(layer.activation)
    config = {"kernel_size": [1] * axes, "depth_multiplier": 1, "activation": said, "use_bias": layer.bias}
    arrays = [kernel, *biases(book, node, layer)]
    made = book.add(f"DepthwiseConv{axes}D", config, [noisy(book, node, layer, fed)], node.name, arrays)
    return finished(book, node, made, behind)


@emits(ls.MaxPool1d, ls.MaxPool2d, ls.MaxPool3d, ls.AvgPool1d, ls.AvgPool2d, ls.AvgPool3d)
def pooling(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Windows."""
    if any(size != 1 for size in layer.dilations):
        lacks("a dilated window")
    largest = isinstance(layer, ls.MaxPool1d | ls.MaxPool2d | ls.MaxPool3d)
    kind = "MaxPooling" if largest else "AveragePooling"
    if largest and any(pad == "ceil" or (isinstance(pad, int) and pad) for pad in layer.paddings):
        fed, mode = [_zeros_around(book, node, layer, fed[0])], "valid"
    else:
        mode = _pads(layer)
    if mode == "same" and getattr(layer, "include_padding", False):
        lacks("an average that counts the padding")
    config = {"pool_size": list(layer.window), "strides": list(layer.strides), "padding": mode}
    return book.add(f"{kind}{layer.spatial}D", config, fed, node.name)


@emits(ls.GlobalMaxPool, ls.GlobalAvgPool)
def global_pooling(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Over everything."""
    kind = "Max" if isinstance(layer, ls.GlobalMaxPool) else "Average"
    axes = len(node.input_shapes[0].dims) - 1
    return book.add(f"Global{kind}Pooling{axes}D", {"keepdims": False}, fed, node.name)


@emits(ls.ZeroPadding1d, ls.ZeroPadding2d, ls.ZeroPadding3d, ls.Cropping1d, ls.Cropping2d, ls.Cropping3d)
def borders(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """More, or less, at the sides."""
    zero = isinstance(layer, ls.ZeroPadding1d | ls.ZeroPadding2d | ls.ZeroPadding3d)
    axes = len(node.input_shapes[0].dims) - 1
    sides = layer.sides
    if axes == 1:
        pairs: Any = [sides, sides] if isinstance(sides, int) else list(sides)
    else:
        listed = [sides] * axes if isinstance(sides, int) else list(sides)
        pairs = [[side, side] if isinstance(side, int) else list(side) for side in listed]
    kind, key = ("ZeroPadding", "padding") if zero else ("Cropping", "cropping")
    return book.add(f"{kind}{axes}D", {key: pairs}, fed, node.name)


@emits(ls.Upsampling1d, ls.Upsampling2d, ls.Upsampling3d)
def upsampling(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Larger."""
    axes = len(node.input_shapes[0].dims) - 1
    if layer.align_corners or (layer.mode != "nearest" and (axes != 2 or layer.mode != "bilinear")):
        lacks(f"mode {layer.mode}")
    size = layer.size if isinstance(layer.size, tuple) else (layer.size,) * axes
    config: dict[str, Any] = {"size": size[0] if axes == 1 else list(size)}
    return book.add(f"UpSampling{axes}D", {**config, **({"interpolation": layer.mode} if axes == 2 else {})}, fed, node.name)
