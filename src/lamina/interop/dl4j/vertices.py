"""Vertices of graphs that are no layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lamina.interop.dl4j.dialect import Component, component, number, whole, wholes
from lamina.interop.dl4j.piece import Arrays, Part, Piece, SourceLayer, build, simple
from lamina.interop.dl4j.preprocessors import MOST_SIZE, preprocessor
from lamina.interop.notes import Notes
from lamina.network import layers as ls
from lamina.network import vertices as v
from lamina.network.layers.layer import Layer
from lamina.shapes import Features, Image

_OPERATIONS: dict[str, type[Layer]] = {
    "Add": v.Add,
    "Subtract": v.Subtract,
    "Product": v.Multiply,
    "Average": v.Average,
    "Max": v.Max,
}


TORN = ("stack", "unstack")
"""Vertices that put samples one after another along the batch, or take them apart again; they are no layers here."""


def attention(source: SourceLayer) -> Piece | None:
    """Attention with queries, keys and values from several vertices."""
    heads, units = max(whole(source.get("nHeads"), 1), 1), source.units
    size = whole(source.get("headSize"), 0) or units // heads
    if source.settings.get("projectInput") is False:
        source.refuse("projectInput", "true")
        return None
    settings = {"units": units, "key_size": max(size, 1), "bias": False, "activation": source.activation()}
    made = build(ls.MultiHeadAttention, source, heads, **settings, **source.common(bias=False))
    widths = [whole(source.get(f"nIn{name}"), 1) for name in ("Queries", "Keys", "Values")]
    parts = [Part(name, (heads, size, width), "c") for name, width in zip(("Wq", "Wk", "Wv"), widths, strict=True)]
    parts.append(Part("Wo", (heads * size, units), "c"))

    def arrays(given: Arrays) -> dict[str, Any]:
        names = {"query": "Wq", "key": "Wk", "value": "Wv"}
        found = {f"{name}_weight": given[there].reshape(heads * size, -1) for name, there in names.items()}
        return {**found, "output_weight": given["Wo"].T}

    return simple(made, parts=parts, arrays=arrays, note="its order of weights is read from the source's code, and was not tried on a file")


def convert(value: Any, path: str, inputs: tuple[str, ...], notes: Notes) -> tuple[list[Layer], tuple[str, ...]]:
    """The layers that a vertex becomes, one after the other, and what feeds the first; no layer if it has no counterpart."""
    found = component(value, path)
    if found is None:
        return [], inputs
    if found.kind == "duplicatetotimeseries":
        return [v.DuplicateToSteps()], (inputs[0], str(found.settings.get("inputName")))
    if found.kind in TORN:
        return [], inputs
    made = _VERTICES[found.kind](found, len(inputs), notes) if found.kind in _VERTICES else None
    if made is None and found.kind not in _VERTICES:
        notes.miss(
            path,
            expected=f"one of {', '.join(sorted(_VERTICES))}",
            got=found.full,
            fix="rewrite this part of the graph in Lamina and take over the weights of the rest, or report it",
        )
    return made or [], inputs


def _elementwise(found: Component, count: int, notes: Notes) -> list[Layer] | None:
    word = str(found.settings.get("op"))
    if word not in _OPERATIONS:
        notes.miss(f"{found.path}.op", expected=", ".join(_OPERATIONS), got=word, fix="report it")
        return None
    return [ls.IdentityLayer()] if count == 1 else [_OPERATIONS[word]()]


def _merge(found: Component, count: int, notes: Notes) -> list[Layer] | None:
    axis = found.settings.get("mergeAxis")
    if axis is not None and whole(axis, 1) != 1:
        notes.miss(f"{found.path}.mergeAxis", expected="1, the features or channels", got=axis, fix="report it")
        return None
    return [ls.IdentityLayer()] if count == 1 else [v.Concat()]


def _subset(found: Component, count: int, notes: Notes) -> list[Layer] | None:
    first, last = whole(found.settings.get("from")), whole(found.settings.get("to"))
    return [v.Slice(first, last + 1)]


def _reshape(found: Component, count: int, notes: Notes) -> list[Layer] | None:
    shape = wholes(found.settings.get("newShape") or 0)[1:]
    if (
        str(found.settings.get("reshapeOrder") or "c") != "c"
        or len(shape) not in (1, 3)
        or not all(0 < size <= MOST_SIZE for size in shape)
    ):
        notes.miss(
            f"{found.path}.newShape", expected="vectors or images of known sizes, in c order", got=dict(found.settings), fix="report it"
        )
        return None
    return [ls.Reshape(Features(shape[0]) if len(shape) == 1 else Image(*shape))]


def _length(found: Component, count: int, notes: Notes) -> list[Layer] | None:
    if wholes(found.settings.get("dimension") or 1) not in ([1], [0]) and found.settings.get("dimension"):
        notes.miss(f"{found.path}.dimension", expected="all numbers of a sample", got=found.settings.get("dimension"), fix="report it")
        return None
    return [v.L2Normalize(over="sample", epsilon=number(found.settings.get("eps"), 1e-8) or 1e-8)]


def _prepare(found: Component, count: int, notes: Notes) -> list[Layer] | None:
    made = preprocessor(found.settings.get("preProcessor"), f"{found.path}.preProcessor", notes).layers
    return made or [ls.IdentityLayer()]


_VERTICES: dict[str, Callable[[Component, int, Notes], list[Layer] | None]] = {
    "elementwise": _elementwise,
    "merge": _merge,
    "subset": _subset,
    "scale": lambda found, count, notes: [v.Scale(number(found.settings.get("scaleFactor"), 1.0))],
    "shift": lambda found, count, notes: [v.Shift(number(found.settings.get("shiftFactor")))],
    "l2": lambda found, count, notes: [v.L2Distance(over="sample")],
    "l2normalize": _length,
    "poolhelper": lambda found, count, notes: [v.PoolHelper()],
    "preprocessor": _prepare,
    "lasttimestep": lambda found, count, notes: [ls.LastStep()],
    "reversetimeseries": lambda found, count, notes: [v.ReverseSteps()],
    "reshape": _reshape,
}
