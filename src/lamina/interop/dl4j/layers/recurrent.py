"""Recurrent layers and what wraps them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.interop.dl4j.dialect import component
from lamina.interop.dl4j.piece import CONVERTERS, Arrays, Part, Piece, SourceLayer, build, converts, simple
from lamina.network import layers as ls
from lamina.network.activations import Tanh
from lamina.network.layers.layer import Layer

GATES = (3, 1, 0, 2)
"""Where i, f, g and o stand among the source's blocks: candidate, forget, output, input."""


def _settings(source: SourceLayer, *, gates: bool) -> dict[str, Any]:
    found = {"activation": source.activation(default=Tanh()), "recurrent_bias": False, **source.common()}
    if found.get("initializer") is not None:
        found["recurrent_initializer"] = found["initializer"]
    if gates:
        found["recurrent_activation"] = source.activation("gateActivationFn", _sigmoid())
        found["forget_bias"] = source.number("forgetGateBiasInit", 1.0)
    return found


def _sigmoid() -> Any:
    from lamina.network.activations import Sigmoid

    return Sigmoid()


def _rows(matrix: Any, units: int) -> Any:
    """``[n, 4 units]`` of the source's blocks to ``[4 units, n]`` of torch's."""
    import numpy as np

    return np.concatenate([matrix[:, place * units : (place + 1) * units].T for place in GATES])


def gated(given: Arrays, units: int, names: tuple[str, str, str], prefix: str = "") -> dict[str, Any]:
    """Weights of an LSTM, with those of the peepholes where there are any."""
    import numpy as np

    weight, recurrent, bias = (given[name] for name in names)
    found = {f"{prefix}weight_ih": _rows(weight, units), f"{prefix}weight_hh": _rows(recurrent[:, : 4 * units], units)}
    found[f"{prefix}bias_ih"] = np.concatenate([bias.reshape(-1)[place * units : (place + 1) * units] for place in GATES])
    if recurrent.shape[1] > 4 * units:
        forget, output, entry = (recurrent[:, 4 * units + place] for place in range(3))
        found[f"{prefix}peephole"] = np.concatenate([entry, forget, output])
    return found


def _gated(kind: type[Layer], holes: int) -> Callable[[SourceLayer], Piece | None]:
    def convert(source: SourceLayer) -> Piece | None:
        units, count = source.units, source.inputs
        made = build(kind, source, units, **_settings(source, gates=True))
        parts = [Part("W", (count, 4 * units)), Part("RW", (units, 4 * units + holes)), Part("b", (4 * units,), bias=True)]
        return simple(made, parts=parts, arrays=lambda given: gated(given, units, ("W", "RW", "b")))

    return convert


lstm = converts("lstm")(_gated(ls.LSTM, 0))
graves = converts("graveslstm")(_gated(ls.PeepholeLSTM, 3))


@converts("gravesbidirectionallstm")
def graves_bidirectional(source: SourceLayer) -> Piece | None:
    """With peepholes, in both directions, which are added."""
    units, count = source.units, source.inputs
    inner = build(ls.PeepholeLSTM, source, units, **_settings(source, gates=True))
    made = None if inner is None else build(ls.Bidirectional, source, inner, merge="sum")
    ends = ("F", "B")
    parts = [
        part
        for end in ends
        for part in (
            Part(f"W{end}", (count, 4 * units)),
            Part(f"RW{end}", (units, 4 * units + 3)),
            Part(f"b{end}", (4 * units,), bias=True),
        )
    ]

    def arrays(given: Arrays) -> dict[str, Any]:
        forward = gated(given, units, ("WF", "RWF", "bF"), "forward_")
        return {**forward, **gated(given, units, ("WB", "RWB", "bB"), "backward_")}

    return simple(made, parts=parts, arrays=arrays)


