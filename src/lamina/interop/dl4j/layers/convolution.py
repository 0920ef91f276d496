"""Convolutions of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.interop.dl4j.dialect import wholes
from lamina.interop.dl4j.piece import Arrays, Part, Piece, SourceLayer, build, converts, simple
from lamina.network import layers as ls
from lamina.network.layers.layer import Layer


def padding(source: SourceLayer, axes: int, *, causal: bool = False) -> Any:
    """The convolution mode and the padding as one setting."""
    mode = source.word("convolutionMode", source.word("mode", "Truncate"))
    if mode == "Same":
        return "same"
    if mode == "Causal" and causal:
        return "causal"
    if mode not in ("Truncate", "Strict", "null", ""):
        source.refuse("convolutionMode", "Strict, Truncate, Same, or Causal along steps")
    found = source.sizes("padding", axes, 0)
    return found[0] if axes == 1 else found


def windows(source: SourceLayer, axes: int, *, kernel: int = 5, causal: bool = False) -> dict[str, Any]:
    """Kernel, stride, padding and dilation."""

    def spread(name: str, default: int) -> Any:
        found = tuple(max(size, 1) for size in source.sizes(name, axes, default))
        return found[0] if axes == 1 else found

    return {
        "kernel": spread("kernelSize", kernel),
        "stride": spread("stride", 1),
        "dilation": spread("dilation", 1),
        "padding": padding(source, axes, causal=causal),
    }


def _shape(source: SourceLayer, axes: int) -> tuple[int, ...]:
    return tuple(max(size, 1) for size in source.sizes("kernelSize", axes, 5 if axes != 3 else 2))


def _plain(kind: type[Layer], axes: int) -> Callable[[SourceLayer], Piece | None]:
    def convert(source: SourceLayer) -> Piece | None:
        bias = source.has_bias()
        made = build(
            kind,
            source,
            source.units,
            activation=source.activation(),
            bias=bias,
            **windows(source, axes, causal=axes == 1, kernel=5 if axes != 3 else 2),
            **source.common(bias=bias),
        )
        window = _shape(source, axes)
        stored = (*window, 1) if axes == 1 else window
        parts = [*_bias(source.units, there=bias), Part("W", (source.units, source.inputs, *stored), "c")]

        def arrays(given: Arrays) -> dict[str, Any]:
            return {"weight": given["W"].reshape(source.units, source.inputs, *window), **_biased(given)}

        return simple(made, parts=parts, arrays=arrays)

    return convert


def _bias(count: int, *, there: bool) -> list[Part]:
    return [Part("b", (count,), bias=True)] if there else []


def _biased(given: Arrays) -> dict[str, Any]:
    return {"bias": given["b"]} if "b" in given else {}


convolution1d = converts("convolution1d")(_plain(ls.Conv1d, 1))
convolution2d = converts("convolution", "convolution2d")(_plain(ls.Conv2d, 2))


@converts("convolution3d")
def convolution3d(source: SourceLayer) -> Piece | None:
    """Through volumes."""
    _only_first(source)
    return _plain(ls.Conv3d, 3)(source)


def _only_first(source: SourceLayer) -> None:
    if source.word("dataFormat", "NCDHW") != "NCDHW":
        source.refuse("dataFormat", "NCDHW")


@converts("deconvolution2d", "deconvolution3d")
def deconvolution(source: SourceLayer) -> Piece | None:
    """Transposed."""
    axes = 3 if source.kind.endswith("3d") else 2
    if axes == 3:
        _only_first(source)
    bias = source.has_bias()
    made = build(
        ls.ConvTranspose3d if axes == 3 else ls.ConvTranspose2d,
        source,
        source.units,
        activation=source.activation(),
        bias=bias,
        **windows(source, axes, kernel=2),
        **source.common(bias=bias),
    )
    window = tuple(max(size, 1) for size in source.sizes("kernelSize", axes, 2))
    shape = (source.inputs, source.units, *window) if axes == 2 else (*window, source.units, source.inputs)
    parts = [*_bias(source.units, there=bias), Part("W", shape, "c")]

    def arrays(given: Arrays) -> dict[str, Any]:
        return {"weight": given["W"] if axes == 2 else given["W"].transpose(4, 3, 0, 1, 2), **_biased(given)}

    return simple(made, parts=parts, arrays=arrays)


@converts("depthwiseconvolution2d")
def depthwise(source: SourceLayer) -> Piece | None:
    """Each channel by itself."""
    bias, count, many = source.has_bias(), source.inputs, max(int(source.number("depthMultiplier", 1)), 1)
    made = build(
        ls.DepthwiseConv2d,
        source,
        multiplier=many,
        activation=source.activation(),
        bias=bias,
        **windows(source, 2),
        **source.common(bias=bias),
    )
    window = _shape(source, 2)
    parts = [*_bias(count * many, there=bias), Part("W", (*window, count, many), "c")]

    def arrays(given: Arrays) -> dict[str, Any]:
        return {"weight": given["W"].transpose(2, 3, 0, 1).reshape(count * many, 1, *window), **_biased(given)}

    return simple(made, parts=parts, arrays=arrays)


@converts("separableconvolution2d")
def separable(source: SourceLayer) -> Piece | None:
    """Each channel by itself, then all mixed."""
    bias, count, many = source.has_bias(), source.inputs, max(int(source.number("depthMultiplier", 1)), 1)
    units, window = source.units, _shape(source, 2)
    made = build(
        ls.SeparableConv2d,
        source,
        units,
        multiplier=many,
        activation=source.activation(),
        bias=bias,
        **windows(source, 2),
        **source.common(bias=bias),
    )
    parts = [*_bias(units, there=bias), Part("W", (many, count, *window), "c"), Part("pW", (units, count * many, 1, 1), "c")]

    def arrays(given: Arrays) -> dict[str, Any]:
        depth = given["W"].transpose(1, 0, 2, 3).reshape(count * many, 1, *window)
        return {"depthwise_weight": depth, "pointwise_weight": given["pW"], **_biased(given)}

    return simple(made, parts=parts, arrays=arrays)


@converts("locallyconnected1d", "locallyconnected2d")
def local(source: SourceLayer) -> Piece | None:
    """Weights of their own at every position."""
    axes = 2 if source.kind.endswith("2d") else 1
    bias, units, count = source.has_bias(), source.units, source.inputs
    settings = windows(source, axes, kernel=2, causal=axes == 1)
    key = {1: "kernel", 2: "kernel"}[axes]
    if source.settings.get("kernelSize") is None and source.settings.get(key) is not None:
        found = tuple(wholes(source.settings[key]))[:axes]
        settings["kernel"] = found[0] if axes == 1 else found
    made = build(
        ls.LocallyConnected2d if axes == 2 else ls.LocallyConnected1d,
        source,
        units,
        activation=source.activation(),
        bias=bias,
        **settings,
        **source.common(bias=bias),
    )
    outputs = wholes(source.get("outputSize") or 0)
    field = count
    for size in settings["kernel"] if isinstance(settings["kernel"], tuple) else (settings["kernel"],):
        field *= size
    places = 1
    for size in outputs:
        places *= size
    if places < 1:
        source.refuse("outputSize", "the size of the output", fix="save the model after init()")
        return None
    parts = [Part("W", (places, field, units), "c"), *_bias(units, there=bias)]
    return simple(
        made,
        parts=parts,
        arrays=lambda given: {"weight": given["W"].transpose(0, 2, 1), **_biased(given)},
        note="its order of weights is read from the source's code, and was not tried on a file",
    )
