"""Convolutional LSTMs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lamina.interop.keras.layers.convolution import axes_of, correlated, dilations, one, strides, window
from lamina.interop.keras.layers.recurrent import VERTICES, cell_names, held, initial, training
from lamina.interop.keras.net import Value, channels
from lamina.interop.keras.piece import Made, SourceLayer, converts, has_bias
from lamina.interop.keras.source import Generation
from lamina.interop.keras.weights import Weights
from lamina.network import layers as ls
from lamina.network import vertices as v
from lamina.shapes import Series

KINDS: dict[int, Any] = {1: ls.ConvLSTM1d, 2: ls.ConvLSTM2d, 3: ls.ConvLSTM3d}


def conv_names(config: Mapping[str, Any], generation: Generation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The weights."""
    if generation == "1":
        return cell_names("LSTM", {**config, "consume_less": "cpu"}, "1"), ()
    return ("kernel", "recurrent", *(("bias",) if has_bias(config) else ())), ()


def _weights(source: SourceLayer, weights: Weights, axes: int) -> dict[str, Any]:
    import numpy as np

    names, _ = conv_names(source.config, source.generation)
    reader = SourceLayer(source.kind, source.config, source.name, source.path, [], weights, source.net, source.back)
    given = dict(reader.arrays(names, "cell"))
    old = source.generation == "1" and source.first
    if "kernel" not in given:
        joined = {}
        for name, letter in (("kernel", "W"), ("recurrent", "U"), ("bias", "b")):
            parts = [given[f"{letter}_{gate}"] for gate in ("i", "f", "c", "o")]
            joined[name] = np.concatenate(parts, axis=0 if old or letter == "b" else -1)
        given = joined

    def turned(kernel: Any) -> Any:
        return correlated(source, kernel if old else kernel.transpose(axes + 1, axes, *range(axes)), axes, at=2)

    found = {"weight_ih": turned(given["kernel"]), "weight_hh": turned(given["recurrent"])}
    return {**found, "bias": given["bias"]} if "bias" in given else found


def _one_way(source: SourceLayer, value: Value, weights: Weights, *, reverse: bool, slot: str = "") -> Value:
    """One direction; outputs stand at the steps they belong to."""
    axes = axes_of(source)
    mode = source.word("padding", "border_mode", default="valid")
    if mode not in ("valid", "same"):
        raise source.stop(name="padding", expected="valid or same")
    default = "sigmoid" if source.generation == "3" else "hard_sigmoid"
    sequences = source.flag("return_sequences")
    layer = source.build(
        KINDS[axes],
        source.whole("filters", "nb_filter"),
        kernel=one(window(source, axes)),
        stride=one(strides(source, axes)),
        padding=mode,
        dilation=one(dilations(source, axes)),
        activation=source.activation("activation", default="tanh"),
        recurrent_activation=source.activation("recurrent_activation", "inner_activation", default=default),
        return_sequences=sequences,
        reverse=reverse,
        bias=has_bias(source.config),
        **{key: item for key, item in training(source).items() if key != "dropout"},
    )
    order = value.order if sequences else channels(axes + 1, first=source.first)
    arrays = _weights(source, weights, axes)
    made = source.put(layer, value, name=f"{source.name}{slot}", arrays=arrays, order=order, slot=slot)
    return held(source, made, reverse=reverse) if sequences else made


def _series(source: SourceLayer, inner: SourceLayer) -> Value:
    axes = axes_of(inner)
    if initial(source) or inner.flag("return_state"):
        raise source.stop(name="return_state", expected="no memory that comes in or goes out")
    return source.arranged(0, kind=Series, order=(1, *(axis + 1 for axis in channels(axes + 1, first=inner.first))))


@converts("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", weights=conv_names)
def conv_lstm(source: SourceLayer) -> Made:
    """A memory that has a place in the image."""
    backwards = source.flag("go_backwards")
    made = _one_way(source, _series(source, source), source.weights, reverse=backwards)
    if backwards and source.flag("return_sequences"):
        made = source.put(v.ReverseSteps(), made, name=f"{source.name}_as_read")
    return made


def conv_both(source: SourceLayer, pair: Sequence[SourceLayer], halves: Sequence[Weights]) -> Made:
    """The same in both directions."""
    value = _series(source, pair[0])
    found = []
    backwards, sequences = pair[0].flag("go_backwards"), pair[0].flag("return_sequences")
    for place, one_way in enumerate(pair):
        one_way.name, one_way.path, one_way.uses = source.name, source.path, source.uses
        slot = "_backward" if place else "_forward"
        made = _one_way(one_way, value, halves[place], reverse=backwards != (place == 1), slot=slot)
        turned = backwards and sequences
        found.append(source.put(v.ReverseSteps(), made, name=f"{made.node}_as_read") if turned else made)
    merge = source.get("merge_mode") if "merge_mode" in source.config else "concat"
    if merge is None:
        return found
    if merge not in VERTICES:
        raise source.stop(name="merge_mode", expected=", ".join(VERTICES))
    # Vertices join images and volumes, not series; side by side is along the last axis, wherever the channels are.
    plain = [source.net.plain(made, source.path, channels(made.rank, first=False)) for made in found]
    return source.put(VERTICES[str(merge)](), *plain, name=source.name)
