"""Fully connected layers, embeddings, and layers of a few numbers each."""

from __future__ import annotations

from typing import Any

from lamina.interop.dl4j.dialect import wholes
from lamina.interop.dl4j.piece import Arrays, Part, Piece, SourceLayer, build, converts, simple
from lamina.interop.dl4j.training import noise
from lamina.network import layers as ls


def affine(source: SourceLayer, *, bias: bool, norm: bool = False) -> tuple[list[Part], Any]:
    """``W [nIn, nOut]`` by columns, ``b``, and the gain of a layer norm."""
    units = source.units
    parts = [Part("W", (source.inputs, units)), *([Part("b", (units,), bias=True)] if bias else [])]
    parts += [Part("g", (units,))] if norm else []
    names = {"b": "bias", "g": "gain"}

    def arrays(given: Arrays) -> dict[str, Any]:
        return {"weight": given["W"].T, **{names[name]: given[name] for name in given if name in names}}

    return parts, arrays


@converts("dense")
def dense(source: SourceLayer) -> Piece | None:
    """A fully connected layer."""
    bias, norm = source.has_bias(), source.flag("hasLayerNorm")
    parts, arrays = affine(source, bias=bias, norm=norm)
    made = build(ls.Dense, source, source.units, activation=source.activation(), bias=bias, layer_norm=norm, **source.common(bias=bias))
    return simple(made, parts=parts, arrays=arrays)


@converts("embedding")
def embedding(source: SourceLayer) -> Piece | None:
    """A vector for the only token of a sample: ``[batch, 1]`` to ``[batch, units]``."""
    # Up to 0.9 there was always a bias.
    bias = source.has_bias(default="hasBias" not in source.settings and "iupdater" not in source.settings)
    parts, arrays = affine(source, bias=bias)
    made = _embedding(source, bias=bias)
    if made is None:
        return None
    return Piece((made, ls.LastStep()), tuple(parts), lambda given: _kept(arrays(given)), note="the only token's vector")


@converts("embeddingsequence")
def embedding_sequence(source: SourceLayer) -> Piece | None:
    """A vector for each token of a sequence."""
    bias = source.has_bias(default=False)
    parts, arrays = affine(source, bias=bias)
    return simple(_embedding(source, bias=bias), parts=parts, arrays=lambda given: _kept(arrays(given)))


def _embedding(source: SourceLayer, *, bias: bool) -> Any:
    common = source.common(bias=bias)
    if common.pop("dropout", None) is not None:
        source.notes.lose(f"{source.path}.idropout", "dropout on tokens, which are no amounts")
    return build(ls.Embedding, source, source.units, activation=source.activation(), bias=bias, **common)


def _kept(arrays: dict[str, Any]) -> dict[str, Any]:
    return {**arrays, "weight": arrays["weight"].T}


@converts("elementwisemultiplication", "elementwisemult")
def elementwise(source: SourceLayer) -> Piece | None:
    """A factor and a bias for each feature."""
    common = source.common(weights=False)
    for name in ("l1", "l2", "constraints"):
        if common.pop(name, None):
            source.notes.lose(source.path, f"{name} on the factors, which here are gains")
    made = build(ls.ElementwiseMultiplication, source, activation=source.activation(), **common)
    count = source.inputs
    parts = [Part("W", (count,)), Part("b", (count,), bias=True)]
    return simple(made, parts=parts, arrays=lambda given: {"weight": given["W"], "bias": given["b"]})


@converts("prelu")
def prelu(source: SourceLayer) -> Piece | None:
    """A slope for each number of a sample, or for those of a channel together."""
    given = [size for size in wholes(source.get("inputShape") or [source.get("nin", "nIn")]) if size > 0]
    shared = sorted(wholes(source.settings["sharedAxes"])) if source.settings.get("sharedAxes") else []
    if not given:
        source.refuse("inputShape", "the shape of the input")
        return None
    sizes = tuple(1 if axis + 1 in shared else size for axis, size in enumerate(given))
    kind = (
        "none" if not shared else "positions" if shared == list(range(2, len(given) + 1)) else "all" if len(shared) == len(given) else None
    )
    if kind is None or (len(given) == 2 and kind == "positions"):
        source.refuse("sharedAxes", "no axis, all axes, or all but the channels")
        return None
    made = build(ls.PReLU, source, 0.0, shared=kind, frozen=source.frozen)
    swapped = len(given) == 2 and kind == "none"  # Steps come before features here.

    def arrays(found: Arrays) -> dict[str, Any]:
        weight = found["W"].T if swapped else found["W"]
        return {"weight": weight.reshape(-1) if kind != "none" else weight}

    return simple(made, parts=[Part("W", sizes)], arrays=arrays)


@converts("activation")
def activation(source: SourceLayer) -> Piece | None:
    """An activation by itself."""
    return simple(build(ls.ActivationLayer, source, source.activation()))


@converts("dropout")
def dropout(source: SourceLayer) -> Piece | None:
    """Noise by itself."""
    found = source.common(bias=False, weights=False).get("dropout") or noise(source.get("idropout"), source.path, source.notes)
    if found is None:
        return simple(build(ls.IdentityLayer, source), note="keeps everything")
    return simple(build(ls.Dropout, source, found))


@converts("repeatvector")
def repeat(source: SourceLayer) -> Piece | None:
    """A vector at every step."""
    return simple(build(ls.RepeatVector, source, int(source.number("n", 1))))
