"""What normalisation and layers along steps become in Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lamina.interop.keras.export.book import Book, lacks, word
from lamina.interop.keras.export.exporter import last_order
from lamina.interop.keras.export.layers import biases, emits, finished, noisy, weight
from lamina.network import layers as ls
from lamina.network.plan import Node
from lamina.shapes import Sequence as Steps


def _affine(book: Book, node: Node, layer: Any) -> list[Any]:
    return [*([weight(book, node, "weight")] if layer.scale else []), *biases(book, node, layer)]


@emits(ls.BatchNorm)
def batch_norm(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """By running statistics."""
    config = {"axis": -1, "momentum": 1 - layer.momentum, "epsilon": layer.epsilon, "center": layer.bias, "scale": layer.scale}
    arrays = [*_affine(book, node, layer), weight(book, node, "running_mean"), weight(book, node, "running_var")]
    return finished(book, node, book.add("BatchNormalization", config, fed, node.name, arrays), layer.activation)


@emits(ls.LayerNorm)
def layer_norm(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Each sample by itself."""
    shape = node.input_shapes[0]
    config = {"axis": -1, "epsilon": layer.epsilon, "center": layer.bias, "scale": layer.scale}
    arrays = _affine(book, node, layer)
    if layer.over == "sample":
        order = last_order(shape)
        config["axis"] = list(range(1, len(order)))
        arrays = [array.transpose([axis - 1 for axis in order[1:]]) for array in arrays]
    return finished(book, node, book.add("LayerNormalization", config, fed, node.name, arrays), layer.activation)


