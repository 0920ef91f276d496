"""Attention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lamina.interop.keras.net import Value, identity
from lamina.interop.keras.piece import Made, SourceLayer, converts, has_bias
from lamina.interop.keras.source import Generation
from lamina.network import layers as ls

PARTS = ("query", "key", "value", "output")


def _parts(source: SourceLayer) -> tuple[Value, Value, Value]:
    """Query, key and value; there the value comes before the key, and stands for it where none is given."""
    listed: list[Any] = [*source.inputs]
    names = ["query", "value", "key"]
    found = dict(zip(names, listed, strict=False))
    found |= {name: source.given[name] for name in names if isinstance(source.given.get(name), Value)}
    if "query" not in found or "value" not in found:
        raise source.stop(name="", expected="a query and a value")
    found.setdefault("key", found["value"])
    for value in found.values():
        if value.rank != 2:
            raise source.stop(name="", expected="sequences")
    query, key, value = (source.net.plain(found[name], source.path, identity(2)) for name in ("query", "key", "value"))
    for name in ("attention_mask", "query_mask", "value_mask", "key_mask", "mask"):
        if isinstance(source.given.get(name), Value):
            raise source.stop(name="", expected=f"no {name} that another layer gives")
    return query, key, value


def _fed(parts: tuple[Value, Value, Value]) -> list[Value]:
    """As few as say the same."""
    query, key, value = parts
    if key.node == value.node:
        return [query] if key.node == query.node else [query, key]
    return [query, key, value]


def _causal(source: SourceLayer) -> bool:
    return source.call.settings.get("use_causal_mask") is True or source.flag("causal")


def _multi(config: Mapping[str, Any], _: Generation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    ends = ("weight", "bias") if has_bias(config) else ("weight",)
    return tuple(f"{part}_{end}" for part in PARTS for end in ends), ()


@converts("MultiHeadAttention", "GroupedQueryAttention", "GroupQueryAttention", weights=_multi)
def multi_head(source: SourceLayer) -> Made:
    """Several heads, with linear layers before and behind."""
    parts = _parts(source)
    bias = source.bias
    grouped = source.kind.startswith("Group")
    heads = source.whole("num_query_heads" if grouped else "num_heads")
    size = source.whole("head_dim" if grouped else "key_dim")
    wide = size if grouped else source.whole("value_dim", default=size)
    for name in ("use_gate", "sliding_window"):
        if source.get(name):
            raise source.stop(name=name, expected="none")
    if source.get("attention_axes") not in (None, [1], 1, (1,)):
        raise source.stop(name="attention_axes", expected="the steps")
    names, _ = _multi(source.config, source.generation)
    within: tuple[str, ...] = ("query_dense", "key_dense", "value_dense", "output_dense")
    if source.weights.file is not None and not source.weights.part("query_dense").given:
        within = tuple(f"_{name}" for name in within)
    given = source.arrays(names, *within)
    units = given["output_weight"].shape[-1]
    settings: dict[str, Any] = {"kv_heads": source.whole("num_key_value_heads")} if grouped else {}
    layer = source.build(
        ls.MultiHeadAttention,
        heads,
        key_size=size,
        value_size=wide,
        units=units,
        bias=bias,
        causal=_causal(source),
        attention_dropout=source.number("dropout"),
        **settings,
        **source.common(),
    )
    arrays: dict[str, Any] = {}
    for part in PARTS:
        kernel = given[f"{part}_weight"]
        flat = kernel.reshape(-1, units) if part == "output" else kernel.reshape(kernel.shape[0], -1)
        arrays[f"{part}_weight"] = flat.T
        if bias:
            arrays[f"{part}_bias"] = given[f"{part}_bias"].reshape(-1)
    return source.put(layer, *_fed(parts), arrays=arrays)


def _scale(config: Mapping[str, Any], _: Generation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = ("scale",) if config.get("use_scale") else ()
    return (*names, *(("concat_score_weight",) if config.get("score_mode") == "concat" else ())), ()


@converts("Attention", weights=_scale)
def attention(source: SourceLayer) -> Made:
    """By dot products."""
    if source.word("score_mode", default="dot") != "dot":
        raise source.stop(name="score_mode", expected="dot")
    parts = _parts(source)
    given = source.arrays(_scale(source.config, source.generation)[0])
    layer = source.build(
        ls.DotProductAttention,
        scale="learned" if "scale" in given else "none",
        causal=_causal(source),
        attention_dropout=source.number("dropout"),
    )
    return source.put(layer, *_fed(parts), arrays={"scale": given["scale"].reshape(1)} if given else None)


def _additive(config: Mapping[str, Any], _: Generation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return ("scale",) if config.get("use_scale", True) else (), ()


@converts("AdditiveAttention", weights=_additive)
def additive(source: SourceLayer) -> Made:
    """By sums."""
    parts = _parts(source)
    given = source.arrays(_additive(source.config, source.generation)[0])
    layer = source.build(ls.AdditiveAttention, scale="scale" in given, causal=_causal(source), attention_dropout=source.number("dropout"))
    return source.put(layer, *_fed(parts), arrays={"score_weight": given["scale"].reshape(-1)} if given else None)
