"""From a configuration to layers: every vertex by its converter, with names that are allowed here."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any

from lamina.errors import InteropError
from lamina.interop.converters import own_converter
from lamina.interop.dl4j import learning, vertices
from lamina.interop.dl4j.dialect import Component, component, whole
from lamina.interop.dl4j.made import Made
from lamina.interop.dl4j.piece import CONVERTERS, HARMLESS, Piece, SourceLayer, leftovers
from lamina.interop.dl4j.preprocessors import Before, preprocessor
from lamina.interop.dl4j.source import Configuration, Vertex
from lamina.interop.notes import Notes

for _family in ("convolution", "dense", "outputs", "pooling", "recurrent", "special"):
    importlib.import_module(f"lamina.interop.dl4j.layers.{_family}")

WRAPPERS = ("frozen", "frozenlayerwithbackprop", "bidirectional", "lasttimestep", "maskzero", "timedistributed")


class _Watched(Mapping[str, Any]):
    """Settings that remember who looked at them."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings
        self.seen: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.seen.add(name)
        return self._settings[name]

    def __iter__(self) -> Any:
        return iter(self._settings)

    def __len__(self) -> int:
        return len(self._settings)


def convert(source: Configuration, notes: Notes) -> dict[str, Made]:
    """Every vertex with its layers, in the order of the flat vector."""
    found: dict[str, Made] = {}
    taken: set[str] = {_allowed(name) for name in source.inputs}
    for vertex in source.vertices:
        made = _layer(vertex, notes) if vertex.layer else _vertex(vertex, notes)
        made.names = _names(made, taken)
        taken.update(made.names)
        found[vertex.name] = made
    return found


def _vertex(vertex: Vertex, notes: Notes) -> Made:
    one = component(vertex.value, vertex.path)
    if one is not None and one.kind == "attention":
        source = SourceLayer(one, vertex.conf, notes)
        weights = learning.updater(one.settings, vertex.conf, one.path, notes)
        return Made(vertex, one.kind, one.full, 0, Before([]), vertices.attention(source), vertex.inputs, weights=weights, biases=weights)
    layers, inputs = vertices.convert(vertex.value, vertex.path, vertex.inputs, notes)
    full, kind = ("", "") if one is None else (one.full, one.kind)
    piece = Piece(tuple(layers), main=len(layers) - 1) if layers else None
    return Made(vertex, kind, full, 0, Before([]), piece, inputs)


def _layer(vertex: Vertex, notes: Notes) -> Made:
    before = preprocessor(vertex.before, f"{vertex.path}, preprocessor", notes)
    found = component(vertex.value, vertex.path)
    if found is None:
        notes.miss(vertex.path, expected="a layer", got="nothing", fix="save the model again")
        return Made(vertex, "", "", 0, before, None, vertex.inputs)
    watched = _Watched(found.settings)
    seen = Component(found.kind, found.name, watched, found.path, found.full)
    layer = SourceLayer(seen, vertex.conf, notes)
    piece = _piece(layer, found, notes)
    core = _core(found)
    made = Made(vertex, core.kind if found.kind in WRAPPERS else found.kind, found.full, 0, before, piece, vertex.inputs)
    settings = core.settings
    sizes = ("nin", "nIn", "inputChannels", "nout", "nOut") if core.kind != "batchnormalization" else ("nout", "nOut", "nin", "nIn")
    made.count = next((whole(settings[name]) for name in sizes if whole(settings.get(name)) > 0), 0)
    if found.kind == "lasttimestep":
        made.kind = "lasttimestep" if core.kind not in ("embedding", "embeddingsequence") else core.kind
    made.weights = learning.updater(settings, vertex.conf, core.path, notes)
    made.biases = learning.updater(settings, vertex.conf, core.path, notes, bias=True)
    words = {str(settings.get(name)) for name in ("rnnDataFormat", "dataFormat", "cnn2DFormat", "cnn2dDataFormat")}
    made.last_axis = bool(words & {"NWC", "NHWC"})
    if "NHWC" in words and piece is not None and piece.parts:
        notes.assume(found.path, "weights in the order of NCHW, though data have channels last")
    for name in leftovers(found.settings, HARMLESS | watched.seen | _KNOWN) if piece is not None else ():
        notes.assume(f"{found.path}.{name}", f"{str(found.settings[name])[:60]}, which is not known here, was taken to change nothing")
    return made


