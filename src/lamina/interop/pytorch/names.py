"""Tensors of torch's modules by the names that Lamina's layers have for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lamina.interop.notes import Notes

if TYPE_CHECKING:
    import numpy as np

    from lamina.interop.pytorch.tensors import Stored

Arrays = dict[str, "np.ndarray"]
_RECURRENT = re.compile(r"(weight|bias)_(ih|hh|hr)_l(\d+)(_reverse)?$")
_BLOCKS = {
    "attn.": "attention.",
    "self_attention.": "attention.",
    "self_attn.": "attention.",
    "norm1.": "attention_norm.",
    "ln_1.": "attention_norm.",
    "norm2.": "feed_norm.",
    "ln_2.": "feed_norm.",
    "mlp.fc1.": "feed.hidden_",
    "mlp.fc2.": "feed.output_",
    "mlp.linear_1.": "feed.hidden_",
    "mlp.linear_2.": "feed.output_",
    "mlp.0.": "feed.hidden_",
    "mlp.3.": "feed.output_",
    "linear1.": "feed.hidden_",
    "linear2.": "feed.output_",
}
"""Parts of transformer blocks, as timm, torchvision and torch.nn.TransformerEncoderLayer call them, and as they are called here."""


def own_names(tensors: Mapping[str, Stored], notes: Notes) -> Arrays:
    """Arrays by ``path.name``, with weight norms folded, projections taken apart and recurrent layers as Lamina has them."""
    found: Arrays = {}
    for name, stored in tensors.items():
        if name.endswith("num_batches_tracked"):
            continue
        found[name] = stored.array()
    _folded(found, notes)
    _spectral(found, notes)
    _attention(found)
    return _recurrent(found)


def common_prefix(arrays: Mapping[str, object]) -> str:
    """What all names begin with, such as ``module.``."""
    first = next(iter(arrays), "").split(".")[0]
    return f"{first}." if first and all(name.startswith(f"{first}.") for name in arrays) else ""


def _folded(found: Arrays, notes: Notes) -> None:
    """Weights that are kept as lengths and directions."""
    import numpy as np

    pairs = [(name, name[:-2] + "_v", name[:-2]) for name in found if name.endswith("weight_g")]
    pairs += [
        (name, name[:-1] + "1", name.replace("parametrizations.", "")[: -len(".original0")])
        for name in found
        if name.endswith(".original0") and "parametrizations." in name
    ]
    for length, direction, weight in pairs:
        if direction not in found:
            continue
        g, v = found.pop(length), found.pop(direction)
        axes = tuple(axis for axis in range(v.ndim) if axis >= g.ndim or g.shape[axis] == 1)
        norm = np.sqrt((v.astype("f8") ** 2).sum(axis=axes, keepdims=True))
        found[weight] = (v * (g.reshape(norm.shape) / norm)).astype(v.dtype)
        notes.lose(weight, "that the weight is kept as lengths and directions (weight norm): here it is one array")


def _spectral(found: Arrays, notes: Notes) -> None:
    """Weights that are divided by their largest singular value."""
    old = [(name, name[: -len("_orig")], "_u", "_v", name[: -len("_orig")]) for name in found if name.endswith("_orig")]
    new = [
        (name, name[: -len(".original")] + ".0._", "u", "v", name.replace("parametrizations.", "")[: -len(".original")])
        for name in found
        if name.endswith(".original") and "parametrizations." in name
    ]
    for name, start, u, v, weight in [*old, *new]:
        left, right = found.get(start + u), found.get(start + v)
        if left is None or right is None:
            continue
        raw = found.pop(name)
        matrix = raw.reshape(len(left), -1) if raw.shape[0] == len(left) else raw.swapaxes(0, 1).reshape(len(left), -1)
        sigma = float(left.astype("f8") @ matrix.astype("f8") @ right.astype("f8"))
        found[weight] = (raw / sigma).astype(raw.dtype)
        del found[start + u], found[start + v]
        notes.lose(weight, "that the weight is divided by its largest singular value (spectral norm): here it is one array, divided")


def _attention(found: Arrays) -> None:
    """Packed projections of attention, taken apart."""
    words = ("query", "key", "value")
    for name in list(found):
        for packed, kind in (("in_proj_weight", "weight"), ("in_proj_bias", "bias"), ("qkv.weight", "weight"), ("qkv.bias", "bias")):
            if not name.endswith(packed) or found[name].shape[0] % 3:
                continue
            start, array = name[: -len(packed)], found.pop(name)
            size = array.shape[0] // 3
            for place, word in enumerate(words):
                found[f"{start}{word}_{kind}"] = array[place * size : (place + 1) * size]
            for other in ("out_proj.", "proj."):
                if f"{start}{other}{kind}" in found:
                    found[f"{start}output_{kind}"] = found.pop(f"{start}{other}{kind}")
    for name in list(found):
        for end, word in (("q_proj_weight", "query_weight"), ("k_proj_weight", "key_weight"), ("v_proj_weight", "value_weight")):
            if name.endswith(end):
                start = name[: -len(end)]
                found[start + word] = found.pop(name)
                if f"{start}out_proj.weight" in found:
                    found[f"{start}output_weight"] = found.pop(f"{start}out_proj.weight")


def _recurrent(found: Arrays) -> Arrays:
    """Names of recurrent layers: those of the first have no number, those of both directions say theirs."""
    both = {name[: match.start()] for name in found if (match := _RECURRENT.search(name)) and match[4]}
    renamed: Arrays = {}
    for name, array in found.items():
        match = _RECURRENT.search(name)
        if match is None:
            renamed[name] = array
            continue
        start = name[: match.start()]
        way = ("backward_" if match[4] else "forward_") if start in both else ""
        layer = f"_l{match[3]}" if match[3] != "0" else ""
        renamed[f"{start}{way}{match[1]}_{match[2]}{layer}"] = array
    return renamed


def alike(name: str) -> str:
    """A name without what separates its parts.

    Example:
        >>> alike("layer1.0.conv1.weight") == alike("layer1_0_conv1/weight")
        True
    """
    return re.sub(r"[./\-]", "_", name).lower()


def spellings(name: str) -> list[str]:
    """Ways in which a name may be written here."""
    found = [name]
    for there, here in _BLOCKS.items():
        found += [one.replace(f".{there}", f".{here}") for one in found if f".{there}" in one]
    found += [f"{one}.weight" for one in (name,) if not name.rpartition(".")[2].startswith(("weight", "bias"))]
    found += [one.replace("encoder.layers.encoder_layer_", "blocks.") for one in found if "encoder.layers.encoder_layer_" in one]
    return found
