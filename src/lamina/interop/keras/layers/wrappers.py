"""Layers that hold a layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lamina.interop.keras.layers.steps import distributed
from lamina.interop.keras.net import Net, Value
from lamina.interop.keras.piece import CONVERTERS, COUNTERS, Made, SourceLayer, converts
from lamina.interop.keras.source import Generation, component
from lamina.network.layers.normed_weights import SpectralNorm
from lamina.shapes import Series


def _inner(config: Mapping[str, Any], generation: Generation) -> tuple[tuple[str, ...], tuple[str, ...]]:
    kind, inner = component(config.get("layer"))
    counter = COUNTERS.get(kind)
    if counter is None:
        return (), ()
    trained, others = counter(inner, generation)
    return tuple(trained), tuple(others)


STEPWISE = ("Dense", "Activation", "Dropout", "LeakyReLU", "ELU", "ReLU")


@converts("TimeDistributed", weights=_inner)
def time_distributed(source: SourceLayer) -> Made:
    """A layer for each step."""
    value = source.inputs[0]
    inner = source.child("layer", [value], source.weights.part("layer"))
    inner.name, inner.path = source.name, source.path
    if inner.kind in STEPWISE and value.rank == 2 and not isinstance(value.shape, Series):
        return CONVERTERS[inner.kind](inner)
    if inner.kind not in CONVERTERS and source.back.makes is None:
        raise source.stop(name="layer", expected="a layer that is known here")

    def fill(net: Net, begin: Value) -> Value:
        one = source.child("layer", [begin], source.weights.part("layer"), net)
        made = source.back.makes(one) if source.back.makes is not None else CONVERTERS[one.kind](one)
        return made if isinstance(made, Value) else made[0]

    return distributed(source, value, fill)


@converts("SpectralNormalization", weights=lambda config, generation: (_inner(config, generation)[0], ("vector_u",)))
def spectral(source: SourceLayer) -> Made:
    """A layer whose weight is divided by its largest singular value."""
    raise source.stop(
        name="",
        expected="a layer without spectral normalisation",
        cause=f"it goes on with its power iteration in another way than {SpectralNorm.__name__} of Lamina",
    )
