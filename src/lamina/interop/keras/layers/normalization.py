"""Normalisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lamina.interop.keras import regularity
from lamina.interop.keras.net import Value, identity, with_features
from lamina.interop.keras.piece import Made, SourceLayer, converts
from lamina.interop.keras.source import Generation
from lamina.network import layers as ls
from lamina.shapes import Series


def _axes(source: SourceLayer, value: Value, default: Any = -1) -> list[int]:
    """Axes behind the batch, from 1."""
    found = source.get("axis", default=default)
    listed = list(found) if isinstance(found, list | tuple) else [found]
    axes = [axis if isinstance(axis, int) and axis > 0 else value.rank + 1 + axis if isinstance(axis, int) else 0 for axis in listed]
    if not axes or not all(1 <= axis <= value.rank for axis in axes):
        raise source.stop(name="axis", expected="axes behind the batch")
    return sorted(axes)


def _affine(config: Mapping[str, Any]) -> tuple[str, ...]:
    return (*(("gamma",) if config.get("scale", True) else ()), *(("beta",) if config.get("center", True) else ()))


def _batch(config: Mapping[str, Any], generation: Generation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    affine = ("gamma", "beta") if generation == "1" else _affine(config)
    if config.get("trainable") is False:
        return (), (*affine, "mean", "variance")
    return affine, ("mean", "variance")


def _settings(source: SourceLayer) -> dict[str, Any]:
    found: dict[str, Any] = {"frozen": True} if source.config.get("trainable") is False else {}
    pair = regularity.factors(source.get("beta_regularizer"))
    if pair is not None:
        found |= {name: value for name, value in (("l1_bias", pair[0]), ("l2_bias", 2 * pair[1])) if value > 0}
    for name in ("gamma_regularizer", "gamma_constraint", "beta_constraint"):
        if source.get(name) is not None:
            source.notes.lose(f"{source.path}.{name}", "what it asks of the factors of a normalisation")
    return found


@converts("BatchNormalization", "SyncBatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2", weights=_batch)
def batch_norm(source: SourceLayer) -> Made:
    """Each feature over the batch and all positions."""
    if source.generation == "1" and source.whole("mode", default=0, least=0) != 0:
        raise source.stop(name="mode", expected="0", cause="modes 1 and 2 normalise by the data at hand, in prediction too")
    value = source.inputs[0]
    axes = _axes(source, value)
    if len(axes) != 1:
        raise source.stop(name="axis", expected="one axis")
    names, more = _batch(source.config, source.generation)
    given = source.arrays([*names, *more])
    scale, center = "gamma" in given, "beta" in given
    shape = source.plain(0, with_features(value.rank, axes[0])) if not isinstance(value.shape, Series) or value.rank <= 4 else value
    momentum = source.number("momentum", default=0.99)
    layer = source.build(
        ls.BatchNorm,
        epsilon=source.number("epsilon", default=1e-3),
        momentum=min(max(1 - momentum, 1e-9), 1.0),
        variance="unbiased" if source.generation == "2" or (source.generation == "tf" and value.rank == 3) else "biased",
        scale=scale,
        bias=center,
        **_settings(source),
    )
    arrays = {"running_mean": given["mean"], "running_var": given["variance"]}
    arrays |= {"weight": given["gamma"]} if scale else {}
    arrays |= {"bias": given["beta"]} if center else {}
    return source.put(layer, shape, arrays=arrays)


@converts("LayerNormalization", weights=lambda config, _: (_affine(config), ()))
def layer_norm(source: SourceLayer) -> Made:
    """Each sample by itself."""
    value = source.inputs[0]
    axes = _axes(source, value)
    if source.flag("rms_scaling"):
        return _rms(source, axes, given=source.arrays(["gamma"]) if source.flag("scale", default=True) else {})
    given = source.arrays(_affine(source.config))
    epsilon = source.number("epsilon", default=1e-3)
    settings: dict[str, Any] = {"epsilon": epsilon, "scale": "gamma" in given, "bias": "beta" in given, **_settings(source)}
    names = {"gamma": "weight", "beta": "bias"}
    if len(axes) == 1:
        shape = source.plain(0, with_features(value.rank, axes[0]))
        return source.put(
            source.build(ls.LayerNorm, **settings), shape, arrays={names[key]: array.reshape(-1) for key, array in given.items()}
        )
    shape = source.plain()
    if axes == list(identity(value.rank)):
        turn = [axis - 1 for axis in shape.order]
        arrays = {names[key]: array.transpose(turn) for key, array in given.items()}
        return source.put(source.build(ls.LayerNorm, over="sample", **settings), shape, arrays=arrays)
    raise source.stop(name="axis", expected="one axis, or all of them")


def _rms(source: SourceLayer, axes: list[int], given: Mapping[str, Any]) -> Made:
    if len(axes) != 1:
        raise source.stop(name="axis", expected="one axis")
    value = source.plain(0, with_features(source.inputs[0].rank, axes[0]))
    layer = source.build(ls.RMSNorm, epsilon=source.number("epsilon", default=1e-6), scale=bool(given), **_settings(source))
    return source.put(layer, value, arrays=dict.fromkeys(["weight"], next(iter(given.values())).reshape(-1)) if given else None)


@converts("RMSNormalization", weights=lambda config, _: (("scale",), ()))
def rms_norm(source: SourceLayer) -> Made:
    """By the root mean square."""
    return _rms(source, _axes(source, source.inputs[0]), source.arrays(["scale"]))


@converts("GroupNormalization", weights=lambda config, _: (_affine(config), ()))
def group_norm(source: SourceLayer) -> Made:
    """Groups of channels over all positions."""
    value = source.inputs[0]
    axes = _axes(source, value)
    if len(axes) != 1:
        raise source.stop(name="axis", expected="one axis")
    given = source.arrays(_affine(source.config))
    shape = source.plain(0, with_features(value.rank, axes[0]))
    count = shape.shape.dims[-1 if value.rank <= 2 else 0] or 1
    groups = source.get("groups", default=32)
    layer = source.build(
        ls.GroupNorm,
        count if groups == -1 else source.whole("groups", default=32),
        epsilon=source.number("epsilon", default=1e-3),
        scale="gamma" in given,
        bias="beta" in given,
        **_settings(source),
    )
    names = {"gamma": "weight", "beta": "bias"}
    return source.put(layer, shape, arrays={names[key]: array for key, array in given.items()})


@converts("UnitNormalization")
def unit_norm(source: SourceLayer) -> Made:
    """To length 1."""
    value = source.inputs[0]
    axes = _axes(source, value)
    if len(axes) == 1:
        return source.put(source.build(ls.UnitNorm, epsilon=1e-12), source.plain(0, with_features(value.rank, axes[0])))
    if axes == list(identity(value.rank)):
        return source.put(source.build(ls.UnitNorm, over="sample", epsilon=1e-12), source.plain())
    raise source.stop(name="axis", expected="one axis, or all of them")
