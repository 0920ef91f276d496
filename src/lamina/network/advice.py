"""Why a layer was given a shape it does not take, and what to write: the words of the most frequent mistake."""

from __future__ import annotations

from lamina.network.layers.layer import Layer
from lamina.network.layers.shaping import Flatten
from lamina.shapes import Features, Image, Sequence, Series, Shape, Tokens, Volume
from lamina.spec import registry

_RANKS: dict[type[Shape], str] = {Sequence: "1d", Image: "2d", Volume: "3d"}
_RESHAPES = (
    (Image, "{type: image, channels: ..., height: ..., width: ...}"),
    (Sequence, "{type: sequence, steps: ..., features: ...}"),
    (Volume, "{type: volume, channels: ..., depth: ..., height: ..., width: ...}"),
    (Features, "{type: features, count: ...}"),
    (Series, "{type: series, steps: ..., item: {type: image, channels: ..., height: ..., width: ...}}"),
)


def shape_words(kind: type[Shape]) -> str:
    """How messages write a kind of shape.

    Example:
        >>> shape_words(Image)
        'an image [batch, channels, height, width]'
    """
    article = "an" if (kind.type_name or "")[:1] in "aeiou" else ""
    plural = kind in (Features, Tokens)
    axes = ("batch", *(kind.axes or ("steps", "...")))
    return f"{article or ('' if plural else 'a')} {kind.type_name} [{', '.join(axes)}]".strip()


def advise(layer: Layer, shape: Shape, before: Layer | None) -> tuple[str, str]:
    """Cause and fix, for a layer that was given a shape it does not take.

    Args:
        layer: The layer.
        shape: What it was given.
        before: The layer that gave it; None for an input of the network.
    """
    if isinstance(shape, Tokens):
        return (
            "tokens are names in numbers; most layers need vectors",
            f"put an embedding before it: {{type: embedding, units: 64}}, or use an input other than tokens for {_word(layer)}",
        )
    if layer.accepts == (Tokens,):
        return (
            f"{_word(layer)} looks up whole numbers, and these are not tokens",
            "let it follow an input {type: tokens, vocabulary: ...}, or remove it",
        )
    if isinstance(shape, Series) and isinstance(shape.item, layer.accepts):
        return (
            f"{_word(layer)} works on one step, and this is a series of them",
            f"write {{type: time_distributed, network: {{type: {_word(layer)}, ...}}}}, which runs it on each step by itself",
        )
    if isinstance(shape, Series) and Sequence in layer.accepts:
        return (
            f"{_word(layer)} needs a vector at each step, and here are more axes",
            "put {type: time_distributed, network: {type: flatten}} before it, or a network that makes a vector of each step",
        )
    sibling = _sibling(layer, shape)
    if sibling is not None:
        return f"{_word(layer)} is the kind for other data: this is {_article(shape)}", f"write type: {sibling}"
    if Sequence in layer.accepts and isinstance(shape, Features) and before is not None:
        wants = _ended(before)
        if wants is not None:
            return "the layer before it gives the last step alone, not the sequence", wants
    if isinstance(before, Flatten):
        return "the layer before it has flattened the data", "remove the flatten before it, or put it after this layer"
    if isinstance(shape, Features) and all(name.startswith("global") for name in [_word(layer)]):
        return "there are no steps or positions left to pool", f"remove {_word(layer)}"
    wanted = next((words for kind, words in _RESHAPES if kind in layer.accepts), "...")
    return (
        f"{_word(layer)} can't work on {_article(shape)}",
        f"put {{type: reshape, shape: {wanted}}} before it, or use a layer that takes {_article(shape)}",
    )


def _ended(before: Layer) -> str | None:
    """What makes the layer before give sequences."""
    # By name, so that a network without recurrent layers doesn't load them.
    if _word(before) == "last_step":
        return "remove the last_step before it, or put it after the last recurrent layer"
    if _word(before) == "bidirectional":
        return "set return_sequences: true in the layer inside bidirectional"
    return f"set return_sequences: true in the {_word(before)} before it" if hasattr(before, "return_sequences") else None


def _sibling(layer: Layer, shape: Shape) -> str | None:
    """The type of the same layer for this shape: conv1d for conv2d on a sequence."""
    rank = _RANKS.get(type(shape))
    name = layer.type_name or ""
    if rank is None or name[-2:] not in _RANKS.values():
        return None
    found = registry.get("layer", name[:-2] + rank)
    return name[:-2] + rank if found is not None and issubclass(found, Layer) and type(shape) in found.accepts else None


def _word(layer: Layer) -> str:
    return layer.type_name or type(layer).__name__


def _article(shape: Shape) -> str:
    return {Features: "plain features", Sequence: "a sequence", Image: "an image", Volume: "a volume", Tokens: "tokens"}.get(
        type(shape), str(shape)
    )
