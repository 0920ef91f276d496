"""Attention and transformer blocks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lamina.engine.layers.attention import NORM_EPSILON, alibi_slopes
from lamina.interop.emission.activations import activate
from lamina.interop.emission.drawing import combined, emits
from lamina.interop.emission.layers.tokens import places
from lamina.network.layers import MultiHeadAttention, TransformerDecoder, TransformerEncoder
from lamina.network.layers.layer import last_axis

if TYPE_CHECKING:
    from lamina.interop.emission.draft import Value
    from lamina.interop.emission.pen import Pen


@emits(MultiHeadAttention, masks=True)
def _attention(pen: Pen, *inputs: Value) -> Value:
    pen.mask = _mask_of(pen)
    return attended(pen, pen.layer, inputs, pen.masks, "", "", last_axis(pen.shape))


def _mask_of(pen: Pen) -> Value | None:
    """The mask of the queries; where others have masks, all are real."""
    return pen.masks[0]


@emits(TransformerEncoder, TransformerDecoder, masks=True)
def _transformer(pen: Pen, x: Value, *others: Value) -> Value:
    pen.mask = _mask_of(pen)
    layer, features = pen.layer, last_axis(pen.shape)
    for name in layer.attentions:
        given = () if name == "attention" else others
        one = _normed(pen, x, f"{name}_norm") if layer.norm_first else x
        masks = pen.masks[: 1 + len(given)]
        y = attended(pen, layer.attention(name), (one, *given), masks, f"{name}/", name, features)
        x = pen.op("add", x, y)
        x = x if layer.norm_first else _normed(pen, x, f"{name}_norm")
    one = _normed(pen, x, "feed_norm") if layer.norm_first else x
    x = pen.op("add", x, _feed(pen, one))
    return x if layer.norm_first else _normed(pen, x, "feed_norm")


def _normed(pen: Pen, x: Value, name: str) -> Value:
    layer, sizes = pen.layer, (last_axis(pen.shape),)
    weights = pen.weights(weight=f"{name}/weight", bias=f"{name}/bias")
    kind = "rms_norm" if layer.norm == "rms" else "layer_norm"
    return pen.op(kind, x, weights=weights, sizes=sizes, epsilon=float(layer.norm_epsilon), part=name)


def _feed(pen: Pen, x: Value) -> Value:
    layer = pen.layer
    hidden = pen.linear(x, "feed.hidden", "feed/hidden_weight", "feed/hidden_bias")
    if layer.gated:
        gate = activate(pen, pen.linear(x, "feed.gate", "feed/gate_weight", "feed/gate_bias"), layer.activation)
        hidden = pen.op("mul", gate, hidden)
    else:
        hidden = activate(pen, hidden, layer.activation)
    return pen.linear(hidden, "feed.output", "feed/output_weight", "feed/output_bias")


def attended(
    pen: Pen, layer: Any, inputs: tuple[Value, ...], masks: tuple[Value | None, ...], home: str, part: str, features: int
) -> Value:
    """Attention in several heads.

    Args:
        pen: Writes.
        layer: Description of the attention.
        inputs: Query, or query and key, or query, key and value.
        masks: Which steps of each are real.
        home: What stands before the names of its weights.
        part: Name of it in the layer.
        features: Length of the query's vectors.
    """
    query, key, value = inputs[0], inputs[min(1, len(inputs) - 1)], inputs[-1]
    own, other = masks[0], masks[0] if len(inputs) == 1 else combined(pen, masks[1:])
    size = layer.key_size_for(features)
    heads = {"query": (layer.heads, size), "key": (layer.groups, size), "value": (layer.groups, layer.value_size or size)}
    parts: dict[str, Value] = {}
    for name, x in (("query", query), ("key", key), ("value", value)):
        y = pen.linear(x, _under(part, name), f"{home}{name}_weight", f"{home}{name}_bias")
        parts[name] = _split(pen, y, *heads[name])
        gain = pen.weight(f"{home}{name}_gain") if name != "value" else None
        if gain is not None:
            settings: dict[str, Any] = {"sizes": gain.shape, "epsilon": NORM_EPSILON, "part": _under(part, f"{name}_norm")}
            parts[name] = pen.op("rms_norm", parts[name], weights={"weight": gain}, **settings)
    spots = _Spots(pen, query, key if len(inputs) > 1 else query, own, other)
    if layer.positions == "rotary":
        for name, numbers in (("query", spots.queries), ("key", spots.keys)):
            parts[name] = _turned(pen, parts[name], numbers(), layer, layer.turned(size), size)
    allowed, bias, causal = _limits(pen, layer, spots, own, other)
    mixed = _mixed(pen, parts, allowed, bias, causal, layer, size)
    joined = pen.reshape(pen.transpose(mixed, 0, 2, 1, 3), ("same", 0), -1, heads["query"][0] * heads["value"][1])
    return pen.linear(joined, _under(part, "output"), f"{home}output_weight", f"{home}output_bias")


class _Spots:
    """Places of queries and keys, written when they are first needed."""

    def __init__(self, pen: Pen, query: Value, key: Value, own: Value | None, other: Value | None) -> None:
        self._pen, self._given = pen, ((query, own), (key, other))
        self._found: dict[int, Value] = {}

    def _at(self, which: int) -> Value:
        if which == 1 and self._given[0] == self._given[1]:
            which = 0
        if which not in self._found:
            self._found[which] = places(self._pen, *self._given[which])
        return self._found[which]

    def queries(self) -> Value:
        """Those of queries."""
        return self._at(0)

    def keys(self) -> Value:
        """Those of keys."""
        return self._at(1)


def _under(part: str, name: str) -> str:
    return f"{part}.{name}" if part else name


def _split(pen: Pen, x: Value, heads: int, size: int) -> Value:
    return pen.transpose(pen.reshape(x, ("same", 0), ("same", 1), heads, size), 0, 2, 1, 3)


def _limits(pen: Pen, layer: Any, spots: _Spots, own: Value | None, other: Value | None) -> tuple[Value | None, Value | None, bool]:
    """Which keys a query may look at, what is added to scores, and whether the plain causal rule is all there is."""
    bias = _slopes(pen, layer, spots) if layer.positions == "alibi" else None
    places_count = own is not None and layer.causal
    if other is None and not places_count and layer.window is None:
        return None, bias, bool(layer.causal)
    found = pen.unsqueeze(pen.op("not", pen.op("less", spots.keys(), 0, gives="bool")), 1)
    if layer.causal or layer.window is not None:
        distance = pen.op("sub", pen.unsqueeze(spots.queries(), 2), pen.unsqueeze(spots.keys(), 1))
        if layer.causal:
            found = pen.op("and", found, pen.op("not", pen.op("less", distance, 0, gives="bool")))
        if layer.window is not None:
            found = pen.op("and", found, pen.op("less", pen.op("abs", distance), int(layer.window), gives="bool"))
    return pen.unsqueeze(found, 1), bias, False


def _slopes(pen: Pen, layer: Any, spots: _Spots) -> Value:
    slopes = pen.constant(-np.asarray(alibi_slopes(layer.heads)).reshape(1, -1, 1, 1), "slopes")
    distance = pen.op("abs", pen.op("sub", pen.unsqueeze(spots.queries(), 1, 3), pen.unsqueeze(spots.keys(), 1, 2)))
    return pen.op("mul", pen.op("cast", distance, to="float", gives="float"), slopes)


def _mixed(pen: Pen, parts: dict[str, Value], allowed: Value | None, bias: Value | None, causal: bool, layer: Any, size: int) -> Value:  # noqa: FBT001
    """What each query takes; zeros for one without any key."""
    q, k, v = parts["query"], parts["key"], parts["value"]
    scale = 1 / math.sqrt(size)
    if layer.groups != layer.heads:
        k, v = (_repeated(pen, x, layer.groups, layer.heads) for x in (k, v))
    if allowed is None:
        return pen.op("attention", q, k, v, None, bias, causal=causal, scale=scale)
    some = pen.reduce("any", allowed, allowed.rank - 1, keep=True)
    seen = pen.op("or", allowed, pen.op("not", some))
    mixed = pen.op("attention", q, k, v, seen, bias, causal=False, scale=scale)
    return pen.op("where", some, mixed, 0.0, gives="float", rank=4)


def _repeated(pen: Pen, x: Value, groups: int, heads: int) -> Value:
    """Each head serves several, one after another."""
    order = pen.constant(np.repeat(np.arange(groups), heads // groups), "heads")
    return pen.op("gather", x, order, axis=1, rank=4)


def _turned(pen: Pen, x: Value, numbers: Value, layer: Any, size: int, whole: int) -> Value:
    """The first numbers of each vector turned in pairs, by angles that grow with the place."""
    speeds = pen.constant(float(layer.rotary_base) ** (np.arange(0, size, 2) / -size), "speeds")
    angles = pen.op("mul", pen.unsqueeze(pen.op("cast", numbers, to="float", gives="float"), 1, 3), speeds, rank=4)
    cosine, sine = pen.op("cos", angles), pen.op("sin", angles)
    turning = x if size == whole else pen.slice(x, 3, 0, size)
    halves = layer.rotary_pairs == "halves"
    one = pen.slice(turning, 3, 0, size // 2) if halves else pen.slice(turning, 3, 0, None, 2)
    two = pen.slice(turning, 3, size // 2, size) if halves else pen.slice(turning, 3, 1, None, 2)
    first = pen.op("sub", pen.op("mul", one, cosine), pen.op("mul", two, sine))
    second = pen.op("add", pen.op("mul", one, sine), pen.op("mul", two, cosine))
    if halves:
        turned = pen.op("concat", first, second, axis=3)
    else:
        both = pen.op("concat", pen.unsqueeze(first, 4), pen.unsqueeze(second, 4), axis=4, rank=5)
        turned = pen.reshape(both, ("same", 0), ("same", 1), -1, size)
    return turned if size == whole else pen.op("concat", turned, pen.slice(x, 3, size), axis=3)
