"""What comes in, found by what the layers behind it take."""

from __future__ import annotations

from dataclasses import dataclass

from lamina.interop.keras.piece import Background
from lamina.interop.keras.source import SourceModel, SourceNode, component

TOKENS = ("Embedding",)
STEPPED = ("TimeDistributed", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")


@dataclass(frozen=True)
class Wanted:
    """What a value should be.

    Attributes:
        tokens: Size of the vocabulary, if an embedding reads it.
        series: Whether each step is treated by itself.
        first: Whether channels come first; None if nobody says.
    """

    tokens: int | None = None
    series: bool = False
    first: bool | None = None


def wanted(model: SourceModel, name: str, back: Background) -> Wanted:
    """What those who read a layer take."""
    counts: list[int] = []
    series = False
    first: list[bool] = []
    seen: set[tuple[int, str]] = set()
    todo = [(model, name)]
    while todo:
        inside, one = todo.pop()
        if (id(inside), one) in seen:
            continue
        seen.add((id(inside), one))
        for node in inside.nodes.values():
            places = [place for call in node.calls for place, item in enumerate(call.references()) if item.layer == one]
            if not places:
                continue
            if node.model is not None:
                todo += [(node.model, node.model.inputs[place].layer) for place in places if place < len(node.model.inputs)]
                continue
            kind, config = node.kind, node.config
            if kind == "TimeDistributed":
                series = True
                kind, config = component(config.get("layer"))
            if kind in TOKENS:
                count = config.get("input_dim")
                counts.append(count if isinstance(count, int) and 0 < count < 1 << 40 else 1)
            elif kind in STEPPED:
                series = True
            said = config.get("data_format", config.get("dim_ordering"))
            if said is not None:
                first.append(said in ("channels_first", "th"))
            elif _same(node):
                todo.append((inside, node.name))
    return Wanted(max(counts) if counts else None, series, first[0] if first else None)


def _same(node: SourceNode) -> bool:
    """Whether a layer gives what it takes, but for its numbers."""
    return node.kind in (
        *("Activation", "Dropout", "BatchNormalization", "GaussianNoise", "Rescaling", "Normalization", "Identity", "Masking", "ReLU"),
        *("LeakyReLU", "ELU", "GaussianDropout", "LayerNormalization", "Add", "Multiply", "Concatenate"),
    )