@converts("simplernn")
def simple_rnn(source: SourceLayer) -> Piece | None:
    """One product, one activation."""
    units, count, norm = source.units, source.inputs, source.flag("hasLayerNorm")
    made = build(ls.SimpleRNN, source, units, layer_norm=norm, **_settings(source, gates=False))
    parts = [Part("W", (count, units)), Part("RW", (units, units)), Part("b", (units,), bias=True)]
    parts += [Part("g", (2 * units,))] if norm else []

    def arrays(given: Arrays) -> dict[str, Any]:
        found = {"weight_ih": given["W"].T, "weight_hh": given["RW"].T, "bias_ih": given["b"]}
        return {**found, "gain_ih": given["g"][:units], "gain_hh": given["g"][units:]} if norm else found

    return simple(made, parts=parts, arrays=arrays)


def inner(source: SourceLayer, *names: str) -> tuple[SourceLayer | None, Piece | None]:
    """The layer within a layer, and what becomes of it."""
    name = next((name for name in names if source.settings.get(name) is not None), names[0])
    found = component(source.settings.get(name), f"{source.path}.{name}")
    if found is None or found.kind not in CONVERTERS:
        source.notes.miss(
            f"{source.path}.{name}",
            expected="a layer that is known here",
            got=None if found is None else found.full,
            fix="register a converter for the layer around it",
        )
        return None, None
    within = SourceLayer(found, source.conf, source.notes, frozen=source.frozen)
    return within, CONVERTERS[found.kind](within)


@converts("bidirectional")
def bidirectional(source: SourceLayer) -> Piece | None:
    """A recurrent layer in both directions, each with settings of its own."""
    _, forward = inner(source, "fwd")
    _, backward = inner(source, "bwd")
    modes = {"CONCAT": "concat", "ADD": "sum", "AVERAGE": "average", "MUL": "multiply"}
    mode = source.word("mode", "CONCAT").upper()
    if mode not in modes:
        source.refuse("mode", ", ".join(modes))
        return None
    if forward is None or backward is None:
        return None
    made = build(ls.Bidirectional, source, forward.layers[forward.main], merge=modes[mode])
    parts = [Part(f"{end}{part.name}", part.shape, part.order, part.bias) for end in ("f", "b") for part in forward.parts]

    def arrays(given: Arrays) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for end, word in (("f", "forward_"), ("b", "backward_")):
            own = {part.name: given[f"{end}{part.name}"] for part in forward.parts if f"{end}{part.name}" in given}
            found |= {f"{word}{name}": array for name, array in forward.arrays(own).items()}
        return found

    return simple(made, parts=parts, arrays=arrays)


@converts("lasttimestep")
def last_step(source: SourceLayer) -> Piece | None:
    """The last step of what a layer gives."""
    _, found = inner(source, "underlying", "layer")
    if found is None:
        return None
    return Piece((*found.layers, ls.LastStep()), found.parts, found.arrays, found.main, found.summed, found.note)


@converts("maskzero")
def mask_zero(source: SourceLayer) -> Piece | None:
    """Steps of one value are not real."""
    _, found = inner(source, "underlying", "layer")
    value = source.number("maskingValue", source.number("maskValue"))
    mask = build(ls.MaskSteps, source, value)
    if found is None or mask is None:
        return None
    return Piece((mask, *found.layers), found.parts, found.arrays, found.main + 1, found.summed, found.note)


@converts("mask")
def mask(source: SourceLayer) -> Piece | None:
    """Steps that are not real become 0."""
    return simple(build(ls.ApplyMask, source))


@converts("timedistributed")
def time_distributed(source: SourceLayer) -> Piece | None:
    """A layer for each step by itself."""
    within, found = inner(source, "underlying", "layer")
    if found is None or within is None:
        return None
    if within.kind in ("dense", "activation", "dropout", "prelu"):
        return found  # These treat each step by itself anyway.
    source.notes.miss(source.path, expected="a dense layer", got=within.full, fix="register a converter for the layer around it")
    return None


@converts("frozen", "frozenlayerwithbackprop")
def frozen(source: SourceLayer) -> Piece | None:
    """A layer that keeps its weights."""
    source.frozen = True
    _, found = inner(source, "layer", "underlying")
    return found