_KNOWN = frozenset(
    {
        *("nin", "nIn", "nout", "nOut", "activationFn", "activationFunction", "rnnDataFormat", "dataFormat", "cnn2DFormat", "gainInit"),
        *("weightInit", "weightInitFn", "weightInitRecurrent", "weightInitFnRecurrent", "distRecurrent", "biasInit", "lossFunction"),
        *("l1", "l2", "l1Bias", "l2Bias", "biasL1", "biasL2", "regularization", "regularizationBias", "hasBias", "convolutionMode"),
        *("poolingType", "dropOut", "idropout", "weightNoise", "constraints", "convolutionType", "visibleBiasInit", "gradientCheck"),
        *("eps", "pnorm", "sparsity", "corruptionLevel", "kernelSize", "stride", "padding", "dilation", "capsules", "mode"),
        *("pretrain", "preOutput", "configProperties", "timeDistributedFormat", "inputSize", "outputSize", "cudnnAlgoMode", "p"),
    }
)


def _piece(layer: SourceLayer, found: Component, notes: Notes) -> Piece | None:
    own = own_converter("dl4j", found.full, found.name, found.kind)
    if own is not None:
        given = own(layer)
        if given is not None and not isinstance(given, Piece):
            raise InteropError(
                "IO009",
                where=f"the converter {own.__module__}.{own.__qualname__}",
                expected="a lamina.interop.dl4j.piece.Piece",
                got=type(given).__name__,
                cause="a converter says which layers there are, and which numbers are theirs",
                fix="return Piece((layer,), parts, arrays)",
            )
        return given
    if found.kind in CONVERTERS:
        return CONVERTERS[found.kind](layer)
    notes.miss(
        layer.path,
        expected="a layer that is known here",
        got=f"{found.full}" if found.kind else "an object that names no class",
        cause="it is a layer of somebody's own, or Lamina has nothing that computes the same",
        fix=f"register a converter: @lm.interop.converter('dl4j', {found.name!r}); docs/importing/dl4j.md shows how",
    )
    return None


def _core(found: Component) -> Component:
    """The layer within wrappers."""
    for _ in range(8):
        if found.kind not in WRAPPERS:
            break
        names = ("layer", "underlying", "fwd")
        inner = next((component(found.settings[name], f"{found.path}.{name}") for name in names if found.settings.get(name)), None)
        if inner is None:
            break
        found = inner
    return found


def _names(made: Made, taken: set[str]) -> list[str]:
    """Names of a vertex's layers here; the last one, or the one with weights, has the source's, as far as it is allowed."""
    layers, own = made.layers, _allowed(made.name)
    start = len(made.before.layers)
    chief = len(layers) - 1
    found: list[str] = []
    for place, layer in enumerate(layers):
        word = (layer.type_name or "layer").partition("@")[0]
        name = own if place == chief else f"{own}_{word}" if place >= start else f"{own}_before_{word}"
        while name in taken or name in found:
            name += "_"
        found.append(name)
    return found


def _allowed(name: str) -> str:
    """A name as it is allowed here.

    Example:
        >>> _allowed("conv1/bn"), _allowed("0"), _allowed("fc 7")
        ('conv1_bn', 'layer_0', 'fc_7')
    """
    found = re.sub(r"[^A-Za-z0-9_\-]", "_", name) or "layer"
    return found if re.match(r"[A-Za-z_]", found) else f"layer_{found}"