@emits(ls.GroupNorm)
def group_norm(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Groups of channels."""
    config = {"groups": layer.groups, "axis": -1, "epsilon": layer.epsilon, "center": layer.bias, "scale": layer.scale}
    made = book.add("GroupNormalization", config, fed, node.name, _affine(book, node, layer))
    return finished(book, node, made, layer.activation)


@emits(ls.RMSNorm)
def rms_norm(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """By the root mean square."""
    if layer.bias or not layer.scale:
        lacks("a bias, or no scale")
    config = {"axis": -1, "epsilon": layer.epsilon}
    made = book.add("RMSNormalization", config, fed, node.name, [weight(book, node, "weight")])
    return finished(book, node, made, layer.activation)


@emits(ls.MaskSteps)
def mask_steps(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Steps that aren't real."""
    return book.add("Masking", {"mask_value": layer.value}, fed, node.name)


@emits(ls.LastStep)
def last_step(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:  # noqa: ARG001
    """The last step, where it is known which that is."""
    shape = node.input_shapes[0]
    if not isinstance(shape, Steps) or shape.steps is None:
        lacks("the last step of sequences of any length", "a recurrent layer with return_sequences: false")
    begin = book.add("Cropping1D", {"cropping": [shape.steps - 1, 0]}, fed, f"{node.name}_cut") if shape.steps > 1 else fed[0]
    return book.add("Flatten", {}, [begin], node.name)


RECURRENT: dict[type, str] = {ls.LSTM: "LSTM", ls.GRU: "GRU", ls.SimpleRNN: "SimpleRNN"}


def _cell(book: Book, node: Node, layer: Any, before: str = "", end: str = "") -> tuple[dict[str, Any], list[Any]]:
    """Settings and weights of one direction of one layer."""
    import numpy as np

    if type(layer) not in RECURRENT or layer.layer_norm or getattr(layer, "projection", None) or layer.recurrent_dropout < 0:
        lacks("layer_norm or a projection")
    if layer.output == "state":
        lacks("the memory as what a layer gives")
    said = word(layer.activation)
    if said is None:
        lacks(f"the activation {layer.activation.type_name} within")
    config: dict[str, Any] = {"units": layer.units, "activation": said, "use_bias": layer.bias}
    if not isinstance(layer, ls.SimpleRNN):
        gate = word(layer.recurrent_activation)
        if gate is None:
            lacks(f"the activation {layer.recurrent_activation.type_name} of gates")
        config["recurrent_activation"] = gate

    def turned(array: Any) -> Any:
        units = layer.units
        if not isinstance(layer, ls.GRU):
            return array
        return np.concatenate([array[units : 2 * units], array[:units], array[2 * units :]])

    parts = {name: turned(weight(book, node, f"{before}{name}{end}")) for name in ("weight_ih", "weight_hh")}
    arrays = [parts["weight_ih"].T, parts["weight_hh"].T]
    after = isinstance(layer, ls.GRU) and layer.reset_after
    if isinstance(layer, ls.GRU):
        config["reset_after"] = after
    if layer.bias:
        first = turned(weight(book, node, f"{before}bias_ih{end}"))
        second = turned(weight(book, node, f"{before}bias_hh{end}")) if layer.recurrent_bias else np.zeros_like(first)
        arrays.append(np.stack([first, second]) if after else first + second)
    return {**config, "recurrent_dropout": layer.recurrent_dropout}, arrays


@emits(ls.LSTM, ls.GRU, ls.SimpleRNN)
def recurrent(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Steps one after the other."""
    sequences = isinstance(node.output_shape, Steps)
    if len(fed) > 1 or (layer.reverse and (sequences or layer.layers > 1)):
        lacks("a memory that comes in, or steps read backwards and given in their order")
    made = noisy(book, node, layer, fed)
    for place in range(layer.layers):
        top = place == layer.layers - 1
        config, arrays = _cell(book, node, layer, "", f"_l{place}" if place else "")
        config |= {"return_sequences": sequences or not top, "go_backwards": layer.reverse}
        name = node.name if top else f"{node.name}_{place}"
        made = book.add(RECURRENT[type(layer)], config, [made], name, within={"cell": arrays})
    return made


@emits(ls.Bidirectional)
def bidirectional(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """In both directions."""
    inner = layer.recurrent
    sequences = isinstance(node.output_shape, Steps)
    config, forth = _cell(book, node, inner, "forward_")
    _, back = _cell(book, node, inner, "backward_")
    merge = {"concat": "concat", "sum": "sum", "average": "ave", "multiply": "mul"}[layer.merge]
    one = {"name": "forward", "trainable": True, "dtype": "float32", **config, "return_sequences": sequences}
    wrapped = {"module": "keras.layers", "class_name": RECURRENT[type(inner)], "config": one, "registered_name": None}
    within = {"forward_layer/cell": forth, "backward_layer/cell": back}
    return book.add("Bidirectional", {"merge_mode": merge, "layer": wrapped}, [noisy(book, node, inner, fed)], node.name, within=within)


@emits(ls.MultiHeadAttention)
def attention(book: Book, node: Node, layer: Any, fed: Sequence[str]) -> str:
    """Several heads."""
    if layer.window or layer.positions or layer.query_norm or (layer.kv_heads and layer.kv_heads != layer.heads):
        lacks("a window, positions, query_norm or shared heads")
    shapes = [shape.dims[-1] for shape in layer.parts(node.input_shapes)]
    size = layer.key_size_for(shapes[0] or 1)
    wide = layer.value_size or size
    units = layer.units or shapes[0]
    config = {"num_heads": layer.heads, "key_dim": size, "value_dim": wide, "dropout": layer.attention_dropout, "use_bias": layer.bias}
    within: dict[str, list[Any]] = {}
    for part, width in (("query", size), ("key", size), ("value", wide), ("output", 0)):
        matrix = weight(book, node, f"{part}_weight").T
        sizes = (layer.heads, wide, units) if part == "output" else (matrix.shape[0], layer.heads, width)
        own = [matrix.reshape(sizes)]
        if layer.bias:
            bias = weight(book, node, f"{part}_bias")
            own.append(bias if part == "output" else bias.reshape(layer.heads, width))
        within[f"{part}_dense"] = own
    begin = noisy(book, node, layer, fed)
    fed = [begin, *fed[1:]]
    query, key, value = fed[0], fed[min(1, len(fed) - 1)], fed[-1]
    call = {"use_causal_mask": True} if layer.causal else {}
    made = book.add(
        "MultiHeadAttention", {**config, "output_shape": [units]}, [query, value, key], node.name, within=within, call=call, apart=True
    )
    return finished(book, node, made, layer.activation)
